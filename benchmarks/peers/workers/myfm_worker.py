"""Train with myFM."""

from __future__ import annotations

from typing import Any

from myfm import MyFMGibbsClassifier

from _svm import answer, epoch_seconds, matrix, normalised


def train(request: dict[str, Any]) -> dict[str, Any]:
    X, y, _ = matrix()
    X = normalised(X)

    def fit(sweeps: int) -> object:
        model = MyFMGibbsClassifier(rank=request["k"], random_seed=1)
        return model.fit(X, y, n_iter=sweeps, n_kept_samples=1)

    return {"seconds": epoch_seconds(fit, request["epochs"])}


if __name__ == "__main__":
    answer({"train": train})
