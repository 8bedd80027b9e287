"""The task of the categorical Keras snippet: clicks from several fields, fed batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldfare import Schema
from fieldfare.keras import KerasFMClassifier


def make_clicks(n_rows: int, seed: int) -> dict[str, list]:
    """Users like some topics and not others; a page has one to three of them."""
    likes = np.random.default_rng(0).normal(size=(40, 12))
    random = np.random.default_rng(seed)
    user, hour = random.integers(0, 40, n_rows), random.integers(0, 24, n_rows)
    topics = [random.choice(12, random.integers(1, 4), replace=False) for _ in range(n_rows)]
    score = np.array([2 * likes[u, t].mean() for u, t in zip(user, topics, strict=True)])
    clicked = random.random(n_rows) < 1 / (1 + np.exp(-score - (hour > 18)))
    return {
        "user": [f"u{i}" for i in user],
        "topics": [[f"t{i}" for i in chosen] for chosen in topics],
        "hour": [f"{h}h" for h in hour],
        "clicked": ["yes" if c else "no" for c in clicked],
    }


def batches(table: dict[str, list], size: int) -> Iterator[tuple[list[dict], list[str]]]:
    """Yield batches endlessly, like a log that is read again and again."""
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    while True:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            X = [{k: v for k, v in row.items() if k != "clicked"} for row in part]
            yield X, [row["clicked"] for row in part]


def main() -> None:
    train, test = make_clicks(6000, 1), make_clicks(2000, 2)
    features = {name: column for name, column in train.items() if name != "clicked"}
    # One pass over the training data collects the values of each column.
    schema = Schema.infer(features).fit(features)
    clf = KerasFMClassifier(learning_rate=0.05, max_iter=6, schema=schema, random_state=0)
    clf.fit_batches(batches(train, 256), steps_per_epoch=24)
    print(clf.history_)
    columns = [test[name] for name in features]
    X = [dict(zip(features, cells, strict=True)) for cells in zip(*columns, strict=True)]
    print(f"accuracy on new clicks: {clf.score(X, test['clicked']):.3f}")
    print(f"without a model: {max(test['clicked'].count(c) for c in ('yes', 'no')) / 2000:.3f}")


if __name__ == "__main__":
    main()
