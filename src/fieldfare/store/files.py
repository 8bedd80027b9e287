"""The files of a RowStore: arrays written with their checksums, and the header that describes them.

Header (``header.json``, UTF-8 JSON)::

    format      "fieldfare-rows"
    version     6
    n_rows, n_entries, n_features, n_fields    counts
    arrays      {name: {"dtype": "int64", "checksum": "..."}}
    metadata    an object that means nothing to the store
    schema      null or {"n_bytes": ..., "checksum": "..."}
    checksum    of all the rest, as JSON with sorted keys and without blanks

An array ``name`` is the file ``name.bin``: its elements, little-endian, and nothing else. The
Schema is ``schema.safetensors``, in the container of model files (`fieldfare._container`), whose
size and checksum the header repeats. Checksums are XXH3-128, in hexadecimal.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from fieldfare import _container as container
from fieldfare._checksum import Checksum
from fieldfare._files import sync_folder
from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ModelFileError, StoreError
from fieldfare.rows.arrays import DTYPES, MAX_FIELDS, MAX_INDEX

FORMAT = "fieldfare-rows"
VERSION = 6
HEADER = "header.json"
SCHEMA = "schema.safetensors"
SCHEMA_KEY = "fieldfare.schema"

PER_ENTRY = ("indices", "values", "fields")

_BLOCK_BYTES = 1 << 22
_MAX_HEADER_BYTES = 1 << 30


@dataclass(frozen=True)
class Header:
    """The header of a RowStore, checked."""

    n_rows: int
    n_entries: int
    n_features: int
    n_fields: int
    arrays: dict[str, dict[str, str]]
    metadata: JSON = field(default_factory=dict)
    schema: JSON | None = None

    def length(self, name: str) -> int:
        """Return the number of elements of an array."""
        if name == "indptr":
            return self.n_rows + 1
        return self.n_entries if name in PER_ENTRY else self.n_rows

    def n_bytes(self, name: str) -> int:
        """Return the size of an array on disk."""
        return self.length(name) * DTYPES[name].itemsize


class ArrayFile:
    """An array being appended to on disk, and its checksum."""

    def __init__(self, folder: Path, name: str) -> None:
        self.dtype = DTYPES[name]
        self.length = 0
        self._sum = Checksum()
        self._file = open(folder / f"{name}.bin", "xb")  # noqa: SIM115  closed by finish

    def append(self, array: AnyArray) -> None:
        """Write elements at the end."""
        if len(array) == 0:
            return
        data = np.ascontiguousarray(array, self.dtype).view(np.uint8).data
        self._file.write(data)
        self._sum.update(data)
        self.length += len(array)

    def fill(self, value: float, length: int) -> None:
        """Write a value until the array has this length."""
        block = np.full(min(length - self.length, _BLOCK_BYTES), value, self.dtype)
        while self.length < length:
            self.append(block[: length - self.length])

    def finish(self) -> dict[str, str]:
        """Bring the array to disk, close it and return its entry of the header."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return {"dtype": self.dtype.name, "checksum": self._sum.hexdigest()}

    def abandon(self) -> None:
        """Close the file, whatever it holds; a full disk may refuse even that."""
        with contextlib.suppress(OSError):
            self._file.close()


def checked_metadata(metadata: JSON | None) -> JSON:
    """Return metadata as they will read back, or refuse what JSON cannot hold."""
    try:
        copy = json.loads(json.dumps(metadata or {}, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StoreError(f"The metadata of a RowStore must be plain JSON: {error}.") from error
    if not isinstance(copy, dict):
        raise StoreError(f"The metadata of a RowStore must be a dict. Got {type(copy).__name__}.")
    return copy


def write_schema(folder: Path, content: JSON, arrays: Mapping[str, AnyArray]) -> JSON:
    """Write a Schema to its file and return its entry of the header."""
    container.write(folder / SCHEMA, SCHEMA_KEY, json.dumps(content), arrays)
    metadata = container.read_metadata(folder / SCHEMA)
    n_bytes = (folder / SCHEMA).stat().st_size
    return {"n_bytes": n_bytes, "checksum": metadata[container.CHECKSUM]}


def read_schema(folder: Path, entry: JSON) -> tuple[JSON, dict[str, AnyArray]]:
    """Return the content and the arrays of a Schema.

    Raises
    ------
    StoreError
        If its file is damaged, or is not the one that the header was written with.
    """
    try:
        metadata, arrays = container.read(folder / SCHEMA)
        text = metadata.get(SCHEMA_KEY, "")
        container.verify(entry["checksum"], text, arrays)
        return container.parse_object(text, "Schema"), arrays
    except (ModelFileError, OSError) as error:
        raise damaged(folder, f"{SCHEMA} cannot be read ({error.args[0]})") from error


def write_header(folder: Path, header: Header) -> None:
    """Write the header and bring it and the folder to disk."""
    content = {"format": FORMAT, "version": VERSION, **asdict(header)}
    content["checksum"] = _checksum(content)
    with open(folder / HEADER, "x", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def read_header(folder: Path) -> Header:
    """Read and check the header of a RowStore, and the sizes of its files.

    Raises
    ------
    StoreError
        If there is no RowStore, or its header is damaged, foreign or of another version.
    """
    content = _read_json(folder)
    if content.get("format") != FORMAT:
        raise StoreError(f"{folder} is not a RowStore: its header names another format.")
    if content.get("version") != VERSION:
        raise StoreError(
            f"{folder} is a RowStore of version {content.get('version')!r}, and this version of "
            f"fieldfare knows {VERSION}. Delete the folder and build it again."
        )
    if content.pop("checksum", None) != _checksum(content):
        raise damaged(folder, "the checksum of its header does not agree")
    header = _typed_header(folder, content)
    if sys.byteorder != "little":
        raise StoreError("A RowStore is little-endian and cannot be mapped on this machine.")
    expected = {f"{name}.bin": header.n_bytes(name) for name in header.arrays}
    if header.schema is not None:
        expected[SCHEMA] = header.schema["n_bytes"]
    for name, n_bytes in expected.items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            raise damaged(folder, f"{name} is missing ({error.strerror})") from error
        if size != n_bytes:
            raise damaged(folder, f"{name} has {size} bytes instead of {n_bytes}")
    return header


def is_current(folder: Path) -> bool:
    """Whether a RowStore is of this version; one whose header cannot be read counts as such."""
    try:
        return _read_json(folder).get("version") == VERSION
    except StoreError:
        return True


def is_store(folder: Path) -> bool:
    """Whether a folder has the header of a RowStore, damaged or not."""
    return os.path.isfile(folder / HEADER)  # False if the name cannot be one


def damaged(folder: Path, what: str) -> StoreError:
    """Return the error for a RowStore that is not what was built."""
    return StoreError(f"The RowStore {folder} is damaged: {what}. Delete it and build it again.")


def _read_json(folder: Path) -> JSON:
    path = folder / HEADER
    try:
        if path.stat().st_size > _MAX_HEADER_BYTES:
            raise damaged(folder, "its header is too large to be real")
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{folder} is not a RowStore: it has no {HEADER}.") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, StoreError):
            raise
        raise damaged(folder, "its header is not JSON") from error
    if not isinstance(content, dict):
        raise damaged(folder, "its header is not a JSON object")
    return content


def _typed_header(folder: Path, content: JSON) -> Header:
    """Check the type and range of everything: a checksum shows accidents, not forgery."""
    limits = {"n_rows": 2**56, "n_entries": 2**56, "n_features": MAX_INDEX + 1}
    limits["n_fields"] = MAX_FIELDS
    counts: dict[str, int] = {}
    for name, limit in limits.items():
        count = content.get(name)
        if type(count) is not int or not 0 <= count <= limit:
            raise damaged(folder, f"{name} is {count!r}")
        counts[name] = count
    arrays, metadata = content.get("arrays"), content.get("metadata")
    if not isinstance(arrays, dict) or not {"indptr", "indices"} <= set(arrays) <= set(DTYPES):
        raise damaged(folder, "its header does not name its arrays")
    for name, entry in arrays.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("checksum"), str):
            raise damaged(folder, f"{name} has no checksum")
        if entry.get("dtype") != DTYPES[name].name:
            raise damaged(folder, f"{name} has the dtype {entry.get('dtype')!r}")
    if not isinstance(metadata, dict):
        raise damaged(folder, "its metadata are not a JSON object")
    schema = content.get("schema")
    if not _is_schema(schema):
        raise damaged(folder, "its header does not describe its Schema")
    return Header(arrays=arrays, metadata=metadata, schema=schema, **counts)


def _is_schema(entry: Any) -> TypeGuard[JSON | None]:
    return entry is None or (
        isinstance(entry, dict)
        and isinstance(entry.get("checksum"), str)
        and type(entry.get("n_bytes")) is int
    )


def _checksum(content: JSON) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    checksum = Checksum()
    checksum.update(text.encode("utf-8", "surrogatepass"))
    return checksum.hexdigest()
