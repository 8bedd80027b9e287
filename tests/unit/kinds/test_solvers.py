"""Declarations of solvers: they agree with each other and with the classes that run them."""

from __future__ import annotations

import pytest

from fieldfare.kinds.losses import TASKS
from fieldfare.kinds.models import FFM, FM, FWFM, HOFM, LINEAR
from fieldfare.kinds.solvers import ALS, FTRL, GIBBS, NONSAMPLED, SGDA, SOLVER_KINDS, SolverKind
from fieldfare.solvers.registry import SOLVER_CLASSES

EACH = pytest.mark.parametrize("kind", SOLVER_KINDS.values(), ids=SOLVER_KINDS)


def test_every_solver_has_a_class_that_runs_it() -> None:
    assert set(SOLVER_CLASSES) == set(SOLVER_KINDS)
    for name, solver in SOLVER_CLASSES.items():
        assert SOLVER_KINDS[name] in solver.runs


@EACH
def test_a_declaration_is_consistent(kind: SolverKind) -> None:
    assert set(kind.tasks) <= set(TASKS)
    assert kind.model_kinds
    assert kind.takes_steps or kind.needs_all_rows  # visiting row after row takes steps
    assert kind.slots == 0 or not kind.needs_all_rows  # a training table has the slots
    assert kind.slots or not (kind.slots_per_vector or kind.weights_from_state)


def test_what_each_solver_takes() -> None:
    everything = (LINEAR, FM, FFM, FWFM, HOFM)
    taken = {
        kind.name: [model.name for model in everything if kind.takes(model)]
        for kind in (FTRL, ALS, GIBBS, SGDA, NONSAMPLED)
    }
    assert taken == {
        "ftrl": ["linear", "fm", "ffm", "fwfm", "hofm"],
        "als": ["linear", "fm", "hofm"],
        "gibbs": ["linear", "fm", "hofm"],
        "sgda": ["linear", "fm"],
        "nonsampled": ["fm"],
    }
