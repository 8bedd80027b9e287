"""The operations of the server, in one table of which routes, rights and OpenAPI are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from fieldfare._version import __version__
from fieldfare.serving import wire
from fieldfare.serving.tokens import Right

_JSON = "application/json"


class Operation(NamedTuple):
    """One operation.

    Parameters
    ----------
    name : str
        Of the method that does it, and in OpenAPI.
    method, path : str
    summary : str
    takes : type or None
        What its body holds.
    gives : type or str
        What its answer holds; a text is a type of content.
    right : Right
        What the token has to allow.
    optional : bool
        Whether the body may be left out.
    """

    name: str
    method: str
    path: str
    summary: str
    takes: Any
    gives: Any
    right: Right = Right.READ
    optional: bool = False


_ADMIN = "/v1/admin/models/{name}"
OPERATIONS: Sequence[Operation] = (
    Operation("predict", "POST", "/v1/predict", "Predict rows",
              wire.PredictRequest, wire.PredictAnswer),
    Operation("recommend", "POST", "/v1/recommend", "Recommend items",
              wire.RecommendRequest, wire.RecommendAnswer),
    Operation("similar", "POST", "/v1/similar", "Find similar items or users",
              wire.SimilarRequest, wire.SimilarAnswer),
    Operation("explain", "POST", "/v1/explain", "Explain a score by its terms",
              wire.ExplainRequest, wire.ExplainAnswer),
    Operation("merge", "POST", "/v1/merge", "Merge the proposals of several channels",
              wire.MergeRequest, wire.RecommendAnswer),
    Operation("put_items", "PUT", "/v1/items", "Add or replace items",
              wire.ItemsRequest, wire.ChangeAnswer, Right.ADMIN),
    Operation("remove_items", "DELETE", "/v1/items", "Remove items",
              wire.RemovedRequest, wire.ChangeAnswer, Right.ADMIN),
    Operation("put_users", "PUT", "/v1/users", "Add or replace users",
              wire.UsersRequest, wire.ChangeAnswer, Right.ADMIN),
    Operation("add_events", "POST", "/v1/events", "Tell what users have seen",
              wire.EventsRequest, wire.ChangeAnswer, Right.ADMIN),
    Operation("load", "POST", f"{_ADMIN}:load", "Load and check a version beside the one in use",
              wire.LoadRequest, wire.SlotAnswer, Right.ADMIN, optional=True),
    Operation("activate", "POST", f"{_ADMIN}:activate", "Use the version that was loaded",
              wire.NothingRequest, wire.SlotAnswer, Right.ADMIN, optional=True),
    Operation("rollback", "POST", f"{_ADMIN}:rollback", "Use the version before again",
              wire.NothingRequest, wire.SlotAnswer, Right.ADMIN, optional=True),
    Operation("page", "GET", "/", "A page for people", None, "text/html", Right.NONE),
    Operation("part", "GET", "/page/{name}", "A part of that page", None, "*/*", Right.NONE),
    Operation("models", "GET", "/models", "What is served", None, wire.ModelsAnswer),
    Operation("live", "GET", "/health/live", "Whether the server is alive",
              None, wire.HealthAnswer, Right.NONE),
    Operation("ready", "GET", "/health/ready", "Whether the server answers requests",
              None, wire.HealthAnswer, Right.NONE),
    Operation("metrics", "GET", "/metrics", "Metrics for Prometheus", None, "text/plain"),
    Operation("openapi", "GET", "/openapi.json", "This description", None, _JSON, Right.NONE),
)  # fmt: skip

_ERRORS = {
    "400": "The body is not JSON.", "401": "A token is needed.", "403": "The token allows less.",
    "404": "There is no such thing.", "405": "The path takes other methods.",
    "408": "The body came too slowly.",
    "409": "The state of the server does not allow it.", "413": "The body is too large.",
    "415": "The body has to be sent as application/json.",
    "422": "A value is not allowed.", "429": "Too many requests are waiting.",
    "501": "A package is not installed.", "503": "The server is starting or stopping.",
    "504": "The answer was not ready in time.", "507": "There is not enough room.",
}  # fmt: skip


def openapi() -> bytes:
    """Return the description of all operations, as JSON of OpenAPI 3.1."""
    types = [kind for one in OPERATIONS for kind in (one.takes, one.gives) if _is_struct(kind)]
    types = list(dict.fromkeys([*types, wire.ErrorAnswer]))
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    of = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _described(one, of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "fieldfare", "version": __version__},
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _described(one: Operation, of: dict[Any, Any]) -> dict[str, Any]:
    content = {one.gives: {}} if isinstance(one.gives, str) else {_JSON: {"schema": of[one.gives]}}
    error = {"content": {_JSON: {"schema": of[wire.ErrorAnswer]}}}
    responses: dict[str, Any] = {"200": {"description": one.summary, "content": content}}
    responses |= {status: {"description": text, **error} for status, text in _ERRORS.items()}
    found: dict[str, Any] = {
        "operationId": one.name, "summary": one.summary, "responses": responses,
    }  # fmt: skip
    if one.name == "ready":
        responses["503"] = {"description": "Not yet, or no more.", "content": content}
    if one.right is not Right.NONE:
        found["security"] = [{"token": []}]
    if one.takes is not None:
        body = {_JSON: {"schema": of[one.takes]}}
        found["requestBody"] = {"required": not one.optional, "content": body}
    if "{name}" in one.path:
        found["parameters"] = [
            {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
        ]
    return found


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
