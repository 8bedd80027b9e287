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
  fieldfare inspect train.ffm -k 4 16                               memory of models of that rank
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    parser.add_argument("--against", nargs="+", metavar="DATA", help="a second file to compare with")
    parser.add_argument(
        "-k", "--n-factors", nargs="+", type=int, default=[4, 8, 16], metavar="N",
        help="ranks to estimate the memory of (default: 4 8 16)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Print the inspection and the memory that each model would need."""
    from fieldfare.data.inspect import inspect

    against = _options.source(arguments.against) if arguments.against else None
    found = inspect(
        _options.source(arguments.data), against=against, **_options.roles(arguments)
    )
    say(str(found))
    say()
    say("memory to train")
    say(_memory(found.n_features, found.n_fields, arguments.n_factors))
    return 0


def _memory(n_features: int, n_fields: int, ranks: list[int]) -> str:
    from fieldfare.config import ModelConfig
    from fieldfare.models.registry import estimate_bytes

    rows = []
    for model in ("linear", "fm", "ffm"):
        if model == "ffm" and not n_fields:
            rows.append([model, *(["no fields"] * len(ranks))])
            continue
        costs = [
            estimate_bytes(ModelConfig(model=model, n_factors=k), n_features, n_fields, 1)
            for k in ranks
        ]
        rows.append([model, *map(size, costs)])
    return table(["model", *(f"k={k}" for k in ranks)], rows)
