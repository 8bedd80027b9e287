"""Models of Spark's FMClassifier and FMRegressor.

A folder: ``metadata/part-*``, one JSON object with the class of the model and its parameters, and
``data/*.parquet``, one row with ``intercept`` (double), ``linear`` (a vector: type, size, indices,
values) and ``factors`` (a matrix: type, numRows, numCols, colPtrs, rowIndices, values,
isTransposed).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ModelFileError
from fieldfare.foreign.form import ForeignFormat, Head, make_model
from fieldfare.kinds.models import FM
from fieldfare.models.base import Model

TASKS = {"FMClassificationModel": "binary", "FMRegressionModel": "regression"}
_MOST_METADATA = 1 << 20
_MOST_NUMBERS = 1 << 31


def load_spark(path: PathLike) -> Model:
    """Load the folder of a model of Spark's FMClassifier or FMRegressor.

    Raises
    ------
    ModelFileError
        If the folder does not hold such a model, or its parts contradict each other.
    MissingDependencyError
        If pyarrow is not installed.
    """
    folder = Path(path)
    task = _task(folder)
    row = _row(folder)
    try:
        linear = _vector(row["linear"])
        factors = _matrix(row["factors"])
        intercept = float(row["intercept"])
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise ModelFileError(
            f"The data do not have the layout of a Spark model: {error!r}."
        ) from error
    if len(linear) != len(factors):
        raise ModelFileError(
            f"The Spark model has {len(linear)} weights and {len(factors)} latent vectors."
        )
    return make_model(FM, task, intercept, linear, factors, origin="spark")


def _task(folder: Path) -> str:
    for part in sorted((folder / "metadata").glob("part-*")):
        if part.is_file() and 0 < part.stat().st_size <= _MOST_METADATA:
            try:
                name = json.loads(part.read_bytes())["class"].rpartition(".")[2]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise ModelFileError(f"{part} is not the metadata of a Spark model.") from error
            if name not in TASKS:
                raise ModelFileError(
                    f"The Spark models that can be imported are {' and '.join(TASKS)}. This is "
                    f"{name}; of a pipeline, import the stage."
                )
            return TASKS[name]
    raise ModelFileError(f"{folder} holds no metadata/part-*: it is not a model of Spark.")


def _row(folder: Path) -> dict[str, Any]:
    """Return the only row of the Parquet files."""
    parquet = require("pyarrow.parquet", "tables")
    arrow = require("pyarrow", "tables")
    parts = sorted((folder / "data").glob("*.parquet"))
    rows: list[dict[str, Any]] = []
    for part in parts:
        try:
            with parquet.ParquetFile(part) as file:
                if file.metadata.num_rows > 1:
                    raise ModelFileError(f"{part} has more than the one row of a Spark model.")
                rows += file.read(columns=["intercept", "linear", "factors"]).to_pylist()
        except (arrow.ArrowException, OSError, ValueError, KeyError) as error:
            if isinstance(error, ModelFileError):
                raise
            raise ModelFileError(f"{part} cannot be read as Parquet: {error}.") from error
    if len(rows) != 1:
        raise ModelFileError(f"{folder}/data must hold one row. It holds {len(rows)}.")
    return rows[0]


def _vector(field: dict[str, Any]) -> AnyArray:
    """Return a vector of Spark, dense (type 1) or sparse (type 0)."""
    values = np.asarray(field["values"], np.float64)
    if field["type"] == 1:
        return values
    out = np.zeros(_size(field["size"]))
    out[np.asarray(field["indices"], np.int64)] = values
    return out


def _matrix(field: dict[str, Any]) -> AnyArray:
    """Return a matrix of Spark, dense (type 1) or sparse (type 0), by column unless transposed."""
    n_rows, n_columns = _size(field["numRows"]), _size(field["numCols"])
    _size(n_rows * n_columns)
    shape = (n_rows, n_columns) if field["isTransposed"] else (n_columns, n_rows)
    values = np.asarray(field["values"], np.float64)
    if field["type"] == 1:
        out = values.reshape(shape)
    else:
        starts = np.asarray(field["colPtrs"], np.int64)
        out = np.zeros(shape)
        major = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        out[major, np.asarray(field["rowIndices"], np.int64)] = values
    return out if field["isTransposed"] else out.T


def _size(number: Any) -> int:
    if type(number) is not int or not 0 < number < _MOST_NUMBERS:
        raise ValueError(f"{number!r} is no size")
    return number


def _is_spark(head: Head) -> bool:
    return head.is_folder and (Path(head.path) / "metadata").is_dir()


FORMATS = (ForeignFormat("spark", "a model of Spark's FM", _is_spark, load_spark),)
