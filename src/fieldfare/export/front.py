"""The front door of all exports: one table of formats, each loaded when it is used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from fieldfare._arguments import checked
from fieldfare._files import check_outputs
from fieldfare._inputs import refuse_input
from fieldfare._typing import PathLike
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError
from fieldfare.export.packing import Loss, loss_of_packing
from fieldfare.models.base import FittedEstimator, Model, model_of

EXPORTERS: dict[str, tuple[str, str]] = {
    "onnx": ("fieldfare.export.onnx_file", "export_onnx"),
    "c": ("fieldfare.export.c", "export_c"),
    "sql": ("fieldfare.export.sql", "export_sql"),
    "json": ("fieldfare.export.plain", "export_json"),
    "npz": ("fieldfare.export.plain", "export_npz"),
    "xlearn": ("fieldfare.export.xlearn", "export_xlearn"),
    "libffm": ("fieldfare.export.libffm", "export_libffm"),
    "libfm": ("fieldfare.export.libfm", "export_libfm"),
    "xlearn-text": ("fieldfare.export.text", "export_xlearn_text"),
    "libffm-text": ("fieldfare.export.text", "export_libffm_text"),
    "savedmodel": ("fieldfare.export.tensorflow", "export_savedmodel"),
    "frozen": ("fieldfare.export.tensorflow", "export_frozen"),
    "keras": ("fieldfare.export.tensorflow", "export_keras"),
}
"""Maps a format to the module and the name of its ``function(model, path, **options)``."""

SUFFIXES = {
    ".onnx": "onnx",
    ".c": "c",
    ".h": "c",
    ".sql": "sql",
    ".json": "json",
    ".npz": "npz",
    ".pb": "frozen",
    ".keras": "keras",
}
"""Maps the extension of a file to its format."""


NOTES = {
    "xlearn": "xlearn_predict reads it. The file does not record normalisation: without "
    "instance_norm, give xlearn_predict the flag --no-norm.",
    "libfm": "libFM reads it with -load_model and -dim 1,1,k.",
    "xlearn-text": "This is xLearn's text form, for people and programs of your own: "
    "xlearn_predict reads binary models only (--to xlearn).",
    "libffm-text": "This is the text form of older releases of libffm: today's ffm-predict reads "
    "binary models only (--to libffm).",
}
"""Maps a format to what has to be known of its files."""


@dataclass(frozen=True)
class Exported:
    """An exported model; prints as a line or two.

    Parameters
    ----------
    path : str
    to : str
        Name of the format.
    n_bytes : int
        Size of the file, or of all files in the folder, in bytes.
    loss : Loss or None
        What quantising the parameters lost; None if they were not quantised.
    """

    path: str
    to: str
    n_bytes: int
    loss: Loss | None = None

    def __str__(self) -> str:
        lines: list[object] = [f"{self.to} model written to {self.path} ({self.n_bytes:,} bytes)"]
        if self.to in NOTES:
            lines.append(NOTES[self.to])
        if self.loss is not None:
            lines.append(self.loss)
        return "\n".join(map(str, lines))


@checked
def export(
    model: Model | FittedEstimator,
    path: PathLike,
    to: str | None = None,
    *,
    data: Any = None,
    **options: Any,
) -> Exported:
    """Write a model in the format of another tool.

    Parameters
    ----------
    model : Model or fitted estimator
        Trained model.
    path : path
        File to write or replace, atomically. A SavedModel is a folder, which must not exist yet.
    to : str, optional
        Name of the format, one of `fieldfare.export.EXPORTERS`. By default it is determined by the
        extension of ``path``, such as ``.onnx``.
    data : path, table, Rows or Dataset, optional
        Labelled data on which the loss of a quantised model is measured.
    **options
        Options of the format: the further parameters of the function that
        `fieldfare.export.EXPORTERS` names. ``quantize="fp16"`` or ``"int8"``, if the format has
        this option, stores 16 or 8 bits per weight.

    Returns
    -------
    Exported
        With the size of the file and what quantising lost.

    Raises
    ------
    ConfigError
        If there is no such format or option, or the format cannot express this model.
    MissingDependencyError
        If the format needs a package that is not installed; the message says how to install it.
    OSError
        If the file cannot be written; an older file at ``path`` is then left intact.
    """
    model = model_of(model, "export")
    to = format_of(path) if to is None else to
    if to not in EXPORTERS:
        raise ConfigError(
            f"There is no export format {to!r}.{closest(to, EXPORTERS)} "
            f"The formats are {', '.join(EXPORTERS)}."
        )
    check_outputs({"path": path}, {"data": data})
    refuse_input(path)
    module, name = EXPORTERS[to]
    function = getattr(import_module(module), name)
    _check_options(to, options, list(signature(function).parameters)[2:])
    quantize = options.get("quantize")
    if data is not None and quantize is None:
        raise ConfigError(
            "The 'data' parameter measures what quantising loses, but nothing is "
            "quantised. Add quantize='fp16' or 'int8' (formats onnx, c and npz), or leave it out."
        )
    # Measured before anything is written, because the data may not fit the model.
    loss = None if quantize is None else loss_of_packing(model, quantize, data)
    function(model, path, **options)
    return Exported(os.fspath(path), to, _size(Path(path)), loss)


def _check_options(to: str, options: Iterable[str], known: Sequence[str]) -> None:
    for option in options:
        if option not in known:
            raise ConfigError(
                f"The {to} export has no option {option!r}.{closest(option, known)} "
                f"Its options are: {', '.join(known) or 'none'}."
            )


def format_of(path: PathLike) -> str:
    """Return the format that the extension of a path stands for.

    Raises
    ------
    ConfigError
        If it stands for none.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"The extension of {os.fspath(path)!r} does not determine the format. Pass to=... "
            f"(--to ...) with one of {', '.join(EXPORTERS)}, or use one of the extensions "
            f"{', '.join(SUFFIXES)}."
        )
    return SUFFIXES[suffix]


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size
