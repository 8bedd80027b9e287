"""What the other modules share: the entries of rows as a model sees them, and names to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import Float64Array, Int64Array
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.models.base import Model, check_model
from fieldfare.rows import Rows


@dataclass(frozen=True)
class Entries:
    """The entries of some rows that a model knows, scaled as the model scales them.

    ``row`` is int64 and counts from 0, ``ids`` int64, ``fields`` int64 or None, ``values`` float64;
    all have one element an entry, in the order of the rows.
    """

    row: Int64Array
    ids: Int64Array
    fields: Int64Array | None
    values: Float64Array


def as_rows(model: Model, data: Any) -> Rows:
    """Return Rows as they are, and anything else encoded with the schema of the model."""
    check_model(model, "An explanation")
    if isinstance(data, Rows):
        return data
    from fieldfare.data.loading import load

    rows: Rows = load(data, schema=model.schema, labelled=None).rows
    return rows


def entries_of(model: Model, rows: Rows) -> Entries:
    """Return what the model sees of the rows: no unknown ids, unit length if it normalises.

    Fields come from the rows, or else from the schema, or else are None.

    Raises
    ------
    DataError
        If the model uses fields and nobody tells them.
    """
    span = slice(int(rows.indptr[0]), int(rows.indptr[-1]))
    row = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    ids = rows.indices[span].astype(np.int64)
    values = np.ones(len(ids)) if rows.values is None else rows.values[span].astype(np.float64)
    keep = ids < model.n_features
    fields = None if rows.fields is None else rows.fields[span].astype(np.int64)
    if model.uses_fields and fields is not None:
        keep &= fields < model.n_fields
    row, ids, values = row[keep], ids[keep], values[keep]
    if fields is not None:
        fields = fields[keep]
    else:
        field_of = fields_of_features(model)
        fields = None if field_of is None else field_of[ids]
    if fields is None and model.uses_fields:
        raise DataError(
            f"A {model.kind} model needs the field of every entry. These rows have none, and the "
            "model has no schema that knows them: pass rows with fields."
        )
    if model.config.instance_norm:
        squares = np.bincount(row, values * values, minlength=len(rows))
        values = values / np.sqrt(np.where(squares > 0, squares, 1))[row]
    return Entries(row, ids, fields, values)


def fields_of_features(model: Model) -> Int64Array | None:
    """Return the field of every feature, int64[n_features], if the schema knows it."""
    schema = model.schema
    if schema is None or schema.n_features < model.n_features:
        return None
    if schema.is_indexed and schema.ids.field_of is None:
        return None
    return np.asarray(schema.field_of[: model.n_features], np.int64)


def count_fields(model: Model, fields: Int64Array | None) -> int:
    """Return how many fields the model, its schema and the given fields know of."""
    if fields is None:
        return 0
    named = 0 if model.schema is None else model.schema.n_fields
    return max(model.n_fields, named, int(fields.max(initial=-1)) + 1)


def factors_of(model: Model) -> Any:
    """Return the latent factors, or say that there are none."""
    check_model(model, "An explanation")
    if model.factors is None:
        raise ConfigError(
            "Interactions and latent vectors need a model with latent factors. Got a "
            f"{model.kind!r} model."
        )
    return model.factors


def feature_name(model: Model, feature: int) -> str:
    """Return "column=value" if the schema knows it, else "feature 12"."""
    schema = model.schema
    known = schema is not None and feature < schema.n_features
    name = str(schema.feature_name(feature)) if known else ""
    return f"feature {feature}" if name in ("", str(feature)) else name


def field_name(model: Model, field: int) -> str:
    """Return the name of a field if the schema knows it, else "field 3"."""
    names: Sequence[str] = () if model.schema is None else model.schema.field_names
    name = str(names[field]) if field < len(names) else ""
    return f"field {field}" if name in ("", str(field)) else name


def outputs(model: Model, label: Any) -> list[int]:
    """Return the outputs that a class label means: all of them if it is None.

    Raises
    ------
    ConfigError
        If the model has no such class, or has no classes to choose from.
    """
    if label is None:
        return list(range(model.n_outputs))
    if model.n_outputs == 1:
        raise ConfigError(
            f"The 'label' parameter is for models of several classes. Got {label!r} for a model "
            f"of task {model.config.task!r}: leave it out."
        )
    labels = class_labels(model)
    if label not in labels:
        allowed = ", ".join(map(repr, labels[:20]))
        raise ConfigError(f"The 'label' parameter must be one of {allowed}. Got {label!r} instead.")
    return [labels.index(label)]


def class_labels(model: Model) -> list[Any]:
    """Return the label of each output of a model of several classes."""
    if model.classes is not None and len(model.classes) == model.n_outputs:
        return list(model.classes)
    return list(range(model.n_outputs))


def label_of(model: Model, output: int) -> Any:
    """Return the class of an output, or None for models of one output."""
    return None if model.n_outputs == 1 else class_labels(model)[output]


def explained_class(model: Model, output: int) -> Any:
    """Return the class whose score an output is, or None for a regression."""
    if model.config.task == "binary":
        return 1 if model.classes is None else model.classes[1]
    return label_of(model, output)
