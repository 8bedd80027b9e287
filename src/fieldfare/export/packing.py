"""Parameters as an export stores them, in float32, float16 or scaled int8, and what that loses.

``fp16`` stores linear weights and latent vectors in 16 bits. ``int8`` stores the latent vectors of
each feature and output as integers from -127 to 127 with one scale, and the linear weights, which
are few, in 16 bits. The bias and the weights of pairs of fields stay float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare._validation import NONE, AnyOf, OneOf, check
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.training.functions import evaluate, predict

QUANTIZE = ("fp16", "int8")
# The largest int8. -128 is not used, so that the range is symmetric.
_LARGEST = 127
_N_DRAWN = 1000
_N_WITHOUT_FIELDS = 16


@dataclass(frozen=True, eq=False)
class Packed:
    """An array of parameters as it is stored.

    Parameters
    ----------
    data : float32, float16 or int8 array
        Of the same shape as the model's array.
    scale : float32 array of shape (n_features, n_outputs) or None
        Factor of the int8 numbers; None for the other types.
    """

    data: AnyArray
    scale: Float32Array | None = None

    @property
    def nbytes(self) -> int:
        """Size of data and scale in bytes."""
        return self.data.nbytes + (0 if self.scale is None else self.scale.nbytes)

    def unpack(self) -> Float32Array:
        """Return the parameters that the stored numbers represent, as float32."""
        wide = self.data.astype(np.float32)
        if self.scale is None:
            return wide
        return wide * self.scale.reshape(self.scale.shape + (1,) * (wide.ndim - 2))


@dataclass(frozen=True)
class Loss:
    """What quantising lost; prints as a line.

    Parameters
    ----------
    quantize : {"fp16", "int8"}
    difference : float
        Largest absolute difference of a raw score.
    on : str
        The rows that it was measured on.
    before, after : float or None
        Loss on the labelled data with the parameters as trained and as stored; None without such
        data.
    """

    quantize: str
    difference: float
    on: str
    before: float | None = None
    after: float | None = None

    def __str__(self) -> str:
        text = f"{self.quantize}: largest difference of a score {self.difference:.3g} on {self.on}"
        if self.before is None or self.after is None:
            return text
        return f"{text}; loss {self.before:.6f} before, {self.after:.6f} after"


def pack(model: Model, quantize: str | None) -> dict[str, Packed]:
    """Return the parameters of a model by name, as they will be stored.

    Parameters
    ----------
    model : Model
    quantize : {"fp16", "int8"} or None

    Raises
    ------
    ConfigError
        If ``quantize`` is not allowed, or a weight does not fit into float16.
    """
    check("quantize", quantize, AnyOf((OneOf(QUANTIZE), NONE)), "export")
    packed = {name: Packed(array) for name, array in model.arrays().items()}
    if quantize is not None:
        for name in {"linear", "factors"} & set(packed):
            to_bytes = quantize == "int8" and name == "factors"
            packed[name] = (_to_int8 if to_bytes else _to_fp16)(packed[name].data)
    return packed


def _to_fp16(array: Float32Array) -> Packed:
    with np.errstate(over="ignore"):
        data = array.astype(np.float16)
    if not np.isfinite(data).all():
        raise ConfigError(
            f"This model cannot be quantised: a weight of {np.abs(array).max():g} is larger than "
            "65504, the largest 16-bit number. Export without 'quantize'."
        )
    return Packed(data)


def _to_int8(array: Float32Array) -> Packed:
    """Scale the vectors of each feature and output to [-127, 127] and round them."""
    largest = np.abs(array).max(axis=tuple(range(2, array.ndim)), initial=0)
    scale = (largest / np.float32(_LARGEST)).astype(np.float32)
    divisor = np.where(scale > 0, scale, 1).reshape(scale.shape + (1,) * (array.ndim - 2))
    return Packed(np.rint(array / divisor).astype(np.int8), scale)


def quantized(model: Model, quantize: str) -> Model:
    """Return a model with the parameters that the stored numbers represent."""
    arrays: dict[str, Any] = {n: packed.unpack() for n, packed in pack(model, quantize).items()}
    return type(model)(model.config, **arrays, schema=model.schema, classes=model.classes)


def loss_of_packing(model: Model, quantize: str, data: Any = None) -> Loss:
    """Return what is lost when the parameters of a model are quantised.

    Parameters
    ----------
    model : Model
    quantize : {"fp16", "int8"}
    data : path, table, Rows or Dataset, optional
        Labelled data. By default the scores of 1,000 random rows are compared, without a loss.
    """
    stored = quantized(model, quantize)
    if data is None:
        rows = drawn_rows(model)
        difference = np.abs(model.score(rows) - stored.score(rows)).max()
        return Loss(quantize, float(difference), f"{len(rows):,} drawn rows")
    dataset = load(data, schema=model.schema)
    before, after = (predict(m, dataset, output="score") for m in (model, stored))
    losses = [evaluate(m, dataset)["loss"] for m in (model, stored)]
    difference = np.abs(before - after).max(initial=0)
    return Loss(quantize, float(difference), f"{len(before):,} rows", *losses)


def drawn_rows(model: Model, n_rows: int = _N_DRAWN) -> Rows:
    """Return random rows with one feature per field, drawn by the counts in the Schema.

    If the counts are not known, all features of a field are equally likely. If there are no fields,
    a row has 16 features.
    """
    random, schema, n = np.random.default_rng(0), model.schema, model.n_features
    n_fields, field_of = model.n_fields or _N_WITHOUT_FIELDS, None
    counts: Float64Array = np.ones(n)
    if schema is not None and (schema.ids is None or schema.ids.field_of is not None):
        n_fields, field_of = schema.n_fields, schema.field_of[:n]
        if schema.counts is not None:
            # More than zero, in case that no feature of a field was counted.
            counts = schema.counts[:n].astype(np.float64) + 1e-9
    ids = np.zeros((n_rows, n_fields), np.uint32)
    for field in range(n_fields):
        mine = np.arange(n) if field_of is None else np.flatnonzero(field_of == field)
        weights = counts[mine]
        if len(mine):
            ids[:, field] = random.choice(mine, n_rows, p=weights / weights.sum())
    fields = np.tile(np.arange(n_fields, dtype=np.uint16), n_rows)
    return Rows(np.arange(n_rows + 1) * n_fields, ids.reshape(-1), None, fields)
