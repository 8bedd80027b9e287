"""Logs: a line of JSON for each event, with the id of the request, without features and tokens."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
import traceback
from typing import Any

import msgspec

LOGGER = logging.getLogger("fieldfare.serving")
_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACE = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_encode = msgspec.json.Encoder(enc_hook=str).encode
_run = secrets.token_hex(6)
_numbers = itertools.count(1)


def event(what: str, *, level: int = logging.INFO, error: bool = False, **details: Any) -> None:
    """Log an event with what belongs to it; ``error`` adds the exception that is being handled."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, what, extra={"details": details}, exc_info=error)


def request_id(given: str | None) -> str:
    """Return the id of a request: that of its header if that is one, else a new one."""
    if given is not None and _ID.fullmatch(given):
        return given
    return f"{_run}-{next(_numbers):x}"


def trace_of(traceparent: str | None) -> str | None:
    """Return the trace that a header ``traceparent`` belongs to (W3C Trace Context)."""
    found = None if traceparent is None else _TRACE.fullmatch(traceparent)
    return None if found is None else found["trace"]


class JSONFormatter(logging.Formatter):
    """Formats records as lines of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "details", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = _places(record.exc_info[1])
        return _encode(line).decode()


def _places(error: BaseException) -> list[str]:
    """Return the kind of an exception and where it came from, without its text.

    The text may repeat values of the request, which have no place in a log.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"{f.filename}:{f.lineno} {f.name}" for f in frames)]


def to_standard_error() -> None:
    """Send the logs of the server, and those of uvicorn, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    for name in ("fieldfare.serving", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO if name.startswith("fieldfare") else logging.WARNING)
