"""ONNX: any model as a graph for onnxruntime and other tools."""

from __future__ import annotations

import json

from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare._validation import OneOf, check
from fieldfare.export.onnx_columns import column_entries
from fieldfare.export.onnx_entries import FlatEntries, GraphEntries
from fieldfare.export.onnx_graph import Graph
from fieldfare.export.onnx_scores import add_outputs
from fieldfare.export.packing import pack
from fieldfare.models.base import Model

INPUTS = ("features", "columns")


def export_onnx(
    model: Model, path: PathLike, *, inputs: str = "features", quantize: str | None = None
) -> None:
    """Write a model as an ONNX graph (opset 20, for onnxruntime 1.18 and later).

    Its outputs are ``score``, as returned by `Model.score`, and ``prediction``, as returned by
    `Model.predict`: float32 of shape (batch,), or (batch, n_outputs) if the model is multiclass.

    Parameters
    ----------
    model : Model
        Of any kind.
    path : path
        File to write or replace, atomically.
    inputs : {"features", "columns"}
        What the graph reads. ``"features"``: the arrays of `Rows` as ``indices`` (int64),
        ``values`` (float32) and ``offsets`` (int64, `Rows.indptr` starting from 0), and ``fields``
        (int64) if the model uses them. ``"columns"``: one input per column of the Schema, with the
        column's name, of the types that `fieldfare.export.onnx_columns` lists; the graph then
        contains vocabularies and bins.
    quantize : {"fp16", "int8"}, optional
        Type in which weights are stored. The graph computes with float32 in any case.

    Raises
    ------
    ConfigError
        If ONNX has no operators for a column, a parameter is not allowed, or the file would be
        larger than 2 GB.
    MissingDependencyError
        If onnx is not installed.
    OSError
        If the file cannot be written.
    """
    check("inputs", inputs, OneOf(INPUTS), "the onnx export")
    packed = pack(model, quantize)
    graph = Graph()
    entries: GraphEntries
    if inputs == "columns":
        entries = column_entries(model, graph)
    else:
        entries = FlatEntries(graph, model.n_features, model.n_fields)
    add_outputs(model, packed, entries)
    facts = {
        "fieldfare.model": model.kind,
        "fieldfare.task": model.config.task,
        "fieldfare.classes": json.dumps(model.classes),
    }
    content = graph.serialise(facts)
    with atomic_write(path) as file:
        file.write(content)
