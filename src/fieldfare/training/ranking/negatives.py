"""Negatives: items drawn for each interaction, and the steps that are taken with them.

An interaction of a query with an item is compared with items that the query was not seen with.
Which comparisons count, and how much, is for the loss to say: `fieldfare.kinds.recall_losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fieldfare._random import stream
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.config import TrainingConfig
from fieldfare.data.interactions import Interactions, item_features
from fieldfare.exceptions import TrainingError
from fieldfare.kernels.halves import Halves
from fieldfare.kernels.native import resolve_threads
from fieldfare.kinds.recall_losses import RECALL_LOSSES
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.solvers.base import ComparesRows
from fieldfare.training.samples.subset import RowSubset

_MOST_TRIES = 20
_SMALL_TABLE = 2**29  # pairs, one bit each
_BLOCK = 8192
# For losses that look at scores first, so that these are not out of date.
_SCORED_BLOCK = 1024


class Negatives:
    """Interactions to learn from, and the items to draw from.

    Parameters
    ----------
    train : RowSubset
        Rows; those whose target is not positive only add their items to those drawn from.
    model : Model
        Its Schema says which columns are those of items.
    loss : str
        ``"auto"``, or a name in `RECALL_LOSSES`.
    config : TrainingConfig
        ``negatives`` and what goes with it; with a seed.

    Raises
    ------
    SchemaError
        If the columns have no roles.
    TrainingError
        If there is no interaction, or but one item.
    """

    def __init__(self, train: RowSubset, model: Model, loss: str, config: TrainingConfig) -> None:
        rows = train.joined
        self._halves = Interactions.of(rows, item_features(model.schema))
        self._composed = Halves(self._halves.queries, self._halves.items).compose
        self._seen = self._halves.seen(rows.target, rows.weight)
        positive = np.ones(len(rows), bool) if rows.target is None else rows.target > 0
        positive &= True if rows.weight is None else rows.weight > 0
        self._rows = np.flatnonzero(positive)
        self._weight = rows.weight
        self._loss = RECALL_LOSSES["pairwise" if loss == "auto" else loss]
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
        # Looked up directly where a table of all pairs is small, else by bisection.
        self._bits: AnyArray | None = None
        if self._seen.n_rows * n_items <= _SMALL_TABLE:
            self._bits = np.zeros(self._seen.n_rows * n_items // 8 + 1, np.uint8)
            bit = (1 << (self._known & 7)).astype(np.uint8)
            np.add.at(self._bits, self._known >> 3, bit)  # no pair occurs twice

    def blocks(self, epoch: int, *, shuffle: bool) -> Iterator[Int64Array]:
        """Yield the interactions of an epoch, as row numbers, to be given to `learn`."""
        self._epoch = epoch
        rows = self._rows
        if shuffle:
            rows = stream(self._config.random_state, "shuffle", epoch).permutation(rows)
        size = _SCORED_BLOCK if self._loss.scored else _BLOCK
        self._random = stream(self._config.random_state, "negatives", epoch)
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def learn(
        self, solver: ComparesRows, rows: Int64Array, n_threads: int = 1
    ) -> tuple[float, float]:
        """Draw negatives for some interactions and learn; return the summed loss and weight."""
        query, item = self._halves.query[rows], self._halves.item[rows]
        weight = np.ones(len(rows)) if self._weight is None else self._weight[rows].astype(float)
        drawn, usable = self.draw(query, item, self._config.pairs_per_row)
        if self._loss.compare is None:
            samples, order = self._samples(query, item, drawn, usable, weight)
            return solver.train(samples, order, None, _worth(n_threads, len(order)))
        draws = _Draws(self._composed, solver, n_threads, query, item, drawn, usable, self._chances)
        compared = self._loss.compare(draws)
        compared.check(self._loss.name, len(rows))
        if compared.interactions is None and compared.drawn is draws.drawn:
            samples = draws.samples  # which may have been composed already, for their scores
        else:
            chosen = slice(None) if compared.interactions is None else compared.interactions
            query, item, weight = query[chosen], item[chosen], weight[chosen]
            samples = _with_drawn(self._composed, query, item, compared.drawn)
        samples, pairs = self._compared(samples, weight[:, np.newaxis] * compared.shares)
        return solver.train_pairs(samples, pairs, _worth(n_threads, len(pairs)))

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
        found = self._candidates(len(query) * n, item).reshape(-1, n)
        wrong = self._is_wrong(query[:, np.newaxis], item[:, np.newaxis], found)
        flat, still = found.reshape(-1), wrong.reshape(-1)
        for _ in range(_MOST_TRIES - 1):
            place = np.flatnonzero(still)
            if not len(place):
                break
            flat[place] = self._candidates(len(place), item)
            owner = place // n
            still[place] = self._is_wrong(query[owner], item[owner], flat[place])
        return found, ~wrong

    def _candidates(self, n: int, batch: Int64Array) -> Int64Array:
        if self._config.negatives == "batch":
            return batch[self._random.integers(len(batch), size=n)]
        if self._config.negatives == "uniform":
            return self._random.integers(len(self._chances), size=n)
        place = np.searchsorted(self._drawn_from, self._random.random(n), side="right")
        candidates: Int64Array = np.minimum(place, len(self._chances) - 1)
        return candidates

    def _is_wrong(self, query: Int64Array, item: Int64Array, drawn: Int64Array) -> AnyArray:
        """Return where what was drawn is the item itself, or known to the query."""
        wrong: AnyArray = drawn == item
        if self._config.known_negatives:
            return wrong
        pair = query * self._seen.n_partners + drawn
        if self._bits is not None:
            wrong |= (self._bits[pair >> 3] >> (pair & 7).astype(np.uint8) & 1).view(bool)
        else:
            place = np.minimum(np.searchsorted(self._known, pair), len(self._known) - 1)
            wrong |= self._known[place] == pair
        return wrong

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
        rows = self._composed(
            np.concatenate([query, query[owner]]), np.concatenate([item, drawn[usable]])
        )
        target = np.repeat(np.array([1, 0], np.float32), [m, len(owner)])
        if self._weight is not None:
            rows = rows.with_(weight=np.concatenate([weight, weight[owner]]).astype(np.float32))
        return rows.with_(target=target), self._random.permutation(len(rows))

    def _compared(self, samples: Rows, shares: Float64Array) -> tuple[Rows, Int64Array]:
        """Return rows with their weights, and the pairs of them that weigh anything.

        A pair weighs the geometric mean of its rows, so that the drawn row, which is in no other
        pair, has the square.
        """
        m, n = shares.shape
        weight: Float32Array = np.ones(len(samples), np.float32)
        weight[m:] = shares.reshape(-1) ** 2
        drawn = self._random.permutation(np.flatnonzero(shares > 0))
        pairs = np.empty((len(drawn), 2), np.int64)
        pairs[:, 0] = drawn // n
        pairs[:, 1] = drawn + m
        return samples.with_(weight=weight), pairs


@dataclass(frozen=True, eq=False)
class _Draws:
    """What a loss may ask; see `fieldfare.kinds.recall_losses.Draws`."""

    compose: Callable[[Int64Array, Int64Array], Rows]
    solver: ComparesRows
    n_threads: int
    query: Int64Array
    item: Int64Array
    drawn: Int64Array
    usable: AnyArray
    chances: Float64Array

    @cached_property
    def samples(self) -> Rows:
        """The rows of all interactions and drawn items."""
        return _with_drawn(self.compose, self.query, self.item, self.drawn)

    def scores(self) -> tuple[Float64Array, Float64Array]:
        found, m = self._scores(self.samples), len(self.item)
        return found[:m], found[m:].reshape(self.drawn.shape)

    def scores_of(self, interactions: Int64Array, items: Int64Array) -> Float64Array:
        return self._scores(self.compose(self.query[interactions], items))

    def _scores(self, rows: Rows) -> Float64Array:
        return self.solver.score(rows, _worth(self.n_threads, len(rows)))[:, 0].astype(np.float64)


def _with_drawn(
    compose: Callable[[Int64Array, Int64Array], Rows],
    query: Int64Array,
    item: Int64Array,
    drawn: Int64Array,
) -> Rows:
    """Return the rows of interactions, then of all that was drawn for the first, the second ..."""
    return compose(
        np.concatenate([query, np.repeat(query, drawn.shape[1])]),
        np.concatenate([item, drawn.reshape(-1)]),
    )


def _worth(n_threads: int, n_rows: int) -> int:
    """Return how many of the threads a block of rows is worth starting."""
    return min(n_threads, resolve_threads(None, n_rows))
