"""Inspection: what a data file holds, and what looks wrong with it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.data.dispatch import Dataset, load
from fieldfare.data.schema import Schema
from fieldfare.exceptions import DataWarning
from fieldfare.rows import Rows

_MAX_CLASSES = 20
_LEAK = 0.99
_SUPPORT = 20
_MIN_ROWS = 100


@dataclass(frozen=True)
class Inspection:
    """What a source holds; printing it gives a report.

    Parameters
    ----------
    format : str
        Such as "CSV, separator ',', header" or "libffm, gzip".
    n_rows, n_entries, n_features, n_fields : int
    target : dict
        ``classes`` (counts by value, up to 20 values), or ``mean``, ``std``, ``min``, ``max``;
        empty without a target.
    missing : dict of str to float
        Share of missing values of each column that has some.
    duplicates : int
        Rows whose features all occurred in an earlier row.
    findings : tuple of str
        What looks wrong, one sentence each.
    unseen : dict of str to float
        Against a second source: share of its entries (per column, or "all") that the first never
        holds.
    schema : Schema
        What was inferred.
    """

    format: str
    n_rows: int
    n_entries: int
    n_features: int
    n_fields: int
    target: dict[str, Any]
    missing: dict[str, float]
    duplicates: int
    findings: tuple[str, ...]
    unseen: dict[str, float]
    schema: Schema = field(repr=False)

    def __str__(self) -> str:
        per_row = self.n_entries / max(self.n_rows, 1)
        lines = [
            f"format       {self.format}",
            f"rows         {self.n_rows}, {per_row:.1f} features each",
            f"features     {self.n_features} in {self.n_fields} fields",
            f"target       {_target_text(self.target)}",
            f"duplicates   {self.duplicates} rows repeat the features of an earlier row",
        ]
        if self.missing:
            lines += ["missing      " + _shares(self.missing)]
        if self.unseen:
            lines += _unseen_text(self.unseen)
        if not self.schema.is_indexed:
            lines += ["", str(self.schema)]
        lines += ["", f"{len(self.findings)} findings" if self.findings else "Nothing looks wrong."]
        return "\n".join([*lines, *(f"- {finding}" for finding in self.findings)])


def inspect(source: Any, target: str | None = None, against: Any = None) -> Inspection:
    """Say what a source holds and what looks wrong with it.

    Parameters
    ----------
    source : anything that `load` takes
    target : str or None
        Column to be predicted.
    against : anything that `load` takes, or None
        A second source, such as the test file: how much of it was never seen in the first.

    Returns
    -------
    Inspection

    Raises
    ------
    DataError
        If a source cannot be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        data = load(source, target=target, labelled=None)
    rows, schema = data.rows, data.schema
    findings = [str(warning.message) for warning in caught]
    duplicates, contradictions = _duplicates(rows)
    if contradictions:
        findings.append(
            f"{contradictions} rows have the features of an earlier row and another target."
        )
    findings += _target_findings(rows) + _constant_columns(data) + _field_findings(data)
    findings += _leaks(data)
    unseen = {} if against is None else _unseen(data, load(against, schema=schema, labelled=False))
    return Inspection(
        format=describe_format(source),
        n_rows=rows.n_rows,
        n_entries=rows.nnz,
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        target=_target_summary(rows, schema),
        missing=_missing(schema),
        duplicates=duplicates,
        findings=tuple(findings),
        unseen=unseen,
        schema=schema,
    )


def describe_format(source: Any) -> str:
    """Return in a few words what kind of source this is."""
    from fieldfare.data.sources import expand
    from fieldfare.data.tables import is_parquet
    from fieldfare.data.text import detect

    paths = source if isinstance(source, (list, tuple)) and source else [source]
    if not all(isinstance(path, (str, os.PathLike)) for path in paths):
        return type(source).__name__
    if paths == ["-"] or os.path.isfile(os.path.join(os.fspath(paths[0]), "header.json")):
        return "standard input" if paths == ["-"] else "RowStore"
    files = expand(list(paths))
    count = f"{len(files)} files, " if len(files) > 1 else ""
    if is_parquet(str(files[0])):
        return f"{count}Parquet"
    found = detect(files[0])
    words: list[str] = [found.kind]
    if found.kind == "csv":
        words = ["CSV", f"separator {found.separator!r}"]
        words.append("header" if found.has_header else "no header")
    return count + ", ".join([*words, *([found.compression] if found.compression else [])])


def _span(rows: Rows) -> slice:
    return slice(int(rows.indptr[0]), int(rows.indptr[-1]))


def _row_of_entry(rows: Rows) -> Int64Array:
    return np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))


def _duplicates(rows: Rows) -> tuple[int, int]:
    """Count rows that repeat the features of an earlier one, and those with another target.

    Rows are compared by a 64-bit sum of scattered entries, which does not see their order.
    """
    from fieldfare.data.fitting import scatter

    span = _span(rows)
    keys = rows.indices[span].astype(np.uint64) << np.uint64(32)
    if rows.values is not None:
        keys |= rows.values[span].view(np.uint32).astype(np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(scatter(keys), dtype=np.uint64)])
    bounds = rows.indptr - rows.indptr[0]
    _, first, inverse = np.unique(
        total[bounds[1:]] - total[bounds[:-1]], return_index=True, return_inverse=True
    )
    contradictions = 0
    if rows.target is not None:
        contradictions = int((rows.target != rows.target[first][inverse]).sum())
    return rows.n_rows - len(first), contradictions


def _target_summary(rows: Rows, schema: Schema) -> dict[str, Any]:
    if rows.target is None or not len(rows):
        return {}
    values, counts = np.unique(rows.target, return_counts=True)
    if len(values) <= _MAX_CLASSES:
        names = schema.target_classes
        labels = [f"{v:g}" if names is None else names[int(v)] for v in values]
        return {"classes": dict(zip(labels, counts.tolist(), strict=True))}
    y = rows.target.astype(np.float64)
    return {"mean": y.mean(), "std": y.std(), "min": y.min(), "max": y.max()}


def _target_findings(rows: Rows) -> list[str]:
    if rows.target is None:
        return ["There is no target."]
    values, counts = np.unique(rows.target, return_counts=True)
    if len(values) == 1:
        return [f"All targets are {values[0]:g}: there is nothing to learn."]
    if len(values) == 2 and counts.min() < 0.001 * counts.sum():
        return [f"Only {counts.min()} of {counts.sum()} targets are {values[counts.argmin()]:g}."]
    return []


def _missing(schema: Schema) -> dict[str, float]:
    if schema.fitted is None or not schema.n_rows:
        return {}
    return {
        column.name: fitted.n_missing / schema.n_rows
        for column, fitted in zip(schema.columns, schema.fitted, strict=True)
        if fitted is not None and fitted.n_missing
    }


def _constant_columns(data: Dataset) -> list[str]:
    if data.schema.fitted is None:
        return []
    rows = data.rows
    used = np.bincount(rows.indices[_span(rows)], minlength=data.schema.n_features)
    found = []
    for column, fitted in zip(data.schema.columns, data.schema.fitted, strict=True):
        if fitted is None or column.is_hashed:
            continue
        n_values = int((used[fitted.missing : fitted.missing + fitted.size] > 0).sum())
        is_number = fitted.vocabulary is None and fitted.edges is None
        if n_values == (0 if is_number else 1):
            found.append(f"Column {column.name!r} has one value only.")
    return found


def _field_findings(data: Dataset) -> list[str]:
    """Report features that occur under several fields (libffm)."""
    rows, schema = data.rows, data.schema
    if not schema.is_indexed or rows.fields is None:
        return []
    ids = rows.indices[_span(rows)]
    mixed = np.unique(ids[schema.field_of[ids] != rows.fields[_span(rows)]])
    if not len(mixed):
        return []
    shown = ", ".join(map(str, mixed[:5].tolist()))
    return [f"{len(mixed)} features occur under more than one field, such as {shown}."]


def _leaks(data: Dataset) -> list[str]:
    """Report features and columns that all but give the target away."""
    rows, schema = data.rows, data.schema
    if rows.target is None or rows.n_rows < _MIN_ROWS:
        return []
    values, counts = np.unique(rows.target, return_counts=True)
    if len(values) < 2:
        return []
    is_classes = len(values) <= _MAX_CLASSES
    y = rows.target.astype(np.float64)
    if is_classes:
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
        ids = rows.indices[_span(rows)][chosen[_row_of_entry(rows)]]
        share += sign * np.bincount(ids, minlength=rows.n_features) / chosen.sum()
    return share


def _column_scores(data: Dataset) -> Sequence[tuple[str, Float64Array]]:
    """Return for each column one number per row: its value, or the mean target of its value."""
    rows, schema = data.rows, data.schema
    if schema.fitted is None or rows.target is None:
        return []
    row, ids = _row_of_entry(rows), rows.indices[_span(rows)]
    values = np.ones(len(ids)) if rows.values is None else rows.values[_span(rows)]
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


def _unseen(data: Dataset, other: Dataset) -> dict[str, float]:
    """Return the shares of entries of the second source that the first never holds."""
    ids = other.rows.indices[_span(other.rows)]
    if not len(ids):
        return {}
    schema = data.schema
    if schema.fitted is not None:
        shares = {}
        for column, fitted in zip(schema.columns, schema.fitted, strict=True):
            if fitted is not None and fitted.vocabulary is not None:
                mine = (ids >= fitted.missing) & (ids < fitted.missing + fitted.size)
                shares[column.name] = float(
                    (ids[mine] == fitted.unknown).sum() / max(mine.sum(), 1)
                )
        return shares
    seen: AnyArray = np.zeros(max(schema.n_features, other.rows.n_features), bool)
    seen[data.rows.indices[_span(data.rows)]] = True
    return {"all": float(1 - seen[ids].mean())}


def _target_text(target: dict[str, Any]) -> str:
    if not target:
        return "none"
    if "classes" in target:
        total = sum(target["classes"].values())
        return ", ".join(f"{k}: {n} ({n / total:.1%})" for k, n in target["classes"].items())
    return ", ".join(f"{name} {value:.6g}" for name, value in target.items())


def _shares(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items())


def _unseen_text(shares: dict[str, float]) -> list[str]:
    """Return a line a column that has something unseen, the most first."""
    some = sorted(((share, name) for name, share in shares.items() if share), reverse=True)
    if not some:
        return ["unseen       nothing: the second source has no value that the first lacks"]
    lines = [f"{name}: {share:.1%} of its values" for share, name in some]
    return [f"{'' if i else 'unseen':13}{line}" for i, line in enumerate(lines)]
