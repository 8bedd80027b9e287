"""Arrow IPC files, which are also Feather version 2, and Arrow IPC streams: batch by batch.

The batches are those of the file: one at a time is in memory. Files are not mapped, because a
mapped file that is cut short under the reader ends the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from fieldfare._optional import require
from fieldfare.sources.arrow_files import ArrowFiles
from fieldfare.sources.bytes import File
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format

_FILE = b"ARROW1"
_STREAM = b"\xff\xff\xff\xff"
_SCHEMA_BYTES = 1 << 24  # the description of columns that begins a stream is far shorter


class IpcFiles(ArrowFiles):
    """Arrow IPC files or streams with the same columns."""

    title = "Arrow IPC"

    def _is_readable(self, files: Files) -> bool:
        return is_ipc(files)

    def _open(self, file: File, stack: ExitStack) -> Any:
        pa, ipc = require("pyarrow", "tables"), require("pyarrow.ipc", "tables")
        opened = ipc.open_file if Files(file).magic.startswith(_FILE) else ipc.open_stream
        return opened(stack.enter_context(pa.OSFile(os.fspath(file))))

    def _schema(self, opened: Any) -> Any:
        return opened.schema

    def _parts(self, opened: Any) -> Iterator[Any]:
        if hasattr(opened, "get_batch"):
            return map(opened.get_batch, range(opened.num_record_batches))
        return iter(opened)


def is_ipc(source: Any) -> bool:
    """Whether these are files that begin as Arrow IPC files or streams do."""
    if not isinstance(source, Files):
        return False
    magic = source.magic
    n_schema = int.from_bytes(magic[4:8], "little")
    is_stream = magic.startswith(_STREAM) and 0 < n_schema < _SCHEMA_BYTES
    return is_stream or magic.startswith(_FILE)


FORMATS = (Format("Feather, Arrow IPC", is_ipc, IpcFiles, in_files=True, names=("ipc",)),)
