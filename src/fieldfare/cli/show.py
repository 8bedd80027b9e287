"""Show a model: what it is, how it was trained, and what it has learned."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from fieldfare._logging import say
from fieldfare.cli import _options
from fieldfare.cli._tables import pairs, size, table

if TYPE_CHECKING:
    from fieldfare.models.base import Model

EXAMPLES = """\
examples:
  fieldfare show clicks.ff
  fieldfare show clicks.ff --top 30 --schema
  fieldfare show clicks.ff --plot fields.png                  heat map of field pairs
  fieldfare show clicks.ff --explain test.csv --row 3         why this prediction
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL.ff", help="model file from 'fieldfare train'")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="length of lists (default: 10)")
    parser.add_argument("--schema", action="store_true", help="print the columns and features too")
    parser.add_argument("--plot", metavar="IMAGE", help="write a heat map of field pairs, .png or .svg")
    parser.add_argument("--explain", metavar="DATA", help="explain one prediction of this data")
    parser.add_argument("--row", type=int, default=0, metavar="N", help="which row of it (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Print the model, or explain one row."""
    from fieldfare.persist.file import load_model

    model = load_model(arguments.model)
    if arguments.explain:
        say(_explanation(model, arguments.explain, arguments.row, arguments.top))
    else:
        say(_header(model, arguments.model))
        if arguments.schema:
            say("\n" + str(model.schema))
        say(_learned(model, arguments.top))
    if arguments.plot:
        _plot(model, arguments)
    return 0
