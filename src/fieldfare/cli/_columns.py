"""The options that say what the columns of a table are."""

from __future__ import annotations

import argparse
from typing import Any

from fieldfare.cli._files import Input, read_schema

_HINTS = {
    "categorical": "columns that are categories",
    "numeric": "columns that are numbers",
    "ignore": "columns that are not used",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what columns are, where that would otherwise be inferred."""
    group = parser.add_argument_group("what columns are (default: inferred)")
    group.add_argument(
        "--schema",
        type=Input,
        metavar="FILE",
        help="columns as 'fieldfare inspect --save-schema' writes them, or those of a model file; "
        "columns that are not listed are not used",
    )
    for name, words in _HINTS.items():
        group.add_argument(f"--{name}", type=_listed, metavar="COLUMN[,COLUMN...]", help=words)
    group.add_argument(
        "--bins",
        type=_binned,
        metavar="N|COLUMN=N[,...]",
        help="quantile bins instead of a number, for all numeric columns or for those named",
    )
    group.add_argument(
        "--na",
        dest="na_values",
        metavar="TEXT[,...]|COLUMN=TEXT[,...]",
        help="texts that mean a missing value, besides the usual ones; with a column: exactly "
        "those that do in this column (may be repeated)",
        action=_Marks,
    )


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the user says about columns: which have a role, and what they are."""
    names = ("target", "weight", "group", *_HINTS, "bins", "na_values", "schema")
    found = {name: getattr(arguments, name, None) for name in names}
    if found["schema"] is not None:
        found["schema"] = read_schema(found["schema"])
    return {name: value for name, value in found.items() if value is not None}


def _listed(text: str) -> list[str]:
    return text.split(",")


def _binned(text: str) -> int | dict[str, int]:
    """Read ``16`` or ``price=16,age=8``."""
    try:
        if "=" not in text:
            return int(text)
        pairs = [part.rpartition("=") for part in text.split(",")]
        return {name: int(number) for name, _, number in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or COLUMN=NUMBER separated by commas. Got {text!r} instead."
        ) from None


class _Marks(argparse.Action):
    """Gathers ``--na`` into a list for all columns, or a mapping for those that are named."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        name, equals, marks = values.partition("=")
        given: Any = {name: marks.split(",")} if equals else values.split(",")
        if before is None:
            before = type(given)()
        elif type(before) is not type(given):
            parser.error(f"{option_string} is either for all columns or for those that are named")
        setattr(namespace, self.dest, before | given if equals else before + given)
