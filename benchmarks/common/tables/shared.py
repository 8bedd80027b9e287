"""Data sets that may not be redistributed, from the folder that ``--data`` names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd

from benchmarks.common.tables.archives import MissingDataError
from benchmarks.common.tables.table import Table


def _file(data: Path, name: str) -> Path:
    path = data / name
    if not path.exists():
        raise MissingDataError(
            f"There is no {path}. These data may not be redistributed; name the folder of yours "
            "with --data."
        )
    return path


def _criteo(data: Path) -> pd.DataFrame:
    names = ["click", *(f"I{n}" for n in range(1, 14)), *(f"C{n}" for n in range(1, 27))]
    path = _file(data, "criteo-10k/train.tsv.gz")
    return pd.read_csv(path, sep="\t", header=None, names=names)


def _frappe(data: Path) -> pd.DataFrame:
    """Return the rows of the published split that training may see, as whole numbers."""
    names = [
        "user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather", "country",
        "city",
    ]  # fmt: skip
    path = _file(data, "frappe/frappe_x1.train.ffm.gz")
    raw = pd.read_csv(path, sep=" ", header=None, names=["used", *names])
    codes = {name: raw[name].str.split(":").str[1].astype(int) for name in names}
    return pd.DataFrame({"used": (raw["used"] > 0).astype(int), **codes})


def _ml_100k(data: Path) -> pd.DataFrame:
    """Return the ratings with all columns of users and films, as the files hold them."""
    ratings = pd.read_csv(
        _file(data, "ml-100k/u.data"), sep="\t", header=None,
        names=["user", "item", "rating", "timestamp"],
    )  # fmt: skip
    users = pd.read_csv(
        _file(data, "ml-100k/u.user"), sep="|", header=None,
        names=["user", "age", "gender", "occupation", "zip"],
    )  # fmt: skip
    text = _file(data, "ml-100k/u.genre").read_text()
    genres = [line.split("|")[0] for line in text.split()]
    items = pd.read_csv(
        _file(data, "ml-100k/u.item"), sep="|", header=None, encoding="latin-1",
        names=["item", "title", "released", "video", "url", *genres],
    ).drop(columns=["video", "url"])  # fmt: skip
    return ratings.merge(users, on="user").merge(items, on="item")


def _ml_1m(data: Path) -> pd.DataFrame:
    return pd.read_csv(_file(data, "ml-1m/ratings.csv.gz"))


def _mushrooms(data: Path) -> pd.DataFrame:
    """Return the mushrooms with a column of zeros and ones for each value of each property."""
    from sklearn.datasets import load_svmlight_file

    with gzip.open(_file(data, "xlearn-demos/agaricus_train.txt.gz")) as file:
        features, poisonous = load_svmlight_file(file)
    table = pd.DataFrame(features.toarray().astype(int)).add_prefix("property_")
    return table.assign(poisonous=poisonous.astype(int))


GROUPLENS = "research use, no redistribution (GroupLens)"
TABLES = (
    Table(
        name="criteo", read=_criteo, target="click", task="binary",
        kinds=("clicks", "heavy", "categories"), source="Criteo, display advertising sample",
        licence="non-commercial, no redistribution",
    ),
    Table(
        name="frappe", read=_frappe, target="used", task="binary", whole="user",
        codes=("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather",
               "country", "city"),
        kinds=("clicks", "codes"), source="Frappe, split of He and Chua 2017",
        licence="research use, no redistribution",
    ),
    Table(
        name="ml-100k", read=_ml_100k, target="rating", task="regression", whole="user",
        codes=("user", "item"), dates=("released",),
        kinds=("ratings", "codes", "dates", "wide"),
        source="MovieLens 100K with users and films", licence=GROUPLENS,
    ),
    Table(
        name="mushrooms", read=_mushrooms, target="poisonous", task="binary", kinds=("wide",),
        source="UCI Mushroom, as xLearn's demonstrations have it", licence="Apache-2.0",
    ),
    Table(
        name="ml-1m", read=_ml_1m, target="rating", task="regression", whole="user",
        codes=("user", "item"),
        kinds=("ratings", "codes"), source="MovieLens 1M, user and film only", licence=GROUPLENS,
    ),
)  # fmt: skip
