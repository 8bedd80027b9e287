"""The check of a saved state before a solver continues from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataError


def check_state(
    saved: Mapping[str, AnyArray], own: Mapping[str, AnyArray], of_any_length: Sequence[str] = ()
) -> None:
    """Compare the arrays of a saved state with those of a solver.

    Raises
    ------
    DataError
        If an array is missing, or of another type or shape.
    """
    for name, array in own.items():
        given = saved.get(name)
        fits = name in of_any_length or (given is not None and given.shape == array.shape)
        if given is None or given.dtype != array.dtype or not fits:
            got = "nothing" if given is None else f"{given.dtype} of shape {given.shape}"
            raise DataError(
                f"The saved state does not fit this solver: {name!r} must be {array.dtype} of "
                f"shape {array.shape}. Got {got}. Resume with the model kind, size and solver "
                f"that the checkpoint was made with."
            )
