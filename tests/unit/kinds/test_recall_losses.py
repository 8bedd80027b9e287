"""What each loss of drawn negatives compares, and that a new one is a function in one file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from fieldfare.config import SolverConfig
from fieldfare.estimators import FMRanker
from fieldfare.exceptions import ConfigError, TrainingError
from fieldfare.kinds.losses import loss_of
from fieldfare.kinds.recall_losses import RECALL_LOSSES, Compared, RecallLoss, recall_loss


@dataclass
class Drawn:
    """Random scores of interactions and of items drawn for them, every tenth of no use."""

    seed: int = 0
    m: int = 40
    n: int = 5
    n_items: int = 30

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.item = rng.integers(0, self.n_items, self.m)
        self.drawn = rng.integers(0, self.n_items, (self.m, self.n))
        self.usable = rng.random((self.m, self.n)) > 0.1
        self.chances = rng.dirichlet(np.ones(self.n_items))
        self.table = rng.normal(size=(self.m, self.n_items))

    def scores(self):
        everyone = np.arange(self.m)
        return self.table[everyone, self.item], self.table[everyone[:, None], self.drawn]

    def scores_of(self, interactions, items):
        return self.table[interactions, items]


def compared_by(loss, draws):
    compare = RECALL_LOSSES[loss].compare
    assert compare is not None
    return compare(draws)


@pytest.mark.parametrize("loss", ["pairwise", "hinge"])
def test_all_usable_items_count_alike(loss):
    draws = Drawn()
    compared = compared_by(loss, draws)
    assert compared.interactions is None
    assert np.array_equal(compared.drawn, draws.drawn)
    assert np.array_equal(compared.shares, draws.usable)


def test_warp_takes_the_first_item_that_comes_within_one_with_the_loss_of_its_rank():
    draws = Drawn()
    own, other = draws.scores()
    compared = compared_by("warp", draws)
    expected = {}
    for row in range(draws.m):
        near = np.flatnonzero((other[row] > own[row] - 1) & draws.usable[row])
        if len(near):
            rank = max((draws.n_items - 1) // (near[0] + 1), 1)
            part = (1 / np.arange(1, rank + 1)).sum() / (1 / np.arange(1, draws.n_items)).sum()
            expected[row] = (draws.drawn[row, near[0]], pytest.approx(part))
    found = zip(compared.drawn[:, 0], compared.shares[:, 0], strict=True)
    assert 0 < len(expected) < draws.m
    assert dict(zip(compared.interactions.tolist(), found, strict=True)) == expected


def test_the_shares_of_softmax_are_probabilities_over_the_step_of_a_pair():
    draws = Drawn()
    own, other = draws.scores()
    z = other - np.log(draws.chances)[draws.drawn]
    e = np.where(draws.usable, np.exp(z), 0)
    first = np.exp(own - np.log(draws.chances)[draws.item])
    probability = e / (first + e.sum(axis=1))[:, None]
    step = 1 / (1 + np.exp(own[:, None] - other))
    shares = compared_by("softmax", draws).shares
    np.testing.assert_allclose(shares, probability / step, rtol=1e-9)


@pytest.fixture
def plugged_in():
    """A loss that learns only from the drawn item with the highest score."""

    @recall_loss("hardest", kernel="pairwise", scored=True)
    def hardest(draws):
        _, scores = draws.scores()
        worst = np.where(draws.usable, scores, -np.inf).argmax(axis=1)
        everyone = np.arange(len(worst))
        usable = draws.usable[everyone, worst].astype(float)
        return Compared(draws.drawn[everyone, worst][:, None], usable[:, None], everyone)

    yield
    del RECALL_LOSSES["hardest"]


def test_a_new_loss_is_one_function(plugged_in):
    rng = np.random.default_rng(0)
    users = rng.integers(0, 20, 400)
    table = pd.DataFrame({"user": users, "item": 2 * rng.integers(0, 8, 400) + users % 2})
    ranker = FMRanker(
        loss="hardest", negatives="uniform", n_factors=4, max_iter=10, random_state=0, n_jobs=1
    ).fit(table.drop_duplicates(ignore_index=True))
    asked = pd.DataFrame([{"user": u, "item": i} for u in range(20) for i in (2, 3)])
    scores = ranker.predict(asked).reshape(20, 2)
    assert np.mean((scores[:, 1] > scores[:, 0]) == (np.arange(20) % 2 == 1)) > 0.9
    assert loss_of("rank", "hardest") == "pairwise"
    with pytest.raises(ConfigError, match="'hardest'"):
        loss_of("binary", "hardest")


def fitted_with(compare, monkeypatch):
    monkeypatch.setitem(RECALL_LOSSES, "new", RecallLoss("new", "pairwise", compare, scored=False))
    table = pd.DataFrame({"user": np.arange(60) % 7, "item": np.arange(60) % 11})
    how = {"loss": "new", "negatives": "uniform", "pairs_per_row": 3, "n_factors": 2}
    return FMRanker(**how, max_iter=3, random_state=0, n_jobs=1).fit(table).model_


@pytest.mark.parametrize("way", ["one column", "one column of named interactions", "reversed"])
def test_a_loss_may_choose_among_drawn_items(way, monkeypatch):
    """The last drawn item alone counts, whichever way the loss says so."""

    def by_shares(draws):
        shares = draws.usable.astype(float)
        shares[:, :-1] = 0
        return Compared(draws.drawn, shares)

    def by_items(draws):
        compared = by_shares(draws)
        if way == "reversed":
            return Compared(compared.drawn[:, ::-1], compared.shares[:, ::-1])
        named = None if way == "one column" else np.arange(len(draws.item))
        return Compared(compared.drawn[:, -1:], compared.shares[:, -1:], named)

    expected = fitted_with(by_shares, monkeypatch)
    np.testing.assert_array_equal(fitted_with(by_items, monkeypatch).factors, expected.factors)


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        (Compared(np.zeros((3, 2), int), np.ones((3, 2))), r"'odd'.*\(3, 2\) for \(4,\)"),
        (Compared(np.zeros(4, int), np.ones(4)), r"of shape \(m, n\).*Got the shape \(4,\)"),
        (Compared(np.zeros((4, 2), int), np.ones((4, 1))), r"shares of shape \(4, 1\)"),
        (Compared(np.zeros((4, 2), int), np.ones((4, 2)), np.arange(2)), r"for \(2,\)"),
    ],
)
def test_what_a_loss_returns_is_checked(compared, words):
    with pytest.raises(TrainingError, match=words):
        compared.check("odd", 4)


def test_an_unknown_loss_is_refused_with_the_names_there_are():
    with pytest.raises(ConfigError, match="'warp'.*Got 'hardest'"):
        SolverConfig(loss="hardest")
