"""The generated click data as Rows in memory, without the detour over text."""

from __future__ import annotations

import numpy as np

from benchmarks.common.generate import CARDINALITIES, parts, plant
from benchmarks.common.report import WORK
from fieldfare.rows import Rows


def click_rows(n_rows: int, seed: int = 1, part: int = 1) -> Rows:
    """Return the rows that ``generate.py`` writes for a seed; part 1 is ``train``, 2 is ``test``.

    They are kept in ``build/benchmarks``: drawing a million takes half a minute.
    """
    path = WORK / f"rows-{n_rows}-{seed}-{part}.npz"
    if not path.exists():
        model = plant(seed)
        drawn = [
            (model.scattered[features], clicked)
            for features, _, clicked in parts(model, n_rows, [seed, part])
        ]
        WORK.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            indices=np.concatenate([features for features, _ in drawn]).ravel(),
            target=np.concatenate([clicked for _, clicked in drawn]).astype(np.float32),
        )
    n_fields = len(CARDINALITIES)
    with np.load(path) as arrays:
        return Rows(
            np.arange(0, (n_rows + 1) * n_fields, n_fields, dtype=np.int64),
            arrays["indices"],
            None,
            np.tile(np.arange(n_fields, dtype=np.uint16), n_rows),
            arrays["target"],
        )
