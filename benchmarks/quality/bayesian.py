"""Test error of Bayesian factorization machines on ratings, by protocols with published figures.

``python -m benchmarks quality/bayesian`` needs the data sets in ``../shared/data`` (or
``--data FOLDER``), which may not be redistributed. What is not fixed by a protocol is chosen among
the options below on a tenth of the training part, or on several one after the other where that is
quick; the test part is looked at once a run, at the end.

With ``--seeds N`` the test part is predicted by N chains of other seeds, to tell how far apart they
come out; settings are still chosen by the first. With ``--peers PYTHON`` (by default the Python
that ``benchmarks.peers.install`` set up) myFM, where it is installed, samples from the same rows
and groups as many times with its own defaults, all sweeps averaged, as in its published figures.

Protocols
---------
u1-extended
    Fold u1 of MovieLens 100k, ordered probit, 10 factors, 512 samples. Features of myFM's
    extended example: user, film, day of the rating, the films that the user rated and the users
    that rated the film (in the training part, each with the value 1 / sqrt(their number)), and of
    the columns age in bins, occupation, first character of the zip code, year in bins and genres.
u3-ids, u3-grouped, u3-columns
    Fold u3, 10 factors, 200 samples: user and film with one prior, with one each, and with their
    columns as myFM's tutorial has them: age in steps of five, gender, occupation, first character
    of the zip code; year, or that there is none, and genres.
ml-1m-columns
    MovieLens 1M, random 80/10/10: user, film and their columns. The middle part is the validation.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.common.process import run
from benchmarks.common.public import add_protocols
from benchmarks.common.report import Report, markdown
from benchmarks.peers.install import WORKERS, add_peers
from benchmarks.quality._movielens import SEED, ml_100k_columns
from fieldfare.estimators import BayesianFMOrdinalRegressor, BayesianFMRegressor
from fieldfare.rows import RelatedRows, Relation, Rows

TITLE = "Quality of Bayesian machines on ratings"
TAKES = "15 minutes; an hour for four seeds"
Settings = dict[str, Any]
Entries = list[tuple[str, Any, float]]
Parts = tuple[pd.DataFrame, pd.DataFrame]
# As published, all sweeps are averaged, from the first on, and factors start with deviation 0.1
# (0.03 here, see decision 0011); or as many samples follow our own default warm-up. On u3 our own
# default start is tried too.
WARMUPS = (0, BayesianFMRegressor().n_warmup)
U1_COMMON: Settings = {"n_factors": 10, "n_samples": 512, "init_scale": 0.03}
U1_OPTIONS: list[Settings] = [{"n_warmup": n} for n in WARMUPS]
U3_COMMON: Settings = {"n_factors": 10, "n_samples": 200}
U3_OPTIONS: list[Settings] = [
    {"n_warmup": n, "init_scale": scale} for n in WARMUPS for scale in (0.1, 0.03)
]
U3_VALIDATIONS = 5
ML_1M_OPTIONS: list[Settings] = [{"n_factors": 8}, {"n_factors": 16}, {"n_factors": 24}]
AIMS = {
    "u1-extended": 0.881,
    "u3-ids": 0.894,
    "u3-grouped": 0.892,
    "u3-columns": 0.885,
    "ml-1m-columns": 0.835,
}
WORKER = WORKERS / "myfm_errors.py"


class Protocol(NamedTuple):
    """Training and test part, the former split again, and what is fixed and what chosen."""

    parts: Parts
    inner: list[Parts]
    sides: dict[str, pd.DataFrame]
    common: Settings
    options: list[Settings]
    ordinal: bool = False


class Encoder:
    """Numbers of features, and groups of them by name, as they come."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, Any], int] = {}

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
        own = encoder.rows(samples).with_(target=part["rating"].to_numpy(np.float32))
        found.append(
            RelatedRows(
                own,
                tuple(
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


def error(protocol: Protocol, parts: Parts, settings: Settings, seed: int = 1) -> Settings:
    """Return the RMSE of the averaged predictions, and the seconds of sampling."""
    train, test, groups = related(parts, protocol.sides, extended=protocol.ordinal)
    kind = BayesianFMOrdinalRegressor if protocol.ordinal else BayesianFMRegressor
    model = kind(n_keep_samples=0, random_state=seed, **({"groups": groups} | settings))
    start = time.perf_counter()
    model.fit(train, eval_set=test)
    seconds = time.perf_counter() - start
    trace = model.trace_
    return {"rmse": float(trace["valid_rmse"][-1]), "sweeps": len(trace), "seconds": seconds}


def chosen(protocol: Protocol) -> tuple[Settings, float]:
    """Return the settings that are best on the validation parts, and their mean error there."""
    found = []
    for one in protocol.options:
        settings = protocol.common | one
        errors = [error(protocol, parts, settings)["rmse"] for parts in protocol.inner]
        found.append(float(np.mean(errors)))
        print(f"validation {found[-1]:.4f} {one}", flush=True)
    return protocol.common | protocol.options[int(np.argmin(found))], min(found)


def by_myfm(python: Path, protocol: Protocol, settings: Settings, seed: int) -> float | None:
    """Return the RMSE of myFM with as many sweeps, all of them averaged."""
    train, test, groups = related(protocol.parts, protocol.sides, extended=protocol.ordinal)
    # Its features are numbered table after table, those of a group one after the other.
    tables = [np.union1d(train.own.indices, test.own.indices)]
    tables += [np.unique(relation.rows.indices) for relation in train.relations]
    place, sizes = np.zeros(len(groups), np.int64), []
    for ids in tables:
        place[ids[np.argsort(groups[ids], kind="stable")]] = np.arange(len(ids))
        sizes += np.unique(groups[ids], return_counts=True)[1].tolist()
    arrays: dict[str, Any] = {
        "k": settings["n_factors"],
        "sweeps": settings["n_samples"],
        "seed": seed,
        "ordinal": protocol.ordinal,
        "widths": [len(ids) for ids in tables],
        "group_sizes": [sum(sizes)] if settings.get("groups") == "all" else sizes,
    }
    for part, rows in (("train", train), ("test", test)):
        arrays |= as_arrays(part, rows.own, place) | {f"{part}_target": rows.target}
        arrays |= {f"{part}_codes{n}": of.codes for n, of in enumerate(rows.relations)}
    for n, relation in enumerate(train.relations):
        arrays |= as_arrays(f"side{n}", relation.rows, place)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "rows.npz", **arrays)
        done = run([str(python), str(WORKER), "rows.npz"], folder=Path(folder), limit=3600)
        if done.failure:
            print("myFM:", done.failure)
            return None
        return float((Path(folder) / "rmse.txt").read_text())


def as_arrays(name: str, rows: Rows, place: np.ndarray[Any, Any]) -> Settings:
    """Return the arrays of a compressed matrix, its columns moved."""
    values = np.ones(rows.nnz) if rows.values is None else rows.values
    return {
        f"{name}_indptr": rows.indptr,
        f"{name}_indices": place[rows.indices],
        f"{name}_values": values.astype(np.float64),
    }


def fold(data: Path, number: int, n_validations: int = 1) -> tuple[Parts, list[Parts]]:
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
    tenths = np.array_split(order, 10)[:n_validations]
    inner = [
        (train.drop(index=held).reset_index(drop=True), train.loc[held].reset_index(drop=True))
        for held in tenths
    ]
    return (train, test), inner


def u1_extended(data: Path) -> Protocol:
    parts, inner = fold(data, 1)
    users, films = ml_100k_sides(data / "ml-100k")
    ages = pd.read_csv(data / "ml-100k" / "u.user", sep="|", header=None)[1]
    users["age"] = binned(ages.to_numpy(float))
    films["year"] = binned(films["year"].str[-4:].to_numpy(float))
    sides = {"user": users.drop(columns="gender"), "item": films}
    return Protocol(parts, inner, sides, U1_COMMON, U1_OPTIONS, ordinal=True)


def u3(data: Path, *, columns: bool, **common: Any) -> Protocol:
    parts, inner = fold(data, 3, U3_VALIDATIONS)
    sides = {}
    if columns:
        users, films = ml_100k_sides(data / "ml-100k")
        films["year"] = films["year"].fillna("no year")
        sides = {"user": users, "item": films}
    return Protocol(parts, inner, sides, U3_COMMON | common, U3_OPTIONS)


def ml_100k_sides(folder: Path) -> Parts:
    """Return the columns of users and of films by their ids, the zip code's first character."""
    users, films = ml_100k_columns(folder)
    users["zip"] = users["zip"].str.removeprefix("zip ").str[0]
    return users.set_index("user"), films.set_index("item")


def binned(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the eleven bins of equally many values, and one for those that are missing."""
    bounds = np.unique(np.nanpercentile(values, np.linspace(0, 100, 12)[1:-1]))
    return np.where(np.isnan(values), "none", np.searchsorted(bounds, values).astype(str))


def ml_1m_columns(data: Path) -> Protocol:
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
    return Protocol((train, test), [(train, valid)], sides, common, ML_1M_OPTIONS)


PROTOCOLS: dict[str, Callable[[Path], Protocol]] = {
    "u1-extended": u1_extended,
    "u3-ids": partial(u3, columns=False, groups="all"),
    "u3-grouped": partial(u3, columns=False),
    "u3-columns": partial(u3, columns=True),
    "ml-1m-columns": ml_1m_columns,
}


def measured(protocol: Protocol, seeds: int, python: Path) -> Settings:
    """Return the errors of all seeds, of myFM too, with the settings that validation chose."""
    settings, valid = chosen(protocol)
    numbers = range(1, seeds + 1)
    runs = [error(protocol, protocol.parts, settings, seed) for seed in numbers]
    peers = []
    if python.exists():
        peers = [by_myfm(python, protocol, settings, seed) for seed in numbers]
    return {
        "rmse": [one["rmse"] for one in runs],
        "myfm": [one for one in peers if one is not None],
        "valid": valid,
        "sweeps": runs[0]["sweeps"],
        "seconds": statistics.median(one["seconds"] for one in runs),
        "settings": settings,
    }


def summary(errors: list[float]) -> str | None:
    """Return mean and standard deviation over the seeds."""
    if not errors:
        return None
    spread = f" ± {statistics.stdev(errors):.4f}" if len(errors) > 1 else ""
    return f"{statistics.mean(errors):.4f}{spread}"


def add_options(parser: ArgumentParser) -> None:
    add_protocols(parser, PROTOCOLS)
    parser.add_argument("--seeds", type=int, default=1, help="chains that predict the test part")
    add_peers(parser, "myfm")


def measure(options: Namespace) -> dict[str, Settings]:
    figures = {}
    for name in options.protocols:
        figures[name] = measured(PROTOCOLS[name](options.data), options.seeds, options.peers)
        print(name, figures[name], flush=True)
    return figures


def tell(report: Report) -> Iterator[str]:
    yield f"Mean and standard deviation over {report.settings['seeds']} seed(s)."
    rows = [
        [
            name,
            summary(found["rmse"]),
            f"<= {AIMS[name]}",
            summary(found["myfm"]),
            found["valid"],
            found["sweeps"],
            found["seconds"],
            ", ".join(f"{key} {value}" for key, value in found["settings"].items()),
        ]
        for name, found in report.figures.items()
    ]
    headers = ["protocol", "test RMSE", "aim", "myFM", "validation", "sweeps", "s", "settings"]
    yield markdown(headers, rows)
