"""Write a model in another tool's text form."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_aside

EXAMPLES = """\
examples:
  fieldfare export clicks.ff clicks.txt --to xlearn
  fieldfare export clicks.ff clicks.txt --to libffm
  fieldfare export clicks.ff served/1 --to savedmodel
"""
FORMATS = ("xlearn", "libffm", "savedmodel", "frozen", "keras")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", metavar="MODEL.ff", help="model file from 'fieldfare train'")
    parser.add_argument("output", metavar="OUT", help="file to write")
    parser.add_argument("--to", required=True, choices=FORMATS, help="whose form")


def run(arguments: argparse.Namespace) -> int:
    """Export."""
    from fieldfare.export import export
    from fieldfare.persist.file import load_model

    export(load_model(arguments.model), arguments.output, to=arguments.to)
    say_aside(f"{arguments.to} model written to {arguments.output}")
    return 0
