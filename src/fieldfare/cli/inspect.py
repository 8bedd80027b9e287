"""Show what a data file holds, what is wrong with it, and the memory that models would need."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from fieldfare._logging import say
from fieldfare.cli import _columns, _options
from fieldfare.cli._files import Input, Output
from fieldfare.cli._tables import size

if TYPE_CHECKING:
    from fieldfare.data.inspect import Inspection

EXAMPLES = """\
examples:
  fieldfare inspect train.csv --target clicked
  fieldfare inspect train.csv --target clicked --against test.csv   how much of test.csv is unseen
  fieldfare inspect train.csv --target clicked --categorical shop,zip --ignore row
  fieldfare inspect train.csv --target clicked --save-schema columns.json   to edit by hand
  fieldfare inspect train.ffm
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _columns.add(parser)
    parser.add_argument(
        "--against", type=Input, metavar="DATA", help="a second file to compare with"
    )
    parser.add_argument(
        "--save-schema",
        type=Output,
        metavar="FILE",
        help="write what the columns are, as JSON to edit and to pass on as --schema",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection."""
    from fieldfare.data.inspect import inspect

    found = inspect(
        _options.source(arguments.data),
        against=arguments.against,
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    say(str(found))
    say(f"\n{_memory(found)}")
    if arguments.save_schema:
        found.schema.write_columns(arguments.save_schema)
        say(f"\ncolumns written to {arguments.save_schema}: edit it, and pass it on as --schema")
    return 0


def _memory(found: Inspection) -> str:
    """Return the memory that training each kind of model takes, with the default settings."""
    from fieldfare.config import ModelConfig
    from fieldfare.kinds.models import MODEL_KINDS
    from fieldfare.models.registry import estimate_bytes

    classes = len(found.schema.target_classes or ())
    kinds = [
        ModelConfig(model=name)
        for name, kind in MODEL_KINDS.items()
        if found.n_fields or not kind.uses_fields
    ]
    needed = []
    for kind in kinds:
        n_bytes = estimate_bytes(
            kind,
            n_features=found.n_features,
            n_fields=found.n_fields,
            n_outputs=classes if classes > 2 else 1,
        )
        needed.append(f"{kind.model} {size(n_bytes)}")
    return f"memory to train, k={kinds[0].n_factors}: {', '.join(needed)}"
