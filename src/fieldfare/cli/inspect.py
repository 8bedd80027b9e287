"""Show what a data file holds, what is wrong with it, and the memory that models would need."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fieldfare._files import STREAM
from fieldfare._logging import say_aside
from fieldfare.cli import _columns, _options
from fieldfare.cli._files import Input, Output, written
from fieldfare.cli._json import as_json
from fieldfare.cli._tables import size
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError

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
    _options.add_result(parser, "print one JSON object in place of the tables")


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection."""
    from fieldfare.data.inspect import inspect

    found = inspect(
        _options.source(arguments.data),
        against=arguments.against,
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    needed = _memory(found)
    shown = ", ".join(f"{kind} {size(n_bytes)}" for kind, n_bytes in needed.items())
    text = f"{found}\n\nmemory to train, k={ModelConfig().n_factors}: {shown}"
    if arguments.json:
        text = as_json({**_facts(found), "memory": needed})
    has_room = arguments.output is not None or arguments.save_schema != STREAM
    if arguments.json and not has_room:
        raise ConfigError(
            "Standard output cannot hold both --json and --save-schema -. Name one of the files."
        )
    if has_room:
        _options.say_result(arguments, text)
    if arguments.save_schema:
        with written(arguments.save_schema) as path:
            found.schema.write_columns(path)
        say_aside(f"columns written to {arguments.save_schema}: edit it, and pass it as --schema")
    return 0


def _facts(found: Inspection) -> dict[str, Any]:
    """Return what was found, and what each column is."""
    facts = {item.name: getattr(found, item.name) for item in fields(found)}
    schema, reasons = facts.pop("schema"), facts.pop("reasons")
    facts["columns"] = [
        {
            "name": column.name,
            "kind": column.kind,
            "field": column.field_name if column.is_feature else None,
            "role": column.role,
            "because": reasons.get(column.name),
        }
        for column in schema.columns
    ]
    return facts


def _memory(found: Inspection) -> dict[str, int]:
    """Return the bytes that training each kind of model takes, with the default settings."""
    from fieldfare.kinds.models import MODEL_KINDS
    from fieldfare.models.registry import estimate_bytes

    classes = len(found.schema.target_classes or ())
    kinds = [
        ModelConfig(model=name)
        for name, kind in MODEL_KINDS.items()
        if found.n_fields or not kind.uses_fields
    ]
    return {
        kind.model: estimate_bytes(
            kind,
            n_features=found.n_features,
            n_fields=found.n_fields,
            n_outputs=classes if classes > 2 else 1,
        )
        for kind in kinds
    }
