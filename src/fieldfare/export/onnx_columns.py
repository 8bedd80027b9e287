"""Raw columns as the inputs of an ONNX graph, which turns texts and numbers into features.

======================  ===================================================================
column                  input
======================  ===================================================================
categorical             texts, shape (batch,); "" or a mark where missing
numeric                 float64, shape (batch,); NaN or a mark that is a number where missing
multi, with separator   texts, shape (batch,), split by the graph
multi, lists            texts, shape (batch, longest), padded with ""
======================  ===================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fieldfare.export.columns import Used, marks_of, used_columns, vocabulary_of
from fieldfare.export.onnx_entries import RectangularEntries
from fieldfare.export.onnx_graph import DOUBLE, FLOAT, INT64, ML, STRING, Graph
from fieldfare.models.base import Model
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted

_OWNER = "An ONNX graph of raw columns"
_OTHERWISE = "Export with inputs='features' and encode samples with model.schema"
# The feature id of an empty text, which is not a value.
_NOTHING = -1
# Integer keys of the log2 buckets: floor(log(x)^2) + 3 for x > 2, and floor(x) for smaller x, so
# that the two do not overlap.
_FIRST_LARGE = 3
# Up to here a float64 holds every integer exactly.
_EXACT = 2.0**53
_BUCKET = re.compile(r"(SP)?(-?[0-9]+)")


class ColumnEntries(NamedTuple):
    """The entries that one column or several become: names of tensors of shape (batch, places).

    ``fields`` is the field of each place, or the one field of all places if their number is not
    fixed.
    """

    ids: str
    values: str
    fields: tuple[int, ...]
    is_fixed: bool = True


def column_entries(model: Model, graph: Graph) -> RectangularEntries:
    """Declare an input for each column, and return the entries that the columns become.

    Raises
    ------
    ConfigError
        If the model was not trained on a table, or a column cannot be expressed.
    """
    columns = used_columns(model, _OWNER, _OTHERWISE)
    parts = []
    scaled = [used for used in columns if _is_scaled(used)]
    if scaled:
        parts.append(_scaled(graph, scaled))
    for used in columns:
        if used.column.kind == "multi":
            parts.append(_several(graph, used))
        elif not _is_scaled(used):
            ids = graph("Unsqueeze", _one(graph, used), graph.ints(1))
            parts.append(ColumnEntries(ids, _ones(graph, ids), (used.field,)))
    assert model.schema is not None  # since it has columns
    entries = _rectangle(graph, parts, model.schema.n_fields)
    # The Schema may have learned values after the model was trained.
    if model.schema.n_features > model.n_features:
        entries.forget_unknown(model.n_features)
    return entries


def _is_scaled(used: Used) -> bool:
    return used.column.kind == "numeric" and used.column.transform in ("standardize", "none")


def _ones(graph: Graph, like: str) -> str:
    return graph("Expand", graph.floats(1), graph("Shape", like))


def _rectangle(graph: Graph, parts: Sequence[ColumnEntries], n_fields: int) -> RectangularEntries:
    """Return the entries of all columns as one rectangle."""
    ids = graph("Concat", *(part.ids for part in parts), axis=1)
    values = graph("Concat", *(part.values for part in parts), axis=1)
    places = [field for part in parts for field in part.fields]
    # With one place per field, sorting the places by field saves the sums by field.
    if all(part.is_fixed for part in parts) and sorted(places) == list(range(n_fields)):
        order = graph.constant(np.argsort(places))
        ids = graph("Gather", ids, order, axis=1)
        values = graph("Gather", values, order, axis=1)
        return RectangularEntries(graph, ids, values, n_fields, None)
    fields = [
        graph.ints(*part.fields)
        if part.is_fixed
        else graph("Expand", graph.ints(*part.fields), graph.size(part.ids, 1))
        for part in parts
    ]
    return RectangularEntries(graph, ids, values, n_fields, graph("Concat", *fields, axis=0))


def _scaled(graph: Graph, columns: Sequence[Used]) -> ColumnEntries:
    """Return the entries of all columns whose values are numbers, standardised or as they are."""
    inputs = [_number(graph, used) for used in columns]
    x = graph("Concat", *(graph("Unsqueeze", name, graph.ints(1)) for name in inputs), axis=1)
    learned = [
        (used.fitted.mean, used.fitted.scale)
        if used.column.transform == "standardize"
        else (0.0, 1.0)
        for used in columns
    ]
    mean, scale = np.array(learned).T
    z = graph("Div", graph("Sub", x, graph.constant(mean)), graph.constant(scale))
    clips = np.array([_clip_of(used.column) for used in columns])
    if np.isfinite(clips).any():
        z = graph("Max", graph("Min", z, graph.constant(clips)), graph.constant(-clips))
    absent = graph("IsNaN", x)
    ids = graph(
        "Where",
        absent,
        graph.ints(*(used.fitted.missing for used in columns)),
        graph.ints(*(used.fitted.first for used in columns)),
    )
    values = graph("Where", absent, graph.floats(1), graph.cast(z, FLOAT))
    return ColumnEntries(ids, values, tuple(used.field for used in columns))


def _clip_of(column: Column) -> float:
    """Return how far from zero a scaled number may be."""
    if column.clip is None or column.transform != "standardize":
        return np.inf
    return float(column.clip)


def _number(graph: Graph, used: Used) -> str:
    """Declare a numeric input, (batch,), and return it with NaN for the marks that are numbers."""
    x = graph.input(used.column.name, DOUBLE, ["batch"])
    for mark in used.column.marks.numbers:
        is_mark = graph("Equal", x, graph.constant(np.array(mark)))
        x = graph("Where", is_mark, graph.constant(np.array(np.nan)), x)
    return x


def _one(graph: Graph, used: Used) -> str:
    """Return the feature ids, (batch,), of a column with one feature of value one per sample."""
    column, fitted = used.column, used.fitted
    if column.kind != "numeric":
        texts = graph.input(column.name, STRING, ["batch"])
        marks = dict.fromkeys(marks_of(column), fitted.missing)
        return _look_up(graph, texts, marks | vocabulary_of(used), fitted.unknown)
    x = _number(graph, used)
    ids = _bucket(graph, x, used) if fitted.edges is None else _bin(graph, x, fitted)
    return graph("Where", graph("IsNaN", x), graph.scalar(fitted.missing), ids)


def _bin(graph: Graph, x: str, fitted: Fitted) -> str:
    """Return the feature of the bin of each number: the first one plus the number of edges <= x."""
    assert fitted.edges is not None
    wide = graph("Unsqueeze", x, graph.ints(1))
    above = graph("GreaterOrEqual", wide, graph.constant(fitted.edges))
    count = graph("ReduceSum", graph.cast(above, INT64), graph.ints(1), keepdims=0)
    return graph("Add", count, graph.scalar(fitted.first))


def _bucket(graph: Graph, x: str, used: Used) -> str:
    """Return the features of the buckets that `fieldfare.schema.canonical.log2_texts` names."""

    def number(value: float) -> str:
        return graph.constant(np.array(value, np.float64))

    ids = {}
    for text, id_ in vocabulary_of(used).items():
        bucket = _BUCKET.fullmatch(text)
        if bucket is not None and abs(int(bucket[2])) < _EXACT:
            ids[int(bucket[2]) + (0 if bucket[1] else _FIRST_LARGE)] = id_
    logarithm = graph("Log", graph("Max", x, number(1)))
    large = graph("Add", graph("Mul", logarithm, logarithm), number(_FIRST_LARGE))
    chosen = graph("Where", graph("Greater", x, number(2)), large, graph("Max", x, number(-_EXACT)))
    chosen = graph("Where", graph("IsNaN", x), number(0), chosen)
    keys = graph.cast(graph("Floor", chosen), INT64)
    return graph(
        "LabelEncoder",
        keys,
        domain=ML,
        keys_int64s=list(ids) or [0],
        values_int64s=list(ids.values()) or [used.fitted.unknown],
        default_int64=used.fitted.unknown,
    )


def _several(graph: Graph, used: Used) -> ColumnEntries:
    """Return the entries of a column of several values: one each, or that of a missing value.

    Every value is also known with a blank before and after it, because ONNX has no operator that
    strips blanks.
    """
    column, fitted = used.column, used.fitted
    if column.separator is None:
        texts = graph.input(column.name, STRING, ["batch", f"longest {column.name}"])
    else:
        whole = graph.input(column.name, STRING, ["batch"])
        texts = graph("StringSplit", whole, n=2, delimiter=column.separator)
    spaced = {
        f"{before}{word}{behind}": id_
        for word, id_ in vocabulary_of(used).items()
        for before in ("", " ")
        for behind in ("", " ")
    }
    marks = dict.fromkeys(marks_of(column), _NOTHING)
    found = _look_up(graph, texts, marks | spaced, fitted.unknown)
    there = graph("Greater", found, graph.scalar(_NOTHING))
    ones = graph.cast(there, FLOAT)
    none = graph("Equal", graph("ReduceSum", ones, graph.ints(1), keepdims=1), graph.floats(0))
    missing = graph("Expand", graph.ints(fitted.missing), graph("Shape", none))
    ids = graph("Concat", graph("Where", there, found, graph.scalar(0)), missing, axis=1)
    values = graph("Concat", ones, graph.cast(none, FLOAT), axis=1)
    return ColumnEntries(ids, values, (used.field,), is_fixed=False)


def _look_up(graph: Graph, texts: str, ids: Mapping[str, int], default: int) -> str:
    return graph(
        "LabelEncoder",
        texts,
        domain=ML,
        keys_strings=list(ids),
        values_int64s=list(ids.values()),
        default_int64=default,
    )
