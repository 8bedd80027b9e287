"""Sample ``rows.npz`` with myFM, and write the test error to ``rmse.txt``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse
from myfm import MyFMGibbsRegressor, MyFMOrderedProbit, RelationBlock


def table(data: Any, name: str, n_features: int) -> sparse.csr_matrix:
    """Return a table of ``n_features`` columns."""
    indptr = data[f"{name}_indptr"]
    shape = (len(indptr) - 1, n_features)
    return sparse.csr_matrix((data[f"{name}_values"], data[f"{name}_indices"], indptr), shape)


def main() -> None:
    data = np.load(sys.argv[1])
    widths = data["widths"]  # of the rows' own table and of each side table
    sides = [table(data, f"side{n}", width) for n, width in enumerate(widths[1:])]
    rows = {part: table(data, part, widths[0]) for part in ("train", "test")}
    blocks = {
        part: [RelationBlock(data[f"{part}_codes{n}"], side) for n, side in enumerate(sides)]
        for part in rows
    }
    target, n = data["train_target"].astype(np.float64), int(data["sweeps"])
    ordinal = bool(data["ordinal"])
    kind = MyFMOrderedProbit if ordinal else MyFMGibbsRegressor
    model = kind(rank=int(data["k"]), random_seed=int(data["seed"]))
    model.fit(
        rows["train"], target.astype(np.int64) - 1 if ordinal else target, blocks["train"],
        n_iter=n, n_kept_samples=n, group_shapes=data["group_sizes"].tolist(),
    )  # fmt: skip
    if ordinal:
        chances = model.predict_proba(rows["test"], blocks["test"])
        found = chances @ np.arange(1, chances.shape[1] + 1)
    else:
        found = model.predict(rows["test"], blocks["test"])
    Path("rmse.txt").write_text(str(np.sqrt(np.mean((found - data["test_target"]) ** 2))))


if __name__ == "__main__":
    main()
