"""Reading: what the user says about the form of files, so that it need not be detected."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from fieldfare._validation import NONE, AnyOf, Flag, Instance, check, is_unicode
from fieldfare.exceptions import ConfigError

_OWNER = "reading a file"
_TAB_NAMES = ("\\t", "tab", "TAB")
_FLAG = AnyOf((Flag(), NONE))
_TEXT = AnyOf((Instance((str,), "a text"), NONE))


@dataclass(frozen=True)
class Reading:
    """The form of files, as far as the user says it; ``None`` leaves it to detection.

    Parameters
    ----------
    format : str or None
        What the files are: ``"csv"`` (a table of cells, whatever its separator), ``"libsvm"``,
        ``"libffm"``, ``"jsonl"`` (JSON lines or an array of objects), ``"parquet"``, ``"ipc"``
        (Arrow IPC, Feather), or the name of another format of files in the registry
        (`fieldfare.sources.formats`). ``"tsv"`` is CSV whose cells are separated by tabs.
    header : bool or None
        Whether the first row of a table of cells names its columns.
    names : sequence of str or None
        Names for the columns of a table of cells, in order, one for each. Without ``header`` the
        first row is data unless it consists of these names; with ``header=True`` they replace those
        of the header.
    sep : str or None
        What separates the cells: one or more characters, such as ``";"`` or ``"::"``. ``"tab"`` and
        a backslash with a t stand for the tab, ``" "`` for any number of spaces.
    encoding : str or None
        What the characters of a text file are written in, by any name that Python knows, such as
        ``"latin-1"``, ``"cp1252"``, ``"gb18030"`` or ``"utf-16-le"``. By default UTF-8, or UTF-16
        with a byte order mark.
    expected : frozenset of str
        Names of columns that are asked for elsewhere: a first row that has them is a header.

    Raises
    ------
    ConfigError
        If a value is of the wrong type, or the names repeat.
    """

    format: str | None = None
    header: bool | None = None
    names: Sequence[str] | None = None
    sep: str | None = None
    encoding: str | None = None
    expected: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check("format", self.format, _TEXT, _OWNER)
        check("header", self.header, _FLAG, _OWNER)
        check("sep", self.sep, _TEXT, _OWNER)
        if self.encoding is not None:
            self._set("encoding", _checked_encoding(self.encoding))
        if self.names is not None:
            self._set("names", _checked_names(self.names))
        if self.format == "tsv":
            self._set("format", "csv")
            self._set("sep", "\t" if self.sep is None else self.sep)
        if self.sep in _TAB_NAMES:
            self._set("sep", "\t")
        if self.sep is not None and (
            not self.sep or set(self.sep) & set('"\r\n') or not is_unicode(self.sep)
        ):
            raise ConfigError(
                "A separator must be one or more characters, without quotes and line ends. Got "
                f"sep={self.sep!r}."
            )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def given(self) -> dict[str, Any]:
        """What the user says, by the names of the parameters."""
        found = {name: getattr(self, name) for name in PARAMETERS}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def as_table(self) -> dict[str, Any]:
        """What only tables of cells have: the header, the names and the separator, if given."""
        return {name: value for name, value in self.given.items() if name in _OF_TABLES}


DETECTED = Reading()
_OF_TABLES = ("header", "names", "sep")
PARAMETERS = tuple(item.name for item in fields(Reading) if item.name != "expected")


def only_reading(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return those keywords that are parameters of a Reading."""
    return {name: value for name, value in keywords.items() if name in PARAMETERS}


def without_reading(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return those keywords that are no parameters of a Reading."""
    return {name: value for name, value in keywords.items() if name not in PARAMETERS}


def _checked_encoding(encoding: Any) -> str:
    """Return the name that Python has for an encoding of text."""
    check("encoding", encoding, _TEXT, _OWNER)
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)  # refused for codecs such as "hex", which are not of text
    except (LookupError, ValueError):
        raise ConfigError(
            "encoding= must be an encoding of text that Python knows, such as 'utf-8', 'latin-1', "
            f"'cp1252', 'utf-16' or 'gb18030'. Got {encoding!r:.60}."
        ) from None
    return found.name


def _checked_names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str) or not hasattr(names, "__iter__"):
        raise ConfigError(
            f"names= must be a list of names, one for each column. Got {names!r} of type "
            f"{type(names).__name__}."
        )
    found = tuple(names)
    odd = next((name for name in found if not isinstance(name, str) or not name), None)
    if odd is not None or not found:
        raise ConfigError(f"names= must hold one text for each column. Got {list(found)!r}.")
    odd = next((name for name in found if not is_unicode(name)), None)
    if odd is not None:
        raise ConfigError(f"names= must be Unicode. Got half a character in {odd!r}.")
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"The names in names= must differ. {twice!r} is there twice.")
    return found
