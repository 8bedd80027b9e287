"""A store in front of another: it waits for it no longer than a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from queue import SimpleQueue
from typing import Any, final

from fieldfare.exceptions import DeadlineError
from fieldfare.serving.stores.base import Features, FeatureStore

_CLOSE_S = 2.0


@final
class GuardedStore:
    """A store that fails when it takes too long.

    While a look-up is late, no other is begun, so that a store that hangs makes requests wait once
    and not again and again.

    Parameters
    ----------
    store : FeatureStore
    seconds : float
        How long a look-up may take.
    """

    def __init__(self, store: FeatureStore, seconds: float) -> None:
        self.name = store.name
        self._store, self._seconds = store, seconds
        self._inbox: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None]
        self._inbox = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._late: Future[Any] | None = None

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        """Return the columns of each user.

        Raises
        ------
        DeadlineError
            If they are not there in time, or an earlier look-up is still late.
        """
        if self._late is not None and not self._late.done():
            raise DeadlineError(f"{self.name} has not answered yet.")
        self._late = None
        asked: Future[list[Features | None]] = self._submitted(self._store.lookup, users)
        try:
            return asked.result(self._seconds)
        except FutureTimeoutError as error:
            if asked.done():  # the store's own error, which may be one of time, too
                raise
            self._late = asked
            raise DeadlineError(
                f"{self.name} has not answered within {1000 * self._seconds:g} ms."
            ) from error

    def close(self) -> None:
        """Close the store: at once, or when a look-up that is late has ended."""
        closed = self._submitted(self._store.close)
        self._inbox.put(None)
        if self._late is None:
            closed.result(_CLOSE_S)

    def _submitted(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        if self._thread is None:
            # It begins with the first look-up, which is after workers have been forked. Nothing
            # waits for it at the end: a store that hangs must not keep the server from stopping.
            self._thread = threading.Thread(
                target=self._work, name=f"fieldfare-{self.name}", daemon=True
            )
            self._thread.start()
        asked: Future[Any] = Future()
        self._inbox.put((asked, work, args))
        return asked

    def _work(self) -> None:
        while (job := self._inbox.get()) is not None:
            asked, work, args = job
            try:
                asked.set_result(work(*args))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                asked.set_exception(error)
