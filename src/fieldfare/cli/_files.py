"""Model files of either kind, and output files, refused early when they cannot work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.models.base import Model
    from fieldfare.models.posterior import Posterior


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


def load_any(path: str) -> Model | Posterior:
    """Load what ``fieldfare train`` or ``fieldfare sample`` wrote."""
    from fieldfare.persist.file import load_model
    from fieldfare.persist.posterior import holds_posterior, load_posterior

    return load_posterior(path) if holds_posterior(path) else load_model(path)
