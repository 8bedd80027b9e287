"""RowStore: Rows on disk, built once, verified, memory-mapped and streamed."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_places
from fieldfare._checksum import Checksum
from fieldfare._files import remove_stale, sync_folder, temporary_folder, temporary_name
from fieldfare._typing import JSON, AnyArray, Int64Array, PathLike
from fieldfare.exceptions import (
    DataError,
    DataWarning,
    FieldfareError,
    OutputError,
    StoreError,
)
from fieldfare.kernels.mapped import MappedFile
from fieldfare.rows import Rows
from fieldfare.rows.arrays import DTYPES
from fieldfare.schema.schema import Schema
from fieldfare.store.append import RowsAppender
from fieldfare.store.cache import cache_folder, file_fingerprint
from fieldfare.store.files import (
    PER_ENTRY,
    SCHEMA,
    ArrayFile,
    Header,
    checked_metadata,
    damaged,
    is_current,
    read_header,
    read_schema,
    write_header,
    write_schema,
)

__all__ = ["RowStore", "cache_folder", "cached", "file_fingerprint"]

_MAX_RUNS = 4096
_CHUNK = 1 << 24
_MAX_REMEMBERED = 1000
_verified: set[tuple[object, ...]] = set()
_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")


class RowStore:
    """Rows in a folder: one file per array, mapped into memory, and a header.

    Made by :meth:`build` or :meth:`open`. A folder never changes once it exists: if a file is
    written to or cut short while it is in use, that is a StoreError, and never ends the process.
    Files that are replaced or deleted stay readable for as long as they are open. Pickling keeps
    the path only.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self._path = path
        self._header = header
        self._maps: dict[str, MappedFile] = {}
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
    @checked
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
        try:
            if os.path.exists(path):  # unlike Path.exists, no error if the name is too long
                raise _exists(path)
            with temporary_folder(path) as beside:
                _write(batches, beside, metadata, schema)
                if os.path.exists(path):
                    raise _exists(path)
                os.rename(beside, path)
            sync_folder(path.parent)
        except OSError as error:
            if isinstance(error, FieldfareError) and not isinstance(error, OutputError):
                raise
            if os.path.exists(path):
                raise _exists(path) from error
            reason = getattr(error, "reason", "") or error.strerror or error.args[0]
            raise StoreError(
                f"The RowStore {path} cannot be written: {reason}. Free some space, or choose "
                "another folder (for the cache: FIELDFARE_CACHE)."
            ) from error
        store = cls.open(path, verify=False)
        _remember(store)  # what was written is what was summed up
        return store

    @classmethod
    @checked
    def open(cls, path: PathLike, verify: bool = True) -> RowStore:
        """Open a RowStore.

        Parameters
        ----------
        path : path
            Its folder.
        verify : bool
            Whether to read everything once and check it, as :meth:`verify` does; not again in the
            same process while the files stay as they are. Without it, opening takes a time that
            does not depend on the size: for trusted folders.

        Raises
        ------
        StoreError
            If there is no RowStore, or it is damaged or of another version.
        """
        path = Path(path).absolute()
        store = cls(path, read_header(path))
        if verify and store._state not in _verified:
            store.verify()
        return store

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._path

    @property
    def rows(self) -> Rows:
        """All samples, over the memory maps: nothing is read before it is used.

        Raises
        ------
        StoreError
            If a file has changed since it was opened.
        """
        self.check()
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
            if self._checksum_of(name) != entry["checksum"]:
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
        self.check()
        self.evict()
        _remember(self)
        return self

    def check(self) -> None:
        """Ask whether the files are still as they were opened; takes some microseconds.

        Raises
        ------
        StoreError
            If one was written to or cut short: what was read since then may be anything.
        """
        for name, mapped in self._maps.items():
            if mapped.changed:
                raise StoreError(
                    f"The RowStore {self._path} changed while it was in use: {name}.bin was "
                    "written to, or cut short. Find out what writes there, and build it again."
                )

    def evict(self, rows: Int64Array | None = None) -> None:
        """Give pages back to the system, so that passing over the rows needs little memory.

        The rows stay usable: they are read from disk again, or from the system's own cache. Does
        nothing where the system has no ``madvise``.

        Parameters
        ----------
        rows : int64 array or None
            Rows that will not be used soon, in any order; ``None`` for all.
        """
        runs = (
            [(0, len(self))]
            if rows is None
            else _runs(as_places("The numbers of rows", rows, len(self)))
        )
        indptr = self._rows.indptr
        entry_runs = [(int(indptr[start]), int(indptr[stop])) for start, stop in runs]
        for name, mapped in self._maps.items():
            for start, stop in entry_runs if name in PER_ENTRY else runs:
                itemsize = DTYPES[name].itemsize
                end = min(len(mapped), (stop + (name == "indptr")) * itemsize)
                mapped.evict(start * itemsize, end)

    def _map(self, name: str) -> AnyArray:
        if self._header.length(name) == 0:
            return np.empty(0, DTYPES[name])
        try:
            mapped = MappedFile(self._path / f"{name}.bin")
        except (OSError, ValueError) as error:
            raise damaged(self._path, f"{name}.bin cannot be mapped ({error})") from error
        if len(mapped) != self._header.n_bytes(name):
            raise damaged(self._path, f"{name}.bin changed while it was opened")
        self._maps[name] = mapped
        return mapped.bytes.view(DTYPES[name])

    def _checksum_of(self, name: str) -> str:
        checksum = Checksum()
        if name in self._maps:
            data = self._maps[name].bytes
            for start in range(0, len(data), _CHUNK):
                checksum.update(data[start : start + _CHUNK].data)
        return checksum.hexdigest()

    @property
    def _state(self) -> tuple[object, ...]:
        """What tells these files, as they are, from all others."""
        header = self._header
        said = repr((header.arrays, header.n_features, header.n_fields, header.schema))
        states = [mapped.state for mapped in self._maps.values()]
        if header.schema is not None:
            found = (self._path / SCHEMA).stat()
            states.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
        return said, *states


def cached(key: str, build: Callable[[Path], RowStore]) -> RowStore:
    """Open the RowStore of a key in the cache folder, building it if it is not there.

    Of several processes that build the same key at once, one wins and all use its RowStore. A
    damaged one is built again, with a warning. What killed builds have left is removed.

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
    remove_stale(path.parent)
    if path.exists() and not is_current(path):
        _discard(path)
    if path.exists():  # it appears at once and whole, so what cannot be opened is damaged
        try:
            return RowStore.open(path)
        except StoreError as error:
            warnings.warn(
                DataWarning(f"The data are read again, because {error.args[0]}"), stacklevel=2
            )
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
    aside = temporary_name(path)  # which the next build removes, should this one be killed
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} is damaged and cannot be removed: {error.strerror}.") from error
    shutil.rmtree(aside, ignore_errors=True)


def _remember(store: RowStore) -> None:
    """Remember that a store is as it should be, for as long as its files stay as they are."""
    if len(_verified) >= _MAX_REMEMBERED:
        _verified.clear()
    _verified.add(store._state)
