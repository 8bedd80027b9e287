"""Leaks: features and columns that all but give the target away, and what finding them needs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldfare._typing import Float32Array, Float64Array, Int64Array
from fieldfare.data.dataset import Dataset
from fieldfare.rows import Rows

BLOCK_ROWS = 1 << 20
_MAX_CLASSES = 20
# The area under the ROC curve, and the share of variance, from which on a column alone is a leak
# rather than a good predictor.
_AREA = 0.99
_R2 = 0.99
_SUPPORT = 20
_MIN_ROWS = 100
FEW_REPEATED = 0.01
"""A smaller share of repeated rows changes no figure."""


def share_repeated(train: Int64Array, test: Int64Array) -> float:
    """Return the share of test interactions that are in the training part, too.

    Parameters
    ----------
    train, test : int64 arrays
        A number for the user and the item of each interaction.
    """
    return float(np.isin(test, train).mean()) if len(test) else 0.0


def leaks(data: Dataset) -> list[str]:
    """Report columns and features that all but give the target away, one sentence each."""
    sentence = (
        "{} {!r} alone all but determines the target, which may be a leak: is it known when "
        "predicting? Otherwise leave it out{}."
    )
    return [
        sentence.format(kind, name, f", with ignore=[{name!r}]" if kind == "Column" else "")
        for kind, name in _found(data)
    ]


def _found(data: Dataset) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of columns and features that give the target away."""
    rows, schema = data.rows, data.schema
    if rows.target is None or rows.n_rows < _MIN_ROWS:
        return
    classes = classes_of(rows.target)
    y = rows.target.astype(np.float64)
    if classes is not None:
        values, counts = classes
        if rows.n_rows - counts.max() < _SUPPORT:
            return  # so few rows stand out in some column by chance
        y = (rows.target == values[counts.argmax()]).astype(np.float64)
    any_column = False
    for name, score in _column_scores(data):
        if _explains(y, score, are_classes=classes is not None):
            any_column = True
            yield "Column", name
    if classes is not None and not any_column:
        share = _presence_shares(rows, y)
        for feature in np.flatnonzero(np.abs(share) > 2 * _AREA - 1)[:5].tolist():
            yield "Feature", schema.feature_name(feature)


def _presence_shares(rows: Rows, y: Float64Array) -> Float64Array:
    """Return P(feature | y = 1) - P(feature | y = 0): 1 or -1 if presence tells the class."""
    share = np.zeros(rows.n_features)
    ids, row = rows.indices[rows.span], row_of_entry(rows)
    for label, sign in ((1.0, 1.0), (0.0, -1.0)):
        chosen = y == label
        if chosen.sum() < _SUPPORT:
            return np.zeros(rows.n_features)
        share += sign * np.bincount(ids[chosen[row]], minlength=rows.n_features) / chosen.sum()
    return share


def _column_scores(data: Dataset) -> Iterator[tuple[str, Float64Array]]:
    """Yield for each column one number per row: its value, or the mean target of its value."""
    rows, schema = data.rows, data.schema
    if schema.fitted is None or rows.target is None:
        return
    ids = rows.indices[rows.span].astype(np.int64)
    values = np.ones(len(ids)) if rows.values is None else rows.values[rows.span]
    # Sorted, so that each column is a slice: there may be thousands.
    order = np.argsort(ids, kind="stable")
    row, ids, values = row_of_entry(rows)[order], ids[order], values[order]
    y = rows.target.astype(np.float64)
    for column, fitted in zip(schema.columns, schema.fitted, strict=True):
        if fitted is None or column.kind in ("multi", "text"):
            continue
        bounds = np.searchsorted(ids, [fitted.missing, fitted.missing + fitted.size])
        mine = slice(*bounds.tolist())
        score = np.zeros(rows.n_rows)
        if fitted.vocabulary is None and fitted.edges is None and not column.is_hashed:
            score[row[mine]] = np.where(ids[mine] == fitted.missing, 0, values[mine])
        else:
            local = ids[mine] - fitted.missing
            count = np.bincount(local)
            total = np.bincount(local, y[row[mine]])
            # A value seen a few times only always "determines" the target.
            mean = np.where(count >= _SUPPORT, total / np.maximum(count, 1), y.mean())
            score[row[mine]] = mean[local]
        yield column.name, score


def _explains(y: Float64Array, score: Float64Array, *, are_classes: bool) -> bool:
    if score.std() == 0 or y.std() == 0:
        return False
    if not are_classes:
        return bool(np.corrcoef(y, score)[0, 1] ** 2 > _R2)
    auc = _auc(y, score)
    return max(auc, 1 - auc) > _AREA


def _auc(y: Float64Array, score: Float64Array) -> float:
    """Area under the ROC curve by mean ranks (Mann and Whitney 1947)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n_pos = y.sum()
    return float((rank[y == 1].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * (len(y) - n_pos)))


def classes_of(target: Float32Array) -> tuple[Float32Array, Int64Array] | None:
    """Return the values of a target and how often each occurs, if they are not too many."""
    values, counts = np.zeros(0, np.float32), np.zeros(0, np.int64)
    for start in range(0, len(target), BLOCK_ROWS):
        more, seen = np.unique(target[start : start + BLOCK_ROWS], return_counts=True)
        values, place = np.unique(np.concatenate([values, more]), return_inverse=True)
        if len(values) > _MAX_CLASSES:
            return None
        counts = np.bincount(place, np.concatenate([counts, seen])).astype(np.int64)
    return values, counts


def row_of_entry(rows: Rows) -> Int64Array:
    """Return for each entry the row that it is of."""
    return np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
