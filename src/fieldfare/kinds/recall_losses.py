"""The losses that are learned from drawn negatives, each declared once, with what it compares.

An interaction of a query with item i is compared with items j that were drawn for it. Every loss
becomes steps of the kernels that also learn from rows and pairs, so that every kind of model, with
all its features, learns by it. A loss says which of the drawn items count, and how much; drawing
them, composing rows and taking steps is the same for all (`fieldfare.training.ranking.negatives`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fieldfare.exceptions import TrainingError

if TYPE_CHECKING:
    from fieldfare._typing import AnyArray, Float64Array, Int64Array


class Draws(Protocol):
    """Some interactions, the items that were drawn for them, and the scores of both."""

    @property
    def item(self) -> Int64Array:
        """Item of each interaction, shape (m,)."""

    @property
    def drawn(self) -> Int64Array:
        """Items that were drawn for it, shape (m, n)."""

    @property
    def usable(self) -> AnyArray:
        """False where only items were found that the query was seen with; bool, shape (m, n)."""

    @property
    def chances(self) -> Float64Array:
        """How likely each item is to be drawn, shape (n_items,)."""

    def scores(self) -> tuple[Float64Array, Float64Array]:
        """Return the scores of all interactions, shape (m,), and all drawn items, shape (m, n)."""

    def scores_of(self, interactions: Int64Array, items: Int64Array) -> Float64Array:
        """Return the scores of the queries of some interactions with one item each."""


@dataclass(frozen=True, eq=False)
class Compared:
    """The comparisons to learn from: of m interactions, with n items each.

    Parameters
    ----------
    drawn : int64 array of shape (m, n)
        Items to compare the interactions with: `Draws.drawn`, or some of it.
    shares : float64 array of shape (m, n)
        How much each comparison counts, times the weight of the interaction; 0: not at all.
    interactions : int64 array of shape (m,) or None
        Numbers of the interactions; None: all of them, in order.
    """

    drawn: Int64Array
    shares: Float64Array
    interactions: Int64Array | None = None

    def check(self, loss: str, n_interactions: int) -> None:
        """Refuse arrays whose shapes do not fit each other.

        Raises
        ------
        TrainingError
            With the name of the loss that returned them.
        """
        chosen = self.interactions
        rows = (n_interactions,) if chosen is None else chosen.shape
        if self.drawn.ndim != 2 or self.drawn.shape[:1] != rows:
            raise TrainingError(
                f"The loss {loss!r} must return drawn items of shape (m, n), a row for each of "
                f"its m interactions. Got the shape {self.drawn.shape} for {rows} interactions."
            )
        if self.shares.shape != self.drawn.shape:
            raise TrainingError(
                f"The loss {loss!r} must return a share for each drawn item. Got shares of shape "
                f"{self.shares.shape} and drawn items of shape {self.drawn.shape}."
            )


@dataclass(frozen=True, eq=False)
class RecallLoss:
    """A loss of interactions and drawn items.

    Parameters
    ----------
    name : str
        As users write it: ``loss="warp"``.
    kernel : {"pairwise", "hinge", "logistic"}
        Loss of the kernel that takes the steps.
    compare : callable or None
        From `Draws` to `Compared`. None: nothing is compared; interactions are rows with the target
        1 and drawn items rows with the target 0.
    scored : bool
        Whether it looks at scores first, which are soon out of date: fewer interactions at a time
        are then learned from.
    """

    name: str
    kernel: str
    compare: Callable[[Draws], Compared] | None
    scored: bool


RECALL_LOSSES: dict[str, RecallLoss] = {}
"""All of them by name, the usual one first."""


def recall_loss(
    *names: str, kernel: str | None = None, scored: bool = False
) -> Callable[[Callable[[Draws], Compared]], Callable[[Draws], Compared]]:
    """Register the decorated function, which says what is compared, under some names.

    Without ``kernel``, the kernel's loss has the name of the loss.
    """

    def register(compare: Callable[[Draws], Compared]) -> Callable[[Draws], Compared]:
        for name in names:
            RECALL_LOSSES[name] = RecallLoss(name, kernel or name, compare, scored)
        return compare

    return register


@recall_loss("pairwise", "hinge")
def every_drawn_item(draws: Draws) -> Compared:
    """Compare each interaction with all that was drawn for it (BPR; Rendle et al. 2009)."""
    return Compared(draws.drawn, draws.usable.astype(float))


@recall_loss("warp", kernel="hinge", scored=True)
def first_violating(draws: Draws) -> Compared:
    """Compare with the first drawn item that comes within 1 of the interaction's score.

    Weston et al. 2011. The number of draws suggests the rank r of the item; the comparison counts
    as much as the loss of that rank, 1 + 1/2 + ... + 1/r, over that of the last rank.
    """
    import numpy as np

    m, n = draws.drawn.shape
    everyone = np.arange(m)
    bar = draws.scores_of(everyone, draws.item) - 1
    first, waiting = np.full(m, -1), everyone
    for trial in range(n):
        scores = draws.scores_of(waiting, draws.drawn[waiting, trial])
        near = (scores > bar[waiting]) & draws.usable[waiting, trial]
        first[waiting[near]] = trial
        waiting = waiting[~near]
        if not len(waiting):
            break
    violated = np.flatnonzero(first >= 0)
    n_others = len(draws.chances) - 1
    harmonic = np.cumsum(1 / np.arange(1.0, n_others + 1))
    rank = np.maximum(n_others // (first[violated] + 1), 1)
    shares = harmonic[rank - 1] / harmonic[-1]
    drawn = draws.drawn[violated, first[violated]]
    return Compared(drawn[:, np.newaxis], shares[:, np.newaxis], violated)


@recall_loss("softmax", kernel="pairwise", scored=True)
def by_probability(draws: Draws) -> Compared:
    """Compare with all drawn items, each by its probability among them and the interaction's.

    The log likelihood of i among i and the drawn items, each score less log q with q the chance to
    be drawn (Bengio and Senécal 2008). Its gradient is that of the pairs (i, j), each weighted by
    the probability of j. The step of a pair is as long as the logistic function of b - a says, for
    scores a and b; divided by that, it is as long as the probability of the drawn item.
    """
    import numpy as np

    scores, b = draws.scores()
    a = scores[:, np.newaxis]
    log_q = np.log(draws.chances)
    free = np.where(draws.usable, b - log_q[draws.drawn], -np.inf)
    own = a - log_q[draws.item][:, np.newaxis]
    most = np.maximum(own, free.max(axis=1, keepdims=True))
    total = np.exp(own - most) + np.exp(free - most).sum(axis=1, keepdims=True)
    return Compared(draws.drawn, np.exp(free - most - np.log(total) + np.logaddexp(0, a - b)))


RECALL_LOSSES["logistic"] = RecallLoss("logistic", "logistic", None, scored=False)
