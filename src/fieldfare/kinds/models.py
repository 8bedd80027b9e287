"""The kinds of model, each declared once.

A declaration says what is true of every model of its kind. Whoever needs to know asks it, usually
through `ModelConfig.kind` or `Model.traits`, and compares no names. Code that differs from kind to
kind (a kernel, a formula in an export) is looked up by `InteractionForm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Literal, NamedTuple

Size = Literal["features", "outputs", "fields", "factors"]


class InteractionForm(Enum):
    """How features interact: what a model adds to ``w_0 + <w, x>``.

    With f_i the field of feature i, and sums over all pairs i < j of the features of a sample.
    """

    NONE = auto()
    """Nothing."""
    PAIRS = auto()
    """``sum <v_i, v_j> x_i x_j`` (Rendle 2010, eq. 1)."""
    FIELD_AWARE = auto()
    """``sum <v_{i, f_j}, v_{j, f_i}> x_i x_j`` (Juan et al. 2016, eq. 4)."""
    FIELD_WEIGHTED = auto()
    """``sum r_{f_i, f_j} <v_i, v_j> x_i x_j``, r symmetric (Pan et al. 2018, eq. 4)."""
    ALL_ORDERS = auto()
    """ANOVA kernels of orders 2 to d of ``x_i v_i``, each order with factors of its own unless they
    are shared (Rendle 2010, sec. III-D; Blondel et al. 2016)."""


class FactorBlock(NamedTuple):
    """Latent factors that serve the same orders of interactions."""

    lowest: int
    highest: int
    n_factors: int


@dataclass(frozen=True, eq=False)
class ModelKind:
    """What all models of a kind have in common.

    Parameters
    ----------
    name : str
        As users write it: ``model="ffm"``.
    title : str
        In words.
    interactions : InteractionForm
        How features interact.
    parameters : mapping from array name to sizes
        The dimensions of each parameter array. Those of the features come first, where there are
        any, so that a table grows by appending.
    by_order : bool
        Whether interactions have several orders, so that ``n_factors`` and the penalties of factors
        may differ between them.
    """

    name: str
    title: str
    interactions: InteractionForm
    parameters: Mapping[str, tuple[Size, ...]]
    by_order: bool = False

    @property
    def has_factors(self) -> bool:
        """Whether there are latent vectors."""
        return "factors" in self.parameters

    @cached_property  # asked for each prediction of a single sample
    def uses_fields(self) -> bool:
        """Whether scores depend on the fields of the entries."""
        return any("fields" in sizes for sizes in self.parameters.values())

    def shapes(
        self, *, features: int, outputs: int, fields: int, factors: int
    ) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter array of a model of some size."""
        length: dict[Size, int] = {
            "features": features,
            "outputs": outputs,
            "fields": fields,
            "factors": factors,
        }
        return {
            name: tuple(length[size] for size in sizes) for name, sizes in self.parameters.items()
        }

    def n_fields(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Return how many fields arrays of some shapes distinguish; 0 without fields."""
        for name, sizes in self.parameters.items():
            shape = shapes.get(name, ())
            if "fields" in sizes and len(shape) == len(sizes):
                return shape[sizes.index("fields")]
        return 0

    def factor_blocks(
        self, n_factors: int | tuple[int, ...], order: int, *, shared: bool
    ) -> tuple[FactorBlock, ...]:
        """Return the blocks of a latent vector: one, or one for each order with its own factors."""
        if not self.has_factors:
            return ()
        if isinstance(n_factors, tuple):
            return tuple(FactorBlock(t, t, n) for t, n in enumerate(n_factors, 2))
        if not self.by_order:
            return (FactorBlock(2, 2, n_factors),)
        if shared:
            return (FactorBlock(2, order, n_factors),)
        return tuple(FactorBlock(t, t, n_factors) for t in range(2, order + 1))


_LINEAR: dict[str, tuple[Size, ...]] = {"bias": ("outputs",), "linear": ("features", "outputs")}
_VECTORS: dict[str, tuple[Size, ...]] = {**_LINEAR, "factors": ("features", "outputs", "factors")}

LINEAR = ModelKind("linear", "linear model", InteractionForm.NONE, _LINEAR)
FM = ModelKind("fm", "factorization machine", InteractionForm.PAIRS, _VECTORS)
FFM = ModelKind(
    "ffm",
    "field-aware factorization machine",
    InteractionForm.FIELD_AWARE,
    {**_LINEAR, "factors": ("features", "outputs", "fields", "factors")},
)
FWFM = ModelKind(
    "fwfm",
    "field-weighted factorization machine",
    InteractionForm.FIELD_WEIGHTED,
    {**_VECTORS, "pair_weights": ("outputs", "fields", "fields")},
)
HOFM = ModelKind(
    "hofm",
    "higher-order factorization machine",
    InteractionForm.ALL_ORDERS,
    _VECTORS,
    by_order=True,
)

MODEL_KINDS = {kind.name: kind for kind in (LINEAR, FM, FFM, FWFM, HOFM)}
PARAMETERS = ("bias", "linear", "factors", "pair_weights")
"""The arrays that a model may have."""
