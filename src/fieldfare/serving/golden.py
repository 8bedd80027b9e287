"""Golden queries: what a version has to answer before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fieldfare.exceptions import DataError, FieldfareError
from fieldfare.schema.schema import Schema
from fieldfare.serving import predicting, recommending
from fieldfare.serving.errors import Refusal
from fieldfare.serving.versions import Version
from fieldfare.serving.wire import PredictRequest, RecommendRequest

N_QUERIES = 20
_CLOSE = 1e-4


class _Golden(msgspec.Struct, forbid_unknown_fields=True):
    """One query of a file: a request, and what has to be answered, if that matters."""

    predict: PredictRequest | None = None
    predictions: list[float | list[float]] | None = None
    recommend: RecommendRequest | None = None
    items: list[list[Any]] | None = None


def check_version(version: Version) -> None:
    """Warm a version up, and answer its golden queries.

    Those of its file, or 20 that are made of what the model knows: of these, only that there are
    items and that numbers are finite.

    Raises
    ------
    DataError
        If an answer is an error or another than it has to be.
    """
    _warm_up(version)
    queries = _read(version.files.golden) if version.files.golden else _made(version)
    for number, query in enumerate(queries):
        try:
            wrong = _wrong(version, query)
        except FieldfareError as error:
            wrong = str(error.args[0])
        if wrong:
            raise DataError(
                f"{version.label} fails golden query {number} of {len(queries)}: {wrong} The "
                "version is not used."
            )


def _warm_up(version: Version) -> None:
    """Do once what takes long only the first time, and what golden queries need not do.

    The first cells that are taken out of a table import a second's worth of modules.
    """
    if version.recommender is not None:
        columns = version.recommender.state.columns
        columns.values(columns.names, np.zeros(1, np.int64))


def _wrong(version: Version, query: _Golden) -> str | None:
    """Return what is wrong with the answer to a query, or None."""
    if query.predict is not None:
        return _wrong_predictions(version, query.predict, query.predictions)
    if query.recommend is not None:
        return _wrong_lists(version, query.recommend, query.items)
    return "it asks nothing."


def _wrong_predictions(version: Version, request: PredictRequest, expected: Any) -> str | None:
    encoded = predicting.encode(version, request)
    if isinstance(encoded, Refusal):
        return encoded.message
    (answer,) = predicting.predict(version, [encoded])
    if isinstance(answer, Refusal):
        return answer.message
    found = np.asarray(answer.predictions)
    is_same = expected is None or (
        np.shape(expected) == found.shape and np.allclose(found, expected, _CLOSE, _CLOSE)
    )
    return None if is_same else f"it predicts {answer.predictions}, and should {expected}."


def _wrong_lists(version: Version, request: RecommendRequest, expected: Any) -> str | None:
    lists = []
    for wanted in recommending.lists_in(request):
        recommending.check(version, request, wanted)
        asked = recommending.Asked(version, request, wanted)
        (one,) = recommending.recommend(recommending.Options.of(asked), [asked], lambda _: None)
        lists.append([item["id"] for item in one.items])
    if expected is None:
        return None if any(lists) else "it recommends nothing."
    return None if lists == expected else f"it recommends {lists}, and should {expected}."


def _read(path: str) -> list[_Golden]:
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=list[_Golden])
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"The golden queries in {path} cannot be read: {error}.") from error


def _made(version: Version) -> list[_Golden]:
    """Return queries for users or rows that the model knows."""
    if version.recommender is not None:
        state = version.recommender.state
        known = state.user_ids or state.tower.known_users()
        users = known.values[:: max(1, len(known) // N_QUERIES)][:N_QUERIES].tolist() or [None]
        return [_Golden(recommend=RecommendRequest(user=user, filter_seen=False)) for user in users]
    schema = version.model.schema
    if schema is None or schema.is_indexed:
        return []
    return [_Golden(predict=PredictRequest(rows=[_row(schema, i)])) for i in range(N_QUERIES)]


def _row(schema: Schema, number: int) -> dict[str, Any]:
    """Return a row of known values where columns have a vocabulary, and of missing ones else."""
    row: dict[str, Any] = dict.fromkeys(schema.sample_encoder().names)
    for column, fitted in zip(schema.columns, schema.fitted or (), strict=True):
        vocabulary = None if fitted is None else fitted.vocabulary
        is_plain = column.kind == "categorical" and column.source is None
        if vocabulary is not None and len(vocabulary) and is_plain:
            row[column.name] = vocabulary.text(number % len(vocabulary))
    return row
