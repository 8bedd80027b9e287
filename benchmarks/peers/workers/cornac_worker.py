"""Learn vectors of users and items by cornac's BPR; the last number is an item's own."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from cornac.data import Dataset
from cornac.models import BPR


def main() -> None:
    pairs = np.load("pairs.npz")
    triples = [
        (user, item, 1.0)
        for user, item in zip(pairs["users"].tolist(), pairs["items"].tolist(), strict=True)
    ]
    # Both are numbered by first appearance, which is what cornac does itself.
    data = Dataset.from_uir(triples, seed=42)
    start = time.perf_counter()
    model = BPR(**json.loads(sys.argv[1])).fit(data)
    seconds = time.perf_counter() - start
    users = np.column_stack([model.u_factors, np.ones(len(model.u_factors), np.float32)])
    items = np.column_stack([model.i_factors, model.i_biases])
    np.savez("vectors.npz", users=users, items=items, seconds=seconds)


if __name__ == "__main__":
    main()
