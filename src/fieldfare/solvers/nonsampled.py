"""The non-sampled solver: a factorization machine for recall, learned from all pairs at once.

With c the weight of a pair of query and item that was seen, w that of every other pair, and a
lambda for each side, the objective is

    sum_seen c (1 - score)^2 + sum_others w score^2
        + sum_j lambda mass_j^nu |theta_j|^2,    mass_j = sum over the pairs of x_j^2 (c or w)

(Hu et al. 2008; Bayer et al. 2017; the penalty is that of Rendle et al. 2022, eq. 5). If w is
"auto" and users have several queries, in several contexts, those of a user share the w of each
item, and those in which the user was seen with an item share its c: a pair of user and item then
weighs the same in however many contexts. A sweep solves for the queries, then for the items (see
`fieldfare.kernels.recall`), without drawing any negatives. What is the same for all items of a
query (the bias, linear weights of users and contexts, and pairs of their features) is left out of
the score: it does not affect the ranking.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log, sqrt
from typing import Any, NamedTuple, final

import numpy as np

from fieldfare._typing import Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.data.interactions import (
    Interactions,
    distinct,
    item_features,
    part_of,
    shared_by_contexts,
    user_features,
)
from fieldfare.exceptions import ConfigError, TrainingError
from fieldfare.kernels.recall import RecallSettings, Seen, Side
from fieldfare.kinds.solvers import NONSAMPLED
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.schema.schema import Schema
from fieldfare.solvers.tables import TableSolver

# Steps of conjugate gradients: a few in each of many sweeps, but folding in is a single sweep.
_STEPS = 4
# Where a row has several features, such as an id and columns, they share what there is to explain.
_STEPS_OF_SEVERAL = 8
_STEPS_TO_FOLD_IN = 30

# The numbers of `weighed_by_data` and of `strength`, see decisions 0022 and 0023.
_WEIGHT_OF_ROOT_DENSITY = 3.0
_SHARE_OF_NOISE = 0.5
_AT_FIRST = 3.0
_FALL = 0.8
_SWEEPS_OF_FALL = ceil(log(_AT_FIRST) / -log(_FALL))


def weighed_by_data(config: SolverConfig, seen: Seen, n_users: int, sweep: int) -> SolverConfig:
    """Return a configuration with numbers where the weight or a penalty is "auto".

    With n the total weight of what was seen, U users, I items and m queries per user, the weight
    of a pair that was not seen is w = min(1, 3 sqrt(n / (U I))) / m on average: what a user has
    not seen is not counted anew in every context. The penalties shrink the singular values of the
    matrix of interactions, and those that chance alone would cause reach sqrt(n / U) + sqrt(n / I).
    Both penalties are such that the values shrink by half of that on average, in the end: see
    `strength`.

    Parameters
    ----------
    config : SolverConfig
    seen : Seen
        The items of each query.
    n_users : int
        Number of distinct users among the queries.
    sweep : int
        How many sweeps were made before, see `strength`.
    """
    n, n_items = float(seen.weight.sum(dtype=np.float64)), seen.n_partners
    root = _WEIGHT_OF_ROOT_DENSITY * sqrt(n / (n_users * n_items))
    weight = min(1.0, root) * n_users / seen.n_rows
    if _is_number(config.unobserved_weight):
        weight = config.unobserved_weight
    total = n + weight * seen.n_rows * n_items
    l2 = _SHARE_OF_NOISE * sqrt(n) * (sqrt(n_users) + sqrt(n_items)) / total
    penalties = {}
    for name, mean in (
        ("l2_queries", total / n_users),
        ("l2_items", total / n_items),
    ):
        if not _is_number(getattr(config, name)):
            # As strong on average whatever the exponent is.
            penalties[name] = strength(sweep) * l2 * mean ** (1 - float(config.l2_exponent))
    return replace(config, unobserved_weight=weight, **penalties)


def strength(sweep: int) -> float:
    """Return how many times as strong as in the end the penalties of a sweep are.

    Three times at first, and a fifth less in each sweep. What is clearest in the interactions is so
    learned first, and early stopping finds how strong the penalties should be: interactions that
    tell little beyond popularity stop early.

    Parameters
    ----------
    sweep : int
        How many were made before.
    """
    return max(1.0, _AT_FIRST * _FALL**sweep)


def _is_number(value: float | str) -> bool:
    return not isinstance(value, str)


class _Sides(NamedTuple):
    """Queries and items, and the rows that they were made from."""

    rows: Rows
    order: Int64Array
    queries: Side
    items: Side
    n_users: int


@final
class NonSampledSolver(TableSolver):
    """Improves a model, one sweep over the rows at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed. An FM for ranking, with a Schema whose columns have roles.
    config : SolverConfig, optional
        The step size and the penalties of other solvers are not used. What is "auto" becomes a
        number once there are rows; penalties that are, fall in the first sweeps.
    seed : int
        Fixes the initial factors of features that ``grow`` adds.

    Raises
    ------
    ConfigError
        If the model is of another kind or task.
    """

    runs = (NONSAMPLED,)
    _own_state = ("sweeps",)
    _factors: Float32Array

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        super().__init__(model, config, seed=seed)
        if model.config.instance_norm:
            raise ConfigError(
                f"solver={self.kind.name!r} needs scores that separate into query and item, which "
                "instance_norm=True prevents: set it to False."
            )
        self._bias = np.zeros(1, np.float32)
        self._sides: _Sides | None = None
        self._given = self.config
        # Of a model that has been trained, penalties do not start anew.
        self._sweeps = np.array([0 if model.trained_by is None else _SWEEPS_OF_FALL], np.int64)

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Make one sweep over the rows that ``order`` names, which should be all there are.

        Rows whose target is not positive are not interactions, but their items can be recommended.
        The number of threads changes nothing.

        Returns
        -------
        loss, weight : float
            Sums over all pairs of weight times squared error, after the sweep, and of weight.

        Raises
        ------
        SchemaError
            If the columns have no roles.
        TrainingError
            If there are no interactions.
        """
        rows = as_rows(rows)
        sides = self._sides_of(rows, order)
        seen, sweep = sides.queries.seen, int(self._sweeps[0])
        self.config = weighed_by_data(self._given, seen, sides.n_users, sweep)
        loss = 0.0
        for side, other in ((sides.queries, sides.items), (sides.items, sides.queries)):
            loss = self._solve(side, self._vectors(other, n_threads), n_threads)
        self._sweeps = self._sweeps + 1
        share = sides.queries.share.astype(np.float64)
        n_others = share @ (seen.n_partners - np.diff(seen.indptr))
        weight = seen.weight.sum(dtype=np.float64) + self.config.unobserved_weight * n_others
        return loss, float(weight)

    def _vectors(self, side: Side, n_threads: int) -> Float32Array:
        """Return the vectors of the rows of a side."""
        packed = side.pack(self._factors, self._linear)
        return side.vectors(packed, self._factors.shape[1], n_threads)

    def _solve(
        self,
        side: Side,
        partners: Float32Array,
        n_threads: int,
        first_free: int = 0,
        n_steps: int | None = None,
    ) -> float:
        """Move the features of a side from ``first_free`` on; the other side is fixed."""
        k, linear = self._factors.shape[1], self._origin.config.fit_linear
        config = self.config
        l2 = config.l2_items if side.items else config.l2_queries
        mass = side.mass(config.unobserved_weight)
        if n_steps is None:
            n_steps = _STEPS_OF_SEVERAL if side.has_several else _STEPS
        packed = side.pack(self._factors, self._linear)
        first = int(np.searchsorted(side.features, first_free))
        settings = RecallSettings(k, config.unobserved_weight, linear, first, n_steps)
        loss = side.solve(
            packed,
            side.vectors(packed, k, n_threads),
            partners,
            (l2 * mass ** float(config.l2_exponent)).astype(np.float32),
            settings,
            n_threads,
        )
        self._factors[side.features] = packed[:, :k]
        if side.items and linear:
            self._linear[side.features] = packed[:, k]
        return loss

    def fold_in(self, schema: Schema, rows: Rows, known: Rows, n_threads: int = 1) -> None:
        """Learn the features that only the given interactions have; all others stay fixed.

        Parameters
        ----------
        schema : Schema
            Of both, with the new features at the end.
        rows : Rows
            All interactions of the new queries and items, without targets.
        known : Rows
            Rows of the queries and items that the model knows.
        n_threads : int
        """
        first_free = self.n_features
        self.grow(schema.n_features)
        self._factors[first_free:] = 0
        plain = known.with_(target=None, weight=None, group=None)
        joint = Rows.concatenate([plain, rows.with_(target=None, weight=None, group=None)])
        halves = Interactions.of(joint, item_features(schema))
        fresh = replace(halves, query=halves.query[len(known) :], item=halves.item[len(known) :])
        seen = fresh.seen(None, rows.weight)
        queries = Side(halves.queries, seen, items=False)
        items = Side(halves.items, seen.turned(), items=True)
        for side, other in ((queries, items), (items, queries)):
            self._solve(
                side, self._vectors(other, n_threads), n_threads, first_free, _STEPS_TO_FOLD_IN
            )

    def __getstate__(self) -> dict[str, Any]:
        # The sides are objects of the core; the next sweep makes them again from its rows.
        return self.__dict__ | {"_sides": None}

    def _sides_of(self, rows: Rows, order: Int64Array) -> _Sides:
        """Return the sides of these rows, made once and kept for all sweeps over them."""
        known = self._sides
        if known is not None and known.rows is rows and np.array_equal(known.order, order):
            return known
        used = rows if len(order) == len(rows) else rows.take(order)
        is_item = item_features(self._origin.schema)
        interactions = Interactions.of(used, is_item)
        seen = interactions.seen(used.target, used.weight)
        if not len(seen.index):
            raise TrainingError(
                "Training for recall needs interactions: rows with a positive target, or without a "
                "target. There are none. Check which column is the target."
            )
        users, user = distinct(part_of(interactions.queries, user_features(self._origin.schema)))
        share = None
        if not _is_number(self._given.unobserved_weight):
            seen, share = shared_by_contexts(seen, user)
        queries = Side(interactions.queries, seen, items=False, share=share)
        items = Side(interactions.items, seen.turned(), items=True, partner_share=share)
        absent = np.ones(self.n_features, bool)
        absent[queries.features] = absent[items.features] = False
        # Features that no row has, such as the id of unknown values, must not add noise to scores.
        self._factors[absent] = 0
        self._linear[absent] = 0
        self._sides = _Sides(rows, order, queries, items, len(users))
        return self._sides
