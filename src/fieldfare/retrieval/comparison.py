"""Comparison of models and baselines on the same interactions, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._random import stream
from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Float64Array
from fieldfare._validation import Number, check, closest
from fieldfare.data.interactions import item_features, part_of
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError
from fieldfare.metrics import get_list_metric, listed
from fieldfare.metrics.recommendation import DEFAULT_METRICS, longest
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.models.catalogue import catalogue_scores
from fieldfare.retrieval.baselines import BASELINES, applicable
from fieldfare.retrieval.evaluation import Evaluation, Scores, Trial, evaluate_scores
from fieldfare.retrieval.id_map import IdMap
from fieldfare.retrieval.merging import Merged, merged_scores
from fieldfare.retrieval.recommender import Recommender
from fieldfare.rows import Rows
from fieldfare.schema import compose
from fieldfare.sources.frames import to_pandas

METRICS = (*DEFAULT_METRICS, "coverage@10", "popularity@10")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evaluations by name; prints as a table, with the halves of 95 % intervals.

    Parameters
    ----------
    evaluations : dict from name to Evaluation
    n_bootstrap : int
        Number of samples of users that intervals are taken from.
    """

    evaluations: dict[str, Evaluation]
    n_bootstrap: int = 1000

    def __getitem__(self, name: str) -> Evaluation:
        """Return the evaluation of one model or baseline."""
        return self.evaluations[name]

    def __repr__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    @checked
    def interval(self, name: str, metric: str, other: str | None = None) -> tuple[float, float]:
        """Return the 95 % bootstrap interval of a mean over users, or of a difference of two.

        Users are drawn with replacement, the same for all models, so that what makes some users
        easy for every model drops out of a difference (Efron and Tibshirani 1993, chapter 13).

        Parameters
        ----------
        name : str
            Of a model or baseline.
        metric : str
            One that is measured per user.
        other : str or None
            The model or baseline to subtract. If 0 is outside the interval, the two differ by more
            than the choice of users explains.

        Returns
        -------
        low, high : float

        Raises
        ------
        ConfigError
            If the metric is not measured per user.
        """
        for one in (name, other):
            if one is not None and one not in self.evaluations:
                raise ConfigError(
                    f"There is no model {one!r} in this comparison.{closest(one, self.evaluations)}"
                    f" There are {', '.join(map(repr, self.evaluations))}."
                )
        self.evaluations[name].interval(metric)  # which refuses metrics of all lists together
        means = self._means[name][metric]
        if other is not None:
            means = means - self._means[other][metric]
        low, high = np.quantile(means, (0.025, 0.975))
        return float(low), float(high)

    @cached_property
    def _means(self) -> dict[str, dict[str, Float64Array]]:
        """The mean of each metric in each sample, float64[n_bootstrap]; users are drawn once."""
        measured = [found.by_user for found in self.evaluations.values()]
        n_users = next((len(values) for own in measured for values in own.values()), 0)
        drawn = stream(0, "sample").multinomial(
            n_users, np.full(n_users, 1 / max(n_users, 1)), self.n_bootstrap
        )
        draws = drawn.astype(np.float64)
        return {
            name: {
                metric: draws @ values / max(n_users, 1) for metric, values in found.by_user.items()
            }
            for name, found in self.evaluations.items()
        }

    def _printed(self) -> Printed:
        names = next(iter(self.evaluations.values())).metrics
        cells = []
        for label, found in self.evaluations.items():
            row = [label]
            for name in names:
                text = f"{found[name]:.4f}"
                if name in found.by_user:
                    low, high = self.interval(label, name)
                    text += f" ±{(high - low) / 2:.4f}"
                row.append(text)
            cells.append(row)
        return Printed(["model", *names], cells, left=(0,))

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row per model.

        Its columns are the metrics and, of those measured per user, the ends of the intervals, such
        as ``ndcg@10 low`` and ``ndcg@10 high``.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        rows: list[dict[str, Any]] = []
        for label, found in self.evaluations.items():
            row: dict[str, Any] = {"model": label}
            for name in found.metrics:
                row[name] = found[name]
                if name in found.by_user:
                    row[f"{name} low"], row[f"{name} high"] = self.interval(label, name)
            rows.append(row)
        return to_pandas(rows)


@checked
def compare(  # noqa: PLR0913 - the front door: all but the data are keywords
    models: Mapping[str, Any],
    train: Any,
    test: Any,
    *,
    user: str = "user",
    item: str = "item",
    time: str | None = None,
    metrics: str | Sequence[str] = METRICS,
    baselines: Sequence[str] | None = None,
    n_bootstrap: int = 1000,
) -> Comparison:
    """Rank all items for every test user by several models, and by what they should beat.

    Items that a user has already seen in training are not ranked. Users and items that a model does
    not know are scored by their other columns.

    Parameters
    ----------
    models : mapping from name to Model, fitted estimator, Recommender, Merged or callable
        A `Recommender` answers as in production, with its index, its ranker and the features in its
        tables. `Merged` merges the lists of several of these. A callable takes a `Trial` and
        returns scores for `evaluate_scores`.
    train, test : path, DataFrame, Arrow table or anything tabular
        One row per interaction, with the columns of the models. The features of a user or an item
        are those of the first row in which it appears.
    user, item : str
        Names of the columns of user and item ids.
    metrics : str or sequence of str
        As for `evaluate_scores`.
    time : str or None
        Name of the column of times, for recent popularity, and to tell whether the test comes
        after the training.
    baselines : sequence of str or None
        Any of ``popularity``, ``recent popularity`` (with ``time``), ``item-kNN``, ``EASE``,
        ``MF``, ``implicit ALS`` and ``implicit BPR`` (of the package implicit). By default all that
        can be had; EASE up to 10,000 items.
    n_bootstrap : int in [1, inf)
        Number of samples of users that the intervals are taken from.

    Returns
    -------
    Comparison

    Raises
    ------
    SchemaError
        If a column is missing, or a model's columns have no roles.
    ConfigError
        If a metric or a baseline is unknown.
    DataError
        If the test data hold no interaction.
    MissingDependencyError
        If a baseline of implicit is asked for and the package is not installed.

    Warns
    -----
    DataWarning
        If test interactions are in the training data, too, or earlier than the last of these.

    Examples
    --------
    >>> from fieldfare.retrieval import compare
    >>> train = {"user": ["a", "a", "b", "b", "c"], "item": ["x", "y", "x", "y", "x"]}
    >>> found = compare({}, train, {"user": ["c"], "item": ["y"]}, metrics=["hit_rate@1"])
    >>> found["popularity"]["hit_rate@1"]
    1.0
    """
    check("n_bootstrap", n_bootstrap, Number(1, integer=True), "compare")
    for name in baselines or ():
        _check_baseline(name)
    trial = Trial.of(train, test, user=user, item=item, time=time)
    n = longest([get_list_metric(name).name for name in listed(metrics)])

    def scores_of(model: Any) -> Scores:
        if isinstance(model, Merged):
            lists = {name: scores_of(channel) for name, channel in model.channels.items()}
            return merged_scores(model, trial, lists)
        if isinstance(model, str):
            _check_baseline(model)
            return BASELINES[model](trial)
        if isinstance(model, Recommender):
            return recommended_scores(model, trial, n)
        if callable(model):
            scores: Scores = model(trial)
            return scores
        return model_scores(getattr(model, "model_", model), trial, train, test)

    beside = applicable(trial) if baselines is None else baselines
    everything = {**models, **{name: name for name in beside}}
    found = {
        name: evaluate_scores(scores_of(model), trial, metrics)
        for name, model in everything.items()
    }
    return Comparison(found, n_bootstrap)


def recommended_scores(recommender: Recommender, trial: Trial, n: int) -> Scores:
    """Return the scores of the items that a recommender lists, for `evaluate_scores`.

    Parameters
    ----------
    recommender : Recommender
    trial : Trial
        What its users have in training is left out of the lists, as is the recommender's own
        history.
    n : int
        Length of the lists.

    Returns
    -------
    callable
        From user numbers, int64 of shape (m,), to scores of shape (m, n_items): -inf for items that
        are not listed.
    """
    users, items = trial.users.to_pylist(), trial.items.to_pylist()
    number_of = IdMap(np.array(items, str))

    def scores(asked: AnyArray) -> AnyArray:
        seen = [
            [items[item] for item in trial.train.index[start:end]]
            for start, end in zip(
                trial.train.indptr[asked], trial.train.indptr[asked + 1], strict=True
            )
        ]
        ids, found = recommender.recommend([users[user] for user in asked], n, history=seen)
        numbers = number_of.places(ids.ravel()).reshape(ids.shape)
        row, rank = np.nonzero((numbers >= 0) & (found > -np.inf))
        listed_ones = np.full((len(asked), len(items)), -np.inf)
        listed_ones[row, numbers[row, rank]] = found[row, rank]
        return listed_ones

    return scores


def _check_baseline(name: str) -> None:
    """Refuse the name of a baseline that there is not."""
    if name not in BASELINES:
        raise ConfigError(
            f"There is no baseline {name!r}.{closest(name, BASELINES)} There are "
            f"{', '.join(map(repr, BASELINES))}."
        )


def model_scores(model: Model | FittedEstimator, trial: Trial, train: Any, test: Any) -> Scores:
    """Return the scores of a model, for `evaluate_scores`.

    Parameters
    ----------
    model : Model or fitted estimator
        The roles in its Schema say which columns belong to the item.
    trial : Trial
        Made from the same tables.
    train, test : path, DataFrame, Arrow table or anything tabular

    Returns
    -------
    callable
        From user numbers, int64 of shape (m,), to scores of shape (m, n_items).
    """
    model = model_of(model, "model_scores")
    is_item = item_features(model.schema)
    halves = [
        load(compose.read(table), schema=model.schema, labelled=False).rows
        for table in (train, test)
    ]
    plain = [rows.with_(target=None, weight=None, group=None) for rows in halves]
    rows_of_both = Rows.concatenate(plain)
    items = part_of(rows_of_both.take(trial.item_row), is_item)
    queries = part_of(rows_of_both.take(trial.user_row), ~is_item)

    def scores(users: AnyArray) -> AnyArray:
        return catalogue_scores(model, queries.take(np.asarray(users)), items)

    return scores
