"""libsvm and libffm text: read in batches of bounded memory, written atomically.

A line is ``[target] [weight:W] [qid:N] id:value ...`` (libsvm), or the same with
``field:id:value`` (libffm). Tokens are separated by spaces, tabs or commas, ``#`` starts a comment,
and blank lines are skipped. Ids are kept as they are: counted from 0 or from 1, an id is a row of
the weight table. What wrote them as floats may have left a ``.0`` behind: ``3.0`` is the id 3.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Literal, NoReturn

from fieldfare._typing import PathLike
from fieldfare.exceptions import DataError, TextFormatError
from fieldfare.kernels.machine import available_cores
from fieldfare.kernels.text import Fault, Parsed, Reason, format_text, parse_text
from fieldfare.rows import MAX_FIELD, MAX_INDEX, Rows
from fieldfare.sources.bytes import BYTE_ORDER_MARK, ByteStream, open_bytes
from fieldfare.sources.files import Files, Sources, detect, expand
from fieldfare.sources.format import Format
from fieldfare.sources.source import Numbered
from fieldfare.sources.write import open_output

__all__ = ["read_text", "write_text"]

SparseKind = Literal["libsvm", "libffm"]

BATCH_BYTES = 4 << 20  # larger blocks leave the caches: measured 10 % slower at 16 MB
_MAX_THREADS = 8  # more would wait for the one that reads
_ROWS_PER_WRITE = 1 << 15
_SHOWN_BYTES = 60

_MESSAGES = {
    Reason.NO_FINAL_NEWLINE: "The text does not end in a newline.",
    Reason.BAD_TARGET: "The target must be a number. If this line is a header, remove it; if the "
    "targets are words, number them. If this is a table, say format='csv'.",
    Reason.MISSING_TARGET: "This line has no target, which must come first. Add it, or read data "
    "for prediction with labelled=False if no line has one.",
    Reason.UNEXPECTED_TARGET: "This line has a target and most lines of the file have none. Give a "
    "target to all lines or to none.",
    Reason.NO_COLON: "A feature must be written id:value (libsvm) or field:id:value (libffm). "
    "Write the value even where it is 1, and decimals with a point: a comma separates entries. If "
    "this is a table, say format='csv'.",
    Reason.TWO_PARTS: "This is a libsvm entry, id:value, in a libffm file, where entries are "
    "field:id:value. Put the field first, or use one format for all lines.",
    Reason.THREE_PARTS: "This is a libffm entry, field:id:value, in a libsvm file, where entries "
    "are id:value. Drop the field, or use one format for all lines.",
    Reason.BAD_ID: "A feature id must be a whole number in digits. Number the features. If this is "
    "a table, say format='csv'.",
    Reason.NEGATIVE_ID: "A feature id must not be negative. Count ids from 0 or from 1.",
    Reason.ID_TOO_LARGE: f"A feature id must be at most {MAX_INDEX}. Renumber the features or "
    f"hash them to fewer.",
    Reason.BAD_FIELD: "A field must be a whole number in digits. Number the fields from 0.",
    Reason.FIELD_TOO_LARGE: f"A field must be at most {MAX_FIELD}. Is it field:id:value, in this "
    f"order? Otherwise number the fields from 0 without gaps, or let related ones share a number.",
    Reason.BAD_VALUE: "The value of a feature must be a number.",
    Reason.NOT_FINITE: "Numbers must be finite. Leave a missing feature out of the line, or give "
    "it an id of its own.",
    Reason.OUT_OF_RANGE: "This number is too large for float32 (3.4e38). Scale it down.",
    Reason.BAD_WEIGHT: "A sample weight must be written weight:W, with W a finite number that is "
    "not negative.",
    Reason.BAD_GROUP: "A group must be written qid:N, with N digits only, below 2**63.",
    Reason.MISSING_GROUP: "This line has no qid:N and most lines of the file have one. Give one to "
    "all lines or to none.",
    Reason.UNEXPECTED_GROUP: "This line has a qid:N and most lines of the file have none. Give one "
    "to all lines or to none.",
    Reason.MISPLACED_WORD: "weight:W and qid:N must come before the features, once each.",
    Reason.STRAY_RETURN: "A carriage return must be followed by a line feed. Convert the line ends "
    "of the file to LF or CRLF.",
}


def read_text(
    source: Sources,
    *,
    kind: SparseKind | None = None,
    labelled: bool | None = None,
    n_threads: int | None = None,
) -> Iterator[Rows]:
    """Read libsvm or libffm text in batches.

    Parameters
    ----------
    source : path, glob, folder, "-", binary file object, or a sequence of these
        Plain or compressed, detected from the content. Several files are read one after another
        and must have one format.
    kind : "libsvm", "libffm" or None
        ``None``: detected from the first lines of the first file.
    labelled : bool or None
        ``True``: every line must have a target. ``False``: targets are not wanted; those that are
        there are dropped. ``None``: as the first lines of the first file have it.
    n_threads : int or None
        Threads to parse on; ``None`` or -1 for one per core. The rows are the same for any number.
        With more than one, batches are parsed while the next are read and decompressed and the
        last are used; as many batches as threads are held in memory.

    Yields
    ------
    Rows
        Batches of about 4 MB of text, never empty: ids as in the file, numbers rounded to the
        nearest float32, entries in the order of the line. ``values`` and ``weight`` are ``None``
        in a batch where all are one.

    Raises
    ------
    TextFormatError
        Naming file, line, column and the text at fault.
    DataError
        If a source cannot be read, holds no samples, or is a table of cells.
    """
    n_threads = n_threads if n_threads and n_threads > 0 else available_cores()
    n_threads = min(n_threads, _MAX_THREADS)
    found = source.text if isinstance(source, Files) else None
    any_rows = False
    for file in expand(source):
        with open_bytes(file) as stream:
            if found is None:
                found = detect(stream)
                if kind is None and found.kind == "csv":
                    raise DataError(
                        f"{stream.label} looks like a table, not like libsvm (id:value) or libffm "
                        f"(field:id:value). Load it as a table, or name its kind (format='libsvm')."
                    )
            for rows in _read_stream(
                stream,
                has_fields=(kind or found.kind) == "libffm",
                has_target=found.labelled or labelled is True,
                has_group=found.grouped,
                n_threads=n_threads,
            ):
                any_rows = True
                yield rows.with_(target=None) if labelled is False else rows
    if not any_rows:
        raise DataError(f"There are no samples in {source}.")


def write_text(rows: Rows | Iterable[Rows], path: PathLike, kind: SparseKind) -> None:
    """Write samples as libsvm or libffm text, atomically.

    Parameters
    ----------
    rows : Rows or iterable of Rows
        For libffm they must have fields; for libsvm fields are dropped.
    path : path or "-"
        As for `open_output`: a file is replaced only once everything is written.
    kind : "libsvm" or "libffm"

    Raises
    ------
    DataError
        If the rows cannot be written in this format, or the file cannot be written.
    """
    if kind not in ("libsvm", "libffm"):
        raise DataError(f"The kind of a text must be 'libsvm' or 'libffm'. Got {kind!r}.")
    with open_output(path) as file:
        for batch in [rows] if isinstance(rows, Rows) else rows:
            if kind == "libffm" and batch.fields is None:
                raise DataError("libffm text needs rows with fields. Write libsvm, or add fields.")
            plain = batch if kind == "libffm" else batch.with_(fields=None)
            for start in range(0, len(plain), _ROWS_PER_WRITE):
                block = plain.slice(start, start + _ROWS_PER_WRITE).validate()
                _refuse_unwritable(block)
                file.write(format_text(block))


def _refuse_unwritable(rows: Rows) -> None:
    if rows.group is not None and len(rows) and int(rows.group.min()) < 0:
        raise DataError(f"A qid must not be negative. Got the group {int(rows.group.min())}.")
    bare = rows.target is None and rows.weight is None and rows.group is None
    if bare and (rows.indptr[1:] == rows.indptr[:-1]).any():
        raise DataError(
            "A sample without target and features would be a blank line, which readers skip. Add "
            "targets."
        )


def _read_stream(
    stream: ByteStream, *, has_fields: bool, has_target: bool, has_group: bool, n_threads: int
) -> Iterator[Rows]:
    line = 1
    if stream.head().startswith(BYTE_ORDER_MARK):
        stream.read(len(BYTE_ORDER_MARK))
    parse = partial(parse_text, has_fields=has_fields, has_target=has_target, has_group=has_group)
    blocks = _whole_lines(stream, n_held=n_threads if n_threads > 1 else 0)
    for block, parsed in _in_turn(parse, blocks, n_threads):
        if isinstance(parsed, Fault):
            _raise_fault(parsed, block.tobytes(), stream.label, line)
        line += parsed.n_lines
        if len(parsed.rows):
            yield parsed.rows


def _in_turn(
    parse: Callable[[memoryview], Parsed | Fault], blocks: Iterator[memoryview], n_threads: int
) -> Iterator[tuple[memoryview, Parsed | Fault]]:
    """Parse blocks on threads, as many ahead as there are threads; yield them in order."""
    first = next(blocks, None)
    second = None if first is None or n_threads == 1 else next(blocks, None)
    if first is None or second is None:  # too little to share
        for block in chain(() if first is None else (first,), blocks):
            yield block, parse(block)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(n_threads, "fieldfare-parse") as pool:
        waiting = deque([(first, pool.submit(parse, first)), (second, pool.submit(parse, second))])
        for block in blocks:
            waiting.append((block, pool.submit(parse, block)))
            if len(waiting) > n_threads:
                done, parsed = waiting.popleft()
                yield done, parsed.result()
        for done, parsed in waiting:
            yield done, parsed.result()


def _whole_lines(stream: ByteStream, n_held: int) -> Iterator[memoryview]:
    """Cut a stream after newlines into blocks; the last line gets the newline that it may lack.

    Blocks share a few buffers: one is valid until ``n_held`` more have been asked for.
    """
    buffers = deque(bytearray(BATCH_BYTES) for _ in range(1 + n_held))
    held = b""  # an unfinished line, to begin the next block
    while True:
        buffer = buffers[0]
        while len(buffer) <= len(held):
            buffer = bytearray(2 * len(buffer))
        buffers[0] = buffer
        buffer[: len(held)] = held
        with memoryview(buffer) as view:
            end = len(held) + stream.readinto(view[len(held) :])
        if end == len(held):
            break
        cut = buffer.rfind(b"\n", 0, end) + 1
        held = bytes(memoryview(buffer)[cut:end])
        if cut:
            buffers.rotate(-1)
            yield memoryview(buffer)[:cut]
    if held:
        yield memoryview(held + b"\n")


def _raise_fault(fault: Fault, block: bytes, file: str, first_line: int) -> NoReturn:
    offset = fault.offset
    start = block.rfind(b"\n", 0, offset) + 1
    token = re.compile(rb"[^ \t,\r\n#]+|\r|").match(block, offset)
    text = (token.group() if token else b"").decode("utf-8", "backslashreplace")
    raise TextFormatError(
        _MESSAGES[fault.reason],
        file=file,
        line=first_line + block.count(b"\n", 0, offset),
        column=offset - start + 1,
        text=text if len(text) <= _SHOWN_BYTES else text[:_SHOWN_BYTES] + "...",
    )


class SparseText(Numbered):
    """libsvm or libffm files, in batches of about 4 MB of text."""

    files: Files

    def __init__(self, files: Files) -> None:
        self.files = files
        packed = [files.text.compression] if files.text.compression else []
        self.description = files.describe(files.text.kind, *packed)
        self.n_batches = files.n_bytes / BATCH_BYTES

    def rows(self, *, labelled: bool | None = None, n_threads: int | None = None) -> Iterator[Rows]:
        """Yield the samples as `read_text` does."""
        return read_text(self.files, labelled=labelled, n_threads=n_threads)


def is_sparse_text(source: object) -> bool:
    """Whether these are files of libsvm or libffm text."""
    return isinstance(source, Files) and source.text.kind in ("libsvm", "libffm")


FORMATS = (
    Format("libsvm, libffm", is_sparse_text, SparseText, in_files=True, names=("libsvm", "libffm")),
)
