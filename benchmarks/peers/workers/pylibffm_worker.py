"""Train with pylibffm."""

from __future__ import annotations

from typing import Any

import numpy as np
from pylibffm import make_bin, train_with_bin

from _svm import answer, epoch_seconds, matrix


def train(request: dict[str, Any]) -> dict[str, Any]:
    X, y, fields = matrix()
    path, _ = make_bin(".", X.astype(np.float32), y, fields)

    def fit(epochs: int) -> object:
        return train_with_bin(path, {"k": request["k"], "nr_iters": epochs})

    return {"seconds": epoch_seconds(fit, request["epochs"])}


if __name__ == "__main__":
    answer({"train": train})
