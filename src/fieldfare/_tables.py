"""Tables of text with aligned columns, or of HTML, for everything that prints as a table."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from typing import NamedTuple


class Printed(NamedTuple):
    """A table as it is printed.

    ``header`` and ``rows`` hold texts; ``left`` are the numbers of the columns that are aligned to
    the left; ``above`` and ``below`` are lines of text around the table.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Collection[int] = ()
    above: Sequence[str] = ()
    below: Sequence[str] = ()

    def __str__(self) -> str:
        table = aligned_lines(self.header, self.rows, self.left) if self.header else []
        return "\n".join([*self.above, *table, *self.below])

    def html(self) -> str:
        """Return the table as HTML for notebooks, every text escaped."""
        parts = [f"<div>{html.escape(line)}</div>" for line in self.above]
        if self.header:
            rows = [_html_row(row, "td", self.left) for row in self.rows]
            head = _html_row(self.header, "th", self.left)
            parts.append(f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>")
        parts += [f"<div>{html.escape(line)}</div>" for line in self.below]
        return "".join(parts)


def _html_row(cells: Sequence[str], tag: str, left: Collection[int]) -> str:
    sides = ["left" if place in left else "right" for place in range(len(cells))]
    return (
        "<tr>"
        + "".join(
            f'<{tag} style="text-align: {side}">{html.escape(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )
        + "</tr>"
    )


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
