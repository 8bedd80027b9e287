"""The options of ``fieldfare recommend`` and of its steps."""

from __future__ import annotations

import argparse
from typing import Any

from fieldfare.cli import _columns, _options
from fieldfare.cli._files import FileOrFolder, Input, Output, OutputOrAddress
from fieldfare.cli._options import Formatter
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig

# As in `fieldfare.retrieval.vector_files`, which takes too long to import for a parser.
KINDS = ("parquet", "npz", "faiss", "pgvector", "postgres")

_LEARNING = {
    ModelConfig: ("n_factors", "fit_linear"),
    SolverConfig: ("unobserved_weight", "l2_queries", "l2_items", "l2_exponent"),
    TrainingConfig: (
        "max_iter",
        "n_iter_no_change",
        "early_stopping",
        "validation_fraction",
        "random_state",
        "n_jobs",
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the steps."""
    steps = parser.add_subparsers(title="steps", dest="step", metavar="STEP", required=True)
    options: dict[str, Any] = {"formatter_class": Formatter, "allow_abbrev": False}
    for name, words, configure_step in (
        ("train", "train a model on interactions", _configure_train),
        ("index", "build an index of items", _configure_index),
        ("query", "ask for recommendations", _configure_query),
        ("compare", "measure models beside what they should beat", _configure_compare),
        ("vectors", "write vectors of items or users for other engines", _configure_vectors),
    ):
        step = steps.add_parser(name, help=words, **options)
        configure_step(step)
        _options.add_common(step)


def _configure_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Input, metavar="TABLE", help="one row per interaction")
    parser.add_argument("--users", type=Input, metavar="TABLE", help="one row per user")
    parser.add_argument("--items", type=Input, metavar="TABLE", help="one row per item")
    _add_roles(
        parser,
        "columns by role; others are left out (default: guessed from their names, and printed)",
    )
    parser.add_argument(
        "--time",
        metavar="COLUMN",
        help="when an interaction happened: the latest are held out to decide when to stop",
    )
    _options.add_target(parser, "rating: rows with one of 0 or less are not interactions")
    parser.add_argument(
        "--min-rating",
        type=float,
        metavar="X",
        help="rows with a lower rating are not interactions (default: all above 0 are)",
    )
    parser.add_argument("--weight", metavar="COLUMN", help="weight of each interaction")
    parser.add_argument(
        "--valid",
        type=Input,
        metavar="TABLE",
        help="held-out interactions: stop when their ranking no longer improves",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Output,
        metavar="MODEL.ff",
        help="model file (default: TABLE's name with .ff, in this folder)",
    )
    parser.set_defaults(default_output=_options.default_output)
    _options.add_json(parser)
    _options.add_reading(parser)
    _columns.add(parser)
    group = parser.add_argument_group("training")
    group.add_argument(
        "--eval-metric",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="metric on --valid, such as recall@50 (default: ndcg@10)",
    )
    for config, names in _LEARNING.items():
        _options.add_flags(group, config, names)


def _configure_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", type=Input, metavar="MODEL.ff", help="model file from 'fieldfare train'"
    )
    parser.add_argument(
        "--items", required=True, type=Input, metavar="TABLE", help="one row per item"
    )
    parser.add_argument(
        "--users", type=Input, metavar="TABLE", help="one row per user, if users have columns"
    )
    parser.add_argument(
        "--history",
        type=Input,
        metavar="TABLE",
        help="interactions, to leave out what users have already seen",
    )
    _add_roles(parser, "columns by role, if they are not in the model")
    parser.add_argument(
        "--index",
        choices=("auto", "exact", "approximate"),
        default="auto",
        help="auto (default): exact up to 100,000 items",
    )
    parser.add_argument(
        "--recall",
        type=float,
        default=0.99,
        metavar="SHARE",
        help="share of the true best 100 items that an approximate index finds (default: 0.99)",
    )
    add_ranker(parser)
    parser.add_argument(
        "--candidates",
        type=int,
        default=500,
        metavar="N",
        help="items recalled for the ranker (default: 500)",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=FileOrFolder,
        metavar="FOLDER",
        help="folder to write",
    )
    _options.add_json(parser)
    _options.add_reading(parser)


def _configure_query(parser: argparse.ArgumentParser) -> None:
    _add_index(parser)
    asked = parser.add_argument_group("requests")
    asked.add_argument(
        "--user", action="append", metavar="ID", help="id of a user; may be repeated"
    )
    asked.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="value of a context column; may be repeated",
    )
    asked.add_argument(
        "--requests",
        type=Input,
        metavar="TABLE",
        help="users and contexts, one row per request",
    )
    parser.add_argument(
        "-n", type=int, default=10, metavar="N", help="items per request (default: 10)"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only items with this value; may be repeated",
    )
    parser.add_argument(
        "--with-seen", action="store_true", help="include items that users have already seen"
    )
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        type=Output,
        metavar="OUT",
        help="output file, .parquet or else CSV (default: -, stdout)",
    )
    parser.add_argument(
        "--json", action="store_true", help="write one JSON object: the items of each request"
    )
    parser.set_defaults(json_is_output=True)
    _options.add_reading(parser)


def _configure_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("train", type=Input, metavar="TRAIN", help="interactions trained on")
    parser.add_argument("test", type=Input, metavar="TEST", help="held-out interactions")
    parser.add_argument(
        "-m",
        "--model",
        action="append",
        default=[],
        type=Input,
        metavar="MODEL.ff",
        help="model file from 'fieldfare recommend train'; may be repeated",
    )
    for side in ("user", "item"):
        parser.add_argument(
            f"--{side}",
            metavar="COLUMN",
            help=f"ids of the {side}s (default: guessed from the names of columns, and printed)",
        )
    parser.add_argument("--time", metavar="COLUMN", help="when an interaction happened")
    for side in ("users", "items"):
        parser.add_argument(f"--{side}", type=Input, metavar="TABLE", help=f"columns of {side}")
    parser.add_argument(
        "--metrics", metavar="NAME[,NAME...]", help="such as ndcg@10,coverage@20 (default: usual)"
    )
    parser.add_argument(
        "--baselines",
        metavar="NAME[,NAME...]",
        help="popularity, 'recent popularity' (with --time), item-kNN, EASE, MF, 'implicit ALS', "
        "'implicit BPR' (default: all that can be had)",
    )
    _options.add_result(parser)
    _options.add_reading(parser)


def _configure_vectors(parser: argparse.ArgumentParser) -> None:
    _add_index(parser)
    parser.add_argument(
        "--of", choices=("items", "users"), default="items", help="whose vectors (default: items)"
    )
    parser.add_argument(
        "--form",
        choices=("inner", "unit"),
        default="inner",
        help="inner (default): for engines of inner products; unit: all of length one, for engines "
        "of cosines or distances",
    )
    parser.add_argument(
        "--bound",
        type=float,
        metavar="X",
        help="what --form unit divides the vectors of items by (default: a little more than the "
        "longest)",
    )
    parser.add_argument(
        "--context",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="value of a context column, which becomes part of the vectors of users",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=OutputOrAddress,
        metavar="OUT",
        help="file that ends in .parquet, .npz, .faiss or .sql, or redis://HOST:PORT",
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        help="kind of file, for other extensions, and to choose between SQL for pgvector (the "
        "default of .sql) and for PostgreSQL without it",
    )
    parser.add_argument(
        "--table", metavar="NAME", help="table in SQL (default: item_vectors or user_vectors)"
    )
    parser.add_argument(
        "--prefix", metavar="TEXT", help="start of the keys in Redis (default: item: or user:)"
    )
    parser.add_argument(
        "--seconds", type=int, metavar="N", help="time to live in Redis (default: for ever)"
    )
    _options.add_json(parser)


def _add_roles(parser: argparse.ArgumentParser, title: str) -> None:
    roles = parser.add_argument_group(title, "separate several by commas")
    roles.add_argument("--user", metavar="COLUMNS", help="columns of the user, the id first")
    roles.add_argument("--item", metavar="COLUMNS", help="columns of the item, the id first")
    roles.add_argument("--context", metavar="COLUMNS", help="columns of the context")


def _add_index(parser: argparse.ArgumentParser) -> None:
    """Declare the index that is read, and the models that it was built from."""
    parser.add_argument(
        "index", type=Input, metavar="FOLDER", help="folder from 'fieldfare recommend index'"
    )
    add_models_of_index(parser)


def add_ranker(parser: argparse.ArgumentParser) -> None:
    """Add the model that ranks what another recalls."""
    parser.add_argument(
        "--ranker",
        type=Input,
        metavar="RANKER.ff",
        help="another model, which ranks the items that this one recalls",
    )


def add_models_of_index(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the models that an index was built from."""
    _options.add_model(parser, "model file that the index was built from", required=required)
    add_ranker(parser)
