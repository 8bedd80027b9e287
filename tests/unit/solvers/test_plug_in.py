"""A solver that only this file knows trains like the others: declared once, and registered."""

from __future__ import annotations

from typing import final

import numpy as np
import pytest

import fieldfare as ff
from fieldfare._typing import Float32Array, Int64Array
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.models import InteractionForm
from fieldfare.kinds.solvers import SOLVER_KINDS, SolverKind, Steps
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.solvers.registry import SOLVER_CLASSES
from fieldfare.solvers.tables import TableSolver, labels_of

BATCH = SolverKind(
    "batch",
    "gradient descent on all rows at once",
    Steps.PLAIN,
    interactions=frozenset({InteractionForm.NONE}),
    tasks=("regression",),
    needs_all_rows=True,
)


@final
class BatchSolver(TableSolver):
    """Moves the bias and the linear weights against the mean gradient of the squared error."""

    runs = (BATCH,)
    _own_state = ()

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        rows = as_rows(rows)
        residual = self.score(rows)[:, 0][order] - labels_of(rows, order)
        rates = self._origin.spec(self.config).rates("linear")
        row = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
        values = np.ones(rows.nnz, np.float32) if rows.values is None else rows.values
        by_row = np.zeros(len(rows), np.float32)
        by_row[order] = residual
        gradient = np.bincount(rows.indices, by_row[row] * values, self.n_features) / len(order)
        self._linear -= (rates.learning_rate * gradient).astype(np.float32)
        self._bias -= np.float32(rates.learning_rate * residual.mean())
        return float((residual**2).sum()), float(len(order))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVER_KINDS, BATCH.name, BATCH)
    monkeypatch.setitem(SOLVER_CLASSES, BATCH.name, BatchSolver)


def _table(n: int = 300) -> dict[str, object]:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 4, n), random.integers(0, 3, n)
    y = a - 2.0 * b + random.normal(scale=0.1, size=n)
    return {"a": [f"a{i}" for i in a], "b": [f"b{i}" for i in b], "y": y}


def test_it_trains_resumes_and_is_kept_in_the_file(tmp_path) -> None:
    how = {"target": "y", "task": "regression", "model": "linear", "solver": "batch",
           "random_state": 0, "early_stopping": False}  # fmt: skip
    whole = ff.train(_table(), max_iter=200, **how)
    assert whole.history["train_loss"][-1] < 0.02 < 1 < whole.history["train_loss"][0]
    saved = tmp_path / "state"
    ff.train(_table(), max_iter=120, callbacks=[ff.Checkpoint(saved)], **how)
    resumed = ff.train(_table(), max_iter=200, resume=saved, **how)
    np.testing.assert_array_equal(resumed.model.linear, whole.model.linear)
    ff.save_model(whole.model, tmp_path / "m.ff")
    trained_by = ff.load_model(tmp_path / "m.ff").trained_by
    assert trained_by is not None
    assert trained_by.solver.kind is BATCH


def test_estimators_know_what_it_is_like() -> None:
    table = _table()
    x = {name: table[name] for name in ("a", "b")}
    import pandas as pd

    fitted = ff.LinearRegressor(solver="batch", max_iter=200, random_state=0)
    fitted.fit(pd.DataFrame(x), table["y"])
    assert fitted.score(pd.DataFrame(x), table["y"]) > 0.9
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = fitted.partial_fit
    with pytest.raises(ConfigError, match="is for models of the kinds linear. Got model='fm'"):
        ff.FMRegressor(solver="batch").fit(pd.DataFrame(x), table["y"])
    with pytest.raises(ConfigError, match="is for the tasks 'regression'. Got task='binary'"):
        ff.LinearClassifier(solver="batch").fit(pd.DataFrame(x), np.array(table["y"]) > 0)
