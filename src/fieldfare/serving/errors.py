"""Errors as answers: which status of HTTP stands for which error, and its JSON."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from fieldfare.exceptions import (
    ConfigError,
    DataError,
    FieldfareError,
    MissingDependencyError,
    ModelFileError,
    OutputError,
    RequestError,
    ResourceError,
    ServingError,
)
from fieldfare.serving.wire import ErrorAnswer, ErrorBody

_STATUS: tuple[tuple[type[FieldfareError], HTTPStatus], ...] = (
    (ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DataError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ModelFileError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (MissingDependencyError, HTTPStatus.NOT_IMPLEMENTED),
    (ResourceError, HTTPStatus.INSUFFICIENT_STORAGE),
    (OutputError, HTTPStatus.INSUFFICIENT_STORAGE),
)
_PLACE = re.compile(r" - at `(?P<where>[^`]*)`$")
_encode = msgspec.json.Encoder().encode


class Refusal(NamedTuple):
    """An error as it is answered."""

    status: int
    code: str
    message: str
    where: str | None = None

    @staticmethod
    def of(error: Exception, where: str | None = None) -> Refusal:
        """Return what to answer for an error; of one that is not ours nothing is told but that."""
        if isinstance(error, ServingError):
            return Refusal(error.status, error.code, str(error.args[0]), error.where or where)
        if isinstance(error, FieldfareError):
            status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
            return Refusal(int(status), error.code, str(error.args[0]), where)
        return Refusal(500, ServingError.code, "The server failed; its log has the reason.", where)

    def body(self) -> bytes:
        """Return the JSON."""
        return _encode(ErrorAnswer(ErrorBody(self.code, self.message, self.where)))


def unreadable(error: Exception) -> RequestError:
    """Return the error for a body that msgspec could not decode."""
    if not isinstance(error, msgspec.ValidationError):
        return RequestError(f"The body is not JSON: {_plain(str(error))}.")
    text = str(error)
    place = _PLACE.search(text)
    what = text if place is None else text[: place.start()]
    return RequestError(f"{what}.", status=422, where="$" if place is None else place["where"])


def _plain(text: str) -> str:
    return text.removeprefix("JSON is malformed: ").removeprefix("Input data was ").rstrip(".")
