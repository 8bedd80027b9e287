"""Loading: samples of any form as a Dataset, or batch by batch."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare.data.dataset import AnyDataset, Dataset, RelatedDataset, as_dataset
from fieldfare.data.road import ROLES, Options, encode, encode_related, named, with_fields_of
from fieldfare.data.side_tables import JoinedTable
from fieldfare.exceptions import DataError, DataWarning, StoreError
from fieldfare.rows import Rows, as_rows, per_row
from fieldfare.schema.hints import Hints
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import column_at, require_column
from fieldfare.sources.files import Files
from fieldfare.sources.formats import open_source, refuse_reading
from fieldfare.sources.reading import DETECTED, Reading
from fieldfare.sources.source import Numbered, Source, Table
from fieldfare.sources.tables import WithColumn
from fieldfare.store.append import gather
from fieldfare.store.cache import file_fingerprint
from fieldfare.store.row_store import RowStore, cached

__all__ = ["Dataset", "extend", "load", "open_samples", "read_dataset", "stream"]

SMALL_BYTES = 16 << 20
_ENCODING = 3  # raise when the same input would give other Rows, so that old caches are not used
_STREAM_ROWS = 65_536


@checked
def load(  # noqa: PLR0913 - the front door: all but the source are keywords
    source: Any,
    *,
    schema: Schema | None = None,
    target: Any = None,
    weight: Any = None,
    group: Any = None,
    labelled: bool | None = True,
    fields: Any = None,
    format: str | None = None,  # noqa: A002 - it is the usual word
    header: bool | None = None,
    names: Sequence[str] | None = None,
    sep: str | None = None,
    encoding: str | None = None,
    categorical: Any = None,
    numeric: Any = None,
    ignore: Any = None,
    bins: Any = None,
    na_values: Any = None,
    cache: bool = True,
    n_threads: int | None = None,
) -> Dataset:
    """Turn samples of any form into a Dataset.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table, dicts, matrix, Rows, RowStore or Dataset
        Or a Source (`fieldfare.sources.formats.open_source`), an iterable of tables, or a binary
        file object. Files are told apart by content. ``"-"`` is standard input.
    schema : Schema or None
        A fitted one encodes (validation, prediction); an unfitted one is fitted first; ``None``
        infers and fits. libsvm and libffm text for the fitted Schema of a table must hold its
        feature ids, as ``fieldfare convert --schema-from`` writes them; ids from ``n_features`` on
        are unknown features, which models ignore.
    target, weight, group : str, int, array or None
        Names of columns, or (for tables and matrices in memory) one value per row. An integer is
        the position of a column, from 0, unless a column has that name. A target left out is the
        column "target" or "label", and in a file without a header the first column, with a warning.
    labelled : bool or None
        Whether there is a target; ``None``: read it if it is there.
    fields : sequence, mapping or None
        Which columns share a field. For matrices: a number from 0 for each column. For tables: a
        name or number for each column that is a feature, in order, or a mapping from column to
        field, which leaves other columns as they are.
    format, header, names, sep, encoding
        How files are to be read, where detection should not decide, as for
        `fieldfare.sources.reading.Reading`: the format (``"csv"``, ``"libsvm"``, ...), whether the
        first row of a table is its header, names for its columns, what separates its cells, and
        what the characters are written in, if not in UTF-8 (``"latin-1"``).
    categorical, numeric, ignore : sequence of str, or None
        Columns of a table that are categories, numbers, or not used, whatever they look like. They
        change a ``schema`` that is not fitted yet; a fitted one cannot be changed.
    bins : int in [2, 1000], mapping from column to int, or None
        Quantile bins instead of a number: so many for every numeric column, or for the named ones.
    na_values : sequence of str, mapping from column to sequence of str, or None
        Texts that mean a missing value: a sequence adds to the standard ones, for all columns; a
        mapping says exactly which are missing in the named columns.
    cache : bool
        Whether large files become a RowStore in the cache folder instead of staying in memory.
    n_threads : int or None
        For reading and encoding; ``None``: one per core. The Rows are the same for any number.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the source is of no known kind, or its content is at fault (`TextFormatError`,
        `SchemaError`, `StoreError` say where).
    ConfigError
        If ``format``, ``header``, ``names``, ``sep`` or ``encoding`` are not allowed or the source
        is not a file, or if what is said about columns contradicts itself.
    """
    options = Options(
        schema,
        target,
        weight,
        group,
        labelled,
        fields,
        cache,
        n_threads,
        Hints(categorical, numeric, ignore, bins, na_values),
        reading=Reading(format, header, names, sep, encoding),
    )
    data = read_dataset(source, options)
    assert isinstance(data, Dataset)
    return data


def extend(known: Schema, source: Any, **options: Any) -> Dataset:
    """Read samples with a Schema, extended by the values or ids that only these samples hold.

    A source that can be read only once, such as a generator or a pipe, is read once.

    Parameters
    ----------
    known : Schema
        Fitted, or indexed. Ids in use never move; new ones follow at the end.
    source : whatever `load` takes
    **options
        As for `load`, but for ``schema``.

    Returns
    -------
    Dataset
        Its ``schema`` is the extended one.

    Raises
    ------
    DataError
        As `load` does.
    """
    if known.is_indexed:
        own = read_dataset(source, Options.of(**options))
        assert isinstance(own, Dataset)
        schema = _with_ids_of(known, own.schema)
        # Of new ids without a field nobody knows it.
        rows = with_fields_of(known, own.rows) if schema is known else own.rows
        return replace(own, rows=rows, schema=schema)
    data = read_dataset(source, Options.of(**options, schema=known, extend=True))
    assert isinstance(data, Dataset)
    return data


def stream(
    source: Any,
    *,
    schema: Schema | None,
    labelled: bool | None = None,
    n_threads: int | None = None,
    reading: Reading = DETECTED,
) -> Iterator[Rows]:
    """Yield the rows of a source in batches, in order, in bounded memory and without a cache.

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
    reading : Reading
        What the user says about the form of files.

    Yields
    ------
    Rows

    Raises
    ------
    DataError
        As `load` does; a fault of content is found when its batch is reached.
    """
    options = Options(schema=schema, labelled=labelled, n_threads=n_threads, reading=reading)
    for rows, _ in _streamed(source, options, None):
        yield rows


def stream_with_column(
    source: Any,
    column: str | int | None,
    *,
    schema: Schema | None = None,
    n_threads: int | None = None,
    reading: Reading = DETECTED,
) -> Iterator[tuple[Rows, Any]]:
    """Yield what `stream` does, without targets, each batch with the values of one of its columns.

    Parameters
    ----------
    column : str, int or None
        A column of a table, which the Schema need not know; ``None``: there are no values.

    Yields
    ------
    Rows
    values : pyarrow.Array or None
        One value per row.

    Raises
    ------
    DataError
        As `stream` does, and if there is no such column.
    """
    options = Options(schema=schema, labelled=None, n_threads=n_threads, reading=reading)
    yield from _streamed(source, options, column)


def _streamed(
    source: Any, options: Options, column: str | int | None
) -> Iterator[tuple[Rows, Any]]:
    opened = open_samples(source, options)
    kept = None
    if isinstance(opened, Source):
        opened = named(opened, options)
        if column is not None:
            if not isinstance(opened, Table):
                raise DataError(f"{opened.description} has no column {column!r}.")
            name = column_at(opened.names, column)
            require_column(name, opened.names)
            opened = kept = WithColumn(opened, name)
        batches = encode(opened, options)[1]
    elif column is not None:
        raise DataError(f"Samples that are encoded already have no column {column!r}.")
    else:
        batches = iter([as_rows(_with_roles(opened, options).rows)])
    for rows in batches:
        values = None if kept is None else kept.take()
        for start in range(0, max(len(rows), 1), _STREAM_ROWS):
            part = None if values is None else values.slice(start, _STREAM_ROWS)
            yield rows.slice(start, start + _STREAM_ROWS), part


def read_dataset(source: Any, options: Options) -> AnyDataset:
    """Return samples of any form as a Dataset: the whole road.

    Parameters
    ----------
    source : whatever `load` takes
    options : Options

    Returns
    -------
    Dataset or RelatedDataset
        The latter for samples with side tables that the options do not join.

    Raises
    ------
    DataError
        As `load` does.
    """
    data = open_samples(source, options)
    if isinstance(data, Source):
        data = _gather(named(data, options), options)
    return _with_roles(data, options)


def open_samples(source: Any, options: Options) -> Source | AnyDataset:
    """Open anything that holds samples; what is encoded already is a Dataset at once.

    Raises
    ------
    DataError
        If it holds nothing that is known, or the options are those of something else.
    """
    data = as_dataset(source, options.schema)
    if data is not None:
        refuse_reading(options.reading, source)
        options.hints.refuse("samples that are encoded already")
        if options.fields is not None:
            raise DataError(
                "These samples are encoded already, with the fields that they have. Leave out "
                "fields=."
            )
        return data
    opened = open_source(source, options.expected_reading)
    for role in options.arrays:
        if opened.files:
            raise DataError(f"With files, {role} must be the name of a column. Got an array.")
    for role, name in options.names.items():
        if isinstance(opened, Numbered):
            raise opened.no_column(role, name)
    return opened


def _gather(source: Source, options: Options) -> AnyDataset:
    """Encode a source into memory, or large files into a RowStore in the cache."""
    if isinstance(source, JoinedTable) and not options.join:
        return encode_related(source, options)
    files = source.files
    if files is None or not options.cache or files.n_bytes < SMALL_BYTES:
        known, batches = encode(source, options)
        return Dataset(gather(batches, source.n_batches), known())

    def build(path: Path) -> RowStore:
        known, batches = encode(source, options)
        return RowStore.build(batches, path, schema=known)

    try:
        store = cached(_key(files, options), build)
        assert store.schema is not None
        return Dataset(store.rows, store.schema, store)
    except StoreError as error:
        warnings.warn(
            DataWarning(f"The data are read into memory instead of the cache: {error.args[0]}"),
            stacklevel=2,
        )
    known, batches = encode(source, options)
    return Dataset(gather(batches, source.n_batches), known())


def _key(files: Files, options: Options) -> str:
    """Return what decides the Rows of files: their content and the options, not their names."""
    names = [options.names.get(role) for role in ROLES]
    # An unfitted Schema is part of the key too; that of the Rows is another.
    digest = None if options.schema is None else options.schema.digest
    how = (
        options.labelled,
        digest,
        options.fields,
        options.extend,
        options.hints,
        options.split_by,
    )
    chosen = repr((_ENCODING, names, *how, options.reading))
    # Of an archive all members may be read, or some of them.
    content = f"{file_fingerprint(files.on_disk)} {files.members}"
    return hashlib.sha256(f"{content} {chosen}".encode()).hexdigest()


def _with_roles(data: AnyDataset, options: Options) -> AnyDataset:
    """Return samples with the targets, weights and groups that were given as arrays.

    Raises
    ------
    DataError
        If there is not one number per row, or no target where one is wanted.
    """
    if options.join and isinstance(data, RelatedDataset):
        data = data.join()
    for role, values in options.arrays.items():
        data = data.with_(**{role: per_row(role, values, len(data))})
    if options.labelled and data.rows.target is None:
        raise DataError(
            "The samples have no target. Name its column, as in target='clicked' (--target "
            "clicked); without a target, rows can only be predicted."
        )
    if options.labelled is False and data.rows.target is not None:
        data = data.with_(target=None)
    return data if options.split_by is None else options.split_by.with_column_of(data)


def _with_ids_of(known: Schema, own: Schema) -> Schema:
    """Return an indexed Schema that also has the ids, and their fields, of another."""
    if own.n_features <= known.n_features and own.n_fields <= known.n_fields:
        return known
    field_of = np.zeros(max(known.n_features, own.n_features), np.uint16)
    for part in (own, known):
        field_of[: part.n_features] = part.field_of
    n_fields = max(known.n_fields, own.n_fields)
    return Schema.indexed(len(field_of), n_fields, field_of=field_of if n_fields else None)
