"""Predict with a saved model: one prediction a row, in order."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_aside
from fieldfare.cli import _options

EXAMPLES = """\
examples:
  fieldfare predict new.csv -m clicks.ff -o predictions.csv
  fieldfare predict new.parquet -m clicks.ff -o predictions.parquet
  zcat new.ffm.gz | fieldfare predict - -m clicks.ff | head

Binary models give the probability of class 1, regressions a number, multiclass models the most
likely class and the probability of each (as text: the probabilities, separated by blanks). DATA
may have the target or not. Rows stream through: memory does not grow with the file.
"""
FORMATS = ("text", "csv", "parquet")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser, labelled=False)
    _options.add_model(parser)
    parser.add_argument(
        "-o", "--output", default="-", metavar="OUT", help="output file (default: -, stdout)"
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="default: by OUT's extension, .csv or .parquet, else text"
    )
    _options.add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stream rows through the model."""
    from fieldfare.cli._predictions import prediction_writer
    from fieldfare.data.stream import stream
    from fieldfare.persist.file import load_model

    model = load_model(arguments.model)
    kind = arguments.format or format_of(arguments.output)
    n_rows = 0
    with prediction_writer(arguments.output, kind, model) as write:
        n_threads = arguments.threads
        source = _options.source(arguments.data)
        for rows in stream(source, schema=model.schema, labelled=None, n_threads=n_threads):
            write(model.predict(rows, n_threads))
            n_rows += len(rows)
    if arguments.output != "-":
        say_aside(f"{n_rows:,} predictions written to {arguments.output}")
    return 0


def format_of(path: str) -> str:
    """Return the format that a file's extension names, or text."""
    extension = path.rpartition(".")[2].lower()
    return extension if extension in FORMATS else "text"
