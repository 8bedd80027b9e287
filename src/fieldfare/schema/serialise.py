"""A Schema as JSON and arrays, for the model file and the keys of the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted
from fieldfare.schema.names import locate_features
from fieldfare.schema.numbered import Indexed
from fieldfare.schema.vocabulary import Vocabulary

if TYPE_CHECKING:
    from fieldfare.schema.schema import Schema

FORMAT = 2
_VOCABULARY = ("blob", "offsets", "ids", "counts")
_SCALARS = ("missing", "size", "n_missing", "n_unknown", "mean", "scale")


def to_json(schema: Schema) -> tuple[JSON, dict[str, AnyArray]]:
    """Return the header and the arrays of a Schema."""
    header: JSON = {"format": FORMAT}
    arrays: dict[str, AnyArray] = {}
    if schema.ids is not None:
        ids = schema.ids
        header["indexed"] = {"n_features": ids.n_features, "n_fields": ids.n_fields}
        header["indexed"]["field_names"] = list(ids.field_names)
        if ids.feature_names is not None:
            _put_texts(
                arrays, "names", Vocabulary.build(ids.feature_names, [0] * ids.n_features, 0)
            )
        if ids.field_of is not None:
            arrays["field_of"] = ids.field_of
        if ids.spread is not None:
            arrays["spread"] = ids.spread
        return header, arrays
    header["columns"] = [column.to_json() for column in schema.columns]
    for name in ("target", "weight", "group", "n_rows"):
        header[name] = getattr(schema, name)
    classes = schema.target_classes
    header["target_classes"] = None if classes is None else list(classes)
    if schema.notes:
        header["notes"] = list(schema.notes)
    if schema.guessed:
        header["guessed"] = sorted(schema.guessed)
    if schema.fitted is not None:
        header["fitted"] = [
            _put_fitted(arrays, str(i), fitted) for i, fitted in enumerate(schema.fitted)
        ]
    return header, arrays


def _put_fitted(arrays: dict[str, AnyArray], prefix: str, fitted: Fitted | None) -> JSON | None:
    if fitted is None:
        return None
    for name in ("edges", "counts"):
        if (array := getattr(fitted, name)) is not None:
            arrays[f"{prefix}.{name}"] = array
    if fitted.vocabulary is not None:
        _put_texts(arrays, f"{prefix}.vocabulary", fitted.vocabulary)
    return {name: getattr(fitted, name) for name in _SCALARS}


def _put_texts(arrays: dict[str, AnyArray], prefix: str, vocabulary: Vocabulary) -> None:
    for name in _VOCABULARY:
        arrays[f"{prefix}.{name}"] = getattr(vocabulary, name)


def _get_texts(arrays: Mapping[str, AnyArray], prefix: str) -> Vocabulary | None:
    if f"{prefix}.blob" not in arrays:
        return None
    return Vocabulary(*(np.asarray(arrays[f"{prefix}.{name}"]) for name in _VOCABULARY))


def from_json(header: JSON, arrays: Mapping[str, AnyArray]) -> dict[str, Any]:
    """Return the arguments of the Schema that a header and arrays describe.

    Raises
    ------
    SchemaError
        If they are of another format, or do not fit together.
    """
    if header.get("format") != FORMAT:
        raise SchemaError(
            f"This version reads Schemas of format {FORMAT}. Got {header.get('format')!r}."
        )
    try:
        return _from_json(header, arrays)
    except (KeyError, TypeError, IndexError, AttributeError, ConfigError) as error:
        raise SchemaError(f"The saved Schema is damaged: {error!r}.") from error


def _from_json(header: JSON, arrays: Mapping[str, AnyArray]) -> dict[str, Any]:
    if "indexed" in header:
        return {"ids": _get_indexed(header["indexed"], arrays)}
    # Files from before there was a norm hold texts that were used as they were.
    columns = tuple(
        Column(**({"norm": "none"} if column.get("kind") == "text" else {}) | column)
        for column in header["columns"]
    )
    fitted = None
    if "fitted" in header:
        fitted = tuple(
            _get_fitted(arrays, str(i), scalars) for i, scalars in enumerate(header["fitted"])
        )
        if len(fitted) != len(columns):
            raise SchemaError("The saved Schema is damaged: columns and statistics differ.")
        for column, state in zip(columns, fitted, strict=True):
            _check_fitted(column, state)
    _check_ids(columns, fitted)
    classes = header["target_classes"]
    return {
        "columns": columns,
        "target": header["target"],
        "weight": header["weight"],
        "group": header["group"],
        "target_classes": None if classes is None else tuple(classes),
        "fitted": fitted,
        "guessed": frozenset(map(str, header.get("guessed", ()))),
        "n_rows": header["n_rows"],
        "notes": tuple(map(str, header.get("notes", ()))),
    }


def _get_indexed(part: JSON, arrays: Mapping[str, AnyArray]) -> Indexed:
    texts = _get_texts(arrays, "names")
    names = None if texts is None else tuple(texts.text(i) for i in range(len(texts)))
    fields = tuple(map(str, part["field_names"]))
    known = (arrays.get("field_of"), arrays.get("spread"))
    return Indexed(part["n_features"], part["n_fields"], fields, names, *known)


def _check_fitted(column: Column, state: Fitted | None) -> None:
    """Refuse numbers that disagree with the arrays: ids are counted out by them, up to any size."""
    if state is None:
        sound = not column.is_feature
    elif column.has_vocabulary:
        sound = state.vocabulary is not None and _is_count(state.missing) and _is_count(state.size)
    else:
        n_values = 1
        if column.is_hashed:
            n_values = column.hash_buckets or 0
        elif column.transform == "quantile":
            n_values = -1 if state.edges is None else len(state.edges) + 1
        sound = (
            state.vocabulary is None
            and _is_count(state.missing)
            and state.counts is not None
            and state.counts.shape == (n_values,)
            and _is_count(state.size)
            and state.size == n_values + 1
        )
    if not sound:
        raise SchemaError(
            f"The saved Schema is damaged: the statistics of column {column.name!r} do not fit."
        )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**32


def _check_ids(columns: Sequence[Column], fitted: Sequence[Fitted | None] | None) -> None:
    """Refuse a file in which ids are not each used once: they index the model's arrays."""
    located = [ids for ids, _ in locate_features(columns, fitted)]
    ids = np.sort(np.concatenate(located)) if located else np.zeros(0)
    if not np.array_equal(ids, np.arange(len(ids))):
        raise SchemaError("The saved Schema is damaged: its feature ids are not one each.")


def _get_fitted(arrays: Mapping[str, AnyArray], prefix: str, scalars: JSON | None) -> Fitted | None:
    if scalars is None:
        return None
    given: dict[str, Any] = {name: scalars[name] for name in _SCALARS}
    for name in ("edges", "counts"):
        if f"{prefix}.{name}" in arrays:
            given[name] = np.asarray(arrays[f"{prefix}.{name}"])
    return Fitted(vocabulary=_get_texts(arrays, f"{prefix}.vocabulary"), **given)


def digest(schema: Schema) -> str:
    """Return a fingerprint of a Schema."""
    header, arrays = to_json(schema)
    header.pop("notes", None)  # they change nothing
    arrays.pop("spread", None)
    state = hashlib.blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        state.update(f"{name}:{arrays[name].dtype}:{arrays[name].shape}".encode())
        state.update(np.ascontiguousarray(arrays[name]).tobytes())
    return state.hexdigest()
