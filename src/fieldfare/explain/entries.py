"""The entries of rows as a model sees them, and the names of features, fields and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import Float32Array, Float64Array, Int64Array
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.models.base import Model
from fieldfare.rows import Rows


@dataclass(frozen=True)
class KnownEntries:
    """The entries of some rows that a model knows, scaled as the model scales them.

    Parameters
    ----------
    row : int64 array of shape (m,)
        Row of each entry, counted from 0 and never decreasing.
    ids : int64 array of shape (m,)
        Feature of each entry.
    fields : int64 array of shape (m,) or None
        Field of each entry.
    values : float64 array of shape (m,)
        After instance normalisation if the model has it.
    """

    row: Int64Array
    ids: Int64Array
    fields: Int64Array | None
    values: Float64Array


def as_rows(model: Model, data: Any) -> Rows:
    """Return Rows as they are, and encode anything else with the model's Schema."""
    if isinstance(data, Rows):
        return data
    from fieldfare.data.loading import load

    return load(data, schema=model.schema, labelled=None).rows


def entries_of(model: Model, rows: Rows) -> KnownEntries:
    """Return the entries that the model knows, with rows scaled to unit length if it does so.

    Fields are those of the rows, or else those in the Schema, or else None.

    Raises
    ------
    DataError
        If the model uses fields, and neither the rows nor the Schema have them.
    """
    span = rows.span
    row = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    ids = rows.indices[span].astype(np.int64)
    values = np.ones(len(ids)) if rows.values is None else rows.values[span].astype(np.float64)
    squares = np.bincount(row, values * values, minlength=len(rows))
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
            f"A {model.kind} model needs the field of every entry. These rows have no fields, and "
            "the model's Schema does not have them either: pass Rows with fields."
        )
    if model.config.instance_norm:
        if not model.config.norm_unknown:
            squares = np.bincount(row, values * values, minlength=len(rows))
        values = values / np.sqrt(np.where(squares > 0, squares, 1))[row]
    return KnownEntries(row, ids, fields, values)


def fields_of_features(model: Model) -> Int64Array | None:
    """Return the field of each feature, int64 of shape (n_features,), if the Schema has it."""
    schema = model.schema
    if schema is None or schema.n_features < model.n_features:
        return None
    if schema.ids is not None and schema.ids.field_of is None:
        return None
    return np.asarray(schema.field_of[: model.n_features], np.int64)


def count_fields(model: Model, fields: Int64Array | None) -> int:
    """Return the number of fields in the model, its Schema and the given fields of entries."""
    if fields is None:
        return 0
    named = 0 if model.schema is None else model.schema.n_fields
    return max(model.n_fields, named, int(fields.max(initial=-1)) + 1)


def factors_of(model: Model) -> Float32Array:
    """Return the latent factors of a model.

    Raises
    ------
    ConfigError
        If the model has none.
    """
    if model.factors is None:
        raise ConfigError(
            "Interactions and latent vectors need a model with latent factors. Got a "
            f"{model.kind!r} model, which has none: train a factorization machine."
        )
    return model.factors


def feature_name(model: Model, feature: int) -> str:
    """Return the name of a feature, "column=value" if the Schema has it, else "feature 12"."""
    schema = model.schema
    name = ""
    if schema is not None and feature < schema.n_features:
        name = schema.feature_name(feature)
    return f"feature {feature}" if name in ("", str(feature)) else name


def field_name(model: Model, field: int) -> str:
    """Return the name of a field if the Schema has it, else "field 3"."""
    names = () if model.schema is None else model.schema.field_names
    name = names[field] if field < len(names) else ""
    return f"field {field}" if name in ("", str(field)) else name


def outputs(model: Model, label: Any) -> list[int]:
    """Return the numbers of the outputs that a class label stands for; None stands for all.

    Raises
    ------
    ConfigError
        If the model has no such class, or only one output.
    """
    if label is None:
        return list(range(model.n_outputs))
    if model.n_outputs == 1:
        raise ConfigError(
            f"The 'label' parameter is for multiclass models. Got {label!r} for a model of task "
            f"{model.config.task!r}: leave it out."
        )
    labels = class_labels(model)
    if label not in labels:
        allowed = ", ".join(map(repr, labels[:20]))
        raise ConfigError(f"The 'label' parameter must be one of {allowed}. Got {label!r} instead.")
    return [labels.index(label)]


def class_labels(model: Model) -> list[Any]:
    """Return the class label of each output of a multiclass model."""
    if model.classes is not None and len(model.classes) == model.n_outputs:
        return list(model.classes)
    return list(range(model.n_outputs))


def label_of(model: Model, output: int) -> Any:
    """Return the class label of an output, or None for models with one output."""
    return None if model.n_outputs == 1 else class_labels(model)[output]


def explained_class(model: Model, output: int) -> Any:
    """Return the class whose score an output is, or None for a regression."""
    if model.config.task == "binary":
        return 1 if model.classes is None else model.classes[1]
    return label_of(model, output)
