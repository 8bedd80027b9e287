"""What the scripts for packages share: the rows as a sparse matrix, read once from text."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

SAVED = Path("train.npz")


def prepare(request: dict[str, Any]) -> dict[str, Any]:
    """Read text, all features being one, and save the matrix and the field of each feature."""
    del request
    labels, indices, fields, indptr = [], [], [], [0]
    with Path("train.ffm").open() as lines:
        for line in lines:
            label, *entries = line.split()
            labels.append(int(label))
            parts = [entry.split(":") for entry in entries]
            fields += [int(part[0]) for part in parts]
            indices += [int(part[1]) for part in parts]
            indptr.append(len(indices))
    ids = np.array(indices)
    field_of = np.zeros(int(ids.max()) + 1, np.int64)
    field_of[ids] = fields
    np.savez(SAVED, y=np.array(labels), indices=ids, indptr=np.array(indptr), fields=field_of)
    return {}


def matrix() -> tuple[Any, Any, Any]:
    """Return X (CSR, float64, sorted), y and the field of each feature."""
    with np.load(SAVED) as saved:
        values = np.ones(len(saved["indices"]))
        shape = (len(saved["y"]), len(saved["fields"]))
        X = sp.csr_matrix((values, saved["indices"], saved["indptr"]), shape=shape)
        X.sort_indices()
        return X, saved["y"], saved["fields"]


def normalised(X: Any) -> Any:
    """Return rows of unit length, as the other systems scale them."""
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return (sp.diags(1 / lengths) @ X).tocsr()


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def epoch_seconds(fit: Callable[[int], object], epochs: int) -> float:
    """Return the seconds of one epoch: those that ``epochs`` more take, setting up left out."""
    first = timed(lambda: fit(1))
    return (timed(lambda: fit(1 + epochs)) - first) / epochs


def answer(actions: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]) -> None:
    """Do what the argument asks for, and print JSON as the last line."""
    request = json.loads(sys.argv[1])
    print(json.dumps(({"prepare": prepare} | dict(actions))[request["kind"]](request)))
