"""Comparison of models and baselines on the same interactions, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._tables import Printed
from fieldfare._typing import AnyArray
from fieldfare.data.interactions import item_features, part_of
from fieldfare.data.loading import load
from fieldfare.metrics.recommendation import DEFAULT_METRICS
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.models.catalogue import catalogue_scores
from fieldfare.retrieval.baselines import BASELINES
from fieldfare.retrieval.evaluation import Evaluation, Scores, Trial, evaluate_scores
from fieldfare.rows import Rows
from fieldfare.schema import compose
from fieldfare.sources.frames import to_pandas


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evaluations by name; prints as a table.

    Parameters
    ----------
    evaluations : dict from name to Evaluation
    """

    evaluations: dict[str, Evaluation]

    def __getitem__(self, name: str) -> Evaluation:
        """Return the evaluation of one model or baseline."""
        return self.evaluations[name]

    def __str__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    def _printed(self) -> Printed:
        names = next(iter(self.evaluations.values())).metrics
        cells = []
        for label, found in self.evaluations.items():
            row = [label]
            for name in names:
                text = f"{found[name]:.4f}"
                if name in found.by_user:
                    low, high = found.interval(name)
                    text += f" ±{(high - low) / 2:.4f}"
                row.append(text)
            cells.append(row)
        return Printed(["model", *names], cells)

    def to_frame(self) -> Any:
        """Return the means as a pandas DataFrame, one row per model.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        rows: list[dict[str, Any]] = [
            {"model": label} | {name: found[name] for name in found.metrics}
            for label, found in self.evaluations.items()
        ]
        return to_pandas(rows)


@checked
def compare(
    models: Mapping[str, Any],
    train: Any,
    test: Any,
    *,
    user: str = "user",
    item: str = "item",
    metrics: str | Sequence[str] = DEFAULT_METRICS,
    baselines: Sequence[str] = tuple(BASELINES),
) -> Comparison:
    """Rank all items for every test user by several models and simple baselines.

    Items that a user has already seen in training are not ranked. Users and items that a model does
    not know are scored by their other columns.

    Parameters
    ----------
    models : mapping from name to Model, fitted estimator, or callable
        A callable takes a `Trial` and returns scores for `evaluate_scores`.
    train, test : path, DataFrame, Arrow table or anything tabular
        One row per interaction, with the columns of the models. The features of a user or an item
        are those of the first row in which it appears.
    user, item : str
        Names of the columns of user and item ids.
    metrics : str or sequence of str
        As for `evaluate_scores`.
    baselines : sequence of str
        Any of ``popularity``, ``item-kNN`` and ``MF``.

    Returns
    -------
    Comparison

    Raises
    ------
    SchemaError
        If a column is missing, or a model's columns have no roles.
    ConfigError
        If a metric is unknown.
    DataError
        If the test data hold no interaction.

    Examples
    --------
    >>> from fieldfare.retrieval import compare
    >>> train = {"user": ["a", "a", "b", "b", "c"], "item": ["x", "y", "x", "y", "x"]}
    >>> found = compare({}, train, {"user": ["c"], "item": ["y"]}, metrics=["hit_rate@1"])
    >>> found["popularity"]["hit_rate@1"]
    1.0
    """
    trial = Trial.of(train, test, user=user, item=item)
    scores: dict[str, Scores] = {}
    for name, model in models.items():
        if callable(model):
            scores[name] = model(trial)
        else:
            scores[name] = model_scores(getattr(model, "model_", model), trial, train, test)
    scores |= {name: BASELINES[name](trial) for name in baselines}
    return Comparison(
        {name: evaluate_scores(found, trial, metrics) for name, found in scores.items()}
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
