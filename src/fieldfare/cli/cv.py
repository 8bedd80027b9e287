"""Cross-validate a model: measure how good its settings are, and how certain that is."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_notes
from fieldfare.cli import _columns, _options
from fieldfare.cli._json import as_json

EXAMPLES = """\
examples:
  fieldfare cv train.csv --target clicked --model ffm -k 4
  fieldfare cv ratings.csv --target rating --task regression --folds 10 --seed 1
  fieldfare cv train.csv --target clicked --json | jq .mean.auc

Each row is predicted once, by a model that has not seen it. When the figures are good enough, train
on all rows with the same settings: fieldfare train DATA ...
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _columns.add(parser)
    parser.add_argument(
        "--folds", type=int, default=5, metavar="N", help="number of folds (default: 5)"
    )
    _options.add_result(parser, "print one JSON object, with the figures of each fold")
    _options.add_hyperparameters(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one line per fold, the mean and the standard deviation."""
    from fieldfare.data.loading import read_dataset
    from fieldfare.data.road import Options
    from fieldfare.training.crossval import cross_validate
    from fieldfare.training.functions import read_settings
    from fieldfare.training.prepare.held_out import split_by_of

    hyperparameters = _options.hyperparameters(arguments)
    how = Options.of(
        split_by=split_by_of(read_settings(hyperparameters).training),
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    data = read_dataset(_options.source(arguments.data), how)
    say_notes(data.schema.notes)
    result = cross_validate(data, folds=arguments.folds, **hyperparameters)
    facts = {"folds": result.folds, "mean": result.mean, "std": result.std}
    _options.say_result(arguments, as_json(facts) if arguments.json else str(result))
    return 0
