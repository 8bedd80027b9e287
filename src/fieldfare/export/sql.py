"""SQL: one query that scores the rows of a table, for linear models and small FM.

The parameters are in the query, as VALUES. A model of a table reads its columns and answers with
the rows and two more columns, ``score`` and ``prediction``. A model of numbered features reads a
table of entries, with the columns ``sample``, ``feature`` and ``value``, and answers with
``sample``, ``score`` and ``prediction``.

Written in what PostgreSQL, DuckDB and others have in common: WITH, VALUES, joins, CASE. The tests
run it in DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fieldfare._files import atomic_write
from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.export.columns import Used, used_columns, vocabulary_of
from fieldfare.models.base import Model

MAX_NUMBERS = 1_000_000
_OWNER = "The SQL export"


def export_sql(model: Model, path: PathLike, *, table: str = "samples") -> None:
    """Write a model as an SQL query.

    Parameters
    ----------
    model : Model
        Linear or FM, for regression or two classes, with at most a million weights.
    path : path
        File to write or replace, atomically.
    table : str
        Name of the table (or view) that the query reads.

    Raises
    ------
    ConfigError
        If the model is of another kind, or a column of its table cannot be expressed.
    OSError
        If the file cannot be written.
    """
    _check(model)
    if model.schema is None or model.schema.is_indexed:
        lines = _of_entries(model, _quoted(table))
    else:
        columns = used_columns(model, _OWNER)
        lines = _of_columns(model, columns, _quoted(table))
    with atomic_write(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode())


def _check(model: Model) -> None:
    if model.kind not in ("linear", "fm") or model.config.task == "multiclass":
        raise ConfigError(
            f"{_OWNER} knows linear models and FM for regression or two classes. This is a "
            f"{model.config.task} model of kind {model.kind!r}: export it to onnx or c."
        )
    n_numbers = sum(array.size for array in model.arrays().values())
    if n_numbers > MAX_NUMBERS:
        raise ConfigError(
            f"{_OWNER} writes at most {MAX_NUMBERS:,} weights, because databases read them with "
            f"every query. This model has {n_numbers:,}: export it to onnx or c, or train it with "
            "fewer factors or a higher min_count."
        )
    schema = model.schema
    several = [] if schema is None else [c.name for c in schema.columns if c.kind == "multi"]
    if several:
        raise ConfigError(
            f"{_OWNER} reads one value a column, and column {several[0]!r} holds several. Export "
            "to onnx, or train without it."
        )


def _n_factors(model: Model) -> int:
    return 0 if model.factors is None else int(model.factors.shape[-1])


def _features(model: Model) -> Iterator[str]:
    """Yield the table of weights: id, w, v0, v1, ..."""
    names = ["id", "w", *(f"v{f}" for f in range(_n_factors(model)))]
    yield f"features({', '.join(names)}) AS (VALUES"
    for i in range(model.n_features):
        numbers = [model.linear[i, 0]]
        if model.factors is not None:
            numbers += list(model.factors[i, 0])
        end = "," if i < model.n_features - 1 else "),"
        yield f"  ({i}, {', '.join(map(_number, numbers))}){end}"


def _of_entries(model: Model, table: str) -> Iterator[str]:
    """Yield a query over a table of entries, one a row."""
    sums = ["SUM(f.w * e.value) AS linear", "SUM(CASE WHEN f.id IS NULL THEN 0 ELSE e.value * "
            "e.value END) AS squares"]  # fmt: skip
    for f in range(_n_factors(model)):
        sums.append(f"SUM(f.v{f} * e.value) AS s{f}")
        sums.append(f"SUM(f.v{f} * f.v{f} * e.value * e.value) AS q{f}")
    yield "WITH"
    yield from _features(model)
    yield "sums AS ("
    yield f"  SELECT e.sample, {', '.join(sums)}"
    yield f"  FROM {table} e LEFT JOIN features f ON f.id = e.feature"
    yield "  GROUP BY e.sample),"
    pairs = " + ".join(f"s{f} * s{f} - q{f}" for f in range(_n_factors(model)))
    # The sums of a sample without any known feature are NULL: it has the bias alone.
    score = _score(
        model, "COALESCE(linear, 0)", f"COALESCE({pairs}, 0)" if pairs else "", "squares"
    )
    yield f"scored AS (SELECT sample, {score} AS score FROM sums)"
    yield _answer(model)


def _of_columns(model: Model, columns: Sequence[Used], table: str) -> Iterator[str]:
    """Yield a query over a table of samples: columns find features, and these their weights."""
    looked_up = [n for n, used in enumerate(columns) if used.fitted.vocabulary is not None]
    yield "WITH"
    if looked_up:
        yield "vocabulary(place, text, id) AS (VALUES"
        words = [
            f"  ({n}, {_text(word)}, {id_})"
            for n in looked_up
            for word, id_ in vocabulary_of(columns[n]).items()
        ]
        yield ",\n".join(words or ["  (-1, '', -1)"]) + "),"
    yield from _features(model)
    encoded = [_encoded(n, used) for n, used in enumerate(columns)]
    pairs = []
    for f in range(_n_factors(model)):
        products = [f"f{n}.v{f}{x and f' * {x}'}" for n, (_, x) in enumerate(encoded)]
        squares = [f"({product}) * ({product})" for product in products]
        total = f"({' + '.join(products)})"
        pairs.append(f"{total} * {total} - ({' + '.join(squares)})")
    linear = " + ".join(f"f{n}.w{x and f' * {x}'}" for n, (_, x) in enumerate(encoded))
    length = " + ".join(f"{x} * {x}" if x else "1" for _, x in encoded)
    yield "scored AS ("
    yield f"  SELECT s.*, {_score(model, linear, f'{chr(10)}    + '.join(pairs), length)} AS score"
    yield f"  FROM {table} s"
    for n in looked_up:
        yield (
            f"  LEFT JOIN vocabulary w{n} ON w{n}.place = {n} AND w{n}.text = {_key(columns[n])}"
        )
    for n, (id_, _) in enumerate(encoded):
        yield f"  JOIN features f{n} ON f{n}.id = {id_}"
    yield ")"
    yield _answer(model)


def _score(model: Model, linear: str, pairs: str, squares: str) -> str:
    """Return the score as SQL, of the sums over the entries."""
    bias = _number(model.bias[0])
    if not model.config.instance_norm:
        return f"{bias} + {linear}" + (f"\n    + 0.5e0 * ({pairs})" if pairs else "")
    length = f"(CASE WHEN {squares} > 0 THEN {squares} ELSE 1 END)"
    score = f"{bias} + ({linear}) / SQRT({length})"
    return score + (f"\n    + 0.5e0 * ({pairs}) / {length}" if pairs else "")


def _answer(model: Model) -> str:
    link = "1 / (1 + EXP(-score))" if model.config.task == "binary" else "score"
    return f"SELECT *, {link} AS prediction FROM scored"


def _encoded(place: int, used: Used) -> tuple[str, str]:
    """Return the feature of a column and its value (empty: one), as SQL."""
    column, fitted = used.column, used.fitted
    name = f"s.{_quoted(column.name)}"
    if fitted.vocabulary is not None:
        otherwise = f"CASE WHEN {_absent(name, '')} THEN {fitted.missing} ELSE {fitted.unknown} END"
        return f"COALESCE(w{place}.id, {otherwise})", ""
    absent, x = _absent(name), f"CAST({name} AS DOUBLE PRECISION)"
    if fitted.edges is not None:
        bins = " ".join(
            f"WHEN {x} < {_exact(edge)} THEN {fitted.first + i}"
            for i, edge in enumerate(fitted.edges)
        )
        last = fitted.first + len(fitted.edges)
        return f"CASE WHEN {absent} THEN {fitted.missing} {bins} ELSE {last} END", ""
    if column.transform == "standardize":
        x = f"({x} - {_exact(fitted.mean)}) / {_exact(fitted.scale)}"
    return (
        f"CASE WHEN {absent} THEN {fitted.missing} ELSE {fitted.first} END",
        f"(CASE WHEN {absent} THEN 1e0 ELSE {x} END)",
    )


def _key(used: Used) -> str:
    """Return the text that is looked up for a column, as SQL."""
    name = f"s.{_quoted(used.column.name)}"
    if used.column.kind != "numeric":
        return f"CAST({name} AS VARCHAR)"
    x = f"CAST({name} AS DOUBLE PRECISION)"
    large = f"FLOOR(POWER(LN(CASE WHEN {x} > 2 THEN {x} ELSE 3 END), 2))"
    small = f"FLOOR(CASE WHEN {x} <= -1e15 THEN -1e15 WHEN {x} <= 2 THEN {x} END)"
    return (
        f"CASE WHEN {_absent(name)} THEN NULL WHEN {x} > 2 "
        f"THEN CAST(CAST({large} AS BIGINT) AS VARCHAR) "
        f"ELSE 'SP' || CAST(CAST({small} AS BIGINT) AS VARCHAR) END"
    )


def _absent(name: str, *texts: str) -> str:
    """Return the condition that a value is missing: NULL, not a number, or one of some texts."""
    listed = ", ".join(map(_text, ("NaN", "nan", *texts)))
    return f"{name} IS NULL OR CAST({name} AS VARCHAR) IN ({listed})"


def _number(value: AnyArray) -> str:
    """Return the float32 number as SQL; with an exponent, so that it is no decimal."""
    return f"{float(value):.8e}"


def _exact(value: float) -> str:
    return f"{value:.17e}"


def _text(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
