"""Time the sweeps of myFM on rows whose entries are all in side tables."""

from __future__ import annotations

import sys
import time

import numpy as np
import scipy.sparse as sparse
from myfm import MyFMGibbsRegressor, RelationBlock


def main() -> None:
    data = np.load(sys.argv[1])
    target = data["target"].astype(np.float64)
    blocks = []
    for number in range(sum(name.startswith("codes") for name in data.files)):
        indptr, indices = data[f"indptr{number}"], data[f"indices{number}"].astype(np.int64)
        side = sparse.csr_matrix((np.ones(len(indices)), indices, indptr))
        blocks.append(RelationBlock(data[f"codes{number}"].astype(np.int64), side))
    ends = [time.perf_counter()]

    def note(*_: object) -> tuple[bool, str]:
        ends.append(time.perf_counter())
        return False, ""

    model = MyFMGibbsRegressor(rank=int(data["k"]), random_seed=1)
    sweeps = 1 + int(data["sweeps"])
    model.fit(None, target, blocks, n_iter=sweeps, n_kept_samples=1, callback=note)
    # The first is from the start of preparation.
    np.savetxt("seconds.txt", np.diff(ends))


if __name__ == "__main__":
    main()
