"""Merging the proposals of several recall channels by one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from fieldfare.kernels.topk import Excluded
from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.id_map import id_list
from fieldfare.retrieval.requests import Requests
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import hstack_rows


def merge(
    state: State,
    channels: Mapping[str, Iterable[object]],
    requests: Requests,
    n: int,
    *,
    column: str | None,
    excluded: Excluded | None,
) -> Recommended:
    """Return the n best of all proposed items, by the ranker or else the model.

    Parameters
    ----------
    state : State
    channels : mapping from name to ids
    requests : Requests
        A single one.
    n : int
    column : str or None
        Column that holds the names of the channels which propose an item.
    excluded : Excluded or None
        Places that are left out, whoever proposes them.
    """
    out = set() if excluded is None else set(excluded.ids.tolist())
    tower = state.ranker or state.tower
    proposed_by: dict[int, list[str]] = {}
    for name, ids in channels.items():
        for place in state.item_ids.places(id_list(ids)).tolist():
            if place >= 0 and place not in out and state.index.alive[place]:
                proposed_by.setdefault(place, []).append(name)
    query = requests.rows(tower)
    places = np.array(list(proposed_by), np.int64)
    rows = tower.items.take(places)
    if column is not None and len(places):
        rows = hstack_rows([rows, tower.channels(list(proposed_by.values()), column)])
    scores = tower.model.score_candidates(query, rows)[:, 0]
    best = np.lexsort((places, -scores))[:n]
    return Recommended(state.item_ids.at(places[best]), scores[best])
