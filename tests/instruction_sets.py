"""The instruction sets of this processor, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from fieldfare.kernels import native


def each_in_use() -> Iterator[str]:
    """Yield the name of every instruction set that this processor has, while kernels use it."""
    before = native.instruction_set()
    try:
        for name in native.instruction_sets():
            try:
                native.use(name)
            except ValueError:
                continue
            yield name
    finally:
        native.use(before)
