"""The one place that prints: everything a person reads on a terminal goes through here."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterable
from typing import TextIO


def say(text: str = "", *, file: TextIO | None = None) -> None:
    """Print one message for a person, by default to standard output, and flush it.

    Raises
    ------
    OSError
        If standard output is closed or full.
    """
    stream = sys.stdout if file is None else file
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    print(text, file=stream, flush=True)


def say_notes(notes: Iterable[str]) -> None:
    """Print decisions that a person may want to overrule, a line each, to standard error."""
    for note in notes:
        say_aside(f"note: {note}")


def say_aside(text: str = "") -> None:
    """Print progress or an error for a person to standard error, which never holds results."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # there is no other place to say so
            say(text, file=sys.stderr)
