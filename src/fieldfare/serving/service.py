"""The service: what each operation does, without HTTP."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from fieldfare.exceptions import ConfigError, FieldfareError, RequestError
from fieldfare.serving import logs
from fieldfare.serving.answering import Answering, AnyRequest, Task, size_of
from fieldfare.serving.batching import Batcher
from fieldfare.serving.changes import Changes
from fieldfare.serving.errors import Refusal
from fieldfare.serving.journal import ChangeRequest, Journal
from fieldfare.serving.metrics import Metrics
from fieldfare.serving.registry import Registry
from fieldfare.serving.settings import Settings
from fieldfare.serving.shadowing import Shadow
from fieldfare.serving.stores import FeatureStore, open_store
from fieldfare.serving.wire import ChangeAnswer, LoadRequest

_T = TypeVar("_T")
_CHANGE_S = 10.0
_ROWS_A_CHANGE = 4096
_WATCH_S = 1.0


class Service:
    """Models, the thread that computes with them, and whether the server is about to stop.

    Parameters
    ----------
    settings : Settings
    store : FeatureStore or None
        Where the columns of users come from that a request does not bring.
    """

    def __init__(self, settings: Settings, store: FeatureStore | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        if settings.journal is not None and settings.workers > 1:
            raise ConfigError(
                "Only a server with one worker can make changes and keep them. Leave out the "
                "journal, or use workers = 1."
            )
        self._changes = Changes(None if settings.journal is None else Journal(settings.journal))
        self.registry = Registry(settings, self._changes.prepare)
        limits = settings.limits
        self._answering = Answering(
            self.registry, self.metrics, Shadow(settings.shadow, self.metrics), store
        )
        self._answers: Batcher[Task, bytes | Refusal] = Batcher(
            self._answering.answer, most_waiting=limits.queue, most_in_batch=limits.batch
        )
        self._writes: Batcher[ChangeRequest, ChangeAnswer | Refusal] = Batcher(
            self._changes.apply, most_waiting=limits.queue, most_in_batch=_ROWS_A_CHANGE
        )
        # Versions are loaded one after the other, and never by the thread that answers.
        self._loader = ThreadPoolExecutor(1, "fieldfare-load")
        self._encode = msgspec.json.Encoder().encode
        self._stamps: dict[str, tuple[Any, ...] | None] = {}
        self.is_stopping = False

    def load(self) -> None:
        """Load all models, check them and warm them up.

        Raises
        ------
        FieldfareError
            If one cannot be loaded or fails its golden queries.
        """
        # Before they are read, so that files which are replaced meanwhile, or before a worker that
        # takes the place of another begins, are noticed.
        self._stamps = {
            name: self.registry.stamp(name)
            for name, files in self.settings.models.items()
            if files.watch
        }
        self.registry.load_all()
        features = self.settings.features
        if features is not None and self._answering.store is None:
            recommender = self.registry.view().version(None).recommender
            column = "user" if recommender is None else recommender.user_column
            self._answering.store = open_store(features, column)
        n_changes = self._changes.replay()
        if n_changes:
            logs.event("changes made again", journal=self.settings.journal, requests=n_changes)
        for slot in self.registry.about().models:
            logs.event("loaded", model=slot.active.version, file=slot.active.file)

    def start(self) -> None:
        """Begin to answer; called in the event loop."""
        self._answers.start()
        self._writes.start()

    def stop(self) -> None:
        """End all threads, when the last request is answered."""
        self._answers.stop()
        self._writes.stop()
        self._changes.close()
        self._loader.shutdown(wait=False, cancel_futures=True)
        if self._answering.store is not None:
            self._answering.store.close()

    async def answer(self, request: AnyRequest, seconds: float) -> bytes | Refusal:
        """Return the JSON of an answer."""
        self.metrics.waiting.set(self._answers.n_waiting)
        task = Task(request, time.perf_counter())
        return await self._answers.submit(task, size_of(request), seconds)

    async def change(self, request: ChangeRequest) -> bytes | Refusal:
        """Make a change, and return the JSON of the answer once the next request sees it."""
        self._check_single("Changes are made")
        outcome = await self._writes.submit(request, 1, _CHANGE_S)
        return outcome if isinstance(outcome, Refusal) else self._encode(outcome)

    async def load_version(self, name: str, request: LoadRequest | None) -> bytes:
        """Load a version beside the one in use."""
        self._check_single("Versions are loaded")
        await self._in_loader(self.registry.load, name, request)
        return self._told("staged", name)

    def activate(self, name: str) -> bytes:
        """Use the version that was loaded."""
        self._check_single("Versions are switched")
        self.registry.activate(name)
        return self._told("activated", name)

    def rollback(self, name: str) -> bytes:
        """Use the version before again."""
        self._check_single("Versions are switched")
        self.registry.rollback(name)
        return self._told("rolled back", name)

    async def watch(self) -> None:
        """Load and use models whose files have been replaced, until it is cancelled."""
        watched = dict(self._stamps)
        while watched:
            await asyncio.sleep(_WATCH_S)
            for name, before in list(watched.items()):
                now = self.registry.stamp(name)
                # Half of a pair may have been replaced: it is looked at again when it has settled.
                if now == before or now is None:
                    continue
                watched[name] = now
                try:
                    await self._in_loader(self.registry.load, name)
                    self.registry.activate(name)
                except FieldfareError as error:
                    logs.event("not loaded", level=logging.WARNING, model=name, message=str(error))
                except Exception:  # noqa: BLE001 - whatever it is, later files must be noticed
                    logs.event("not loaded", level=logging.ERROR, model=name, error=True)
                else:
                    self._told("activated", name)

    def _told(self, what: str, name: str) -> bytes:
        slot = self.registry.slot_answer(name)
        version = slot.staged if what == "staged" else slot.active
        logs.event(what, model=None if version is None else version.version)
        return self._encode(slot)

    async def _in_loader(self, work: Callable[..., _T], *args: Any) -> _T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._loader, functools.partial(work, *args))

    def _check_single(self, what: str) -> None:
        """Refuse what only one of several processes would know of."""
        if self.settings.workers > 1:
            raise RequestError(
                f"{what} by a server with one worker only: each of the "
                f"{self.settings.workers} workers has its own memory. Replace the files instead, "
                "with --watch.",
                status=409,
            )
