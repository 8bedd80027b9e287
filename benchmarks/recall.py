"""Quality of candidate retrieval: all items ranked for every user, none sampled.

``python benchmarks/recall.py`` needs the data sets in ``../shared/data`` (or ``--data FOLDER``),
which may not be redistributed. Settings are chosen on a validation part of the training data; the
test part is only measured on.

Protocols
---------
ml-100k
    That of the Microsoft Recommenders benchmark: every rating is an interaction; of each movie's a
    random quarter is the test (their split, seed 42); lists of ten movies; mean over 943 users.
    Published there: BPR .4450 NDCG@10, LightGCN .4164, SAR .3938, BiVAE .4687.
ml-100k-cold
    15 % of the movies have no interaction in training, and are ranked among themselves.
ml-1m
    One random movie of each user is the test.
lastfm-tags
    Tags for a user and an artist (Rendle and Schmidt-Thieme 2010): users, artists and tags with ten
    posts or more; one post of each user is the test; F1 of the mean precision and recall.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _report import markdown, write
from fieldfare.data.schema import Column, Schema
from fieldfare.data.split import leave_last_out, split_rows
from fieldfare.estimators import FMRanker
from fieldfare.metrics import recommendation
from fieldfare.metrics.recommendation import Lists
from fieldfare.models.catalogue import catalogue_scores
from fieldfare.retrieval import Comparison, Evaluation, Trial, compare, evaluate_scores
from fieldfare.retrieval.comparison import model_scores
from quality import SHARED, _ml_100k_columns

Settings = dict[str, Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]
METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "hit_rate@10", "coverage@10")
SEEDS = range(5)

NON_SAMPLED: Settings = {"solver": "nonsampled", "n_factors": 64, "max_iter": 15}
SAMPLED: Settings = {
    "n_factors": 64, "negatives": "uniform", "learning_rate": 0.05, "l2_linear": 1e-4,
    "init_scale": 0.01,
}  # fmt: skip
GRID = {
    "unobserved_weight": (0.1, 0.2, 0.3),
    "l2": (0.01, 0.02, 0.03),
    "fit_linear": (True, False),
}
ROLES = {
    "user": "user", "age": "user", "gender": "user", "occupation": "user",
    "item": "item", "decade": "item", "genres": "item",
    "artist": "context", "tag": "item",
}  # fmt: skip


def schema_of(columns: Iterable[str]) -> Schema:
    plain = [Column(name, role=ROLES[name]) for name in columns]
    kinds: dict[str, Settings] = {"genres": {"kind": "multi", "separator": "|"}}
    return Schema(tuple(column.change(**kinds.get(column.name, {})) for column in plain))


def grid(**options: tuple[Any, ...]) -> list[Settings]:
    found = []
    for values in product(*options.values()):
        settings = dict(zip(options, values, strict=True))
        if "l2" in settings:
            settings["l2_queries"] = settings["l2_items"] = settings.pop("l2")
        found.append(settings)
    return found


def fitted(settings: Settings, table: pd.DataFrame, seed: int = 0, **more: Any) -> FMRanker:
    ranker = FMRanker(**settings, schema=schema_of(table.columns), random_state=seed)
    return ranker.fit(table, **more)


def best_of(
    options: list[Settings], common: Settings, metric: str, parts: list[Tables]
) -> Settings:
    """Return the settings with the best mean over the validation parts."""
    found = []
    for chosen in options:
        settings = common | chosen
        found.append(
            sum(measure(fitted(settings, part[0]), part, (metric,))[metric] for part in parts)
        )
    return common | options[int(np.argmax(found))]


def measure(ranker: FMRanker, tables: Tables, metrics: tuple[str, ...] = METRICS) -> Evaluation:
    return compare({"it": ranker}, *tables, metrics=metrics, baselines=())["it"]


# -- MovieLens 100k -------------------------------------------------------------------------------


def ml_100k_tables(folder: Path) -> pd.DataFrame:
    names = ["user", "item", "rating", "time"]
    ratings = pd.read_csv(folder / "u.data", sep="\t", header=None, names=names)
    users, items = _ml_100k_columns(folder)
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


def ml_100k(data: Path) -> tuple[list[str], Settings]:
    train, test = stratified_by_item(ml_100k_tables(data / "ml-100k"), seed=42)
    # A tenth only: what is best depends on how many interactions there are to learn from.
    inner = [stratified_by_item(train, seed, share=0.9) for seed in range(2)]
    figures: Settings = {}
    rows = []
    for name, columns in (("ids", ["user", "item"]), ("with columns", list(train.columns))):
        chosen = best_of(
            grid(**GRID), NON_SAMPLED, "ndcg@10", [_only(one, columns) for one in inner]
        )
        rows.append(_over_seeds(f"FM, {name}", chosen, (train[columns], test[columns])))
        figures[f"FM, {name}"] = rows[-1] | {"settings": chosen}
    for loss in ("pairwise", "softmax", "warp"):
        chosen = _sampled_settings(loss, _only(inner[0], ["user", "item"]))
        pair = _only((train, test), ["user", "item"])
        rows.append(_over_seeds(f"FM, ids, {loss}", chosen, pair, SEEDS[:1]))
        figures[f"FM, ids, {loss}"] = rows[-1] | {"settings": chosen}
    ids = _only((train, test), ["user", "item"])
    simple = compare({}, *ids, metrics=METRICS)
    rows += [{"model": name} | _means(simple[name]) for name in simple.evaluations]
    rows += _peers(ids)
    header = ["model", *METRICS, "NDCG@10 sd", "fit s"]
    keys = ["model", *METRICS, "sd", "seconds"]
    return ["## MovieLens 100k", markdown(header, [[r.get(k) for k in keys] for r in rows])], {
        "ml-100k": {r["model"]: r for r in rows} | figures
    }


def _only(tables: Tables, columns: list[str]) -> Tables:
    return tables[0][columns], tables[1][columns]


def _means(found: Evaluation) -> Settings:
    return {name: found[name] for name in found.metrics}


def _over_seeds(label: str, settings: Settings, tables: Tables, seeds: Any = SEEDS) -> Settings:
    """Return the means over the seeds, the deviation of NDCG@10, and the seconds of a fit."""
    found, seconds = [], []
    for seed in seeds:
        start = time.perf_counter()
        ranker = fitted(settings, tables[0], seed)
        seconds.append(time.perf_counter() - start)
        found.append(_means(measure(ranker, tables)))
    means = {name: float(np.mean([one[name] for one in found])) for name in METRICS}
    spread = float(np.std([one["ndcg@10"] for one in found]))
    return {"model": label, **means, "sd": spread, "seconds": float(np.median(seconds))}


def _sampled_settings(loss: str, inner: Tables) -> Settings:
    """Return the penalty and the number of epochs that are best on the validation part."""
    results = []
    for l2 in (1e-3, 3e-3):
        settings = SAMPLED | {"loss": loss, "l2_factors": l2, "max_iter": 40}
        ranker = fitted(settings, inner[0], eval_set=(inner[1], None, None))
        best = ranker.history_.best
        results.append((best["valid_ndcg@10"], best["epoch"], l2))
    _, epochs, l2 = max(results)
    return SAMPLED | {"loss": loss, "l2_factors": l2, "max_iter": epochs}


def _peers(tables: Tables) -> list[Settings]:
    """Measure the packages that are there: implicit's ALS and Cornac's BPR, if installed."""
    trial = Trial.of(*tables)
    rows = []
    for name, run in (("implicit, ALS", _implicit), ("cornac, BPR", _cornac)):
        try:
            start = time.perf_counter()
            scores = run(trial)
        except ImportError:
            print(f"{name}: not installed")
            continue
        seconds = time.perf_counter() - start
        found = evaluate_scores(scores, trial, METRICS)
        rows.append({"model": name, "seconds": seconds} | _means(found))
    return rows


def _implicit(trial: Trial) -> Any:
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    seen = trial.train
    model = AlternatingLeastSquares(factors=64, regularization=10.0, alpha=1.0, random_state=0)
    shape = (seen.n_rows, seen.n_partners)
    model.fit(csr_matrix((seen.weight, seen.index, seen.indptr), shape=shape), show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


def _cornac(trial: Trial) -> Any:
    import cornac

    seen = trial.train
    owner = np.repeat(np.arange(seen.n_rows), np.diff(seen.indptr))
    triples = [(str(u), str(i), 1.0) for u, i in zip(owner, seen.index, strict=True)]
    data = cornac.data.Dataset.from_uir(triples, seed=42)
    model = cornac.models.BPR(k=200, max_iter=200, learning_rate=0.01, lambda_reg=0.001, seed=42)
    model.fit(data)
    place = [data.iid_map.get(str(i), -1) for i in range(seen.n_partners)]

    def scores(users: Any) -> Any:
        found = np.array([model.score(data.uid_map[str(u)]) for u in users])
        return np.where(np.array(place) >= 0, found[:, place], -np.inf)

    return scores


# -- items without interactions -------------------------------------------------------------------


def ml_100k_cold(data: Path) -> tuple[list[str], Settings]:
    table = ml_100k_tables(data / "ml-100k")
    train, test = _cold(table, seed=0)
    inner = _cold(train, seed=1)
    options = [
        s | {"columns": c}
        for s in grid(
            unobserved_weight=(0.02, 0.05, 0.2), l2=(0.001, 0.01), fit_linear=(True, False)
        )
        for c in (list(table.columns), [c for c in table.columns if c != "item"])
    ]

    def run(settings: Settings, tables: Tables, seed: int = 0) -> Evaluation:
        settings = dict(settings)
        columns = settings.pop("columns")
        ranker = fitted(NON_SAMPLED | settings, tables[0][columns], seed)
        return _cold_score(ranker, tables)

    best = max(range(len(options)), key=lambda i: run(options[i], inner)["ndcg@10"])
    found = [run(options[best], (train, test), seed) for seed in SEEDS]
    trial = Trial.of(train, test)
    luck = np.random.default_rng(0)
    random = evaluate_scores(
        _among(trial, lambda users: luck.random((len(users), trial.n_items))), trial, METRICS[:2]
    )
    rows: list[list[Any]] = [
        ["FM, with columns", *(float(np.mean([one[m] for one in found])) for m in METRICS[:2])],
        ["random", random["ndcg@10"], random["recall@10"]],
    ]
    text = markdown(["model", *METRICS[:2]], rows)
    return ["## MovieLens 100k, items without interactions", text], {
        "ml-100k-cold": {str(r[0]): r[1] for r in rows} | {"settings": str(options[best])}
    }


def _cold(table: pd.DataFrame, seed: int) -> Tables:
    items = np.sort(table["item"].unique())
    chosen = items[split_rows(len(items), 0.15, seed)[1]]
    cold = table["item"].isin(chosen)
    return table[~cold], table[cold]


def _among(trial: Trial, scores: Any) -> Any:
    """Rank only the items that no one had in training."""
    warm = trial.counts > 0
    return lambda users: np.where(warm, -np.inf, scores(users))


def _cold_score(ranker: FMRanker, tables: Tables) -> Evaluation:
    trial = Trial.of(*tables)
    scores = model_scores(ranker.model_, trial, *tables)
    return evaluate_scores(_among(trial, scores), trial, METRICS[:2])


# -- MovieLens 1M ---------------------------------------------------------------------------------


def ml_1m(data: Path) -> tuple[list[str], Settings]:
    ratings = pd.read_csv(data / "ml-1m" / "ratings.csv.gz", dtype=str)[["user", "item"]]
    kept, held = leave_last_out(ratings["user"].to_numpy(), seed=0)
    train, test = ratings.iloc[kept], ratings.iloc[held]
    kept, held = leave_last_out(train["user"].to_numpy(), seed=1)
    inner = train.iloc[kept], train.iloc[held]
    options = grid(unobserved_weight=(0.2, 0.5), l2=(0.01, 0.03), fit_linear=(False,))
    chosen = best_of(options, NON_SAMPLED | {"max_iter": 10}, "hit_rate@10", [inner])
    metrics = ("hit_rate@5", "hit_rate@10", "hit_rate@20", "ndcg@10")
    start = time.perf_counter()
    ranker = fitted(chosen, train)
    seconds = time.perf_counter() - start
    found: Comparison = compare({"FM, ids": ranker}, train, test, metrics=metrics)
    rows: list[list[Any]] = [
        [name, *(one[m] for m in metrics)] for name, one in found.evaluations.items()
    ]
    trial = Trial.of(train, test)
    try:
        peer = evaluate_scores(_implicit(trial), trial, metrics)
        rows.append(["implicit, ALS", *(peer[m] for m in metrics)])
    except ImportError:
        print("implicit: not installed")
    text = markdown(["model", *metrics], rows) + f"\n\nFit of the FM: {seconds:.1f} s."
    return ["## MovieLens 1M, one random movie of each user", text], {
        "ml-1m": {r[0]: dict(zip(metrics, r[1:], strict=True)) for r in rows}
        | {"settings": chosen, "seconds": seconds}
    }


# -- tags of Last.fm ------------------------------------------------------------------------------


def lastfm_tags(data: Path) -> tuple[list[str], Settings]:
    path = data / "lastfm-2k" / "user_taggedartists.dat.gz"
    raw = pd.read_csv(path, sep="\t", dtype=str, usecols=["userID", "artistID", "tagID"])
    raw.columns = pd.Index(["user", "artist", "tag"])
    table = _core(raw.drop_duplicates(ignore_index=True), least=10)
    train, test = _last_posts(table, seed=0)
    inner = _last_posts(train, seed=1)
    options = grid(unobserved_weight=(0.003, 0.01, 0.03), l2=(0.001, 0.003, 0.01))
    common = NON_SAMPLED | {"n_factors": 128, "max_iter": 10}
    found = [_tags(fitted(common | one, inner[0]), inner)[1][4] for one in options]
    chosen = common | options[int(np.argmax(found))]
    pitf = SAMPLED | {"loss": "pairwise", "l2_factors": 1e-5, "max_iter": 30}
    softmax = SAMPLED | {"loss": "softmax", "l2_factors": 1e-4, "max_iter": 10}
    curves = {
        "FM, non-sampled": _tags(fitted(chosen, train), (train, test))[1],
        "PITF as an FM (BPR)": _tags(fitted(pitf, train), (train, test))[1],
        "FM, softmax": _tags(fitted(softmax, train), (train, test))[1],
        "most popular by artist and user": _popular_tags((train, test), both=True),
        "most popular": _popular_tags((train, test), both=False),
    }
    header = ["F1 at", *map(str, range(1, 11))]
    text = markdown(header, [[name, *curve] for name, curve in curves.items()])
    return ["## Tags of Last.fm", text], {"lastfm-tags": curves | {"settings": chosen}}


def _core(table: pd.DataFrame, least: int) -> pd.DataFrame:
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


def _last_posts(table: pd.DataFrame, seed: int) -> Tables:
    """Hold out one random post (an artist) of each user that has several."""
    posts = table[["user", "artist"]].drop_duplicates()
    held = posts.iloc[leave_last_out(posts["user"].to_numpy(), seed=seed)[1]]
    test = table.merge(held.assign(held=True), on=["user", "artist"], how="left")["held"].notna()
    return table[~test.to_numpy()], table[test.to_numpy()]


def _f1(lists: Lists) -> list[float]:
    curve = []
    for k in range(1, 11):
        precision = float(recommendation.precision(lists, k).mean())
        recall = float(recommendation.recall(lists, k).mean())
        curve.append(2 * precision * recall / max(precision + recall, 1e-12))
    return curve


def _posts(tables: Tables) -> tuple[pd.DataFrame, Any, Any]:
    """Return the posts of the test, all tags, and which tags each post has."""
    posts = tables[1][["user", "artist"]].drop_duplicates(ignore_index=True)
    tags = pd.Index(pd.concat(tables)["tag"].unique())
    number = posts.assign(post=range(len(posts)))
    joined = tables[1].merge(number, on=["user", "artist"])
    wanted = np.zeros((len(posts), len(tags)), bool)
    wanted[joined["post"], tags.get_indexer(joined["tag"])] = True
    return posts, tags, wanted


def _tags(ranker: FMRanker, tables: Tables) -> tuple[Lists, list[float]]:
    posts, tags, wanted = _posts(tables)
    schema = ranker.schema_
    queries = schema.encode(posts, labelled=False, columns=["user", "artist"])
    items = schema.encode(pd.DataFrame({"tag": tags}), labelled=False, columns=["tag"])
    scores = catalogue_scores(ranker.model_, queries, items)
    lists = recommendation.judge(recommendation.rank_items(scores, 10), wanted)
    return lists, _f1(lists)


def _popular_tags(tables: Tables, *, both: bool) -> list[float]:
    """Tags by how often they are given to the artist and by the user, each as a share."""
    posts, tags, wanted = _posts(tables)
    train = tables[0]
    overall = np.bincount(tags.get_indexer(train["tag"]), minlength=len(tags)).astype(float)
    scores = np.tile(overall / overall.sum() * 1e-3, (len(posts), 1))
    for side in ("user", "artist") if both else ():
        counts = train.groupby([side, "tag"]).size().rename("n").reset_index()
        counts["share"] = counts["n"] / counts.groupby(side)["n"].transform("sum")
        joined = posts.assign(post=range(len(posts))).merge(counts, on=side)
        np.add.at(scores, (joined["post"], tags.get_indexer(joined["tag"])), joined["share"])
    return _f1(recommendation.judge(recommendation.rank_items(scores, 10), wanted))


PROTOCOLS = {
    "ml-100k": ml_100k,
    "ml-100k-cold": ml_100k_cold,
    "ml-1m": ml_1m,
    "lastfm-tags": lastfm_tags,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("protocols", nargs="*", metavar="PROTOCOL", help=", ".join(PROTOCOLS))
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--name", default="recall", help="of the report")
    arguments = parser.parse_args()
    unknown = set(arguments.protocols) - set(PROTOCOLS)
    if unknown:
        parser.error(
            f"unknown protocol {', '.join(sorted(unknown))}; known: {', '.join(PROTOCOLS)}"
        )
    if not arguments.data.is_dir():
        parser.error(
            f"there is no folder {arguments.data} with the data sets, which may not be "
            "redistributed; name yours with --data"
        )
    texts: list[str] = []
    figures: Settings = {}
    for name in arguments.protocols or PROTOCOLS:
        text, found = PROTOCOLS[name](arguments.data)
        texts += text
        figures |= found
    write(arguments.name, "Quality of candidate retrieval", texts, figures)


if __name__ == "__main__":
    main()
