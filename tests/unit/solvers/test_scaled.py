"""Training on numbers of unequal size is training on scaled ones, with the model written back."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import Dataset
from fieldfare.data.loading import load
from fieldfare.exceptions import DataWarning, ModelWarning
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.kinds.solvers import SOLVER_KINDS
from fieldfare.models.base import Model
from fieldfare.models.scaling import is_mapped
from fieldfare.settings import Settings
from fieldfare.store.row_store import RowStore
from fieldfare.training.functions import evaluate, train
from fieldfare.training.job import Job
from fieldfare.training.loop.callbacks import Callback, Checkpoint

SPREAD = np.array([1000, 0.01, 1, 30, 5])
MEAN = np.array([3000, 0.02, 0, -200, 5])
STEPS = {"sgd": 0.02, "sgda": 0.02}


def table(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five numbers of very unequal size, and a target that depends on all of them and on a pair."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(n, 5))
    y = z @ [1, -2, 0.5, 1, 1] + z[:, 0] * z[:, 1] + random.normal(size=n) * 0.1 + 7
    return z * SPREAD + MEAN, y


def dataset(n: int = 300, seed: int = 0, *, fields: bool = False) -> Dataset:
    x, y = table(n, seed)
    return load(x, target=y, fields=list(range(5)) if fields else None)


def settings(solver: str = "adagrad", kind: str = "fm", **more: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "random_state": 0, "n_jobs": 1, "max_iter": 8, "task": "regression",
    }  # fmt: skip
    if kind != "linear":
        plain["n_factors"] = 3
    if solver != "als":  # which has no steps
        plain["learning_rate"] = STEPS.get(solver, 0.4)
    return plain | {"solver": solver} | more


def pairs_of_kind_and_solver() -> list[tuple[str, str]]:
    return [
        (kind.name, solver.name)
        for solver in SOLVER_KINDS.values()
        for kind in MODEL_KINDS.values()
        if solver.takes(kind) and "regression" in solver.tasks
    ]


@pytest.mark.parametrize(("kind", "solver"), pairs_of_kind_and_solver())
def test_it_is_training_on_numbers_scaled_by_hand(kind: str, solver: str) -> None:
    data = dataset(fields=MODEL_KINDS[kind].uses_fields)
    found = train(data, model=kind, **settings(solver, kind)).model
    scaling = found.scaling
    assert scaling is not None
    by_hand = data.with_()
    scaled = scaling.apply(data.rows, data.schema.field_of if data.schema.n_fields else None)
    by_hand = Dataset(scaled, data.schema)
    twin = train(by_hand, model=kind, scale_features=False, **settings(solver, kind)).model
    assert twin.scaling is None
    expected = twin.score(scaled)
    np.testing.assert_allclose(found.score(data.rows), expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", [kind for kind in MODEL_KINDS if kind != "hofm"])
@pytest.mark.parametrize("solver", ["adagrad", "sgd", "ftrl"])
def test_numbers_of_unequal_size_are_learned_from(kind: str, solver: str) -> None:
    data = dataset(fields=MODEL_KINDS[kind].uses_fields)
    result = train(data, model=kind, **settings(solver, kind, max_iter=30))
    rmse = evaluate(result.model, dataset(seed=1, fields=data.schema.n_fields > 0), "rmse")["rmse"]
    assert rmse < (1.3 if kind == "linear" else 0.6)  # of the constant it is 2.9


def test_the_validation_loss_is_that_of_the_model_that_is_returned() -> None:
    valid = dataset(seed=1)
    result = train(dataset(), valid=valid, **settings())
    best = result.history.best["valid_rmse"]
    assert evaluate(result.model, valid, "rmse")["rmse"] == pytest.approx(best, rel=1e-6)


def test_callbacks_see_the_model_of_values_as_they_are() -> None:
    seen: list[Model] = []

    class Look(Callback):
        def on_epoch_end(self, state) -> None:
            seen.append(state.solver.export())

    result = train(dataset(), callbacks=[Look()], **settings())
    np.testing.assert_array_equal(seen[-1].linear, result.model.linear)
    np.testing.assert_array_equal(seen[-1].factors, result.model.factors)


@pytest.mark.parametrize("solver", ["adagrad", "als"])
def test_a_store_on_disk_trains_as_memory_does(tmp_path: Path, solver: str) -> None:
    data = dataset()
    store = RowStore.build([data.rows], tmp_path / "store")
    assert is_mapped(store.rows)
    assert not is_mapped(data.rows)
    assert not is_mapped(data.rows.slice(3, 9))
    on_disk = train(store, **settings(solver)).model
    in_memory = train(data, **settings(solver)).model
    for name, array in in_memory.arrays().items():
        np.testing.assert_array_equal(on_disk.arrays()[name], array)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    path = tmp_path / "run.ffc"
    whole = train(dataset(), **settings(max_iter=6)).model
    train(dataset(), callbacks=[Checkpoint(path)], **settings(max_iter=3))
    resumed = train(dataset(), resume=path, **settings(max_iter=6)).model
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(resumed.arrays()[name], array)


@pytest.mark.parametrize(("kind", "solver"), [("fm", "sgd"), ("ffm", "sgd"), ("linear", "als")])
def test_two_halves_are_the_whole(kind: str, solver: str) -> None:
    data = dataset(fields=kind == "ffm")
    order = {} if solver == "als" else {"shuffle": False}
    whole = train(data, model=kind, **settings(solver, kind, max_iter=8, **order)).model
    given = {n: v for n, v in settings(solver, kind, max_iter=4, **order).items() if n != "task"}
    first = train(data, model=kind, task="regression", **given).model
    second = train(data, model=first, **given).model
    assert second.scaling is not None
    np.testing.assert_allclose(second.score(data.rows), whole.score(data.rows), atol=5e-3)


def test_a_model_keeps_its_scales_on_other_rows() -> None:
    first = train(dataset(), **settings()).model
    x, y = table(seed=2)
    second = train(load(x * 4, target=y), model=first, random_state=0, n_jobs=1).model
    np.testing.assert_array_equal(second.scaling.scale, first.scaling.scale)
    with pytest.warns(ModelWarning, match="worse than a constant"):
        plain = train(load(x, target=y), model=first, scale_features=False, max_iter=1).model
    assert plain.scaling is None


def test_new_features_are_scaled_by_the_rows_that_bring_them() -> None:
    x, y = table()
    wide = np.column_stack([x, x[:, 0] * 100])
    first = train(load(x, target=y), **settings()).model
    second = train(load(wide, target=y), model=first, random_state=0, n_jobs=1).model
    np.testing.assert_array_equal(second.scaling.scale[:5], first.scaling.scale)
    assert second.scaling.scale[5] in (2.0**16, 2.0**17)
    assert np.isfinite(second.score(load(wide, labelled=False).rows)).all()


def test_a_session_is_pickled_with_its_scales() -> None:
    data = dataset()
    given = TrainingConfig(random_state=0, n_jobs=1, max_iter=2)
    job = Job.of(data, Settings(given, SolverConfig()), task="regression")
    session = job.start(ModelConfig(task="regression"))
    job.run(session)
    other = pickle.loads(pickle.dumps(session))
    one, two = job.run(session).model, job.run(other).model
    np.testing.assert_array_equal(one.factors, two.factors)
    assert other.scaling is not None


def test_comparisons_of_rows_are_learned_from_scaled_ones(tmp_path: Path) -> None:
    x, y = table()
    data = load(x, target=np.round(y - y.min()), group=np.arange(len(y)) // 10)
    given = settings(task="rank", max_iter=20)
    with pytest.warns(DataWarning, match="100% of the validation rows"):
        found = train(data, valid=data, **given)
    assert found.model.scaling is not None
    assert found.history.best["valid_ndcg"] > 0.95
    store = RowStore.build([data.rows], tmp_path / "store")
    with pytest.warns(DataWarning, match="100% of the validation rows"):
        again = train(store, valid=data, **given)
    np.testing.assert_array_equal(again.model.linear, found.model.linear)
