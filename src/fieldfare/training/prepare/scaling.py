"""Which numbered features are scaled for training, and by how much."""

from __future__ import annotations

import warnings

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataWarning
from fieldfare.models.scaling import CENTRABLE, Scaling
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.training.samples.subset import RowSubset

# Sizes of features may differ by this factor, and the size of one from its spread, before they are
# scaled without being asked to.
_UNEQUAL = 10.0
# A feature that this share of the rows has is centred: the others get an entry for its zero.
_DENSE = 0.5
# Centred parameters are written back as differences of numbers larger than they by the mean over
# the spread, and pairs of them by its square: float32 then keeps at least three digits.
_FAR = 100.0
# Shifts are multiples of this, so that the order of the rows does not change them.
_STEP = 1 / 64


class Sizes:
    """The moments of the values of each feature, over weighted rows.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features: int) -> None:
        self.n_rows = 0.0
        self.count, self.total, self.squares = np.zeros((3, n_features))
        self.varies = np.zeros(n_features, bool)
        self.strays = np.zeros(n_features, bool)

    @classmethod
    def of(cls, subset: RowSubset, schema: Schema, memory_limit: int | None = None) -> Sizes:
        """Return the sizes of the features of some rows."""
        sizes = cls(schema.n_features)
        weight = subset.weight
        field_of = schema.field_of if schema.n_fields else None
        start = 0
        for block in subset.blocks(memory_limit):
            stop = start + len(block)
            sizes.add(block, None if weight is None else weight[start:stop], field_of)
            start = stop
        return sizes

    def add(self, rows: Rows, weight: AnyArray | None, field_of: AnyArray | None) -> None:
        """Take in some rows."""
        own = slice(int(rows.indptr[0]), int(rows.indptr[-1]))
        ids = rows.indices[own]
        values: Float64Array = np.ones(len(ids))
        if rows.values is not None:
            values = rows.values[own].astype(np.float64)
            self.varies[ids[values != 1]] = True
        if field_of is not None and rows.fields is not None:
            self.strays[ids[field_of[ids] != rows.fields[own]]] = True
        counts = np.ones(len(ids))
        self.n_rows += len(rows) if weight is None else float(weight.sum(dtype=np.float64))
        if weight is not None:
            counts = np.repeat(weight.astype(np.float64), np.diff(rows.indptr))
        _add(self.count, ids, counts)
        _add(self.total, ids, counts * values)
        _add(self.squares, ids, counts * values**2)

    @property
    def sizes(self) -> Float64Array:
        """Root mean square of the values that are stored, 0 where there are none."""
        return np.sqrt(self.squares / np.where(self.count > 0, self.count, 1))

    @property
    def unequal(self) -> bool:
        """Whether some feature is so large that others are lost beside it, or its own variation.

        Others are numbers that most rows have, and the one of a category. Numbers that few rows
        have may be small, as weighted words are.
        """
        if not self.varies.any():
            return False
        sizes, dense = self.sizes, self.dense
        largest = float(sizes[self.varies].max())
        beside_others = largest > _UNEQUAL * float(sizes[dense].min(initial=1.0))
        return beside_others or bool((sizes[dense] > _UNEQUAL * self.spread[dense]).any())

    @property
    def mean(self) -> Float64Array:
        """Mean over all rows, of which some may store no value."""
        return self.total / max(self.n_rows, 1e-30)

    @property
    def spread(self) -> Float64Array:
        """Standard deviation over all rows; 0 where it is lost in rounding."""
        mean_square = self.squares / max(self.n_rows, 1e-30)
        variance = mean_square - self.mean**2
        return np.sqrt(np.where(variance > 1e-12 * mean_square, variance, 0))

    @property
    def dense(self) -> AnyArray:
        """Whether each feature is a number that most rows have, and that is not the same in all."""
        most = self.count >= _DENSE * self.n_rows
        return np.asarray(self.varies & most & (self.spread > 0))

    def scaling(self, *, centre: bool) -> Scaling:
        """Return what makes the features alike.

        Those that are one wherever they are stored stay as they are. What most rows have is
        measured from its mean, in standard deviations; anything else in its size.
        """
        numbers = self.varies & (self.squares > 0)
        near = np.abs(self.mean) <= _FAR * self.spread
        centred = self.dense & near & ~self.strays & centre
        size = np.where(centred, self.spread, self.sizes)
        scale = np.where(self.count > 0, 1.0, 0.0)
        scale[numbers] = np.exp2(np.rint(np.log2(size[numbers])))
        shift = np.zeros(len(scale))
        shift[centred] = np.rint(self.mean[centred] / scale[centred] / _STEP) * _STEP
        return Scaling(scale.astype(np.float32), shift.astype(np.float32))

    @property
    def flat(self) -> AnyArray:
        """Features of which most rows have nearly the same value, ascending."""
        return np.flatnonzero(self.dense & (np.abs(self.mean) > _FAR * self.spread))


def scaling_of(
    kind: ModelConfig,
    setting: bool | str,
    subset: RowSubset,
    schema: Schema,
    memory_limit: int | None = None,
) -> Scaling | None:
    """Return how the features of training rows are scaled, None if they are used as they are.

    Parameters
    ----------
    kind : ModelConfig
        What is trained.
    setting : bool or "auto"
        The ``scale_features`` parameter.
    subset : RowSubset
        Training rows.
    schema : Schema
        Of the rows. The columns of a table have been scaled with the table.
    memory_limit : int, optional
        Megabytes of a store that may stay in memory.

    Raises
    ------
    ConfigError
        If features are to be scaled whose rows are normalised.
    """
    if setting is False or not schema.is_indexed or _all_one(subset):
        return None
    if kind.instance_norm and setting is True:
        raise ConfigError(
            "With instance_norm=True each row is scaled to unit length as it is, and its features "
            "cannot be scaled (scale_features=True) as well. Leave out one of the two."
        )
    sizes = Sizes.of(subset, schema, memory_limit)
    if setting == "auto" and not sizes.unequal:
        return None
    if kind.instance_norm:
        warnings.warn(_too_unequal(sizes), DataWarning, stacklevel=2)
        return None
    flat = sizes.flat
    if len(flat):
        warnings.warn(_says_little(sizes, flat), DataWarning, stacklevel=2)
    return sizes.scaling(centre=_may_centre(kind))


def measured(
    kind: ModelConfig, subset: RowSubset, schema: Schema, memory_limit: int | None = None
) -> Scaling:
    """Return the scaling of all features that rows have, for a model whose features are scaled."""
    return Sizes.of(subset, schema, memory_limit).scaling(centre=_may_centre(kind))


def _may_centre(kind: ModelConfig) -> bool:
    """Whether a model can make up for shifted features, by its bias and its linear weights."""
    return kind.fit_intercept and kind.fit_linear and kind.kind.interactions in CENTRABLE


def _too_unequal(sizes: Sizes) -> str:
    present = np.flatnonzero(sizes.sizes)
    small = present[np.argmin(sizes.sizes[present])]
    large = np.argmax(sizes.sizes)
    return (
        f"The values of feature {large} are about {sizes.sizes[large]:.3g}, and those of feature "
        f"{small} about {sizes.sizes[small]:.3g}. With instance_norm=True each row is divided by "
        "its length, in which small features are lost. Scale the features, or leave out "
        "instance_norm."
    )


def _says_little(sizes: Sizes, flat: AnyArray) -> str:
    shown = ", ".join(f"{i} (around {sizes.mean[i]:.6g})" for i in flat[:5].tolist())
    more = ", ..." if len(flat) > 5 else ""
    return (
        f"Features that vary little around a large mean cannot be told apart from a constant in "
        f"float32, and are scaled without being centred: {shown}{more}. Subtract an offset, such "
        "as the smallest value, or pass a DataFrame, whose columns are standardised."
    )


def _all_one(subset: RowSubset) -> bool:
    return isinstance(subset.rows, Rows) and subset.rows.values is None


def _add(total: Float64Array, ids: AnyArray, amounts: Float64Array) -> None:
    if 4 * len(ids) < len(total):
        np.add.at(total, ids, amounts)
    else:
        total += np.bincount(ids, amounts, len(total))
