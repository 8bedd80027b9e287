"""What a format of a foreign model is, and what its readers share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, PathLike
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.kinds.models import LINEAR, ModelKind
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.rows import MAX_FIELDS
from fieldfare.schema.schema import Schema

HEAD_BYTES = 512


@dataclass(frozen=True)
class Head:
    """What is known of a source before it is read.

    Parameters
    ----------
    path : str
    start : bytes
        The first bytes of the file; empty of a folder.
    size : int
        Of the file, in bytes.
    is_folder : bool
    """

    path: str
    start: bytes
    size: int
    is_folder: bool

    @classmethod
    def of(cls, path: PathLike) -> Head:
        """Return the head of a file or folder.

        Raises
        ------
        ModelFileError
            If there is none, or it cannot be read.
        """
        text = os.fspath(path)
        if os.path.isdir(text):
            return cls(text, b"", 0, is_folder=True)
        if not os.path.isfile(text):
            raise ModelFileError(f"{text} does not exist, or is neither a file nor a folder.")
        try:
            with open(text, "rb") as file:
                return cls(text, file.read(HEAD_BYTES), os.path.getsize(text), is_folder=False)
        except OSError as error:
            raise ModelFileError(f"{text} cannot be read: {error.strerror}.") from error


@dataclass(frozen=True)
class ForeignFormat:
    """One format of models of another program.

    Parameters
    ----------
    name : str
        Of the program, as users write it. A program may have several formats, told apart by
        their content.
    title : str
        In words.
    detect : function(Head) -> bool, or None
        Whether a file or folder is of this format; None where only objects are.
    load : function(path, **options) -> Model or Posterior
        Its keyword parameters are the options of the format.
    fits : function(object) -> bool, optional
        Whether an object of Python is such a model; ``load`` is then given the object.
    """

    name: str
    title: str
    detect: Callable[[Head], bool] | None
    load: Callable[..., Model | Posterior]
    fits: Callable[[Any], bool] | None = None


def linear_or(kind: ModelKind, factors: AnyArray | None) -> ModelKind:
    """Return the kind of a model with these factors: linear if there are none."""
    return kind if factors is not None and factors.shape[-1] else LINEAR


def make_model(  # noqa: PLR0913 - the arrays, and what is known of them by name
    kind: ModelKind,
    task: str,
    bias: float,
    linear: AnyArray,
    factors: AnyArray | None = None,
    *,
    origin: str,
    classes: Sequence[Any] | None = None,
    schema: Schema | None = None,
    **config: Any,
) -> Model:
    """Return the Model of arrays that another program learned.

    Parameters
    ----------
    kind : ModelKind
    task : str
        As of `ModelConfig`.
    bias : float
    linear : array of shape (n_features,)
    factors : array of shape (n_features, n_factors) or (n_features, n_fields, n_factors), or None
    origin : str
        The program, for the provenance.
    classes : sequence, optional
        Labels of the two classes of a binary task; by default 0 and 1.
    schema : Schema, optional
        By default, that of numbered features.
    **config
        Further fields of `ModelConfig`.

    Raises
    ------
    ModelFileError
        If a number is not finite in float32, or the model is larger than ours may be.
    """
    shape = () if factors is None else np.shape(factors)
    n_features = len(linear)
    n_fields = shape[1] if len(shape) == 3 else 0
    if n_features == 0:
        raise ModelFileError("The model has no features.")
    if n_fields > MAX_FIELDS:
        raise ModelFileError(
            f"The model has {n_fields} fields, and there may be at most {MAX_FIELDS}. Train it on "
            "data whose fields are numbered from 0 without gaps, or share numbers."
        )
    factors = None if factors is None else finite("factors", factors)[:, np.newaxis]
    try:
        made = ModelConfig(
            model=kind.name, task=task, **({"n_factors": shape[-1]} if shape else {}), **config
        )
    except ConfigError as error:
        raise ModelFileError(f"The model cannot be expressed: {error.args[0]}") from error
    if task == "binary" and classes is None:
        classes = [0, 1]
    return MODEL_CLASSES[kind.name](
        made,
        finite("bias", np.array([bias])),
        finite("linear", linear).reshape(-1, 1),
        factors,
        schema=schema or Schema.indexed(n_features, n_fields),
        classes=classes,
        provenance={"imported_from": origin},
    )


def long_enough(data: bytes, at: int, size: int) -> bytes:
    """Return the bytes of a file, refusing one that ends before ``at + size``."""
    if len(data) < at + size:
        raise ModelFileError(f"The file ends after {len(data)} bytes: it is cut short.")
    return data


def finite(name: str, values: AnyArray) -> Float32Array:
    """Return numbers as float32, refusing those that are then not finite."""
    with np.errstate(over="ignore"):
        found: Float32Array = np.ascontiguousarray(values, np.float32)
    if not np.isfinite(found).all():
        raise ModelFileError(f"The model's {name} hold numbers that are not finite in float32.")
    return found
