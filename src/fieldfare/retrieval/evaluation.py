"""How good recommendations are: measured per user, over all items.

A `Trial` holds the interactions of users with items in training and test data. Anything that
returns the score of every item for given users can be evaluated on it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array
from fieldfare._random import resolve_seed, stream
from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import Number, check
from fieldfare.data.leaks import FEW_REPEATED, share_repeated
from fieldfare.exceptions import ConfigError, DataError, DataWarning
from fieldfare.kernels.recall import Seen
from fieldfare.metrics import ListMetric, get_list_metric, listed
from fieldfare.metrics.lists import Lists, judge, rank_items
from fieldfare.metrics.recommendation import DEFAULT_METRICS, longest
from fieldfare.schema import compose
from fieldfare.sources.frames import to_pandas

Scores = Callable[[Int64Array], AnyArray]
"""From user numbers, int64 of shape (m,), to the scores of all items, shape (m, n_items)."""

_USERS_AT_ONCE = 512
# The 97.5 % quantile of the standard normal distribution.
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Trial:
    """Training and test interactions of the same users and items, which are numbered from 0.

    Make one with `Trial.of`.

    Parameters
    ----------
    train, test : Seen
        The items of each user.
    users, items : Arrow arrays of text
        Id of each user and each item, by number.
    user_row : int64 array of shape (n_users,)
    item_row : int64 array of shape (n_items,)
        The row in which each first appears, counted through the training table and then on through
        the test table.
    when : (int64 array, float64 array) or None
        The item and the time of each training interaction, if the times are known.
    """

    train: Seen
    test: Seen
    users: Any
    items: Any
    user_row: Int64Array
    item_row: Int64Array
    when: tuple[Int64Array, Float64Array] | None = None

    @staticmethod
    @checked
    def of(
        train: Any, test: Any, *, user: str = "user", item: str = "item", time: str | None = None
    ) -> Trial:
        """Return the trial of two tables with one row per interaction.

        Rows without a user or an item are left out.

        Parameters
        ----------
        train, test : path, DataFrame, Arrow table or anything tabular
        user, item : str
            Names of the columns of user and item ids.
        time : str or None
            Name of the column of times, numbers or dates.

        Returns
        -------
        Trial

        Raises
        ------
        SchemaError
            If a column is missing.
        DataError
            If the test data hold no interaction.

        Warns
        -----
        DataWarning
            If test interactions are in the training data, too, or earlier than the last of these.
        """
        tables = [compose.read(table) for table in (train, test)]
        user_codes, users = compose.positions_together(
            [compose.column_of(table, user) for table in tables]
        )
        item_codes, items = compose.positions_together(
            [compose.column_of(table, item) for table in tables]
        )
        halves = []
        for of_user, of_item in zip(user_codes, item_codes, strict=True):
            there = (of_user >= 0) & (of_item >= 0)
            ones = np.ones(int(there.sum()), np.float32)
            halves.append(Seen.of(of_user[there], of_item[there], ones, (len(users), len(items))))
        train_seen, test_seen = halves
        if not len(test_seen.index):
            raise DataError(
                "The test data hold no interaction, so nothing can be measured. Check how the "
                f"table was split, and the columns {user!r} and {item!r}."
            )
        _warn_of_repeats(train_seen, test_seen)
        when = None
        if time is not None:
            of_train, of_test = (compose.numbers(table, time) for table in tables)
            _warn_of_early(of_train, of_test, time)
            known = item_codes[0] >= 0
            when = item_codes[0][known], of_train[known]
        return Trial(
            train_seen,
            test_seen,
            users,
            items,
            user_row=_first_rows(user_codes, len(users)),
            item_row=_first_rows(item_codes, len(items)),
            when=when,
        )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return self.train.n_partners

    @property
    def tested(self) -> Int64Array:
        """Numbers of the users who have test items, int64."""
        return np.flatnonzero(np.diff(self.test.indptr))

    @property
    def counts(self) -> AnyArray:
        """How often each item occurs in training, int64 of shape (n_items,)."""
        return np.bincount(self.train.index, minlength=self.n_items)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics per user and their means; prints as a table.

    Parameters
    ----------
    by_user : dict from metric to float64 array of shape (n_tested_users,)
    overall : dict from metric to float
        Metrics of all lists together, such as ``coverage@10``.
    """

    by_user: dict[str, Float64Array]
    overall: dict[str, float]

    def __getitem__(self, metric: str) -> float:
        """Return a metric, averaged over the users if it is measured per user."""
        if metric in self.overall:
            return self.overall[metric]
        return float(self.by_user[metric].mean())

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [*self.by_user, *self.overall]

    @checked
    def interval(self, metric: str) -> tuple[float, float]:
        """Return the 95 % confidence interval of a mean over users (normal approximation).

        Parameters
        ----------
        metric : str
            One that is measured per user.

        Returns
        -------
        low, high : float
            NaN if there are fewer than two users.

        Raises
        ------
        ConfigError
            If the metric is not measured per user, as coverage is not.
        """
        if metric not in self.by_user:
            raise ConfigError(
                "Confidence intervals exist only for metrics that are measured per user: "
                f"{', '.join(self.by_user) or 'none here'}. Got {metric!r}."
            )
        values = self.by_user[metric]
        mean = float(values.mean())
        if len(values) < 2:
            return math.nan, math.nan
        half = _NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(len(values))
        return mean - half, mean + half

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per metric: mean, and the ends of its interval."""
        rows: list[dict[str, Any]] = []
        for name in self.metrics:
            low, high = self.interval(name) if name in self.by_user else (math.nan, math.nan)
            rows.append({"metric": name, "value": self[name], "low": low, "high": high})
        return to_pandas(rows)

    def _repr_html_(self) -> str:
        rows = []
        for name in self.metrics:
            ends = self.interval(name) if name in self.by_user else ()
            rows.append((name, f"{self[name]:.4f}", " to ".join(f"{end:.4f}" for end in ends)))
        return Printed(("metric", "mean", "95 % interval"), rows, left=(0,)).html()

    def __str__(self) -> str:
        lines = []
        for name in self.metrics:
            text = f"{name:<16} {self[name]:.4f}"
            if name in self.by_user:
                low, high = self.interval(name)
                text += f"  ({low:.4f} to {high:.4f})"
            lines.append(text)
        return "\n".join(lines)


@checked
def evaluate_scores(
    scores: Scores,
    trial: Trial,
    metrics: str | Sequence[str] = DEFAULT_METRICS,
    *,
    n_sampled: int = 100,
    random_state: Any = 0,
) -> Evaluation:
    """Measure the ranking of all items for every test user, without those seen in training.

    Parameters
    ----------
    scores : callable
        From user numbers, int64 of shape (m,), to scores of shape (m, n_items).
    trial : Trial
    metrics : str or sequence of str
        ``ndcg@10``, ``recall@10``, ``capped_recall@10``, ``precision@10``, ``hit_rate@10``,
        ``map@10``, ``mrr@10``, ``coverage@10``, ``popularity@10`` or ``novelty@10``, with any k.
        The prefix ``sampled_`` restricts all but the last three to the relevant items and a few
        randomly drawn ones.
    n_sampled : int in [1, inf)
        Items drawn per user, for sampled metrics.
    random_state : int, RandomState, Generator or None
        Seed of the draws.

    Returns
    -------
    Evaluation

    Raises
    ------
    ConfigError
        If a metric is unknown, or ``scores`` returns anything but such scores.

    Warns
    -----
    DataWarning
        If a metric is sampled: it may order models differently than the metric over all items does
        (Krichene and Rendle 2020).
    """
    check("n_sampled", n_sampled, Number(1, integer=True), "evaluate_scores")
    asked = {found.name: found for found in map(get_list_metric, listed(metrics))}
    any_sampled = any(metric.sampled for metric in asked.values())
    if any_sampled:
        warnings.warn(
            DataWarning(
                f"Sampled metrics rank {n_sampled} drawn items instead of all {trial.n_items}. "
                "They may order models differently than metrics over all items do, so compare them "
                "only with each other."
            ),
            stacklevel=2,
        )
    n = longest(list(asked))
    full: list[Lists] = []
    drawn: list[Lists] = []
    random = stream(resolve_seed(random_state), "sample")
    for users in _blocks(trial.tested):
        found = _scored(scores, users, trial.n_items)
        seen, relevant = trial.train.mask(users), trial.test.mask(users)
        relevant &= ~seen
        full.append(_lists(found, n, seen, relevant))
        if any_sampled:
            not_drawn = _not_drawn(seen | relevant, n_sampled, random)
            drawn.append(_lists(found, n, not_drawn, relevant))
    counts = trial.counts
    together = _concatenated(drawn, counts) if drawn else None
    return _summary(asked, _concatenated(full, counts), together)


def _scored(scores: Scores, users: Int64Array, n_items: int) -> AnyArray:
    """Return what a function of the caller's returns, once it is what was asked for."""
    what = f"scores must be a function from user numbers to scores of all {n_items} items"
    try:
        found = scores(users)
    except TypeError as error:
        raise ConfigError(f"{what}. It failed: {error}.") from error
    array = as_array("What scores returns", found)
    if array.shape != (len(users), n_items) or array.dtype.kind not in "fiu":
        raise ConfigError(
            f"{what}: numbers of shape {(len(users), n_items)} for these {len(users)} users. It "
            f"returned {array.dtype} of shape {array.shape}."
        )
    return array


def _summary(asked: Mapping[str, ListMetric], full: Lists, drawn: Lists | None) -> Evaluation:
    by_user, overall = {}, {}
    for name, metric in asked.items():
        found = metric(drawn if metric.sampled and drawn is not None else full)
        if isinstance(found, float):
            overall[name] = found
        else:
            by_user[name] = found
    return Evaluation(by_user, overall)


def _warn_of_repeats(train: Seen, test: Seen) -> None:
    """Warn of pairs of a user and an item that are in both parts."""
    users = [np.repeat(np.arange(seen.n_rows), np.diff(seen.indptr)) for seen in (train, test)]
    keys = [
        user * seen.n_partners + seen.index.astype(np.int64)
        for user, seen in zip(users, (train, test), strict=True)
    ]
    share = share_repeated(*keys)
    if share >= FEW_REPEATED:
        warnings.warn(
            DataWarning(
                f"{share:.0%} of the test interactions are in the training data, too. What was "
                "seen in training is not ranked, so they do not count. Split the table so that "
                "each pair of a user and an item is in one part."
            ),
            stacklevel=4,
        )


def _warn_of_early(train: Float64Array, test: Float64Array, time: str) -> None:
    """Warn of test interactions that a model trained later has no business to predict."""
    share = float((test < train.max(initial=-np.inf)).mean()) if len(test) else 0.0
    if share >= FEW_REPEATED:
        warnings.warn(
            DataWarning(
                f"{share:.0%} of the test interactions are earlier, by {time!r}, than the last "
                "training interaction: the model was trained on what came after them. Split by "
                "time, with fieldfare.data.split.temporal_split."
            ),
            stacklevel=4,
        )


def _first_rows(codes: Sequence[Int64Array], n: int) -> Int64Array:
    """Return the row in which each code below n first appears; the tables' rows count on."""
    code = np.concatenate(codes)
    first = np.full(n, len(code), np.int64)
    np.minimum.at(first, code[code >= 0], np.flatnonzero(code >= 0))
    return first


def _blocks(users: Int64Array) -> Iterator[Int64Array]:
    for start in range(0, len(users), _USERS_AT_ONCE):
        yield users[start : start + _USERS_AT_ONCE]


def _not_drawn(known: AnyArray, n_sampled: int, random: np.random.Generator) -> AnyArray:
    """Draw n_sampled unknown items per user and return the mask of the unknown items left over."""
    # The n smallest of independent uniform numbers are a draw without replacement.
    number = random.random(known.shape)
    number[known] = 2.0
    n = min(n_sampled, known.shape[1])
    largest_drawn = np.partition(number, n - 1, axis=1)[:, n - 1 : n]
    not_drawn: AnyArray = (number > largest_drawn) & (number < 2.0)
    return not_drawn


def _lists(scores: AnyArray, n: int, excluded: AnyArray, relevant: AnyArray) -> Lists:
    # For a user whose test items were all seen in training there is nothing to find.
    kept = relevant.any(axis=1)
    return judge(rank_items(scores[kept], n, excluded[kept]), relevant[kept])


def _concatenated(lists: Sequence[Lists], counts: Int64Array) -> Lists:
    """Return the lists of all blocks of users together."""
    items, hits, n_relevant, _ = (list(arrays) for arrays in zip(*lists, strict=True))
    return Lists(np.concatenate(items), np.concatenate(hits), np.concatenate(n_relevant), counts)
