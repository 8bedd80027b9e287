"""Recall of tags of Last.fm for a user and an artist (Rendle and Schmidt-Thieme 2010).

One post of each user is the test; F1 of the mean precision and recall. On all posts, and on the
core in which users, artists and tags have ten posts or more.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from benchmarks.quality._recall import NON_SAMPLED, SAMPLED, Settings, Tables, fitted, grid
from fieldfare.data.split import leave_last_out
from fieldfare.estimators import FMRanker
from fieldfare.metrics import recommendation
from fieldfare.metrics.lists import judge, rank_items
from fieldfare.models.catalogue import catalogue_scores

TITLE, TAKES = "Recall of tags on Last.fm", "ten minutes"
CORE = 10
PLACES = range(1, 11)
# What must be remembered of each user and artist is much, and there are few posts of each: many
# factors, and a penalty that grows less than in proportion to how often they occur.
ALL_PAIRS = NON_SAMPLED | {"n_factors": 256, "max_iter": 6}
PENALTIES = ((1.0, 0.01), (0.75, 0.03), (0.5, 0.1))  # exponent, l2
UNOBSERVED = (0.003, 0.01)
PITF = SAMPLED | {"loss": "pairwise", "max_iter": 15, "learning_rate": 0.09, "init_scale": 0.017}
L2_FACTORS = {"l2_factors": (3e-6, 3e-5)}


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)


def measure(options: Namespace) -> dict[str, Any]:
    path = options.data / "lastfm-2k" / "user_taggedartists.dat.gz"
    raw = pd.read_csv(path, sep="\t", dtype=str, usecols=["userID", "artistID", "tagID"])
    raw.columns = pd.Index(["user", "artist", "tag"])
    posts = raw.drop_duplicates(ignore_index=True)
    return {
        name: _measured(table)
        for name, table in (("all posts", posts), (f"{CORE}-core", core(posts, CORE)))
    }


def tell(report: Report) -> Iterator[str]:
    for name, found in report.figures.items():
        n = found["numbers"]
        yield (
            f"F1 on the test posts, {name}: {n['tags given']:,} tags given by {n['users']:,} users "
            f"to {n['artists']:,} artists, {n['tags']:,} different ones; {n['test posts']:,} posts "
            "are the test."
        )
        rows = [[model, *curve, sum(curve) / len(curve)] for model, curve in found["F1"].items()]
        yield markdown(["F1 at", *map(str, PLACES), "mean"], rows)


def _measured(table: pd.DataFrame) -> dict[str, Any]:
    train, test = last_posts(table, seed=0)
    inner = last_posts(train, seed=1)
    penalties = [
        {"l2_exponent": exponent, "l2_queries": l2, "l2_items": l2} for exponent, l2 in PENALTIES
    ]
    weights = grid(unobserved_weight=UNOBSERVED)
    all_pairs = [one | other for one in penalties for other in weights]
    learned = {
        "FM, non-sampled": (ALL_PAIRS, all_pairs),
        "PITF as an FM (BPR)": (PITF, grid(**L2_FACTORS)),
    }
    curves: dict[str, list[float]] = {}
    settings: Settings = {}
    for name, (common, options) in learned.items():
        settings[name] = _best(common, options, inner)
        curves[name] = _curve(fitted(settings[name], train), (train, test))
    for name, sides in (
        ("most popular by artist and user", ("user", "artist")),
        ("most popular by user", ("user",)),
        ("most popular by artist", ("artist",)),
        ("most popular", ()),
    ):
        curves[name] = popular_tags((train, test), sides)
    sizes = table[["user", "artist", "tag"]].nunique()
    numbers = {
        "tags given": len(table),
        "users": int(sizes["user"]),
        "artists": int(sizes["artist"]),
        "tags": int(sizes["tag"]),
        "test posts": len(test[["user", "artist"]].drop_duplicates()),
    }
    return {"numbers": numbers, "F1": curves, "settings": settings}


def _best(common: Settings, options: list[Settings], tables: Tables) -> Settings:
    """Return the settings with the best mean of F1 on the posts held out for validation."""
    found = [np.mean(_curve(fitted(common | one, tables[0]), tables)) for one in options]
    return common | options[int(np.argmax(found))]


def core(table: pd.DataFrame, least: int) -> pd.DataFrame:
    """Return the largest part in which every user, artist and tag has so many posts."""
    while True:
        kept = np.ones(len(table), bool)
        for name in ("user", "artist", "tag"):
            posts = table[list(dict.fromkeys(["user", "artist", name]))].drop_duplicates()
            count = posts[name].value_counts()
            kept &= table[name].isin(count.index[count >= least]).to_numpy()
        if kept.all():
            return table
        table = table[kept]


def last_posts(table: pd.DataFrame, seed: int) -> Tables:
    """Hold out one random post (an artist) of each user that has several."""
    posts = table[["user", "artist"]].drop_duplicates()
    held = posts.iloc[leave_last_out(posts["user"].to_numpy(), seed=seed)[1]]
    test = table.merge(held.assign(held=True), on=["user", "artist"], how="left")["held"].notna()
    return table[~test.to_numpy()], table[test.to_numpy()]


def _f1(tables: Tables, scores: Callable[[pd.DataFrame, pd.Index], Any]) -> list[float]:
    """Return F1 of the mean precision and recall at 1 to 10, by scores of all tags for posts."""
    posts = tables[1][["user", "artist"]].drop_duplicates(ignore_index=True)
    tags = pd.Index(pd.concat(tables)["tag"].unique())
    joined = tables[1].merge(posts.assign(post=range(len(posts))), on=["user", "artist"])
    wanted = np.zeros((len(posts), len(tags)), bool)
    wanted[joined["post"], tags.get_indexer(joined["tag"])] = True
    best = rank_items(scores(posts, tags), PLACES[-1])
    lists = judge(best, wanted)
    curve = []
    for k in PLACES:
        precision = float(recommendation.precision(lists, k).mean())
        recall = float(recommendation.recall(lists, k).mean())
        curve.append(2 * precision * recall / max(precision + recall, 1e-12))
    return curve


def _curve(ranker: FMRanker, tables: Tables) -> list[float]:
    schema = ranker.schema_

    def scores(posts: pd.DataFrame, tags: pd.Index) -> Any:
        queries = schema.encode(posts, labelled=False, columns=["user", "artist"])
        items = schema.encode(pd.DataFrame({"tag": tags}), labelled=False, columns=["tag"])
        return catalogue_scores(ranker.model_, queries, items)

    return _f1(tables, scores)


def popular_tags(tables: Tables, sides: tuple[str, ...]) -> list[float]:
    """Tags by how often they are given to the artist and by the user, each as a share."""
    train = tables[0]

    def scores(posts: pd.DataFrame, tags: pd.Index) -> Any:
        overall = np.bincount(tags.get_indexer(train["tag"]), minlength=len(tags)).astype(float)
        found = np.tile(overall / overall.sum() * 1e-3, (len(posts), 1))
        for side in sides:
            counts = train.groupby([side, "tag"]).size().rename("n").reset_index()
            counts["share"] = counts["n"] / counts.groupby(side)["n"].transform("sum")
            joined = posts.assign(post=range(len(posts))).merge(counts, on=side)
            np.add.at(found, (joined["post"], tags.get_indexer(joined["tag"])), joined["share"])
        return found

    return _f1(tables, scores)
