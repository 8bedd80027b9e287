"""The strongest interactions of a model, between features and between fields, found exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fieldfare._arguments import checked
from fieldfare._tables import Printed
from fieldfare._typing import JSON, AnyArray, Float64Array, Int64Array
from fieldfare._validation import Number, OneOf, check
from fieldfare.exceptions import DataError
from fieldfare.explain.entries import (
    count_fields,
    factors_of,
    feature_name,
    field_name,
    fields_of_features,
    label_of,
    outputs,
)
from fieldfare.explain.ranking import Ranking, largest, scales
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.rows import Rows
from fieldfare.sources.frames import to_pandas

# Vectors on either side of a block of inner products.
_BLOCK = 1024


class Interaction(NamedTuple):
    """Two features: ``value`` is their inner product, and ``strength`` is what ranks them.

    ``features`` are their ids, the lower first; ``label`` is the class, if there are several.
    """

    first: str
    second: str
    value: float
    strength: float
    label: Any
    features: tuple[int, int]


class FieldInteraction(NamedTuple):
    """Two fields, and as ``strength`` the root mean square of the interaction between them.

    ``fields`` are their numbers, the lower first; ``label`` is the class, if there are several.
    """

    first: str
    second: str
    strength: float
    label: Any
    fields: tuple[int, int]


@dataclass(frozen=True, eq=False)
class FieldMatrix:
    """How strongly each pair of fields interacts.

    Parameters
    ----------
    names : tuple of str
        Names of the fields.
    values : float64 array of shape (n_fields, n_fields)
        Symmetric; zero on the diagonal.
    """

    names: tuple[str, ...]
    values: Float64Array

    def to_dict(self) -> JSON:
        """Return names and nested lists, ready for JSON."""
        return {"names": list(self.names), "values": self.values.tolist()}

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with the names of the fields as rows and as columns."""
        rows = [dict(zip(self.names, row, strict=True)) for row in self.values.tolist()]
        return to_pandas(rows, self.names).set_axis(list(self.names))

    def _repr_html_(self) -> str:
        rows = [
            [name, *(f"{value:.4g}" for value in values)]
            for name, values in zip(self.names, self.values.tolist(), strict=True)
        ]
        return Printed(("", *self.names), rows, left=(0,)).html()


@checked
def top_interactions(
    model: Model | FittedEstimator,
    n: int = 20,
    *,
    by: str = "feature",
    min_count: int = 0,
    weighted: bool = True,
    label: Any = None,
    rows: Rows | None = None,
) -> Ranking:
    """Rank pairs of features, or of fields, by how strongly they interact.

    The value of a pair of features is ``<v_i, v_j>`` in an FM (Rendle 2010, eq. 1),
    ``<v_{i,f_j}, v_{j,f_i}>`` in an FFM (Juan et al. 2016, eq. 4) and ``r_{f_i,f_j} <v_i, v_j>`` in
    an FwFM (Pan et al. 2018). For an HOFM, only the interactions of order 2 are ranked. The
    strength is the absolute value times ``sqrt(p_i p_j)``, with ``p`` the share of training samples
    that have the feature. This is the root mean square of what the pair would contribute to the
    score if its features occurred independently of each other and with value one. Without counts,
    or with ``weighted=False``, the strength is the absolute value alone; rare features with barely
    trained vectors may then lead the list.

    The ranking is exact. Features are searched in blocks, those with the longest vectors first.
    Since ``|<u, v>| <= |u| |v|``, the search can stop as soon as no further pair can enter the
    list. Memory does not grow with the number of pairs. If the features are known to lie in several
    fields, pairs within a field are left out, because the values of one column exclude each other.

    Parameters
    ----------
    model : Model or fitted estimator
        Any but a linear one.
    n : int in [1, inf), default=20
        Length of the list.
    by : {"feature", "field"}, default="feature"
        Whether to rank pairs of features or of fields. The strength of a pair of fields is that of
        `field_interactions`.
    min_count : int, default=0
        Leave out features that occur in fewer training samples; needs counts.
    weighted : bool, default=True
        Whether frequent features count for more.
    label : object, default=None
        For multiclass models, the class; None ranks over all of them.
    rows : Rows, default=None
        Samples from which counts and fields are taken, by default those in the Schema.

    Returns
    -------
    Ranking of Interaction or FieldInteraction

    Raises
    ------
    ConfigError
        If the model is linear, a parameter is not allowed, or there is no such class.
    DataError
        If fields are needed, and neither the Schema nor ``rows`` has them.
    """
    model = model_of(model, "top_interactions")
    check("n", n, Number(1, integer=True), "top_interactions")
    check("by", by, OneOf(("feature", "field")), "top_interactions")
    factors_of(model)
    fields = _fields(model, rows)
    _, scale = scales(model, rows, min_count=min_count, weighted=weighted)
    if by == "field":
        return _top_fields(model, n, scale, fields, label)
    best = _Best(n)
    chosen = outputs(model, label)
    for output in chosen:
        for left, right in _searches(model, output, scale, fields, best):
            _search(left, right, best, output)
    found = tuple(_interaction(model, item, fields) for item in best.items())
    return Ranking("Strongest interactions of features", found)


@checked
def field_interactions(
    model: Model | FittedEstimator,
    *,
    weighted: bool = True,
    label: Any = None,
    rows: Rows | None = None,
) -> FieldMatrix:
    """Measure how strongly each pair of fields interacts.

    The strength between the fields a and b is ``sqrt(sum_{i in a, j in b} q_i q_j value_{ij}^2)``:
    the root mean square of the interaction of one feature of each field, drawn independently with
    the training frequency ``q`` within its field. Without counts, or with ``weighted=False``, all
    features of a field count equally. No pair of features is visited: the sum is the inner product
    of two k x k matrices of second moments.

    Parameters
    ----------
    model : Model or fitted estimator
        Any but a linear one.
    weighted : bool, default=True
        Whether frequent features count for more.
    label : object, default=None
        For multiclass models, the class; None takes the root mean square over all classes.
    rows : Rows, default=None
        Samples from which counts and fields are taken, by default those in the Schema.

    Returns
    -------
    FieldMatrix

    Raises
    ------
    ConfigError
        If the model is linear or has no such class.
    DataError
        If neither the Schema nor ``rows`` has the fields of the features.
    """
    model = model_of(model, "field_interactions")
    factors_of(model)
    fields = _require_fields(_fields(model, rows))
    _, scale = scales(model, rows, weighted=weighted)
    chosen = outputs(model, label)
    squares = sum(_field_squares(model, output, scale, fields) for output in chosen)
    names = tuple(field_name(model, f) for f in range(len(np.atleast_1d(squares))))
    return FieldMatrix(names, np.asarray(np.sqrt(squares / len(chosen))))


@dataclass(frozen=True)
class _SortedVectors:
    """Scaled vectors of some features, the longest first, without those of length zero.

    Parameters
    ----------
    ids : int64 array of shape (m,)
    vectors : float64 array of shape (m, k)
    lengths : float64 array of shape (m,)
    fields : int64 array of shape (m,) or None
        Field of each feature if pairs within a field are to be left out.
    """

    ids: Int64Array
    vectors: Float64Array
    lengths: Float64Array
    fields: Int64Array | None

    @staticmethod
    def of(
        ids: AnyArray, vectors: Float64Array, fields: Int64Array | None = None
    ) -> _SortedVectors:
        lengths = np.linalg.norm(vectors, axis=1)
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        kept = None if fields is None else fields[order]
        return _SortedVectors(ids[order], vectors[order], lengths[order], kept)


class _Best:
    """The ``n`` strongest interactions so far; another one must exceed ``threshold``."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.threshold = 0.0
        self.strength = np.zeros(0)
        self.found = np.zeros((0, 3), np.int64)  # feature, feature, output

    def add(self, strength: Float64Array, found: Int64Array) -> None:
        strength = np.concatenate([self.strength, strength])
        found = np.concatenate([self.found, found])
        keep = largest(strength, self.n)
        self.strength, self.found = strength[keep], found[keep]
        if len(keep) == self.n:
            self.threshold = float(self.strength[-1])

    def items(self) -> list[tuple[float, int, int, int]]:
        """Return (strength, i, j, output), the strongest first."""
        found = [
            (s, i, j, c)
            for s, (i, j, c) in zip(self.strength.tolist(), self.found.tolist(), strict=True)
        ]
        return sorted(found, key=lambda item: (-item[0], item[1:]))


def _searches(
    model: Model, output: int, scale: Float64Array, fields: Int64Array | None, best: _Best
) -> Iterator[tuple[_SortedVectors, _SortedVectors]]:
    """Yield the two sets of vectors of each search; the same set twice means pairs within it."""
    if not model.uses_fields:
        known = fields if fields is not None and len(np.unique(fields)) > 1 else None
        ids = np.arange(model.n_features)
        vectors, _ = model.pair_vectors(ids, ids, ids, ids, output)
        everything = _SortedVectors.of(ids, scale[:, None] * vectors, known)
        yield everything, everything
        return
    members = _features_by_field(_require_fields(fields), model.n_fields)
    bounds = np.zeros((model.n_fields, model.n_fields))
    for a, b in _field_pairs(model.n_fields):
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        bounds[a, b] = _largest_length(left) * _largest_length(right)
    # The most promising pairs of fields come first. They raise the threshold, so that most of the
    # others need no search.
    for place in np.argsort(-bounds, axis=None, kind="stable"):
        a, b = divmod(int(place), model.n_fields)
        if bounds[a, b] <= best.threshold:
            return
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        yield _SortedVectors.of(members[a], left), _SortedVectors.of(members[b], right)


def _field_pairs(n_fields: int) -> Iterator[tuple[int, int]]:
    """Yield all pairs of two different fields, the lower first."""
    return ((a, b) for a in range(n_fields) for b in range(a + 1, n_fields))


def _scaled_vectors(
    model: Model,
    members: Sequence[AnyArray],
    pair: tuple[int, int],
    scale: Float64Array,
    output: int,
) -> tuple[Float64Array, Float64Array]:
    """Return the scaled vectors with which the features of two fields interact with each other."""
    a, b = pair
    i, j = members[a], members[b]
    left, right = model.pair_vectors(i, j, np.array(a), np.array(b), output)
    return left * scale[i, None], right * scale[j, None]


def _largest_length(vectors: Float64Array) -> float:
    return float(np.linalg.norm(vectors, axis=1).max(initial=0))


def _search(left: _SortedVectors, right: _SortedVectors, best: _Best, output: int) -> None:
    """Add every pair of a left and a right vector that can enter the list."""
    for p in range(0, len(left.ids), _BLOCK):
        for q in range(p if left is right else 0, len(right.ids), _BLOCK):
            # Vectors p and q are the longest of their blocks and of all that follow.
            if left.lengths[p] * right.lengths[q] <= best.threshold:
                break
            a = slice(p, p + _n_above(left.lengths[p : p + _BLOCK] * right.lengths[q], best))
            b = slice(q, q + _n_above(right.lengths[q : q + _BLOCK] * left.lengths[p], best))
            strength = np.abs(left.vectors[a] @ right.vectors[b].T)
            if left.fields is not None and right.fields is not None:
                strength[left.fields[a, None] == right.fields[None, b]] = 0
            if left is right and p == q:  # count each pair once, and no feature with itself
                strength = np.triu(strength, 1)
            flat = strength.ravel()
            places = np.flatnonzero(flat > best.threshold)
            places = places[largest(flat[places], best.n)]
            i, j = np.divmod(places, strength.shape[1])
            found = np.stack([left.ids[a][i], right.ids[b][j], np.full_like(i, output)], axis=1)
            best.add(flat[places], found)


def _n_above(bounds: Float64Array, best: _Best) -> int:
    """Return how many of the decreasing bounds exceed the threshold."""
    return int(np.count_nonzero(bounds > best.threshold))


def _interaction(
    model: Model, item: tuple[float, int, int, int], fields: Int64Array | None
) -> Interaction:
    """Return an interaction with its names, and its value without the scale of the ranking."""
    strength, i, j, output = item
    i, j = min(i, j), max(i, j)
    first, second = np.array([[i], [j]])
    of_first, of_second = (first, second) if fields is None else (fields[first], fields[second])
    left, right = model.pair_vectors(first, second, of_first, of_second, output)
    names = feature_name(model, i), feature_name(model, j)
    value = float(left[0] @ right[0])
    return Interaction(*names, value, strength, label_of(model, output), (i, j))


def _top_fields(
    model: Model, n: int, scale: Float64Array, fields: Int64Array | None, label: Any
) -> Ranking:
    fields = _require_fields(fields)
    found: list[FieldInteraction] = []
    for output in outputs(model, label):
        strength = np.triu(np.sqrt(_field_squares(model, output, scale, fields)), 1)
        for place in largest(strength.ravel(), n):
            a, b = divmod(int(place), strength.shape[1])
            names = field_name(model, a), field_name(model, b)
            found.append(
                FieldInteraction(*names, float(strength[a, b]), label_of(model, output), (a, b))
            )
    found.sort(key=lambda item: (-item.strength, item.fields))
    return Ranking("Strongest interactions of fields", tuple(found[:n]))


def _field_squares(
    model: Model, output: int, scale: Float64Array, fields: Int64Array
) -> Float64Array:
    """Return the mean square interaction of every pair of fields, zero on the diagonal.

    sum_ij q_i q_j <u_i, v_j>^2 is the inner product of sum_i q_i u_i u_i^T and sum_j q_j v_j v_j^T.
    """
    n_fields = count_fields(model, fields)
    members = _features_by_field(fields, n_fields)
    squares = np.zeros((n_fields, n_fields))
    for a, b in _field_pairs(n_fields):
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        total = float((scale[members[a]] ** 2).sum() * (scale[members[b]] ** 2).sum())
        if total > 0:
            squares[a, b] = max(0.0, float(((left.T @ left) * (right.T @ right)).sum())) / total
    return squares + squares.T


def _features_by_field(fields: Int64Array, n_fields: int) -> list[AnyArray]:
    """Return the features of each field."""
    order = np.argsort(fields, kind="stable")
    return np.split(order, np.searchsorted(fields[order], np.arange(1, n_fields)))


def _fields(model: Model, rows: Rows | None) -> Int64Array | None:
    """Return the field of each feature, from the Schema or else from the rows."""
    known = fields_of_features(model)
    if known is not None or rows is None or rows.fields is None:
        return known
    span = rows.span
    ids, fields = rows.indices[span], rows.fields[span]
    inside = ids < model.n_features
    known = np.zeros(model.n_features, np.int64)
    known[ids[inside]] = fields[inside]
    return known


def _require_fields(fields: Int64Array | None) -> Int64Array:
    if fields is None:
        raise DataError(
            "This needs the field of every feature, which the model's Schema does not have. Pass "
            "samples with fields as rows=, for instance the training data."
        )
    return fields
