"""Text kernels: from bytes to Rows and back, independent of where the bytes come from."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, UInt16Array
from fieldfare.rows import Rows


class Reason(IntEnum):
    """Why a text cannot be parsed."""

    NO_FINAL_NEWLINE = 1
    BAD_TARGET = 2
    MISSING_TARGET = 3
    UNEXPECTED_TARGET = 4
    NO_COLON = 5
    TWO_PARTS = 6
    THREE_PARTS = 7
    BAD_ID = 8
    NEGATIVE_ID = 9
    ID_TOO_LARGE = 10
    BAD_FIELD = 11
    FIELD_TOO_LARGE = 12
    BAD_VALUE = 13
    NOT_FINITE = 14
    OUT_OF_RANGE = 15
    BAD_WEIGHT = 16
    BAD_GROUP = 17
    MISSING_GROUP = 18
    UNEXPECTED_GROUP = 19
    MISPLACED_WORD = 20
    STRAY_RETURN = 21


class Fault(NamedTuple):
    """The first fault in a text: its reason, and the offset in bytes of the offending token."""

    reason: Reason
    offset: int


class Parsed(NamedTuple):
    """The samples in a text, and its number of lines, including blank ones and comments."""

    rows: Rows
    n_lines: int


def parse_text(
    buffer: bytes | bytearray | memoryview,
    *,
    has_fields: bool,
    has_target: bool = True,
    has_group: bool = False,
) -> Parsed | Fault:
    """Parse complete lines of libsvm or libffm text; releases the GIL.

    A line is ``[target] [weight:W] [qid:N] id:value ...`` (libsvm) or the same with
    ``field:id:value`` (libffm). Tokens are separated by spaces, tabs and commas, ``#`` starts a
    comment, lines end in LF or CRLF, and empty lines are skipped. Ids, fields and groups may end in
    ``.0``. Other numbers are rounded to the nearest float32.

    Parameters
    ----------
    buffer : bytes-like
        Empty, or ending in a newline. Nothing of it is kept.
    has_fields : bool
        Whether the text is libffm rather than libsvm.
    has_target, has_group : bool
        Whether every line must have a target or a ``qid``; otherwise no line may have one.

    Returns
    -------
    Parsed or Fault
        The samples, with ``values`` and ``weight`` only if not all of them are one; or the first
        fault.
    """
    found = _core.parse_text(np.frombuffer(buffer, np.uint8), has_fields, has_target, has_group)
    if len(found) == 2:
        return Fault(Reason(found[0]), found[1])
    *arrays, n_features, n_fields, n_lines = found
    rows = Rows(*arrays)
    vars(rows).update(n_features=n_features, n_fields=n_fields)  # known without another pass
    return Parsed(rows, n_lines)


def note_fields(field_of: UInt16Array, rows: Rows) -> None:
    """Record the field of each feature that occurs in the rows; the last entry counts.

    Parameters
    ----------
    field_of : uint16 array of shape (at least ``rows.n_features``,)
        Changed in place.
    rows : Rows
        With fields.
    """
    assert rows.fields is not None
    own = rows.span
    _core.note_fields(field_of, rows.indices[own], rows.fields[own])


def format_text(rows: Rows) -> bytes:
    """Write rows as libffm text if they have fields, else as libsvm text.

    Parameters
    ----------
    rows : Rows
        Validated, because the kernel trusts their ``indptr``.

    Returns
    -------
    bytes
        One line per row; floats in the fewest digits that read back as the same float32.
    """
    return _core.format_text(
        rows.indptr, rows.indices, rows.values, rows.fields, rows.target, rows.weight, rows.group
    )


def format_numbers(values: AnyArray, separator: str = " ") -> bytes:
    """Write a matrix as text, one line per row.

    Parameters
    ----------
    values : float array of shape (n_rows, n_columns)
        Written as float32, in the fewest digits that read back as the same number.
    separator : str
        One ASCII character.

    Returns
    -------
    bytes
    """
    return _core.format_numbers(np.ascontiguousarray(values, np.float32), separator)
