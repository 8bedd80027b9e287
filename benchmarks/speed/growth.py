"""How training time grows with rows, features, fields and k, and what threads bring.

``python -m benchmarks speed/growth`` trains on rows drawn straight into memory: one feature in each
field, a few of them very frequent. Every point is the median of the epochs of one ``fit`` after the
first, in which the pages of the table are touched for the first time. The slope is that of the
logarithms over the upper half of the points: 1 is linear, 0 is flat.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common.report import Panel, Picture, Report, markdown
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.kernels.machine import available_cores
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.loop.session import fit

TITLE, TAKES = "Growth", "some minutes"
CHUNK = 1 << 20
SKEW = 3  # ids are n u^3 with u uniform: a tenth of the features has half of the entries


@dataclass(frozen=True)
class Point:
    """One size to train at."""

    model: str = "fm"
    rows: int = 200_000
    features: int = 1_000_000
    fields: int = 20
    k: int = 8
    threads: int = 1


@dataclass(frozen=True)
class Axis:
    """What grows, from where, and the slope that the algorithm promises; None: no power."""

    name: str
    base: Point
    values: tuple[int, ...]
    expected: float | None

    def points(self, share: float) -> Iterator[Point]:
        """Yield the points; with a share below one, of fewer rows."""
        for value in self.values:
            point = Point(**asdict(self.base) | {self.name: value})
            yield replace(point, rows=max(int(point.rows * share), 1000))


FFM = Point(model="ffm", rows=20_000, features=20_000, k=4)


def axes() -> list[Axis]:
    threads = tuple(range(1, available_cores() + 1))
    return [
        Axis("rows", Point(fields=10), (10_000, 100_000, 1_000_000, 10_000_000), 1),
        Axis("features", Point(fields=10), (10_000, 100_000, 1_000_000, 10_000_000, 30_000_000), 0),
        Axis("fields", Point(), (5, 10, 20, 39, 80, 200), 1),
        Axis("fields", FFM, (5, 10, 20, 39, 80, 200), 2),
        Axis("k", Point(), (1, 2, 4, 8, 16, 32, 64, 128), 1),
        Axis("k", FFM, (1, 2, 4, 8, 16, 32, 64), 1),
        Axis("threads", Point(rows=500_000), threads, None),
        Axis("threads", replace(FFM, features=1_000_000, rows=50_000), threads, None),
    ]


def draw(point: Point) -> Rows:
    """Draw rows; labels depend on one feature of ten, so that there is something to learn."""
    random = np.random.default_rng(0)
    each = point.features // point.fields
    ids = np.empty((point.rows, point.fields), np.uint32)
    first = (np.arange(point.fields) * each).astype(np.uint32)
    for start in range(0, point.rows, CHUNK):
        part = ids[start : start + CHUNK]
        uniform = random.random(part.shape, np.float32)
        part[...] = np.minimum(each * uniform**SKEW, each - 1).astype(np.uint32)
    # Frequent features do not lie side by side in real data: an odd factor scatters the ids.
    ids *= np.uint32(_coprime(each))
    ids %= np.uint32(each)
    ids += first
    clicked = (random.random(point.rows) < 0.2 + 0.3 * (ids[:, 0] % 10 == 0)).astype(np.float32)
    return Rows(
        np.arange(0, ids.size + 1, point.fields, dtype=np.int64),
        ids.ravel(),
        None,
        np.tile(np.arange(point.fields, dtype=np.uint16), point.rows),
        clicked,
    )


def _coprime(n: int) -> int:
    """Return a factor below 2^32 / n, so that nothing overflows, which permutes 0 to n - 1."""
    factor = min(2**32 // max(n, 1) - 1, 7919)
    while np.gcd(factor, n) != 1:
        factor -= 1
    return factor


def train(rows: Rows, point: Point, repeats: int) -> list[float]:
    """Return the seconds of each epoch after the first."""
    config = ModelConfig(model=point.model, n_factors=point.k, instance_norm=True)
    new = build(config, n_features=point.features, n_fields=point.fields)
    plan = TrainingConfig(
        max_iter=repeats + 1, n_jobs=point.threads, random_state=0, deterministic=False
    )
    return fit(new, SolverConfig(), rows, config=plan).history["seconds"][1:]


def slope(x: list[float], y: list[float]) -> float:
    """Return the slope of log y over log x in the upper half of the points."""
    upper = slice(len(x) // 2 if len(x) > 2 else 0, None)
    return float(np.polyfit(np.log(x[upper]), np.log(y[upper]), 1)[0])


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the rows, for a short run")


def measure(options: Namespace) -> dict[str, Any]:
    found = []
    for axis in axes():
        points = []
        for point in axis.points(options.share):
            seconds = train(draw(point), point, options.repeats)
            spent = median(seconds)
            points.append(
                {
                    "value": getattr(point, axis.name),
                    "rows": point.rows,
                    "seconds": seconds,
                    "rows_per_second": point.rows / spent,
                }
            )
            print(f"{axis.base.model} {axis.name} {points[-1]['value']}: {spent:.3f} s", flush=True)
        values = [float(point["value"]) for point in points]
        spent_at = [point["rows"] / point["rows_per_second"] for point in points]
        found.append(
            {
                "model": axis.base.model,
                "axis": axis.name,
                "points": points,
                "slope": slope(values, spent_at) if len(points) > 1 else None,
                "expected": axis.expected,
            }
        )
    return {"growth": found}


def panel(grown: dict[str, Any]) -> Panel:
    def draw_panel(axes: Any) -> None:
        x = [point["value"] for point in grown["points"]]
        y = [median(point["seconds"]) for point in grown["points"]]
        axes.loglog(x, y, marker="o", label="measured")
        if grown["expected"] is not None:
            line = [y[-1] * (value / x[-1]) ** grown["expected"] for value in x]
            axes.loglog(x, line, linestyle=":", color="gray", label=f"slope {grown['expected']:g}")
        title = f"{grown['model'].upper()}, {grown['axis']}"
        if grown["slope"] is not None:
            title += f": slope {grown['slope']:.2f}"
        axes.set(xlabel=grown["axis"], ylabel="seconds an epoch", title=title)
        axes.legend(fontsize=7)

    return draw_panel


def tell(report: Report) -> Iterator[str | Picture]:
    grown_by = report.figures["growth"]
    yield (
        f"Rows drawn in memory, AdaGrad; medians of {report.settings['repeats']} epochs. Where it "
        "is not what grows: FM has 200,000 rows, a million features, 20 fields (10 where rows or "
        "features grow), k = 8; FFM 20,000 rows, 20,000 features, 20 fields, k = 4; one thread."
    )
    slopes = [
        [
            grown["model"],
            grown["axis"],
            None if grown["slope"] is None else f"{grown['slope']:.2f}",
            "-" if grown["expected"] is None else f"{grown['expected']:g}",
        ]
        for grown in grown_by
    ]
    yield markdown(["model", "what grows", "slope", "expected"], slopes)
    rows = [
        [
            grown["model"],
            grown["axis"],
            f"{point['value']:,}",
            f"{point['rows']:,}",
            median(point["seconds"]),
            round(point["rows_per_second"] / 1e3),
        ]
        for grown in grown_by
        for point in grown["points"]
    ]
    yield markdown(["model", "what grows", "value", "rows", "s an epoch", "krows/s"], rows)
    yield Picture("growth", [panel(grown) for grown in grown_by])
