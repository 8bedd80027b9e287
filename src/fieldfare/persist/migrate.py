"""From older model formats to the present one: one step per format number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ModelFileError

Contents: TypeAlias = tuple[JSON, dict[str, AnyArray]]


def _to_2(header: JSON, arrays: dict[str, AnyArray]) -> Contents:
    """Models of higher order came, with two settings that the others ignore."""
    config = header.get("config")
    if isinstance(config, dict):
        header = {**header, "config": {"order": 3, "shared_factors": False, **config}}
    return header, arrays


def _to_3(header: JSON, arrays: dict[str, AnyArray]) -> Contents:
    """Another checksum came, which is compared before."""
    return header, arrays


MIGRATIONS: dict[int, Callable[[JSON, dict[str, AnyArray]], Contents]] = {1: _to_2, 2: _to_3}
"""From a format number to the function that turns its header and arrays into those of the next."""


def migrate(header: JSON, arrays: dict[str, AnyArray], target: int) -> Contents:
    """Bring a header and its arrays to format ``target``, one number at a time."""
    while header["format"] < target:
        number = header["format"]
        if number not in MIGRATIONS:
            raise ModelFileError(
                f"The file has format {number}, which this version no longer reads. Load and save "
                "it with an older fieldfare first."
            )
        header, arrays = MIGRATIONS[number](header, arrays)
        header = {**header, "format": number + 1}
    return header, arrays
