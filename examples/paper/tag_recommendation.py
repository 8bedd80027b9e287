"""Tag recommendation: a factorization machine against PITF and counting.

Figure 3 of Rendle (ICDM 2010) on Last.fm instead of the ECML/PKDD discovery challenge. One post
(a user and an artist) of each user is held out, and all tags are ranked for it; users, artists and
tags have at least ten posts each. F1 is that of the mean precision and recall over the posts.

Both models learn by comparing a tag that was given with one sampled from all others. The FM has one
vector per tag, and a bias; PITF has two vectors and no bias: a field-aware machine without linear
weights (see `fieldfare.recipes.pitf`). The penalty is the best of the options for the middle rank,
on a second post of each user.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from _common import SEED, Figure, Run, arguments, curve, finish, table
from fieldfare import FMRanker, predict, recipes, train

LEAST = 10
KEYS = ["user", "item"]


class Sizes(NamedTuple):
    """How much to measure."""

    ranks: Sequence[int]
    penalties: Sequence[float]
    n_epochs: int


class Posts(NamedTuple):
    """Tags of the training posts, and the held-out posts with their tags as a 0/1 table."""

    given: pd.DataFrame
    held: pd.DataFrame
    tags: pd.Index
    wanted: np.ndarray[Any, Any]


def lastfm(run: Run) -> pd.DataFrame:
    """Return the tags of users, artists and tags with at least ten posts each."""
    path = run.data / "lastfm-2k" / "user_taggedartists.dat.gz"
    table = pd.read_csv(path, sep="\t", dtype=str, usecols=[0, 1, 2])
    table.columns = pd.Index([*KEYS, "tag"])
    if run.small:
        table = table[table["user"].isin(table["user"].unique()[:100])]
    table, least = table.drop_duplicates(), 2 if run.small else LEAST
    while True:
        kept = np.ones(len(table), bool)
        for name in (*KEYS, "tag"):
            posts = table[list(dict.fromkeys([*KEYS, name]))].drop_duplicates()
            count = posts[name].value_counts()
            kept &= table[name].isin(count.index[count >= least]).to_numpy()
        if kept.all():
            return table.reset_index(drop=True)
        table = table[kept]


def held_out(table: pd.DataFrame, seed: int) -> Posts:
    """Hold out one random post per user."""
    posts = table[KEYS].drop_duplicates().sample(frac=1, random_state=seed)
    held = posts.drop_duplicates("user").reset_index(drop=True)
    number = table[KEYS].merge(held.assign(post=range(len(held))), "left")["post"].to_numpy()
    tags = pd.Index(table["tag"].unique())
    wanted = np.zeros((len(held), len(tags)), bool)
    known = ~np.isnan(number)
    wanted[number[known].astype(int), tags.get_indexer(table["tag"])[known]] = True
    return Posts(table[~known].reset_index(drop=True), held, tags, wanted)


def f1(scores: Any, posts: Posts) -> list[float]:
    """Return F1 of the first 1 to 10 tags."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(posts.wanted, best, axis=1).cumsum(axis=1)
    precision = (hits / np.arange(1, 11)).mean(axis=0)
    recall = (hits / posts.wanted.sum(axis=1, keepdims=True)).mean(axis=0)
    return [float(x) for x in 2 * precision * recall / np.maximum(precision + recall, 1e-12)]


def learned(kind: str, posts: Posts, settings: dict[str, Any]) -> Any:
    """Train a model, and return the scores of all tags for the held-out posts."""
    recipe = recipes.pitf(posts.given, n_negatives=0)
    common = {
        "negatives": "uniform", "loss": "pairwise", "learning_rate": 0.09, "init_scale": 0.017,
        "early_stopping": False, "n_jobs": 1, "random_state": SEED,
    } | settings  # fmt: skip
    if kind == "FM":
        model = FMRanker(schema=recipe.schema, **common).fit(recipe.table).model_
    else:
        model = train(
            recipe.table, schema=recipe.schema, task="rank", model="ffm", fit_linear=False, **common
        ).model
    asked = posts.held.loc[np.repeat(np.arange(len(posts.held)), len(posts.tags))]
    asked = asked.assign(tag=np.tile(posts.tags, len(posts.held)))
    return predict(model, recipe.transform(asked)).reshape(posts.wanted.shape)


def counted(posts: Posts, sides: Sequence[str]) -> Any:
    """Return how often each tag is given, or the sum of its shares in tags of user and artist."""
    number = posts.tags.get_indexer(posts.given["tag"])
    overall = np.bincount(number, minlength=len(posts.tags)) / len(number)
    scores = np.tile(overall * 1e-3, (len(posts.held), 1))
    for side in sides:
        counts = posts.given.groupby([side, "tag"]).size().rename("n").reset_index()
        counts["share"] = counts["n"] / counts.groupby(side)["n"].transform("sum")
        joined = posts.held.assign(post=range(len(posts.held))).merge(counts, on=side)
        place = joined["post"].to_numpy(), posts.tags.get_indexer(joined["tag"])
        np.add.at(scores, place, joined["share"].to_numpy())
    return scores


def parameters(kind: str, posts: Posts, k: int) -> int:
    """Return how many numbers decide the order of the tags."""
    n_tags = len(posts.tags)
    others = sum(posts.given[key].nunique() for key in KEYS)
    return k * (others + n_tags) + n_tags if kind == "FM" else k * (others + 2 * n_tags)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and draw."""
    run, started = arguments(__doc__, argv), time.perf_counter()
    sizes = Sizes((2, 3, 4), (3e-6, 3e-5), 2)
    if not run.small:
        sizes = Sizes((8, 16, 32, 64, 128), (3e-6, 3e-5, 3e-4), 20)
    posts = held_out(lastfm(run), SEED)
    inner = held_out(posts.given, SEED + 1)
    lines: dict[str, list[float]] = {
        "most popular tags": f1(counted(posts, ()), posts),
        "most popular by artist": f1(counted(posts, ("item",)), posts),
        "most popular by artist and user": f1(counted(posts, KEYS), posts),
    }
    ranked: dict[str, Any] = {"FM": {}, "PITF": {}}
    for kind, found in ranked.items():
        common = {"n_factors": sizes.ranks[len(sizes.ranks) // 2], "max_iter": sizes.n_epochs}
        options = [
            common | {"l2_factors": penalty, "l2_exponent": 1.0} for penalty in sizes.penalties
        ]
        chosen = max(options, key=lambda one: f1(learned(kind, inner, one), inner)[4])
        for k in sizes.ranks:
            settings = chosen | {"n_factors": k}
            name = f"{kind}, k = {k}"
            lines[name] = f1(learned(kind, posts, settings), posts)
            found[k] = {"parameters": parameters(kind, posts, k), "settings": settings}
            print(name, settings, lines[name][4], flush=True)
    finish(run, drawn(sizes, lines, ranked), started)


def drawn(sizes: Sizes, lines: Any, ranked: Any) -> Figure:
    """Return the figure."""
    most = sizes.ranks[-1]

    def by_length(axes: Any) -> None:
        for name, values in lines.items():
            if name.startswith("most") or name.endswith(f"= {most}"):
                dashed = "--" if name.startswith("most") else "-"
                curve(axes, range(1, 11), values, name, linestyle=dashed)
        axes.set(xlabel="number of tags recommended", ylabel="F1 of the test posts",
                 title="Last.fm", ylim=(0, 0.75))  # fmt: skip

    def by_size(axes: Any) -> None:
        for number, (kind, found) in enumerate(ranked.items()):
            x = [found[k]["parameters"] for k in sizes.ranks]
            y = [lines[f"{kind}, k = {k}"][4] for k in sizes.ranks]
            curve(axes, x, y, kind, color=f"C{number + 3}")
            beside = (3, -10) if kind == "FM" else (-14, 6)  # under one line, over the other
            for k, *place in zip(sizes.ranks, x, y, strict=True):
                axes.annotate(f"k={k}", place, xytext=beside, textcoords="offset points", size=7)
        axes.set(xlabel="number of parameters", ylabel="F1 at 5", xscale="log", title="by size")
        ticks = [ranked["FM"][k]["parameters"] for k in sizes.ranks]
        axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
        axes.minorticks_off()

    figures = {"f1": lines, "models": ranked}
    sized = {f"{kind}, k = {k}": one for kind, found in ranked.items() for k, one in found.items()}
    rows = [
        [name, sized[name]["parameters"] if name in sized else "", *values]
        for name, values in lines.items()
    ]
    tables = [table(["F1 at", "parameters", *range(1, 11)], rows)]
    return Figure("tag-recommendation", [by_length, by_size], figures, tables)


if __name__ == "__main__":
    main()
