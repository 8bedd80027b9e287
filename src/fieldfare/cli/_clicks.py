"""Click data from a planted field-aware model: what ``fieldfare demo`` trains on.

The log-odds of a click are

    b + sum_c w_c[x_c] + sum_{(a, c) planted} <u_{a,c}[x_a], u_{c,a}[x_c]>

over the columns of a table of mixed kinds. Each planted pair of columns has latent vectors of its
own, so a single vector per value (a plain factorization machine of small rank) cannot represent
them all. A multi-valued column contributes the sum over its values, a number its standardised
value, and a missing cell nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare._random import stream
from fieldfare._typing import AnyArray, Float64Array, PathLike

TARGET = "clicked"
RANK = 2
VALUES: dict[str, tuple[str, ...]] = {
    "hour": tuple(str(hour) for hour in range(24)),
    "weekday": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "device": ("phone", "desktop", "tablet", "tv", "watch"),
    "browser": ("Chrome", "Safari", "Firefox", "Edge", "Opera", "Samsung"),
    "country": (
        "US", "IN", "BR", "DE", "GB", "FR", "JP", "MX", "IT", "ES",
        "CA", "PL", "NL", "SE", "AU", "KR", "TR", "AR", "CH", "NZ",
    ),
    "site": (
        "news", "sport", "weather", "recipes", "travel", "cars", "games", "music", "film",
        "fashion", "health", "finance", "jobs", "homes", "science", "garden", "pets", "photo",
        "maps", "chess",
    ),
    "advertiser": (
        "airline", "bank", "bookshop", "brewery", "carmaker", "cinema", "coffee", "festival",
        "florist", "gym", "hotel", "insurer", "jeweller", "optician", "pharmacy", "phones",
        "shoes", "streaming", "supermarket", "toys",
    ),
    "campaign_id": tuple(str(number) for number in range(7001, 7061)),
    "ad_format": ("banner", "video", "native", "story", "popup"),
    "returning": ("true", "false"),
    "interests": (
        "art", "baking", "chess", "cycling", "diy", "film", "football", "gardening", "hiking",
        "jazz", "opera", "poker", "reading", "running", "sailing", "skiing", "travel", "yoga",
    ),
}  # fmt: skip
PLANTED_PAIRS: dict[tuple[str, str], float] = {
    ("site", "advertiser"): 1.00,
    ("interests", "advertiser"): 0.70,
    ("country", "campaign_id"): 0.80,
    ("hour", "site"): 0.75,
    ("country", "advertiser"): 0.65,
    ("device", "ad_format"): 0.60,
    ("hour", "device"): 0.50,
    ("browser", "ad_format"): 0.45,
    ("weekday", "campaign_id"): 0.45,
    ("country", "site"): 0.40,
}
NUMBERS = ("age", "bid")
MISSING = {"browser": 0.05, "country": 0.04, "age": 0.15, "bid": 0.02}
COLUMNS = (
    "hour", "weekday", "device", "browser", "country", "age", "interests", "returning",
    "site", "advertiser", "campaign_id", "ad_format", "bid",
)  # fmt: skip


@dataclass(frozen=True)
class Clicks:
    """A click table and the truth behind it.

    Parameters
    ----------
    columns : dict of str to list
        Cells by column name, None where missing. Several tags in a cell are separated by ``|``.
    clicked : int64 array of shape (n_rows,)
        The target, 0 or 1.
    probability : float64 array of shape (n_rows,)
        The probability with which each label was drawn, which is the best possible prediction.
    interactions : dict of (str, str) to float
        Importance of each planted pair of columns: the standard deviation of its contribution to
        the log-odds.
    """

    columns: dict[str, list[Any]]
    clicked: AnyArray
    probability: Float64Array
    interactions: dict[tuple[str, str], float]

    def __len__(self) -> int:
        return len(self.clicked)

    def write_csv(self, path: PathLike, start: int = 0, stop: int | None = None) -> None:
        """Write rows ``start`` to ``stop`` (exclusive) with a header; missing cells are empty."""
        chosen = slice(start, stop)
        cells = [
            self.clicked[chosen].tolist(),
            *(column[chosen] for column in self.columns.values()),
        ]
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([TARGET, *self.columns])
            writer.writerows(zip(*cells, strict=True))


def generate(n_rows: int, seed: int = 0) -> Clicks:
    """Draw a click table.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    seed : int
        Determines every cell and label.

    Returns
    -------
    Clicks
    """
    random = stream(seed, "sample")
    weights = {name: _active(name, n_rows, random) for name in VALUES}
    numbers = {name: random.normal(size=n_rows) for name in NUMBERS}
    known = {name: random.random(n_rows) >= share for name, share in MISSING.items()}
    random_model = stream(seed, "init")
    terms = _interactions(weights, known, random_model)
    logit = _main_effects(weights, numbers, known, random_model) + sum(terms.values())
    probability = 1 / (1 + np.exp(-logit))
    clicked = (random.random(n_rows) < probability).astype(np.int64)
    columns = {name: _cells(name, weights, numbers, known) for name in COLUMNS}
    strengths = {pair: float(term.std()) for pair, term in terms.items()}
    return Clicks(columns, clicked, probability, strengths)


def _active(name: str, n_rows: int, random: np.random.Generator) -> AnyArray:
    """Draw value numbers: of shape (n_rows, 3) for tags (-1: none), else (n_rows, 1)."""
    n = len(VALUES[name])
    popularity = (np.arange(n) + 4.0) ** -0.8
    popularity /= popularity.sum()
    if name != "interests":
        return random.choice(n, size=(n_rows, 1), p=popularity)
    # The smallest of exponential noise over popularity are a weighted draw without replacement
    # (Efraimidis and Spirakis 2006), here for all rows at once.
    ranks = np.argpartition(random.exponential(size=(n_rows, n)) / popularity, 3, axis=1)[:, :3]
    counts = random.integers(1, 4, size=(n_rows, 1))
    return np.where(np.arange(3) < counts, ranks, -1)


def _total(table: Float64Array, active: AnyArray) -> Float64Array:
    """Sum the rows of ``table`` over the active values of each sample."""
    rows = table[active]
    rows[active < 0] = 0
    total: Float64Array = rows.sum(1)
    return total


def _main_effects(
    weights: dict[str, AnyArray],
    numbers: dict[str, Float64Array],
    known: dict[str, AnyArray],
    random: np.random.Generator,
) -> Float64Array:
    logit = np.full(len(weights["site"]), -1.4)
    for name, active in weights.items():
        effect = _total(random.normal(0, 0.3, len(VALUES[name])), active)
        logit += effect * known.get(name, 1)
    for name, slope in zip(NUMBERS, (-0.3, 0.4), strict=True):
        logit += slope * numbers[name] * known[name]
    return logit


def _interactions(
    weights: dict[str, AnyArray], known: dict[str, AnyArray], random: np.random.Generator
) -> dict[tuple[str, str], Float64Array]:
    terms = {}
    for (left, right), strength in PLANTED_PAIRS.items():
        scale = np.sqrt(0.7 * strength / np.sqrt(RANK))
        vectors = [
            _total(random.normal(0, scale, (len(VALUES[name]), RANK)), weights[name])
            for name in (left, right)
        ]
        term = np.einsum("nk,nk->n", *vectors)
        terms[left, right] = term * known.get(left, 1) * known.get(right, 1)
    return terms


def _cells(
    name: str,
    weights: dict[str, AnyArray],
    numbers: dict[str, Float64Array],
    known: dict[str, AnyArray],
) -> list[Any]:
    """Return the cells of a column as a user's file would hold them."""
    cells: Sequence[Any]
    if name == "age":
        cells = np.clip(np.round(41 + 12 * numbers["age"]), 13, 90).astype(int).tolist()
    elif name == "bid":
        cells = np.round(np.maximum(1.5 + 0.4 * numbers["bid"], 0.05), 3).tolist()
    elif name == "interests":
        words = (*VALUES[name], None)
        cells = ["|".join(words[i] for i in row if i >= 0) for row in weights[name].tolist()]
    else:
        words = VALUES[name]
        cells = [words[i] for i in weights[name][:, 0].tolist()]
    if name not in known:
        return list(cells)
    return [
        cell if there else None for cell, there in zip(cells, known[name].tolist(), strict=True)
    ]
