"""What the figures share: where data and pictures are, the split, and how a figure is written."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldfare.report.figure import new_figure, save, tidy

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "assets" / "paper"
PAGE = ROOT / "docs" / "guide" / "paper.md"
SEED = 2024
Panel = Callable[[Any], None]


@dataclass(frozen=True)
class Run:
    """Where a figure finds its data and writes its pictures, and whether this is a trial run."""

    data: Path
    out: Path
    small: bool


def arguments(about: str | None, argv: Sequence[str] | None) -> Run:
    """Read the command line of a figure."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the data sets"
    )
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--small", action="store_true", help="a trial run of a few seconds")
    given = parser.parse_args(argv)
    return Run(given.data, given.out, given.small)


def movielens_1m(run: Run) -> pd.DataFrame:
    """Return user, film and rating; in a small run, only those of 60 users."""
    table = pd.read_csv(run.data / "ml-1m" / "ratings.csv.gz", dtype={"user": str, "item": str})
    table["rating"] = table["rating"].astype(np.float64)
    return table[table["user"].isin(table["user"].unique()[:60])] if run.small else table


def movielens_1m_sides(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the columns of users and of films, all as categories."""
    folder = run.data / "ml-1m"
    read: dict[str, Any] = {
        "sep": "::", "engine": "python", "header": None, "encoding": "latin-1", "dtype": str,
    }  # fmt: skip
    users = pd.read_csv(
        folder / "users.dat", names=["user", "gender", "age", "occupation", "zip"], **read
    )
    films = pd.read_csv(folder / "movies.dat", names=["item", "title", "genres"], **read)
    films["year"] = films.pop("title").str.extract(r"\((\d{4})\)")[0]
    users["zip"] = users["zip"].str[:2]
    films["genres"] = films["genres"].str.split("|")
    return users, films


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return a random 80 % for training, 10 % to choose settings, and 10 % for the test."""
    order = np.random.default_rng(SEED).permutation(len(table))
    ends = (np.array([0.8, 0.9]) * len(table)).astype(int)
    train, valid, test = (
        table.iloc[np.sort(rows)].reset_index(drop=True) for rows in np.split(order, ends)
    )
    return train, valid, test


def rmse(predicted: Any, target: Any) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(np.mean((np.asarray(predicted) - np.asarray(target)) ** 2)))


def curve(axes: Any, x: Any, y: Any, label: str, **style: Any) -> None:
    """Draw a line with its points; ``colour`` and the like go to matplotlib."""
    axes.plot(x, y, label=label, **{"marker": "o", "markersize": 4, "linewidth": 1.5} | style)


@dataclass(frozen=True)
class Figure:
    """A figure: its name, what draws its panels, all its numbers, and tables to read."""

    name: str
    panels: Sequence[Panel]
    numbers: Mapping[str, Any]
    tables: Sequence[str]


def finish(run: Run, made: Figure, started: float) -> None:
    """Write a figure as PNG, SVG and JSON; a full run also updates the guide, with tables."""
    run.out.mkdir(parents=True, exist_ok=True)
    name, n = made.name, len(made.panels)
    figure = new_figure(4.8 * n, 3.9)
    for axes, panel in zip(np.ravel(figure.subplots(1, n)), made.panels, strict=True):
        panel(axes)
        tidy(axes)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, frameon=False)
    for kind in ("png", "svg"):
        save(figure, run.out / f"{name}.{kind}")
    seconds = round(time.perf_counter() - started, 1)
    whole = {"seconds": seconds, "small": run.small, **made.numbers}
    (run.out / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    text = "\n\n".join(made.tables)
    print(f"{text}\n{name}: {seconds} s, written to {run.out}")
    if run.out == PICTURES and not run.small:
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
        after = rest.partition(end)[2]
        picture = f"![{name.replace('-', ' ')}](../assets/paper/{name}.svg)"
        PAGE.write_text(f"{before}{begin}\n\n{picture}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def table(headers: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [[str(name) for name in headers], ["---"] * len(headers)]
    lines += [[f"{c:.4f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
