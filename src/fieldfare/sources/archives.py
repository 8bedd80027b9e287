"""Zip archives: their members are read as files, one after another, without unpacking them."""

from __future__ import annotations

import os
import zipfile
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, BinaryIO

from fieldfare.exceptions import DataError
from fieldfare.sources.compression import FAULTS, HEAD_BYTES, compression_of

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_ENCRYPTED = 1
_OTHERS = {
    "[Content_Types].xml": "an Office document. Save the sheet as CSV, or read it with "
    "pandas.read_excel and pass the DataFrame",
    "mimetype": "an OpenDocument file. Save the sheet as CSV, or read it with pandas.read_excel "
    "and pass the DataFrame",
}


def is_archive(path: str) -> bool:
    """Whether a regular file begins as zip archives do."""
    try:
        with open(path, "rb") as file:
            return compression_of(file.read(HEAD_BYTES)) == "zip"
    except OSError:  # reported where the file is opened to be read
        return False


def members(path: str, label: str) -> list[str]:
    """Return the names of the files in an archive, in order.

    Folders are descended into. Left out are ``__MACOSX`` and whatever begins with a dot or, as in
    folders, with an underscore.

    Raises
    ------
    DataError
        If it is damaged, holds no files or is a document rather than an archive.
    """
    with ExitStack() as stack:
        found = [info.filename for info in _opened(path, label, stack).infolist()]
    for name, kind in _OTHERS.items():
        if name in found:
            raise DataError(f"{label} is {kind}.")
    if found and all(name.endswith(".npy") for name in found):
        raise DataError(
            f"{label} is an archive of NumPy arrays. Open it with numpy.load, or scipy.sparse."
            "load_npz, and pass the matrix."
        )
    kept = sorted(name for name in found if _is_wanted(name))
    if not kept:
        raise DataError(f"The archive {label} holds no files.")
    for name, following in pairwise(kept):
        if name == following:
            raise DataError(f"The archive {label} holds two files named {name}. Unpack one.")
    return kept


def split_path(path: str) -> tuple[str, str] | None:
    """Return the archive and the member that ``archive.zip:member`` names, if there is one."""
    end = path.find(":")
    while end > 0:
        archive, member = path[:end], path[end + 1 :]
        if member and os.path.isfile(archive) and is_archive(archive):
            return archive, member
        end = path.find(":", end + 1)
    return None


def open_member(archive: BinaryIO, label: str, member: str, stack: ExitStack) -> Any:
    """Open one file of an archive for reading; what must be closed goes on the stack.

    Raises
    ------
    DataError
        If it is not there, encrypted, damaged, or compressed by an unusual method.
    """
    opened = _opened(archive, label, stack)
    try:
        info = opened.getinfo(member)
        if info.flag_bits & _ENCRYPTED:
            raise DataError(f"{label} is encrypted. Unpack the archive with its password first.")
        if info.compress_type not in _METHODS:
            raise DataError(
                f"{label} is packed by a method (number {info.compress_type}) that is not read "
                "here. Unpack it, and pack it again as usual."
            )
        return stack.enter_context(opened.open(info))
    except KeyError:
        raise DataError(f"There is no file {label}.") from None
    except FAULTS as error:
        raise _damaged(label, error) from error


def _opened(archive: Any, label: str, stack: ExitStack) -> zipfile.ZipFile:
    try:
        return stack.enter_context(zipfile.ZipFile(archive))
    except FAULTS as error:
        raise _damaged(label, error) from error


def _damaged(label: str, error: Exception) -> DataError:
    return DataError(
        f"{label} cannot be read: {error}. The zip archive may be truncated or damaged: make or "
        "fetch it again."
    )


def _is_wanted(name: str) -> bool:
    *folders, file = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in folders)
    return bool(file) and not hidden and file[0] not in "._"
