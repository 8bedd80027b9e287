"""Parameters of the estimators: storing them, and describing them once for all classes."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, TypeVar

from fieldfare.config import (
    GibbsConfig,
    KerasConfig,
    ModelConfig,
    SolverConfig,
    TrainingConfig,
    description,
)

_ClassT = TypeVar("_ClassT", bound=type)

# What only estimators have, or have in a way of their own; the rest is described in `config`.
_OWN = {
    "warm_start": (
        "Whether `fit` goes on from the last `fit`, with the state of the optimiser, instead of "
        "starting anew. New ids of categorical columns grow the model."
    ),
    "schema": (
        "What the columns of a data frame or a file mean; ``None``: inferred. Ignored for arrays."
    ),
    "fields": (
        "Field of each column of an array, as numbers or names; ``None``: every column has its "
        "own. Data frames and files bring their fields with them."
    ),
    "model": "Linear model, or factorization machine: plain, or of higher order.",
    "groups": (
        "Which features share a prior: ``None`` for those of a field, ``'all'`` for one group, or "
        "the number or name of the group of each feature (after encoding)."
    ),
    "callbacks": "Instances of `fieldfare.Callback`, called in this order.",
}

_TYPES = {
    "eval_metric": "str or None",
    "class_weight": "mapping, 'balanced' or None",
    "random_state": "int, RandomState, Generator or None",
    "warm_start": "bool",
    "schema": "Schema or None",
    "model": "'linear', 'fm' or 'hofm'",
    "groups": "array-like of shape (n_features,), 'all' or None",
    "fields": "array-like of shape (n_features,) or None",
    "callbacks": "sequence of Callback or None",
}


def store(estimator: Any, given: dict[str, Any]) -> None:
    """Store what a constructor was given, unchanged, as scikit-learn asks.

    ``given`` is the ``locals()`` of the constructor.
    """
    for name in signature_names(type(estimator)):
        setattr(estimator, name, given[name])


def signature_names(estimator_class: type) -> list[str]:
    """Return the names of the parameters of a constructor."""
    return [name for name in inspect.signature(estimator_class).parameters if name != "self"]


def documented(estimator_class: _ClassT) -> _ClassT:
    """Write the Parameters section of a class docstring from `config`, at ``{parameters}``."""
    described = {
        item.name: (str(item.metadata["constraint"]), description(item))
        for config in (ModelConfig, SolverConfig, GibbsConfig, KerasConfig, TrainingConfig)
        for item in fields(config)
    }
    lines = []
    for name, parameter in inspect.signature(estimator_class).parameters.items():
        allowed, doc = described.get(name, ("", ""))
        doc = _OWN.get(name, doc)
        lines.append(f"{name} : {_TYPES.get(name, allowed)}, default={parameter.default!r}")
        lines.extend(_wrapped(doc))
    text = inspect.cleandoc(estimator_class.__doc__ or "")
    estimator_class.__doc__ = text.replace("{parameters}", "\n".join(lines))
    return estimator_class


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="    ")
