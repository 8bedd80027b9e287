"""The split of models trained on MovieLens 1M, with columns of users and movies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.oracle.kernels import Parameters, score_rows

from fieldfare.retrieval import Recommender, split
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import train

USER = ["user", "gender", "age", "occupation", "zip"]


@pytest.fixture(scope="module")
def movielens(shared_data):
    """Users, movies, and every tenth rating with a random hour, since the data have none."""
    folder = shared_data / "ml-1m"
    options = {"sep": "::", "engine": "python", "encoding": "latin-1", "header": None}
    users = pd.read_csv(folder / "users.dat", names=USER, **options).drop(columns="zip")
    movies = pd.read_csv(folder / "movies.dat", names=["movie", "title", "genres"], **options)
    movies["year"] = movies["title"].str.extract(r"\((\d{4})\)$").astype(int)
    ratings = pd.read_csv(folder / "ratings.csv.gz").iloc[::10]
    ratings.columns = ["user", "movie", "rating"]
    ratings["hour"] = np.random.default_rng(0).integers(0, 24, len(ratings))
    return users, movies.drop(columns="title"), ratings


@pytest.mark.parametrize("kind", ["fm", "fwfm", "ffm", "hofm"])
def test_the_split_of_a_trained_model(movielens, kind) -> None:
    users, movies, ratings = movielens
    columns = [
        *(Column(name, role="user") for name in ("user", "gender", "age", "occupation")),
        Column("movie", role="item"),
        Column("genres", "multi", role="item", separator="|"),
        Column("year", "numeric", role="item"),
        Column("hour", role="context"),
    ]
    table = ratings.merge(users).merge(movies)
    schema = Schema(tuple(columns), "rating")
    model = train(
        table, schema=schema, model=kind, n_factors=8, max_iter=1, random_state=0, n_jobs=1
    ).model
    recommender = Recommender(model, movies, users=users, index="exact")
    asked = users.iloc[::2000]
    for user, (_, one) in zip(asked["user"], asked.iterrows(), strict=True):
        everything = movies.assign(**one.to_dict(), hour=21)
        rows = model.schema.encode(everything, labelled=False)
        wide = {
            name: None if array is None else array.astype(np.float64)
            for name in ("bias", "linear", "factors", "pair_weights")
            for array in [getattr(model, name)]
        }
        expected = score_rows(Parameters(**wide), model.spec(), rows)[:, 0]
        for dtype, bound in (("float64", 1e-9), ("float32", 1e-5)):
            parts = split(model, dtype=dtype)
            vectors, constants = parts.queries(rows.slice(0, 1))
            items = parts.items(movies)
            lengths = np.linalg.norm(items, axis=1) * np.linalg.norm(vectors[0])
            wrong = np.abs(constants[0] + items @ vectors[0] - expected)
            assert (wrong <= bound * (1 if dtype == "float64" else 1 + lengths)).all()
        ids, scores = recommender.recommend(user, n=100, contexts={"hour": 21})
        best = np.argsort(-expected, kind="stable")[:100]
        np.testing.assert_allclose(scores, expected[best], rtol=1e-5)
        # Items whose scores differ only in the last bits may change places.
        apart = np.diff(expected[best]) < -1e-5
        clear = np.append(True, apart) & np.append(apart, True)
        np.testing.assert_array_equal(ids[clear], movies["movie"].to_numpy()[best][clear])
