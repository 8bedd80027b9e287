"""What estimators take: the parameters of `config` that they have a use for, and no others."""

from __future__ import annotations

import inspect
import typing
from dataclasses import fields
from typing import Any

import pytest
from sklearn.base import clone

import fieldfare.estimators
from fieldfare.config import GibbsConfig, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.estimators import FMClassifier, FMRanker
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.solvers import SOLVER_KINDS, Defaults
from fieldfare.schema.hints import HINTS

ALL = [getattr(fieldfare.estimators, name) for name in fieldfare.estimators.__all__]
TRAINED = [cls for cls in ALL if "solver" in inspect.signature(cls).parameters]
DECLARED = {
    item.name: item.default
    for group in (ModelConfig, SolverConfig, GibbsConfig, TrainingConfig)
    for item in fields(group)
}
OF_RANKING = {
    "loss",
    "pairs_per_row",
    "negatives",
    "negatives_exponent",
    "known_negatives",
    "unobserved_weight",
    "l2_queries",
    "l2_items",
}
OWN = {"warm_start", "schema", "fields", "callbacks", "groups", *HINTS}


@pytest.mark.parametrize("cls", ALL)
def test_defaults_are_those_of_config(cls: type) -> None:
    signature = inspect.signature(cls).parameters
    # Only rankers choose among solvers of different numbers of factors.
    own = {"solver": "auto"} if cls is FMRanker else {"n_factors": Defaults().n_factors}
    declared = DECLARED | own
    assert {name: p.default for name, p in signature.items() if name not in OWN} == {
        name: declared[name] for name in signature if name not in OWN
    }
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.values())


@pytest.mark.parametrize("cls", TRAINED)
def test_only_what_a_class_has_no_use_for_is_missing(cls: type) -> None:
    signature, name = inspect.signature(cls).parameters, cls.__name__
    of_sampling = {item.name for item in fields(GibbsConfig)}
    missing = set(DECLARED) - set(signature) - {"model", "task"} - of_sampling
    of_factors = {"n_factors", "l1_factors", "l2_factors", "init_scale", "fit_linear"}
    expected = (
        (of_factors if name.startswith("Linear") else set())
        | (set() if name.endswith("Classifier") else {"class_weight"})
        | (set() if name.startswith("HOFM") else {"order", "shared_factors"})
        | (set() if name.startswith("FwFM") else {"l2_fields"})
        | ({"fit_intercept"} if cls is FMRanker else OF_RANKING)
    )
    assert missing == expected
    assert ("fields" in signature) == name.startswith(("FFM", "FwFM"))


@pytest.mark.parametrize("cls", ALL)
def test_the_docstring_describes_every_parameter_and_its_default(cls: type) -> None:
    parameters = (inspect.getdoc(cls) or "").partition("\nParameters\n")[2].partition("\n\n")[0]
    described = [line for line in parameters.splitlines()[1:] if not line.startswith(" ")]
    assert [line.partition(" : ")[0] for line in described] == list(
        inspect.signature(cls).parameters
    )
    for line, parameter in zip(described, inspect.signature(cls).parameters.values(), strict=True):
        assert line.endswith(f", default={parameter.default!r}")


@pytest.mark.parametrize("cls", ALL)
def test_constructors_store_what_they_are_given(cls: type) -> None:
    given = {name: object() for name in inspect.signature(cls).parameters}
    assert cls(**given).get_params(deep=False) == given
    with pytest.raises(ConfigError, match="no_such_parameter"):
        cls(no_such_parameter=1)


@pytest.mark.parametrize("cls", ALL)
def test_clones_have_the_same_parameters(cls: type) -> None:
    estimator = cls(random_state=3)
    assert clone(estimator).get_params() == estimator.get_params()


@pytest.mark.parametrize("solver", SOLVER_KINDS)
@pytest.mark.parametrize("cls", TRAINED)
def test_the_solvers_of_the_signature_are_those_that_work(cls: Any, solver: str) -> None:
    X = [{"user": user, "item": item} for user, item in zip("abab", "xyyx", strict=True)]
    estimator = cls(solver=solver, max_iter=1, n_jobs=1, random_state=0)
    if cls is FMRanker:
        given = {} if solver == "nonsampled" else {"y": [1, 0, 0, 1], "qid": [0, 0, 1, 1]}
    else:
        given = {"y": [0, 1, 1, 0]}
    hints = typing.get_type_hints(cls.__init__)
    if solver in typing.get_args(hints["solver"]):
        assert estimator.fit(X, **given).n_iter_ == 1
    else:
        with pytest.raises(ConfigError, match=solver):
            estimator.fit(X, **given)


def test_annotations_can_be_read_at_run_time() -> None:
    hints = typing.get_type_hints(FMClassifier.__init__)
    assert hints["n_factors"] is int
    assert hints["early_stopping"] == bool | typing.Literal["auto"]
