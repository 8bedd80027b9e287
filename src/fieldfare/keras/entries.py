"""Factorization machines over samples that are lists of entries: ids, values and fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar, final

import numpy as np

import keras
from fieldfare._typing import UInt16Array
from fieldfare.exceptions import ConfigError
from fieldfare.keras import _formulas
from fieldfare.keras._layer import FactorLayer
from fieldfare.keras.batches import PADDING
from fieldfare.kinds.models import FFM, FWFM
from fieldfare.schema.schema import Schema
from keras import ops

_LayerT = TypeVar("_LayerT", bound="EntriesLayer")

# The whole numbers up to these are exact.
_LARGEST_EXACT = {"float64": 2**53, "float32": 2**24, "float16": 2**11, "bfloat16": 2**8}


class EntriesLayer(FactorLayer):
    """Base of the layers that take integer ids; `FieldEmbeddingFM` describes the parameters."""

    def __init__(  # noqa: PLR0913 - what Keras writes to a file stands in the signature
        self,
        sizes: int | Sequence[int],
        n_factors: int | Sequence[int] = 8,
        units: int = 1,
        *,
        n_fields: int | None = None,
        lengths: Sequence[int] | None = None,
        l2_linear: float = 0.0,
        l2_factors: float = 0.0,
        return_vectors: bool = False,
        **kwargs: Any,
    ) -> None:
        # Ids in floats must not become 16-bit floats in mixed precision, which end at 2048; and a
        # few rows of the tables are looked up, so that casting whole tables would be a waste.
        super().__init__(n_factors, units, autocast=False, **kwargs)
        of_fields = () if isinstance(sizes, (int, np.integer)) else tuple(map(int, sizes))
        self.n_features = sum(of_fields) if of_fields else int(sizes)  # type: ignore[arg-type]
        self.sizes = of_fields or self.n_features
        self.n_fields = self._count_fields(n_fields)
        if lengths is not None and len(lengths) != len(of_fields):
            raise ConfigError(
                "The 'lengths' parameter must have one number of columns per field in 'sizes'. "
                f"Got lengths={lengths!r} and sizes={sizes!r}."
            )
        self.lengths = None if lengths is None else tuple(map(int, lengths))
        self.l2_linear, self.l2_factors = l2_linear, l2_factors
        self.return_vectors = return_vectors
        if return_vectors and self.n_factors == 0:
            raise ConfigError("With n_factors=0 there are no vectors: leave out return_vectors.")
        self.supports_masking = True
        # Field, size and offset of each column. NumPy arrays, so that Keras does not count them
        # among its weights.
        columns = np.repeat(np.arange(len(of_fields)), self.lengths or 1)
        self._column_field = columns.astype(np.int32)
        self._column_size = np.array(of_fields, np.int32)[columns]
        self._column_start = np.cumsum((0, *of_fields))[:-1].astype(np.int32)[columns]

    def _count_fields(self, given: int | None) -> int:
        fields = given if isinstance(self.sizes, int) else len(self.sizes)
        if fields is None and self.traits.uses_fields:
            raise ConfigError(
                f"{type(self).__name__} needs the number of fields. Pass one size per field, or "
                "the number of features and n_fields."
            )
        if given not in (None, fields):
            raise ConfigError(
                f"The 'n_fields' parameter must equal the number of sizes, {fields}. Got {given}."
            )
        return fields or 0

    @classmethod
    def from_schema(
        cls: type[_LayerT], schema: Schema, n_factors: Any = 8, **kwargs: Any
    ) -> _LayerT:
        """Return a layer for the features of a fitted Schema.

        The ids are those of its vocabularies and hash buckets: pass ``to_inputs(schema.encode(
        table))`` to the layer.

        Parameters
        ----------
        schema : Schema
            Fitted.
        n_factors : int or tuple of int, default=8
        **kwargs
            Further parameters of the layer.
        """
        return cls(schema.n_features, n_factors, n_fields=schema.n_fields or None, **kwargs)

    @property
    def field_of(self) -> UInt16Array | None:
        """Field of each feature, uint16 of shape (n_features,); None if it is not fixed."""
        if isinstance(self.sizes, int):
            return None
        return np.repeat(np.arange(len(self.sizes), dtype=np.uint16), self.sizes)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer; plain numbers in lists are refused, since Keras' message misleads."""
        if any(isinstance(x, (int, float)) for x in keras.tree.flatten(args)):
            raise ConfigError(
                "Ids must be arrays or tensors. Wrap lists of numbers in np.array, one row per "
                "sample."
            )
        return super().__call__(*args, **kwargs)

    def build(self, ids_shape: Any, values_shape: Any = None, fields_shape: Any = None) -> None:
        """Create the weights, whose shapes do not depend on the input."""
        columns, given = len(self._column_field), _width(ids_shape)
        if columns and given not in (None, columns):
            raise ConfigError(
                f"The ids must have {columns} columns, according to 'sizes' and 'lengths'. Got "
                f"{given}."
            )
        self._build_tables()

    def call(self, ids: Any, values: Any = None, fields: Any = None, mask: Any = None) -> Any:
        """Return the scores of a batch, and the vectors of its entries if they are asked for."""
        if isinstance(mask, (list, tuple)):  # one per array of ids, None where Keras knows of none
            nothing = all(part is None for part in mask)
            mask = None if nothing else list(map(_mask_or_ones, mask, ids))
        ids, values, fields, mask = map(_side_by_side, (ids, values, fields, mask))
        known, places = self._locate(self._whole(ids))
        if self.traits.uses_fields and fields is not None:
            known = ops.logical_and(known, fields < self.n_fields)
        there = ids >= 0
        if mask is not None:
            there = ops.logical_and(there, ops.cast(mask, "bool"))
        known = ops.logical_and(known, there)
        x = self._values_of(known, values)
        places = ops.where(known, places, 0)
        if self.instance_norm:
            counted = self._values_of(there, values) if self.norm_unknown else x
            squares = ops.sum(ops.square(counted), axis=1, keepdims=True)
            x = x * ops.where(squares > 0, ops.rsqrt(ops.where(squares > 0, squares, 1.0)), 1.0)
        # A column of zeros, which gives the score its shape even if there are no other parts.
        parts = [0.0 * ops.sum(x, axis=1, keepdims=True)]
        if self.linear is not None:
            linear = ops.cast(ops.take(self.linear, places, axis=0), self._sum_dtype)
            self._penalise(self.l2_linear, linear, known)
            parts.append(ops.einsum("bl,blc->bc", x, linear))
        if self.factors is not None:
            factors = ops.cast(ops.take(self.factors, places, axis=0), self._sum_dtype)
            self._penalise(self.l2_factors, factors, known)
            xv = ops.reshape(x, (*ops.shape(x), *[1] * (len(factors.shape) - 2))) * factors
            parts.append(self._interactions(xv, fields))
        score = self._finish(parts)
        return (score, self._vectors(xv)) if self.return_vectors else score

    def _values_of(self, entries: Any, values: Any) -> Any:
        """Return the values of some entries, and zero for the others."""
        if values is None:
            return ops.cast(entries, self._sum_dtype)
        return ops.where(entries, ops.cast(values, self._sum_dtype), 0.0)

    def compute_mask(self, *_: Any) -> None:
        """Return no mask, since masked entries are already left out of the scores."""

    def _interactions(self, xv: Any, fields: Any) -> Any:
        """Return the sum of all interactions of the entries, (batch, units)."""
        if self.order == 2:
            return _formulas.pairwise(xv)
        return _formulas.higher_order(xv, self.model_config.factor_blocks)

    def _vectors(self, xv: Any) -> Any:
        """Return what interacts, (batch, entries, all factors of an entry side by side)."""
        batch, entries = ops.shape(xv)[:2]
        flat = ops.reshape(xv, (batch, entries, math.prod(xv.shape[2:])))
        return ops.cast(flat, self.compute_dtype)

    def _whole(self, ids: Any) -> Any:
        """Return ids as integers; a float that is not whole is unknown.

        Keras makes floats of integers in many places: `keras.Input` and ``Sequential`` without a
        dtype, and symbolically ``Concatenate``.
        """
        dtype = keras.backend.standardize_dtype(ids.dtype)
        if dtype.startswith(("int", "uint")):
            return ops.cast(ids, "int32")
        largest = _LARGEST_EXACT.get(dtype, 0)
        if self.n_features - 1 > largest:
            raise ConfigError(
                f"Ids of {self.n_features} features must be integers: {dtype} holds whole numbers "
                f"up to {largest} only. Declare the input as keras.Input(..., dtype='int32'), and "
                "pass several inputs as a list, instead of concatenating them."
            )
        usable = ops.logical_and(ops.equal(ids, ops.floor(ids)), ids < self.n_features)
        return ops.cast(ops.where(usable, ids, PADDING), "int32")

    def _locate(self, ids: Any) -> tuple[Any, Any]:
        """Return which ids are known, and the row of each in the tables of weights."""
        if isinstance(self.sizes, int):
            return ops.logical_and(ids >= 0, ids < self.sizes), ids
        return ops.logical_and(ids >= 0, ids < self._column_size), ids + self._column_start

    def _of_field(self, fields: Any, like: Any) -> Any:
        """Return the fields of the entries, one-hot, of shape (batch, entries, fields)."""
        if fields is None:
            columns = self._column_field
            if not len(columns):
                columns = np.arange(self.n_fields, dtype=np.int32)
            fields = ops.broadcast_to(columns, ops.shape(like)[:2])
        return ops.one_hot(ops.cast(fields, "int32"), self.n_fields, dtype=self._sum_dtype)

    def _penalise(self, strength: float, weights: Any, known: Any) -> None:
        """Add a penalty on the weights of the samples' features, as this library's solvers do."""
        if strength:
            squares = ops.sum(ops.square(weights), axis=tuple(range(2, len(weights.shape))))
            per_sample = ops.sum(ops.where(known, squares, 0.0), axis=1)
            self.add_loss(0.5 * strength * ops.mean(per_sample))

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to create the same layer again."""
        return {
            **super().get_config(),
            "sizes": self.sizes,
            "n_fields": self.n_fields or None,
            "lengths": self.lengths,
            "l2_linear": self.l2_linear,
            "l2_factors": self.l2_factors,
            "return_vectors": self.return_vectors,
        }


def _width(shape: Any) -> int | None:
    """Return the number of columns of an array, or of several side by side; None if unknown."""
    if not shape or not isinstance(shape[0], (tuple, list)):
        return shape[-1] if len(shape) > 1 else 1
    widths = [_width(part) for part in shape]
    return None if None in widths else sum(widths)  # type: ignore[arg-type]


def _mask_or_ones(mask: Any, ids: Any) -> Any:
    return ops.ones_like(ids, dtype="bool") if mask is None else mask


def _side_by_side(given: Any) -> Any:
    """Return a list of arrays, of one column or several each, as one array."""
    if not isinstance(given, (list, tuple)):
        return given
    columns = [x if len(x.shape) > 1 else ops.expand_dims(x, 1) for x in given]
    return ops.concatenate(columns, axis=1)


@final
@keras.saving.register_keras_serializable(package="fieldfare")
class FieldEmbeddingFM(EntriesLayer):
    """Factorization machine of any order over integer ids, one or several per field.

    Parameters
    ----------
    sizes : int or sequence of int
        The number of features, whose ids 0, 1, ... may appear in any column. Or the number of
        features of each field: then every field has ids of its own, counted from 0, and the columns
        belong to the fields in order.
    n_factors : int or tuple of int, default=8
        Length of each latent vector, or one length per order from 2 on. With 0 there is only the
        linear part.
    units : int, default=1
        Number of scores per sample.
    n_fields : int or None, default=None
        Number of fields, if ``sizes`` is one number; needed by models that use fields.
    lengths : sequence of int or None, default=None
        Number of columns of each field, if ``sizes`` is given per field; None means one column
        each.
    return_vectors : bool, default=False
        Whether to return the vectors of the entries too, so that other layers can share them.
    l2_linear, l2_factors : float, default=0
        Strength of the penalty on the weights of a sample's features: half of their squares,
        averaged over the batch, as for the parameters of the same name of fieldfare's own
        estimators. Unlike a regularizer, it does not affect features that are not in the batch.
    order : int, default=2
        Largest number of features that interact.
    shared_factors, activation, use_bias, use_linear, instance_norm, norm_unknown, init_scale
        As in `FactorizationMachine`.
    linear_regularizer, factors_regularizer
        As in `FactorizationMachine`.

    Notes
    -----
    Call it as ``layer(ids, values=None, fields=None, mask=None)``:

    - ``ids``: integers of shape (batch, n_entries), or a list of such arrays, whose columns are put
      side by side; one of shape (batch,) is a column. Pad samples with fewer entries: ids that are
      negative or unknown (too large) contribute nothing. Floats are taken too, if they can hold all
      ids; one that is not whole is unknown.
    - ``values``: float of the same shape, the values of the entries; ones by default.
    - ``fields``: integers of the same shape, used only by models with fields. By default, columns
      belong to fields as given by ``sizes`` and ``lengths``, or column i belongs to field i.
    - ``mask``: bool of the same shape; entries for which it is false contribute nothing.

    Output: (batch, units). With ``return_vectors`` it is a pair of that and an array of shape
    (batch, n_entries, units x n_factors): the vector of each entry times its value, zeros where the
    entry is missing or unknown.

    Weights: ``bias`` (units,), ``linear`` (n_features, units), ``factors`` (n_features, units,
    n_factors). In mixed precision, sums are kept in float32.

    Raises
    ------
    ConfigError
        If a parameter has a value that is not allowed, the ids have another number of columns than
        ``sizes`` and ``lengths`` say, or they are floats that cannot hold all ids.
    """


@final
@keras.saving.register_keras_serializable(package="fieldfare")
class FieldAwareFM(EntriesLayer):
    """Field-aware factorization machine (Juan et al. 2016) over integer ids.

    A feature has one latent vector per field with which it interacts. Parameters and inputs are
    those of `FieldEmbeddingFM`, without ``order`` and ``shared_factors``; ``factors`` has the shape
    (n_features, units, n_fields, n_factors). A batch takes memory for batch x entries x fields x
    factors numbers. The vectors that ``return_vectors`` adds have units x n_fields x n_factors
    numbers.
    """

    traits = FFM

    def _interactions(self, xv: Any, fields: Any) -> Any:
        return _formulas.field_aware(xv, self._of_field(fields, xv))


@final
@keras.saving.register_keras_serializable(package="fieldfare")
class FieldWeightedFM(EntriesLayer):
    """Field-weighted factorization machine (Pan et al. 2018) over integer ids.

    It has the latent vectors of a plain factorization machine, and ``pair_weights`` of shape
    (units, n_fields, n_fields): the weight of each pair of fields, of which only the symmetric part
    counts. Parameters and inputs are those of `FieldEmbeddingFM`, without ``order`` and
    ``shared_factors``.
    """

    traits = FWFM

    def _interactions(self, xv: Any, fields: Any) -> Any:
        given = ops.cast(self.pair_weights, self._sum_dtype)
        weights = 0.5 * (given + ops.transpose(given, (0, 2, 1)))
        return _formulas.field_weighted(xv, self._of_field(fields, xv), weights)
