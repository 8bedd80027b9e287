"""The check of a saved state before a solver continues from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataError


def check_state(
    saved: Mapping[str, AnyArray], own: Mapping[str, AnyArray], of_any_length: Sequence[str] = ()
) -> None:
    """Compare the arrays of a saved state with those of a solver.

    The first axis of those named in `of_any_length` may have another length.

    Raises
    ------
    DataError
        If an array is missing, or of another type or shape.
    """
    for name, array in own.items():
        given = saved.get(name)
        first = 1 if name in of_any_length else 0
        if (
            given is None
            or given.dtype != array.dtype
            or given.ndim != array.ndim
            or given.shape[first:] != array.shape[first:]
        ):
            got = "nothing" if given is None else f"{given.dtype} of shape {given.shape}"
            raise DataError(
                f"The saved state does not fit this solver: {name!r} must be {array.dtype} of "
                f"shape {array.shape}. Got {got}. Resume with the features, model kind, size and "
                f"solver that it was saved with."
            )
