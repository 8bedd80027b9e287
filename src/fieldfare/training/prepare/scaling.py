"""Which numbered features are scaled for training, and by how much."""

from __future__ import annotations

import warnings

import numpy as np

from fieldfare.config import ModelConfig
from fieldfare.data.sizes import Sizes
from fieldfare.exceptions import ConfigError, DataWarning
from fieldfare.models.scaling import CENTRABLE, Scaling
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.training.samples.subset import RowSubset

# Features are centred unless their mean is so many spreads away. Their parameters are written back
# as differences of numbers larger than they by that factor, and pairs of them by its square:
# float32 then keeps at least three digits.
_FAR = 100.0
# At this distance features that are not centred are mostly a constant.
_FAR_UNCENTRED = 10.0
# Shifts are multiples of this, so that the order of the rows does not change them.
_STEP = 1 / 64


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
    if setting is False or _all_one(subset):
        return None
    if not schema.is_indexed:
        _warn_of_raw_columns(subset, schema, memory_limit)
        return None
    if kind.instance_norm and setting is True:
        raise ConfigError(
            "With instance_norm=True each row is scaled to unit length as it is, and its features "
            "cannot be scaled (scale_features=True) as well. Leave out one of the two."
        )
    sizes = _sizes_of(subset, schema, memory_limit)
    if setting == "auto" and not sizes.unequal:
        return None
    if kind.instance_norm:
        warnings.warn(_too_unequal(sizes), DataWarning, stacklevel=2)
        return None
    _warn_of_flat_features(sizes, kind)
    return _scaling(sizes, kind)


def _warn_of_raw_columns(subset: RowSubset, schema: Schema, memory_limit: int | None) -> None:
    """Warn of columns of a table whose numbers are used as they are, and are of unequal size."""
    if not any(c.kind == "numeric" and c.transform == "none" for c in schema.columns):
        return
    sizes = _sizes_of(subset, schema, memory_limit)
    if sizes.unequal:
        large, small = (schema.feature_name(feature) for feature in sizes.extremes())
        warnings.warn(
            f"Numbers that are used as they are (transform='none') differ much in size: {large} is "
            f"about {sizes.sizes.max():.3g}, {small} much smaller. Leave the transform out, which "
            "standardises the column, or scale it.",
            DataWarning,
            stacklevel=2,
        )


def measured(
    kind: ModelConfig, subset: RowSubset, schema: Schema, memory_limit: int | None = None
) -> Scaling:
    """Return the scaling of all features that rows have, for a model whose features are scaled."""
    return _scaling(_sizes_of(subset, schema, memory_limit), kind)


def _sizes_of(subset: RowSubset, schema: Schema, memory_limit: int | None) -> Sizes:
    sizes = Sizes(schema.n_features)
    weight = subset.weight
    field_of = schema.field_of if schema.n_fields else None
    start = 0
    for block in subset.blocks(memory_limit):
        stop = start + len(block)
        sizes.add(block, None if weight is None else weight[start:stop], field_of)
        start = stop
    return sizes


def _scaling(sizes: Sizes, kind: ModelConfig) -> Scaling:
    """Return what makes the features of a model alike.

    Those that are one wherever they are stored stay as they are. What most rows have is measured
    from its mean, in standard deviations, if the model can make up for that; anything else in its
    root mean square.
    """
    numbers = sizes.varies & (sizes.squares > 0)
    centred = sizes.dense & ~sizes.far(_FAR) & ~sizes.strays & _may_centre(kind)
    size = np.where(centred, sizes.spread, sizes.sizes)
    scale = np.where(sizes.count > 0, 1.0, 0.0)
    scale[numbers] = np.exp2(np.rint(np.log2(size[numbers])))
    shift = np.zeros(len(scale))
    shift[centred] = np.rint(sizes.mean[centred] / scale[centred] / _STEP) * _STEP
    return Scaling(scale.astype(np.float32), shift.astype(np.float32))


def _may_centre(kind: ModelConfig) -> bool:
    """Whether a model can make up for shifted features, by its bias and its linear weights."""
    return kind.fit_intercept and kind.fit_linear and kind.kind.interactions in CENTRABLE


def _too_unequal(sizes: Sizes) -> str:
    large, small = sizes.extremes()
    return (
        f"The values of feature {large} are about {sizes.sizes[large]:.3g}, and those of feature "
        f"{small} about {sizes.sizes[small]:.3g}. With instance_norm=True each row is divided by "
        "its length, in which small features are lost. Scale the features, or leave out "
        "instance_norm."
    )


def _warn_of_flat_features(sizes: Sizes, kind: ModelConfig) -> None:
    """Name the features that are not centred although they vary little around their mean."""
    if _may_centre(kind):
        flat = np.flatnonzero(sizes.far(_FAR))
        reason = "since float32 would not keep the digits that tell their values apart"
    else:
        flat = np.flatnonzero(sizes.far(_FAR_UNCENTRED))
        reason = "which takes pairs of features at most (hofm has more), a bias and linear weights"
    if not len(flat):
        return
    shown = ", ".join(f"{i} (around {sizes.mean[i]:.6g})" for i in flat[:5].tolist())
    more = ", ..." if len(flat) > 5 else ""
    warnings.warn(
        "Features that vary little around a large mean are scaled without being centred, "
        f"{reason}: {shown}{more}. Subtract an offset, such as the smallest value, or pass a "
        "DataFrame, whose columns are standardised.",
        DataWarning,
        stacklevel=2,
    )


def _all_one(subset: RowSubset) -> bool:
    return isinstance(subset.rows, Rows) and subset.rows.values is None
