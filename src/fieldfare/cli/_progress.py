"""How far a stream of rows has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fieldfare._logging import is_watched


@contextmanager
def rows_done(output: str) -> Iterator[Callable[[int], object]]:
    """Show the number of rows so far and their rate on standard error, if someone watches.

    Parameters
    ----------
    output : str
        What the rows are written to. Nothing is shown between lines that go to the same terminal.

    Yields
    ------
    function
        Takes the number of rows that were done since it was called last.
    """
    if not is_watched() or (output == "-" and sys.stdout.isatty()):
        yield lambda n_rows: None
        return
    from tqdm import tqdm

    with tqdm(unit=" rows", unit_scale=True, leave=False, delay=1, file=sys.stderr) as bar:
        yield bar.update
