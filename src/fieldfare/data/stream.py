"""Batch by batch: rows of a source of any size, in bounded memory and without a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldfare.data.options import Options
from fieldfare.data.road import encode
from fieldfare.data.stored import encoded_already
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.formats import open_source

_ROWS = 65_536


def stream(
    source: Any,
    *,
    schema: Schema | None,
    labelled: bool | None = None,
    n_threads: int | None = None,
) -> Iterator[Rows]:
    """Yield the rows of a source in batches, in order.

    Parameters
    ----------
    source : whatever `load` takes
        Files are read piece by piece; what is in memory already is cut.
    schema : Schema or None
        Fitted, or indexed for libsvm, libffm and matrices; ``None`` takes these as they are.
    labelled : bool or None
        Whether there is a target; ``None``: read it if it is there.
    n_threads : int or None
        For reading and encoding; ``None``: one per core.

    Yields
    ------
    Rows

    Raises
    ------
    DataError
        As `load` does; a fault of content is found when its batch is reached.
    """
    options = Options(schema=schema, labelled=labelled, n_threads=n_threads)
    known = encoded_already(source, options)
    batches = encode(open_source(source), options)[1] if known is None else iter([known.rows])
    for rows in batches:
        for start in range(0, max(len(rows), 1), _ROWS):
            yield rows.slice(start, start + _ROWS)
