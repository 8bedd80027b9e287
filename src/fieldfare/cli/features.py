"""Fill the store that 'fieldfare serve' takes the columns of users from."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_aside
from fieldfare.cli import _options
from fieldfare.cli._files import Input
from fieldfare.exceptions import ConfigError

EXAMPLES = """\
examples:
  fieldfare features load users.parquet redis://localhost:6379/0
  fieldfare features load users.parquet redis://localhost:6379/0 --seconds 172800
  fieldfare features load users.csv postgresql://localhost/shop --user user --table features

Redis gets a key per user, which are replaced one by one; PostgreSQL a table, which is replaced at
once. 'fieldfare serve --features ADDRESS' looks users up there. A table alone needs no loading:
'fieldfare serve --features users.parquet'.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the steps."""
    steps = parser.add_subparsers(title="steps", dest="step", metavar="STEP", required=True)
    load = steps.add_parser(
        "load",
        help="write a table of users to Redis or PostgreSQL",
        formatter_class=_options.Formatter,
        allow_abbrev=False,
    )
    load.add_argument("table_of_users", type=Input, metavar="TABLE", help="one row per user")
    load.add_argument(
        "address", metavar="ADDRESS", help="redis://HOST:PORT/DB or postgresql://HOST/DATABASE"
    )
    load.add_argument(
        "--user", metavar="COLUMN", help="column of the ids (default: the first column)"
    )
    load.add_argument(
        "--table", default="features", metavar="NAME", help="in PostgreSQL (default: features)"
    )
    load.add_argument(
        "--prefix",
        default="features:",
        metavar="TEXT",
        help="start of the keys in Redis (default: features:)",
    )
    load.add_argument(
        "--seconds", type=int, metavar="N", help="time to live in Redis (default: for ever)"
    )
    _options.add_reading(load)
    _options.add_common(load)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen step."""
    from fieldfare.serving.stores import load_features
    from fieldfare.sources.formats import open_table
    from fieldfare.sources.reading import Reading

    table = open_table(arguments.table_of_users, Reading(**_options.reading(arguments)))
    if not table.names:
        raise ConfigError(f"{arguments.table_of_users} has no columns.")
    user = arguments.user or table.names[0]
    n = load_features(
        table,
        arguments.address,
        user,
        table=arguments.table,
        prefix=arguments.prefix,
        seconds=arguments.seconds,
    )
    say_aside(f"columns of {n:,} users written, by {user!r}")
    return 0
