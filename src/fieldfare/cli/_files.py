"""Output files: refused early when they cannot work."""

from __future__ import annotations

import os
from pathlib import Path

from fieldfare.exceptions import ConfigError


def check_writable(path: str) -> None:
    """Refuse an output path that cannot work, before hours of training end there.

    Raises
    ------
    ConfigError
        If its folder is absent or closed, or the path exists and is not an ordinary file.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise ConfigError(f"The folder of the output {path!r} does not exist. Make it first.")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder of the output {path!r} is not writable. Choose another one.")
    if target.exists() and not target.is_file():
        raise ConfigError(f"The output {path!r} exists and is no file. Give the name of a file.")
