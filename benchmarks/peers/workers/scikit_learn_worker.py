"""Read and train with scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import SGDClassifier

from _svm import answer, matrix, normalised, prepare, timed


def prepare_sorted(request: dict[str, Any]) -> dict[str, Any]:
    """Sort the features of each row, which is what it reads."""
    with open("train.svm") as lines, open("sorted.svm", "w") as out:
        for line in lines:
            label, *entries = line.split()
            entries.sort(key=lambda entry: int(entry.partition(":")[0]))
            out.write(" ".join([label, *entries]) + "\n")
    return prepare(request)


def read(request: dict[str, Any]) -> dict[str, Any]:
    del request
    return {"seconds": timed(lambda: load_svmlight_file("sorted.svm"))}


def train(request: dict[str, Any]) -> dict[str, Any]:
    X, y, _ = matrix()
    X = normalised(X)
    model = SGDClassifier(loss="log_loss", random_state=1)
    classes = np.array([0, 1])
    epochs = [timed(lambda: model.partial_fit(X, y, classes)) for _ in range(request["epochs"])]
    return {"seconds": sum(epochs) / len(epochs)}


if __name__ == "__main__":
    answer({"prepare": prepare_sorted, "read": read, "train": train})
