"""Coordinate descent and Gibbs sampling over whole fields at once, in the compiled core.

A `Design` holds the rows in the form that sweeps need. The features of a field with at most one
entry per row are updated together. A field whose entries repeat from row to row (the genres of a
film, the films that a user has seen) is updated on the table of its distinct patterns. Other
features are updated one by one. Side tables, and fields that are determined by another field, are
such tables from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldfare import _core
from fieldfare._typing import Float32Array, Int64Array, UInt32Array
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.native import core_rows
from fieldfare.rows import RelatedRows, Rows


@dataclass(frozen=True, eq=False)
class SweepParameters:
    """Parameters in the order of a sweep: each factor of all features side by side.

    Parameters
    ----------
    bias : float32 array of shape (1,) or None
        None means that the model lacks this part.
    linear : float32 array of shape (n_features,) or None
    factors : float32 array of shape (n_factors, n_features) or None
    orders : uint32 array of shape (n_factors, 2) or None
        Lowest and highest order of interactions that each factor serves; None means order 2 only.
    """

    bias: Float32Array | None
    linear: Float32Array | None
    factors: Float32Array | None
    orders: UInt32Array | None = None

    def core(self) -> _core.SweepParameters:
        """Return the compiled struct over these arrays."""
        return _core.SweepParameters(self.bias, self.linear, self.factors, self.orders)


def orders_of(config: ModelConfig) -> UInt32Array | None:
    """Return the lowest and the highest order that each factor serves; None for order 2 only."""
    if not config.kind.by_order:
        return None
    orders = [[p.lowest, p.highest] for p in config.factor_blocks for _ in range(p.n_factors)]
    return np.array(orders, np.uint32).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Prior:
    """Normal prior of the parameters.

    Parameters
    ----------
    precision, mean : float32 arrays of shape (1 + n_factors, n_groups)
        Prior of the linear weights (row 0) and of each factor, by group of features. The precision
        acts as a penalty.
    group : uint32 array of shape (n_features,) or None
        Group of each feature; None if there is one group.
    multiplier : float32 array of shape (n_features,) or None
        Factor of the precision of each feature.
    bias_precision : float
        Precision of the prior of the bias, whose mean is zero.
    """

    precision: Float32Array
    mean: Float32Array
    group: UInt32Array | None = None
    multiplier: Float32Array | None = None
    bias_precision: float = 0.0

    def core(self) -> _core.Prior:
        """Return the compiled struct over these arrays."""
        return _core.Prior(
            self.group, self.precision, self.mean, self.multiplier, self.bias_precision
        )


@dataclass(frozen=True, eq=False)
class Observed:
    """The targets of a sweep, and how far the scores are from them.

    Parameters
    ----------
    residual : float32 array of shape (n_rows,)
        Score minus target; the sweep keeps it up to date.
    target : float32 array of shape (n_rows,)
    label : float32 array of shape (n_rows,) or None
        0 or 1. With labels the loss is logistic, and the sweep changes the targets.
    weight : float32 array of shape (n_rows,) or None
    precision : float
        Precision of the noise.
    """

    residual: Float32Array
    target: Float32Array
    label: Float32Array | None = None
    weight: Float32Array | None = None
    precision: float = 1.0

    def core(self) -> _core.Observed:
        """Return the compiled struct over these arrays."""
        return _core.Observed(self.residual, self.target, self.label, self.weight, self.precision)


def _fault(row: int, reason: str, n_rows: int, n_features: int) -> str:
    """Return the message for a fault that the core has found; ``reason`` is its name there."""
    return {
        "bad_row": f"Row {row} cannot be trained on: it lies outside the {n_rows} rows, or holds a "
        f"feature id of {n_features} or more, or refers to a side row that does not exist.",
        "repeated_feature": f"Row {row} holds a feature more than once, which coordinate descent "
        "cannot use: add up its values, or train with another solver.",
        "bad_relation": f"Row {row} of a side table holds a feature twice, or an id of "
        f"{n_features} or more.",
        "shared_feature": "A feature occurs both in a side table and elsewhere: give it an id of "
        "its own in the side table.",
    }[reason]


class Design:
    """Rows, divided into blocks of features that can be updated together.

    Parameters
    ----------
    rows : Rows or RelatedRows
        Side tables are used without joining them.
    order : int64 array or None
        Numbers of the rows to use; None means all.
    n_features : int
        Number of features of the model; ids must be smaller.
    normalised : bool
        Whether each row is divided by its Euclidean length.

    Raises
    ------
    DataError
        If a row or an id is out of range, a row holds a feature twice, or a feature occurs in a
        side table and elsewhere.
    ConfigError
        If rows with side tables are to be normalised.
    """

    def __init__(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array | None,
        n_features: int,
        *,
        normalised: bool = False,
    ) -> None:
        own = rows.own if isinstance(rows, RelatedRows) else rows
        relations = rows.relations if isinstance(rows, RelatedRows) else ()
        if relations and normalised:
            raise ConfigError(
                "Rows with side tables cannot be scaled to unit length without joining them. Leave "
                "out instance_norm, or pass the joined table."
            )
        made = _core.make_design(
            core_rows(own),
            [relation.codes for relation in relations],
            [core_rows(relation.rows) for relation in relations],
            order,
            n_features,
            normalised,
        )
        if isinstance(made, tuple):
            raise DataError(_fault(*made, rows.n_rows, n_features))
        self._core = made
        self.n_rows = made.n_rows
        self.n_features = made.n_features

    @property
    def blocks(self) -> list[tuple[str, int, int]]:
        """Kind, number of features and number of codes of each block.

        The kind is ``"one_hot"``, ``"table"`` (a code stands for a pattern of entries) or
        ``"direct"`` (patterns do not repeat).
        """
        return self._core.describe()

    def counts(self) -> Float32Array:
        """Return the number of rows that have each feature, float32 of shape (n_features,)."""
        out = np.empty(self.n_features, np.float32)
        self._core.count_rows(out)
        return out

    def score(self, parameters: SweepParameters, n_threads: int = 1) -> Float32Array:
        """Return the score of each row, float32 of shape (n_rows,)."""
        out = np.empty(self.n_rows, np.float32)
        self._core.score(parameters.core(), out, n_threads)
        return out

    def sweep(
        self,
        parameters: SweepParameters,
        prior: Prior,
        observed: Observed,
        *,
        key: int | None = None,
        n_threads: int = 1,
    ) -> None:
        """Visit every parameter once, and set it to its optimum given all the others.

        With theta a parameter, h = d score / d theta and e the residuals, the optimum is
        ``(a (theta sum h^2 - sum h e) + l m) / (a sum h^2 + l)``, where a is the noise precision,
        and l and m are the precision and the mean of the prior (Rendle 2012, eqs. 24 to 29).

        Parameters
        ----------
        parameters : SweepParameters
            Changed in place.
        prior : Prior
        observed : Observed
            Residuals and, for the logistic loss, targets are changed in place.
        key : int, optional
            If given, each parameter is drawn from its conditional distribution instead. The key
            determines the draws, and must be new for each sweep.
        n_threads : int
            The result does not depend on it.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, between two factors. The residuals are then out of date.
        """
        self._core.sweep(parameters.core(), prior.core(), observed.core(), key, n_threads)
