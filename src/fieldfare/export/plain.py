"""JSON and NumPy's npz: parameters, configuration and columns, for use in other programs.

Both have the same header: ``format``, ``library``, ``model`` (the configuration), ``classes``, the
numbers of features, fields and outputs, and the columns of the Schema. In JSON each column lists
its values with their feature ids, and ``parameters`` holds nested lists. In npz the parameters are
arrays, ``header`` is JSON text, and the vocabularies are arrays as in the model file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import JSON, AnyArray, Float32Array, PathLike
from fieldfare._version import __version__
from fieldfare.export.decimals import blocks, numbers
from fieldfare.export.packing import pack
from fieldfare.models.base import Model

FORMAT = 1


def export_json(model: Model, path: PathLike) -> None:
    """Write a model as JSON.

    Numbers are the shortest decimals that give the same float32 back.

    Parameters
    ----------
    model : Model
        Of any kind.
    path : path
        File to write or replace, atomically.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    header = _header(model) | {"schema": _columns(model)}
    with atomic_write(path) as file:
        for text in _json_parts(model, header):
            file.write(text.encode())


def export_npz(model: Model, path: PathLike, *, quantize: str | None = None) -> None:
    """Write a model as NumPy arrays in one uncompressed archive, without pickled objects.

    Parameters
    ----------
    model : Model
        Of any kind.
    path : path
        File to write or replace, atomically.
    quantize : {"fp16", "int8"}, optional
        Type in which weights are stored. int8 factors have to be multiplied by the scales in
        ``factors_scale``, one per feature and output.

    Raises
    ------
    ConfigError
        If ``quantize`` is not allowed, or a weight does not fit into float16.
    OSError
        If the file cannot be written.
    """
    header = _header(model) | {"quantize": quantize}
    arrays: dict[str, AnyArray] = {}
    for name, packed in pack(model, quantize).items():
        arrays[name] = packed.data
        if packed.scale is not None:
            arrays[f"{name}_scale"] = packed.scale
    if model.schema is not None:
        header["schema"], parts = model.schema.to_json()
        arrays |= {f"schema.{name}": array for name, array in parts.items()}
    arrays["header"] = np.array(json.dumps(header))
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def _header(model: Model) -> JSON:
    return {
        "format": FORMAT,
        "library": f"fieldfare {__version__}",
        "model": asdict(model.config),
        "classes": model.classes,
        "n_features": model.n_features,
        "n_fields": model.n_fields,
        "n_outputs": model.n_outputs,
    }


def _columns(model: Model) -> JSON | None:
    """Return the columns of the Schema and what was learned about them; None without columns."""
    schema = model.schema
    if schema is None or schema.fitted is None:
        return None
    columns = []
    for column, fitted in zip(schema.columns, schema.fitted, strict=True):
        if fitted is None:
            continue
        learned: JSON = {"field_number": schema.field_names.index(column.field_name)}
        learned |= {"missing": fitted.missing, "first": fitted.first}
        if fitted.vocabulary is not None:
            learned |= {"unknown": fitted.unknown, "ids": fitted.vocabulary.id_of}
        elif fitted.edges is not None:
            learned["edges"] = fitted.edges.tolist()
        elif not column.is_hashed:
            learned |= {"mean": fitted.mean, "scale": fitted.scale}
        learned["na_values"] = sorted(column.marks.words)
        columns.append(asdict(column) | learned)
    return {"columns": columns, "field_names": list(schema.field_names)}


def _json_parts(model: Model, header: JSON) -> Iterator[str]:
    # The closing brace of the header is left off, to continue its object with the parameters.
    yield json.dumps(header, ensure_ascii=False)[:-1] + ', "parameters": {'
    for place, (name, array) in enumerate(model.arrays().items()):
        yield f"{', ' if place else ''}{json.dumps(name)}: "
        if array.ndim == 1:
            yield f"[{', '.join(numbers(array[:, np.newaxis]))}]"
            continue
        yield "["
        for block in blocks(len(array)):
            part = array[block.start : block.stop]
            yield (", " if block.start else "") + ", ".join(_nested(part))
        yield "]"
    yield "}}\n"


def _nested(array: Float32Array) -> list[str]:
    """Return each element of an array's first axis as the text of nested lists."""
    rows: list[Any] = numbers(array.reshape(-1, array.shape[-1]))
    rows = [f"[{row.replace(' ', ', ')}]" for row in rows]
    for size in reversed(array.shape[1:-1]):
        rows = [f"[{', '.join(rows[i : i + size])}]" for i in range(0, len(rows), size)]
    return rows
