"""The container below models and checkpoints: safetensors with a JSON header and a checksum.

Written and read here rather than through a library so that nothing is copied on the way, and every
fault of a hostile file is a ModelFileError. Arrays are read into memory, not mapped: what was
verified then cannot change, and a file that is cut short in place cannot end the process. The
specification is in ``persist/format.py``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import struct
from collections.abc import Iterator, Mapping
from io import BufferedReader
from typing import Any, BinaryIO

import numpy as np

from fieldfare._checksum import Checksum
from fieldfare._files import atomic_write, open_regular
from fieldfare._inputs import refuse_input
from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare.exceptions import ModelFileError
from fieldfare.kernels.machine import reserved

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F16": np.dtype("<f2"),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}

MAX_HEADER = 100_000_000
"""Bytes of the outer header at most, the limit of the safetensors format."""

MAX_DIMENSIONS = 8
CHECKSUM = "checksum"
_ALIGNMENT = 64
_CHUNK = 1 << 20
_READ = 1 << 24


def write(path: PathLike, key: str, header: str, arrays: Mapping[str, AnyArray]) -> None:
    """Write a container atomically.

    Parameters
    ----------
    path : path
        File to write or replace.
    key : str
        Metadata key under which the header stands; says what kind of file this is.
    header : str
        Text of the header, JSON.
    arrays : mapping from name to array
        Arrays of any dtype in ``DTYPES`` (in either byte order).

    Raises
    ------
    ModelFileError
        If an array has a dtype that the format does not know, or the header is too large.
    OSError
        If the file cannot be written; an older file at ``path`` is then still whole.
    """
    refuse_input(path)
    plain = {name: _little_endian(name, array) for name, array in arrays.items()}
    # No gaps are allowed. Those whose length in bytes holds the most factors of two come first: so
    # every array is aligned for its type, and latent vectors cross no needless cache line.
    order = sorted(plain, key=lambda name: (-_evenness(plain[name].nbytes), name))
    outer: JSON = {"__metadata__": {key: header, CHECKSUM: checksum(header, plain)}}
    offset = 0
    for name in order:
        array = plain[name]
        outer[name] = {
            "dtype": _CODES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(outer, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise ModelFileError(
            f"The header may have at most {MAX_HEADER} bytes. This one has {len(text)}: store less "
            "in the provenance, or use fewer class or column names."
        )
    with atomic_write(path) as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            _write_array(file, plain[name])


def _evenness(n: int) -> int:
    """Return the largest power of two, at most a cache line, that divides a number of bytes."""
    return math.gcd(n, _ALIGNMENT)


def read(path: PathLike) -> tuple[dict[str, str], dict[str, AnyArray]]:
    """Read a container into memory.

    Returns
    -------
    metadata : dict
        The string metadata.
    arrays : dict
        Read-only arrays, which do not depend on the file any more.

    Raises
    ------
    ModelFileError
        If the file cannot be read, changes meanwhile, or is not a well-formed container.
    """
    with _opened(path) as file:
        metadata, places, n_bytes = _read_header(file)
        data = reserved(n_bytes, np.dtype(np.uint8))
        done = 0
        while done < n_bytes:
            n = file.readinto(data[done : done + _READ].data)
            if n == 0:
                raise ModelFileError("The file became shorter while it was read. Load it again.")
            done += n
    return metadata, {
        name: _array(data, dtype, shape, offset) for name, (dtype, shape, offset) in places.items()
    }


def read_metadata(path: PathLike) -> dict[str, str]:
    """Return the string metadata of a container; nothing else is read.

    Raises
    ------
    ModelFileError
        As :func:`read` does.
    """
    with _opened(path) as file:
        return _read_header(file)[0]


@contextlib.contextmanager
def _opened(path: PathLike) -> Iterator[BufferedReader]:
    try:
        with open_regular(path) as file:
            yield file
    except FileNotFoundError as error:
        raise ModelFileError("There is no such file.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"The file cannot be read: {reason}.") from error


def _read_header(
    file: BinaryIO,
) -> tuple[dict[str, str], dict[str, tuple[np.dtype[Any], tuple[int, ...], int]], int]:
    """Return the metadata, where each array lies behind the header, and how many bytes they are."""
    size = os.fstat(file.fileno()).st_size
    length = _header_length(file, size)
    outer = parse_object(file.read(length), "header")
    metadata = _metadata(outer.pop("__metadata__", {}))
    n_bytes = size - 8 - length
    return metadata, _places(outer, n_bytes), n_bytes


def checksum(header: str, arrays: Mapping[str, AnyArray]) -> str:
    """Return the checksum (16 bytes, in hexadecimal) of a header and its arrays.

    XXH3-128 over the header in UTF-8, then, for each array in order of its name, the line
    ``name dtype shape`` (as in ``linear F32 100,1``) and the little-endian bytes; every part is
    preceded by its length as 8 bytes, little-endian.
    """
    digest = Checksum()

    def add(data: bytes) -> None:
        digest.update(struct.pack("<Q", len(data)))
        digest.update(data)

    add(header.encode("utf-8", "surrogatepass"))
    for name in sorted(arrays):
        array = arrays[name]
        shape = ",".join(map(str, array.shape))
        add(f"{name} {_CODES[array.dtype]} {shape}".encode("utf-8", "surrogatepass"))
        digest.update(struct.pack("<Q", array.nbytes))
        for part in _bytes_of(array):
            digest.update(part)
    return digest.hexdigest()


def verify(stored: str | None, header: str, arrays: Mapping[str, AnyArray]) -> None:
    """Raise ModelFileError unless a stored checksum is that of the contents."""
    found = checksum(header, arrays)
    if stored != found:
        raise ModelFileError(
            f"The contents do not match their checksum (stored {str(stored)[:64]!r}, found "
            f"{found!r}): the file was damaged or altered. Fetch or train it again."
        )


def parse_object(text: str | bytes, what: str) -> JSON:
    """Parse a JSON object from an untrusted source, refusing repeated names and NaN."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"The {what} is not valid JSON ({error}).") from error
    if not isinstance(value, dict):
        raise ModelFileError(
            f"The {what} must be a JSON object. Found one of type {type(value).__name__}."
        )
    return value


def _unique(pairs: list[tuple[str, Any]]) -> JSON:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice in an object")
    return names


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _little_endian(name: str, array: AnyArray) -> AnyArray:
    plain = np.ascontiguousarray(array).reshape(np.shape(array))
    if plain.dtype.kind in "iuf" and not plain.dtype.isnative:
        plain = plain.astype(plain.dtype.newbyteorder("="))
    if plain.dtype.newbyteorder("<") not in _CODES:
        raise ModelFileError(
            f"The array {name!r} has dtype {plain.dtype}, which the format cannot hold. "
            "It holds booleans, integers and floats of up to 64 bits."
        )
    return plain.astype(plain.dtype.newbyteorder("<"), copy=False)


def _bytes_of(array: AnyArray) -> Iterator[memoryview]:
    """Yield the bytes of a contiguous array in pieces, so that Ctrl-C is never far."""
    if array.nbytes:
        flat = array.reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _CHUNK):
            yield flat[start : start + _CHUNK].data


def _write_array(file: BinaryIO, array: AnyArray) -> None:
    file.writelines(_bytes_of(array))


def _header_length(file: BinaryIO, size: int) -> int:
    prefix = file.read(8)
    if len(prefix) < 8:
        raise ModelFileError(f"The file is cut short or empty: it has {size} bytes.")
    length = int(struct.unpack("<Q", prefix)[0])
    if length > MAX_HEADER or length > size - 8:
        raise ModelFileError(
            "This is not a fieldfare model file, or only the beginning of one. Name a file that "
            "'fieldfare train' or save_model wrote (they end in .ff), or write it again."
        )
    return length


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ModelFileError("The metadata must map names to text.")
    return value


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _places(outer: JSON, n_bytes: int) -> dict[str, tuple[np.dtype[Any], tuple[int, ...], int]]:
    """Check that the arrays fill the data without gap or overlap; return where each lies."""
    places: dict[str, tuple[np.dtype[Any], tuple[int, ...], int]] = {}
    spans = []
    for name, entry in outer.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ModelFileError(f"The entry of the array {name!r} is malformed.")
        dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
        if dtype is None:
            raise ModelFileError(
                f"The array {name!r} has an unknown dtype {entry['dtype']!r}. "
                f"Known are {', '.join(DTYPES)}."
            )
        shape, span = entry["shape"], entry["data_offsets"]
        if (
            not isinstance(shape, list)
            or len(shape) > MAX_DIMENSIONS
            or not all(_is_count(side) for side in shape)
            or not isinstance(span, list)
            or len(span) != 2
            or not all(_is_count(place) for place in span)
            or span[1] - span[0] != math.prod(shape) * dtype.itemsize
        ):
            raise ModelFileError(f"The shape and place of the array {name!r} do not agree.")
        places[name] = (dtype, tuple(shape), span[0])
        spans.append(span)
    position = 0
    for start, stop in sorted(spans):
        if start != position:
            raise ModelFileError("The arrays overlap or leave gaps.")
        position = stop
    if position != n_bytes:
        raise ModelFileError(
            f"The file is cut short or too long: its arrays need {position} bytes, and it has "
            f"{n_bytes}."
        )
    return places


def _array(data: AnyArray, dtype: np.dtype[Any], shape: tuple[int, ...], start: int) -> AnyArray:
    count = math.prod(shape)
    try:
        flat = np.frombuffer(data, dtype, count, start) if count else np.zeros(0, dtype)
        # Foreign writers need not align their arrays, and the kernels read whole floats.
        array = (flat if flat.flags.aligned else flat.copy()).reshape(shape)
    except ValueError as error:  # an empty array may have a shape beyond any address space
        raise ModelFileError(f"An array of shape {shape} cannot be made: {error}.") from error
    array.flags.writeable = False
    return array
