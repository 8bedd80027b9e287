"""Measure a saved model on labelled data."""

from __future__ import annotations

import argparse

from fieldfare.cli import _columns, _options
from fieldfare.cli._json import as_json
from fieldfare.cli._tables import key_values

EXAMPLES = """\
examples:
  fieldfare evaluate test.csv -m clicks.ff
  fieldfare evaluate test.ffm -m clicks.ff --metric auc,logloss
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
        help="metric, or several with commas; may be repeated (default: those of the task)",
    )
    _options.add_result(parser)
    _options.add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the metrics."""
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
    text = as_json(figures) if arguments.json else key_values(figures, indent=0)
    _options.say_result(arguments, text)
    return 0
