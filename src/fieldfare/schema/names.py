"""Names: what a feature is called, and how a Schema prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Int64Array
from fieldfare.schema.column import DEFAULT_PARTS, Column
from fieldfare.schema.fit import Fitted
from fieldfare.sources.frames import to_pandas

if TYPE_CHECKING:
    from fieldfare.schema.schema import Schema


def locate_features(
    columns: Sequence[Column], fitted: Sequence[Fitted | None] | None
) -> list[tuple[AnyArray, Int64Array]]:
    """Return per column its feature ids and their counts: missing, unknown if any, values."""
    located = []
    for column, state in zip(columns, fitted or [None] * len(columns), strict=True):
        if state is None:
            located.append((np.zeros(0, np.int64), np.zeros(0, np.int64)))
        elif state.vocabulary is not None:
            ids = np.concatenate([[state.missing, state.unknown], state.vocabulary.ids])
            head = [state.n_missing, state.n_unknown]
            located.append((ids, np.concatenate([head, state.vocabulary.counts])))
        else:
            ids = np.arange(state.missing, state.missing + state.size)
            assert state.counts is not None, column
            located.append((ids, np.concatenate([[state.n_missing], state.counts])))
    return located


def feature_text(column: Column, fitted: Fitted, place: int) -> str:
    """Return the name of the feature at a place among those of its column."""
    if place == 0:
        return f"{column.name}=<missing>"
    if fitted.vocabulary is not None:
        if place == 1:
            return f"{column.name}=<unknown>"
        return f"{column.name}={fitted.vocabulary.text(place - 2)}"
    if column.is_hashed:
        return f"{column.name}=<bucket {place - 1}>"
    if fitted.edges is not None:
        edges = ["-inf", *(f"{edge:g}" for edge in fitted.edges), "inf"]
        opening = "(" if place == 1 else "["
        return f"{column.name}={opening}{edges[place - 1]}, {edges[place]})"
    return column.name


_COUNTED = ("features", "missing", "unknown")
_HEADER = ("column", "kind", "field", "role", "transform", *_COUNTED)


def printed(schema: Schema) -> Printed:
    """Return a Schema as a table."""
    if schema.is_indexed:
        about = f"Schema of {schema.n_features} numbered features in {schema.n_fields} fields"
        return Printed((), (), above=(about,))
    rows = []
    for i, column in enumerate(schema.columns):
        fitted = None if schema.fitted is None else schema.fitted[i]
        field = column.field_name if column.is_feature else ""
        sizes = ("", "", "")
        if fitted is not None:
            size = fitted.size if fitted.vocabulary is None else len(fitted.vocabulary) + 2
            unknown = "" if fitted.vocabulary is None else str(fitted.n_unknown)
            sizes = (str(size), str(fitted.n_missing), unknown)
        rows.append((column.name, column.kind, field, column.role or "", _how(column), *sizes))
    return Printed(_HEADER, rows, left=range(5), above=(_heading(schema),))


def to_frame(schema: Schema) -> Any:
    """Return the columns as a pandas DataFrame; a count that there is not is NaN."""
    rows = [dict(zip(_HEADER, row, strict=True)) for row in printed(schema).rows]
    counted = [{name: float(row[name] or "nan") for name in _COUNTED} for row in rows]
    return to_pandas([row | n for row, n in zip(rows, counted, strict=True)], _HEADER)


def _heading(schema: Schema) -> str:
    special = [
        f"{what} {name!r}"
        for what in ("target", "weight", "group")
        if (name := getattr(schema, what)) is not None
    ]
    if schema.target_classes is not None:
        shown = ", ".join(schema.target_classes[:5])
        more = ", ..." if len(schema.target_classes) > 5 else ""
        special.append(f"classes {shown}{more}")
    state = (
        f"{schema.n_features} features, {schema.n_fields} fields, fitted on {schema.n_rows} rows"
        if schema.is_fitted
        else f"{schema.n_fields} fields, not fitted"
    )
    return "; ".join([f"Schema: {state}", *special])


def _how(column: Column) -> str:
    """Return in a few words how a column becomes features."""
    words = []
    if column.kind == "numeric":
        bins = f" ({column.n_bins} bins)" if column.transform == "quantile" else ""
        is_clipped = column.transform == "standardize" and column.clip is not None
        clip = f", clip {column.clip:g}" if is_clipped else ""
        words.append(column.transform + bins + clip)
    if column.kind == "multi" and column.separator:
        words.append(f"split at {column.separator!r}")
    if column.weight_separator:
        words.append(f"weight after {column.weight_separator!r}")
    if column.kind == "datetime":
        words.append(", ".join(column.parts or DEFAULT_PARTS))
        if column.date_format != "ymd":
            words.append(f"written as {column.date_format}")
    if column.is_hashed:
        words.append(f"hash to {column.hash_buckets}")
    if column.has_vocabulary and column.min_count > 1:
        words.append(f"min_count {column.min_count}")
    return ", ".join(words)
