"""Checkpoints of a running training: arrays and JSON in the container of the model file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fieldfare import _container as container
from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare._version import __version__
from fieldfare.exceptions import ModelFileError
from fieldfare.persist.format import (
    CHECKPOINT_KEY,
    check_checksum,
    dump,
)


def save_checkpoint(
    path: PathLike, arrays: Mapping[str, AnyArray], meta: Mapping[str, Any]
) -> None:
    """Write a checkpoint atomically: a crash at any moment leaves the previous one readable.

    Parameters
    ----------
    path : path
        File to write or replace.
    arrays : mapping from str to array
        Booleans, integers and floats of up to 64 bits, of any shape.
    meta : mapping
        What JSON can express; numbers that are not finite come back as None.

    Raises
    ------
    ModelFileError
        If a value cannot be stored.
    OSError
        If the file cannot be written.
    """
    header = dump({"library": __version__, "meta": dict(meta)})
    container.write(path, CHECKPOINT_KEY, header, arrays)


def load_checkpoint(path: PathLike) -> tuple[dict[str, AnyArray], JSON]:
    """Read a checkpoint back, verified against its checksum.

    Returns
    -------
    arrays : dict from str to array
        Read-only; copy what is to be changed.
    meta : dict

    Raises
    ------
    ModelFileError
        If the file cannot be read, is damaged, or not a checkpoint.
    """
    try:
        metadata, arrays = container.read(path)
        if CHECKPOINT_KEY not in metadata:
            raise ModelFileError("This is not a training checkpoint.")
        text = metadata[CHECKPOINT_KEY]
        header = container.parse_object(text, "checkpoint header")
        check_checksum(text, metadata, arrays)
        meta = header.get("meta")
        if not isinstance(meta, dict):
            raise ModelFileError("The checkpoint header has no meta object.")
    except ModelFileError as error:
        raise ModelFileError(f"Cannot load {os.fspath(path)}: {error.args[0]}") from error
    return arrays, meta
