"""Tasks are computed in batches by one thread: at once when it is idle, together under load."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fieldfare.exceptions import DeadlineError, OverloadError
from fieldfare.serving.batching import Batcher


def run(main):
    return asyncio.run(main())


class Recorder:
    """Work that notes its batches, and may be held up."""

    def __init__(self):
        self.batches = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, tasks):
        self.go.wait(10)
        self.batches.append(list(tasks))
        return [10 * task for task in tasks], None


def test_outcomes_belong_to_their_tasks_and_none_is_computed_twice():
    work = Recorder()

    async def main():
        batcher = Batcher(work, most_waiting=10_000)
        batcher.start()
        found = await asyncio.gather(*(batcher.submit(i, 1, 20) for i in range(1000)))
        batcher.stop()
        return found

    assert run(main) == [10 * i for i in range(1000)]
    assert sorted(i for batch in work.batches for i in batch) == list(range(1000))
    assert max(map(len, work.batches)) == 64


def test_what_arrives_during_a_batch_makes_up_the_next():
    work = Recorder()

    async def main():
        batcher = Batcher(work)
        batcher.start()
        work.go.clear()
        first = asyncio.ensure_future(batcher.submit(0, 1, 20))
        await asyncio.sleep(0.05)
        others = [asyncio.ensure_future(batcher.submit(i, 1, 20)) for i in range(1, 6)]
        await asyncio.sleep(0)
        work.go.set()
        await asyncio.gather(first, *others)
        batcher.stop()

    run(main)
    assert work.batches == [[0], [1, 2, 3, 4, 5]]


def test_large_tasks_are_batches_of_their_own():
    work = Recorder()

    async def main():
        batcher = Batcher(work, most_in_batch=10)
        batcher.start()
        await asyncio.gather(*(batcher.submit(size, size, 20) for size in (4, 4, 4, 50, 1)))
        batcher.stop()

    run(main)
    assert work.batches == [[4, 4], [4], [50], [1]]


def test_late_tasks_are_given_up_and_not_computed():
    work = Recorder()

    async def main():
        batcher = Batcher(work)
        batcher.start()
        work.go.clear()
        first = asyncio.ensure_future(batcher.submit(1, 1, 20))
        await asyncio.sleep(0.05)
        with pytest.raises(DeadlineError):
            await batcher.submit(2, 1, 0.01)
        work.go.set()
        assert await first == 10
        assert await batcher.submit(3, 1, 20) == 30
        batcher.stop()

    run(main)
    assert work.batches == [[1], [3]]


def test_too_many_tasks_are_refused():
    work = Recorder()

    async def main():
        batcher = Batcher(work, most_waiting=2)
        batcher.start()
        work.go.clear()
        running = asyncio.ensure_future(batcher.submit(0, 1, 20))
        await asyncio.sleep(0.05)
        waiting = [asyncio.ensure_future(batcher.submit(i, 1, 20)) for i in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadError):
            await batcher.submit(3, 1, 20)
        work.go.set()
        assert await asyncio.gather(running, *waiting) == [0, 10, 20]
        batcher.stop()

    run(main)


def test_an_error_of_the_work_reaches_those_who_wait_and_the_thread_goes_on():
    def fail_once(tasks):
        if tasks == [0]:
            raise ZeroDivisionError
        return tasks, None

    async def main():
        batcher = Batcher(fail_once)
        batcher.start()
        with pytest.raises(ZeroDivisionError):
            await batcher.submit(0, 1, 20)
        assert await batcher.submit(1, 1, 20) == 1
        batcher.stop()

    run(main)


def test_what_may_be_done_later_is_done_when_there_are_no_tasks():
    done = threading.Event()

    async def main():
        batcher: Batcher[int, int] = Batcher(lambda tasks: (tasks, done.set))
        batcher.start()
        await batcher.submit(1, 1, 20)
        batcher.stop()

    run(main)
    assert done.is_set()
