"""Output files: written beside their place and renamed into it when complete."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fieldfare.exceptions import ConfigError


@contextmanager
def replacing(path: str) -> Iterator[IO[str]]:
    """Open a text file that appears under its name only if the block succeeds; ``-`` is stdout."""
    if path == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    target = check_writable(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _share(name)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: str) -> Path:
    """Refuse an output path that cannot work, before hours of training end there.

    Raises
    ------
    ConfigError
        If its folder is absent or closed, or the path is itself a folder.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise ConfigError(f"The folder of the output {path!r} does not exist. Make it first.")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder of the output {path!r} is not writable. Choose another one.")
    if target.is_dir():
        raise ConfigError(f"The output {path!r} is a folder. Give the name of a file.")
    return target


def _share(name: str) -> None:
    """Give a temporary file the permissions that an ordinary new file would have."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
