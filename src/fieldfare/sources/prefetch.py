"""Work done ahead: the next items of an iterator are made while the last are used."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from typing import Any, TypeVar

T = TypeVar("T")
_PATIENCE = 0.1  # seconds between looks at whether anyone still wants the items


def ahead(source: Iterable[T], n_ahead: int = 2) -> Iterator[T]:
    """Yield the items of a source in order, making up to ``n_ahead`` in advance in a thread.

    It pays where both sides release the GIL, as parsers, Arrow, and files do. An error of the
    source is raised in its turn; the thread ends with the iteration.
    """
    queue: Queue[Any] = Queue(n_ahead)
    left = threading.Event()

    def hand_over(*message: Any) -> bool:
        while not left.is_set():
            try:
                queue.put(message, timeout=_PATIENCE)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in source:
                if not hand_over("item", item):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            hand_over("error", error)
        else:
            hand_over("end", None)

    worker = threading.Thread(target=work, name="fieldfare-ahead", daemon=True)
    worker.start()
    try:
        while True:
            kind, item = queue.get()
            if kind == "error":
                raise item
            if kind == "end":
                return
            yield item
    finally:
        left.set()
        while worker.is_alive():
            try:
                queue.get(timeout=_PATIENCE)
            except Empty:
                continue
