"""Predict with a saved model: one prediction per row, in order."""

from __future__ import annotations

import argparse

from fieldfare._logging import say_aside
from fieldfare.cli import _options
from fieldfare.cli._files import Output
from fieldfare.exceptions import ConfigError

EXAMPLES = """\
examples:
  fieldfare predict new.csv -m clicks.ff -o predictions.csv
  fieldfare predict new.parquet -m clicks.ff -o predictions.parquet --id request
  zcat new.ffm.gz | fieldfare predict - -m clicks.ff | head
  fieldfare predict new.csv -m stars.ff --interval 0.9 -o predictions.csv

Binary models predict the probability of class 1, regressions a number, multiclass models the most
likely class and the probability of each class (as text: only the probabilities, separated by
blanks). DATA may contain the target or not. Rows are streamed, so memory does not grow with the
file. For a file from 'fieldfare sample', predictions are averages over the samples: a number, the
probability of the second class, or the expected number.
"""
FORMATS = ("text", "csv", "parquet")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser, labelled=False, format_flag="--input-format")
    _options.add_model(parser)
    parser.add_argument(
        "-o",
        "--output",
        default="-",
        type=Output,
        metavar="OUT",
        help="output file (default: -, stdout)",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="output format (default: by OUT's extension, .csv, .parquet or .txt)",
    )
    parser.add_argument(
        "--id",
        type=_options.column,
        metavar="COLUMN",
        help="column of DATA to repeat before each prediction, such as the id of the row",
    )
    parser.add_argument(
        "--interval",
        type=float,
        metavar="P",
        help="regressions from 'fieldfare sample': add the bounds of the interval that contains "
        "the target with this probability",
    )
    _options.add_threads(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stream rows through the model."""
    import numpy as np

    from fieldfare.cli._files import load_any
    from fieldfare.cli._predictions import format_of, names, prediction_writer
    from fieldfare.cli._progress import rows_done
    from fieldfare.data.loading import stream_with_column
    from fieldfare.data.unseen import SOME_ENTRIES, Unseen
    from fieldfare.models.posterior import Posterior
    from fieldfare.sources.reading import Reading

    model, coverage = load_any(arguments.model), arguments.interval
    if coverage is not None and not isinstance(model, Posterior):
        raise ConfigError(
            f"--interval needs the samples of a Bayesian model, and {arguments.model} holds a "
            "single set of parameters. Use 'fieldfare sample' instead of 'fieldfare train'."
        )
    reading = Reading(**_options.reading(arguments))
    kind = arguments.format or format_of(arguments.output, FORMATS, "text")
    n_rows, n_threads = 0, arguments.threads
    unseen = Unseen(model.schema)
    added = ("lower", "upper") if coverage is not None else ()
    header = names(model, added)
    source = _options.source(arguments.data)
    samples = stream_with_column(
        source, arguments.id, schema=model.schema, n_threads=n_threads, reading=reading
    )
    id_name = None if arguments.id is None else str(arguments.id)
    with (
        prediction_writer(arguments.output, kind, model, header, id_name) as write,
        rows_done(arguments.output) as done,
    ):
        for rows, ids in samples:
            predicted = model.predict(rows, n_threads).astype(np.float32)
            if isinstance(model, Posterior) and coverage is not None:
                ends = model.intervals(rows, coverage, n_threads=n_threads)
                predicted = np.column_stack([predicted, ends]).astype(np.float32)
            write(predicted, ids)
            if unseen.n_entries < SOME_ENTRIES:
                unseen.add(rows, SOME_ENTRIES)
            n_rows += len(rows)
            done(len(rows))
    unseen.warn()
    if arguments.output != "-":
        say_aside(f"{n_rows:,} predictions written to {arguments.output}")
    return 0
