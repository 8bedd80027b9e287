"""How much of the spread of the scores each column accounts for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.models.base import Model
from fieldfare.schema.schema import Schema


class Moments(NamedTuple):
    """What is known of the value of each feature over all rows, zero where a row lacks it.

    Three float64 arrays of shape (n_features,): the share of rows that have the feature, the mean
    of its value, and the mean of the square.
    """

    share: Float64Array
    mean: Float64Array
    square: Float64Array

    @staticmethod
    def of_schema(schema: Schema) -> Moments | None:
        """Return the moments of the rows that a Schema was fitted on, ``None`` if not known."""
        if schema.ids is not None:
            if schema.ids.spread is None:
                return None
            share, mean, deviation = schema.ids.spread.astype(np.float64)
            return Moments(share, mean, mean**2 + deviation**2)
        counts = schema.counts
        assert counts is not None
        assert schema.fitted is not None
        share = counts / max(schema.n_rows, 1)
        mean, square = share.copy(), share.copy()
        for column, fitted in zip(schema.columns, schema.fitted, strict=True):
            if fitted is None or column.kind != "numeric" or column.is_hashed:
                continue
            if fitted.vocabulary is not None or fitted.edges is not None:
                continue
            centre, spread = fitted.mean, fitted.scale
            if column.transform == "standardize":
                centre, spread = 0.0, 1.0
            mean[fitted.first] *= centre
            square[fitted.first] *= centre**2 + spread**2
        return Moments(share, mean, square)

    def of_unit_length(self) -> Moments:
        """Return the moments after samples are scaled to the unit length that they have on average.

        That is an approximation: each sample has a length of its own.
        """
        length = float(self.square.sum()) or 1.0
        return Moments(self.share, self.mean / length**0.5, self.square / length)


def importances(model: Model, moments: Moments, members: Sequence[AnyArray]) -> Float64Array:
    """Return the share of the variance of the scores that each column accounts for.

    If the columns were independent of each other, the variance of the score would be the sum of one
    part for each column and one for each pair (the analysis of variance; Sobol 1993). The part of a
    pair is divided equally between its columns, which gives each column its Shapley value (Owen
    2014). No pair of features is visited: the variance of an interaction is the inner product of
    the covariance matrices of the vectors on its two sides.

    Parameters
    ----------
    model : Model
        Of its interactions, those of pairs count.
    moments : Moments
        Of the training rows.
    members : sequence of integer arrays
        The features of each column. A row has one of them, or of a column with several values as
        many as it has on average, drawn independently.

    Returns
    -------
    float64 array of shape (n_columns,)
        They sum to 1, unless the score is the same for all rows: then all are 0. Of a model with
        several outputs, variances are summed over them.
    """
    if model.config.instance_norm:
        moments = moments.of_unit_length()
    total = np.zeros(len(members))
    for output in range(model.n_outputs):
        total += _variances(model, output, moments, members)
    whole = float(total.sum())
    return total / whole if whole > 0 else total


def _variances(
    model: Model, output: int, moments: Moments, members: Sequence[AnyArray]
) -> Float64Array:
    """Return the variance that is each column's own, with half of that of its interactions."""
    found = np.zeros(len(members))
    slope = model.linear[:, output].astype(np.float64)  # of the score in a feature, others averaged
    pairs = _pairs_by_field if model.uses_fields else _pairs
    for a, variance, pull in pairs(model, output, moments, members):
        found[a] += variance / 2
        slope[members[a]] += pull
    for a, ids in enumerate(members):
        _, covariance = _spread(slope[ids, np.newaxis], moments, ids)
        found[a] += covariance[0, 0]
    return np.maximum(found, 0)


def _spread(vectors: Float64Array, moments: Moments, ids: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return mean and covariance, over the rows, of the sum of the vectors that a row has."""
    mean = moments.mean[ids] @ vectors
    per_row = max(1.0, float(moments.share[ids].sum()))
    square = (vectors * moments.square[ids, np.newaxis]).T @ vectors
    return mean, square - np.outer(mean, mean) / per_row


def _pairs(
    model: Model, output: int, moments: Moments, members: Sequence[AnyArray]
) -> Iterator[tuple[int, float, Float64Array]]:
    """Yield, of each column, the variance of its interactions and what others add to its slopes."""
    every = np.arange(model.n_features)
    vectors, _ = model.pair_vectors(every, every, every, every, output)
    spreads = [_spread(vectors[ids], moments, ids) for ids in members]
    mean = sum(mean for mean, _ in spreads)
    covariance = sum(covariance for _, covariance in spreads)
    for a, (own_mean, own) in enumerate(spreads):
        yield a, float((own * (covariance - own)).sum()), vectors[members[a]] @ (mean - own_mean)


def _pairs_by_field(
    model: Model, output: int, moments: Moments, members: Sequence[AnyArray]
) -> Iterator[tuple[int, float, Float64Array]]:
    """Yield the same for each pair of columns, whose vectors depend on the field of the other."""
    assert model.schema is not None
    fields = [model.schema.field_of[ids[:1]].astype(np.int64) for ids in members]
    for b, right_ids in enumerate(members):
        for a, left_ids in enumerate(members[:b]):
            if not len(left_ids) or not len(right_ids):
                continue
            left, right = model.pair_vectors(left_ids, right_ids, fields[a], fields[b], output)
            left_mean, left_own = _spread(left, moments, left_ids)
            right_mean, right_own = _spread(right, moments, right_ids)
            variance = float((left_own * right_own).sum())
            yield a, variance, left @ right_mean
            yield b, variance, right @ left_mean
