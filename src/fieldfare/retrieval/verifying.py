"""Checks of what an index folder holds, each of which a search or a change relies on.

The checksums of `folder` find damage. These find contents that somebody has made up.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import ModelFileError
from fieldfare.retrieval.approximate import Calibration, Point
from fieldfare.retrieval.id_map import IdMap
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema

ROW_ARRAYS = ("indptr", "indices", "values", "fields")
CELL_ARRAYS = ("centres", "indptr", "places")

# Type and number of dimensions of each array; `Rows` checks those of the features.
_TYPES = {
    "vectors": ("float32", 2),
    "alive": ("bool", 1),
    "seen.indptr": ("int64", 1),
    "seen.ids": ("uint32", 1),
    "columns": ("uint8", 1),
    "folded.vectors": ("float32", 2),
    "cells.centres": ("float32", 2),
    "cells.indptr": ("int64", 1),
    "cells.places": ("uint32", 1),
}
ID_ARRAYS = ("ids", "people", "seen.users", "seen.items", "folded.ids")
_FOLDED = {"folded.ids", "folded.vectors"}
_OPTIONAL = {"people", *_FOLDED, *(f"cells.{part}" for part in CELL_ARRAYS)}
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Header:
    """What an index folder says of its arrays.

    Parameters
    ----------
    n_candidates : int in [1, inf)
    models : tuple of str
        Digest of each model: the one that recalls and, if there is one, the ranker.
    roles : tuple of mappings from role to columns
        One for each model.
    columns : tuple of tuples of str
        The columns of the table of users that each model knows.
    ids : (str, str)
        Columns of the user and item ids.
    calibration : Calibration or None
    bound : float or None
        Of an approximate index. A calibration without one says why the index is exact.
    """

    n_candidates: int
    models: tuple[str, ...]
    roles: tuple[dict[str, list[str]], ...]
    columns: tuple[tuple[str, ...], ...]
    ids: tuple[str, str]
    calibration: Calibration | None
    bound: float | None

    def to_json(self) -> JSON:
        """Return what `from_json` reads, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_json(header: JSON) -> Header:
        """Return the header in a JSON object, checked.

        Raises
        ------
        ModelFileError
            If an entry is missing or has a value that is not allowed.
        """
        models = _texts(header, "models")
        roles, columns = _list(header, "roles"), _list(header, "columns")
        ids = _texts(header, "ids")
        _demand(len(models) in (1, 2), "models must hold one or two digests")
        _demand(len(roles) == len(columns) == len(models), "each model needs its roles and columns")
        _demand(len(ids) == 2, "ids must name two columns")
        _demand(all(isinstance(one, dict) for one in roles), "roles must be objects")
        calibration = bound = None
        if header.get("calibration") is not None:
            calibration = _calibration(header["calibration"])
        if header.get("bound") is not None:
            _demand(calibration is not None, "a bound needs a calibration")
            bound = _number(header, "bound", _SMALLEST, _LARGEST)
        return Header(
            _count(header, "n_candidates"),
            tuple(models),
            tuple({role: _texts(one, role) for role in one} for one in roles),
            tuple(tuple(_texts({"columns": one}, "columns")) for one in columns),
            (ids[0], ids[1]),
            calibration,
            bound,
        )


def check_arrays(arrays: Mapping[str, AnyArray], header: Header) -> None:
    """Refuse arrays that are missing, unknown, of a wrong type, or do not match each other.

    Raises
    ------
    ModelFileError
        Naming the array.
    """
    _check_names(arrays, header)
    for name, (dtype, ndim) in _TYPES.items():
        if name in arrays:
            found = arrays[name]
            _demand(
                found.dtype == dtype and found.ndim == ndim,
                f"{name} must be a {dtype} array of {ndim} dimension(s), and is a {found.dtype} "
                f"array of shape {found.shape}",
            )
            _check_values(name, found)
    for name in ID_ARRAYS:
        if name in arrays:
            _check_ids(name, arrays[name])
    n_items = len(arrays["vectors"])
    _demand(
        len(arrays["ids"]) == len(arrays["alive"]) == n_items,
        "the arrays of its items differ in length",
    )
    _check_seen(arrays)
    if set(arrays) >= _FOLDED:
        shape = (len(arrays["folded.ids"]), arrays["vectors"].shape[1] - 1)
        _demand(arrays["folded.vectors"].shape == shape, f"folded.vectors must have shape {shape}")
    if header.bound is not None:
        _check_cells(arrays, header)


def check_distinct(ids: Mapping[str, IdMap], alive: AnyArray) -> None:
    """Refuse ids that occur twice; only items that were replaced or removed may."""
    for name, id_map in ids.items():
        needed = alive if name == "ids" else True
        _demand(bool((id_map.in_use() >= needed).all()), f"{name} holds an id twice")


def check_rows(rows: Rows, name: str, schema: Schema | None) -> None:
    """Refuse rows that the Schema of the model cannot have made."""
    rows.validate()
    if schema is None:
        raise ModelFileError("the model has no Schema")
    _demand(rows.fields is not None, f"the array {name}.fields is missing")
    _demand(
        rows.indptr[0] == 0 and rows.indptr[-1] == len(rows.indices),
        f"{name}.indptr does not span its entries",
    )
    _demand(rows.n_features <= schema.n_features, f"{name}.indices has unknown features")
    _demand(rows.n_fields <= schema.n_fields, f"{name}.fields has unknown fields")


def _check_names(arrays: Mapping[str, AnyArray], header: Header) -> None:
    features = {
        f"{side}{number}.{part}"
        for side in ("items", "users")
        for number in range(len(header.models))
        for part in ROW_ARRAYS
    }
    needed = ({*_TYPES, *ID_ARRAYS}) - _OPTIONAL
    needed |= {f"items{number}.indptr" for number in range(len(header.models))}
    if header.bound is not None:
        needed |= {f"cells.{part}" for part in CELL_ARRAYS}
    if set(arrays) & _FOLDED:
        needed |= _FOLDED
    allowed = needed | features | {"people"}
    for what, names in (("missing", needed - set(arrays)), ("unknown", set(arrays) - allowed)):
        _demand(not names, f"arrays are {what}: {', '.join(sorted(names))}")


def _check_values(name: str, array: AnyArray) -> None:
    if array.dtype.kind == "f":
        _demand(bool(np.isfinite(array).all()), f"{name} must be finite")
    elif array.dtype.kind == "b":
        # Any other byte would be true in one place and not in another.
        _demand(int(array.view(np.uint8).max(initial=0)) <= 1, f"{name} must hold only 0 and 1")


def _check_ids(name: str, ids: AnyArray) -> None:
    is_text = ids.dtype.kind == "U"
    _demand(ids.ndim == 1 and (is_text or ids.dtype == np.int64), f"{name} holds no ids")
    if is_text and ids.nbytes:
        points = ids.view(np.uint32)
        bad = (points > sys.maxunicode) | ((points >= 0xD800) & (points < 0xE000))
        _demand(not bad.any(), f"{name} must hold only text")


def _check_seen(arrays: Mapping[str, AnyArray]) -> None:
    indptr, ids = arrays["seen.indptr"], arrays["seen.ids"]
    _check_indptr("seen.indptr", indptr, len(arrays["seen.users"]), len(ids))
    _demand(
        not len(ids) or int(ids.max()) < len(arrays["seen.items"]), "seen.ids names unknown items"
    )


def _check_cells(arrays: Mapping[str, AnyArray], header: Header) -> None:
    centres, places, vectors = arrays["cells.centres"], arrays["cells.places"], arrays["vectors"]
    assert header.calibration is not None
    assert header.bound is not None
    _demand(
        centres.shape == (header.calibration.n_cells, vectors.shape[1] + 1),
        "cells.centres does not match the vectors and the calibration",
    )
    _check_indptr("cells.indptr", arrays["cells.indptr"], len(centres), len(places))
    _demand(
        bool(np.array_equal(np.sort(places), np.flatnonzero(arrays["alive"]))),
        "cells.places must hold each item once",
    )
    largest = max(float(vectors.max(initial=0)), -float(vectors.min(initial=0)))
    _demand(largest / header.bound < _LARGEST, "its bound is too small for its vectors")


def _check_indptr(name: str, indptr: AnyArray, n: int, n_entries: int) -> None:
    _demand(
        len(indptr) == n + 1
        and int(indptr[0]) == 0
        and int(indptr[-1]) == n_entries
        and bool((indptr[1:] >= indptr[:-1]).all()),
        f"{name} does not match its entries",
    )


def _calibration(found: Any) -> Calibration:
    _check_entries("calibration", found, Calibration)
    n_cells = _count(found, "n_cells")
    _count(found, "n_probe", n_cells)
    _count(found, "depth")
    _number(found, "wanted", 0, 1)
    _number(found, "recall", 0, 1)
    _number(found, "exact_queries_per_second", 0, sys.float_info.max)
    for point in _list(found, "curve"):
        _check_entries("curve", point, Point)
        _count(point, "n_probe", n_cells)
        _number(point, "recall", 0, 1)
        _number(point, "queries_per_second", 0, sys.float_info.max)
    calibration = Calibration.from_json(found)
    chosen = calibration.n_probe in [point.n_probe for point in calibration.curve]
    _demand(chosen, "the curve must hold the setting that was chosen")
    return calibration


def _check_entries(name: str, found: Any, cls: type) -> None:
    names = {field.name for field in fields(cls)}
    _demand(
        isinstance(found, dict) and set(found) == names,
        f"{name} must have the entries {', '.join(sorted(names))}",
    )


def _count(found: JSON, name: str, high: int | None = None) -> int:
    value: Any = found.get(name)
    if type(value) is not int or value < 1 or (high is not None and value > high):
        limit = "" if high is None else f" and at most {high}"
        raise ModelFileError(f"{name} must be a whole number of at least 1{limit}")
    return value


def _number(found: JSON, name: str, low: float, high: float) -> float:
    value: Any = found.get(name)
    if type(value) not in (int, float) or not low <= value <= high:
        raise ModelFileError(f"{name} must be a number from {low} to {high}")
    return float(value)


def _texts(found: JSON, name: str) -> list[str]:
    texts = _list(found, name)
    _demand(all(isinstance(text, str) for text in texts), f"{name} must hold texts")
    return texts


def _list(found: JSON, name: str) -> list[Any]:
    value: Any = found.get(name)
    if not isinstance(value, list):
        raise ModelFileError(f"{name} must be a list")
    return value


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise ModelFileError(what)
