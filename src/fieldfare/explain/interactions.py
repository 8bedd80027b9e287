"""The strongest interactions of a model: between features, found exactly, and between fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

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
from fieldfare.models.base import Model
from fieldfare.rows import Rows

_BLOCK = 1024


class Interaction(NamedTuple):
    """Two features: ``value`` is the inner product, ``strength`` what it was ranked by."""

    first: str
    second: str
    value: float
    strength: float
    label: Any
    features: tuple[int, int]


class FieldInteraction(NamedTuple):
    """Two fields and the root mean square of the interaction between them."""

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


def top_interactions(
    model: Model,
    n: int = 20,
    *,
    by: str = "feature",
    min_count: int = 0,
    weighted: bool = True,
    label: Any = None,
    rows: Rows | None = None,
) -> Ranking:
    """Rank pairs of features, or of fields, by how strongly they interact.

    The value of two features is ``<v_i, v_j>`` in an FM (Rendle 2010, eq. 1),
    ``<v_{i,f_j}, v_{j,f_i}>`` in an FFM (Juan et al. 2016, eq. 4) and ``r_{f_i,f_j} <v_i, v_j>`` in
    an FwFM (Pan et al. 2018). Of an HOFM only pairs (order 2) are ranked. The strength is the
    absolute value times ``sqrt(p_i p_j)``, with ``p`` the share of training samples that have the
    feature: the root mean square of what the pair would add to the score if the two occurred
    independently and with value one. Without counts, or with ``weighted=False``, it is the absolute
    value alone, in which rare features with hardly trained vectors may lead.

    The ranking is exact. Features are taken in the order of the lengths of their vectors and in
    blocks; since ``|<u, v>| <= |u| |v|``, the search stops where no pair can enter the list any
    more. Memory does not grow with the number of pairs. Where the fields of the features are known
    and there are several, pairs within a field are left out: the values of one column exclude each
    other.

    Parameters
    ----------
    model : Model
        Any but a linear one.
    n : int, default=20
        How many to list.
    by : {"feature", "field"}, default="feature"
        What is paired. For fields the strength is that of `field_interactions`.
    min_count : int, default=0
        Leave out features seen in fewer training samples; needs counts.
    weighted : bool, default=True
        Whether frequent features count for more.
    label : object, default=None
        For models of several classes, the class; None ranks over all of them.
    rows : Rows, default=None
        Samples to take counts and fields from; by default they are those of the schema.

    Returns
    -------
    Ranking of Interaction or FieldInteraction

    Raises
    ------
    ConfigError
        If the model is linear, a parameter is not allowed, or there is no such class.
    DataError
        If fields are needed and neither the schema nor ``rows`` tells them.
    """
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
        for left, right in _sides(model, output, scale, fields, best):
            _search(left, right, best, output)
    found = tuple(_interaction(model, item, fields) for item in best.items())
    return Ranking("Strongest interactions of features", found)


def field_interactions(
    model: Model, *, weighted: bool = True, label: Any = None, rows: Rows | None = None
) -> FieldMatrix:
    """Measure how strongly each pair of fields interacts.

    Between the fields a and b this is ``sqrt(sum_{i in a, j in b} q_i q_j value_{ij}^2)``: the root
    mean square of the interaction of one feature of each, drawn independently with their training
    frequencies ``q`` within the field, which are taken as equal without counts or with
    ``weighted=False``. No pair is visited: the sum is the inner product of two k x k matrices of
    second moments.

    Parameters
    ----------
    model : Model
        Any but a linear one.
    weighted : bool, default=True
        Whether frequent features count for more.
    label : object, default=None
        For models of several classes, the class; None takes the root mean square over all of them.
    rows : Rows, default=None
        Samples to take counts and fields from; by default they are those of the schema.

    Returns
    -------
    FieldMatrix

    Raises
    ------
    ConfigError
        If the model is linear or has no such class.
    DataError
        If neither the schema nor ``rows`` tells the fields of the features.
    """
    factors_of(model)
    fields = _need_fields(_fields(model, rows))
    _, scale = scales(model, rows, weighted=weighted)
    chosen = outputs(model, label)
    squares = sum(_field_squares(model, output, scale, fields) for output in chosen)
    names = tuple(field_name(model, f) for f in range(len(np.atleast_1d(squares))))
    return FieldMatrix(names, np.asarray(np.sqrt(squares / len(chosen))))


@dataclass(frozen=True)
class _Side:
    """Vectors of one side of a search, the longest first: ids int64[m], vectors float64[m, k]."""

    ids: Int64Array
    vectors: Float64Array
    lengths: Float64Array
    fields: Int64Array | None

    @staticmethod
    def of(ids: AnyArray, vectors: Float64Array, fields: Int64Array | None = None) -> _Side:
        lengths = np.linalg.norm(vectors, axis=1)
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        kept = None if fields is None else fields[order]
        return _Side(ids[order], vectors[order], lengths[order], kept)


class _Best:
    """The ``n`` strongest pairs so far; ``threshold`` is what a further one must exceed."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.threshold = 0.0
        self.strength = np.zeros(0)
        self.pairs = np.zeros((0, 3), np.int64)

    def add(self, strength: Float64Array, pairs: Int64Array) -> None:
        strength = np.concatenate([self.strength, strength])
        pairs = np.concatenate([self.pairs, pairs])
        keep = largest(strength, self.n)
        self.strength, self.pairs = strength[keep], pairs[keep]
        if len(keep) == self.n:
            self.threshold = float(self.strength[-1])

    def items(self) -> list[tuple[float, int, int, int]]:
        """Return (strength, i, j, output), the strongest first."""
        found = [
            (s, i, j, c)
            for s, (i, j, c) in zip(self.strength.tolist(), self.pairs.tolist(), strict=True)
        ]
        return sorted(found, key=lambda item: (-item[0], item[1:]))


def _sides(
    model: Model, output: int, scale: Float64Array, fields: Int64Array | None, best: _Best
) -> Iterator[tuple[_Side, _Side]]:
    """Yield what is to be searched against what; the same object twice means pairs within it."""
    if not model.uses_fields:
        known = fields if fields is not None and len(np.unique(fields)) > 1 else None
        ids = np.arange(model.n_features)
        vectors, _ = model.pair_vectors(ids, ids, ids, ids, output)
        side = _Side.of(ids, scale[:, None] * vectors, known)
        yield side, side
        return
    members = _members(_need_fields(fields), model.n_fields)
    bounds = np.zeros((model.n_fields, model.n_fields))
    for a, b in _field_pairs(model.n_fields):
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        bounds[a, b] = _longest(left) * _longest(right)
    # The most promising pairs of fields come first, so that most of the others need no search.
    for place in np.argsort(-bounds, axis=None, kind="stable"):
        a, b = divmod(int(place), model.n_fields)
        if bounds[a, b] <= best.threshold:
            return
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        yield _Side.of(members[a], left), _Side.of(members[b], right)


def _field_pairs(n_fields: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs of different fields."""
    return ((a, b) for a in range(n_fields) for b in range(a + 1, n_fields))


def _scaled_vectors(
    model: Model,
    members: Sequence[AnyArray],
    pair: tuple[int, int],
    scale: Float64Array,
    output: int,
) -> tuple[Float64Array, Float64Array]:
    """Return the vectors of the features of one field as they meet those of another."""
    a, b = pair
    i, j = members[a], members[b]
    left, right = model.pair_vectors(i, j, np.array(a), np.array(b), output)
    return left * scale[i, None], right * scale[j, None]


def _longest(vectors: Float64Array) -> float:
    return float(np.linalg.norm(vectors, axis=1).max(initial=0))


def _search(left: _Side, right: _Side, best: _Best, output: int) -> None:
    """Offer every pair of a left and a right vector that can enter the list."""
    for p in range(0, len(left.ids), _BLOCK):
        for q in range(p if left is right else 0, len(right.ids), _BLOCK):
            if left.lengths[p] * right.lengths[q] <= best.threshold:
                break
            a = slice(p, p + _able(left.lengths[p : p + _BLOCK] * right.lengths[q], best))
            b = slice(q, q + _able(right.lengths[q : q + _BLOCK] * left.lengths[p], best))
            strength = np.abs(left.vectors[a] @ right.vectors[b].T)
            if left.fields is not None and right.fields is not None:
                strength[left.fields[a, None] == right.fields[None, b]] = 0
            if left is right and p == q:  # each pair once
                strength = np.triu(strength, 1)
            flat = strength.ravel()
            places = np.flatnonzero(flat > best.threshold)
            places = places[largest(flat[places], best.n)]
            i, j = np.divmod(places, strength.shape[1])
            pairs = np.stack([left.ids[a][i], right.ids[b][j], np.full_like(i, output)], axis=1)
            best.add(flat[places], pairs)


def _able(bounds: Float64Array, best: _Best) -> int:
    """Return how many of the bounds, which fall, still exceed the threshold."""
    return int(np.count_nonzero(bounds > best.threshold))


def _interaction(
    model: Model, item: tuple[float, int, int, int], fields: Int64Array | None
) -> Interaction:
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
    fields = _need_fields(fields)
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
    """Return the mean square interaction of every pair of fields, zero on the diagonal."""
    n_fields = count_fields(model, fields)
    members = _members(fields, n_fields)
    squares = np.zeros((n_fields, n_fields))
    for a, b in _field_pairs(n_fields):
        left, right = _scaled_vectors(model, members, (a, b), scale, output)
        total = float((scale[members[a]] ** 2).sum() * (scale[members[b]] ** 2).sum())
        if total > 0:
            squares[a, b] = max(0.0, float(((left.T @ left) * (right.T @ right)).sum())) / total
    return squares + squares.T


def _members(fields: Int64Array, n_fields: int) -> list[AnyArray]:
    """Return the features of each field."""
    order = np.argsort(fields, kind="stable")
    return np.split(order, np.searchsorted(fields[order], np.arange(1, n_fields)))


def _fields(model: Model, rows: Rows | None) -> Int64Array | None:
    """Return the field of every feature, from the schema or else from the rows."""
    known = fields_of_features(model)
    if known is not None or rows is None or rows.fields is None:
        return known
    span = slice(int(rows.indptr[0]), int(rows.indptr[-1]))
    ids, fields = rows.indices[span], rows.fields[span]
    inside = ids < model.n_features
    known = np.zeros(model.n_features, np.int64)
    known[ids[inside]] = fields[inside]
    return known


def _need_fields(fields: Int64Array | None) -> Int64Array:
    if fields is None:
        raise DataError(
            "This needs the field of every feature, and the schema of the model does not tell it. "
            "Pass rows=, samples with fields, such as the training data."
        )
    return fields
