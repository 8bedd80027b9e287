"""Learn vectors of users and items by implicit's ALS."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix


def main() -> None:
    pairs = np.load("pairs.npz")
    seen = csr_matrix((np.ones(len(pairs["users"]), np.float32), (pairs["users"], pairs["items"])))
    start = time.perf_counter()
    model = AlternatingLeastSquares(**json.loads(sys.argv[1]))
    model.fit(seen, show_progress=False)
    seconds = time.perf_counter() - start
    np.savez("vectors.npz", users=model.user_factors, items=model.item_factors, seconds=seconds)


if __name__ == "__main__":
    main()
