"""MovieLens as tables, and the splits that several protocols share."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

Tables = tuple[pd.DataFrame, pd.DataFrame]
SEED = 2024  # of our own random splits


def ml_100k_columns(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the columns of users and of movies, all as categories; a movie has several genres."""
    users = pd.read_csv(
        folder / "u.user", sep="|", header=None, dtype=str,
        names=["user", "age", "gender", "occupation", "zip"],
    )  # fmt: skip
    users["age"] = (users["age"].astype(int) // 5 * 5).astype(str) + "s"
    users["zip"] = "zip " + users["zip"].str[:2]
    genres = [line.split("|")[0] for line in (folder / "u.genre").read_text().split()]
    raw = pd.read_csv(folder / "u.item", sep="|", header=None, dtype=str, encoding="latin-1")
    years = [re.search(r"-(\d{4})$", date) if isinstance(date, str) else None for date in raw[2]]
    flags = raw.iloc[:, 5 : 5 + len(genres)].to_numpy() == "1"
    items = pd.DataFrame(
        {
            "item": raw[0],
            "year": [f"year {year[1]}" if year else None for year in years],
            "genres": ["|".join(np.array(genres)[row]) for row in flags],
        }
    )
    return users, items


def ml_100k_tables(folder: Path) -> pd.DataFrame:
    names = ["user", "item", "rating", "time"]
    ratings = pd.read_csv(folder / "u.data", sep="\t", header=None, names=names)
    users, items = ml_100k_columns(folder)
    ages = pd.read_csv(folder / "u.user", sep="|", header=None)[1]
    users["age"] = pd.cut(ages, [0, 18, 25, 35, 45, 50, 56, 100]).astype(str)
    items["decade"] = items["year"].str[:-1]
    pairs = ratings[["user", "item"]].astype(str)
    whole = pairs.merge(users.drop(columns="zip"), on="user", how="left")
    return whole.merge(items.drop(columns="year"), on="item", how="left")


def stratified_by_item(table: pd.DataFrame, seed: int, share: float = 0.75) -> Tables:
    """The split of the benchmark: the first three quarters of each item in a random order."""
    rng = np.random.RandomState(seed)
    order = table.assign(luck=rng.rand(len(table)), number=table["item"].astype(int))
    order = order.sort_values(["number", "luck"])
    count = order.groupby("item")["luck"].transform("size")
    place = order.groupby("item").cumcount() + 1
    first = place <= (share * count).round()
    kept = order.drop(columns=["luck", "number"])
    return kept[first], kept[~first]
