"""The registry of formats, and the door through which every source comes in.

A format is a module that declares `Format`: what it is called, how it is detected and how it is
opened.
To add one, write the module and name it in ``_formats`` below, or call `register` from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.sources import csv, dicts, frames, ipc, jsonl, matrix, parquet, sparse_text
from fieldfare.sources.batch import Batch
from fieldfare.sources.bytes import open_bytes
from fieldfare.sources.files import Files, are_files
from fieldfare.sources.foreign import refuse_foreign
from fieldfare.sources.format import Format
from fieldfare.sources.reading import DETECTED, Reading
from fieldfare.sources.source import Source, Table
from fieldfare.sources.tables import ChainedTables, OneBatch

# In the order in which they are asked.
_formats: list[Format] = [
    *parquet.FORMATS,
    *ipc.FORMATS,
    *jsonl.FORMATS,
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


def open_source(source: Any, reading: Reading = DETECTED) -> Source:
    """Open anything that holds samples.

    Parameters
    ----------
    source : path, list of paths, file object, DataFrame, Arrow table, dicts, matrix, or an iterable
        The formats of files are detected from their content. A Source is returned as it is. Of an
        iterator of tables only the first is taken before the batches are read; any other iterator
        is read to its end.
    reading : Reading
        What the user says about the form of files.

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
    ConfigError
        If something is said about the form of what is not a file, or a format is unknown.
    """
    if are_files(source):
        return _open_files(Files(source, reading))
    refuse_reading(reading, source)
    source = dicts.with_names(source)
    if isinstance(source, Source):
        return source
    if isinstance(source, Batch):
        return OneBatch(source)
    for form in _formats:
        if not form.in_files and form.detect(source):
            return form.open(source)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
        return _open_items(source)
    raise DataError(f"Samples can be {accepted()}. Got {type(source).__name__}.")


def _open_files(files: Files) -> Source:
    """Open files; where they are the members of an archive, say which there are if they differ."""
    with open_bytes(files[0]) as stream:
        refuse_foreign(stream)
    try:
        form = _detected(files) if files.reading.format is None else _named(files, files.reading)
        for file in files if files.archive is not None else ():
            if not form.detect(Files(file, files.reading)):
                raise DataError(f"{file} and {files[0]} are of different formats.")
        return form.open(files)
    except DataError as error:
        if files.archive is None:
            raise
        members = ", ".join(str(file.member) for file in files[:10])
        raise DataError(
            f"{error} The files of an archive are read as parts of one table, and {files.archive} "
            f"holds {members}. Name one of them, such as {files[0]}."
        ) from error


def _detected(files: Files) -> Format:
    for form in _formats:
        if form.in_files and form.detect(files):
            return form
    raise DataError(f"Samples can be {accepted()}. {files[0]} is none of these.")


def _named(files: Files, reading: Reading) -> Format:
    """Return the format that the user names."""
    forms = {name: form for form in _formats for name in form.names}
    if reading.format not in forms:
        raise ConfigError(
            f"format= must be one of {', '.join(map(repr, forms))}, or 'tsv'. Got "
            f"{reading.format!r}.{closest(str(reading.format), forms)}"
        )
    form = forms[reading.format]
    if form.names != csv.NAMES and reading.as_table:
        raise ConfigError(
            f"{' and '.join(f'{name}=' for name in reading.as_table)} are for tables of cells "
            f"(format='csv'). Leave them out with format={reading.format!r}."
        )
    if not form.detect(files):
        raise DataError(
            f"{files[0]} is not {form.name}, which format={reading.format!r} says it is. Leave out "
            "the format to have it detected."
        )
    return form


def refuse_reading(reading: Reading, source: Any) -> None:
    """Refuse what is said about the form of files where the source is something else.

    Raises
    ------
    ConfigError
    """
    if reading.given:
        said = ", ".join(f"{name}=" for name in reading.given)
        raise ConfigError(
            f"{said} can only be given with files. Leave out what is given, or pass a file. Got "
            f"{type(source).__name__}."
        )


def _open_items(items: Iterable[Any]) -> Source:
    """Open an iterable of tables, one after another, or of samples, which are read to the end."""
    if isinstance(items, (list, tuple)):
        if all(map(frames.is_series, items)):
            return open_source([frames.row_of(item) for item in items])
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


def open_table(source: Any, reading: Reading = DETECTED) -> Table:
    """Open anything with named columns, as `open_source` does.

    Raises
    ------
    SchemaError
        If the features of the source are numbered instead.
    DataError
        As `open_source` does.
    """
    opened = open_source(source, reading)
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
