"""Export a model to ONNX, TensorFlow, Keras, C, SQL, JSON, npz, xLearn, libffm or libFM."""

from __future__ import annotations

import argparse

from fieldfare._files import STREAM
from fieldfare.cli import _options
from fieldfare.cli._files import FileOrFolder, Input, written
from fieldfare.exceptions import ConfigError

EXAMPLES = """\
examples:
  fieldfare export clicks.ff clicks.onnx --inputs columns        raw columns in, predictions out
  fieldfare export clicks.ff clicks.onnx --quantize int8 --data test.csv
  fieldfare export clicks.ff clicks.h                            C, for one sample at a time
  fieldfare export clicks.ff clicks.sql --table requests         linear models and small FM
  fieldfare export clicks.ff clicks.model --to xlearn            for xlearn_predict
  fieldfare export clicks.ff clicks.model --to libffm --drop-linear
  fieldfare export clicks.ff served/1 --to savedmodel            a folder, for TensorFlow Serving
  fieldfare export clicks.ff model.pb                            a frozen TensorFlow graph
  fieldfare export clicks.ff clicks.keras
  fieldfare export clicks.ff -o - --to json                      to standard output
"""

_OPTIONS = ("inputs", "quantize", "table", "drop_linear")


def more_help() -> str:
    """Return which formats there are."""
    from fieldfare.export import EXPORTERS, SUFFIXES

    *first, last = EXPORTERS
    return (
        f"The extension of OUT determines the format ({' '.join(SUFFIXES)}), unless --to\n"
        f"names it: {', '.join(first)} or {last}.\n"
        "xlearn and libffm are the binary models that xlearn_predict and ffm-predict read;\n"
        "xlearn-text and libffm-text are their text forms, which these programs do not read.\n"
    )


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "model", type=Input, metavar="MODEL.ff", help="model file from 'fieldfare train'"
    )
    parser.add_argument(
        "out",
        nargs="?",
        type=FileOrFolder,
        metavar="OUT",
        help="file (savedmodel: folder) to write, unless -o names it",
    )
    parser.add_argument(
        "-o", "--output", type=FileOrFolder, metavar="OUT", help="the same (-: stdout, with --to)"
    )
    parser.set_defaults(default_output=_named)
    parser.add_argument("--to", metavar="FORMAT", help="format (default: by OUT's extension)")
    parser.add_argument(
        "--inputs",
        choices=("features", "columns"),
        help="onnx: read feature ids or the columns of a table (default: features)",
    )
    parser.add_argument(
        "--quantize",
        choices=("fp16", "int8"),
        help="onnx, c, npz: store weights in 16 or 8 bits, and report what that loses",
    )
    parser.add_argument(
        "--data", type=Input, metavar="DATA", help="labelled data to measure that loss on"
    )
    parser.add_argument("--table", metavar="NAME", help="sql: table to read (default: samples)")
    parser.add_argument(
        "--drop-linear",
        action="store_true",
        default=None,
        help="libffm: leave out the bias and the linear weights, which it cannot hold",
    )
    _options.add_json(parser)


def _named(arguments: argparse.Namespace) -> FileOrFolder:
    """Return the output that is named behind the model."""
    if arguments.out is None:
        raise ConfigError("Name the file to write, behind the model or with -o.")
    out: FileOrFolder = arguments.out
    arguments.out = None
    return out


def run(arguments: argparse.Namespace) -> int:
    """Export, and report the file and what quantising lost."""
    from fieldfare.export import export
    from fieldfare.persist.file import load_model

    given = {name: getattr(arguments, name) for name in _OPTIONS}
    options = {name: value for name, value in given.items() if value is not None}
    if arguments.output == STREAM and arguments.to is None:
        raise ConfigError("Standard output has no extension. Name the format with --to.")
    model = load_model(arguments.model)
    with written(arguments.output) as path:
        found = export(model, path, arguments.to, data=arguments.data, **options)
    loss = None if found.loss is None else str(found.loss)
    line = str(found).replace(path, arguments.output)
    _options.report(arguments, line, format=found.to, bytes=found.n_bytes, loss=loss)
    return 0
