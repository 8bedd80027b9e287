"""Comparisons while there are no requests: with a shadow model, and with exact search."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from fieldfare.retrieval import Index
from fieldfare.serving import logs, recommending
from fieldfare.serving.metrics import Metrics
from fieldfare.serving.recommending import Asked, Options
from fieldfare.serving.registry import View
from fieldfare.serving.wire import Recommendation

# Every so many batches, recall is measured on one list.
_BATCHES_PER_SAMPLE = 50

Compared = Sequence[tuple[Options, Asked, Recommendation]]


class Shadow:
    """Compares what was recommended with what else could have been; nobody waits for it.

    Parameters
    ----------
    name : str or None
        The model that computes what the others have answered, too.
    metrics : Metrics
    """

    def __init__(self, name: str | None, metrics: Metrics) -> None:
        self._name, self._metrics = name, metrics
        self._n_batches = 0

    def later(self, view: View, compared: Compared) -> Callable[[], None] | None:
        """Return what to do while there are no requests, or None."""
        if not compared:
            return None
        self._n_batches += 1
        is_sample = self._n_batches % _BATCHES_PER_SAMPLE == 1 and _is_approximate(compared[0][0])
        if self._name is None and not is_sample:
            return None

        def work() -> None:
            try:
                if self._name is not None:
                    self._compare(view, self._name, compared)
                if is_sample:
                    self._measure(*compared[0][:2])
            except Exception:  # noqa: BLE001 - nobody asked for it, and the thread must go on
                logs.event("comparison failed", level=logging.WARNING, error=True)

        return work

    def _compare(self, view: View, name: str, compared: Compared) -> None:
        """Compute lists with the shadow, and note which share of the items is the same."""
        version = view.version(name)
        others = [one for one in compared if one[0].version is not version]
        for options, group in groupby(others, lambda one: one[0]):
            asked, lists = zip(*[(one, found) for _, one, found in group], strict=True)
            laps = self._metrics.lapper(name)
            made = recommending.recommend(options._replace(version=version), asked, laps)
            for found, one in zip(lists, made, strict=True):
                ids = {item["id"] for item in found.items}
                same = len(ids & {item["id"] for item in one.items})
                self._metrics.overlap.labels(name).observe(same / max(1, len(ids)))

    def _measure(self, options: Options, asked: Asked) -> None:
        """Note the recall of one list, without any filter."""
        version = options.version
        state = version.recommends().state
        requests = recommending.requests_of(state, [asked.wanted], options)
        queries, _ = state.queries(requests.users, requests.rows(state.tower))
        index = state.index
        found, _ = index.search(queries, options.n)
        best, _ = Index(index.vectors, index.alive).search(queries, options.n)
        self._metrics.recall.labels(version.name).observe(float(np.isin(best, found).mean()))


def _is_approximate(options: Options) -> bool:
    recommender = options.version.recommender
    return recommender is not None and recommender.index.neighbours is not None
