"""Measure a saved model on labelled data."""

from __future__ import annotations

import argparse

from fieldfare._logging import say
from fieldfare.cli import _columns, _options
from fieldfare.cli._tables import key_values

EXAMPLES = """\
examples:
  fieldfare evaluate test.csv -m clicks.ff
  fieldfare evaluate test.ffm -m clicks.ff --metric auc --metric logloss
  fieldfare evaluate test.csv -m clicks.ff --json > figures.json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _options.add_model(parser)
    parser.add_argument(
        "--metric",
        action="append",
        metavar="NAME",
        help="metric; may be repeated (default: those of the task)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _options.add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics."""
    import json

    from fieldfare.cli._files import load_any
    from fieldfare.training.functions import evaluate

    figures = evaluate(
        load_any(arguments.model),
        _options.source(arguments.data),
        metrics=arguments.metric,
        n_jobs=arguments.threads,
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    say(json.dumps(figures) if arguments.json else key_values(figures, indent=0))
    return 0
