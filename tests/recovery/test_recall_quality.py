"""The published protocol of recall on MovieLens 100k, which BPR reaches 0.445 on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fieldfare.estimators import FMRanker
from fieldfare.retrieval import compare


def test_the_non_sampled_solver_on_movielens_100k(shared_data) -> None:
    names = ["user", "item", "rating", "time"]
    ratings = pd.read_csv(shared_data / "ml-100k" / "u.data", sep="\t", header=None, names=names)
    # Of each item three quarters, in the random order of the published split.
    ratings["luck"] = np.random.RandomState(42).rand(len(ratings))
    ratings = ratings.sort_values(["item", "luck"])
    count = ratings.groupby("item")["luck"].transform("size")
    first = ratings.groupby("item").cumcount() + 1 <= (0.75 * count).round()
    table = ratings[["user", "item"]]
    ranker = FMRanker(
        solver="nonsampled", n_factors=64, max_iter=12, fit_linear=False, random_state=0
    )
    ranker.fit(table[first])
    found = compare(
        {"FM": ranker}, table[first], table[~first], metrics=["ndcg@10"], baselines=["popularity"]
    )
    assert len(found["FM"].by_user["ndcg@10"]) == 943
    assert found["FM"]["ndcg@10"] > 0.48
    assert abs(found["popularity"]["ndcg@10"] - 0.252) < 0.001  # as published tools measure it
