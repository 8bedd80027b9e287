"""Ranked lists that print as tables, and the ranking of linear weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fieldfare._arguments import checked
from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import Number, check
from fieldfare.explain.entries import feature_name, label_of, outputs
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.rows import Rows
from fieldfare.sources.frames import to_pandas


class FeatureWeight(NamedTuple):
    """One linear weight, with the ``strength`` that ranks it.

    ``support`` is the number of training samples with the feature, if known; ``label`` is the
    class, if there are several; ``feature`` is the feature id.
    """

    name: str
    weight: float
    strength: float
    support: int | None
    label: Any
    feature: int


@dataclass(frozen=True)
class Ranking(Sequence[Any]):
    """A sequence of named tuples, the strongest first; prints as a table.

    Parameters
    ----------
    title : str
        What is listed.
    items : tuple of named tuples
        All of the same type, in decreasing order of ``strength``.
    """

    title: str
    items: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:
        return self.items[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one dictionary per item, ready for JSON or a DataFrame."""
        return [item._asdict() for item in self.items]

    def to_frame(self) -> Any:
        """Return the items as a pandas DataFrame, one per row."""
        return to_pandas(self.to_dict())

    def __str__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    def _printed(self) -> Printed:
        if not self.items:
            return Printed((), (), above=(f"{self.title}: none",))
        columns = [
            name
            for name in self.items[0]._fields
            if isinstance(getattr(self.items[0], name), str | float)
            or (name in ("support", "label") and any(getattr(i, name) is not None for i in self))
        ]
        rows = [tuple(_cell(getattr(item, name)) for name in columns) for item in self.items]
        left = tuple(
            place for place, name in enumerate(columns) if isinstance(getattr(self[0], name), str)
        )
        return Printed(columns, rows, left, above=(self.title,))


@checked
def top_features(
    model: Model | FittedEstimator,
    n: int = 20,
    *,
    min_count: int = 0,
    weighted: bool = True,
    label: Any = None,
    rows: Rows | None = None,
) -> Ranking:
    """Rank the features by their linear weights.

    The strength of a weight is ``|w| sqrt(p)``, where ``p`` is the share of training samples that
    have the feature. This is the root mean square of what the feature contributes to the score if
    its value is one. Without counts, or with ``weighted=False``, the strength is ``|w|``; rare
    features with barely trained weights may then lead the list.

    Parameters
    ----------
    model : Model or fitted estimator
        Any trained model.
    n : int in [1, inf), default=20
        Length of the list.
    min_count : int, default=0
        Leave out features that occur in fewer training samples; needs counts.
    weighted : bool, default=True
        Whether frequent features count for more.
    label : object, default=None
        For multiclass models, the class; None ranks over all of them.
    rows : Rows, default=None
        Samples from which the counts are taken, by default those in the Schema, if it has any.

    Returns
    -------
    Ranking of FeatureWeight

    Raises
    ------
    ConfigError
        If ``n`` is not positive or the model has no such class.
    """
    check("n", n, Number(1, integer=True), "top_features")
    model = model_of(model, "top_features")
    counts, scale = scales(model, rows, min_count=min_count, weighted=weighted)
    found: list[FeatureWeight] = []
    for output in outputs(model, label):
        w = model.linear[:, output].astype(np.float64)
        strength = np.abs(w) * scale
        for i in largest(strength, n):
            count = None if counts is None else int(counts[i])
            found.append(
                FeatureWeight(
                    feature_name(model, int(i)),
                    float(w[i]),
                    float(strength[i]),
                    count,
                    label_of(model, output),
                    int(i),
                )
            )
    found.sort(key=lambda item: (-item.strength, item.feature))
    return Ranking("Strongest linear weights", tuple(found[:n]))


def scales(
    model: Model, rows: Rows | None, *, min_count: int = 0, weighted: bool
) -> tuple[Int64Array | None, Float64Array]:
    """Return how often each feature occurs, and what its weights are multiplied by for ranking.

    Returns
    -------
    counts : int64 array of shape (n_features,) or None
        From the rows, or else from the Schema, or else None.
    scale : float64 array of shape (n_features,)
        ``sqrt(p)`` with ``p`` the share of samples, at most one; one if not ``weighted`` or if
        there are no counts; zero for features that occur too rarely.
    """
    n = model.n_features
    if rows is not None:
        ids = rows.indices[int(rows.indptr[0]) : int(rows.indptr[-1])]
        counts, n_samples = np.bincount(ids, minlength=n)[:n], len(rows)
    elif model.schema is not None and model.schema.counts is not None:
        counts, n_samples = model.schema.counts[:n], model.schema.n_rows
        # Features that the Schema does not have were not counted.
        counts = np.pad(counts, (0, n - len(counts)))
    else:
        return None, np.ones(n)
    enough = counts >= max(min_count, 1 if weighted else 0)
    if not weighted:
        return counts, enough.astype(np.float64)
    share = np.minimum(counts / max(1, n_samples or int(counts.max(initial=1))), 1)
    return counts, np.sqrt(share) * enough


def largest(strength: Float64Array, n: int) -> AnyArray:
    """Return the positions of the ``n`` largest positive numbers, the largest first."""
    places = np.flatnonzero(strength > 0)
    if len(places) > n:
        places = places[np.argpartition(-strength[places], n - 1)[:n]]
    return places[np.argsort(-strength[places], kind="stable")]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
