"""An export that only the tests know: the weights of a linear model, a line each."""

from __future__ import annotations

from pathlib import Path

from fieldfare._files import atomic_write
from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model


def export_weights(model: Model, path: Path, *, separator: str = ",") -> None:
    """Write the number and the weight of each feature."""
    if model.has_factors:
        raise ConfigError("The weights export takes linear models only.")
    lines = (f"{i}{separator}{weight!r}\n" for i, weight in enumerate(model.linear[:, 0].tolist()))
    with atomic_write(path) as file:
        file.write("".join(lines).encode())
