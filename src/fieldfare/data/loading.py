"""Loading: the batches of a source gathered to a Dataset, in memory or in the cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.options import ROLES, Options
from fieldfare.data.road import encode, fitted, is_labelled
from fieldfare.data.side_tables import JoinedTable
from fieldfare.data.stored import encoded_already, finish, finish_related, from_store, schema_of
from fieldfare.rows import RelatedRows
from fieldfare.schema.schema import Schema
from fieldfare.sources.files import Files
from fieldfare.sources.formats import open_source
from fieldfare.sources.source import Numbered, Source
from fieldfare.store.append import gather
from fieldfare.store.cache import file_fingerprint
from fieldfare.store.row_store import RowStore, cached

__all__ = ["Dataset", "load", "load_related"]

SMALL_BYTES = 16 << 20
_ENCODING = 1  # raise when the same input would give other Rows, so that old caches are not used


def load(  # noqa: PLR0913 - the front door: all but the source are keywords
    source: Any,
    *,
    schema: Schema | None = None,
    target: Any = None,
    weight: Any = None,
    group: Any = None,
    labelled: bool | None = True,
    fields: Any = None,
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
    target, weight, group : str, array or None
        Names of columns, or (for tables and matrices in memory) one value per row. A target left
        out is the column "target" or "label".
    labelled : bool or None
        Whether there is a target; ``None``: read it if it is there.
    fields : sequence, mapping or None
        Which columns share a field. For matrices: a number from 0 for each column. For tables: a
        name or number for each column that is a feature, in order, or a mapping from column to
        field, which leaves other columns as they are.
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
    """
    options = Options(schema, target, weight, group, labelled, fields, cache, n_threads)
    known = encoded_already(source, options)
    return _gather(open_source(source), options) if known is None else known


def load_related(source: Any, **options: Any) -> Dataset | RelatedDataset:
    """Return samples as `load` does, but leave side tables unjoined.

    Coordinate descent and Gibbs sampling use them as they are.

    Parameters
    ----------
    source : whatever `load` takes
    **options
        As for `load`.

    Returns
    -------
    RelatedDataset
        Of a JoinedTable or RelatedRows; of anything else a Dataset.

    Raises
    ------
    DataError
        As `load` does.
    """
    chosen = Options(**options)
    if isinstance(source, RelatedRows):
        return finish_related(source, chosen.schema or schema_of(source.join()), chosen)
    if isinstance(source, RelatedDataset):
        return finish_related(source.rows, source.schema, chosen)
    if not isinstance(source, JoinedTable):
        return load(source, **options)
    schema, _ = fitted(source, chosen)
    rows = source.related_rows(schema, labelled=is_labelled(source, schema, chosen))
    return finish_related(rows, schema, chosen)


def _gather(source: Source, options: Options) -> Dataset:
    """Encode a source into memory, or large files into a RowStore in the cache."""
    files = source.files
    if files is None or not options.cache or files.n_bytes < SMALL_BYTES:
        schema, batches = encode(source, options)
        rows = gather(batches, source.n_batches if isinstance(source, Numbered) else 0)
        return finish(Dataset(rows, schema()), options)
    options.check(source)

    def build(path: Path) -> RowStore:
        schema, batches = encode(source, options)
        return RowStore.build(batches, path, schema=schema)

    # The Schema is part of the key, and an unfitted one is not that of the Rows.
    return from_store(cached(_key(files, options), build), options)


def _key(files: Files, options: Options) -> str:
    """Return what decides the Rows of files: their content and the options, not their names."""
    names = [options.names.get(role) for role in ROLES]
    digest = None if options.schema is None else options.schema.digest
    chosen = repr((_ENCODING, names, options.labelled, digest, options.fields))
    return hashlib.sha256(f"{file_fingerprint(list(files))} {chosen}".encode()).hexdigest()
