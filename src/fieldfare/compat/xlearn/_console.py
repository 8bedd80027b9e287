"""What xLearn's programs print, which scripts read from standard output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fieldfare._logging import say
from fieldfare.exceptions import OutputError

VERSION = "0.44"
_RULE = "-" * 94
_STYLES = {"info": "\033[32m", "action": "\033[32m\033[1m", "warning": "\033[35m\033[1m"}


class Console:
    """Prints lines of xLearn's form to standard output, and to a log file if there is one.

    Colours are for terminals only.

    Parameters
    ----------
    log : str, optional
        File to append the lines to.

    Raises
    ------
    OutputError
        If the log file cannot be written.
    """

    def __init__(self, log: str | None = None) -> None:
        self._start = time.perf_counter()
        self._log = None if log is None else Path(log)
        self._write("")

    def logo(self) -> None:
        """Print which program this is."""
        for line in (_RULE, f"xLearn   -- {VERSION} Version --", _RULE):
            self._say(line, "action")

    def info(self, text: str) -> None:
        """Print a fact."""
        self._say("[------------] " + text, "info", styled=15)

    def action(self, text: str) -> None:
        """Print what begins or has ended."""
        self._say("[ ACTION     ] " + text, "action")

    def warning(self, text: str) -> None:
        """Print what is ignored."""
        self._say("[ WARNING    ] " + text, "warning")

    def cost(self, what: str, since: float) -> None:
        """Print how long something took, since a reading of the clock."""
        self.info(f"Time cost for {what}: {time.perf_counter() - since:.2f} (sec)")

    def total(self) -> None:
        """Print how long everything took."""
        self.action("Clear the xLearn environment ...")
        self.info(f"Total time cost: {time.perf_counter() - self._start:.2f} (sec)")

    def header(self, names: Sequence[str]) -> None:
        """Print the names of the columns of `epoch`."""
        cells = "".join(f"{name:>20}" for name in (*names, "Time cost (sec)"))
        self._say(f"[------------]{'Epoch':>6}{cells}", "info", styled=14)

    def epoch(self, number: int, of: int, figures: Sequence[float], seconds: float) -> None:
        """Print the figures of one epoch."""
        cells = "".join(f"{figure:>20.6f}" for figure in figures) + f"{seconds:>20.2f}"
        self._say(f"[ {100 * number // of:>4}%      ]{number:>6}{cells}", "info", styled=14)

    def _say(self, text: str, style: str, styled: int | None = None) -> None:
        self._write(text + "\n")
        out = sys.stdout
        if out is None or getattr(out, "closed", False):  # nobody reads: a service, a window
            return
        if hasattr(out, "isatty") and out.isatty():
            styled = len(text) if styled is None else styled
            text = f"{_STYLES[style]}{text[:styled]}\033[0m{text[styled:]}"
        try:
            say(text)
        except OSError as error:
            raise OutputError.of("standard output", error) from error

    def _write(self, text: str) -> None:
        if self._log is None:
            return
        try:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise OutputError.of(os.fspath(self._log), error) from error


class Silent(Console):
    """Prints nothing."""

    def _say(self, text: str, style: str, styled: int | None = None) -> None:
        pass
