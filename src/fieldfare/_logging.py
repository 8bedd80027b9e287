"""The one place that prints: everything a person reads on a terminal goes through here."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

_is_quiet = False


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
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError as error:  # a name that the terminal has no letters for
        escaped = text.encode(error.encoding, "backslashreplace").decode(error.encoding)
        print(escaped, file=stream, flush=True)


def say_notes(notes: Iterable[str]) -> None:
    """Print decisions that a person may want to overrule, a line each, to standard error."""
    for note in notes:
        say_aside(f"note: {note}")


@contextlib.contextmanager
def quieted(active: bool = True) -> Iterator[None]:
    """Print no progress and no notes inside the block; errors and warnings are printed still."""
    global _is_quiet  # noqa: PLW0603 - as standard error, there is one of it
    before, _is_quiet = _is_quiet, active
    try:
        yield
    finally:
        _is_quiet = before


def is_watched() -> bool:
    """Whether there is someone to show progress to: standard error is a terminal, and not quiet."""
    return not _is_quiet and sys.stderr is not None and sys.stderr.isatty()


def say_aside(text: str = "") -> None:
    """Print progress for a person to standard error, which never holds results."""
    if not _is_quiet:
        say_error(text)


def say_error(text: str) -> None:
    """Print an error or a warning for a person to standard error."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # there is no other place to say so
            say(text, file=sys.stderr)
