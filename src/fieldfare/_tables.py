"""Tables of text with aligned columns, for everything that prints as a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned_lines(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = ()
) -> list[str]:
    """Return the lines of a table, the first of which is the header.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        Cells, one for each column.
    left : collection of int
        Numbers of the columns that are aligned to the left; the others are to the right.
    """
    table = [tuple(header), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]
