"""Scores of every item for every query, for models of any kind."""

from __future__ import annotations

import numpy as np

from fieldfare._typing import Float32Array
from fieldfare.kernels.recall import Seen, Side
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model
from fieldfare.rows import Rows


def catalogue_scores(
    model: Model, queries: Rows, items: Rows, n_threads: int | None = None
) -> Float32Array:
    """Return the score of every query with every item.

    Parameters
    ----------
    model : Model
        With one output. For an FM, the scores are one product of matrices, and leave out what is
        the same for all items of a query.
    queries, items : Rows
        Halves of samples: what describes users and contexts, and what describes items.
    n_threads : int, optional

    Returns
    -------
    float32 array of shape (n_queries, n_items)
    """
    if model.traits.interactions is InteractionForm.PAIRS and not model.config.instance_norm:
        assert model.factors is not None
        k = model.factors.shape[2]
        vectors = []
        for rows in (queries, items):
            unseen = Seen(
                np.zeros(len(rows) + 1, np.int64),
                np.zeros(0, np.uint32),
                np.zeros(0, np.float32),
                0,
            )
            side = Side(rows, unseen, items=rows is items)
            linear = model.linear[:, 0] if model.config.fit_linear else None
            vectors.append(side.vectors(side.pack(model.factors[:, 0], linear), k))
        separable: Float32Array = vectors[0] @ vectors[1].T
        return separable
    scores = np.empty((len(queries), len(items)), np.float32)
    for i in range(len(queries)):
        scores[i] = model.score_candidates(queries.slice(i, i + 1), items, n_threads)[:, 0]
    return scores
