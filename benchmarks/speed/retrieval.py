"""Measure search by inner product: approximate, exact beside faiss' flat index, and after changes.

``python -m benchmarks speed/retrieval`` generates item vectors as an FM would make them: sums of
the vectors of category, brand, tags and id, and one number for what an item adds on its own, which
is heavy-tailed. Queries come one at a time, as in serving. The report sets what was asked for
beside what was found, and the plot of recall against speed goes into the guide, too.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.report import Picture, Report, markdown
from fieldfare.retrieval import Index, build_index

Vectors = NDArray[np.float32]
Figures = dict[str, Any]
TITLE, TAKES = "Search by inner product", "some minutes"
FACTORS, DEPTH, N_QUERIES = 64, 100, 1000
SIZES = (200_000, 1_000_000)
RECALL, P99_MS, MOST_LOST = 0.99, 1, 0.005
QUERIES_S = {200_000: 3000, 1_000_000: 2000}
BUILD_S = {200_000: 15, 1_000_000: 60}
EXACT_MS = {200_000: 6}
TURNS, QUERIES_A_TURN = 6, 25  # of exact search


def draw(n: int, seed: int, *, items: bool) -> Vectors:
    """Generate vectors of items, or of queries, over the same features."""
    shared, rng = np.random.default_rng(0), np.random.default_rng(seed)
    out = np.empty((n, FACTORS + 1), np.float32)
    parts = [
        shared.normal(0, s, (size, FACTORS)) for size, s in ((50, 0.3), (3000, 0.2), (800, 0.1))
    ]
    popular = [shared.permutation(len(part)) for part in parts]
    for low in range(0, n, 50_000):
        m = min(50_000, n - low)
        total = rng.normal(0, 0.15, (m, FACTORS))
        for part, order, times in zip(parts, popular, (1, 1, 4), strict=True):
            for _ in range(times):
                total += part[order[np.minimum(rng.zipf(1.3, m) - 1, len(part) - 1)]]
        out[low : low + m, :FACTORS] = total
    out[:, FACTORS] = np.exp(rng.normal(0, 0.6, n)) if items else 1
    return out


def timed(search: Callable[[Vectors], Any], queries: Vectors) -> list[float]:
    """Ask one query at a time; return the seconds of each."""
    taken = []
    for query in queries:
        start = time.perf_counter()
        search(query[None])
        taken.append(time.perf_counter() - start)
    return taken


def speed(taken: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return {"queries_s": 1 / float(np.mean(taken)), "p50_ms": float(p50), "p99_ms": float(p99)}


def recall(index: Index, queries: Vectors) -> float:
    """Return the share of the true best that one query at a time finds."""
    truth, _ = Index(index.vectors, index.alive).search(queries, DEPTH)
    found = np.concatenate([index.search(query[None], DEPTH)[0] for query in queries])
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]))


def built(items: Vectors) -> tuple[Index, float]:
    """Return an approximate index and the seconds that it took."""
    asked = draw(N_QUERIES, 2, items=False)
    start = time.perf_counter()
    index = build_index(items, "approximate", recall=RECALL, queries=asked)
    return index, time.perf_counter() - start


def exact_figures(items: Vectors, queries: Vectors) -> dict[str, dict[str, float]]:
    """Measure the exact index and faiss' in turns, both on all cores."""
    import faiss

    ours, flat = build_index(items, "exact"), faiss.IndexFlatIP(items.shape[1])
    flat.add(items)
    searches: dict[str, Callable[[Vectors], Any]] = {
        "fieldfare": lambda q: ours.search(q, DEPTH),
        "faiss flat": lambda q: flat.search(q, DEPTH),
    }
    taken: dict[str, list[float]] = {name: [] for name in searches}
    for turn in range(TURNS):
        asked = queries[turn * QUERIES_A_TURN : (turn + 1) * QUERIES_A_TURN]
        for name, search in searches.items():
            search(asked[:1])
            taken[name] += timed(search, asked)
    figures = {name: speed(one) for name, one in taken.items()}
    for name, search in searches.items():
        start = time.perf_counter()
        search(queries[:256])
        figures[name]["batch_queries_s"] = 256 / (time.perf_counter() - start)
    return figures


def changed_figures(index: Index, queries: Vectors) -> dict[str, float]:
    """Remove, replace and add a thirtieth of the items each, and compare with a rebuild."""
    n = len(index)
    gone = np.random.default_rng(7).choice(n, 2 * n // 30, replace=False)
    start = time.perf_counter()
    changed = index.change(gone, draw(2 * n // 30, 8, items=True))
    seconds = time.perf_counter() - start
    rebuilt, _ = built(changed.vectors[changed.alive])
    return {
        "seconds": seconds,
        "changed": recall(changed, queries),
        "rebuilt": recall(rebuilt, queries),
    }


def figures_of(n: int) -> Figures:
    """Return all figures of one number of items."""
    items = draw(n, 1, items=True)
    queries = draw(N_QUERIES, 3, items=False)
    index, seconds = built(items)
    assert index.calibration is not None
    timed(lambda q: index.search(q, DEPTH), queries[:50])
    return {
        "build_s": seconds,
        "recall": recall(index, queries),
        "told": index.calibration.recall,
        "approximate": speed(timed(lambda q: index.search(q, DEPTH), queries)),
        "calibration": index.calibration.to_json(),
        "exact": exact_figures(items, queries),
        "change": changed_figures(index, queries),
    }


def bars(n: int, one: Figures) -> Iterator[list[Any]]:
    """Yield what was asked for of a number of items, what was found, and whether that will do."""

    def at_least(what: str, found: float, bar: float) -> list[Any]:
        return [n, what, found, f">= {bar:,}", "met" if found >= bar else "missed"]

    def at_most(what: str, found: float, bar: float) -> list[Any]:
        return [n, what, found, f"<= {bar:,.4g}", "met" if found <= bar else "missed"]

    fast, (ours, flat) = one["approximate"], one["exact"].values()
    yield at_least(f"recall@{DEPTH}", one["recall"], RECALL)
    if n in QUERIES_S:
        yield at_least("queries/s", fast["queries_s"], QUERIES_S[n])
    yield at_most("p99, ms", fast["p99_ms"], P99_MS)
    if n in BUILD_S:
        yield at_most("building, s", one["build_s"], BUILD_S[n])
    if n in EXACT_MS:
        yield at_most("exact, p50, ms", ours["p50_ms"], EXACT_MS[n])
    yield at_most("exact over faiss flat, p50", ours["p50_ms"] / flat["p50_ms"], 1)
    lost = one["change"]["rebuilt"] - one["change"]["changed"]
    yield at_most("recall lost by changing 10 % of the items", lost, MOST_LOST)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--items", type=int, nargs="+", default=list(SIZES), help="several numbers")


def measure(options: Namespace) -> Figures:
    return {str(n): figures_of(n) for n in options.items}


def tell(report: Report) -> Iterator[str | Picture]:
    judged: list[list[Any]] = []
    rows, exact, change = [], [], []
    figures = {int(n): one for n, one in report.figures.items()}
    for n, one in figures.items():
        judged += bars(n, one)
        fast, set_to = one["approximate"], one["calibration"]
        cells = f"{set_to['n_probe']} of {set_to['n_cells']:,}"
        rows.append([n, cells, one["recall"], one["told"], *fast.values(), one["build_s"]])
        exact += [[n, name, *times.values()] for name, times in one["exact"].items()]
        change.append([n, *one["change"].values()])
    times = ["queries/s", "p50 ms", "p99 ms"]
    yield (
        f"Vectors of {FACTORS + 1} numbers, {N_QUERIES:,} queries that the index has not seen, one "
        f"at a time, the best {DEPTH} of each."
    )
    yield markdown(["items", "what", "found", "bar", ""], judged)
    yield "Approximate; `told` is the recall that the index measured itself when it was built:"
    yield markdown(["items", "cells", "recall", "told", *times, "build s"], rows)
    yield "Exact, one query at a time and 256 at once, in turns, both on all cores:"
    yield markdown(["items", "index", *times, "batch queries/s"], exact)
    yield "After 10 % of the items were removed, replaced or added, a third each:"
    yield markdown(["items", "seconds", "recall", "rebuilt"], change)
    yield Picture("retrieval", [lambda axes: curve(axes, figures)], shown_in="docs/guide")


def curve(axes: Any, figures: dict[int, Figures]) -> None:
    """Draw recall against speed; what the exact index does is the square at a recall of one."""
    for n, one in figures.items():
        points = [p for p in one["calibration"]["curve"] if p["recall"] >= 0.8]
        found = [p["recall"] for p in points]
        speeds = [p["queries_per_second"] for p in points]
        (line,) = axes.plot(found, speeds, "o-", label=f"{n:,} items")
        axes.plot(
            [1], [one["exact"]["fieldfare"]["queries_s"]], "s", color=line.get_color(),
            label=f"{n:,}, exact",
        )  # fmt: skip
    axes.axvline(RECALL, color="grey", linestyle=":")
    axes.set_xlabel(f"recall@{DEPTH}")
    axes.set_ylabel("queries/s, one at a time")
    axes.set_yscale("log")
    axes.legend()
