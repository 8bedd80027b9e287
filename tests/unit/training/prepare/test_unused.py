"""Settings without effect: a warning comes exactly where a parameter changes nothing."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.loading import load
from fieldfare.estimators import BayesianFMRegressor, FFMClassifier, FMClassifier, FMRanker
from fieldfare.exceptions import SettingWarning
from fieldfare.kinds.solvers import SOLVER_KINDS
from fieldfare.store.row_store import RowStore
from fieldfare.training.bayes.functions import sample
from fieldfare.training.crossval import cross_validate
from fieldfare.training.functions import train

N_ROWS = 400
RANDOM = np.random.default_rng(0)
TABLE = {
    "user": RANDOM.integers(0, 15, N_ROWS).astype(str),
    "item": RANDOM.integers(0, 40, N_ROWS).astype(str),
    "clicked": RANDOM.integers(0, 2, N_ROWS),
}
OTHER = {name: RANDOM.permutation(values) for name, values in TABLE.items()}
# A value of each parameter that makes itself felt.
FELT: dict[str, Any] = {
    "n_factors": 3,
    "init_scale": 0.3,
    "order": 4,
    "shared_factors": True,
    "learning_rate": 0.07,
    "l2_linear": 0.3,
    "l2_factors": 0.3,
    "l2_exponent": 0.25,
    "l2_fields": 0.5,
    "l1_linear": 0.2,
    "l1_factors": 0.2,
    "ftrl_beta": 5.0,
    "unobserved_weight": 0.9,
    "l2_queries": 0.5,
    "l2_items": 0.5,
    "shuffle": False,
}
WAYS: list[dict[str, Any]] = [
    *({"model": name} for name in ("linear", "fm", "ffm", "fwfm", "hofm")),
    *({"solver": name} for name in SOLVER_KINDS if name != "nonsampled"),
    {"task": "rank", "solver": "nonsampled"},
]


def parameters(**how: Any) -> list[np.ndarray]:
    table = {k: v for k, v in TABLE.items() if k != "clicked"} if "task" in how else TABLE
    given = {"random_state": 0, "max_iter": 2, "early_stopping": False} | how
    given |= {} if "task" in how else {"target": "clicked"}
    model = train(table, **given).model
    return [a for a in (model.linear, model.factors, model.pair_weights) if a is not None]


@pytest.mark.parametrize("how", WAYS, ids=str)
@pytest.mark.parametrize("name", FELT)
def test_a_parameter_is_used_or_named(how: dict[str, Any], name: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SettingWarning)
        changed = parameters(**how | {name: FELT[name]})
    plain = parameters(**how)
    same = all(np.array_equal(a, b) for a, b in zip(changed, plain, strict=True))
    assert [f"{name}={FELT[name]!r} (it is for " in str(one.message) for one in caught] == (
        [True] if same else []
    )


def test_needs_are_declared_for_every_parameter_that_belongs_to_something() -> None:
    groups = (ModelConfig, SolverConfig, TrainingConfig)
    declared = {i.name for group in groups for i in fields(group) if i.metadata["needs"]}
    assert set(FELT) - {"l2_exponent"} <= declared


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_iter_no_change": 9, "early_stopping": False}, "early stopping"),
        ({"tol": 0.1, "early_stopping": False}, "early stopping"),
        ({"validation_fraction": 0.3, "early_stopping": False}, "early stopping without valid"),
        ({"validation_fraction": 0.3, "valid": OTHER}, "early stopping without validation data"),
        ({"eval_metric": "auc", "early_stopping": False}, "validation"),
        ({"pairs_per_row": 3}, "ranking by comparisons that are drawn"),
        ({"known_negatives": True}, "drawn 'negatives'"),
        ({"negatives_exponent": 0.3}, "negatives='popularity'"),
        ({"solver": "als", "l1_linear": 1.0}, "solver='ftrl'"),
        ({"model": "fm", "order": 5}, "model='hofm'"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(list(value)),
)
def test_the_warning_says_what_a_setting_is_for(given: dict[str, Any], words: str) -> None:
    with pytest.warns(SettingWarning, match=words):
        train(TABLE, target="clicked", max_iter=1, **given)


def test_rows_in_memory_keep_to_no_limit_below_their_size() -> None:
    many = {name: np.tile(values, 200) for name, values in TABLE.items()}
    train(many, target="clicked", max_iter=1, random_state=0, memory_limit=10)
    with pytest.warns(SettingWarning, match=r"memory_limit=1 \(it is for training from disk"):
        train(many, target="clicked", max_iter=1, random_state=0, memory_limit=1)


def test_settings_that_are_used_are_not_mentioned(tmp_path: Any) -> None:
    data = load(TABLE, target="clicked")
    store = RowStore.build([data.rows], tmp_path / "store", schema=data.schema)
    pairs = {k: v for k, v in TABLE.items() if k != "clicked"}
    drawn = {"negatives": "popularity", "negatives_exponent": 0.5, "known_negatives": True}
    stopped = {"validation_fraction": 0.2, "n_iter_no_change": 2, "tol": 0.1}
    for samples, given in (
        (store, {"memory_limit": 1}),
        (data, {"early_stopping": True, **stopped}),
        (data, {"valid": data, "early_stopping": False, "eval_metric": "auc"}),
        (pairs, {"task": "rank", "pairs_per_row": 3, **drawn}),
        # Defaults count as not set, whether written out or not.
        (data, {"solver": "als", "l1_linear": 0.0, "learning_rate": "auto"}),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train(samples, max_iter=1, random_state=0, **given)
        assert not [one for one in caught if one.category is SettingWarning]


def test_one_line_says_it_for_each_training_by_every_way_in() -> None:
    X, y = {k: TABLE[k] for k in ("user", "item")}, TABLE["clicked"]
    how = {"l1_linear": 1.0, "ftrl_beta": 3.0, "max_iter": 1}
    ways = [
        (lambda: train(TABLE, target="clicked", **how), 1),
        (lambda: cross_validate(TABLE, target="clicked", folds=2, **how), 2),
        (lambda: FMClassifier(**how).fit(X, y), 1),
        (lambda: FMClassifier(**how).partial_fit(X, y).partial_fit(X, y), 1),
        (lambda: FMRanker(solver="nonsampled", **how).fit(X), 1),
    ]
    for way, n_trainings in ways:
        with pytest.warns(SettingWarning) as caught:
            way()
        lines = [str(one.message) for one in caught]
        assert len(lines) == n_trainings
        assert all("l1_linear=1.0" in line and "ftrl_beta=3.0" in line for line in lines)
        assert not any("\n" in line for line in lines)


def test_one_visit_needs_no_word_on_how_training_ends() -> None:
    fm = FMClassifier(early_stopping=False, n_iter_no_change=9, eval_metric="auc")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fm.partial_fit({"user": TABLE["user"]}, TABLE["clicked"])
    assert not caught


def test_samples_of_a_model_without_factors_or_orders() -> None:
    how = {"target": "clicked", "task": "regression", "n_samples": 1, "n_warmup": 0}
    with pytest.warns(SettingWarning, match=r"n_factors=3 .*order=5 "):
        sample(TABLE, model="linear", n_factors=3, order=5, **how)
    with pytest.warns(SettingWarning, match=r"order=5 \(it is for model='hofm'\)"):
        BayesianFMRegressor(order=5, n_samples=1).fit({"user": TABLE["user"]}, TABLE["clicked"])


def test_the_length_of_unknown_features_needs_rows_of_unit_length() -> None:
    how = {"target": "clicked", "max_iter": 1, "norm_unknown": True}
    with pytest.warns(SettingWarning, match=r"norm_unknown=True \(it is for instance_norm=True\)"):
        train(TABLE, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SettingWarning)
        train(TABLE, instance_norm=True, **how)


def test_one_field_needs_no_model_that_uses_fields() -> None:
    with pytest.warns(SettingWarning, match="model='ffm' .* several fields"):
        FFMClassifier(max_iter=1).fit({"user": TABLE["user"]}, TABLE["clicked"])


class TestWhatStaysWhileTrainingContinues:
    X, y = {k: TABLE[k] for k in ("user", "item")}, TABLE["clicked"]

    @pytest.mark.parametrize(
        "changed",
        [{"learning_rate": 0.01}, {"solver": "sgd"}, {"n_factors": 5}, {"instance_norm": True}],
        ids=str,
    )
    def test_a_change_is_named(self, changed: dict[str, Any]) -> None:
        (name,) = changed
        warm = FMClassifier(max_iter=1, warm_start=True).fit(self.X, self.y)
        online = FMClassifier().partial_fit(self.X, self.y)
        for learn in (warm.set_params(**changed).fit, online.set_params(**changed).partial_fit):
            with pytest.warns(SettingWarning, match=rf"{name}=.* \(it stays .*Train a new model"):
                learn(self.X, self.y)

    def test_a_loaded_model_keeps_its_kind_and_takes_another_solver(self, tmp_path: Any) -> None:
        FMClassifier(n_factors=3, max_iter=1).fit(self.X, self.y).save(tmp_path / "model.ff")
        loaded = FMClassifier.load(tmp_path / "model.ff").set_params(learning_rate=0.01)
        loaded.partial_fit(self.X, self.y)
        again = FMClassifier.load(tmp_path / "model.ff").set_params(n_factors=5)
        with pytest.warns(SettingWarning, match=r"n_factors=5 \(it stays 3\)"):
            again.partial_fit(self.X, self.y)
