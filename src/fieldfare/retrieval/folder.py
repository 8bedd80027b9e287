"""A folder of arrays and a header, of which a reader sees the old contents or the new, whole.

==================  ==============================================================================
file                content
==================  ==============================================================================
``index.json``      a JSON object: what the writer says of the arrays, the format number, the name
                    of the file of each array (``files``), and a checksum of all the rest
``NAME-DIGEST.npy`` one array, as NumPy writes it; DIGEST is the checksum of the whole file
==================  ==============================================================================

Since a file is named by its content, files are never changed, only added and removed, and replacing
``index.json`` is the one step that turns the old contents into the new. What no header names any
more is removed by the same save or, if it was killed, by the next. Other files in the folder are
not touched.

Nothing in a folder is trusted: names have no folder part, headers are compared with the one form
that NumPy writes instead of being evaluated, sizes are compared with those of the files before
anything is allocated, and every byte is covered by a checksum. Arrays are read into memory, so that
a loaded index does not depend on the folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from fieldfare import _container as container
from fieldfare._checksum import Checksum
from fieldfare._files import atomic_write, exclusive, open_regular, target_of
from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ModelFileError
from fieldfare.training.prepare.resources import check_memory

FORMAT = 4
HEADER = "index.json"
MAX_HEADER = 2**24
"""Bytes of the header at most."""

_ARRAY_NAME = r"[a-z0-9]+(?:\.[a-z0-9]+)?"
_FILE_NAME = re.compile(rf"(?P<name>{_ARRAY_NAME})-(?P<digest>[0-9a-f]{{32}})\.npy")
# What NumPy writes before an array of the first version of its format in C order.
_PREFIX = re.compile(
    rb"\{'descr': '(?P<dtype><[fiu][248]|<U[1-9]\d{0,6}|\|[bu]1)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,18},|\d{1,18}, \d{1,18})\), \} *\n"
)
_MAGIC = b"\x93NUMPY\x01\x00"
_MAX_FILES = 64
_CHUNK = 2**24
# A reader opens the files that a header names right after reading it. If a writer has removed one
# in between, there is a newer header; it would have to happen this often in a row to be reported.
_ATTEMPTS = 100


def write(folder: Path, header: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> None:
    """Replace the contents of a folder, which is created if it does not exist.

    Writers of the same folder take turns.

    Parameters
    ----------
    folder : path
    header : mapping
        Ready for JSON, without the entries ``format``, ``files`` and ``checksum``.
    arrays : mapping from name to array
        Of bool, whole numbers, floats or text, with one or two dimensions.

    Raises
    ------
    ModelFileError
        If a file cannot be written; what was in the folder is then still whole.
    """
    is_new = False
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder):
            _remove_unnamed(folder)
            try:
                files = {name: _write_array(folder, name, array) for name, array in arrays.items()}
                whole: JSON = {"format": FORMAT, **header, "files": files}
                whole["checksum"] = _checksum_of(whole)
                text = json.dumps(whole, indent=1).encode()
                if len(text) > MAX_HEADER:
                    raise OSError(f"{HEADER} would have more than {MAX_HEADER:,} bytes")
                with atomic_write(_own_file(folder, HEADER)) as file:
                    file.write(text)
            finally:
                _remove_unnamed(folder)
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        if is_new:
            with contextlib.suppress(OSError, ValueError):
                folder.rmdir()
        raise ModelFileError(
            f"Cannot write the index {folder}: {_reason(error)}. What was there is unchanged. Name "
            "a folder that can be written, on a disk with enough space."
        ) from error


def read(folder: Path) -> tuple[JSON, dict[str, AnyArray]]:
    """Return the header and the arrays that `write` wrote, verified.

    Returns
    -------
    header : dict
        With the entries of the format still in it.
    arrays : dict
        In memory and read-only.

    Raises
    ------
    ModelFileError
        If the folder holds no index, or a file is damaged, missing or cannot be read.
    ResourceError
        If the arrays do not fit into memory.
    """
    with contextlib.ExitStack() as stack:
        header, opened = _open(folder, stack)
        check_memory(
            sum(os.fstat(file.fileno()).st_size for file in opened.values()),
            f"The index {folder}",
            "Load it on a larger machine, or build one of fewer items or factors.",
        )
        arrays = {}
        for name, file in opened.items():
            try:
                arrays[name] = _read_array(file, header["files"][name])
            except (OSError, MemoryError, ValueError) as error:
                raise damaged(folder / header["files"][name], _reason(error)) from error
    return header, arrays


def damaged(path: Path, reason: object) -> ModelFileError:
    """Return the error of a file, or of a whole folder, that cannot be used."""
    return ModelFileError(
        f"{path} is damaged or incomplete: {reason}. Fetch the folder again, or build the index "
        "again from the model."
    )


def _open(folder: Path, stack: contextlib.ExitStack) -> tuple[JSON, dict[str, BufferedReader]]:
    """Return the header and its files, opened: from then on they may be removed."""
    text = b""
    for _ in range(_ATTEMPTS):
        before, text = text, _header_text(folder)
        header = _parse(folder, text)
        missing = ""
        with contextlib.ExitStack() as opening:
            opened = {}
            for name, file_name in header["files"].items():
                try:
                    opened[name] = opening.enter_context(open_regular(folder / file_name))
                except FileNotFoundError:
                    missing = file_name
                    break
                except OSError as error:
                    raise damaged(folder / file_name, _reason(error)) from error
            if not missing:
                stack.push(opening.pop_all())
                return header, opened
        if text == before:
            break
    raise damaged(folder, f"the file {missing} that {HEADER} names is missing")


def _header_text(folder: Path) -> bytes:
    try:
        with open_regular(folder / HEADER) as file:
            text = file.read(MAX_HEADER + 1)
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{folder} holds no index that can be read: {HEADER}: {_reason(error)}. Make one with "
            "Recommender.save or 'fieldfare recommend index'."
        ) from error
    if len(text) > MAX_HEADER:
        raise damaged(folder / HEADER, f"it has more than {MAX_HEADER:,} bytes")
    return text


def _parse(folder: Path, text: bytes) -> JSON:
    """Return a verified header whose files are files of this folder."""
    path = folder / HEADER
    try:
        header = container.parse_object(text, "header")
        stored, found = header.pop("checksum", None), _checksum_of(header)
    except (ModelFileError, RecursionError, ValueError) as error:
        raise damaged(path, _reason(error)) from error
    number = header.get("format")
    if type(number) is int and number != FORMAT:
        raise ModelFileError(
            f"{folder} has format {number}, but this version reads only {FORMAT}. Build the index "
            "again from the model."
        )
    if number != FORMAT or stored != found:
        raise damaged(path, "its contents do not match their checksum")
    files = header.get("files")
    if not isinstance(files, dict) or not 0 < len(files) <= _MAX_FILES:
        raise damaged(path, f"it must name 1 to {_MAX_FILES} files")
    for name, file_name in files.items():
        match = _FILE_NAME.fullmatch(file_name) if isinstance(file_name, str) else None
        if match is None or match["name"] != name:
            raise damaged(
                path,
                f"the file of {name!r:.60} must be one of this folder, named after the array and "
                f"its checksum, and is {file_name!r:.100}",
            )
    return header


def _checksum_of(header: JSON) -> str:
    """Return the checksum of a header, whatever its spaces and the order of its entries."""
    digest = Checksum()
    digest.update(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()


def _write_array(folder: Path, name: str, array: AnyArray) -> str:
    """Write an array and return the name of its file."""
    array = np.ascontiguousarray(array)
    start = io.BytesIO()
    np.lib.format.write_array_header_1_0(start, np.lib.format.header_data_from_array_1_0(array))
    data = _bytes_of(array)
    file_name = f"{name}-{_digest(start.getvalue(), data)}.npy"
    # Written even if there is a file of this name, since that one may be damaged.
    with atomic_write(_own_file(folder, file_name)) as file:
        file.write(start.getvalue())
        for low in range(0, len(data), _CHUNK):
            file.write(data[low : low + _CHUNK].data)
    return file_name


def _read_array(file: BinaryIO, file_name: str) -> AnyArray:
    size = os.fstat(file.fileno()).st_size
    start = file.read(10)
    length = int.from_bytes(start[8:], "little")
    start += file.read(length)
    match = _PREFIX.fullmatch(start[10:])
    if match is None or not start.startswith(_MAGIC) or len(start) != 10 + length:
        raise ModelFileError("it does not begin like an array that was saved by fieldfare")
    dtype = np.dtype(match["dtype"].decode())
    shape = tuple(int(side) for side in match["shape"].split(b",") if side)
    n_bytes = math.prod(shape) * dtype.itemsize
    if len(start) + n_bytes != size:
        raise ModelFileError(
            f"it should have {len(start) + n_bytes:,} bytes for an array of shape {shape}, and has "
            f"{size:,}"
        )
    data = np.fromfile(file, np.uint8, n_bytes)
    if len(data) != n_bytes:
        raise ModelFileError("it became shorter while it was read")
    if not file_name.endswith(f"-{_digest(start, data)}.npy"):
        raise ModelFileError("its contents do not match the checksum in its name")
    array = data.view(dtype).reshape(shape) if n_bytes else np.zeros(shape, dtype)
    array.flags.writeable = False
    return array


def _bytes_of(array: AnyArray) -> AnyArray:
    """Return the bytes of a contiguous array, uint8 of shape (nbytes,)."""
    return array.reshape(-1).view(np.uint8) if array.nbytes else np.zeros(0, np.uint8)


def _digest(start: bytes, data: AnyArray) -> str:
    digest = Checksum()
    digest.update(start)
    for low in range(0, len(data), _CHUNK):
        digest.update(data[low : low + _CHUNK].data)
    return digest.hexdigest()


def _remove_unnamed(folder: Path) -> None:
    """Remove the files of saves that the header does not name: older ones, and of killed saves.

    Nothing is removed while the header cannot be read.
    """
    named = set()
    if (folder / HEADER).exists():
        try:
            named = set(_parse(folder, _header_text(folder))["files"].values())
        except ModelFileError:
            return
    for entry in list(folder.iterdir()):
        target = target_of(entry.name)
        ours = _FILE_NAME.fullmatch(target or entry.name) or target == HEADER
        if ours and entry.name not in named:
            # Where an open file cannot be removed (Windows), the next save removes it.
            with contextlib.suppress(OSError):
                entry.unlink()


def _own_file(folder: Path, name: str) -> Path:
    """Return the path of a file to write, which must not lead out of the folder."""
    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(f"{name} is a link or no regular file: remove it")
    return path


def _reason(error: BaseException) -> str:
    """Return what is wrong, without the path of the file and the code of the error."""
    text = (
        getattr(error, "reason", "")
        or getattr(error, "strerror", None)
        or (error.args[0] if error.args else "")
    )
    return str(text).rstrip(".") or type(error).__name__
