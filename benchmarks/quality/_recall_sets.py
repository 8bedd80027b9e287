"""Interactions of different shape, for choosing and judging the defaults of recall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality._movielens import ml_100k_columns
from benchmarks.quality._recall import Tables

TEST = 0.2  # of the interactions of each user, the latest where times are known
LEAST = 5  # users with fewer interactions are not tested
USERS_OF_ITEM = 2
TAGS_OF_ARTIST = 5


@dataclass(frozen=True)
class Interactions:
    """A table with the columns user and item, and perhaps others.

    Attributes
    ----------
    table : DataFrame
        One row per interaction; a pair may occur in several contexts.
    columns : list of str
        What is known of items besides their ids; texts, several values joined by ``|``.
    contexts : list of str
        What is known of the interaction.
    by_time : bool
        Whether there is a column ``time``, by which the test is later than the training.
    """

    table: pd.DataFrame
    columns: list[str] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)
    by_time: bool = False

    def pairs(self) -> pd.DataFrame:
        """Return one row per user and item, the first."""
        return self.table.drop_duplicates(["user", "item"], ignore_index=True)

    def of_users(self, most: int) -> Interactions:
        """Return the interactions of so many users, drawn, and of the items that they share."""
        users = self.table["user"].unique()
        if len(users) > most:
            users = np.random.default_rng(0).choice(users, most, replace=False)
        table = self.table[self.table["user"].isin(users)]
        shared = table.groupby("item")["user"].transform("nunique") >= USERS_OF_ITEM
        return replace(self, table=table[shared].reset_index(drop=True))


def split(pairs: pd.DataFrame, seed: int, *, by_time: bool) -> Tables:
    """Hold out a fifth of the interactions of each user: the latest, or drawn ones.

    Items that the training part does not have are left out of the test: nobody can find them.
    """
    luck = np.random.default_rng(seed).random(len(pairs))
    key = pairs["time"] if by_time else pd.Series(luck, pairs.index)
    place = key.groupby(pairs["user"]).rank(method="first", pct=True)
    count = pairs.groupby("user")["item"].transform("size")
    held = (place > 1 - TEST) & (count >= LEAST)
    train, test = pairs[~held], pairs[held]
    return train, test[test["item"].isin(train["item"]) & test["user"].isin(train["user"])]


def ml_100k(data: Path) -> Interactions:
    names = ["user", "item", "rating", "time"]
    table = pd.read_csv(data / "ml-100k" / "u.data", sep="\t", header=None, names=names)
    when = pd.to_datetime(table["time"], unit="s")
    items = ml_100k_columns(data / "ml-100k")[1]
    items["decade"] = items["year"].str[:-1]
    table = table.astype({"user": str, "item": str}).drop(columns="rating")
    table = table.assign(hour=when.dt.hour.astype(str), weekday=when.dt.dayofweek.astype(str))
    table = table.merge(items.drop(columns="year"), on="item", how="left")
    return Interactions(table, ["decade", "genres"], ["hour", "weekday"], by_time=True)


def ml_1m(data: Path) -> Interactions:
    table = pd.read_csv(data / "ml-1m" / "ratings.csv.gz", dtype=str)[["user", "item"]]
    items = pd.read_csv(
        data / "ml-1m" / "movies.dat", sep="::", engine="python", dtype=str, encoding="latin-1",
        names=["item", "title", "genres"],
    )  # fmt: skip
    items["decade"] = items["title"].str.extract(r"\((\d{3})\d\)")[0]
    table = table.merge(items.drop(columns="title"), on="item", how="left")
    return Interactions(table, ["decade", "genres"])


def _tagged(data: Path) -> pd.DataFrame:
    path = data / "lastfm-2k" / "user_taggedartists.dat.gz"
    found = pd.read_csv(path, sep="\t", dtype=str, usecols=["userID", "artistID", "tagID"])
    return found.rename(columns={"userID": "user", "artistID": "artist", "tagID": "tag"})


def plays(data: Path) -> Interactions:
    path = data / "lastfm-2k" / "user_artists.dat.gz"
    table = pd.read_csv(path, sep="\t", dtype=str, usecols=["userID", "artistID"])
    table.columns = pd.Index(["user", "item"])
    counted = _tagged(data).groupby(["artist", "tag"]).size().rename("n").reset_index()
    often = counted.sort_values("n", ascending=False).groupby("artist").head(TAGS_OF_ARTIST)
    tags = often.groupby("artist")["tag"].agg("|".join).rename("tags")
    table = table.merge(tags, left_on="item", right_index=True, how="left")
    return Interactions(table, ["tags"])


def tags_of_users(data: Path) -> Interactions:
    return Interactions(_tagged(data).rename(columns={"tag": "item"})[["user", "item"]])


def tags_of_artists(data: Path) -> Interactions:
    table = _tagged(data)[["artist", "tag"]]
    table = table.rename(columns={"artist": "user", "tag": "item"})
    return Interactions(table)


def frappe(data: Path) -> Interactions:
    contexts = ["daytime", "weekday"]
    path = data / "frappe" / "frappe.csv.gz"
    table = pd.read_csv(path, sep="\t", dtype=str, usecols=["user", "item", *contexts])
    return Interactions(table, contexts=contexts)


def purchases(n_users: int = 1_000, n_items: int = 1_500, rank: int = 12) -> pd.DataFrame:
    """Draw few interactions of many users: a long tail of items, and some taste in them."""
    rng = np.random.default_rng(0)
    tastes, kinds = rng.normal(size=(n_users, rank)), rng.normal(size=(n_items, rank))
    popular = 1.2 * rng.normal(size=n_items)
    users, items = [], []
    for user in range(n_users):
        liking = 1.3 * tastes[user] @ kinds.T / np.sqrt(rank) + popular + rng.gumbel(size=n_items)
        n = 3 + int(rng.poisson(rng.gamma(1.0, 8)))
        users.append(np.full(n, user))
        items.append(np.argpartition(-liking, n)[:n])
    found = pd.DataFrame({"user": np.concatenate(users), "item": np.concatenate(items)}).astype(str)
    two = np.argsort(-kinds, axis=1)[:, :2].astype(str)
    return found.assign(kinds=[f"{a}|{b}" for a, b in two[found["item"].astype(int)]])


def generated(data: Path) -> Interactions:
    del data
    return Interactions(_in_contexts(purchases()), ["kinds"], ["hour", "weekday"])


def _in_contexts(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat some purchases, at hours that have to do with the item and on any weekday."""
    rng = np.random.default_rng(1)
    found = table.loc[table.index.repeat(1 + rng.poisson(1.0, len(table)))].reset_index(drop=True)
    usual = found["kinds"].str.split("|").str[0].astype(int)
    hour = np.where(rng.random(len(found)) < 0.5, usual, rng.integers(0, 12, len(found)))
    weekday = rng.integers(0, 7, len(found))
    return found.assign(hour=hour.astype(str), weekday=weekday.astype(str))


SETS: dict[str, Callable[[Path], Interactions]] = {
    "MovieLens 100k, in time order": ml_100k,
    "MovieLens 1M": ml_1m,
    "Last.fm, plays": plays,
    "Last.fm, tags of users": tags_of_users,
    "Last.fm, tags of artists": tags_of_artists,
    "Frappe": frappe,
    "generated": generated,
}
