"""The registry of formats, and the door through which every source comes in.

A format is a module that declares `Format`: what it is called, how it is detected and how it is
opened.
To add one, write the module and name it in ``_formats`` below, or call `register` from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from fieldfare.exceptions import DataError, SchemaError
from fieldfare.sources import csv, dicts, frames, matrix, parquet, sparse_text
from fieldfare.sources.batch import Batch
from fieldfare.sources.files import Files, are_files
from fieldfare.sources.format import Format
from fieldfare.sources.source import Source, Table
from fieldfare.sources.tables import ChainedTables, OneBatch

# In the order in which they are asked.
_formats: list[Format] = [
    *parquet.FORMATS,
    *sparse_text.FORMATS,
    *csv.FORMATS,
    *frames.FORMATS,
    *matrix.FORMATS,
    *dicts.FORMATS,
]


def register(added: Format) -> None:
    """Add a format; it is asked before those that are known already."""
    _formats.insert(0, added)


def unregister(added: Format) -> None:
    """Take a format out again."""
    _formats.remove(added)


def open_source(source: Any) -> Source:
    """Open anything that holds samples.

    Parameters
    ----------
    source : path, list of paths, file object, DataFrame, Arrow table, dicts, matrix, or an iterable
        The formats of files are detected from their content. A Source is returned as it is. Of an
        iterator of tables only the first is taken before the batches are read; any other iterator
        is read to its end.

    Returns
    -------
    Source
        A `Table` with named columns, or `Numbered` features.

    Raises
    ------
    DataError
        If it holds nothing that is known, naming what is accepted.
    SchemaError
        If column names repeat.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, Batch):
        return OneBatch(source)
    if are_files(source):
        source = Files(source)
    for form in _formats:
        if form.in_files == isinstance(source, Files) and form.detect(source):
            return form.open(source)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
        return _open_items(source)
    raise DataError(f"Samples can be {accepted()}. Got {type(source).__name__}.")


def _open_items(items: Iterable[Any]) -> Source:
    """Open an iterable of tables, one after another, or of samples, which are read to the end."""
    if isinstance(items, (list, tuple)):
        if all(map(_is_part, items)):
            return ChainedTables([open_table(item) for item in items])
        odd = next(item for item in items if not isinstance(item, Mapping))
        raise DataError(
            f"Samples can be {accepted()}. Got an iterable that holds {type(odd).__name__}."
        )
    ahead = list(islice(items, 1)) if isinstance(items, Iterator) else []
    if any(map(_is_part, ahead)):
        return ChainedTables(map(open_table, chain(ahead, items)))
    return open_source([*ahead, *items])


def open_table(source: Any) -> Table:
    """Open anything with named columns, as `open_source` does.

    Raises
    ------
    SchemaError
        If the features of the source are numbered instead.
    DataError
        As `open_source` does.
    """
    opened = open_source(source)
    if not isinstance(opened, Table):
        raise SchemaError(
            f"{opened.description} holds numbered features. A table with named columns is needed "
            "here."
        )
    return opened


def accepted() -> str:
    """Return in words what holds samples."""
    files = ", ".join(form.name for form in _formats if form.in_files)
    others = ", ".join(form.name for form in _formats if not form.in_files)
    return (
        f"a path ({files}, a RowStore, a folder, a glob, or '-'), a list of paths, a binary file "
        f"object, {others}, an iterable of tables, or Rows"
    )


def _is_part(item: Any) -> bool:
    """Whether an item of an iterable is a table of its own."""
    if isinstance(item, (list, tuple)):
        return bool(item) and isinstance(item[0], Mapping)
    return isinstance(item, (Batch, Table)) or frames.is_frame(item)
