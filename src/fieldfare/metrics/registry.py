"""The registry of all metrics: those of samples, and those of lists of recommendations.

A metric is one decorated function, in any file: `metric` or `list_metric` enters it, and whoever
takes the name of a metric (evaluation, early stopping, the command line) finds it here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy.typing as npt

from fieldfare._arguments import checked
from fieldfare._typing import Float64Array
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError
from fieldfare.metrics import checks
from fieldfare.metrics.lists import Lists

_Function = TypeVar("_Function", bound=Callable[..., float])
_OfLists = Callable[[Lists, int], Float64Array | float]
_ListFunction = TypeVar("_ListFunction", bound=_OfLists)

SAMPLED = "sampled_"
_PLACE = "[1-9][0-9]{0,8}"

ALIASES = {
    "acc": "accuracy",
    "average_precision": "pr_auc",
    "log_loss": "logloss",
    "prec": "precision",
    "rmsd": "rmse",
    "roc_auc": "auc",
}

_DEFAULTS = {
    "binary": ("logloss", "auc"),
    "multiclass": ("logloss", "accuracy"),
    "rank": ("ndcg", "ndcg@10"),
    "regression": ("rmse", "mae"),
}


@dataclass(frozen=True)
class Metric:
    """A named measure of the quality of the predictions for samples; call it to compute it.

    Parameters
    ----------
    name : str
        Canonical name.
    greater_is_better : bool
        Direction in which predictions improve.
    tasks : tuple of str
        Tasks that it is defined for: ``"regression"``, ``"binary"``, ``"multiclass"``, ``"rank"``.
    needs_probability : bool
        Whether predictions must lie in [0, 1]; otherwise any finite number is allowed.
    grouped : bool
        Whether it needs the group of each sample.
    cut : bool
        Whether there is a variant ``name@k`` that looks only at the first k places.
    function : callable
        ``function(y, pred, weight) -> float``, called with checked float64 arrays. Grouped metrics
        take the groups as a fourth argument.
    """

    name: str
    greater_is_better: bool
    tasks: tuple[str, ...]
    needs_probability: bool
    grouped: bool
    cut: bool
    function: Callable[..., float]

    def __call__(
        self,
        y: npt.ArrayLike,
        pred: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
    ) -> float:
        """Compute the metric.

        Parameters
        ----------
        y : array of shape (n,)
            Targets: finite numbers for regression, 0 and 1 for binary classification, class
            numbers below ``n_classes`` for multiclass, relevances from 0 on for ranking.
        pred : array of shape (n,) or (n, n_classes)
            Predictions: values, the probability of class 1, or the probability of each class.
        weight : array of shape (n,), optional
            Sample weights: finite, not negative, not all zero. Ones by default.
        group : array of shape (n,), optional
            Group of each sample, required by grouped metrics and ignored by all others.

        Returns
        -------
        float
            NaN if the metric is not defined for these data.

        Raises
        ------
        DataError
            If the arrays are empty, differ in length, or hold values that are not allowed.
        """
        targets, predictions = checks.check_y(self, y), checks.check_pred(self, pred)
        checks.check_length(self, "predictions", len(predictions), len(targets))
        checks.check_labels(self, targets, predictions)
        weights = checks.check_weight(self, weight, len(targets))
        if self.grouped:
            groups = checks.check_group(self, group, len(targets))
            return self.function(targets, predictions, weights, groups)
        return self.function(targets, predictions, weights)


@dataclass(frozen=True)
class ListMetric:
    """A named measure of lists of recommendations, cut at a place; call it to compute it.

    Greater is better for all of them.

    Parameters
    ----------
    name : str
        As asked for: ``recall@10``, ``sampled_recall@10``; ``recall@k`` in ``METRICS``.
    needs_hits : bool
        Whether it asks which items are relevant. Only such metrics exist on sampled items, and can
        decide when training stops.
    function : callable
        ``function(lists, k) -> float64 array of shape (n_users,)``; or a float, for a metric of all
        lists together.
    k : int
        Number of places to look at; 0 in ``METRICS``, where no length was asked for yet.
    sampled : bool
        Whether it is taken among the relevant and some drawn items.
    """

    name: str
    needs_hits: bool
    function: _OfLists
    k: int = 0
    sampled: bool = False

    def __call__(self, lists: Lists) -> Float64Array | float:
        """Compute the metric: one value per user, or one for all lists together."""
        return self.function(lists, self.k)


METRICS: dict[str, Metric | ListMetric] = {}
"""All metrics by name; those of lists as ``name@k``, since they always need a length."""


@checked
def metric(
    *tasks: str,
    greater_is_better: bool = False,
    needs_probability: bool = False,
    grouped: bool = False,
    cut: bool = False,
) -> Callable[[_Function], _Function]:
    """Register the decorated function in ``METRICS`` under its own name."""

    def register(function: _Function) -> _Function:
        name = function.__name__
        METRICS[name] = Metric(
            name, greater_is_better, tasks, needs_probability, grouped, cut, function
        )
        return function

    return register


@checked
def list_metric(name: str, *, needs_hits: bool = True) -> Callable[[_ListFunction], _ListFunction]:
    """Register the decorated function in ``METRICS`` as ``name@k``."""

    def register(function: _ListFunction) -> _ListFunction:
        METRICS[f"{name}@k"] = ListMetric(f"{name}@k", needs_hits, function)
        return function

    return register


def _of_samples() -> dict[str, Metric]:
    return {name: found for name, found in METRICS.items() if isinstance(found, Metric)}


def _of_lists() -> dict[str, ListMetric]:
    found = {n.removesuffix("@k"): m for n, m in METRICS.items() if isinstance(m, ListMetric)}
    return dict(sorted(found.items(), key=lambda item: not item[1].needs_hits))


@checked
def listed(names: str | Iterable[str]) -> list[str]:
    """Return names of metrics as a list; a text may name several, with commas in between.

    Parameters
    ----------
    names : str or iterable of str
        In letters of either case.

    Raises
    ------
    ConfigError
        If it holds something that is no text.
    """
    given = [names] if isinstance(names, str) else list(names)
    for name in given:
        if not isinstance(name, str):
            raise ConfigError(f"Metrics are given by their names, such as 'auc'. Got {name!r:.80}.")
    return [name.strip() for text in given for name in text.split(",") if name.strip()]


def _canonical(name: str) -> str:
    return name.strip().lower().replace("-", "_")


@checked
def get_metric(name: str) -> Metric:
    """Return the metric of samples of a name.

    Parameters
    ----------
    name : str
        A key of ``METRICS`` or ``ALIASES``, in letters of either case. Some also take a length, as
        in ``ndcg@10``.

    Returns
    -------
    Metric

    Raises
    ------
    ConfigError
        If there is no such metric, or the length after ``@`` is not a whole number from 1 on.
    """
    name = _canonical(name)
    head, _, place = name.partition("@")
    known = _of_samples()
    found = known.get(ALIASES.get(head, head))
    if found is None or (head != name and not found.cut):
        near = closest(name, (*known, *ALIASES))
        raise ConfigError(f"There is no metric {name!r}.{near} The metrics are {', '.join(known)}.")
    if head == name:
        return found
    if not re.fullmatch(_PLACE, place):
        raise ConfigError(
            f"The number after @ must be a whole number of at least 1, as in {head}@10. "
            f"Got {name!r}."
        )
    return replace(
        found,
        name=f"{found.name}@{place}",
        function=functools.partial(found.function, k=int(place)),
    )


@checked
def get_list_metric(name: str) -> ListMetric:
    """Return the metric of lists of a name.

    Parameters
    ----------
    name : str
        With the length of the lists, such as ``recall@10``, or ``sampled_recall@10``.

    Returns
    -------
    ListMetric

    Raises
    ------
    ConfigError
        If there is no such metric, or k is missing.
    """
    name = _canonical(name)
    plain = name.removeprefix(SAMPLED)
    sampled = plain != name
    head, _, place = plain.partition("@")
    known = _of_lists()
    found = known.get(head)
    if found is None or (sampled and not found.needs_hits):
        never_sampled = ", ".join(name for name, one in known.items() if not one.needs_hits)
        raise ConfigError(
            f"There is no recommendation metric {name!r}.{closest(head, known)} The metrics are "
            f"{', '.join(known)}; all but {never_sampled} also exist as {SAMPLED}..."
        )
    if not re.fullmatch(_PLACE, place):
        raise ConfigError(
            f"A recommendation metric needs the length of the lists, as in {head}@10. Got {name!r}."
        )
    return replace(found, name=name, k=int(place), sampled=sampled)


@checked
def default_metrics(task: str) -> tuple[str, ...]:
    """Return the names of the metrics that are reported for a task.

    Parameters
    ----------
    task : {"binary", "multiclass", "rank", "regression"}

    Returns
    -------
    tuple of str
        The metric to optimise comes first.

    Raises
    ------
    ConfigError
        If there is no such task.
    """
    if task not in _DEFAULTS:
        raise ConfigError(
            f"There is no task {task!r}.{closest(task, _DEFAULTS)} "
            f"The tasks are {', '.join(_DEFAULTS)}."
        )
    return _DEFAULTS[task]


@checked
def compute(
    names: str | Iterable[str],
    y: npt.ArrayLike,
    pred: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    group: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Compute one or several metrics.

    Parameters
    ----------
    names : str or iterable of str
        Names or aliases.
    y, pred, weight, group
        As for a single :class:`Metric`.

    Returns
    -------
    dict
        Maps canonical names to values, in the order of ``names``.

    Raises
    ------
    ConfigError
        If a name is unknown.
    DataError
        If the arrays do not fit a metric.
    """
    chosen = [get_metric(name) for name in listed(names)]
    return {item.name: item(y, pred, weight, group) for item in chosen}
