"""Say what a data file holds, what is wrong with it, and what models of it would cost."""

from __future__ import annotations

import argparse

from fieldfare._logging import say
from fieldfare.cli import _options
from fieldfare.cli._tables import size, table

EXAMPLES = """\
examples:
  fieldfare inspect train.csv --target clicked
  fieldfare inspect train.csv --target clicked --against test.csv   how much of test is unseen
  fieldfare inspect train.ffm -k 16                                 memory of models of that rank
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    parser.add_argument("--against", metavar="DATA", help="a second file to compare with")
    parser.add_argument(
        "-k",
        "--n-factors",
        type=int,
        default=8,
        metavar="N",
        help="rank of the models whose memory is estimated (default: 8)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection and the memory that each model would need."""
    from fieldfare.data.inspect import inspect

    found = inspect(
        _options.source(arguments.data), against=arguments.against, **_options.roles(arguments)
    )
    say(str(found))
    say()
    say(f"memory to train, k={arguments.n_factors}")
    say(_memory(found.n_features, found.n_fields, arguments.n_factors))
    return 0


def _memory(n_features: int, n_fields: int, n_factors: int) -> str:
    from fieldfare.config import MODELS, ModelConfig
    from fieldfare.models.registry import estimate_bytes

    rows = []
    for model in MODELS:
        if model == "ffm" and not n_fields:
            rows.append([model, "needs fields"])
            continue
        config = ModelConfig(model=model, n_factors=n_factors)
        rows.append([model, size(estimate_bytes(config, n_features=n_features, n_fields=n_fields))])
    return table(["model", "memory"], rows)
