"""Batch by batch: rows of a source of any size, in bounded memory and without a cache."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldfare.data.files import read_numbered
from fieldfare.data.loading import load
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.bytes import expand
from fieldfare.sources.sparse_text import detect
from fieldfare.sources.tables import is_parquet, open_files

_ROWS = 65_536


def stream(
    source: Any, *, schema: Schema, labelled: bool | None = None, n_threads: int | None = None
) -> Iterator[Rows]:
    """Yield the rows of a source in batches, in order.

    Parameters
    ----------
    source : whatever `load` takes
        Files are read piece by piece; what is in memory already is cut.
    schema : Schema
        Fitted, or indexed for libsvm and libffm.
    labelled : bool or None
        Whether there is a target; ``None``: read it if it is there.
    n_threads : int or None
        For reading text.

    Raises
    ------
    DataError
        As `load` does; text at fault is found when its batch is reached.
    """
    paths = [source] if isinstance(source, (str, os.PathLike)) else source
    if paths == ["-"]:
        with tempfile.NamedTemporaryFile(prefix="fieldfare-") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
            file.flush()
            yield from stream(file.name, schema=schema, labelled=labelled, n_threads=n_threads)
        return
    if _are_files(paths):
        files = [str(file) for file in expand(paths)]
        is_table = is_parquet(files[0]) or detect(files[0]).kind == "csv"
        if is_table and not schema.is_indexed:
            has_target = schema.target is not None
            table = open_files(files)
            wanted = has_target and schema.target in table.names if labelled is None else labelled
            for batch in table.batches():
                yield schema.encode(batch, labelled=wanted)
            return
        if not is_table and schema.is_fitted:
            yield from read_numbered(files, schema, labelled, n_threads)
            return
    rows = load(source, schema=schema, labelled=labelled, n_threads=n_threads).rows
    for start in range(0, len(rows), _ROWS):
        yield rows.slice(start, start + _ROWS)


def _are_files(paths: Any) -> bool:
    """Whether these are names of files and not of a RowStore, and not samples in memory."""
    if not isinstance(paths, (list, tuple)) or not paths:
        return False
    if not all(isinstance(path, (str, os.PathLike)) for path in paths):
        return False
    return not (len(paths) == 1 and (Path(paths[0]) / "header.json").is_file())
