"""Measure search by inner product: exact beside faiss' flat index, and approximate.

``python benchmarks/retrieval.py --items 200000`` generates item vectors as an FM would make them:
sums of the vectors of category, brand, tags and id, and one number for what an item adds on its
own, which is heavy-tailed. Queries come one at a time, as in serving. Each run puts its figures
beside those of other sizes; ``--report`` only writes the report and the plot from them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import _figure
import _report
from fieldfare.retrieval import Index, build_index

Vectors = NDArray[np.float32]
FACTORS, DEPTH, N_QUERIES = 64, 100, 1000
BARS = {200_000: (3000, 15), 1_000_000: (2000, 60)}  # queries a second, seconds to build
FIGURES = _report.RESULTS / "retrieval.json"


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


def latencies(search: Callable[[Vectors], Any], queries: Vectors) -> dict[str, float]:
    """Ask one query at a time."""
    for query in queries[:20]:
        search(query[None])
    taken = []
    for query in queries:
        start = time.perf_counter()
        search(query[None])
        taken.append(time.perf_counter() - start)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return {"queries_s": 1 / float(np.mean(taken)), "p50_ms": float(p50), "p99_ms": float(p99)}


def recall(index: Index, queries: Vectors) -> float:
    """Return the share of the true best that one query at a time finds."""
    exact = Index(index.vectors, index.alive)
    truth, _ = exact.search(queries, DEPTH)
    found = np.concatenate([index.search(query[None], DEPTH)[0] for query in queries])
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]))


def exact_figures(items: Vectors, queries: Vectors) -> dict[str, Any]:
    """Measure the exact index and faiss' in turns, one thread and all."""
    import faiss

    ours, flat = build_index(items, "exact"), faiss.IndexFlatIP(items.shape[1])
    flat.add(items)
    figures: dict[str, Any] = {}
    for name, search in (
        ("fieldfare", lambda q: ours.search(q, DEPTH)),
        ("faiss flat", lambda q: flat.search(q, DEPTH)),
    ):
        figures[name] = latencies(search, queries[:150])
        start = time.perf_counter()
        search(queries[:256])
        figures[name]["batch_queries_s"] = 256 / (time.perf_counter() - start)
    return figures


def changed_figures(index: Index, queries: Vectors, n: int, measured: float) -> dict[str, float]:
    """Remove, replace and add a thirtieth of the items each, and compare with a rebuild."""
    gone = np.random.default_rng(7).choice(n, 2 * n // 30, replace=False)
    start = time.perf_counter()
    changed = index.change(gone, draw(2 * n // 30, 8, items=True))
    seconds = time.perf_counter() - start
    rebuilt = build_index(
        changed.vectors[changed.alive], "approximate", queries=draw(N_QUERIES, 2, items=False)
    )
    return {
        "seconds": seconds,
        "before": measured,
        "changed": recall(changed, queries),
        "rebuilt": recall(rebuilt, queries),
    }


def measure(n: int, *, change: bool) -> dict[str, Any]:
    """Return all figures of one number of items."""
    items = draw(n, 1, items=True)
    queries = draw(N_QUERIES, 3, items=False)
    start = time.perf_counter()
    index = build_index(items, "approximate", queries=draw(N_QUERIES, 2, items=False))
    seconds = time.perf_counter() - start
    assert index.calibration is not None
    found = recall(index, queries)
    figures: dict[str, Any] = {
        "build_s": seconds,
        "recall": found,
        "told": index.calibration.recall,
        "approximate": latencies(lambda q: index.search(q, DEPTH), queries),
        "calibration": index.calibration.to_json(),
    }
    if change:
        figures["change"] = changed_figures(index, queries, n, found)
    else:
        figures["exact"] = exact_figures(items, queries)
    return figures


def report(figures: dict[str, Any]) -> None:
    """Write tables and the plot."""
    rows, exact, change = [], [], []
    for size, one in sorted(figures.items(), key=lambda pair: int(pair[0])):
        speed, n = one["approximate"], int(size)
        wanted = BARS.get(n, (0, 1e9))
        met = (
            one["recall"] >= 0.99
            and speed["queries_s"] >= wanted[0]
            and speed["p99_ms"] <= 1
            and one["build_s"] <= wanted[1]
        )
        shown = (one["recall"], one["told"], speed["queries_s"], speed["p99_ms"], one["build_s"])
        rows.append([n, *shown, "met" if met else "missed"])
        for name, times in one.get("exact", {}).items():
            exact.append([n, name, times["p50_ms"], times["p99_ms"], times["batch_queries_s"]])
        if "change" in one:
            c = one["change"]
            change.append([n, c["before"], c["changed"], c["rebuilt"], c["seconds"]])
    parts = [
        f"Approximate, one query at a time, recall@{DEPTH} on {N_QUERIES:,} queries that the index "
        "has not seen; `told` is what it measured itself when it was built. Bars: recall 0.99; "
        "3,000 queries/s and 15 s to build at 200,000, 2,000 and 60 s at a million; p99 1 ms.",
        _report.markdown(
            ["items", "recall", "told", "queries/s", "p99 ms", "build s", "bars"], rows
        ),
        "Exact, one query at a time and 256 at once, both on all cores:",
        _report.markdown(["items", "index", "p50 ms", "p99 ms", "batch queries/s"], exact),
        "After 10 % of the items were removed, replaced or added:",
        _report.markdown(["items", "recall before", "changed", "rebuilt", "seconds"], change),
        "![Recall against queries a second](retrieval.svg)",
    ]
    _report.write("retrieval", "Search by inner product", parts, figures)
    _figure.save([lambda axes: _curve(axes, figures)], _report.RESULTS, "retrieval")


def _curve(axes: Any, figures: dict[str, Any]) -> None:
    for size, one in sorted(figures.items(), key=lambda pair: int(pair[0])):
        points = one["calibration"]["curve"]
        (line,) = axes.plot(
            [p["recall"] for p in points],
            [p["queries_per_second"] for p in points],
            "o-",
            label=f"{int(size):,} items",
        )
        if "exact" in one:
            speed = one["exact"]["fieldfare"]["queries_s"]
            axes.plot([1], [speed], "s", color=line.get_color(), label=f"{int(size):,}, exact")
    axes.set_xlabel(f"recall@{DEPTH}")
    axes.set_ylabel("queries/s, one at a time")
    axes.set_yscale("log")
    axes.set_xlim(left=0.7)
    axes.legend()


def main() -> None:
    """Measure one size, and write the report of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument(
        "--change", action="store_true", help="measure changes, and not exact search"
    )
    parser.add_argument("--report", action="store_true", help="only write the report")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    if Path(FIGURES).is_file():
        figures = json.loads(FIGURES.read_text())["figures"]
    if not arguments.report:
        found = measure(arguments.items, change=arguments.change)
        figures[str(arguments.items)] = figures.get(str(arguments.items), {}) | found
    report(figures)


if __name__ == "__main__":
    main()
