"""The same parameters given to xLearn and to our commands of its name: losses and seconds.

``python -m benchmarks quality/xlearn`` needs a folder with xLearn's own ``xlearn_train``, named by
FIELDFARE_BENCH_XLEARN or ``--xlearn``, and the data sets of ``../shared/data`` or ``--data``. Both
programs read the same files with the same flags, on one thread, without early stopping. A loss is
what they print for the test file after each epoch: the smallest ("best", which early stopping
keeps) and that after the tenth ("last"), as means over seeds. xLearn's seed moves the order of the
rows only, and both start from the same factors.

A cell of AdaGrad passes if best and last are at most half a per cent above xLearn's, one of FTRL if
the best is, one of SGD if the best is at most two per cent above, and one of a regression if best
and last are no worse but for half a per cent. Losses below 0.01 may be 0.001 larger. What fails by
this is run with more seeds, and passes if the difference is within two standard errors.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import os
import re
import subprocess
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from fieldfare.compat.xlearn.commands import train

TITLE, TAKES = "The parameters of xLearn in xLearn and in fieldfare", "20 minutes"
VARIABLE = "FIELDFARE_BENCH_XLEARN"
_ROW = re.compile(r"^\[[^%\]]*%\s*\]\s+\d+\s+(\S+)\s+(\S+)\s+\S+\s*$", re.M)
_COLOUR = re.compile(r"\033\[\d+m")
SMALL = 0.01
# What scikit-learn's classes of xLearn have as defaults.
CLASSES = ("-p", "sgd", "-b", "0.1", "-u", "0.1", "-e", "5")
Split = tuple[list[str], list[str]]


@dataclass(frozen=True)
class Cell:
    """One comparison."""

    data: str
    kind: int
    rule: str
    norm: bool
    classes: bool = False

    @property
    def flags(self) -> list[str]:
        """What both programs get besides files and seed."""
        flags = [*CLASSES] if self.classes else ["-p", self.rule]
        return ["-s", str(self.kind), *flags, *([] if self.norm else ["--no-norm"])]

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return self.kind > 2

    @property
    def title(self) -> list[str]:
        """Its row in a table."""
        norm = "n/a" if self.kind % 3 == 0 else "on" if self.norm else "off"
        return [self.data, str(self.kind), self.rule + (" (class)" if self.classes else ""), norm]


def _lines(path: Path) -> list[str]:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode().splitlines()
    return path.read_text(encoding="utf-8").splitlines()


def _cut(lines: list[str]) -> Split:
    order = np.random.default_rng(0).permutation(len(lines))
    part = len(lines) * 4 // 5
    return [lines[i] for i in order[:part]], [lines[i] for i in order[part:]]


def _demo(data: Path, *names: str) -> Split:
    found = [_lines(data / "xlearn-demos" / name) for name in names]
    return (found[0], found[1]) if len(found) == 2 else _cut(found[0])


def _ml40(data: Path) -> Split:
    def lines(name: str, n: int) -> list[str]:
        rows = [line.split("\t") for line in _lines(data / "ml-100k" / name)]
        order = np.random.default_rng(0).permutation(len(rows))[:n]
        return [f"{rows[i][2]} 0:{rows[i][0]}:1 1:{1000 + int(rows[i][1])}:1" for i in order]

    return lines("u1.base.gz", 40_000), lines("u1.test.gz", 20_000)


def _frappe30(data: Path) -> Split:
    train_part = _lines(data / "frappe" / "frappe_x1.train.ffm.gz")
    order = np.random.default_rng(0).permutation(len(train_part))[:30_000]
    test = _lines(data / "frappe" / "frappe_x1.valid.ffm.gz")[:10_000]
    return [train_part[i] for i in order], test


def _clicks(form: str) -> Split:
    """Rows drawn from a field-aware machine of 12 fields: 20,000 and 5,000."""
    rng = np.random.default_rng(5)
    n, n_fields, size, k = 25_000, 12, 60, 4
    ids = (size * rng.random((n, n_fields)) ** 2).astype(int) + size * np.arange(n_fields)
    weight = rng.normal(0, 0.3, n_fields * size)
    factors = rng.normal(0, 0.45, (n_fields * size, n_fields, k))
    value = np.exp(rng.normal(0, 0.5, (n, n_fields))) if form == "val" else np.ones((n, n_fields))
    there = rng.random((n, n_fields)) < 0.6 if form == "vary" else np.ones((n, n_fields), bool)
    x = value * there
    x /= np.maximum(np.sqrt((x**2).sum(1, keepdims=True)), 1e-9) / math.sqrt(6)
    score = (weight[ids] * x).sum(1) - 0.7
    for f in range(n_fields):
        for g in range(f + 1, n_fields):
            pair = (factors[ids[:, f], g] * factors[ids[:, g], f]).sum(1)
            score += pair * x[:, f] * x[:, g]
    label = rng.random(n) < 1 / (1 + np.exp(-score))
    lines = []
    for row in range(n):
        cells = [f"{f}:{ids[row, f]}:{value[row, f]:.5g}" for f in np.flatnonzero(there[row])]
        lines.append(" ".join([str(int(label[row])), *(cells or ["0:0:1"])]))
    return lines[:20_000], lines[20_000:]


def _dense() -> Split:
    """Rows of 20 numbers with pairs, whose target has mean 50 and spread 20."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(5_000, 20))
    factors = rng.normal(0, 0.35, (20, 3))
    s = x @ factors
    score = x @ rng.normal(0, 0.5, 20) + ((s**2) - (x**2) @ (factors**2)).sum(1) / 2
    y = 50 + 20 * (score - score.mean()) / score.std() + rng.normal(0, 1, len(x))
    lines = [
        f"{t:.5f} " + " ".join(f"{j}:{v:.5f}" for j, v in enumerate(r))
        for t, r in zip(y, x, strict=True)
    ]
    return lines[:4_000], lines[4_000:]


def _of_scikit_learn(name: str, positive: int) -> Split:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    lines = [f"{int(t == positive)} " + " ".join(f"{j}:{v:.6f}" for j, v in enumerate(row))
             for t, row in zip(y, X, strict=True)]  # fmt: skip
    return _cut(lines)


SETS: dict[str, Callable[[Path], Split]] = {
    "criteo_small": lambda data: _demo(data, "small_train.txt", "small_test.txt"),
    "mushroom": lambda data: _demo(data, "agaricus_train.txt.gz", "agaricus_test.txt"),
    "titanic": lambda data: _demo(data, "titanic_train.txt"),
    "higgs": lambda data: _demo(data, "higgs-test.csv.gz"),
    "house": lambda data: _demo(data, "house_price_train.txt.gz"),
    "dense_reg": lambda _: _dense(),
    "clicks_eq": lambda _: _clicks("eq"),
    "clicks_vary": lambda _: _clicks("vary"),
    "clicks_val": lambda _: _clicks("val"),
    "ml40": _ml40,
    "frappe30": _frappe30,
    "iris": lambda _: _of_scikit_learn("iris", 2),
    "wine": lambda _: _of_scikit_learn("wine", 1),
}
# Which kinds of model have a row for each set; and those of the classes.
KINDS = {
    "criteo_small": (0, 1, 2), "mushroom": (0, 1), "titanic": (0, 1), "higgs": (0, 1),
    "house": (3, 4), "dense_reg": (3, 4), "clicks_eq": (0, 1, 2), "clicks_vary": (0, 1, 2),
    "clicks_val": (0, 1, 2), "ml40": (3, 4, 5), "frappe30": (0, 1, 2),
}  # fmt: skip
OF_CLASSES = {"iris": (0, 1), "wine": (0, 1), "titanic": (0, 1)}


def cells(sets: Sequence[str]) -> Iterator[Cell]:
    """Yield the comparisons of some sets."""
    for data in sets:
        for kind in KINDS.get(data, ()):
            yield Cell(data, kind, "adagrad", norm=True)
            if kind % 3:
                yield Cell(data, kind, "adagrad", norm=False)
            yield Cell(data, kind, "sgd", norm=True)
            yield Cell(data, kind, "ftrl", norm=True)
        for kind in OF_CLASSES.get(data, ()):
            yield Cell(data, kind, "sgd", norm=True, classes=True)


def losses_of(shown: str) -> tuple[float, float]:
    """Return the best and the last loss of what a program printed; infinite where it is NaN."""
    values = [float(loss) for _, loss in _ROW.findall(_COLOUR.sub("", shown))]
    if not values:
        raise RuntimeError(f"No epochs were printed: {shown[-500:]}")
    finite = [value if math.isfinite(value) else math.inf for value in values]
    return min(finite), finite[-1]


def _theirs(program: Path, argv: list[str]) -> tuple[float, float]:
    # It aborts where nobody is the user, as in a container.
    environment = {"USER": "benchmark", **os.environ}
    done = subprocess.run(
        [str(program), *argv],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return losses_of(done.stdout)


def _ours(argv: list[str]) -> tuple[float, float]:
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        if train(argv) != 0:
            raise RuntimeError(f"fieldfare failed: {argv}")
    return losses_of(caught.getvalue())


def _run(cell: Cell, folder: Path, program: Path, seeds: range) -> dict[str, Any]:
    """Return the losses of both programs for some seeds, and their seconds."""
    files = [str(folder / f"{cell.data}.train"), "-v", str(folder / f"{cell.data}.test")]
    found: dict[str, Any] = {"theirs": [], "ours": [], "seconds": [0.0, 0.0]}
    for seed in seeds:
        argv = [
            *files,
            *cell.flags,
            "-seed",
            str(seed),
            "-nthread",
            "1",
            "--dis-es",
            "-m",
            "none",
            "-l",
            str(folder / "log"),
        ]
        begin = time.perf_counter()
        found["theirs"].append(_theirs(program, [*argv, "--no-bin"]))
        middle = time.perf_counter()
        found["ours"].append(_ours(argv))
        found["seconds"][0] += middle - begin
        found["seconds"][1] += time.perf_counter() - middle
    return found


def _means(pairs: Sequence[Sequence[float]]) -> tuple[float, float]:
    best, last = zip(*pairs, strict=True)
    return mean(best), mean(last)


def verdict(cell: Cell, theirs: Sequence[Any], ours: Sequence[Any], *, many: bool) -> bool:
    """Return whether our losses are good enough; with many seeds, or not worse than noise."""
    compared = [0] if cell.rule != "adagrad" and not cell.is_regression else [0, 1]
    if cell.classes:
        compared = [1]
    allowed = 1.02 if cell.rule == "sgd" and not cell.is_regression else 1.005
    for place in compared:
        a, b = [pair[place] for pair in theirs], [pair[place] for pair in ours]
        bar = mean(a) * allowed if mean(a) >= SMALL else mean(a) + 0.001
        if mean(b) <= bar:
            continue
        if not many:
            return False
        error = math.sqrt((stdev(a) ** 2 + stdev(b) ** 2) / len(a))
        if mean(b) - mean(a) > 2 * error:
            return False
    return True


def add_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument(
        "--xlearn", type=Path, default=os.environ.get(VARIABLE), help="folder of xlearn_train"
    )
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), metavar="SET")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each cell")
    parser.add_argument("--more", type=int, default=20, help="seeds of cells that fail at first")


def measure(options: Namespace) -> dict[str, Any]:
    """Measure."""
    if options.xlearn is None:
        raise SystemExit(f"Name the folder of xLearn's own xlearn_train: {VARIABLE} or --xlearn.")
    program = Path(options.xlearn) / "xlearn_train"
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for data in options.sets:
            for part, lines in zip(("train", "test"), SETS[data](options.data), strict=True):
                (folder / f"{data}.{part}").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for cell in cells(options.sets):
            found = _run(cell, folder, program, range(1, options.seeds + 1))
            passed = verdict(cell, found["theirs"], found["ours"], many=False)
            if not passed and options.more > options.seeds:
                more = _run(cell, folder, program, range(options.seeds + 1, options.more + 1))
                for side in ("theirs", "ours"):
                    found[side] += more[side]
                found["seconds"] = [
                    a + b for a, b in zip(found["seconds"], more["seconds"], strict=True)
                ]
                passed = verdict(cell, found["theirs"], found["ours"], many=True)
            figures.append(
                {
                    "cell": cell.title,
                    "n_seeds": len(found["ours"]),
                    "theirs": [_plain(value) for value in _means(found["theirs"])],
                    "ours": [_plain(value) for value in _means(found["ours"])],
                    "seconds": found["seconds"],
                    "passed": passed,
                }
            )
            print(figures[-1], flush=True)
    return {"cells": figures}


def _plain(value: float) -> float | None:
    """Return a number that JSON has."""
    return value if math.isfinite(value) else None


def _shown(pair: Sequence[float | None]) -> str:
    return " / ".join("diverged" if value is None else f"{value:.4f}" for value in pair)


def _excess(theirs: Sequence[float | None], ours: Sequence[float | None]) -> str:
    cells = []
    for a, b in zip(theirs, ours, strict=True):
        cells.append("-" if a is None or b is None else f"{b / max(a, 1e-9) - 1:+.1%}")
    return " / ".join(cells)


def tell(report: Report) -> Iterator[str]:
    """Yield the report as Markdown."""
    rows = report.figures["cells"]
    heads = ["data", "-s", "optimiser", "norm", "seeds", "xLearn best / last",
             "fieldfare best / last", "difference", "verdict"]  # fmt: skip
    table = [
        [*row["cell"], row["n_seeds"], _shown(row["theirs"]), _shown(row["ours"]),
         _excess(row["theirs"], row["ours"]), "passes" if row["passed"] else "**fails**"]
        for row in rows
    ]  # fmt: skip
    n_passed = sum(row["passed"] for row in rows)
    yield f"{n_passed} of {len(rows)} comparisons pass."
    yield markdown(heads, table)
    theirs, ours = (sum(row["seconds"][side] for row in rows) for side in (0, 1))
    yield (
        f"All runs together, with reading the files: xLearn {theirs:.0f} s in processes of their "
        f"own, fieldfare {ours:.0f} s in one process."
    )
