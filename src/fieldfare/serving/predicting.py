"""Predictions of rows, and explanations, as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import ConfigError, FieldfareError, RequestError
from fieldfare.explain import explain
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior
from fieldfare.rows import MAX_FIELD, MAX_INDEX, Rows
from fieldfare.schema.encode_one import rows_of
from fieldfare.serving.errors import Refusal
from fieldfare.serving.versions import Version
from fieldfare.serving.wire import (
    ExplainAnswer,
    ExplainRequest,
    PredictAnswer,
    PredictRequest,
    Term,
)

_LARGEST = float(np.finfo(np.float32).max)
_Features = tuple[list[int], list[float], list[int]]


def rows_in(request: PredictRequest) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a request, of which there may be a single one."""
    return [request.rows] if isinstance(request.rows, dict) else request.rows


class Encoded(NamedTuple):
    """The features of the rows of one request."""

    request: PredictRequest
    found: list[_Features]


def encode(version: Version, request: PredictRequest) -> Encoded | Refusal:
    """Return the features of the rows of a request, or the refusal of the first that has none."""
    found = []
    try:
        _check_output(version, request.output)
        for row in rows_in(request):
            found.append(_encode_row(version, row))
    except FieldfareError as error:
        several = not isinstance(request.rows, dict)
        return Refusal.of(error, f"$.rows[{len(found)}]" if several else "$.rows")
    return Encoded(request, found)


def predict(version: Version, encoded: Sequence[Encoded]) -> list[PredictAnswer | Refusal]:
    """Return the answers to several requests, whose rows are computed together.

    A prediction is what `fieldfare.predict` returns for the row as a table.
    """
    answers: list[PredictAnswer | Refusal] = []
    model = version.model
    rows = rows_of([one for request in encoded for one in request.found])
    found: dict[str, AnyArray] = {}
    start = 0
    for request, features in encoded:
        if request.output not in found:
            found[request.output] = _computed(model, rows, request.output)
        own = found[request.output][start : start + len(features)]
        start += len(features)
        # NaN and infinity are no JSON; they come of values beyond what float32 can hold.
        odd = np.flatnonzero(~np.isfinite(own).reshape(len(own), -1).all(axis=1))
        if len(odd):
            error = RequestError(
                "The prediction is not finite: a number in the row is too large.", status=422
            )
            answers.append(Refusal.of(error, f"$.rows[{odd[0]}]"))
            continue
        classes = model.classes if own.ndim == 2 and model.classes is not None else None
        answers.append(
            PredictAnswer(own.tolist(), version.label, None if classes is None else list(classes))
        )
    return answers


def explained(version: Version, request: ExplainRequest) -> ExplainAnswer:
    """Return the terms of the score of a row, or of an item for a user in a context.

    Raises
    ------
    FieldfareError
        If the request does not fit the model.
    """
    if request.row is not None:
        model = version.model
        if isinstance(model, Posterior):
            raise ConfigError("Samples of a Bayesian model cannot be explained; a model can.")
        rows = rows_of([_encode_row(version, request.row)])
        found = explain(model, rows, label=request.label)
    elif request.item is None:
        raise RequestError(
            "An explanation is of a row, or of a user, an item and contexts: send 'row' or 'item'.",
            status=422,
        )
    else:
        found = version.recommends().explain(request.user, request.item, request.contexts)
    terms = [Term(of, term) for of, term in found.terms()]
    return ExplainAnswer(
        found.score, found.prediction, found.label, found.bias, terms, found.n_unknown,
        version.label,
    )  # fmt: skip


def _computed(model: Model | Posterior, rows: Rows, output: str) -> AnyArray:
    with np.errstate(all="ignore"):
        if isinstance(model, Posterior):
            return model.predict(rows)
        if output == "score":
            scores = model.score(rows)
            return scores if model.task == "multiclass" else scores[:, 0]
        return model.predict(rows)


def _check_output(version: Version, output: str) -> None:
    """Refuse probabilities of what has no classes, and scores of samples."""
    model = version.model
    if output == "probability" and model.task not in ("binary", "multiclass"):
        raise RequestError(
            f"A {model.task} model predicts no probabilities. Ask for the output 'prediction' or "
            "'score'.",
            status=422,
            where="$.output",
        )
    if output == "score" and isinstance(model, Posterior):
        raise RequestError(
            "Samples of a Bayesian model have no single score. Ask for the output 'prediction'.",
            status=422,
            where="$.output",
        )


def _encode_row(version: Version, row: Mapping[str, Any]) -> _Features:
    schema = version.model.schema
    if schema is None or schema.is_indexed:
        return _numbered(row, has_fields=version.model.config.kind.uses_fields)
    return version.encoder.encode(row)


def _numbered(row: Mapping[str, Any], *, has_fields: bool) -> _Features:
    """Return the features of a row of a model without columns: numbers by ``feature``.

    For a model that uses fields the keys are ``field:feature``, as in files of libffm.
    """
    ids, values, fields = [], [], []
    for key, value in row.items():
        field, colon, feature = key.rpartition(":")
        allowed = feature.isascii() and feature.isdigit() and len(feature) < 11
        allowed = allowed and bool(colon) == has_fields
        allowed = allowed and (not has_fields or (field.isascii() and field.isdigit()))
        if not allowed or isinstance(value, bool) or not isinstance(value, (int, float)):
            form = '{"2:17": 1.0}' if has_fields else '{"17": 1.0}'
            raise RequestError(
                f"The features of this model are numbered: a row is {form}. Got {key[:40]!r}.",
                status=422,
            )
        ids.append(int(feature))
        fields.append(int(field) if has_fields else 0)
        values.append(float(value))
        if ids[-1] > MAX_INDEX or fields[-1] > MAX_FIELD:
            raise RequestError(f"There is no such feature: {key[:40]!r}.", status=422)
        if abs(values[-1]) > _LARGEST:
            raise RequestError(f"The value of {key[:40]!r} is too large.", status=422)
    return ids, values, fields
