"""Measure ``fieldfare serve`` beside an echo of the same stack and micro-batches of a few lines.

``python -m benchmarks speed/serving`` generates interactions of the size of MovieLens 1M, and a
catalogue of 200,000 items with a million users, and asks with wrk (or a slower client of ours where
it is not installed). Server and client share the cores. The echo computes nothing, and is the
limit; the micro-batches compute the users' lists without contexts, checks, metrics or limits.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np

import fieldfare
from benchmarks.common.report import ROOT, WORK, Picture, Report, markdown
from benchmarks.speed._load import Ask, wait_until_ready
from benchmarks.speed._serving_stack import INDEX, MODEL
from benchmarks.speed.retrieval import draw
from fieldfare import Column, FMRanker, Recommender, Schema
from fieldfare.config import ModelConfig
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.serving import Client

Figures = dict[str, Any]
TITLE, TAKES = "Serving", "ten minutes"
ROUNDS, SWAPS = 3, 10
USERS, ITEMS, INTERACTIONS = 6040, 3706, 1_000_000
MANY_USERS, MANY_ITEMS = 1_000_000, 200_000
ROWS, COLUMNS = 100, 10
CONNECTIONS = (1, 8, 32)
SHARE_OF_BATCHES, P99_MS = 0.8, {1: 5, 8: 15, 32: 30}
P50_ONE_MS, LARGE_S, LARGE_P99_MS, PREDICT_S, RECOVERED_S = 1, 1500, 25, 300, 2
TOO_MUCH, OVERLOADED = 600, ("200", "429", "504")
LIST = '{"user": @USER@, "n": 10, "contexts": {"hour": "22"}}'


def make_small(folder: Path) -> None:
    """Write a model of interactions, its index, and a model of ten columns."""
    rng = np.random.default_rng(0)
    items = {"item": np.arange(ITEMS), "genre": rng.choice(list("abcdefgh"), ITEMS)}
    seen = {
        "user": rng.integers(1, USERS + 1, INTERACTIONS),
        "item": (ITEMS * rng.beta(1, 4, INTERACTIONS)).astype(int),
        "hour": rng.integers(0, 24, INTERACTIONS).astype(str),
    }
    roles = {"user": ["user"], "item": ["item", "genre"], "context": ["hour"]}
    ranker = FMRanker(max_iter=2, early_stopping=False, random_state=0)
    ranker.fit(seen, roles=roles, items=items)
    fieldfare.save_model(ranker, folder / "small.ff")
    Recommender(ranker, items, history=seen).save(folder / "small.index")
    table = {f"c{i}": rng.integers(0, 1000, 20_000).astype(str) for i in range(COLUMNS)}
    table["clicked"] = rng.integers(0, 2, 20_000)
    model = fieldfare.train(table, target="clicked", n_factors=8, max_iter=1, random_state=0)
    fieldfare.save_model(model.model, folder / "clicks.ff")


def make_large(folder: Path) -> None:
    """Write a model whose vectors are like those of a trained one, and its approximate index."""
    users, items = np.arange(1, MANY_USERS + 1), np.arange(MANY_ITEMS)
    columns = (Column("user", role="user"), Column("item", role="item"))
    known = {"user": users, "item": np.resize(items, MANY_USERS)}
    schema = Schema(columns).fit(known)
    vectors = np.zeros((schema.n_features, 65), np.float32)
    for name, ids, is_item in (("user", users, False), ("item", items, True)):
        rows = schema.encode({name: ids}, labelled=False, columns=[name])
        vectors[rows.indices] = draw(len(ids), 3 + is_item, items=is_item)
    config = ModelConfig(model="fm", task="rank", n_factors=64)
    linear = np.zeros((len(vectors), 1), np.float32)
    factors = np.ascontiguousarray(vectors[:, None, :64])
    model = MODEL_CLASSES["fm"](config, np.zeros(1, np.float32), linear, factors, schema=schema)
    fieldfare.save_model(model, folder / "large.ff")
    Recommender(model, {"item": items}, index="approximate").save(folder / "large.index")


@contextmanager
def running(*command: str, ready: str, **environment: str) -> Iterator[str]:
    """Run a server at a free port; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)], env=environment,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url + ready, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def serve(*words: object) -> Any:
    """Run ``fieldfare serve``."""
    return running("fieldfare", "serve", *map(str, words), ready="/health/ready")


def asked(urls: Mapping[str, str], ask: Ask, connections: int, seconds: float) -> Figures:
    """Ask several servers in turns; return the medians of the rounds."""
    runs: dict[str, list[Figures]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            runs[name].append(asdict(ask.run(url, connections, seconds)))
    return {
        name: {key: float(np.median([one[key] for one in some])) for key in some[0]}
        for name, some in runs.items()
    }


def small_figures(folder: Path, seconds: float) -> Figures:
    """Measure lists of the small index."""
    index, model = str(folder / "small.index"), str(folder / "small.ff")
    with ExitStack() as stack:
        other = stack.enter_context(
            running("uvicorn", "benchmarks.speed._serving_stack:app", "--no-access-log",
                    ready="/", **{INDEX: index, MODEL: model})
        )  # fmt: skip
        ours = stack.enter_context(serve(index, "-m", model))
        urls = {
            "echo": f"{other}/echo",
            "micro-batches": f"{other}/batch",
            "fieldfare serve": f"{ours}/v1/recommend",
        }
        ask = Ask(LIST, USERS)
        return {str(n): asked(urls, ask, n, seconds) for n in CONNECTIONS}


def one_case(words: tuple[object, ...], path: str, ask: Ask, seconds: float) -> Figures:
    """Measure one operation from eight connections."""
    with serve(*words) as url:
        ask.run(url + path, 8, 1)
        found: Figures = asked({"": url + path}, ask, 8, seconds)[""]
    return found


def predict_ask() -> Ask:
    """Return a request for the predictions of many rows."""
    rng = np.random.default_rng(1)
    rows = [{f"c{i}": str(rng.integers(0, 1000)) for i in range(COLUMNS)} for _ in range(ROWS)]
    return Ask(json.dumps({"rows": rows}), USERS)


def swap_figures(folder: Path, seconds: float) -> Figures:
    """Load and activate versions under load."""
    ask = Ask(LIST, USERS)
    with serve(folder / "small.index", "-m", folder / "small.ff") as url:
        calm = ask.run(f"{url}/v1/recommend", 8, seconds)
        done = threading.Event()

        def swap() -> None:
            with Client(url, timeout=60) as client:
                for _ in range(SWAPS):
                    client.load("small")
                    client.activate("small")
            done.set()

        thread = threading.Thread(target=swap)
        thread.start()
        loads = []
        while not done.is_set():
            loads.append(ask.run(f"{url}/v1/recommend", 8, seconds))
        thread.join()
    return {
        "calm_p99_ms": calm.p99_ms,
        "p99_ms": float(np.median([one.p99_ms for one in loads])),
        "failed": sum(one.failed for one in loads),
    }


def overload_figures(folder: Path, seconds: float) -> Figures:
    """Ask from far more connections than can be answered in time."""
    with serve(folder / "small.index", "-m", folder / "small.ff") as url:
        ask = Ask(LIST, USERS, timeout_ms=100)
        ask.run(f"{url}/v1/recommend", 8, 1)
        ask.run(f"{url}/v1/recommend", TOO_MUCH, seconds)
        end = time.perf_counter()
        body = LIST.replace("@USER@", "7")
        while httpx.post(f"{url}/v1/recommend", content=body).status_code != 200:
            time.sleep(0.01)
        recovered = time.perf_counter() - end
        text = httpx.get(f"{url}/metrics").text
    counted = re.findall(
        r'request_seconds_count\{endpoint="recommend",status="(\d+)"\} ([\d.]+)', text
    )
    return {"statuses": {status: int(float(n)) for status, n in counted}, "recovered_s": recovered}


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--without-large", action="store_true", help="without 200,000 items")


def measure(options: Namespace) -> Figures:
    folder = WORK / "serving"
    folder.mkdir(parents=True, exist_ok=True)
    make_small(folder)
    seconds = options.seconds
    clicks = ((folder / "clicks.ff",), "/v1/predict", predict_ask(), seconds)
    figures = {
        "small": small_figures(folder, seconds),
        "predict": one_case(*clicks),
        "swaps": swap_figures(folder, seconds),
        "overload": overload_figures(folder, seconds),
    }
    if not options.without_large:
        make_large(folder)
        words = (folder / "large.index", "-m", folder / "large.ff")
        ask = Ask('{"user": @USER@, "n": 10}', MANY_USERS)
        figures["large"] = one_case(words, "/v1/recommend", ask, seconds)
    return figures


def bars(figures: Figures) -> Iterator[list[Any]]:
    """Yield what was asked for, what was found, and whether that will do."""

    def judged(case: str, what: str, found: float, bar: float, *, least: bool) -> list[Any]:
        good = found >= bar if least else found <= bar
        sign = ">=" if least else "<="
        return [case, what, found, f"{sign} {bar:,.4g}", "met" if good else "missed"]

    for n, servers in figures["small"].items():
        ours, batches = servers["fieldfare serve"], servers["micro-batches"]
        case = f"{ITEMS:,} items, {n} connections"
        if n == "1":
            yield judged(case, "p50 ms", ours["p50_ms"], P50_ONE_MS, least=False)
        else:
            share = ours["requests_s"] / batches["requests_s"]
            yield judged(case, "share of micro-batches", share, SHARE_OF_BATCHES, least=True)
        yield judged(case, "p99 ms", ours["p99_ms"], P99_MS[int(n)], least=False)
    if "large" in figures:
        case = f"{MANY_ITEMS:,} items, 8 connections"
        large = figures["large"]
        yield judged(case, "requests/s", large["requests_s"], LARGE_S, least=True)
        yield judged(case, "p99 ms", large["p99_ms"], LARGE_P99_MS, least=False)
    case = f"predictions of {ROWS} rows of {COLUMNS} columns, 8 connections"
    yield judged(case, "requests/s", figures["predict"]["requests_s"], PREDICT_S, least=True)
    swaps = figures["swaps"]
    case = f"{SWAPS} swaps under load"
    yield judged(case, "failed requests", swaps["failed"], 0, least=False)
    yield judged(case, "p99, times that of calm", swaps["p99_ms"] / swaps["calm_p99_ms"], 2,
                 least=False)  # fmt: skip
    overload = figures["overload"]
    odd = sum(n for status, n in overload["statuses"].items() if status not in OVERLOADED)
    case = f"{TOO_MUCH} connections"
    yield judged(case, "answers but 200, 429 and 504", odd, 0, least=False)
    yield judged(case, "recovered, s", overload["recovered_s"], RECOVERED_S, least=False)


def tell(report: Report) -> Iterator[str | Picture]:
    figures = report.figures
    rows = [
        [int(n), name, *one.values()]
        for n, servers in figures["small"].items()
        for name, one in servers.items()
    ]
    yield (
        "Server and client on the same cores, one worker; medians of "
        f"{ROUNDS} runs in turns. Lists of 10 items with a context."
    )
    yield markdown(["case", "what", "found", "bar", ""], bars(figures))
    yield markdown(["connections", "server", "requests/s", "p50 ms", "p99 ms", "failed"], rows)
    yield f"Answers under overload, by status: {figures['overload']['statuses']}."
