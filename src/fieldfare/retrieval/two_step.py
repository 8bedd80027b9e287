"""What recalling candidates before ranking them costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import Int64Array
from fieldfare.exceptions import ConfigError
from fieldfare.retrieval.answers import Recommended, rerank
from fieldfare.retrieval.requests import read_requests
from fieldfare.retrieval.seen import SeenItems
from fieldfare.retrieval.state import State
from fieldfare.schema import compose


class TwoStep(NamedTuple):
    """Mean NDCG of a ranker.

    Parameters
    ----------
    all_items : float
        When it scores every item.
    recalled : float
        When it scores only the items recalled for it.
    loss : float
        The difference: what recalling costs.
    """

    all_items: float
    recalled: float
    loss: float


def measure(
    recommend: Callable[[Any, int], Recommended], state: State, test: Any, n: int
) -> TwoStep:
    """Compare the recommendations for the test users with those of the ranker over all items.

    Parameters
    ----------
    recommend : callable
        From a user id and n to the recommendations.
    state : State
    test : table
        Held-out interactions.
    n : int
        Length of the lists.

    Raises
    ------
    ConfigError
        If there is no ranker.
    """
    if state.ranker is None:
        raise ConfigError(
            "Without a ranker there are no two steps to compare. Pass ranker= to Recommender."
        )
    wanted = SeenItems.of(compose.read(test), state.tower.user, state.item_column)
    recalled, all_items = [], []
    catalogue = np.flatnonzero(state.index.alive)
    for user in wanted.users.values:
        relevant = state.item_ids.places(wanted.items.values[wanted.codes(user)])
        found = recommend(user, n)
        query = read_requests(state, [user], None).rows(state.ranker)
        excluded = state.excluded([user], None, 1)
        rest = catalogue if excluded is None else np.setdiff1d(catalogue, excluded.ids)
        best, _ = rerank(state.ranker, query, rest[None])
        recalled.append(_ndcg(state.item_ids.places(found.ids), relevant, n))
        all_items.append(_ndcg(best[0, :n], relevant, n))
    mean_all, mean_recalled = float(np.mean(all_items)), float(np.mean(recalled))
    return TwoStep(mean_all, mean_recalled, mean_all - mean_recalled)


def _ndcg(found: Int64Array, relevant: Int64Array, n: int) -> float:
    """Return NDCG@n of one list with binary relevance (Jarvelin and Kekalainen 2002)."""
    discount = 1 / np.log2(np.arange(2, n + 2))
    gain = np.isin(found, relevant) @ discount[: len(found)]
    return float(gain / discount[: max(1, min(n, len(relevant)))].sum())
