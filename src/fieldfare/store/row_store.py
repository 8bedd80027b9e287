"""RowStore: Rows on disk, built once, checked, memory-mapped and streamed."""

from __future__ import annotations

import mmap
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fieldfare._files import sync_folder, temporary_folder
from fieldfare._typing import JSON, AnyArray, Int64Array, PathLike
from fieldfare.exceptions import DataError, FieldfareError, OutputError, StoreError
from fieldfare.rows import Rows
from fieldfare.rows.arrays import DTYPES
from fieldfare.schema.schema import Schema
from fieldfare.store.append import RowsAppender
from fieldfare.store.cache import cache_folder, file_checksum, file_fingerprint
from fieldfare.store.files import (
    PER_ENTRY,
    ArrayFile,
    Header,
    checked_metadata,
    damaged,
    map_file,
    read_header,
    read_schema,
    write_header,
    write_schema,
)

__all__ = ["RowStore", "cache_folder", "cached", "file_fingerprint"]

_MAX_RUNS = 4096
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")


class RowStore:
    """Rows in a folder: one file per array, mapped into memory, and a header.

    Made by :meth:`build` or :meth:`open`. A folder never changes once it exists. Pickling
    keeps the path only.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._header = header
        self._maps: dict[str, mmap.mmap] = {}
        arrays = {name: self._map(name) for name in header.arrays}
        try:
            self._rows = Rows(**arrays)
            # Known already: finding them would read every page.
            vars(self._rows).update(n_features=header.n_features, n_fields=header.n_fields)
        except DataError as error:
            raise damaged(path, error.args[0]) from error
        if self._rows.nnz != header.n_entries:
            raise damaged(path, "its indptr does not span its entries")

    def __repr__(self) -> str:
        return f"RowStore({str(self._path)!r}: {self._rows!r})"

    def __len__(self) -> int:
        return self._header.n_rows

    def __reduce__(self) -> tuple[Any, ...]:
        return (RowStore.open, (self._path,))

    @classmethod
    def build(
        cls,
        batches: Iterable[Rows],
        path: PathLike,
        *,
        metadata: JSON | None = None,
        schema: Schema | Callable[[], Schema] | None = None,
    ) -> RowStore:
        """Write batches as they come and open the result.

        Everything goes to a folder beside, which is renamed once it is on disk: either the whole
        RowStore appears or nothing does. Memory is needed for one batch at a time.

        Parameters
        ----------
        batches : iterable of Rows
            Appended as by ``Rows.concatenate``: without values, fields or weight a batch stands for
            ones, zeros and ones; targets and groups must be in all batches or in none. Values and
            weights that are all one are not stored.
        path : path
            A folder that does not exist yet; parents are created.
        metadata : dict or None
            Anything that JSON can hold.
        schema : Schema, function or None
            What the ids mean; or a function that returns it once all batches have passed.

        Returns
        -------
        RowStore

        Raises
        ------
        StoreError
            If the folder exists or cannot be written.
        DataError
            If a batch is not valid.
        """
        path = Path(path).absolute()
        metadata = checked_metadata(metadata)
        if path.exists():
            raise _exists(path)
        try:
            with temporary_folder(path) as beside:
                _write(batches, beside, metadata, schema)
                if path.exists():
                    raise _exists(path)
                os.rename(beside, path)
            sync_folder(path.parent)
        except OSError as error:
            if isinstance(error, FieldfareError) and not isinstance(error, OutputError):
                raise
            if path.exists():
                raise _exists(path) from error
            raise StoreError(
                f"The RowStore {path} cannot be written: {error.strerror or error.args[0]}. Free "
                f"some space, or choose another folder (for the cache: FIELDFARE_CACHE)."
            ) from error
        return cls.open(path)

    @classmethod
    def open(cls, path: PathLike, verify: bool = False) -> RowStore:
        """Open a RowStore, in a time that does not depend on its size.

        Parameters
        ----------
        path : path
            Its folder.
        verify : bool
            Read everything once and check it, as :meth:`verify` does.

        Raises
        ------
        StoreError
            If there is no RowStore, or it is damaged or of another version.
        """
        path = Path(path).absolute()
        store = cls(path, read_header(path))
        if verify:
            store.verify()
        return store

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._path

    @property
    def rows(self) -> Rows:
        """All samples, over the memory maps: nothing is read before it is used."""
        return self._rows

    @property
    def metadata(self) -> MappingProxyType[str, Any]:
        """What the builder stored besides the rows."""
        return MappingProxyType(self._header.metadata)

    @cached_property
    def schema(self) -> Schema | None:
        """What the ids mean, if the builder gave a Schema.

        Raises
        ------
        StoreError, SchemaError
            If it is damaged.
        """
        entry = self._header.schema
        return None if entry is None else Schema.from_json(*read_schema(self._path, entry))

    @property
    def n_features(self) -> int:
        """One more than the largest feature id."""
        return self._header.n_features

    @property
    def n_fields(self) -> int:
        """One more than the largest field; 0 without fields."""
        return self._header.n_fields

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays on disk."""
        return sum(self._header.n_bytes(name) for name in self._header.arrays)

    def verify(self) -> RowStore:
        """Read everything once and check it against its checksums and the rules of Rows.

        Returns
        -------
        RowStore
            Itself.

        Raises
        ------
        StoreError
            Naming what is damaged.
        """
        for name, entry in self._header.arrays.items():
            try:
                found = file_checksum(self._path / f"{name}.bin")
            except OSError as error:
                raise damaged(self._path, f"{name}.bin cannot be read ({error})") from error
            if found != entry["checksum"]:
                raise damaged(self._path, f"the checksum of {name}.bin does not agree")
        if self._header.schema is not None:
            read_schema(self._path, self._header.schema)
        rows = self._rows.with_()  # a copy that has yet to count its features
        try:
            rows.validate()
        except DataError as error:
            raise damaged(self._path, error.args[0]) from error
        if (rows.n_features, rows.n_fields) != (self.n_features, self.n_fields):
            raise damaged(self._path, "its ids are not those that its header promises")
        return self

    def evict(self, rows: Int64Array | None = None) -> None:
        """Give pages back to the system, so that passing over the rows needs little memory.

        The rows stay usable: they are read from disk again, or from the system's own cache. Does
        nothing where the system has no ``madvise``.

        Parameters
        ----------
        rows : int64 array or None
            Rows that will not be used soon, in any order; ``None`` for all.
        """
        if not hasattr(mmap, "MADV_DONTNEED"):
            return
        runs = [(0, len(self))] if rows is None else _runs(rows)
        indptr = self._rows.indptr
        entry_runs = [(int(indptr[start]), int(indptr[stop])) for start, stop in runs]
        for name, mapped in self._maps.items():
            for start, stop in entry_runs if name in PER_ENTRY else runs:
                itemsize = DTYPES[name].itemsize
                begin = start * itemsize // mmap.PAGESIZE * mmap.PAGESIZE
                end = min(len(mapped), (stop + (name == "indptr")) * itemsize)
                if end > begin:
                    mapped.madvise(mmap.MADV_DONTNEED, begin, end - begin)

    def _map(self, name: str) -> AnyArray:
        if self._header.length(name) == 0:
            return np.empty(0, DTYPES[name])
        mapped = map_file(self._path / f"{name}.bin")
        if len(mapped) != self._header.n_bytes(name):
            raise damaged(self._path, f"{name}.bin changed while it was opened")
        self._maps[name] = mapped
        return np.frombuffer(mapped, DTYPES[name])


def cached(key: str, build: Callable[[Path], RowStore]) -> RowStore:
    """Open the RowStore of a key in the cache folder, building it if it is not there.

    Of several processes that build the same key at once, one wins and all use its RowStore. A
    damaged one is built again.

    Parameters
    ----------
    key : str
        Of letters, digits, ``_`` and ``-``: for instance the fingerprint of a source and its
        schema.
    build : callable
        Given the path, it builds the RowStore there: ``lambda path: RowStore.build(..., path)``.

    Returns
    -------
    RowStore

    Raises
    ------
    StoreError
        If the cache folder cannot be written.
    """
    if not _KEY.fullmatch(key):
        raise StoreError(f"The key of a RowStore must be letters, digits, _ and -. Got {key!r}.")
    path = cache_folder() / "rows" / key
    if path.exists():  # it appears at once and whole, so what cannot be opened is damaged
        try:
            return RowStore.open(path)
        except StoreError:
            _discard(path)
    try:
        return build(path)
    except StoreError:
        if path.exists():
            return RowStore.open(path)
        raise


def _write(
    batches: Iterable[Rows],
    folder: Path,
    metadata: JSON,
    schema: Schema | Callable[[], Schema] | None,
) -> None:
    with ExitStack() as stack:

        def start(name: str) -> ArrayFile:
            file = ArrayFile(folder, name)
            stack.callback(file.abandon)
            return file

        appender = RowsAppender(start)
        for batch in batches:
            appender.append(batch.validate())
        arrays = {name: file.finish() for name, file in appender.arrays.items()}
    known = schema() if callable(schema) else schema
    entry = None if known is None else write_schema(folder, *known.to_json())
    header = Header(**appender.counts, arrays=arrays, metadata=metadata, schema=entry)
    write_header(folder, header)


def _runs(rows: Int64Array) -> list[tuple[int, int]]:
    """Return stretches of consecutive rows, or one over all of them if there are too many."""
    ordered = np.unique(rows)
    if len(ordered) == 0:
        return []
    breaks = np.flatnonzero(np.diff(ordered) > 1)
    if len(breaks) >= _MAX_RUNS:
        breaks = breaks[:0]
    starts = ordered[np.concatenate([[0], breaks + 1])]
    stops = ordered[np.concatenate([breaks, [len(ordered) - 1]])] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _exists(path: Path) -> StoreError:
    return StoreError(f"{path} exists. Delete it first, or choose another name for the RowStore.")


def _discard(path: Path) -> None:
    """Remove a damaged RowStore; renamed first, so that no other process opens half of it."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} is damaged and cannot be removed: {error.strerror}.") from error
    shutil.rmtree(aside, ignore_errors=True)
