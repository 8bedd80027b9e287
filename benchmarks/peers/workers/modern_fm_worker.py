"""Read and train with modern-fm."""

from __future__ import annotations

from typing import Any

from modern_fm import FMClassifier, load_libffm

from _svm import answer, epoch_seconds, matrix, normalised, timed


def read(request: dict[str, Any]) -> dict[str, Any]:
    del request
    return {"seconds": timed(lambda: load_libffm("train.ffm"))}


def train(request: dict[str, Any]) -> dict[str, Any]:
    X, y, _ = matrix()
    X = normalised(X)

    def fit(epochs: int) -> object:
        model = FMClassifier(
            n_factors=request["k"], max_iter=epochs, n_jobs=request["threads"], random_state=1
        )
        return model.fit(X, y)

    return {"seconds": epoch_seconds(fit, request["epochs"])}


if __name__ == "__main__":
    answer({"read": read, "train": train})
