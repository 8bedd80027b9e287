"""How good recommendations are: by user, on all items, beside baselines.

Everything is measured on `Trial`, which is who had what in training and in the test, and of
anything that gives the score of every item for some users.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._random import resolve_seed, stream
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import Number, check
from fieldfare.exceptions import ConfigError, DataError, DataWarning
from fieldfare.kernels.recall import Seen
from fieldfare.metrics import ListMetric, get_list_metric
from fieldfare.metrics.lists import Lists, judge, rank_items
from fieldfare.metrics.recommendation import DEFAULT_METRICS, longest
from fieldfare.schema import build as composing

Scores = Callable[[Int64Array], AnyArray]
"""From the numbers of some users to the scores of all items, shape (n_users, n_items)."""

_USERS_AT_ONCE = 512
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Trial:
    """Training and test interactions of the same users and items, which are numbered from 0.

    Make one with `Trial.of`.

    Parameters
    ----------
    train, test : Seen
        Items of each user.
    users, items : Arrow arrays of text
        Their names, by number.
    user_row, item_row : int64 arrays
        Where each first appears: a row of the training table or, counting on, of the test table.
    """

    train: Seen
    test: Seen
    users: Any
    items: Any
    user_row: Int64Array
    item_row: Int64Array

    @staticmethod
    def of(train: Any, test: Any, *, user: str = "user", item: str = "item") -> Trial:
        """Return the trial of two tables with one row an interaction.

        Parameters
        ----------
        train, test : path, DataFrame, Arrow table or anything tabular
        user, item : str
            Names of the columns that say who had what.

        Raises
        ------
        SchemaError
            If a column is missing.
        DataError
            If the test holds no interaction.
        """
        tables = [composing.read(table) for table in (train, test)]
        who, users = composing.positions_together([composing.column_of(t, user) for t in tables])
        what, items = composing.positions_together([composing.column_of(t, item) for t in tables])
        halves = []
        for of_user, of_item in zip(who, what, strict=True):
            there = (of_user >= 0) & (of_item >= 0)
            ones = np.ones(int(there.sum()), np.float32)
            halves.append(Seen.of(of_user[there], of_item[there], ones, (len(users), len(items))))
        if not len(halves[1].index):
            raise DataError(
                "The test holds no interaction: nothing can be measured. Check how the table was "
                f"split, and the columns {user!r} and {item!r}."
            )
        return Trial(
            halves[0], halves[1], users, items, _first(who, len(users)), _first(what, len(items))
        )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.train.n_partners

    @property
    def tested(self) -> Int64Array:
        """Numbers of the users that have test items."""
        return np.flatnonzero(np.diff(self.test.indptr))

    @property
    def counts(self) -> AnyArray:
        """How often each item occurs in training."""
        return np.bincount(self.train.index, minlength=self.n_items)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics by user.

    Parameters
    ----------
    by_user : dict
        From metric to one number for each tested user.
    overall : dict
        Metrics of all lists together, such as ``coverage@10``.
    """

    by_user: dict[str, Float64Array]
    overall: dict[str, float]

    def __getitem__(self, metric: str) -> float:
        """Return a metric, averaged over the users."""
        if metric in self.overall:
            return self.overall[metric]
        return float(self.by_user[metric].mean())

    @property
    def metrics(self) -> list[str]:
        """Names of what was measured."""
        return [*self.by_user, *self.overall]

    def interval(self, metric: str) -> tuple[float, float]:
        """Return the 95 % confidence interval of a mean over users (normal approximation).

        Raises
        ------
        ConfigError
            If there is no such mean: coverage is of all lists together.
        """
        if metric not in self.by_user:
            raise ConfigError(
                f"There are intervals of means over users: {', '.join(self.by_user) or 'none'}. "
                f"Got {metric!r}."
            )
        values = self.by_user[metric]
        mean = float(values.mean())
        if len(values) < 2:
            return math.nan, math.nan
        half = _NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(len(values))
        return mean - half, mean + half

    def __str__(self) -> str:
        lines = []
        for name in self.metrics:
            text = f"{name:<16} {self[name]:.4f}"
            if name in self.by_user:
                low, high = self.interval(name)
                text += f"  ({low:.4f} to {high:.4f})"
            lines.append(text)
        return "\n".join(lines)


def evaluate_scores(
    scores: Scores,
    trial: Trial,
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    n_sampled: int = 100,
    random_state: Any = 0,
) -> Evaluation:
    """Rank all items for every user of the test, without those seen in training, and judge.

    Parameters
    ----------
    scores : callable
        From user numbers, int64 of shape (m,), to scores of shape (m, n_items).
    trial : Trial
    metrics : sequence of str
        ``ndcg@10``, ``recall@10``, ``capped_recall@10``, ``precision@10``, ``hit_rate@10``,
        ``map@10``, ``mrr@10``, ``coverage@10`` or ``novelty@10``, with any k. With ``sampled_``
        before the name: among the relevant items and a few drawn ones only.
    n_sampled : int in [1, inf)
        Items drawn for each user, for sampled metrics.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Evaluation

    Raises
    ------
    ConfigError
        If a metric is unknown.

    Warns
    -----
    DataWarning
        For sampled metrics: they may order models differently than all items do (Krichene and
        Rendle 2020).
    """
    check("n_sampled", n_sampled, Number(1, integer=True), "evaluate_scores")
    asked = {name: get_list_metric(name) for name in metrics}
    any_sampled = any(metric.sampled for metric in asked.values())
    if any_sampled:
        warnings.warn(
            DataWarning(
                f"Sampled metrics rank {n_sampled} drawn items instead of all {trial.n_items}. "
                "They may order models otherwise than all items do; compare them with nothing else."
            ),
            stacklevel=2,
        )
    n = longest(metrics)
    full: list[Lists] = []
    drawn: list[Lists] = []
    random = stream(resolve_seed(random_state), "sample")
    for users in _blocks(trial.tested):
        found = np.asarray(scores(users))
        seen, relevant = _mask(trial.train, users), _mask(trial.test, users)
        relevant &= ~seen
        full.append(_lists(found, n, seen, relevant))
        if any_sampled:
            others = _others(seen | relevant, n_sampled, random)
            drawn.append(_lists(found, n, others, relevant))
    counts = trial.counts
    return _summary(asked, _joined(full, counts), _joined(drawn, counts) if drawn else None)


def _summary(asked: Mapping[str, ListMetric], full: Lists, drawn: Lists | None) -> Evaluation:
    by_user, overall = {}, {}
    for name, metric in asked.items():
        found = metric(drawn if metric.sampled and drawn is not None else full)
        if isinstance(found, float):
            overall[name] = found
        else:
            by_user[name] = found
    return Evaluation(by_user, overall)


def _first(codes: Sequence[Int64Array], n: int) -> Int64Array:
    """Return where each number first appears."""
    joined = np.concatenate(codes)
    first = np.full(n, len(joined), np.int64)
    np.minimum.at(first, joined[joined >= 0], np.flatnonzero(joined >= 0))
    return first


def _blocks(users: Int64Array) -> Iterator[Int64Array]:
    for start in range(0, len(users), _USERS_AT_ONCE):
        yield users[start : start + _USERS_AT_ONCE]


def _mask(seen: Seen, users: Int64Array) -> AnyArray:
    mask = np.zeros((len(users), seen.n_partners), bool)
    for place, user in enumerate(users):
        mask[place, seen.index[seen.indptr[user] : seen.indptr[user + 1]]] = True
    return mask


def _others(known: AnyArray, n_sampled: int, random: np.random.Generator) -> AnyArray:
    """Return which items a user is not asked about: all but the known and some drawn ones."""
    luck = random.random(known.shape)
    luck[known] = 2.0
    n = min(n_sampled, known.shape[1])
    worst = np.partition(luck, n - 1, axis=1)[:, n - 1 : n]
    left_out: AnyArray = (luck > worst) & (luck < 2.0)
    return left_out


def _lists(scores: AnyArray, n: int, excluded: AnyArray, relevant: AnyArray) -> Lists:
    # Users whose test items were all seen in training have nothing to be found.
    kept = relevant.any(axis=1)
    return judge(rank_items(scores[kept], n, excluded[kept]), relevant[kept])


def _joined(lists: Sequence[Lists], counts: Int64Array) -> Lists:
    """Return the lists of all blocks of users together."""
    items, hits, n_relevant, _ = (list(arrays) for arrays in zip(*lists, strict=True))
    return Lists(np.concatenate(items), np.concatenate(hits), np.concatenate(n_relevant), counts)
