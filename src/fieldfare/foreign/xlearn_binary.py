"""xLearn's binary models (``xlearn_train -m``).

Little-endian, without a magic number: two texts, each after its length as u64 (score function and
loss), then u32 features, fields, factors, parts (1 SGD, 2 AdaGrad, 3 FTRL: weights, and what the
optimiser keeps), the number of linear numbers, and but for linear models that of the factors. Then
float32: per feature its weight and state, the bias and its state, and the factors: of an FM per
feature the padded vector and its state, of an FFM per feature and field in blocks of four
(:mod:`fieldfare.foreign.blocks`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array, PathLike
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign.blocks import padded, split_blocks
from fieldfare.foreign.form import ForeignFormat, Head, finite, long_enough, make_model
from fieldfare.kinds.models import FFM, FM, LINEAR, ModelKind
from fieldfare.kinds.solvers import ADAGRAD, FTRL, SGD, SolverKind
from fieldfare.models.base import Model
from fieldfare.models.progress import Progress

SCORES = {kind.name: kind for kind in (LINEAR, FM, FFM)}
"""Maps xLearn's score function, which has the name of our kind, to this kind."""
TASKS = {"cross-entropy": "binary", "squared": "regression"}
"""Maps xLearn's loss to our task."""

_PARTS_OF_FTRL = 3
# By the number of parts: the optimiser, and where its state is in the order of `Progress`.
_STATES: Mapping[int, tuple[SolverKind, list[int]]] = {
    1: (SGD, []),
    2: (ADAGRAD, [1]),
    _PARTS_OF_FTRL: (FTRL, [2, 1]),
}
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class XLearnModel:
    """What a binary model of xLearn holds.

    Parameters
    ----------
    kind : ModelKind
        `LINEAR`, `FM` or `FFM`.
    task : {"binary", "regression"}
    n_factors : int
        As the user of xLearn gave it; the vectors are padded to a multiple of four.
    bias : float32 array of shape (parts,)
        The bias, then what the optimiser keeps for it: nothing (SGD), the sum of squared gradients
        (AdaGrad), or this and z (FTRL).
    linear : float32 array of shape (n_features, parts)
    factors : list of float32 arrays, one per part, or None
        Of shape (n_features, padded factors) or (n_features, n_fields, padded factors).
    """

    kind: ModelKind
    task: str
    n_factors: int
    bias: Float32Array
    linear: Float32Array
    factors: list[Float32Array] | None


def read_xlearn_binary(path: PathLike) -> XLearnModel:
    """Read a binary model of xLearn with its optimiser state.

    Raises
    ------
    ModelFileError
        If its size is not the one that its header asks for, or the header is none of xLearn's.
    """
    with open(path, "rb") as file:
        data = file.read()
    kind, at = _word(data, 0, SCORES)
    task, at = _word(data, at, TASKS)
    n, m, k, parts, n_linear = struct.unpack_from("<5I", long_enough(data, at, 20), at)
    at += 20
    n_factors = 0
    if kind is not LINEAR:
        (n_factors,) = struct.unpack_from("<I", long_enough(data, at, 4), at)
        at += 4
    expected = n * (m if kind is FFM else 1) * padded(k) * parts if kind is not LINEAR else 0
    if not 1 <= parts <= _PARTS_OF_FTRL or n_linear != n * parts or n_factors != expected:
        raise ModelFileError(
            f"The header of the xLearn model contradicts itself: {n} features, {m} fields, {k} "
            f"factors and {parts} parts, but {n_linear} and {n_factors} numbers."
        )
    size = at + 4 * (n_linear + parts + n_factors)
    if len(data) != size:
        raise ModelFileError(
            f"An xLearn model of {n} features, {m} fields and {k} factors has {size} bytes. This "
            f"file has {len(data)}: it is damaged, or not a model of xLearn."
        )
    numbers = np.frombuffer(data[at:], "<f4")  # a copy, which is aligned: the kernels need that
    linear = numbers[:n_linear].reshape(n, parts)
    bias = numbers[n_linear : n_linear + parts]
    factors = None
    if kind is FM:
        vectors = numbers[n_linear + parts :].reshape(n, parts, padded(k))
        factors = [vectors[:, part] for part in range(parts)]
    elif kind is FFM:
        vectors = numbers[n_linear + parts :].reshape(n, m, padded(k) * parts)
        factors = split_blocks(vectors, parts)
    return XLearnModel(kind, task, k, bias, linear, factors)


@checked
def load_xlearn_binary(
    path: PathLike,
    *,
    norm: bool | None = None,
    row_length: float | None = None,
    keep_state: bool = False,
) -> Model:
    """Load a binary model of xLearn.

    Parameters
    ----------
    path : path
    norm : bool, optional
        Whether xLearn predicts with normalised rows, as it does without ``--no-norm``: the file
        does not say. A linear model of xLearn never normalises. By default, true for an FFM; for an
        FM it has to be said.
    row_length : float, optional
        Only for an FM with ``norm=True``, which xLearn scores in a way of its own: it divides the
        product of two values by the *fourth* power of the row's Euclidean length. A Model is exact
        only for rows of one length, which is this.
    keep_state : bool
        Whether to take over what AdaGrad or FTRL keep for each weight: ``train(model=...)`` then
        continues as xLearn would.

    Raises
    ------
    ModelFileError
        If the file is damaged.
    ConfigError
        If ``norm`` is missing, or the model would not be exact.
    """
    found = read_xlearn_binary(path)
    vectors = None
    if found.factors is not None:
        # FTRL moves the padding as well, and xLearn scores with it; elsewhere it stays zero.
        beyond = found.factors[0][..., found.n_factors :]
        end = None if len(found.bias) == _PARTS_OF_FTRL and beyond.any() else found.n_factors
        vectors = np.stack([part[..., :end] for part in found.factors], -1)
    weights = None if vectors is None else vectors[..., 0]
    arrays = (found.bias[0], found.linear[:, 0], weights)
    model = xlearn_model(found.kind, found.task, arrays, norm, row_length)
    return _with_state(model, found, vectors, row_length or 1.0) if keep_state else model


def _with_state(
    model: Model, found: XLearnModel, vectors: Float32Array | None, length: float
) -> Model:
    """Return a model with the state of its optimiser.

    Factors that were divided by the length of the rows have gradients that are as many times as
    large.
    """
    parts = len(found.bias)
    solver, order = _STATES[parts]
    state = {"bias": found.bias[order][np.newaxis], "linear": found.linear[:, np.newaxis, order]}
    if vectors is not None:
        powers = {1: [], 2: [length**2], _PARTS_OF_FTRL: [length, length**2]}[parts]
        state["factors"] = vectors[:, np.newaxis, ..., order] * np.array(powers)
    state = {name: finite("state", array) for name, array in state.items()}
    units = model.units._replace(factors=length)
    return model.with_(units=units).with_(progress=Progress(solver.name, 0, state))


def xlearn_model(
    kind: ModelKind,
    task: str,
    arrays: tuple[float, AnyArray, AnyArray | None],
    norm: bool | None,
    row_length: float | None,
) -> Model:
    """Return the Model of a bias, weights and vectors of xLearn; see `load_xlearn_binary`.

    Raises
    ------
    ConfigError
        If ``norm`` is missing, or the model would not be exact.
    """
    bias, linear, vectors = arrays
    if kind is FM:
        norm, scale = _fm_scale(norm, row_length)
        assert vectors is not None
        vectors = vectors * scale
    elif row_length is not None:
        raise ConfigError("row_length= is only for factorization machines of xLearn. Leave it out.")
    normalised = kind is not LINEAR and norm is not False
    return make_model(
        kind,
        task,
        bias,
        linear,
        vectors,
        origin="xlearn",
        instance_norm=normalised,
        norm_unknown=normalised,
    )


def _fm_scale(norm: bool | None, row_length: float | None) -> tuple[bool, float]:
    """Return whether an FM of xLearn normalises, and what its factors are multiplied by.

    Raises
    ------
    ConfigError
        If it is not said, or the model would not be exact.
    """
    if norm is None:
        raise ConfigError(
            "A factorization machine of xLearn does not say whether it was trained with "
            "normalised rows. Say norm=False (--no-norm) if xLearn was given --no-norm or "
            "disableNorm(); otherwise say norm=True with row_length=, the Euclidean length of your "
            "rows."
        )
    if not norm:
        if row_length is not None:
            raise ConfigError("row_length= serves norm=True only. Leave it out with norm=False.")
        return False, 1.0
    if row_length is None:
        raise ConfigError(
            "A factorization machine of xLearn with normalised rows is not exact as one model: "
            "xLearn divides each product of two values by the fourth power of the row's length, "
            "not by its square. If all rows have the same Euclidean length (the root of the number "
            "of features per row, where all values are 1), give it as row_length= (--row-length)."
        )
    if not row_length > 0:
        raise ConfigError(f"row_length= must be positive. Got {row_length!r}.")
    return True, 1.0 / float(row_length)


def _word(data: bytes, at: int, known: Mapping[str, _T]) -> tuple[_T, int]:
    """Return what a text with its length stands for, and where the next begins."""
    (length,) = struct.unpack_from("<Q", long_enough(data, at, 8), at)
    text = data[at + 8 : at + 8 + length] if length <= max(map(len, known)) else b""
    word = text.decode("ascii", "replace")
    if word not in known:
        raise ModelFileError(
            f"This is not a binary model of xLearn: one of {', '.join(known)} must stand at byte "
            f"{at + 8}. Found {data[at + 8 : at + 28]!r}."
        )
    return known[word], at + 8 + length


def _is_xlearn(head: Head) -> bool:
    return any(
        head.start.startswith(struct.pack("<Q", len(word)) + word.encode()) for word in SCORES
    )


FORMATS = (ForeignFormat("xlearn", "a binary model of xLearn", _is_xlearn, load_xlearn_binary),)
