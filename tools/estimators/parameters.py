"""Parameters as signatures and docstrings of estimators show them, from `fieldfare.config`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from fieldfare._validation import AnyOf, Constraint, Flag, Instance, Number, OneOf, Several
from fieldfare.config import (
    GibbsConfig,
    KerasConfig,
    ModelConfig,
    SolverConfig,
    TrainingConfig,
    description,
)
from fieldfare.kinds.solvers import SOLVER_KINDS, SolverKind

GROUPS = (ModelConfig, SolverConfig, GibbsConfig, KerasConfig, TrainingConfig)


@dataclass(frozen=True)
class Parameter:
    """One parameter of one estimator."""

    name: str
    default: Any
    annotation: str
    """Type in the signature, as source."""
    words: str
    """Type in the docstring, as numpydoc writes it."""
    doc: str


@dataclass(frozen=True)
class Change:
    """What a class declares about a parameter of `config` in its own way; None: as it is there."""

    default: Any = None
    options: Sequence[str] | None = None
    """The values that the class has a use for, of those that `config` allows."""
    doc: str | None = None


# Types that a constraint does not tell: in the signature, and in words.
TYPES = {
    "random_state": (
        "int | np.random.RandomState | np.random.Generator | None",
        "int, RandomState, Generator or None",
    ),
}

# The parameters that only estimators have.
OWN = {
    item.name: item
    for item in (
        Parameter(
            "groups",
            None,
            'Sequence[int | str] | AnyArray | Literal["all"] | None',
            "array-like of shape (n_features,), 'all' or None",
            "Which features share a prior: None for those of the same field, 'all' for all of "
            "them, or the number or name of the group of each feature, after encoding.",
        ),
        Parameter(
            "warm_start",
            False,
            "bool",
            "bool",
            "Whether `fit` continues from the last `fit`, with the state of the optimiser, instead "
            "of starting anew. New values of categorical columns extend the model.",
        ),
        Parameter(
            "schema",
            None,
            "Schema | None",
            "Schema or None",
            "What the columns of a data frame or a file mean; None infers it. Ignored for numeric "
            "arrays.",
        ),
        Parameter(
            "fields",
            None,
            "Sequence[int | str] | AnyArray | None",
            "array-like of shape (n_features,) or None",
            "Field of each column of an array, as numbers or names; None gives every column a "
            "field of its own. Data frames and files have fields already.",
        ),
        Parameter(
            "categorical",
            None,
            "Sequence[str] | None",
            "sequence of str or None",
            "Columns of a data frame or a file that are categories, whatever they look like.",
        ),
        Parameter(
            "numeric",
            None,
            "Sequence[str] | None",
            "sequence of str or None",
            "Columns that are numbers.",
        ),
        Parameter(
            "ignore",
            None,
            "Sequence[str] | None",
            "sequence of str or None",
            "Columns that are not used.",
        ),
        Parameter(
            "bins",
            None,
            "int | Mapping[str, int] | None",
            "int in [2, 1000], mapping from column to int, or None",
            "Quantile bins instead of a number: so many for every numeric column, or for the named "
            "ones.",
        ),
        Parameter(
            "na_values",
            None,
            "Sequence[str] | Mapping[str, Sequence[str]] | None",
            "sequence of str, mapping from column to sequence of str, or None",
            "Texts that mean a missing value: a sequence adds to the standard ones, for all "
            "columns; a mapping says exactly which are missing in the named columns.",
        ),
        Parameter(
            "callbacks",
            None,
            "Sequence[Callback] | None",
            "sequence of Callback or None",
            "Instances of `fieldfare.Callback`, called in this order.",
        ),
    )
}


def resolve(
    name: str, takes: frozenset[str], changes: Mapping[str, Change | Parameter]
) -> Parameter:
    """Return a parameter of a class that takes all of ``takes``.

    Only a class that lets the order be chosen takes one value per order, and has the notes on
    higher orders.
    """
    change = changes.get(name, Change())
    if isinstance(change, Parameter):
        return change
    if name in OWN:
        return replace(OWN[name], doc=change.doc or OWN[name].doc)
    declared = _declared()[name]
    of_orders = "order" in takes
    constraint: Constraint = declared.metadata["constraint"]
    if change.options is not None:
        constraint = OneOf(tuple(change.options))
    if not of_orders:
        constraint = _without(constraint, lambda one: isinstance(one, Several))
    solvers = _solvers_of(changes)
    if change.default is not None and declared.default == "auto":
        # The class has a default of its own, and nothing to choose it by.
        constraint, solvers = _without(constraint, lambda one: one.allows("auto")), []
    default = declared.default if change.default is None else change.default
    if not constraint.allows(default):
        raise ValueError(f"{name}={default!r} is not {constraint}")
    annotation, words = TYPES.get(name) or (annotate(constraint), describe(constraint))
    doc = change.doc or description(declared, note=of_orders, solvers=solvers)
    return Parameter(name, default, annotation, words, doc)


def _solvers_of(changes: Mapping[str, Change | Parameter]) -> list[SolverKind]:
    """Return the solvers that a class lets users choose from."""
    change = changes.get("solver", Change())
    names = change.options if isinstance(change, Change) else None
    return [kind for name, kind in SOLVER_KINDS.items() if names is None or name in names]


def annotate(constraint: Constraint) -> str:
    """Return the type annotation for what a constraint allows."""
    kinds = _kinds(constraint)
    if "int" in kinds:  # which bool and whole numbers are, too
        kinds = [kind for kind in kinds if kind != "bool" and not kind.startswith("Literal[-")]
    return " | ".join(sorted(dict.fromkeys(kinds), key=lambda kind: kind == "None"))


def describe(constraint: Constraint) -> str:
    """Return what a constraint allows, as the types of a numpydoc section are written."""
    match constraint:
        case Number(low, high, low_open, high_open, integer):
            kind = "int" if integer else "float"
            if low is None:
                return kind
            if high is None:
                return f"{kind} {'>' if low_open else '>='} {low:g}"
            # Not by :g, which would round a large integer.
            top = high if integer else f"{high:g}"
            return f"{kind} in {'(' if low_open else '['}{low:g}, {top}{')' if high_open else ']'}"
        case OneOf(options):
            shown = ", ".join(map(repr, options))
            return shown if len(options) == 1 else f"{{{shown}}}"
        case Several(each):
            return f"sequence of {describe(each)}"
        case AnyOf(constraints):
            *first, last = map(describe, constraints)
            return f"{', '.join(first)} or {last}"
        case Flag():
            return "bool"
        case Instance(types):
            return " or ".join(_INSTANCES[kind][1] for kind in types)
    raise TypeError(f"there are no words for the constraint {constraint!r}")


def _kinds(constraint: Constraint) -> list[str]:
    match constraint:
        case Number():
            return ["int" if constraint.integer else "float"]
        case Flag():
            return ["bool"]
        case OneOf(options):
            shown = ", ".join(f'"{o}"' if isinstance(o, str) else repr(o) for o in options)
            return [f"Literal[{shown}]"]
        case Several(each):
            return [f"Sequence[{annotate(each)}]"]
        case AnyOf(constraints):
            return [kind for one in constraints for kind in _kinds(one)]
        case Instance(types):
            return [_INSTANCES[kind][0] for kind in types]
    raise TypeError(f"there is no annotation for the constraint {constraint!r}")


_INSTANCES = {
    str: ("str", "str"),
    type(None): ("None", "None"),
    Mapping: ("Mapping[Any, float]", "mapping"),
}
"""Types, in the signature and in words."""


def _without(constraint: Constraint, dropped: Callable[[Constraint], bool]) -> Constraint:
    if not isinstance(constraint, AnyOf):
        return constraint
    kept = tuple(one for one in constraint.constraints if not dropped(one))
    return kept[0] if len(kept) == 1 else AnyOf(kept)


def _declared() -> dict[str, Field[Any]]:
    return {item.name: item for group in GROUPS for item in fields(group)}
