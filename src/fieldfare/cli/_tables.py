"""Plain text for the terminal: aligned tables, and names with values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldfare._tables import aligned_lines


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], indent: int = 2) -> str:
    """Return a table with aligned columns, text to the left and numbers to the right.

    Parameters
    ----------
    headers : sequence of str
    rows : iterable of sequences
        Cells; floats are shown with five decimals, ``None`` as an empty cell.
    indent : int
        Number of blanks before each line.
    """
    kept = [list(row) for row in rows]
    left = [
        i
        for i in range(len(headers))
        if not any(_is_number(row[i]) for row in kept)
        or not all(_is_number(row[i], True) for row in kept)
    ]
    lines = aligned_lines(headers, [[cell(value) for value in row] for row in kept], left)
    return "\n".join((" " * indent + line).rstrip() for line in lines)


def key_values(items: Mapping[str, Any], indent: int = 2) -> str:
    """Return names and values, the values aligned."""
    width = max((len(name) for name in items), default=0)
    return "\n".join(
        f"{' ' * indent}{name.ljust(width)}  {cell(value)}".rstrip()
        for name, value in items.items()
    )


def cell(value: Any) -> str:
    """Return a value as text for a person."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5f}" if abs(value) < 1e4 else f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def size(n_bytes: int) -> str:
    """Return a number of bytes in a suitable unit (1 KB is 1,000 bytes)."""
    amount = float(n_bytes)
    units = ["bytes", "KB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    digits = 0 if units[0] == "bytes" or amount >= 100 else 1
    return f"{amount:.{digits}f} {units[0]}"


def _is_number(value: Any, empty: bool = False) -> bool:
    return (empty and value is None) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )
