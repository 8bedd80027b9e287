"""Recommend items: train a model of interactions, build an index of the items, then query it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say_aside
from fieldfare.cli import _options
from fieldfare.cli._files import check_writable
from fieldfare.cli._options import Formatter
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.retrieval import Recommender
    from fieldfare.schema.schema import Schema

FACTORS = 64
_LEARNING = {
    ModelConfig: ("fit_linear",),
    SolverConfig: ("unobserved_weight", "l2_queries", "l2_items", "l2_exponent"),
    TrainingConfig: ("max_iter", "n_iter_no_change", "random_state", "n_jobs"),
}
EXAMPLES = """\
examples:
  fieldfare recommend train ratings.csv --user user --item movie,genre --context hour -o ratings.ff
  fieldfare recommend index ratings.ff --items movies.csv --history ratings.csv \\
      -o ratings.index
  fieldfare recommend query ratings.index -m ratings.ff --user 17 --context hour=night
  fieldfare recommend query ratings.index -m ratings.ff --requests new.csv -o lists.csv

'recommend train' learns from all pairs of user and item who had what. A model of ratings or clicks
will do as well: that of 'fieldfare train ratings.csv --target rating -o ratings.ff', without
--instance-norm, with which there are no vectors of items; name the roles of its columns to
'recommend index'. An index is made anew, in place, when the model is.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    steps = parser.add_subparsers(title="steps", dest="step", metavar="STEP", required=True)
    options: dict[str, Any] = {"formatter_class": Formatter, "allow_abbrev": False}
    _configure_train(steps.add_parser("train", help="learn who had what", **options))
    _configure_index(steps.add_parser("index", help="build an index of items", **options))
    _configure_query(steps.add_parser("query", help="ask for recommendations", **options))


def _configure_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="TABLE", help="one row an interaction")
    _add_roles(
        parser, "columns by role, the others being left out (default: told from their names)"
    )
    parser.add_argument(
        "--target", metavar="COLUMN", help="rows where it is not positive are no interactions"
    )
    parser.add_argument("--weight", metavar="COLUMN", help="how much an interaction counts")
    parser.add_argument(
        "--valid", metavar="TABLE", help="other interactions: stop when they are found no better"
    )
    parser.add_argument("-o", "--output", required=True, metavar="MODEL.ff", help="model file")
    group = parser.add_argument_group("training")
    group.add_argument(
        "-k",
        "--n-factors",
        type=int,
        default=FACTORS,
        metavar="N",
        help=f"length of the latent vectors (default: {FACTORS})",
    )
    group.add_argument(
        "--eval-metric",
        default=argparse.SUPPRESS,
        metavar="NAME",
        help="what --valid is measured by, such as recall@50 (default: ndcg@10)",
    )
    for config, names in _LEARNING.items():
        _options.add_flags(group, config, names)


def _configure_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL.ff", help="model file from 'fieldfare train'")
    parser.add_argument("--items", required=True, metavar="TABLE", help="one row an item")
    parser.add_argument("--users", metavar="TABLE", help="one row a user, if users have columns")
    parser.add_argument("--history", metavar="TABLE", help="what users have had, to be left out")
    _add_roles(parser, "columns by role, where the model does not know")
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
        help="share of the best 100 that an approximate index is to find (default: 0.99)",
    )
    _add_ranker(parser)
    parser.add_argument(
        "--candidates",
        type=int,
        default=500,
        metavar="N",
        help="items recalled for the ranker (default: 500)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder to write")


def _configure_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", metavar="FOLDER", help="from 'fieldfare recommend index'")
    parser.add_argument("-m", "--model", required=True, metavar="MODEL.ff", help="its model file")
    _add_ranker(parser)
    asked = parser.add_argument_group("requests")
    asked.add_argument("--user", action="append", metavar="ID", help="a user; may be repeated")
    asked.add_argument(
        "--context", action="append", default=[], metavar="COLUMN=VALUE", help="may be repeated"
    )
    asked.add_argument(
        "--requests", metavar="TABLE", help="a table of users and contexts, a row for each request"
    )
    parser.add_argument(
        "-n", type=int, default=10, metavar="N", help="items for each request (default: 10)"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only items that hold the value; may be repeated",
    )
    parser.add_argument(
        "--with-seen", action="store_true", help="do not leave out what users have had"
    )
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="CSV or .parquet (default: -, stdout)"
    )


def _add_roles(parser: argparse.ArgumentParser, title: str) -> None:
    roles = parser.add_argument_group(title, "several are separated by commas")
    roles.add_argument("--user", metavar="COLUMNS", help="of the user, the id first")
    roles.add_argument("--item", metavar="COLUMNS", help="of the item, the id first")
    roles.add_argument("--context", metavar="COLUMNS", help="of the situation")


def _add_ranker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ranker", metavar="RANKER.ff", help="another model, that ranks what this one recalls"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, index or query."""
    return {"train": _train, "index": _index, "query": _query}[arguments.step](arguments)


def _train(arguments: argparse.Namespace) -> int:
    from fieldfare.data.loading import load
    from fieldfare.persist.file import save_model
    from fieldfare.training import workflow

    check_writable(arguments.output)
    data = load(arguments.data, schema=_schema(arguments), labelled=None)
    result = workflow.train(
        data,
        valid=arguments.valid,
        model="fm",
        task="rank",
        solver="nonsampled",
        early_stopping=arguments.valid is not None,
        **_options.hyperparameters(arguments),
    )
    save_model(result.model, arguments.output)
    best = result.history.best
    shown = [f"{name} {best[name]:.4f}" for name in best if name.startswith("valid_")]
    said = ", ".join([f"epoch {int(best['epoch'])}", *shown]) if best else "no epoch"
    say_aside(f"model of {data.rows.n_rows:,} interactions ({said}) written to {arguments.output}")
    return 130 if result.interrupted else 0


def _schema(arguments: argparse.Namespace) -> Schema:
    """Return the columns with the roles that were named; with any named, others are left out."""
    from fieldfare.schema.schema import Column, Schema

    given = {"target": arguments.target, "weight": arguments.weight}
    schema = Schema.infer(arguments.data, **given)
    named = _roles(arguments)
    if not named:
        return schema
    columns = []
    for role, names in named.items():
        for place, name in enumerate(names):
            column = schema.column(name)
            is_id = place == 0 and role != "context" and column.kind == "numeric"
            columns.append(Column(name, role=role) if is_id else column.change(role=role))
    known = {column.name for column in columns}
    rest = [one.change(kind="ignore") for one in schema.columns if one.name not in known]
    return Schema((*columns, *rest), **given)


def _roles(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Return the columns of each role that has any."""
    named = {role: getattr(arguments, role) for role in ("user", "item", "context")}
    return {role: columns.split(",") for role, columns in named.items() if columns}


def _index(arguments: argparse.Namespace) -> int:
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import Recommender, split

    model, roles = load_model(arguments.model), _roles(arguments)
    say_aside(f"vectors: {split(model, roles)!r}")
    recommender = Recommender(
        model,
        arguments.items,
        users=arguments.users,
        history=arguments.history,
        roles=roles,
        index=arguments.index,
        recall=arguments.recall,
        ranker=None if arguments.ranker is None else load_model(arguments.ranker),
        n_candidates=arguments.candidates,
    )
    recommender.save(arguments.output)
    index = recommender.index
    if index.calibration is not None:
        say_aside(str(index.calibration))
    say_aside(f"{index!r} written to {arguments.output}")
    return 0


def _query(arguments: argparse.Namespace) -> int:
    from fieldfare.cli.predict import format_of
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import Recommender
    from fieldfare.schema import compose
    from fieldfare.sources.write import table_writer

    ranker = None if arguments.ranker is None else load_model(arguments.ranker)
    recommender = Recommender.load(arguments.index, load_model(arguments.model), ranker)
    users: list[Any] | None = arguments.user
    contexts: Any = _pairs(arguments.context) or None
    if arguments.requests is not None:
        if users or contexts:
            raise ConfigError("Give either --requests, or --user and --context. Got both.")
        contexts = compose.read(arguments.requests)
        if recommender.user_column in contexts.column_names:
            users = contexts.column(recommender.user_column).to_pylist()
    where = _grouped(arguments.where)
    columns = _recommended(recommender, users, contexts, arguments, where)
    kind = "parquet" if format_of(arguments.output) == "parquet" else "csv"
    with table_writer(arguments.output, kind) as write:
        write(columns)
    return 0


def _recommended(
    recommender: Recommender,
    users: list[Any] | None,
    contexts: Any,
    arguments: argparse.Namespace,
    where: dict[str, list[str]],
) -> dict[str, Any]:
    """Return recommendations as columns, one row an item."""
    import numpy as np

    ids, scores = recommender.recommend(
        users, arguments.n, contexts=contexts, filter_seen=not arguments.with_seen, where=where
    )
    ids, scores = np.atleast_2d(ids), np.atleast_2d(scores)
    row, rank = np.nonzero(scores > -np.inf)
    name = "request" if users is None else recommender.user_column
    requests = np.arange(len(ids)) if users is None else np.asarray(users)
    return {
        name: requests[row],
        recommender.item_column: ids[row, rank],
        "score": scores[row, rank],
        "rank": rank + 1,
    }


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"Write COLUMN=VALUE. Got {text!r}.")
        found[name] = value
    return found


def _grouped(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each column that is named, once or several times."""
    found: dict[str, list[str]] = {}
    for text in texts:
        for name, value in _pairs([text]).items():
            found.setdefault(name, []).append(value)
    return found
