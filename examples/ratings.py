"""Predict ratings from user, movie and genres in a DataFrame-like table."""

from __future__ import annotations

import numpy as np

from fieldfare import evaluate, train
from fieldfare.data.split import split_rows


def make_ratings(n_rows: int = 4000, seed: int = 0) -> dict[str, list[object]]:
    """Make ratings in which users like some genres and not others."""
    random = np.random.default_rng(seed)
    genres = np.array(["action", "comedy", "drama", "horror"])
    user, movie = random.integers(0, 50, n_rows), random.integers(0, 80, n_rows)
    has = random.random((80, 4)) < 0.4
    likes = random.normal(size=(50, 4))
    rating = 3 + (likes[user] * has[movie]).sum(1) + random.normal(0, 0.3, n_rows)
    return {
        "user": [f"u{i}" for i in user],
        "movie": [f"m{i}" for i in movie],
        "genres": [list(genres[has[i]]) for i in movie],
        "rating": np.clip(rating, 1, 5).tolist(),
    }


def main() -> None:
    table = make_ratings()
    rows, held_out = split_rows(len(table["rating"]), 0.2, 0)
    training = {name: [column[i] for i in rows] for name, column in table.items()}
    test = {name: [column[i] for i in held_out] for name, column in table.items()}
    for model in ("linear", "fm"):
        result = train(training, target="rating", model=model, max_iter=15, random_state=0)
        print(model, evaluate(result.model, test))


if __name__ == "__main__":
    main()
