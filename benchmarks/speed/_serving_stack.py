"""What a server is compared with: an echo of the same stack, and micro-batches of a few lines.

Run by uvicorn in a process of its own, with the index and its model named in the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import fieldfare
from fieldfare import Recommender

INDEX, MODEL = "FIELDFARE_BENCHMARK_INDEX", "FIELDFARE_BENCHMARK_MODEL"
_waiting: list[tuple[dict[str, Any], asyncio.Future[Any]]] = []


async def echo(request: Request) -> Response:
    """Answer with items that nothing was computed for."""
    asked = msgspec.json.decode(await request.body())
    items = [{"id": i, "score": i * 0.5} for i in range(asked["n"])]
    answer = {"items": items, "user": asked["user"]}
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _compute() -> None:
    waiting = _waiting[:]
    _waiting.clear()
    users = [asked["user"] for asked, _ in waiting]
    ids, scores = app.state.recommender.recommend(users, n=max(asked["n"] for asked, _ in waiting))
    for row, (_, future) in enumerate(waiting):
        future.set_result((ids[row], scores[row]))


async def batch(request: Request) -> Response:
    """Recommend by user alone, in the event loop, for all who have asked by then."""
    asked = msgspec.json.decode(await request.body())
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    _waiting.append((asked, future))
    if len(_waiting) == 1:
        loop.call_soon(lambda: loop.call_soon(_compute))
    ids, scores = await future
    answer = {"items": ids.tolist(), "scores": scores.tolist()}
    return Response(msgspec.json.encode(answer), media_type="application/json")


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    model = fieldfare.load_model(os.environ[MODEL])
    app.state.recommender = Recommender.load(os.environ[INDEX], model)
    yield


app = Starlette(
    routes=[Route("/echo", echo, methods=["POST"]), Route("/batch", batch, methods=["POST"])],
    lifespan=_lifespan,
)
