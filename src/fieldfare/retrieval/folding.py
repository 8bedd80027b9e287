"""Folding in: vectors of users that the model was not trained with, from their interactions.

Of all parameters only p, the factors of a user's id, is free. The objective of the non-sampled
solver (`fieldfare.solvers.nonsampled`; Hu et al. 2008) is then one of least squares, and its
minimum, the one that a sweep of the solver approaches, is computed here. A query m of the user
scores an item i by ``<p + r_m, q_i> + s_i``, where r_m is what the other features of the user and
those of the context add, and q_i and s_i are the item's vector. With c the weights of what was
seen, w that of every other pair of the M queries and all items,

    A p = b,    A = w M G + sum_seen (c - w) q_i q_i' + penalty,
    b = sum_seen (c - (c - w) (<r_m, q_i> + s_i)) q_i - w sum_m sum_i (<r_m, q_i> + s_i) q_i,

and G the sum of q_i q_i' over all items, which is computed once for all users.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.data.interactions import distinct
from fieldfare.exceptions import DataError
from fieldfare.kernels.recall import Seen
from fieldfare.retrieval.id_map import IdMap, is_single_id
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.layered import LayeredArray
from fieldfare.rows import Rows
from fieldfare.schema import compose

# The share of replaced users above which the others move together.
_REPLACED = 0.25
# Relative to the mean of the diagonal: keeps A regular where there is no penalty.
_LEAST_PENALTY = 1e-10


@final
@dataclass(frozen=True, eq=False)
class FoldedUsers:
    """Users with a vector of their own, in place of what the model knows of their ids.

    Parameters
    ----------
    ids : IdMap
    vectors : LayeredArray of float32, shape (len(ids), k)
    n_replaced : int
        Rows that a later one has replaced.
    """

    ids: IdMap = field(default_factory=lambda: IdMap(np.zeros(0, np.int64)))
    vectors: LayeredArray = field(
        default_factory=lambda: LayeredArray(np.zeros((0, 0), np.float32))
    )
    n_replaced: int = 0

    def __bool__(self) -> bool:
        return len(self.ids) > 0

    def with_more(self, ids: AnyArray, vectors: Float32Array) -> FoldedUsers:
        """Return the same users and more, or others in place of those that are known."""
        n_replaced = self.n_replaced + int((self.ids.places(ids) >= 0).sum())
        more = self.vectors.extended(vectors) if self else LayeredArray(vectors)
        found = FoldedUsers(self.ids.extended(ids), more, n_replaced)
        return found.settled() if n_replaced > _REPLACED * len(found.ids) else found

    def settled(self) -> FoldedUsers:
        """Return the same users without the rows that were replaced."""
        if not self.n_replaced:
            return self
        kept = np.flatnonzero(self.ids.in_use())
        return FoldedUsers(self.ids.taken(kept), LayeredArray(self.vectors.take(kept)))


def read_interactions(interactions: Any) -> Any:
    """Return interactions as a pyarrow Table; in a mapping, a single value is that of all rows."""
    if isinstance(interactions, Mapping):
        lengths = {len(column) for column in interactions.values() if not is_single_id(column)}
        n = max(lengths, default=1)
        interactions = {
            name: [column] * n if is_single_id(column) else column
            for name, column in interactions.items()
        }
    return compose.read(interactions)


def read_weights(table: Any, sample_weight: Any) -> Float32Array:
    """Return the weight of each interaction, one on average: only their proportions count.

    Parameters
    ----------
    table : pyarrow Table
    sample_weight : array-like of shape (n_interactions,), name of a column, or None

    Raises
    ------
    DataError
        If they are negative, not finite or all zero, or not one per row.
    """
    if sample_weight is None:
        return np.ones(table.num_rows, np.float32)
    if isinstance(sample_weight, str):
        sample_weight = compose.numbers(table, sample_weight)
    weight = as_array("The weights of interactions", sample_weight, np.float64, ndim=1)
    if len(weight) != table.num_rows:
        raise DataError(f"There are {table.num_rows} interactions and {len(weight)} weights.")
    if not (np.isfinite(weight) & (weight >= 0)).all() or not weight.any():
        raise DataError(
            "The weights of interactions must be finite, not negative, and not all zero."
        )
    found: Float32Array = (weight / weight[weight > 0].mean()).astype(np.float32)
    return found


@final
@dataclass(frozen=True, eq=False)
class Observed:
    """Interactions of users with items of a catalogue, sorted into queries.

    Parameters
    ----------
    rest : Rows
        The features of each distinct query, without the user's id.
    of_user : int64 array of shape (n_users + 1,)
        User u has the queries from ``of_user[u]`` to ``of_user[u + 1]``.
    seen : Seen
        The places of the items of each query.
    """

    rest: Rows
    of_user: Int64Array
    seen: Seen

    @staticmethod
    def of(
        user: Int64Array, rest: Rows, places: Int64Array, weight: Float32Array, n_places: int
    ) -> Observed:
        """Sort interactions: the number of the user, other features, place and weight of each."""
        rows, number = distinct(rest)
        pairs, query = np.unique(user * len(rows) + number, return_inverse=True)
        owner, own = np.divmod(pairs, len(rows))
        of_user = np.append(0, np.cumsum(np.bincount(owner)))
        seen = Seen.of(query.reshape(-1), places, weight, (len(pairs), n_places))
        return Observed(rows.take(own), of_user, seen)


def user_vectors(
    index: Index, observed: Observed, rest: Float32Array, config: SolverConfig
) -> Float32Array:
    """Return the vector of each user, float32 of shape (n_users, k).

    Parameters
    ----------
    index : Index
        All its items count: those that a query was not seen with as well.
    observed : Observed
    rest : float32 array of shape (n_queries, k + 1)
        The query vectors without the users' ids; the last number of each is one.
    config : SolverConfig
        With the weight and the penalties as numbers.
    """
    solved = _solutions(index, observed, rest.astype(np.float64), config)
    return np.array(list(solved), np.float32)


def _solutions(
    index: Index, observed: Observed, rest: Float64Array, config: SolverConfig
) -> Iterator[Float64Array]:
    w, k = float(config.unobserved_weight), rest.shape[1] - 1
    gram, seen = w * index.gram, observed.seen
    for first, last in zip(observed.of_user[:-1], observed.of_user[1:], strict=True):
        own = slice(seen.indptr[first], seen.indptr[last])
        items = index.vectors[seen.index[own]].astype(np.float64)
        c = seen.weight[own].astype(np.float64)
        query = np.repeat(rest[first:last], np.diff(seen.indptr[first : last + 1]), axis=0)
        known = np.einsum("ed,ed->e", query, items)
        q, n = items[:, :k], last - first
        mass = c.sum() + w * n * len(index)
        a = n * gram[:k, :k] + (q.T * (c - w)) @ q
        penalty = float(config.l2_queries) * mass ** float(config.l2_exponent)
        a[np.diag_indices(k)] += penalty + _LEAST_PENALTY * np.trace(a) / k
        b = (c - (c - w) * known) @ q - gram[:k] @ rest[first:last].sum(axis=0)
        yield np.linalg.solve(a, b)
