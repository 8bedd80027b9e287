"""A store in front of another: it waits for it no longer than a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
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
        # Threads begin with the first look-up, which is after workers have been forked.
        self._thread = ThreadPoolExecutor(1, f"fieldfare-{store.name}")
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
        asked = self._thread.submit(self._store.lookup, users)
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
        closed = self._thread.submit(self._store.close)
        if self._late is None:
            closed.result(_CLOSE_S)
        self._thread.shutdown(wait=False)
