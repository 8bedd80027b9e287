"""Leaks: features and columns that all but give the target away, and what finding them needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldfare._typing import Float32Array, Float64Array, Int64Array
from fieldfare.data.dataset import Dataset
from fieldfare.rows import Rows

BLOCK_ROWS = 1 << 20
_MAX_CLASSES = 20
_LEAK = 0.99
_SUPPORT = 20
_MIN_ROWS = 100


def leaks(data: Dataset) -> list[str]:
    """Report features and columns that all but give the target away."""
    rows, schema = data.rows, data.schema
    if rows.target is None or rows.n_rows < _MIN_ROWS:
        return []
    classes = classes_of(rows.target)
    is_classes = classes is not None
    y = rows.target.astype(np.float64)
    if classes is not None:
        values, counts = classes
        if len(values) < 2:
            return []
        y = (rows.target == values[counts.argmax()]).astype(np.float64)
    found = [
        f"Column {name!r} all but determines the target: is it known when predicting?"
        for name, score in _column_scores(data)
        if _explains(y, score, is_classes)
    ]
    if is_classes and not found:
        share = _presence_shares(rows, y)
        for feature in np.flatnonzero(np.abs(share) > 2 * _LEAK - 1)[:5].tolist():
            name = schema.feature_name(feature)
            found.append(f"Feature {name!r} all but determines the target: is it known then?")
    return found


def _presence_shares(rows: Rows, y: Float64Array) -> Float64Array:
    """Return P(feature | y = 1) - P(feature | y = 0): 1 or -1 if presence tells the class."""
    share = np.zeros(rows.n_features)
    for label, sign in ((1.0, 1.0), (0.0, -1.0)):
        chosen = y == label
        if chosen.sum() < _SUPPORT:
            return np.zeros(rows.n_features)
        ids = rows.indices[span_of(rows)][chosen[row_of_entry(rows)]]
        share += sign * np.bincount(ids, minlength=rows.n_features) / chosen.sum()
    return share


def _column_scores(data: Dataset) -> Sequence[tuple[str, Float64Array]]:
    """Return for each column one number per row: its value, or the mean target of its value."""
    rows, schema = data.rows, data.schema
    if schema.fitted is None or rows.target is None:
        return []
    row, ids = row_of_entry(rows), rows.indices[span_of(rows)]
    values = np.ones(len(ids)) if rows.values is None else rows.values[span_of(rows)]
    scores = []
    for column, fitted in zip(schema.columns, schema.fitted, strict=True):
        if fitted is None or column.kind in ("multi", "text"):
            continue
        mine = (ids >= fitted.missing) & (ids < fitted.missing + fitted.size)
        score = np.zeros(rows.n_rows)
        if fitted.vocabulary is None and fitted.edges is None and not column.is_hashed:
            score[row[mine]] = np.where(ids[mine] == fitted.missing, 0, values[mine])
        else:
            local = ids[mine].astype(np.int64) - fitted.missing
            y = rows.target.astype(np.float64)
            count = np.bincount(local, minlength=fitted.size)
            total = np.bincount(local, y[row[mine]], minlength=fitted.size)
            # A value seen a few times only always "determines" the target.
            mean = np.where(count >= _SUPPORT, total / np.maximum(count, 1), y.mean())
            score[row[mine]] = mean[local]
        scores.append((column.name, score))
    return scores


def _explains(y: Float64Array, score: Float64Array, is_classes: bool) -> bool:
    if score.std() == 0 or y.std() == 0:
        return False
    if not is_classes:
        return bool(np.corrcoef(y, score)[0, 1] ** 2 > _LEAK)
    auc = _auc(y, score)
    return max(auc, 1 - auc) > _LEAK


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


def span_of(rows: Rows) -> slice:
    """Return where the entries of rows lie in their arrays."""
    return slice(int(rows.indptr[0]), int(rows.indptr[-1]))


def row_of_entry(rows: Rows) -> Int64Array:
    """Return for each entry the row that it is of."""
    return np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
