"""Requests as features of queries, and what is done with the places that an index has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare._validation import Number, check
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.topk import Excluded, search_items
from fieldfare.retrieval.labels import Labels
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import Tower
from fieldfare.rows import Rows
from fieldfare.schema import compose
from fieldfare.sources.frames import to_pandas


class Recommended(NamedTuple):
    """Ids and scores, best first.

    Of one request both have shape (m,) with m at most n; of several (n_requests, n), filled up with
    -1 or an empty text, and -inf, where there are too few items.
    """

    ids: AnyArray
    scores: Float32Array


class Requests(NamedTuple):
    """Whether it is one, the ids of the users if any, their contexts, and features of them all."""

    single: bool
    users: list[Any] | None
    contexts: Any
    rows: Rows


def requested(state: State, users: Any, contexts: Any) -> Requests:
    """Return what was asked for; ids of users may also stand among the contexts."""
    if users is None and contexts is None:
        raise ConfigError("Recommendations need users or contexts. Got neither.")
    mapping = contexts is None or isinstance(contexts, Mapping)
    if users is None:
        users, contexts = _users_among(contexts, state.tower.user)
    one = users is None or is_one(users)
    asked = None
    if users is not None:
        asked = [users] if one else plain(users)
    return Requests(one and mapping, asked, contexts, rows_of(state, state.tower, asked, contexts))


def _users_among(contexts: Any, column: str) -> tuple[Any, Any]:
    """Return the users that contexts name, if they do, and the contexts."""
    if isinstance(contexts, Mapping):
        return contexts.get(column), {k: v for k, v in contexts.items() if k != column}
    table = compose.read(contexts)
    named = column in table.column_names
    return table.column(column).to_pylist() if named else None, table


def is_one(ids: Any) -> bool:
    """Whether this is one id, and not a list, array or column of them."""
    return isinstance(ids, str) or not hasattr(ids, "__len__")


def plain(ids: Any) -> list[Any]:
    """Return ids as numbers and texts of Python."""
    return list(ids.tolist()) if hasattr(ids, "tolist") else list(ids)


def rows_of(state: State, tower: Tower, users: list[Any] | None, contexts: Any) -> Rows:
    """Return the features of requests, as the model of a tower has them."""
    if contexts is not None and not isinstance(contexts, Mapping):
        contexts = compose.read(contexts)
    known = users is not None and state.people is not None
    places = state.people.places(users or []) if known and state.people is not None else None
    return tower.queries(users, places, contexts)


def ranked(tower: Tower, queries: Rows, places: Int64Array) -> tuple[Int64Array, Float32Array]:
    """Return candidates in the order of a model's scores."""
    scores = np.full(places.shape, -np.inf, np.float32)
    for q in range(len(places)):
        there = places[q] >= 0
        rows = tower.items.take(places[q][there])
        one = queries.slice(q, q + 1)
        scores[q, there] = tower.model.score_candidates(one, rows)[:, 0]
    order = np.lexsort((places, -scores), axis=1)
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(scores, order, axis=1)


def filled(places: Int64Array, scores: Float32Array, n: int) -> tuple[Int64Array, Float32Array]:
    """Return lists of length n."""
    lack = ((0, 0), (0, n - places.shape[1]))
    return (
        np.pad(places, lack, constant_values=-1),
        np.pad(scores.astype(np.float32, copy=False), lack, constant_values=-np.inf),
    )


def frame_of(
    requests: list[Any], name: str, state: State, places: Int64Array, scores: Float32Array
) -> Any:
    """Return recommendations as a DataFrame, one row an item."""
    row, rank = np.nonzero(places >= 0)
    columns: dict[str, list[Any]] = {
        name: [requests[r] for r in row],
        state.item_column: state.items.at(places[row, rank]).tolist(),
        "score": scores[row, rank].tolist(),
        "rank": (rank + 1).tolist(),
    }
    lines = zip(*columns.values(), strict=True)
    return to_pandas([dict(zip(columns, line, strict=True)) for line in lines])


def similar(
    directions: Float32Array, labels: Labels, ids: Any, n: int, what: str, alive: AnyArray | None
) -> Recommended:
    """Return the rows whose directions are nearest to those of some ids, and their cosines."""
    check("n", n, Number(1, integer=True), f"similar_{what}s")
    single = is_one(ids)
    places = labels.places([ids] if single else plain(ids))
    if (places < 0).any():
        raise DataError(f"There is no {what} {ids!r}. Nothing can be similar to it.")
    itself = Excluded(np.arange(len(places) + 1), places.astype(np.uint32))
    depth = max(1, min(n, len(labels)))
    found, cosines = search_items(
        directions, directions[places], depth, allowed=alive, excluded=itself
    )
    if single:
        there = found[0] >= 0
        return Recommended(labels.at(found[0][there]), cosines[0][there])
    return Recommended(labels.at(found), cosines)


def ndcg(found: Int64Array, relevant: Int64Array, n: int) -> float:
    """Return NDCG of binary relevance (Jarvelin & Kekalainen 2002) of one list."""
    discount = 1 / np.log2(np.arange(2, n + 2))
    gain = np.isin(found, relevant) @ discount[: len(found)]
    return float(gain / discount[: max(1, min(n, len(relevant)))].sum())
