"""TensorFlow's formats: a SavedModel, a frozen graph in one file, and Keras' own file.

All take the inputs that `fieldfare.keras.to_inputs` makes of rows: ``ids`` (int32), ``values``
(float32) and, for models that use fields, ``fields`` (int32). Each has the shape (batch, entries),
both of them free. Negative and unknown ids contribute nothing, so rows are padded with -1. The
output ``prediction`` has the shape (batch, n_outputs) and is what ``model.predict`` returns, or the
scores if ``link`` is false.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fieldfare._files import atomic_write, naming_output, temporary_folder
from fieldfare._optional import require
from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model

# The largest message that protobuf can write, less some room for all that is not a weight.
_MAX_FROZEN_BYTES = 2**31 - 2**16
_INPUTS = {"ids": "int32", "values": "float32", "fields": "int32"}


def export_savedmodel(model: Model, path: PathLike, *, link: bool = True) -> None:
    """Write a SavedModel, a folder for TensorFlow Serving and ``tf.saved_model.load``.

    Its signature ``serving_default`` has the inputs and the output that `fieldfare.keras.to_inputs`
    and `fieldfare.export.tensorflow` describe.

    Parameters
    ----------
    model : Model
    path : path
        Folder to create; it must not exist yet.
    link : bool
        Whether the output is predictions; otherwise it is scores.

    Raises
    ------
    ConfigError
        If Keras runs on another backend in this process, or the folder exists.
    MissingDependencyError
        If Keras or TensorFlow is not installed.
    OSError
        If the folder cannot be written.
    """
    path = Path(path).absolute()
    if path.exists():
        raise ConfigError(
            f"A SavedModel needs a new folder, and {path} exists. Remove it, or choose another "
            "path."
        )
    tf = _tensorflow()
    module, score = _graph(tf, model, link)
    # Written next to its place and renamed, so that no half-written model is ever served.
    with naming_output(path), temporary_folder(path) as beside:
        tf.saved_model.save(module, os.fspath(beside), signatures={"serving_default": score})
        os.rename(beside, path)


def export_frozen(model: Model, path: PathLike, *, link: bool = True) -> None:
    """Write a frozen graph: one file, ``model.pb``, with the weights as constants.

    Its inputs are the placeholders ``ids:0``, ``values:0`` (and ``fields:0``), its output is
    ``prediction:0``.

    Parameters
    ----------
    model : Model
        Smaller than 2 GB.
    path : path
        File to write or replace, atomically.
    link : bool
        Whether the output is predictions; otherwise it is scores.

    Raises
    ------
    ConfigError
        If the model is too large for the format, or Keras runs on another backend in this process.
    MissingDependencyError
        If Keras or TensorFlow is not installed.
    OSError
        If the file cannot be written.
    """
    if model.nbytes > _MAX_FROZEN_BYTES:
        raise ConfigError(
            f"A frozen graph holds at most 2 GB, and this model has {model.nbytes / 1e9:.1f} GB. "
            "Export it to 'savedmodel', or train with fewer factors or hashed columns."
        )
    tf = _tensorflow()
    freeze = require(
        "tensorflow.python.framework.convert_to_constants", "tensorflow"
    ).convert_variables_to_constants_v2
    _, score = _graph(tf, model, link)
    definition = freeze(score.get_concrete_function()).graph.as_graph_def()
    with atomic_write(path) as file:
        file.write(definition.SerializeToString())


def export_keras(model: Model, path: PathLike, *, link: bool = True) -> None:
    """Write a file that ``keras.saving.load_model`` reads, on any backend of Keras.

    Loading it needs ``import fieldfare.keras`` first, which registers the layers.

    Parameters
    ----------
    model : Model
    path : path
        File to write or replace, atomically.
    link : bool
        Whether the output is predictions; otherwise it is scores.

    Raises
    ------
    MissingDependencyError
        If Keras is not installed.
    OSError
        If the file cannot be written.
    """
    network = _to_keras(model, link)
    with tempfile.TemporaryDirectory() as folder:
        # Keras refuses any other extension.
        written = Path(folder) / "model.keras"
        network.save(written)
        with open(written, "rb") as source, atomic_write(path) as file:
            shutil.copyfileobj(source, file)


def _to_keras(model: Model, link: bool) -> Any:
    from fieldfare.keras import to_keras

    return to_keras(model, link=link)


def _tensorflow() -> Any:
    """Import TensorFlow, and Keras on top of it."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    tf = require("tensorflow", "tensorflow")
    from fieldfare.keras import backend

    if backend() != "tensorflow":
        raise ConfigError(
            f"TensorFlow's formats need Keras on TensorFlow, and in this process it runs on "
            f"{backend()!r}. Set the environment variable KERAS_BACKEND=tensorflow before Keras is "
            "imported, or export to 'keras', which works on any backend."
        )
    return tf


def _graph(tf: Any, model: Model, link: bool) -> tuple[Any, Any]:
    """Return a TensorFlow module with the weights of a model, and the function to export."""
    network = _to_keras(model, link)
    names = [name for name in _INPUTS if name != "fields" or model.uses_fields]
    specs = [tf.TensorSpec((None, None), _INPUTS[name], name=name) for name in names]

    def score(*tensors: Any) -> dict[str, Any]:
        output = network(dict(zip(names, tensors, strict=True)))
        return {"prediction": tf.identity(output, name="prediction")}

    # Only the weights: a module that held the network would save its layers as well.
    module = tf.Module()
    module.weights_of_model = [weight.value for weight in network.weights]
    module.score = tf.function(score, input_signature=specs)
    return module, module.score
