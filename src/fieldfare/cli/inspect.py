"""Say what a data file holds, what is wrong with it, and what models of it would cost."""

from __future__ import annotations

import argparse

from fieldfare._logging import say
from fieldfare.cli import _options

EXAMPLES = """\
examples:
  fieldfare inspect train.csv --target clicked
  fieldfare inspect train.csv --target clicked --against test.csv   how much of test is unseen
  fieldfare inspect train.ffm
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser, labelled=False)
    parser.add_argument("--target", metavar="COLUMN", help="what is to be predicted")
    parser.add_argument("--against", metavar="DATA", help="a second file to compare with")


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection."""
    from fieldfare.data.inspect import inspect

    found = inspect(
        _options.source(arguments.data), target=arguments.target, against=arguments.against
    )
    say(str(found))
    return 0
