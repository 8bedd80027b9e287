"""The core knows kinds of models, losses and rules by the names that Python gives them."""

from __future__ import annotations

import pytest

from fieldfare import _core
from fieldfare.kernels.native import core_spec
from fieldfare.kinds.losses import LOSSES
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.kinds.solvers import SOLVER_KINDS


def test_the_core_has_every_kind_of_model():
    assert sorted(_core.kinds()) == sorted(MODEL_KINDS)


def test_the_core_has_every_loss():
    assert sorted(_core.losses()) == sorted(LOSSES)


def test_the_core_has_every_solver_that_visits_row_after_row():
    wanted = [name for name, kind in SOLVER_KINDS.items() if not kind.needs_all_rows]
    assert sorted(_core.rules()) == sorted(wanted)


@pytest.mark.parametrize("rule", _core.rules())
def test_state_is_what_the_solver_declares(make_spec, rule):
    layout = core_spec(make_spec(solver=rule)).layout()
    kind = SOLVER_KINDS[rule]
    assert layout.slots == kind.slots
    assert layout.state_per_weight == (not kind.slots_per_vector)
    assert layout.sums_squares == kind.starts_at_unit


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("x", "squared", "sgd"), "no kind of model 'x', only linear, fm, ffm, fwfm, hofm"),
        (("fm", "x", "sgd"), "no loss 'x', only squared, logistic, softmax, pairwise, hinge"),
        (("fm", "squared", "x"), "no gradient rule 'x', only adagrad, rowwise_adagrad, sgd, ftrl"),
    ],
)
def test_an_unknown_name_is_refused(names, message):
    with pytest.raises(ValueError, match=message):
        _core.Spec(*names, 1, 4, 0, True, True, False, False, ())  # type: ignore[call-arg]
