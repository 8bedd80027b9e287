"""Answers: the items that an index has found, re-ranked, padded and returned with their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare._validation import Number, check, shown
from fieldfare.exceptions import DataError
from fieldfare.kernels.topk import Excluded, search_items
from fieldfare.retrieval.id_map import IdMap, id_list, is_single_id
from fieldfare.retrieval.requests import Requests
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import Tower
from fieldfare.rows import Rows
from fieldfare.sources.frames import to_pandas

LENGTH = Number(1, 2**31 - 1, integer=True)
"""How many items a list may have."""
_LISTED = ("request", "rank", "id", "score")


class Recommended(NamedTuple):
    """Ids and scores, best first.

    For one request both have shape (m,) with m at most n. For several they have shape
    (n_requests, n), padded with -1 or an empty string as id and -inf as score where there are too
    few items.
    """

    ids: AnyArray
    scores: Float32Array

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each item: request, rank from 1, id and score.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        return to_pandas(
            [dict(zip(_LISTED, row, strict=True)) for row in self._listed()], columns=_LISTED
        )

    def _repr_html_(self) -> str:
        rows = [
            (str(request), str(rank), str(id_), f"{score:.4g}")
            for request, rank, id_, score in self._listed()
        ]
        return Printed(_LISTED, rows, left=(2,)).html()

    def _listed(self) -> list[tuple[int, int, Any, float]]:
        """Return request, rank, id and score of each item, without the padding."""
        ids, scores = np.atleast_2d(self.ids), np.atleast_2d(self.scores)
        return [
            (request, place + 1, ids[request, place].item(), float(scores[request, place]))
            for request, place in np.argwhere(scores > -np.inf).tolist()
        ]


def best_items(
    state: State,
    requests: Requests,
    n: int,
    n_candidates: int,
    *,
    allowed: AnyArray | None,
    excluded: Excluded | None,
    lap: Callable[[str], None] = lambda _: None,
) -> tuple[Int64Array, Float32Array]:
    """Return the best items of each request, ranked by the ranker if there is one.

    Parameters
    ----------
    state : State
    requests : Requests
    n : int
        The greatest length of the lists.
    n_candidates : int
        Number of items recalled for the ranker.
    allowed : bool array of shape (n_places,) or None
        Which places may be returned; None if all may.
    excluded : Excluded or None
        Places that each request leaves out.
    lap : function of str
        Called at the end of each stage with its name: encode, search, rank.

    Returns
    -------
    places : int64 array of shape (n_requests, m)
        Best first, m being n or, if that is less, the number of items; -1 where too few may be
        returned.
    scores : float32 array of shape (n_requests, m)
        -inf where there is no item.
    """
    vectors, constants = state.queries(requests.users, requests.rows(state.tower))
    lap("encode")
    depth = n if state.ranker is None else max(n, n_candidates)
    depth = max(1, min(depth, len(state.item_ids)))
    places, scores = state.index.search(vectors, depth, allowed=allowed, excluded=excluded)
    scores = scores + constants[:, None]
    lap("search")
    if state.ranker is not None:
        places, scores = rerank(state.ranker, requests.rows(state.ranker), places)
        lap("rank")
    return places[:, :n], scores[:, :n].astype(np.float32, copy=False)


def popular_items(
    state: State,
    n_requests: int,
    n: int,
    *,
    allowed: AnyArray | None,
    excluded: Excluded | None,
) -> tuple[Int64Array, Float32Array]:
    """Return the most popular items, for requests of which nothing is known.

    Parameters
    ----------
    state, n, allowed, excluded
        As for `best_items`.
    n_requests : int

    Returns
    -------
    places : int64 array of shape (n_requests, m)
        As those of `best_items`: the items with the most interactions in the history first, of
        equal ones the lower place. Without a history the order is that of the terms that items add
        to the score on their own.
    scores : float32 array of shape (n_requests, m)
        Numbers of interactions, or scores; -inf where there is no item.
    """
    if not state.seen:
        nothing = Requests(False, n_requests, None, None, None)
        return best_items(state, nothing, n, n, allowed=allowed, excluded=excluded)
    # One number for each item, as vectors of length one that a query of 1 searches.
    counts, queries = state.popularity[:, None], np.ones((n_requests, 1), np.float32)
    open_ = state.index.alive if allowed is None else allowed & state.index.alive
    depth = max(1, min(n, len(state.item_ids)))
    return search_items(counts, queries, depth, allowed=open_, excluded=excluded)


def rerank(tower: Tower, queries: Rows, places: Int64Array) -> tuple[Int64Array, Float32Array]:
    """Order recalled items by the scores of a model.

    Parameters
    ----------
    tower : Tower
        Of the model that ranks.
    queries : Rows
        The features of each request, as that model encodes them.
    places : int64 array of shape (n_requests, n_candidates)
        Places of the items; -1 where there is none.

    Returns
    -------
    places : int64 array of shape (n_requests, n_candidates)
        Best first; of equal scores the lower place.
    scores : float32 array of shape (n_requests, n_candidates)
        -inf where the place is -1.
    """
    scores = np.full(places.shape, -np.inf, np.float32)
    for q in range(len(places)):
        there = places[q] >= 0
        rows = tower.items.take(places[q][there])
        query = queries.slice(q, q + 1)
        scores[q, there] = tower.model.score_candidates(query, rows)[:, 0]
    order = np.lexsort((places, -scores), axis=1)
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _padded(places: Int64Array, scores: Float32Array, n: int) -> tuple[Int64Array, Float32Array]:
    """Return lists of length n, padded with place -1 and score -inf."""
    missing = ((0, 0), (0, n - places.shape[1]))
    return (
        np.pad(places, missing, constant_values=-1),
        np.pad(scores, missing, constant_values=-np.inf),
    )


def recommended(
    requests: Requests, state: State, places: Int64Array, scores: Float32Array, n: int
) -> Recommended:
    """Return items with their ids; those of one request are as many as there are."""
    if requests.single:
        there = places[0] >= 0
        return Recommended(state.item_ids.at(places[0][there]), scores[0][there])
    places, scores = _padded(places, scores, n)
    return Recommended(state.item_ids.at(places), scores)


def to_frame(
    requests: Requests,
    state: State,
    places: Int64Array,
    scores: Float32Array,
    columns_of_items: Sequence[str] = (),
) -> Any:
    """Return recommendations as a DataFrame with one row per item.

    Its columns are the user (the number of the request if there are no users), the item, its score,
    its rank from 1, and some columns of the table of items.
    """
    row, rank = np.nonzero(places >= 0)
    users = range(requests.n) if requests.users is None else requests.users
    columns: dict[str, list[Any]] = {
        "request" if requests.users is None else "user": [users[r] for r in row],
        state.item_column: state.item_ids.at(places[row, rank]).tolist(),
        "score": scores[row, rank].tolist(),
        "rank": (rank + 1).tolist(),
    }
    for name, cells in state.columns.values(columns_of_items, places[row, rank]).items():
        columns.setdefault(name, cells)
    lines = zip(*columns.values(), strict=True)
    return to_pandas([dict(zip(columns, line, strict=True)) for line in lines], list(columns))


def most_similar(
    directions: Float32Array, id_map: IdMap, ids: Any, n: int, what: str, alive: AnyArray | None
) -> Recommended:
    """Return the ids whose directions are nearest to those of the given ids.

    Parameters
    ----------
    directions : float32 array of shape (n_places, d)
        Vectors of length one.
    id_map : IdMap
        The id of each place.
    ids : id, or sequence of ids
    n : int
    what : {"item", "user"}
        What the ids are, for messages.
    alive : bool array of shape (n_places,) or None
        Which places may be returned; None if all may.

    Returns
    -------
    Recommended
        The scores are cosines. An id is never similar to itself.

    Raises
    ------
    DataError
        If an id is not known.
    """
    check("n", n, LENGTH, f"similar_{what}s")
    single = is_single_id(ids)
    listed = id_list(ids)
    places = id_map.places(listed)
    if (places < 0).any():
        unknown = listed[int(np.argmax(places < 0))]
        raise DataError(f"There is no {what} {shown(unknown)}, so nothing is similar to it.")
    itself = Excluded(np.arange(len(places) + 1), places.astype(np.uint32))
    depth = max(1, min(n, len(id_map)))
    found, cosines = search_items(
        directions, directions[places], depth, allowed=alive, excluded=itself
    )
    if single:
        there = found[0] >= 0
        return Recommended(id_map.at(found[0][there]), cosines[0][there])
    return Recommended(id_map.at(found), cosines)
