"""A resumed run ends where the uninterrupted one does, to the last bit."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.exceptions import TrainingError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.kinds.solvers import SOLVER_KINDS
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.loop.callbacks import Callback, Checkpoint, parameter_arrays
from fieldfare.training.loop.run import FitResult
from fieldfare.training.loop.session import fit


def _rows(n: int, seed: int) -> Rows:
    random = np.random.default_rng(seed)
    indices = (random.integers(0, 6, (n, 3)) + [0, 6, 12]).astype(np.uint32).ravel()
    return Rows(
        np.arange(0, 3 * n + 1, 3, dtype=np.int64),
        indices,
        values=random.normal(size=3 * n).astype(np.float32),
        fields=np.tile(np.arange(3, dtype=np.uint16), n),
        target=random.integers(0, 2, n).astype(np.float32),
    )


TRAIN, VALID = _rows(1500, 0), _rows(300, 1)


def _fit(model: str, solver: str, config: TrainingConfig, **how) -> FitResult:
    kind = ModelConfig(model=model, n_factors=3)
    start = build(kind, n_features=18, n_fields=3, seed=5)
    return fit(
        start,
        SolverConfig(solver=solver, learning_rate=0.1, l1_linear=0.01),
        TRAIN,
        config=config,
        **how,
    )


def assert_same(a: FitResult, b: FitResult) -> None:
    for name, array in parameter_arrays(a.model).items():
        np.testing.assert_array_equal(array, parameter_arrays(b.model)[name])
    strip = [[{k: v for k, v in e.items() if k != "seconds"} for e in r.history] for r in (a, b)]
    assert strip[0] == strip[1]
    assert (a.history.best_epoch, a.history.stopped) == (b.history.best_epoch, b.history.stopped)


@examples(20)
@given(
    model=st.sampled_from(list(MODEL_KINDS)),
    # The solver for recall takes other data: tests/unit/solvers/test_nonsampled.py resumes it.
    solver=st.sampled_from([name for name, kind in SOLVER_KINDS.items() if "binary" in kind.tasks]),
    stop=st.integers(1, 5),
    validated=st.booleans(),
    patience=st.integers(1, 3),
)
def test_resume_equals_going_on(
    model: str, solver: str, stop: int, validated: bool, patience: int
) -> None:
    assume(SOLVER_KINDS[solver].takes(MODEL_KINDS[model]))
    config = TrainingConfig(max_iter=6, n_iter_no_change=patience, random_state=3, n_jobs=1)
    valid = VALID if validated else None
    whole = _fit(model, solver, config, valid=valid)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.ckpt"
        _fit(model, solver, replace(config, max_iter=stop), valid=valid,
             callbacks=[Checkpoint(path)])  # fmt: skip
        resumed = _fit(model, solver, config, valid=valid, resume=path)
    assert_same(whole, resumed)


class _InterruptAt(Callback):
    def on_block(self, state) -> None:
        if state.epoch == 4:
            raise KeyboardInterrupt


def test_resume_after_ctrl_c_in_the_middle_of_an_epoch(tmp_path) -> None:
    config = TrainingConfig(
        max_iter=6, n_iter_no_change=9, early_stopping=True, random_state=3, n_jobs=1
    )
    path = tmp_path / "run.ckpt"
    cut = _fit("fm", "adagrad", config, callbacks=[Checkpoint(path), _InterruptAt()])
    assert cut.interrupted
    assert_same(_fit("fm", "adagrad", config), _fit("fm", "adagrad", config, resume=path))


def test_seed_comes_from_the_checkpoint(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    config = TrainingConfig(max_iter=3, random_state=11, n_jobs=1)
    whole = _fit("fm", "adagrad", config)
    _fit("fm", "adagrad", replace(config, max_iter=1), callbacks=[Checkpoint(path)])
    assert_same(whole, _fit("fm", "adagrad", replace(config, random_state=None), resume=path))


def test_foreign_checkpoint_is_refused(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    config = TrainingConfig(max_iter=1, random_state=1)
    _fit("fm", "adagrad", config, callbacks=[Checkpoint(path)])
    with pytest.raises(TrainingError, match="another run"):
        _fit("fm", "adagrad", replace(config, random_state=2), resume=path)
    with pytest.raises(TrainingError, match="valid_logloss"):
        _fit("fm", "adagrad", config, resume=path, valid=VALID)
    target = TRAIN.target.copy()
    target[3] = 1 - target[3]
    start = build(ModelConfig(), n_features=18)
    with pytest.raises(TrainingError, match="other content"):
        fit(start, SolverConfig(), TRAIN.with_(target=target), config=config, resume=path)
    with pytest.raises(TrainingError, match="run.ckpt does not fit.*model kind, size and solver"):
        _fit("ffm", "adagrad", config, resume=path)
