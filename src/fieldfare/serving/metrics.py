"""Metrics for Prometheus: what is served, how fast, how well, and how full the queue is."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import prometheus_client as prometheus
from prometheus_client import multiprocess

from fieldfare.serving.versions import Version
from fieldfare.serving.wire import Recommendation

CONTENT_TYPE = prometheus.CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_STAGE_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Set by prometheus-client's own rule: where it is, the values of several processes are added up.
_SHARED = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = registry = prometheus.CollectorRegistry()
        self.seconds = prometheus.Histogram(
            "fieldfare_request_seconds", "Time from the head of a request to its answer.",
            ["endpoint", "status"], buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._stages = prometheus.Histogram(
            "fieldfare_stage_seconds", "Time of a stage, for one batch.",
            ["model", "stage"], buckets=_STAGE_SECONDS, registry=registry,
        )  # fmt: skip
        self.batch_sizes = prometheus.Histogram(
            "fieldfare_batch_size", "Requests that were computed together.",
            buckets=_SIZES, registry=registry,
        )  # fmt: skip
        self.waiting = prometheus.Gauge(
            "fieldfare_queue_depth", "Requests that wait.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._lists = prometheus.Counter(
            "fieldfare_lists", "Lists recommended, by what their order is by.",
            ["model", "source"], registry=registry,
        )  # fmt: skip
        self._unknown = prometheus.Counter(
            "fieldfare_unknown_users", "Lists for users that are not known.",
            ["model"], registry=registry,
        )  # fmt: skip
        self._empty = prometheus.Counter(
            "fieldfare_empty_lists", "Lists without any item.", ["model"], registry=registry
        )
        self.degraded = prometheus.Counter(
            "fieldfare_degraded", "Batches that something was not available for.",
            ["what"], registry=registry,
        )  # fmt: skip
        self.overlap = prometheus.Histogram(
            "fieldfare_shadow_overlap", "Share of the items that the shadow recommends, too.",
            ["model"], buckets=(0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1), registry=registry,
        )  # fmt: skip
        self.recall = prometheus.Histogram(
            "fieldfare_sampled_recall", "Share of the true best that approximate search found.",
            ["model"], buckets=(0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1), registry=registry,
        )  # fmt: skip
        latest: dict[str, Any] = {"registry": registry, "multiprocess_mode": "mostrecent"}
        self._items = prometheus.Gauge(
            "fieldfare_index_items", "Items in the index.", ["model"], **latest
        )
        self._age = prometheus.Gauge(
            "fieldfare_model_age_seconds", "Time since the model was loaded.", ["model"], **latest
        )
        self._number = prometheus.Gauge(
            "fieldfare_model_version", "Number of the version in use.", ["model"], **latest
        )

    def lapper(self, model: str) -> Laps:
        """Return a clock of the stages of one batch."""
        return Laps(self._stages, model)

    @contextmanager
    def stage(self, model: str, name: str) -> Iterator[None]:
        """Time a stage."""
        with self._stages.labels(model, name).time():
            yield

    def recommended(self, model: str, lists: Sequence[Recommendation]) -> None:
        """Count lists, and those that are empty or for unknown users."""
        for source, n in Counter(one.source for one in lists).items():
            self._lists.labels(model, source).inc(n)
        unknown = sum(not one.user_known for one in lists)
        empty = sum(not one.items for one in lists)
        if unknown:
            self._unknown.labels(model).inc(unknown)
        if empty:
            self._empty.labels(model).inc(empty)

    def text(self, versions: Sequence[Version]) -> bytes:
        """Return all metrics as Prometheus reads them.

        Parameters
        ----------
        versions : sequence of Version
            Those in use.
        """
        for one in versions:
            if one.recommender is not None:
                self._items.labels(one.name).set(len(one.recommender.index))
            self._age.labels(one.name).set(time.time() - one.loaded)
            self._number.labels(one.name).set(one.number)
        registry = self.registry
        if _SHARED in os.environ:
            registry = prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return prometheus.generate_latest(registry)


class Laps:
    """A clock that notes each stage when it ends; what a lap is called it is noted under."""

    def __init__(self, stages: prometheus.Histogram, model: str) -> None:
        self._stages, self._model = stages, model
        self._last = time.perf_counter()

    def __call__(self, stage: str) -> None:
        now = time.perf_counter()
        self._stages.labels(self._model, stage).observe(now - self._last)
        self._last = now
