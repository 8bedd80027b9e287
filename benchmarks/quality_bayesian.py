"""Test error of Bayesian factorization machines on ratings, by protocols with published figures.

``python benchmarks/quality_bayesian.py`` needs the data sets in ``../shared/data`` (or
``--data FOLDER``), which may not be redistributed. What is not fixed by a protocol is chosen among
the options below on a tenth of the training part; the test part is looked at once, at the end.

Protocols
---------
u1-extended
    Fold u1 of MovieLens 100k, ordered probit, 10 factors, 512 sweeps in all: user, film, day of the
    rating, the films that the user rated and the users that rated the film (in the training part,
    each with the value 1 / sqrt(their number)).
u3-columns
    Fold u3, 10 factors, 520 sweeps in all: user, film and their columns.
ml-1m-columns
    MovieLens 1M, random 80/10/10: user, film and their columns. The middle part is the validation.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _protocols import read_arguments
from _report import markdown, write
from fieldfare.estimators import BayesianFMOrdinalRegressor, BayesianFMRegressor
from fieldfare.rows import RelatedRows, Relation, Rows
from quality import SEED, ml_100k_columns

Settings = dict[str, Any]
Entries = list[tuple[str, Any, float]]
Parts = tuple[pd.DataFrame, pd.DataFrame]
U1_OPTIONS: list[Settings] = [{"init_scale": 0.1}, {"init_scale": 0.03}]
U3_OPTIONS: list[Settings] = [
    {"init_scale": 0.1, "n_warmup": 20, "n_samples": 500},
    {"init_scale": 0.03, "n_warmup": 20, "n_samples": 500},
    {"init_scale": 0.03, "n_warmup": 120, "n_samples": 400},
]
ML_1M_OPTIONS: list[Settings] = [{"n_factors": 8}, {"n_factors": 16}, {"n_factors": 24}]
AIMS = {"u1-extended": 0.881, "u3-columns": 0.885, "ml-1m-columns": 0.835}


class Encoder:
    """Numbers of features, and groups of them by name, as they come."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Any], int] = {}
        self._groups: dict[str, int] = {}

    def rows(self, samples: Sequence[Entries]) -> Rows:
        """Return rows of (name, value, weight) entries."""
        numbers = [
            self._numbers.setdefault((name, value), len(self._numbers))
            for entries in samples
            for name, value, _ in entries
        ]
        return Rows(
            np.concatenate([[0], np.cumsum([len(entries) for entries in samples])]),
            np.array(numbers, np.uint32),
            values=np.array([x for entries in samples for _, _, x in entries], np.float32),
        )

    @property
    def groups(self) -> np.ndarray[Any, Any]:
        """The group of each feature: its name."""
        return np.array([name for name, _ in self._numbers])


def related(parts: Parts, sides: dict[str, pd.DataFrame], *, extended: bool) -> tuple[Any, ...]:
    """Return the rows of both parts as side tables of users and films, and the groups."""
    encoder, train = Encoder(), parts[0]
    relations = {}
    for key, other in (("user", "item"), ("item", "user")):
        names = pd.Index(pd.concat(parts)[key].unique())
        met = train.groupby(key)[other].apply(list)
        samples = [_entries(key, name, sides.get(key)) for name in names]
        if extended:
            for name, entries in zip(names, samples, strict=True):
                own = met.get(name, [])
                entries += [(f"{other}s of {key}", value, len(own) ** -0.5) for value in own]
        relations[key] = (names, encoder.rows(samples))
    found = []
    for part in parts:
        days = part["time"] // 86_400 if extended else None
        # Days that the training part does not have tell nothing.
        known = set() if days is None else set(train["time"] // 86_400)
        samples = [
            [] if day not in known else [("day", day, 1.0)]
            for day in (days if days is not None else [None] * len(part))
        ]
        own = encoder.rows(samples)
        found.append(
            RelatedRows(
                own.indptr,
                own.indices,
                values=own.values,
                target=part["rating"].to_numpy(np.float32),
                relations=tuple(
                    Relation(names.get_indexer(part[key]).astype(np.uint32), rows)
                    for key, (names, rows) in relations.items()
                ),
            )
        )
    return *found, encoder.groups


def _entries(key: str, name: Any, side: pd.DataFrame | None) -> Entries:
    """Return the id and the columns of a user or a film; a text with bars is a set."""
    entries: Entries = [(key, name, 1.0)]
    if side is not None:
        for column, cell in side.loc[name].items():
            if isinstance(cell, str):
                entries += [(str(column), value, 1.0) for value in cell.split("|") if value]
    return entries


def error(parts: Parts, sides: Any, settings: Settings, *, ordinal: bool = False) -> Settings:
    """Return the RMSE of the averaged predictions, and the seconds of sampling."""
    train, test, groups = related(parts, sides, extended=ordinal)
    kind = BayesianFMOrdinalRegressor if ordinal else BayesianFMRegressor
    model = kind(n_keep_samples=0, random_state=1, groups=groups, **settings)
    start = time.perf_counter()
    model.fit(train, eval_set=test)
    seconds = time.perf_counter() - start
    trace = model.trace_
    return {"rmse": float(trace["valid_rmse"][-1]), "sweeps": len(trace), "seconds": seconds}


def chosen(inner: Parts, sides: Any, options: list[Settings], common: Settings, **how: Any) -> Any:
    """Return the settings that are best on the validation part, and their error there."""
    found = [error(inner, sides, common | one, **how)["rmse"] for one in options]
    for one, value in zip(options, found, strict=True):
        print(f"validation {value:.4f} {one}", flush=True)
    return common | options[int(np.argmin(found))], min(found)


def fold(data: Path, number: int) -> tuple[Parts, Parts]:
    """Return training and test part of a fold, and the former split again for validation."""
    names = ["user", "item", "rating", "time"]
    train, test = (
        pd.read_csv(
            data / "ml-100k" / f"u{number}.{part}.gz",
            sep="\t",
            names=names,
            dtype={"user": str, "item": str},
        )
        for part in ("base", "test")
    )
    order = np.random.default_rng(SEED).permutation(len(train))
    held, kept = np.split(order, [len(train) // 10])
    inner = [train.iloc[np.sort(rows)].reset_index(drop=True) for rows in (kept, held)]
    return (train, test), (inner[0], inner[1])


def u1_extended(data: Path) -> Settings:
    parts, inner = fold(data, 1)
    common = {"n_factors": 10, "n_warmup": 20, "n_samples": 492}
    settings, valid = chosen(inner, {}, U1_OPTIONS, common, ordinal=True)
    return error(parts, {}, settings, ordinal=True) | {"valid": valid, "settings": settings}


def u3_columns(data: Path) -> Settings:
    parts, inner = fold(data, 3)
    users, items = ml_100k_columns(data / "ml-100k")
    sides = {"user": users.set_index("user"), "item": items.set_index("item")}
    settings, valid = chosen(inner, sides, U3_OPTIONS, {"n_factors": 10})
    return error(parts, sides, settings) | {"valid": valid, "settings": settings}


def ml_1m_columns(data: Path) -> Settings:
    folder = data / "ml-1m"
    table = pd.read_csv(folder / "ratings.csv.gz", dtype={"user": str, "item": str})
    order = np.random.default_rng(SEED).permutation(len(table))
    train, valid, test = (
        table.iloc[rows].reset_index(drop=True)
        for rows in np.split(order, (np.array([0.8, 0.9]) * len(table)).astype(int))
    )
    read: Settings = {
        "sep": "::", "engine": "python", "header": None, "encoding": "latin-1", "dtype": str,
    }  # fmt: skip
    users = pd.read_csv(folder / "users.dat", names=["user", "gender", "age", "job", "zip"], **read)
    films = pd.read_csv(folder / "movies.dat", names=["item", "title", "genres"], **read)
    films["year"] = films.pop("title").str.extract(r"\((\d{4})\)")[0]
    users["zip"] = users["zip"].str[:2]
    sides = {"user": users.set_index("user"), "item": films.set_index("item")}
    common = {"n_warmup": 20, "n_samples": 80}
    settings, found = chosen((train, valid), sides, ML_1M_OPTIONS, common)
    return error((train, test), sides, settings) | {"valid": found, "settings": settings}


PROTOCOLS: dict[str, Callable[[Path], Settings]] = {
    "u1-extended": u1_extended,
    "u3-columns": u3_columns,
    "ml-1m-columns": ml_1m_columns,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--name", default="quality-bayesian", help="of the report")
    arguments = read_arguments(parser, PROTOCOLS)
    figures = {}
    for name in arguments.protocols:
        figures[name] = PROTOCOLS[name](arguments.data)
        print(name, figures[name], flush=True)
    rows = [
        [
            name,
            found["rmse"],
            f"<= {AIMS[name]}",
            found["valid"],
            found["sweeps"],
            found["seconds"],
            ", ".join(f"{key} {value}" for key, value in found["settings"].items()),
        ]
        for name, found in figures.items()
    ]
    headers = ["protocol", "test RMSE", "aim", "validation", "sweeps", "s", "settings"]
    text = markdown(headers, rows)
    write(arguments.name, "Quality of Bayesian machines on ratings", [text], figures)


if __name__ == "__main__":
    main()
