"""Micro-batches: what arrives while one batch is computed makes up the next.

One thread computes, outside the event loop, so that the kernels run while requests are read and
answers are sent. A request that finds it idle is computed at once. Under load, when requests are
waiting as a batch ends, those who have just got their answers are likely to ask again: the next
batch waits for as many of them, but at most 2 ms, since one batch of eight takes less than two of
four.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

from fieldfare.exceptions import DeadlineError, OverloadError

_TaskT = TypeVar("_TaskT")
_OutcomeT = TypeVar("_OutcomeT")
# What may be left to do while there are no requests; more is forgotten.
_MOST_IDLE_WORK = 4
_WINDOW_S = 0.002


class _Job(NamedTuple):
    task: Any
    size: int
    future: asyncio.Future[Any]


class Batcher(Generic[_TaskT, _OutcomeT]):
    """Hands tasks to one computing thread, in batches.

    Parameters
    ----------
    work : function of a list of tasks
        Called in the thread. Returns an outcome for each task, and what to do while there are no
        requests, or None.
    most_waiting : int
        Tasks that wait at most; more are refused.
    most_in_batch : int
        Sum of the sizes of the tasks in a batch at most; a larger task is a batch of its own.
    """

    def __init__(
        self,
        work: Callable[[Sequence[_TaskT]], tuple[Sequence[_OutcomeT], Callable[[], None] | None]],
        *,
        most_waiting: int = 512,
        most_in_batch: int = 64,
    ) -> None:
        self._work = work
        self._most_waiting, self._most_in_batch = most_waiting, most_in_batch
        self._waiting: deque[_Job] = deque()
        self._is_busy = False
        self._n_expected = 1
        self._due: asyncio.Handle | None = None
        self._inbox: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._idle_work: deque[Callable[[], None]] = deque(maxlen=_MOST_IDLE_WORK)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; called in the event loop that submits."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._compute, name="fieldfare", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end after the batch in progress."""
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join()

    @property
    def n_waiting(self) -> int:
        """Number of tasks that wait for their batch."""
        return len(self._waiting)

    async def submit(self, task: _TaskT, size: int, seconds: float) -> _OutcomeT:
        """Return the outcome of a task.

        Raises
        ------
        OverloadError
            If too many are waiting.
        DeadlineError
            If it is not there after this many seconds. A task that waits still is then left out.
        """
        loop = self._loop
        assert loop is not None, "submitted before start"
        if len(self._waiting) >= self._most_waiting:
            raise OverloadError(
                f"{self._most_waiting} requests are waiting already. Try again in a second."
            )
        future: asyncio.Future[_OutcomeT] = loop.create_future()
        self._waiting.append(_Job(task, size, future))
        if not self._is_busy and len(self._waiting) >= self._n_expected:
            # Not at once: what has arrived at the same time is read first, and comes along.
            self._n_expected = self._most_waiting + 1
            self._set_due(loop.call_soon(self._dispatch))
        late = loop.call_later(seconds, _expire, future, seconds)
        try:
            return await future
        finally:
            late.cancel()

    def _set_due(self, handle: asyncio.Handle | None) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = handle

    def _dispatch(self) -> None:
        self._set_due(None)
        jobs: list[_Job] = []
        size = 0
        while self._waiting:
            job = self._waiting[0]
            if not job.future.done():
                if jobs and size + job.size > self._most_in_batch:
                    break
                jobs.append(job)
                size += job.size
            self._waiting.popleft()
        self._is_busy, self._n_expected = bool(jobs), 1
        if jobs:
            self._inbox.put(jobs)

    def _compute(self) -> None:
        """Work through batches until there is None; runs in the thread."""
        assert self._loop is not None
        while True:
            try:
                jobs = self._inbox.get_nowait()
            except Empty:
                if self._idle_work:
                    self._idle_work.popleft()()
                    continue
                jobs = self._inbox.get()
            if jobs is None:
                return
            try:
                outcomes, later = self._work([job.task for job in jobs])
            except BaseException as error:  # noqa: BLE001 - it belongs to those who wait
                self._call(self._fail, jobs, error)
                continue
            if later is not None:
                self._idle_work.append(later)
            self._call(self._deliver, jobs, outcomes)

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def _deliver(self, jobs: Sequence[_Job], outcomes: Sequence[_OutcomeT]) -> None:
        for job, outcome in zip(jobs, outcomes, strict=True):
            if not job.future.done():
                job.future.set_result(outcome)
        self._go_on(len(jobs))

    def _go_on(self, n_answered: int) -> None:
        """Take the next batch when as many have asked again as were answered, or soon."""
        assert self._loop is not None
        self._is_busy, self._n_expected = False, 1
        if self._waiting:
            self._n_expected = min(len(self._waiting) + n_answered, self._most_in_batch)
            if len(self._waiting) >= self._n_expected:
                self._dispatch()
            else:
                self._set_due(self._loop.call_later(_WINDOW_S, self._dispatch))

    def _fail(self, jobs: Sequence[_Job], error: BaseException) -> None:
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(error)
        self._go_on(len(jobs))


def _expire(future: asyncio.Future[Any], seconds: float) -> None:
    if not future.done():
        future.set_exception(
            DeadlineError(
                f"No answer was ready within {1000 * seconds:.0f} ms. The server is busy, or the "
                "request is large: try again, or allow more time with the header X-Timeout-Ms."
            )
        )
