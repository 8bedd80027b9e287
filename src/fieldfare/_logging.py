"""The one place that prints: everything a person reads on a terminal goes through here."""

from __future__ import annotations

import sys
from typing import TextIO


def say(text: str = "", *, file: TextIO | None = None) -> None:
    """Print one message for a person, by default to standard output, and flush it."""
    print(text, file=sys.stdout if file is None else file, flush=True)


def say_aside(text: str = "") -> None:
    """Print progress or an error for a person to standard error, which never holds results."""
    say(text, file=sys.stderr)
