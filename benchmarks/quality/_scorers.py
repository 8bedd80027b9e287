"""What runs an exported file: for each format a function from samples to a call that scores them.

Everything runs on one thread. TensorFlow and Keras are imported when their formats are asked for.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnxruntime
import pandas as pd

from fieldfare.models.base import Model
from fieldfare.rows import Rows

DRIVER = """\
#include "model.h"
void score_rows(const int64_t *indptr, const uint32_t *ids, const uint16_t *fields, size_t n,
                float *out) {
  for (size_t i = 0; i < n; ++i) {
    const int64_t start = indptr[i];
    model_score(ids + start, NULL, fields + start, (size_t)(indptr[i + 1] - start),
                out + i * MODEL_OUTPUTS);
  }
}
"""


@dataclass(frozen=True)
class Part:
    """Samples, as a table of texts and encoded."""

    table: pd.DataFrame
    rows: Rows


Call = Callable[[], Any]
Scorer = Callable[[Part], Call]
"""From samples to a call that returns their raw scores, (n,) or (n, n_outputs)."""


def scorer_of(path: Path, to: str, model: Model, *, columns: bool = False) -> Scorer:
    """Return what scores samples with an exported file.

    Parameters
    ----------
    path : Path
    to : str
        Name of the format.
    model : Model
        What was exported.
    columns : bool
        Whether an ONNX graph reads the columns of the table.
    """
    if to == "onnx":
        return _onnx(path, model, columns)
    return _SCORERS[to](path, model)


def _onnx(path: Path, model: Model, columns: bool) -> Scorer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def feeds(part: Part) -> dict[str, Any]:
        if columns:
            return {name: part.table[name].to_numpy(object) for name in part.table}
        rows = part.rows
        values = np.ones(len(rows.indices), np.float32)
        found = {"indices": rows.indices.astype(np.int64), "values": values, "offsets": rows.indptr}
        if model.uses_fields:
            assert rows.fields is not None
            found["fields"] = rows.fields.astype(np.int64)
        return found

    def prepare(part: Part) -> Call:
        arrays = feeds(part)
        return lambda: session.run(["score"], arrays)[0]

    return prepare


def _inputs(model: Model, rows: Rows) -> dict[str, Any]:
    from fieldfare.keras import to_inputs

    inputs = to_inputs(rows)
    return inputs if model.uses_fields else {n: a for n, a in inputs.items() if n != "fields"}


def _tensors(model: Model, rows: Rows) -> dict[str, Any]:
    import tensorflow as tf

    return {name: tf.constant(array) for name, array in _inputs(model, rows).items()}


def _savedmodel(path: Path, model: Model) -> Scorer:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # owns the weights: it must live as long as calls do

    def prepare(part: Part) -> Call:
        tensors = _tensors(model, part.rows)

        def call() -> Any:
            found = loaded.signatures["serving_default"](**tensors)
            return found["prediction"].numpy()

        return call

    return prepare


def _frozen(path: Path, model: Model) -> Scorer:
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    graph = tf.compat.v1.wrap_function(
        lambda: tf.compat.v1.import_graph_def(definition, name=""), []
    )
    names = ["ids", "values", *(["fields"] if model.uses_fields else [])]
    function = graph.prune([f"{name}:0" for name in names], "prediction:0")

    def prepare(part: Part) -> Call:
        tensors = list(_tensors(model, part.rows).values())
        return lambda: function(*tensors).numpy()

    return prepare


def _keras(path: Path, model: Model) -> Scorer:
    import keras

    network = keras.saving.load_model(path)

    def prepare(part: Part) -> Call:
        inputs = _inputs(model, part.rows)
        return lambda: network.predict_on_batch(inputs)

    return prepare


def _c(path: Path, model: Model) -> Scorer:
    folder = path.parent
    (folder / "driver.c").write_text(DRIVER)
    library = folder / f"{path.stat().st_mtime_ns}.so"
    flags = ["-std=c99", "-O2", "-shared", "-fPIC", "-lm"]
    subprocess.run(["cc", str(folder / "driver.c"), "-o", str(library), *flags], check=True)
    function = ctypes.CDLL(str(library)).score_rows

    def prepare(part: Part) -> Call:
        rows = part.rows
        assert rows.fields is not None
        out = np.empty((len(rows), model.n_outputs), np.float32)
        arrays = (rows.indptr, rows.indices, rows.fields)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        n, result = ctypes.c_size_t(len(rows)), ctypes.c_void_p(out.ctypes.data)

        def call() -> Any:
            function(*pointers, n, result)
            return out

        return call

    return prepare


def _sql(path: Path, model: Model) -> Scorer:  # noqa: ARG001 - the others need the model
    def prepare(part: Part) -> Call:
        database = duckdb.connect()
        database.sql("SET threads = 1")
        database.register("samples", part.table.assign(place=np.arange(len(part.table))))
        database.execute(path.read_text())
        query = f"SELECT * FROM {path.stem}_scores ORDER BY place"
        return lambda: database.sql(query).fetchnumpy()["score"]

    return prepare


Arrays = dict[str, np.ndarray]


def _read_back(read: Callable[[Path, Arrays], Arrays], path: Path, model: Model) -> Scorer:
    """Score with our own kernels what a file of parameters holds."""
    exported = model.arrays()
    missing = {name: np.zeros_like(array) for name, array in exported.items()}
    arrays: dict[str, Any] = missing | read(path, exported)
    again = type(model)(model.config, **arrays)
    return lambda part: lambda: again.score(part.rows, 1)


def _json_arrays(path: Path, exported: Arrays) -> Arrays:
    found = json.loads(path.read_text())["parameters"]
    return {name: np.array(found[name], np.float32) for name in exported}


def _npz_arrays(path: Path, exported: Arrays) -> Arrays:
    with np.load(path) as file:
        arrays = {name: file[name].astype(np.float32) for name in exported}
        if "factors_scale" in file:
            scale = file["factors_scale"]
            arrays["factors"] *= scale.reshape(*scale.shape, *[1] * (arrays["factors"].ndim - 2))
    return arrays


def _xlearn_arrays(path: Path, exported: Arrays) -> Arrays:
    lines = [line.split(": ") for line in path.read_text().splitlines()]
    starts = {"bias": "bias", "linear": "i_", "factors": "v_"}
    arrays = {}
    for name, array in exported.items():
        vectors = [numbers.split() for label, numbers in lines if label.startswith(starts[name])]
        arrays[name] = np.array(vectors, np.float32).reshape(array.shape)
    return arrays


def _libffm_arrays(path: Path, exported: Arrays) -> Arrays:
    vectors = [line.split()[1:] for line in path.read_text().splitlines()[4:]]
    return {"factors": np.array(vectors, np.float32).reshape(exported["factors"].shape)}


_SCORERS: dict[str, Callable[[Path, Model], Scorer]] = {
    "savedmodel": _savedmodel,
    "frozen": _frozen,
    "keras": _keras,
    "c": _c,
    "sql": _sql,
    "json": partial(_read_back, _json_arrays),
    "npz": partial(_read_back, _npz_arrays),
    "xlearn-text": partial(_read_back, _xlearn_arrays),
    "libffm-text": partial(_read_back, _libffm_arrays),
}
