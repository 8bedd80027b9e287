"""Negatives: items drawn against each interaction, and the losses that are learned from them.

An interaction of query q with item i is compared with items j that q was not seen with. All losses
become steps of the kernels that also learn from rows and pairs, so that every kind of model, with
all its features, learns from them:

- ``pairwise`` (BPR; Rendle et al. 2009) and ``hinge``: the pairs (i, j);
- ``warp`` (Weston et al. 2011): candidates are drawn until one comes within 1 of i; only that pair
  counts, with the loss of the rank that the number of draws suggests;
- ``softmax``: the log likelihood of i among i and the drawn ones, each score less log q with q the
  chance to be drawn (Bengio and Senécal 2008). Its gradient is that of the pairs (i, j), each
  weighed by the probability of j, which is found just before the steps are taken;
- ``logistic``: interactions have the target 1 and drawn items the target 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldfare._random import stream
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.config import TrainingConfig
from fieldfare.data.interactions import Interactions, item_features, join
from fieldfare.exceptions import TrainingError
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import Solver
from fieldfare.training.parts import Part

_MOST_TRIES = 20
_SMALL_TABLE = 2**26
_BLOCK = 8192
# Losses that look at scores first take small blocks, so that these are not out of date.
_SCORED_BLOCK = 1024


class Negatives:
    """Interactions to learn from, and the items to draw from.

    Parameters
    ----------
    train : Part
        Rows; those whose target is not positive only add their items to those drawn from.
    model : Model
        Its Schema says which columns are those of items.
    loss : {"auto", "pairwise", "hinge", "warp", "softmax", "logistic"}
    config : TrainingConfig
        ``negatives`` and what goes with it; with a seed.

    Raises
    ------
    SchemaError
        If the columns have no roles.
    TrainingError
        If there is no interaction, or but one item.
    """

    def __init__(self, train: Part, model: Model, loss: str, config: TrainingConfig) -> None:
        rows = train.rows if train.index is None else train.rows.take(train.index)
        self._halves = Interactions.of(rows, item_features(model.schema))
        self._seen = self._halves.seen(rows.target, rows.weight)
        positive = np.ones(len(rows), bool) if rows.target is None else rows.target > 0
        positive &= True if rows.weight is None else rows.weight > 0
        self._rows = np.flatnonzero(positive)
        self._weight = rows.weight
        self._loss = "pairwise" if loss == "auto" else loss
        self._config = config
        self._epoch = 0
        n_items = self._halves.shape[1]
        if not len(self._rows) or n_items < 2:
            raise TrainingError(
                "Drawing negatives needs interactions (rows with a positive target) and at least "
                f"two items. There are {len(self._rows)} and {n_items}."
            )
        chances = np.bincount(self._halves.item[self._rows], minlength=n_items).astype(np.float64)
        if config.negatives == "uniform":
            chances[:] = 1
        elif config.negatives == "popularity":
            # Items without interactions are drawn as if they had one: they are candidates, too.
            chances = np.maximum(chances, 1) ** config.negatives_exponent
        self._chances: Float64Array = chances / chances.sum()
        self._drawn_from = np.cumsum(self._chances)
        owner = np.repeat(np.arange(self._seen.n_rows), np.diff(self._seen.indptr))
        self._known = owner * n_items + self._seen.index
        # Looked up directly where the table of all pairs is small, else by bisection.
        self._is_seen: AnyArray | None = None
        if self._seen.n_rows * n_items <= _SMALL_TABLE:
            self._is_seen = np.zeros(self._seen.n_rows * n_items, bool)
            self._is_seen[self._known] = True

    def blocks(self, epoch: int, *, shuffle: bool) -> Iterator[Int64Array]:
        """Yield the interactions of an epoch, as row numbers, to be given to `learn`."""
        self._epoch = epoch
        rows = self._rows
        if shuffle:
            rows = stream(self._config.random_state, "shuffle", epoch).permutation(rows)
        size = _SCORED_BLOCK if self._loss in ("warp", "softmax") else _BLOCK
        self._random = stream(self._config.random_state, "negatives", epoch)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def learn(
        self, solver: Solver, rows: Int64Array, n_threads: int = 1, *, deterministic: bool = False
    ) -> tuple[float, float]:
        """Draw negatives for some interactions and learn; return the summed loss and weight."""
        query, item = self._halves.query[rows], self._halves.item[rows]
        weight = np.ones(len(rows)) if self._weight is None else self._weight[rows].astype(float)
        drawn, usable = self.draw(query, item, self._config.pairs_per_row)
        if self._loss == "logistic":
            samples, order = self._samples(query, item, drawn, usable, weight)
            return solver.train(samples, order, None, n_threads, deterministic=deterministic)
        if self._loss == "warp":
            drawn, usable, factor = self._violating(solver, query, item, drawn, usable, n_threads)
            weight = weight * factor
            shares = np.where(usable, weight[:, np.newaxis], 0.0)
        elif self._loss == "softmax":
            shares = weight[:, np.newaxis] * self._probabilities(
                solver, query, item, drawn, usable, n_threads
            )
        else:
            shares = np.where(usable, weight[:, np.newaxis], 0.0)
        samples, pairs = self._compared(query, item, drawn, shares)
        return solver.train_pairs(samples, pairs, n_threads, deterministic=deterministic)

    def draw(self, query: Int64Array, item: Int64Array, n: int) -> tuple[Int64Array, AnyArray]:
        """Draw items against interactions.

        Parameters
        ----------
        query, item : int64 arrays of shape (m,)
        n : int

        Returns
        -------
        items : int64 array of shape (m, n)
        usable : bool array of shape (m, n)
            False where only items that the query was seen with were found.
        """
        found = np.empty((len(query), n), np.int64)
        open_ = np.ones(found.shape, bool)
        for _ in range(_MOST_TRIES):
            place = np.nonzero(open_)
            if not len(place[0]):
                break
            found[place] = self._candidates(len(place[0]), item)
            wrong = found[place] == item[place[0]]
            if not self._config.known_negatives:
                wrong |= self._is_known(query[place[0]], found[place])
            open_[place] = wrong
        return found, ~open_

    def _candidates(self, n: int, batch: Int64Array) -> Int64Array:
        if self._config.negatives == "batch":
            return batch[self._random.integers(len(batch), size=n)]
        if self._config.negatives == "uniform":
            return self._random.integers(len(self._chances), size=n)
        place = np.searchsorted(self._drawn_from, self._random.random(n), side="right")
        candidates: Int64Array = np.minimum(place, len(self._chances) - 1)
        return candidates

    def _is_known(self, query: Int64Array, item: Int64Array) -> AnyArray:
        pair = query * self._seen.n_partners + item
        if self._is_seen is not None:
            found: AnyArray = self._is_seen[pair]
            return found
        place = np.minimum(np.searchsorted(self._known, pair), len(self._known) - 1)
        known: AnyArray = self._known[place] == pair
        return known

    def _joined(self, query: Int64Array, item: Int64Array) -> Rows:
        return join(self._halves.queries.take(query), self._halves.items.take(item))

    def _scores(
        self, solver: Solver, query: Int64Array, item: Int64Array, n_threads: int
    ) -> Float64Array:
        scores = solver.score(self._joined(query, item), n_threads)
        return scores[:, 0].astype(np.float64)

    def _samples(
        self,
        query: Int64Array,
        item: Int64Array,
        drawn: Int64Array,
        usable: AnyArray,
        weight: Float64Array,
    ) -> tuple[Rows, Int64Array]:
        """Return interactions and drawn items as rows with the targets 1 and 0, in random order."""
        m, n = drawn.shape
        owner = np.repeat(np.arange(m), n)[usable.reshape(-1)]
        rows = self._joined(
            np.concatenate([query, query[owner]]), np.concatenate([item, drawn[usable]])
        )
        target = np.repeat(np.array([1, 0], np.float32), [m, len(owner)])
        if self._weight is not None:
            rows = rows.with_(weight=np.concatenate([weight, weight[owner]]).astype(np.float32))
        return rows.with_(target=target), self._random.permutation(len(rows))

    def _compared(
        self, query: Int64Array, item: Int64Array, drawn: Int64Array, shares: Float64Array
    ) -> tuple[Rows, Int64Array]:
        """Return interactions and drawn items as rows, and the pairs of them that weigh anything.

        A pair weighs the geometric mean of its rows, so that the drawn row, which is in no other
        pair, has the square.
        """
        owner, nth = np.nonzero(shares > 0)
        rows = self._joined(
            np.concatenate([query, query[owner]]), np.concatenate([item, drawn[owner, nth]])
        )
        m = len(query)
        weight: Float32Array = np.ones(len(rows), np.float32)
        weight[m:] = shares[owner, nth] ** 2
        pairs = np.stack([owner, m + np.arange(len(owner))], axis=1)
        return rows.with_(weight=weight), self._random.permutation(pairs)

    def _violating(
        self,
        solver: Solver,
        query: Int64Array,
        item: Int64Array,
        drawn: Int64Array,
        usable: AnyArray,
        n_threads: int,
    ) -> tuple[Int64Array, AnyArray, Float64Array]:
        """Return of each interaction the first drawn item that comes too near, and its loss.

        The loss of rank r is 1 + 1/2 + ... + 1/r, over that of the last rank.
        """
        bar = self._scores(solver, query, item, n_threads) - 1
        first = np.full(len(query), -1)
        waiting = np.arange(len(query))
        for trial in range(drawn.shape[1]):
            scores = self._scores(solver, query[waiting], drawn[waiting, trial], n_threads)
            near = (scores > bar[waiting]) & usable[waiting, trial]
            first[waiting[near]] = trial
            waiting = waiting[~near]
            if not len(waiting):
                break
        harmonic = np.cumsum(1 / np.arange(1.0, len(self._chances)))
        rank = np.maximum((len(self._chances) - 1) // (first + 1).clip(1), 1)
        chosen = np.take_along_axis(drawn, first.clip(0)[:, np.newaxis], axis=1)
        return chosen, (first >= 0)[:, np.newaxis], harmonic[rank - 1] / harmonic[-1]

    def _probabilities(
        self,
        solver: Solver,
        query: Int64Array,
        item: Int64Array,
        drawn: Int64Array,
        usable: AnyArray,
        n_threads: int,
    ) -> Float64Array:
        """Return what to weigh pairs with, so that their logistic steps are those of softmax.

        The step of a pair is as long as the logistic function of b - a says; divided by that, it is
        as long as the probability of the drawn item.
        """
        m, n = drawn.shape
        a = self._scores(solver, query, item, n_threads)[:, np.newaxis]
        b = self._scores(solver, np.repeat(query, n), drawn.reshape(-1), n_threads).reshape(m, n)
        log_q = np.log(self._chances)
        free = np.where(usable, b - log_q[drawn], -np.inf)
        own = a - log_q[item][:, np.newaxis]
        most = np.maximum(own, free.max(axis=1, keepdims=True))
        total = np.exp(own - most) + np.exp(free - most).sum(axis=1, keepdims=True)
        log_share = free - most - np.log(total) + np.logaddexp(0, a - b)
        shares: Float64Array = np.exp(log_share)
        return shares
