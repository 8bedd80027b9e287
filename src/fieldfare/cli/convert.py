"""Convert data to libsvm, libffm, CSV, Parquet or a RowStore."""

from __future__ import annotations

import argparse

from fieldfare.cli import _columns, _options
from fieldfare.cli._files import FileOrFolder, Input, written
from fieldfare.exceptions import ConfigError

EXAMPLES = """\
examples:
  fieldfare convert train.csv train.ffm --to libffm --target clicked
  fieldfare convert test.csv test.ffm --to libffm --schema-from clicks.ff  the model's feature ids
  fieldfare convert log.csv log.parquet --to parquet
  fieldfare convert train.ffm train.store --to store                      opens at once afterwards
  zcat log.csv.gz | fieldfare convert - -o - --to libffm --target clicked > train.ffm

To become libsvm, libffm or a store, a table is encoded with a schema, inferred from it or taken
from a model, which numbers the features. In the other direction, libffm becomes one column per
field and libsvm one column of features; a cell holds feature ids, as id or id:value, separated
by |.
"""
KINDS = ("libsvm", "libffm", "csv", "parquet", "store")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "data",
        nargs="+",
        type=Input,
        metavar="IN",
        help="file, folder, glob or - (stdin), and last the file to write, unless -o names it",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=FileOrFolder,
        metavar="OUT",
        help="file to write; a folder for a store (default: the last of the arguments)",
    )
    parser.set_defaults(default_output=_last)
    parser.add_argument("--to", choices=KINDS, help="format (default: by OUT's extension)")
    parser.add_argument(
        "--schema-from",
        type=Input,
        metavar="MODEL.ff",
        help="model whose schema gives the ids",
    )
    _options.add_roles(parser)
    _options.add_reading(parser)
    _columns.add(parser)
    _options.add_json(parser)


def _last(arguments: argparse.Namespace) -> FileOrFolder:
    """Take the last of the files that were named for the one to write."""
    if len(arguments.data) < 2:
        raise ConfigError("Name the file to write, behind those to read or with -o.")
    return FileOrFolder(arguments.data.pop())


def run(arguments: argparse.Namespace) -> int:
    """Convert, and report the number of rows."""
    from fieldfare.data.convert import convert

    columns = _columns.given(arguments)
    if arguments.schema_from:
        from fieldfare.persist.file import load_model

        if "schema" in columns:
            raise ConfigError(
                "--schema says what the columns are, and --schema-from also gives the ids of their "
                "values. Give only one of them."
            )
        columns["schema"] = load_model(arguments.schema_from).schema
    kind = arguments.to or _kind_of(arguments.output)
    with written(arguments.output) as path:
        n_rows = convert(
            _options.source(arguments.data), path, kind, **_options.reading(arguments), **columns
        )
    line = f"{n_rows:,} rows written to {arguments.output}"
    _options.report(arguments, line, format=kind, rows=n_rows)
    return 0


def _kind_of(path: str) -> str:
    suffix = "." + path.rpartition(".")[2].lower()
    kinds = {".ffm": "libffm", ".svm": "libsvm"} | {f".{kind}": kind for kind in KINDS}
    if suffix not in kinds:
        raise ConfigError(
            f"The extension of the output {path!r} does not determine the format. Add --to with "
            f"one of {', '.join(KINDS)}."
        )
    return kinds[suffix]
