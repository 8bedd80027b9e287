"""The application: from requests of HTTP to the service and back, on Starlette."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fieldfare.exceptions import FieldfareError, RequestError
from fieldfare.serving import logs, metrics, page
from fieldfare.serving.errors import Refusal, unreadable
from fieldfare.serving.operations import OPERATIONS, Operation, openapi
from fieldfare.serving.service import Service
from fieldfare.serving.tokens import Right, Tokens
from fieldfare.serving.wire import MAX_TIMEOUT_MS, HealthAnswer, LoadRequest

_JSON = "application/json"
# A body has to arrive in this time, however long the request may take then.
_BODY_S = 10.0
_RETRY_S = "1"
_encode = msgspec.json.Encoder().encode
_Outcome = bytes | Refusal | Response


def make_app(service: Service, tokens: Tokens) -> Starlette:
    """Return the application of a service.

    Parameters
    ----------
    service : Service
        With its models loaded.
    tokens : Tokens
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.start()
        watching = asyncio.create_task(service.watch())
        try:
            yield
        finally:
            service.is_stopping = True
            watching.cancel()
            await asyncio.get_running_loop().run_in_executor(None, service.stop)

    does = _Operations(service)
    routes = []
    for one in OPERATIONS:
        endpoint = _Endpoint(one, getattr(does, one.name), service, tokens)
        routes.append(Route(one.path, endpoint, methods=[one.method]))
    return Starlette(
        routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _unrouted}
    )


class _Operations:
    """What each operation answers to a request: by its name in the table of operations."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._openapi = openapi()
        self._parts = page.read_parts()

    async def predict(self, request: Request, body: Any) -> _Outcome:
        return await self._service.answer(body, self._seconds(request))

    recommend = similar = explain = merge = predict

    async def put_items(self, _: Request, body: Any) -> _Outcome:
        return await self._service.change(body)

    remove_items = put_users = add_events = put_items

    async def load(self, request: Request, body: LoadRequest | None) -> _Outcome:
        return await self._service.load_version(request.path_params["name"], body)

    async def activate(self, request: Request, _: Any) -> _Outcome:
        return self._service.activate(request.path_params["name"])

    async def rollback(self, request: Request, _: Any) -> _Outcome:
        return self._service.rollback(request.path_params["name"])

    async def models(self, *_: Any) -> _Outcome:
        return _encode(self._service.registry.about())

    async def live(self, *_: Any) -> _Outcome:
        return _encode(HealthAnswer("ok"))

    async def ready(self, *_: Any) -> _Outcome:
        if not self._service.is_stopping:
            return _encode(HealthAnswer("ready"))
        return Response(_encode(HealthAnswer("stopping")), 503, media_type=_JSON)

    async def metrics(self, *_: Any) -> _Outcome:
        versions = list(self._service.registry.view().active.values())
        return Response(self._service.metrics.text(versions), media_type=metrics.CONTENT_TYPE)

    async def openapi(self, *_: Any) -> _Outcome:
        return self._openapi

    async def page(self, *_: Any) -> _Outcome:
        return self._part("index.html")

    async def part(self, request: Request, _: Any) -> _Outcome:
        return self._part(request.path_params["name"])

    def _part(self, name: str) -> Response:
        """Return a file of the page."""
        found = self._parts.get(name)
        if found is None:
            raise RequestError(f"The page has no part {name[:100]!r}.", status=404)
        return Response(found.content, headers=page.HEADERS, media_type=found.media_type)

    def _seconds(self, request: Request) -> float:
        """Return how long a request may take."""
        given = request.headers.get("x-timeout-ms")
        if given is None:
            return self._service.settings.limits.deadline_ms / 1000
        is_number = given.isascii() and given.isdigit() and len(given) <= len(str(MAX_TIMEOUT_MS))
        if not (is_number and 1 <= int(given) <= MAX_TIMEOUT_MS):
            raise RequestError(
                f"X-Timeout-Ms is a whole number from 1 to {MAX_TIMEOUT_MS}.", status=422
            )
        return int(given) / 1000


class _Endpoint:
    """One operation: it checks the token, reads the body, answers, and notes how that went."""

    def __init__(
        self,
        operation: Operation,
        do: Callable[[Request, Any], Awaitable[_Outcome]],
        service: Service,
        tokens: Tokens,
    ) -> None:
        self._operation, self._do = operation, do
        self._service, self._tokens = service, tokens
        self._decode = None
        if operation.takes is not None:
            self._decode = msgspec.json.Decoder(operation.takes).decode
        self._logs_all = service.settings.log == "all"
        self._seconds: dict[int, Any] = {}  # a look-up in the library takes longer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        request = Request(scope, receive)
        headers = request.headers
        sent = {"x-request-id": logs.request_id(headers.get("x-request-id"))}
        if trace := headers.get("traceparent"):
            sent["traceparent"] = trace
        if self._service.is_stopping:
            sent["connection"] = "close"  # the next request had better go to another server
        try:
            outcome = await self._outcome(request)
        except ClientDisconnect:
            return  # there is nobody to answer
        except FieldfareError as error:
            outcome = Refusal.of(error)
        except Exception as error:  # noqa: BLE001 - the server goes on, and its log has the reason
            logs.event("failed", level=logging.ERROR, error=True, request_id=sent["x-request-id"])
            outcome = Refusal.of(error)
        code = None
        if isinstance(outcome, Refusal):
            code = outcome.code
            response = _refused(outcome, sent)
        elif isinstance(outcome, bytes):
            response = Response(outcome, headers=sent, media_type=_JSON)
        else:
            response = outcome
            response.headers.update(sent)
        await response(scope, receive, send)
        self._note(response.status_code, time.perf_counter() - start, sent, code)

    async def _outcome(self, request: Request) -> _Outcome:
        operation = self._operation
        self._tokens.check(request.headers.get("authorization"), operation.right)
        if self._decode is None:
            return await self._do(request, None)
        if operation.right is Right.ADMIN:
            _check_type(request)
        body = await self._body(request)
        if not body and operation.optional:
            return await self._do(request, None)
        try:
            decoded = self._decode(body)
        except msgspec.DecodeError as error:
            raise unreadable(error) from error
        return await self._do(request, decoded)

    async def _body(self, request: Request) -> bytes:
        """Return the body.

        Raises
        ------
        RequestError
            413 if it is too large, 408 if it does not arrive in time.
        """
        most = self._service.settings.limits.body_bytes
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length[:20]) > most:
            raise _too_large(most)
        chunks: list[bytes] = []
        size = 0
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        # A timer of its own: a scope of anyio would take as long as all the rest of this.
        late = loop.call_later(_BODY_S, task.cancel)
        last = loop.time() + _BODY_S
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                chunks.append(chunk)
        except asyncio.CancelledError:
            if loop.time() < last:
                raise
            raise RequestError(
                f"The body did not arrive within {_BODY_S:.0f} s.", status=408
            ) from None
        finally:
            late.cancel()
        return b"".join(chunks)

    def _note(self, status: int, seconds: float, sent: dict[str, str], code: str | None) -> None:
        name = self._operation.name
        if status not in self._seconds:
            self._seconds[status] = self._service.metrics.seconds.labels(name, status)
        self._seconds[status].observe(seconds)
        if status >= 400 or self._logs_all:
            logs.event(
                "request",
                level=logging.WARNING if status >= 400 else logging.INFO,
                operation=name,
                status=status,
                ms=round(1000 * seconds, 3),
                request_id=sent["x-request-id"],
                trace=logs.trace_of(sent.get("traceparent")),
                code=code,
            )


def _refused(refusal: Refusal, sent: dict[str, str] | None = None) -> Response:
    response = Response(refusal.body(), refusal.status, headers=sent, media_type=_JSON)
    if refusal.status in (429, 503):
        response.headers["retry-after"] = _RETRY_S
    if refusal.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


def _too_large(most: int) -> RequestError:
    return RequestError(f"The body has more than {most:,} bytes. Send it in parts.", status=413)


def _check_type(request: Request) -> None:
    """Refuse changes in a form that a page of another site can send from a browser."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != _JSON:
        raise RequestError(f"Send changes with the header 'Content-Type: {_JSON}'.", status=415)


async def _unrouted(request: Request, error: Exception) -> Response:
    """Answer what no operation is for."""
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow")
    what = (
        f"{request.url.path[:100]!r} takes {allowed}."
        if allowed
        else (f"There is nothing at {request.url.path[:100]!r}. See /openapi.json.")
    )
    response = _refused(Refusal(error.status_code, RequestError.code, what))
    if allowed:
        response.headers["allow"] = allowed
    return response
