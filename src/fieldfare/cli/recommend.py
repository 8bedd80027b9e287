"""Recommend items: train a model on interactions, index the items, query them, export vectors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say, say_aside, say_notes
from fieldfare.cli import _columns, _options
from fieldfare.cli._ending import INTERRUPTED, save_unless_nothing, training_facts
from fieldfare.cli._json import as_json
from fieldfare.cli._recommend_options import configure
from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.data.interaction_columns import InteractionColumns
    from fieldfare.retrieval import Recommender
    from fieldfare.rows import RelatedRows, Rows
    from fieldfare.schema.schema import Schema
    from fieldfare.sources.source import Table

__all__ = ["EXAMPLES", "configure", "run"]

EXAMPLES = """\
examples:
  fieldfare recommend train ratings.csv
  fieldfare recommend train ratings.csv --items movies.csv --user user --item movie,genre \\
      --context hour --time when -o ratings.ff
  fieldfare recommend index ratings.ff --items movies.csv --history ratings.csv \\
      -o ratings.index
  fieldfare recommend query ratings.index -m ratings.ff --user 17 --context hour=night
  fieldfare recommend query ratings.index -m ratings.ff --requests new.csv -o lists.csv
  fieldfare recommend compare ratings.csv held-out.csv -m ratings.ff
  fieldfare recommend vectors ratings.index -m ratings.ff --form unit -o items.parquet
  fieldfare recommend vectors ratings.index -m ratings.ff --of users -o redis://localhost:6379

'recommend train' trains on interactions and takes all other pairs of a user and an item as
unobserved. Which columns are the user, the item, the rating and the time is guessed from their
names unless you say so; the model stores the roles of its columns. A model of ratings or clicks
works as well, such as that of 'fieldfare train ratings.csv --target rating -o ratings.ff', but
without --instance-norm, because such a model has no vectors of items; pass the roles of its columns
to 'recommend index'. Build the index again after each training; it is replaced in place. What is
said about the form of the files holds for all tables of a command.
"""


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen step."""
    steps = {
        "train": _train,
        "index": _index,
        "query": _query,
        "compare": _compare,
        "vectors": _vectors,
    }
    return steps[arguments.step](arguments)


def _train(arguments: argparse.Namespace) -> int:
    from fieldfare.data.interaction_columns import at_least
    from fieldfare.data.loading import read_dataset
    from fieldfare.data.road import Options
    from fieldfare.data.split_by import SplitBy
    from fieldfare.kinds.models import FM
    from fieldfare.kinds.solvers import NONSAMPLED
    from fieldfare.training.functions import train

    table, schema, columns = _interactions(arguments)
    by_time = arguments.time is not None and arguments.valid is None
    split_by = SplitBy("time", arguments.time) if by_time else None
    known: dict[str, Any] = {"labelled": None}
    data = read_dataset(table, Options.of(schema=schema, split_by=split_by, **known))
    say_notes(data.schema.notes)
    valid = arguments.valid
    if valid is not None:
        valid = _opened(arguments, valid)
        if columns is not None:
            valid = columns.joined(valid)
        valid = read_dataset(valid, Options.of(schema=data.schema, **known))
        valid = at_least(valid, arguments.min_rating)
    data = at_least(data, arguments.min_rating)
    result = train(
        data,
        valid=valid,
        model=FM.name,
        task="rank",
        solver=NONSAMPLED.name,
        **({"validation": "time", "validation_column": arguments.time} if by_time else {}),
        **_options.hyperparameters(arguments),
    )
    is_saved = save_unless_nothing(result, arguments.output)
    if arguments.json:
        facts = {"interactions": _n_interactions(data.rows), **training_facts(result)}
        say(as_json({"model": str(arguments.output) if is_saved else None, **facts}))
    if not is_saved:
        return INTERRUPTED
    best = result.history.best
    shown = [f"{name} {best[name]:.4f}" for name in best if name.startswith("valid_")]
    epoch = ", ".join([f"epoch {int(best['epoch'])}", *shown]) if best else "no epoch"
    if not arguments.json:
        count = f"{_n_interactions(data.rows):,} interactions"
        say_aside(f"model of {count} ({epoch}) written to {arguments.output}")
    return INTERRUPTED if result.interrupted else 0


def _n_interactions(rows: Rows | RelatedRows) -> int:
    """Count the rows that are learned from: those that are no interactions have a target of 0."""
    import numpy as np

    counts = np.ones(rows.n_rows, bool)
    for given in (rows.target, rows.weight):
        if given is not None:
            counts &= given > 0
    return int(counts.sum())


def _opened(arguments: argparse.Namespace, path: Any) -> Any:
    """Return a table, read as the user says; None without a path."""
    from fieldfare.sources.formats import open_table
    from fieldfare.sources.reading import Reading

    return None if path is None else open_table(path, Reading(**_options.reading(arguments)))


def _interactions(
    arguments: argparse.Namespace,
) -> tuple[Table, Schema, InteractionColumns | None]:
    """Return the interactions, and the columns that they are learned from, said or guessed."""
    from fieldfare.data.interaction_columns import InteractionColumns
    from fieldfare.schema.hints import Hints
    from fieldfare.sources.batch import column_at

    said = _columns.given(arguments)
    table = _opened(arguments, arguments.data)
    given: dict[str, Any] = {
        role: None if name is None else column_at(table.names, name)
        for role, name in ((role, said.pop(role, None)) for role in ("target", "weight"))
    }
    schema: Schema | None = said.pop("schema", None)
    roles = _roles(arguments)
    if schema is not None:
        schema = replace(schema, **given).with_hints(Hints(**said))
        for role, names in roles.items():
            schema = schema.edit(names, role=role)
        return table, schema, None
    columns = InteractionColumns.of(
        table,
        roles=roles,
        users=_opened(arguments, arguments.users),
        items=_opened(arguments, arguments.items),
        rating=given["target"],
        time=arguments.time,
        weight=given["weight"],
    )
    say_notes(columns.notes)
    return columns.table, columns.schema(Hints(**said), given["weight"]), columns


def _roles(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Return the columns of each role that was given."""
    named = {role: getattr(arguments, role) for role in ("user", "item", "context")}
    return {role: columns.split(",") for role, columns in named.items() if columns}


def _index(arguments: argparse.Namespace) -> int:
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import Recommender, split

    model, roles = load_model(arguments.model), _roles(arguments)
    say_aside(f"vectors: {split(model, roles)!r}")
    recommender = Recommender(
        model,
        _opened(arguments, arguments.items),
        users=_opened(arguments, arguments.users),
        history=_opened(arguments, arguments.history),
        roles=roles,
        index=arguments.index,
        recall=arguments.recall,
        ranker=None if arguments.ranker is None else load_model(arguments.ranker),
        n_candidates=arguments.candidates,
    )
    recommender.save(arguments.output)
    index = recommender.index
    calibration = None if index.calibration is None else index.calibration.to_json()
    if index.calibration is not None:
        say_aside(str(index.calibration))
    facts = {"items": len(index), "calibration": calibration}
    _options.report(arguments, f"{index!r} written to {arguments.output}", **facts)
    return 0


def _query(arguments: argparse.Namespace) -> int:
    from fieldfare.cli._predictions import format_of
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import Recommender
    from fieldfare.schema import compose
    from fieldfare.sources.write import table_writer

    ranker = None if arguments.ranker is None else load_model(arguments.ranker)
    recommender = Recommender.load(arguments.index, load_model(arguments.model), ranker)
    users: list[Any] | None = arguments.user
    contexts: Any = _assignments(arguments.context) or None
    if arguments.requests is not None:
        if users or contexts:
            raise ConfigError("Pass either --requests, or --user and --context. Got both.")
        contexts = compose.read(_opened(arguments, arguments.requests))
        if recommender.user_column in contexts.column_names:
            users = contexts.column(recommender.user_column).to_pylist()
    where = _values_by_column(arguments.where)
    columns = _recommendations(recommender, users, contexts, arguments, where)
    if arguments.json:
        _options.say_result(arguments, as_json(_lists(columns)))
        return 0
    kind = format_of(arguments.output, ("csv", "parquet"), "csv")
    with table_writer(arguments.output, kind) as write:
        write(columns)
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from fieldfare.data.interaction_columns import InteractionColumns
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import compare
    from fieldfare.retrieval.comparison import METRICS

    names = {side: getattr(arguments, side) for side in ("user", "item")}
    columns = InteractionColumns.of(
        _opened(arguments, arguments.train),
        roles={side: name for side, name in names.items() if name is not None},
        users=_opened(arguments, arguments.users),
        items=_opened(arguments, arguments.items),
        time=arguments.time,
    )
    say_notes(columns.notes_of_guesses if None in names.values() else ())
    found = compare(
        {str(path): load_model(path) for path in arguments.model},
        columns.table,
        columns.joined(_opened(arguments, arguments.test)),
        user=columns.roles["user"][0],
        item=columns.roles["item"][0],
        time=arguments.time,
        metrics=arguments.metrics or METRICS,
        baselines=None if arguments.baselines is None else arguments.baselines.split(","),
    )
    figures = {
        name: {metric: one[metric] for metric in one.metrics}
        for name, one in found.evaluations.items()
    }
    _options.say_result(arguments, as_json(figures) if arguments.json else str(found))
    return 0


def _vectors(arguments: argparse.Namespace) -> int:
    from fieldfare._redis import is_address, without_password
    from fieldfare.persist.file import load_model
    from fieldfare.retrieval import Recommender, write_to_redis, write_vectors

    ranker = None if arguments.ranker is None else load_model(arguments.ranker)
    recommender = Recommender.load(arguments.index, load_model(arguments.model), ranker)
    form: dict[str, Any] = {"form": arguments.form, "bound": arguments.bound}
    contexts = _assignments(arguments.context) or None
    if arguments.of == "users":
        found = recommender.user_vectors(contexts=contexts, **form)
    elif contexts is not None:
        raise ConfigError("Items have no context. Got --context; say --of users, or leave it out.")
    else:
        found = recommender.item_vectors(**form)
    target = str(arguments.output)
    if is_address(target):
        write_to_redis(found, target, arguments.prefix, arguments.seconds)
    else:
        write_vectors(found, target, arguments.kind, arguments.table)
    bound = "" if found.bound is None else f", lengths divided by {found.bound:.6g}"
    shown = without_password(target) if is_address(target) else target
    n, dimension = found.values.shape
    facts = {"output": shown, "vectors": n, "dimension": dimension, "bound": found.bound}
    _options.report(arguments, f"{found!r}{bound} written to {shown}", **facts)
    return 0


def _recommendations(
    recommender: Recommender,
    users: list[Any] | None,
    contexts: Any,
    arguments: argparse.Namespace,
    where: dict[str, list[str]],
) -> dict[str, Any]:
    """Return recommendations as columns, with one row per item."""
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


def _lists(columns: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return recommendations by request: of each, its items in order."""
    asked, item, *_ = columns
    found: dict[str, list[dict[str, Any]]] = {}
    for request, one, score in zip(columns[asked], columns[item], columns["score"], strict=True):
        found.setdefault(str(request), []).append({item: one, "score": float(score)})
    return found


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    """Read texts of the form COLUMN=VALUE; of a repeated column, the last value counts."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"--context and --where take COLUMN=VALUE. Got {text!r}.")
        found[name] = value
    return found


def _values_by_column(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read texts of the form COLUMN=VALUE and return all the values of each column."""
    found: dict[str, list[str]] = {}
    for text in texts:
        for name, value in _assignments([text]).items():
            found.setdefault(name, []).append(value)
    return found
