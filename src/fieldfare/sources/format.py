"""Format: what one kind of source is called, how it is detected, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fieldfare.sources.source import Source


@dataclass(frozen=True)
class Format:
    """One kind of thing that holds samples.

    Parameters
    ----------
    name : str
        How messages list it: "Parquet", "a pandas DataFrame".
    detect : callable
        Whether a source is of this kind: it is given `Files`, whose content may be looked at, or
        any object that does not name files. It must consume nothing.
    open : callable
        Returns the `Source` of what ``detect`` accepted.
    in_files : bool
        Whether it is a kind of file rather than of object in memory.
    names : tuple of str
        What the parameter ``format`` calls files of this kind.
    """

    name: str
    detect: Callable[[Any], bool]
    open: Callable[[Any], Source]
    in_files: bool = False
    names: tuple[str, ...] = ()
