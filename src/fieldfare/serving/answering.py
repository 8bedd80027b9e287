"""Answering a batch: tasks of all kinds in, the JSON of each answer out; for one thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from fieldfare.exceptions import FieldfareError
from fieldfare.serving import logs, predicting, recommending
from fieldfare.serving.errors import Refusal
from fieldfare.serving.metrics import Metrics
from fieldfare.serving.recommending import Asked, Options
from fieldfare.serving.registry import Registry, View
from fieldfare.serving.shadowing import Shadow
from fieldfare.serving.stores import FeatureStore
from fieldfare.serving.versions import Version
from fieldfare.serving.wire import (
    ExplainRequest,
    MergeRequest,
    PredictRequest,
    RecommendAnswer,
    Recommendation,
    RecommendRequest,
    SimilarRequest,
    Wanted,
)

AnyRequest = PredictRequest | RecommendRequest | SimilarRequest | MergeRequest | ExplainRequest


@dataclass
class Task:
    """A request to answer, and when it came, by `time.perf_counter`."""

    request: AnyRequest
    came: float


def size_of(request: AnyRequest) -> int:
    """Return how many rows or lists a request asks for."""
    if isinstance(request, PredictRequest):
        return len(predicting.rows_in(request))
    if isinstance(request, RecommendRequest) and isinstance(request.requests, list):
        return len(request.requests)
    return 1


class Answering:
    """Answers batches with the versions in use.

    Parameters
    ----------
    registry : Registry
    metrics : Metrics
    shadow : Shadow
        Gets what was recommended, to be compared when there is time.
    store : FeatureStore or None
        Where the columns of users come from that a request does not bring.
    """

    def __init__(
        self, registry: Registry, metrics: Metrics, shadow: Shadow, store: FeatureStore | None
    ) -> None:
        self._registry, self._metrics = registry, metrics
        self._shadow, self.store = shadow, store
        self._encode = msgspec.json.Encoder().encode

    def answer(
        self, tasks: Sequence[Task]
    ) -> tuple[list[bytes | Refusal], Callable[[], None] | None]:
        """Return the JSON of an answer for each task, and what may be done later.

        All of them see the same versions.
        """
        view = self._registry.view()
        self._metrics.batch_sizes.observe(len(tasks))
        found: dict[int, Any] = {}
        of = {
            kind: [i for i, task in enumerate(tasks) if isinstance(task.request, kind)]
            for kind in (PredictRequest, RecommendRequest)
        }
        found.update(self._predicted(view, tasks, of[PredictRequest]))
        compared = self._recommended(view, tasks, of[RecommendRequest], found)
        for i, task in enumerate(tasks):
            if i not in found:
                found[i] = _guarded(self._single, view, task)
        outcomes = [found[i] for i in range(len(tasks))]
        with self._metrics.stage("all", "json"):
            encoded = [one if isinstance(one, Refusal) else self._encode(one) for one in outcomes]
        return encoded, self._shadow.later(view, compared)

    # -- predictions ----------------------------------------------------------------------------

    def _predicted(
        self, view: View, tasks: Sequence[Task], numbers: Sequence[int]
    ) -> dict[int, Any]:
        """Return the answers to requests for predictions, by the number of their task."""
        found: dict[int, Any] = {}
        ready: dict[Version, list[tuple[int, predicting.Encoded]]] = {}
        for i in numbers:
            request = tasks[i].request
            assert isinstance(request, PredictRequest)
            version = _guarded(view.version, request.model)
            if isinstance(version, Refusal):
                found[i] = version
                continue
            with self._metrics.stage(version.name, "encode"):
                encoded = _guarded(predicting.encode, version, request)
            if isinstance(encoded, Refusal):
                found[i] = encoded
            else:
                ready.setdefault(version, []).append((i, encoded))
        for version, some in ready.items():
            with self._metrics.stage(version.name, "score"):
                answers = _together(partial(predicting.predict, version), [e for _, e in some])
            found.update(zip([i for i, _ in some], answers, strict=True))
        return found

    # -- recommendations ------------------------------------------------------------------------

    def _recommended(
        self, view: View, tasks: Sequence[Task], numbers: Sequence[int], found: dict[int, Any]
    ) -> list[tuple[Options, Asked, Recommendation]]:
        """Add the answers to requests for lists, by the number of their task; return the lists."""
        lists: dict[int, list[Any]] = {}
        wishes: list[tuple[int, int, Wanted]] = []
        for i in numbers:
            asked = _guarded(recommending.lists_in, tasks[i].request)
            if isinstance(asked, Refusal):
                found[i] = asked
                continue
            lists[i] = [None] * len(asked)
            wishes += [(i, k, wanted) for k, wanted in enumerate(asked)]
        stored, degraded = self._looked_up([wanted for *_, wanted in wishes])
        groups: dict[Options, list[tuple[int, int, Asked]]] = {}
        for (i, k, wanted), features in zip(wishes, stored, strict=True):
            request = tasks[i].request
            asked = _guarded(_asked, view, request, wanted, features)
            if isinstance(asked, Refusal):
                lists[i][k] = asked
            else:
                groups.setdefault(Options.of(asked), []).append((i, k, asked))
        compared = []
        for options, members in groups.items():
            laps = self._metrics.lapper(options.version.name)
            made = _together(
                partial(recommending.recommend, options, lap=laps), [asked for *_, asked in members]
            )
            for number, ((_, _, asked), one) in enumerate(zip(members, made, strict=True)):
                if isinstance(one, Refusal) and asked.unaided is not None:
                    # What the store has does not fit the model: it is no fault of the request.
                    own = asked._replace(wanted=asked.unaided, unaided=None)
                    made[number] = _alone(own, laps)
                    degraded = self._degraded()
            whole = [one for one in made if isinstance(one, Recommendation)]
            self._metrics.recommended(options.version.name, whole)
            for (i, k, asked), one in zip(members, made, strict=True):
                lists[i][k] = (options.version, one) if isinstance(one, Recommendation) else one
                if isinstance(one, Recommendation):
                    compared.append((options, asked, one))
        for i, results in lists.items():
            found[i] = _answer(tasks[i], results, is_split=view.splitting is not None)
            if degraded and isinstance(found[i], RecommendAnswer):
                found[i].degraded = degraded
        return compared

    def _looked_up(
        self, wishes: Sequence[Wanted]
    ) -> tuple[Sequence[Mapping[str, Any] | None], list[str]]:
        """Return the columns of the users in the store, and what was not available."""
        nothing = [None] * len(wishes)
        users = [wanted.user for wanted in wishes if wanted.user is not None]
        if self.store is None or not users:
            return nothing, []
        try:
            with self._metrics.stage(self.store.name, "lookup"):
                found = iter(self.store.lookup(users))
            return [None if w.user is None else next(found) for w in wishes], []
        except Exception:  # noqa: BLE001 - whatever a store does, its users get an answer
            logs.event("store failed", level=logging.WARNING, error=True, store=self.store.name)
            return nothing, self._degraded()

    def _degraded(self) -> list[str]:
        """Count an answer without features, and return what it says of it."""
        self._metrics.degraded.labels("features").inc()
        return ["features"]

    # -- the others -----------------------------------------------------------------------------

    def _single(self, view: View, task: Task) -> Any:
        request = task.request
        if isinstance(request, SimilarRequest):
            return recommending.similar(view.version(request.model), request)
        if isinstance(request, MergeRequest):
            version = view.version_for(request.model, request.user)
            return _answer(
                task, [(version, recommending.merge(version, request))],
                is_split=view.splitting is not None,
            )  # fmt: skip
        assert isinstance(request, ExplainRequest)
        return predicting.explained(view.version_for(request.model, request.user), request)


def _asked(
    view: View, request: RecommendRequest, wanted: Wanted, stored: Mapping[str, Any] | None
) -> Asked:
    """Return a list that is asked for with its version, and with what a store has of the user."""
    version = view.version_for(request.model, wanted.user)
    recommending.check(version, request, wanted)
    aided = recommending.with_stored(version, wanted, stored)
    return Asked(version, request, aided, None if aided is wanted else wanted)


def _alone(asked: Asked, lap: recommending.Lap) -> Recommendation | Refusal:
    """Return one list, made apart from all others."""
    found = _guarded(recommending.recommend, Options.of(asked), [asked], lap)
    outcome: Recommendation | Refusal = found if isinstance(found, Refusal) else found[0]
    return outcome


def _answer(task: Task, results: Sequence[Any], *, is_split: bool) -> RecommendAnswer | Refusal:
    """Return the lists of one request, or the first refusal among them."""
    for k, one in enumerate(results):
        if isinstance(one, Refusal):
            several = isinstance(getattr(task.request, "requests", None), list)
            return one._replace(where=one.where or (f"$.requests[{k}]" if several else "$"))
    for version, one in results:
        if is_split:
            one.variant = version.label
    version = results[0][0]
    ms = round(1000 * (time.perf_counter() - task.came), 3)
    return RecommendAnswer([one for _, one in results], version.label, version.index_label, ms)


def _together(work: Callable[[Sequence[Any]], Sequence[Any]], tasks: Sequence[Any]) -> list[Any]:
    """Do something for several tasks, or for each alone where one of them is at fault."""
    whole = _guarded(work, tasks)
    if not isinstance(whole, Refusal):
        return list(whole)
    if len(tasks) == 1:
        return [whole]
    return [_together(work, [task])[0] for task in tasks]


def _guarded(work: Callable[..., Any], *args: Any) -> Any:
    """Return a result, or the refusal for what was raised."""
    try:
        return work(*args)
    except FieldfareError as error:
        return Refusal.of(error)
    except Exception as error:  # noqa: BLE001 - a request must not take others down with it
        logs.event("failed", level=logging.ERROR, error=True)
        return Refusal.of(error)
