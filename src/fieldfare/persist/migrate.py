"""From older model formats to the present one: one step per format number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ModelFileError

Contents: TypeAlias = tuple[JSON, dict[str, AnyArray]]

MIGRATIONS: dict[int, Callable[[JSON, dict[str, AnyArray]], Contents]] = {}
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
