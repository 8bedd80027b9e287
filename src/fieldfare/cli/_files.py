"""Model files of either kind, and early checks of output files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.models.base import Model
    from fieldfare.models.posterior import Posterior


def check_writable(path: str) -> None:
    """Refuse an output path that cannot be written, before hours of training are lost there.

    Raises
    ------
    ConfigError
        If its folder is missing or not writable, or the path exists and is not a regular file.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise ConfigError(f"The folder of the output {path!r} does not exist. Create it first.")
    if not os.access(folder, os.W_OK):
        raise ConfigError(f"The folder of the output {path!r} is not writable. Choose another one.")
    if target.exists() and not target.is_file():
        raise ConfigError(
            f"The output {path!r} exists and is not a file. Choose the name of a file."
        )


def load_any(path: str) -> Model | Posterior:
    """Load a model from ``fieldfare train`` or the samples from ``fieldfare sample``."""
    from fieldfare.persist.file import load_model
    from fieldfare.persist.posterior import holds_posterior, load_posterior

    return load_posterior(path) if holds_posterior(path) else load_model(path)
