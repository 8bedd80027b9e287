"""Training for recall: rows are interactions, and every item is a candidate for every query."""

from __future__ import annotations

import warnings

import numpy as np

from fieldfare._typing import Int64Array
from fieldfare.config import SolverConfig, TrainingConfig
from fieldfare.data.interactions import (
    Interactions,
    distinct,
    item_features,
    part_of,
    user_features,
)
from fieldfare.data.leaks import FEW_REPEATED, share_repeated
from fieldfare.data.split import split_rows
from fieldfare.exceptions import ConfigError, DataWarning, TrainingError
from fieldfare.kernels.recall import Seen
from fieldfare.kinds.losses import LOSSES_OF_TASK
from fieldfare.metrics import get_list_metric
from fieldfare.metrics.lists import judge, rank_items
from fieldfare.metrics.recommendation import longest
from fieldfare.models.base import Model
from fieldfare.models.catalogue import catalogue_scores
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.samples.subset import RowSubset

_METRICS = ("ndcg@10", "recall@10")
_QUERIES_AT_ONCE = 1024


def check_plan(
    train: RowSubset, model: Model, solver: SolverConfig, config: TrainingConfig
) -> None:
    """Refuse combinations of losses, negatives and given pairs that mean nothing.

    Raises
    ------
    ConfigError
    """
    if train.comparisons is not None and Settings(config, solver).for_recall:
        raise ConfigError(
            "Training for recall decides by itself what to compare: leave out pairs, or use "
            "another solver with negatives=None."
        )
    if model.config.task != "rank":
        if config.negatives is not None:
            raise ConfigError(
                f"Negatives are drawn for ranking (task='rank'). Got negatives={config.negatives!r}"
                f" for the task {model.config.task!r}: leave it out."
            )
        return
    if solver.kind.all_pairs:
        if config.negatives is not None or solver.loss not in ("auto", "squared"):
            raise ConfigError(
                f"solver={solver.solver!r} learns by the squared loss from all pairs, without "
                f"negatives. Got loss={solver.loss!r} and negatives={config.negatives!r}: leave "
                "them out, or use solver='adagrad'."
            )
    elif config.negatives is None and solver.loss not in ("auto", *LOSSES_OF_TASK["rank"]):
        raise ConfigError(
            f"loss={solver.loss!r} needs drawn negatives when ranking. Set negatives='uniform', "
            "'popularity' or 'batch', or use loss='pairwise' or 'hinge'."
        )


def labelled_interactions(subset: RowSubset) -> RowSubset:
    """Return the rows with a target each: without targets, every row is an interaction."""
    if subset.rows.target is not None:
        return subset
    return subset.with_target(np.ones(subset.rows.n_rows, np.float32))


def split_interactions(
    subset: RowSubset, schema: Schema, config: TrainingConfig
) -> tuple[RowSubset, RowSubset]:
    """Split off a share of the items of each user for validation.

    All rows of a user with an item are held out together, and one of them is for validation: what
    is found must be new to the user, whatever the context.
    """
    user, pair = _users_and_pairs(subset, schema)
    _, first, number = np.unique(pair, return_index=True, return_inverse=True)
    if len(first) < 2:
        first = number = np.arange(subset.n_rows)  # a single pair: its rows are split
    rows = np.sort(first)
    held = split_rows(
        len(rows), config.validation_fraction, config.random_state, stratify=user[rows]
    )[1]
    absent = np.zeros(subset.n_rows, bool)
    absent[rows[held]] = True
    kept = ~absent[first][number.reshape(-1)]
    return subset.select(np.flatnonzero(kept)), subset.select(rows[held])


def _users_and_pairs(subset: RowSubset, schema: Schema) -> tuple[Int64Array, Int64Array]:
    """Return the number of the user of each row, and one for its user and item."""
    rows = subset.joined
    user = distinct(part_of(rows, user_features(schema)))[1]
    items, item = distinct(part_of(rows, item_features(schema)))
    return user, user * len(items) + item


def warn_of_repeats(subset: RowSubset, kept: Int64Array, held: Int64Array, schema: Schema) -> None:
    """Warn of interactions that are held out although training has the same user and item.

    Parameters
    ----------
    subset : RowSubset
        All interactions.
    kept, held : int64 arrays
        The rows of the two parts.
    schema : Schema
    """
    pair = _users_and_pairs(subset, schema)[1]
    share = share_repeated(pair[kept], pair[held])
    if share >= FEW_REPEATED:
        warnings.warn(
            DataWarning(
                f"{share:.0%} of the interactions that are held out for validation repeat a user "
                "and an item of the training part, so validation rewards remembering them. Keep "
                "only the first interaction of each user with an item, unless repeating is what "
                "you want to predict."
            ),
            stacklevel=2,
        )


class Catalogue:
    """Validation by ranking all items for the queries of the validation rows.

    Items that a user was seen with in training, in any context, are left out. Rows without weight
    count as absent.

    Parameters
    ----------
    train, valid : RowSubset
        Rows with targets; those that are not positive are no interactions.
    model : Model
        Its Schema says which columns are those of items.

    Raises
    ------
    TrainingError
        If there is nothing to be found.
    """

    def __init__(self, train: RowSubset, valid: RowSubset, model: Model) -> None:
        rows = [subset.joined for subset in (train, valid)]
        plain = [r.with_(target=None, weight=None, group=None, split_by=None) for r in rows]
        joint = Interactions.of(Rows.concatenate(plain), item_features(model.schema))
        n_train, shape = train.n_rows, joint.shape
        users, user = distinct(part_of(joint.queries, user_features(model.schema)))
        of_users = (len(users), shape[1])
        known = _pairs(user[joint.query[:n_train]], joint.item[:n_train], rows[0], of_users)
        wanted = _pairs(joint.query[n_train:], joint.item[n_train:], rows[1], shape)
        self._tested = np.flatnonzero(np.diff(wanted.indptr))
        if not len(self._tested):
            raise TrainingError(
                "The validation data hold no interaction (a row with a positive target), so there "
                "is nothing to find. Give other validation data."
            )
        self._known, self._wanted, self._joint, self._user = known, wanted, joint, user

    @staticmethod
    def metrics(eval_metric: str | None) -> list[str]:
        """Return what to measure, the metric to watch first.

        Raises
        ------
        ConfigError
            If it is no metric of lists.
        """
        if eval_metric is None:
            return list(_METRICS)
        metric = get_list_metric(eval_metric)
        if metric.sampled or not metric.needs_hits:
            raise ConfigError(
                "Early stopping for recall watches a metric of all items, such as 'ndcg@10' or "
                f"'recall@20'. Got {eval_metric!r}."
            )
        return list(dict.fromkeys([metric.name, *_METRICS]))

    def evaluate(
        self, model: Model, names: list[str], n_jobs: int | None = None
    ) -> dict[str, float]:
        """Return the mean of each metric over the queries that have something to be found.

        The queries of a user, in several contexts, count together as much as that of another.
        """
        n = longest(names)
        metrics = {name: get_list_metric(name) for name in names}
        sums = dict.fromkeys(names, 0.0)
        of_tested = self._user[self._tested]
        share = 1 / np.bincount(of_tested)[of_tested]
        for start in range(0, len(self._tested), _QUERIES_AT_ONCE):
            chosen = self._tested[start : start + _QUERIES_AT_ONCE]
            scores = catalogue_scores(
                model, self._joint.queries.take(chosen), self._joint.items, n_jobs
            )
            wanted = self._wanted.mask(chosen)
            known = self._known.mask(self._user[chosen]) & ~wanted
            lists = judge(rank_items(scores, n, known), wanted)
            for name, metric in metrics.items():
                part = share[start : start + _QUERIES_AT_ONCE]
                sums[name] += float(np.sum(metric(lists) * part))
        return {name: total / float(share.sum()) for name, total in sums.items()}


def _pairs(query: Int64Array, item: Int64Array, rows: Rows, shape: tuple[int, int]) -> Seen:
    positive = np.ones(len(query), bool)
    for given in (rows.target, rows.weight):
        if given is not None:
            positive &= given > 0
    ones = np.ones(int(positive.sum()), np.float32)
    return Seen.of(query[positive], item[positive], ones, shape)
