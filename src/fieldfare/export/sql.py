"""SQL: a script that creates a view with the scores of a table, for linear models and small FM.

The parameters go into tables, because databases need seconds to parse them as part of a query. The
name of the file is the prefix: ``clicks.sql`` creates the tables ``clicks_features`` and
``clicks_vocabulary`` and the view ``clicks_scores``. For a model that was trained on a table, the
view has the columns of the scored table and two more, ``score`` and ``prediction``. A model with
numbered features reads a table of entries with the columns ``sample``, ``feature`` and ``value``;
its view has the columns ``sample``, ``score`` and ``prediction``.

The script uses only what PostgreSQL, DuckDB and others have in common. The tests run it in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.export.columns import OUTPUTS, Used, used_columns, vocabulary_of
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model
from fieldfare.schema.missing import Marks

MAX_NUMBERS = 1_000_000
# Rows per INSERT.
_ROWS_AT_ONCE = 1000
_OWNER = "The SQL export"
_OTHERWISE = "Export to onnx or c"


def export_sql(model: Model, path: PathLike, *, table: str = "samples") -> None:
    """Write a model as an SQL script that creates a view of scores.

    Parameters
    ----------
    model : Model
        A linear model or an FM with one output (not multiclass) and at most a million weights.
    path : path
        File to write or replace, atomically. Its name is the prefix of the tables and the view that
        the script creates, which must not exist yet.
    table : str
        Name of the table (or view) to score; it must exist when the script runs.

    Raises
    ------
    ConfigError
        If the model is of another kind or too large, or a column of its table cannot be expressed.
    OSError
        If the file cannot be written.
    """
    _check(model)
    prefix = Path(path).stem
    _check_names(model, prefix, table)
    if model.schema is None or model.schema.is_indexed:
        view = _of_entries(model, prefix, table)
    else:
        view = _of_columns(model, prefix, table, used_columns(model, _OWNER, _OTHERWISE))
    with atomic_write(path) as file:
        for text in chain(_features(model, prefix), view):
            file.write(text.encode())


def _check(model: Model) -> None:
    expressed = model.traits.interactions in (InteractionForm.NONE, InteractionForm.PAIRS)
    if not expressed or model.config.task == "multiclass":
        raise ConfigError(
            f"{_OWNER} knows linear models and FM with one output. This is a "
            f"{model.config.task} model of kind {model.kind!r}: export it to onnx or c."
        )
    n_numbers = sum(array.size for array in model.arrays().values())
    if n_numbers > MAX_NUMBERS:
        raise ConfigError(
            f"{_OWNER} writes at most {MAX_NUMBERS:,} weights, because databases read "
            f"them slowly. This model has {n_numbers:,}: export it to onnx or c, or train it with "
            "fewer factors or a higher min_count."
        )
    schema = model.schema
    several = [] if schema is None else [c.name for c in schema.columns if c.kind == "multi"]
    if several:
        raise ConfigError(
            f"{_OWNER} reads one value per column, and column {several[0]!r} holds several. Export "
            "to onnx, or train without it."
        )


def _check_names(model: Model, prefix: str, table: str) -> None:
    """Refuse names that meet in SQL, which knows no case, or that no database can hold."""
    schema = model.schema
    columns: list[str] = []
    if schema is not None and not schema.is_indexed:
        roles = [name for name in (schema.target, schema.weight, schema.group) if name is not None]
        columns = list(dict.fromkeys([*(column.name for column in schema.columns), *roles]))
    own = [f"{prefix}_{what}" for what in ("features", "vocabulary", "scores")]
    for kind, names in (("columns", [*columns, *OUTPUTS]), ("tables", [*own, table])):
        seen: dict[str, str] = {}
        for name in names:
            before = seen.get(name.casefold())
            seen[name.casefold()] = name
            if before == name and kind == "columns":
                raise ConfigError(
                    f"{_OWNER} cannot have column {name!r}: an output has that name. Rename it."
                )
            if before is not None:
                raise ConfigError(
                    f"SQL ignores the case of names, so it cannot tell the {kind} {before!r} and "
                    f"{name!r} apart. Rename one of them (score and prediction are what the view "
                    "adds), or export to onnx or c."
                )
            if "\0" in name or not name or any("\ud800" <= letter <= "\udfff" for letter in name):
                raise ConfigError(f"SQL cannot have a name like {name!r}. Choose another.")


def _n_factors(model: Model) -> int:
    return 0 if model.factors is None else int(model.factors.shape[-1])


def _name(prefix: str, what: str) -> str:
    """Return the quoted name of a table or view that the script creates."""
    return _quoted(f"{prefix}_{what}")


def _filled(table: str, columns: str, rows: Iterable[str]) -> Iterator[str]:
    """Yield the statements that create and fill a table."""
    yield f"CREATE TABLE {table} ({columns});\n"
    left = iter(rows)
    while block := list(islice(left, _ROWS_AT_ONCE)):
        yield f"INSERT INTO {table} VALUES\n" + ",\n".join(block) + ";\n"


def _features(model: Model, prefix: str) -> Iterator[str]:
    """Yield the table of weights: id, w, v0, v1, ..."""
    names = ["w", *(f"v{f}" for f in range(_n_factors(model)))]
    columns = ", ".join(["id INTEGER PRIMARY KEY", *(f"{name} DOUBLE PRECISION" for name in names)])
    weights = model.linear
    if model.factors is not None:
        weights = np.hstack([weights, model.factors[:, 0]])
    rows = (f"({i}, {', '.join(map(_number, row))})" for i, row in enumerate(weights))
    yield from _filled(_name(prefix, "features"), columns, rows)


def _of_entries(model: Model, prefix: str, table: str) -> Iterator[str]:
    """Yield the view that scores a table with one entry per row."""
    square = "e.value * e.value"
    if not model.config.norm_unknown:
        square = f"CASE WHEN f.id IS NULL THEN 0 ELSE {square} END"
    sums = ["SUM(f.w * e.value) AS linear", f"SUM({square}) AS squares"]
    for f in range(_n_factors(model)):
        sums.append(f"SUM(f.v{f} * e.value) AS s{f}")
        sums.append(f"SUM(f.v{f} * f.v{f} * e.value * e.value) AS q{f}")
    interactions = " + ".join(f"s{f} * s{f} - q{f}" for f in range(_n_factors(model)))
    # The sums of a sample without any known feature are NULL: its score is the bias.
    interactions = f"COALESCE({interactions}, 0)" if interactions else ""
    score = _score(model, "COALESCE(linear, 0)", interactions, "squares")
    yield (
        f"CREATE VIEW {_name(prefix, 'scores')} AS\n"
        f"SELECT scored.*, {_link(model)} AS prediction FROM (\n"
        f"  SELECT sample, {score} AS score FROM (\n"
        f"    SELECT e.sample, {', '.join(sums)}\n"
        f"    FROM {_quoted(table)} e\n"
        f"    LEFT JOIN {_name(prefix, 'features')} f ON f.id = e.feature\n"
        "    GROUP BY e.sample) sums) scored;\n"
    )


def _of_columns(model: Model, prefix: str, table: str, columns: Sequence[Used]) -> Iterator[str]:
    """Yield the view that scores a table of samples.

    Each column is joined with the vocabulary to find its feature, and with the weights of that.
    """
    looked_up = [n for n, used in enumerate(columns) if used.fitted.vocabulary is not None]
    words = (
        f"({n}, {_text(word)}, {id_})"
        for n in looked_up
        for word, id_ in {"": columns[n].fitted.missing, **vocabulary_of(columns[n])}.items()
    )
    keys = "place INTEGER, text VARCHAR, id INTEGER, PRIMARY KEY (place, text)"
    yield from _filled(_name(prefix, "vocabulary"), keys, words)
    encoded = [_encoded(n, used) for n, used in enumerate(columns)]

    def weight(n: int, name: str, weights: AnyArray) -> str:
        """Return a weight of the feature of column n; one that is not joined is unknown."""
        if n not in looked_up:
            return f"f{n}.{name}"
        return f"COALESCE(f{n}.{name}, {_number(weights[columns[n].fitted.unknown])})"

    # The factor f of every column's feature, multiplied by its value (left out where it is one).
    interactions = []
    for f in range(_n_factors(model)):
        assert model.factors is not None
        factor = model.factors[:, 0, f]
        products = [
            f"{weight(n, f'v{f}', factor)}{x and f' * {x}'}" for n, (_, x) in enumerate(encoded)
        ]
        squares = [f"({product}) * ({product})" for product in products]
        total = f"({' + '.join(products)})"
        interactions.append(f"{total} * {total} - ({' + '.join(squares)})")
    linear = " + ".join(
        f"{weight(n, 'w', model.linear[:, 0])}{x and f' * {x}'}" for n, (_, x) in enumerate(encoded)
    )
    length = " + ".join(f"{x} * {x}" if x else "1" for _, x in encoded)
    yield (
        f"CREATE VIEW {_name(prefix, 'scores')} AS\n"
        f"SELECT scored.*, {_link(model)} AS prediction FROM (\n"
        f"  SELECT s.*, {_score(model, linear, ' + '.join(interactions), f'({length})')} AS score\n"
        f"  FROM {_quoted(table)} s\n"
    )
    for n in looked_up:
        yield (
            f"  LEFT JOIN {_name(prefix, 'vocabulary')} w{n}\n"
            f"    ON w{n}.place = {n} AND w{n}.text = {_key(columns[n])}\n"
        )
    for n, (id_, _) in enumerate(encoded):
        how = "LEFT JOIN" if n in looked_up else "JOIN"
        yield f"  {how} {_name(prefix, 'features')} f{n} ON f{n}.id = {id_}\n"
    yield ") scored;\n"


def _score(model: Model, linear: str, interactions: str, squares: str) -> str:
    """Return the score as SQL, given sums over the entries as SQL.

    Parameters
    ----------
    linear : str
        The sum of weight times value.
    interactions : str
        Twice the sum of the interactions; empty for linear models.
    squares : str
        The sum of the squared values, for instance normalisation.
    """
    bias = _number(model.bias[0])
    half = f"\n    + 0.5e0 * ({interactions})" if interactions else ""
    if not model.config.instance_norm:
        return f"{bias} + {linear}{half}"
    squared_length = f"(CASE WHEN {squares} > 0 THEN {squares} ELSE 1 END)"
    score = f"{bias} + ({linear}) / SQRT({squared_length})"
    return score + (f"{half} / {squared_length}" if half else "")


def _link(model: Model) -> str:
    return "1 / (1 + EXP(-score))" if model.config.task == "binary" else "score"


def _encoded(place: int, used: Used) -> tuple[str, str]:
    """Return the feature id of a column and its value as SQL; the value is empty if it is one."""
    column, fitted = used.column, used.fitted
    name = f"s.{_quoted(column.name)}"
    if fitted.vocabulary is not None:
        return f"w{place}.id", ""
    absent, x = _no_number(name, column.marks), f"CAST({name} AS DOUBLE PRECISION)"
    if fitted.edges is not None:
        bins = " ".join(
            f"WHEN {x} < {_exact(edge)} THEN {fitted.first + i}"
            for i, edge in enumerate(fitted.edges)
        )
        last = fitted.first + len(fitted.edges)
        return f"CASE WHEN {absent} THEN {fitted.missing} {bins} ELSE {last} END", ""
    if column.transform == "standardize":
        x = f"({x} - {_exact(fitted.mean)}) / {_exact(fitted.scale)}"
        if column.clip is not None:
            high, low = _exact(column.clip), _exact(-column.clip)
            x = f"CASE WHEN {x} > {high} THEN {high} WHEN {x} < {low} THEN {low} ELSE {x} END"
    return (
        f"CASE WHEN {absent} THEN {fitted.missing} ELSE {fitted.first} END",
        f"(CASE WHEN {absent} THEN 1e0 ELSE {x} END)",
    )


def _key(used: Used) -> str:
    """Return the text that is looked up in the vocabulary of a column, as SQL; '' for missing.

    For numbers it is that of `fieldfare.schema.canonical.log2_texts`. It depends on the table of
    samples alone: conditions over two tables make databases join all features with each other.
    """
    name = f"s.{_quoted(used.column.name)}"
    if used.column.kind != "numeric":
        return (
            f"CASE WHEN {_absent(name, used.column.marks)} THEN '' ELSE CAST({name} AS VARCHAR) END"
        )
    x = f"CAST({name} AS DOUBLE PRECISION)"
    # Both branches are computed for every row, so neither may fail where the other one is taken.
    large = f"FLOOR(POWER(LN(CASE WHEN {x} > 2 THEN {x} ELSE 3 END), 2))"
    small = f"FLOOR(CASE WHEN {x} <= -1e15 THEN -1e15 WHEN {x} <= 2 THEN {x} END)"
    return (
        f"CASE WHEN {_no_number(name, used.column.marks)} THEN '' WHEN {x} > 2 "
        f"THEN CAST(CAST({large} AS BIGINT) AS VARCHAR) "
        f"ELSE 'SP' || CAST(CAST({small} AS BIGINT) AS VARCHAR) END"
    )


def _absent(name: str, marks: Marks) -> str:
    """Return the condition that a value is missing: NULL, NaN, or a mark."""
    listed = ", ".join(map(_text, sorted(marks.words | {"NaN", "nan"})))
    return f"({name} IS NULL OR TRIM(CAST({name} AS VARCHAR)) IN ({listed}))"


def _no_number(name: str, marks: Marks) -> str:
    """Return the condition that a number is missing: as `_absent`, or a mark in other digits."""
    absent = _absent(name, marks)
    if not marks.numbers:
        return absent
    listed = ", ".join(map(_exact, marks.numbers))
    # CASE, because OR may compute both sides, and a text need not be a number.
    return f"CASE WHEN {absent} THEN TRUE ELSE CAST({name} AS DOUBLE PRECISION) IN ({listed}) END"


def _number(value: AnyArray) -> str:
    """Return a float32 as SQL; the exponent makes it a double instead of a DECIMAL."""
    return f"{float(value):.8e}"


def _exact(value: float) -> str:
    """Return a float64 as SQL."""
    return f"{value:.17e}"


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
