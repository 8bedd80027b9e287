"""Runtime: linear in the number of factors, and in the nonzeros of a row.

Lemma 3.1 of Rendle (ICDM 2010): the score of a row, and so one training step, takes time
proportional to k times the number of its nonzeros, although the model has a weight for each pair of
them. Rows are generated; every figure is the shortest processor time of an epoch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from _common import SEED, Figure, arguments, curve, finish, table
from fieldfare import Callback, Rows, train

LEARNERS: dict[str, dict[str, Any]] = {
    "SGD, FM": {"solver": "sgd", "learning_rate": 1e-3},
    "AdaGrad, FM": {"solver": "adagrad"},
    "AdaGrad, order 3": {"solver": "adagrad", "model": "hofm", "order": 3},
    "ALS, FM": {"solver": "als"},
}
VALUES = 200  # per field


class Sizes(NamedTuple):
    """How much to measure."""

    n_rows: int
    n_epochs: int
    ranks: Sequence[int]
    lengths: Sequence[int]
    rank: int
    length: int


class Clock(Callback):
    """Records the processor time that has passed at the end of each epoch."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_epoch_end(self, state: Any) -> None:
        self.ends.append(time.process_time())


def generated(n_rows: int, length: int) -> Rows:
    """Return rows with this many nonzeros, one per field, with values other than one."""
    rng = np.random.default_rng(SEED)
    ids = rng.integers(0, VALUES, (n_rows, length)) + VALUES * np.arange(length)
    return Rows(
        np.arange(n_rows + 1) * length,
        ids.ravel().astype(np.uint32),
        values=rng.uniform(0.5, 1, ids.size).astype(np.float32) / np.float32(np.sqrt(length)),
        target=rng.normal(size=n_rows).astype(np.float32),
    )


def seconds(rows: Rows, k: int, settings: dict[str, Any], n_epochs: int) -> float:
    """Return the time of an epoch per million rows; the first one also sets things up."""
    clock = Clock()
    train(
        rows, task="regression", n_factors=k, max_iter=1 + n_epochs, early_stopping=False,
        random_state=SEED, n_jobs=1, callbacks=[clock], **{"model": "fm"} | settings,
    )  # fmt: skip
    return float(np.diff(clock.ends).min()) / rows.n_rows * 1e6


def straightness(x: Sequence[int], y: Sequence[float]) -> float:
    """Return the share of the variance that the best straight line explains."""
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and draw."""
    run, started = arguments(__doc__, argv), time.perf_counter()
    sizes = Sizes(500, 1, (4, 8), (4, 8), 4, 4)
    if not run.small:
        sizes = Sizes(40_000, 5, (8, 16, 32, 64, 96, 128), (4, 8, 16, 32, 48, 64), 16, 10)
    by_rank, by_length = {}, {}
    rows = generated(sizes.n_rows, sizes.length)
    for name, settings in LEARNERS.items():
        by_rank[name] = [seconds(rows, k, settings, sizes.n_epochs) for k in sizes.ranks]
    for length in sizes.lengths:
        rows = generated(sizes.n_rows, length)
        for name, settings in LEARNERS.items():
            found = seconds(rows, sizes.rank, settings, sizes.n_epochs)
            by_length.setdefault(name, []).append(found)
    measured = (
        ("k", sizes.ranks, by_rank, f"{sizes.length} nonzeros per row"),
        ("nonzeros of a row", sizes.lengths, by_length, f"k = {sizes.rank}"),
    )
    tables = [
        table(
            [f"seconds, {label} =", *x, "R² of a line"],
            [[name, *y, straightness(x, y)] for name, y in lines.items()],
        )
        for label, x, lines, _ in measured
    ]

    def panel(label: str, x: Sequence[int], lines: Any, title: str) -> Any:
        def draw(axes: Any) -> None:
            for name, y in lines.items():
                curve(axes, x, y, name)
            axes.set(xlabel=label, ylabel="seconds per million rows", title=title)
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)

        return draw

    figures = {label: {"x": list(x), "seconds": lines} for label, x, lines, _ in measured}
    panels = [panel(*one) for one in measured]
    finish(run, Figure("runtime", panels, figures, tables), started)


if __name__ == "__main__":
    main()
