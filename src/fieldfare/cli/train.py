"""Train a model on a file and save it."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say, say_notes
from fieldfare.cli import _columns, _options
from fieldfare.cli._ending import INTERRUPTED, save_unless_nothing, training_facts
from fieldfare.cli._files import Input, Output
from fieldfare.cli._json import as_json
from fieldfare.cli._tables import key_values, size

if TYPE_CHECKING:
    from fieldfare.schema.schema import Schema
    from fieldfare.training.functions import TrainResult

_COLUMNS_SHOWN = 40
EXAMPLES = """\
examples:
  fieldfare train train.csv --target clicked
  fieldfare train train.csv --target clicked --valid valid.csv --model ffm -k 4 -o clicks.ff
  fieldfare train ratings.parquet --target rating --task regression --epochs 30 --l2-factors 0.01
  fieldfare train train.ffm --model ffm --seed 7     the same model every time
  zcat log.csv.gz | fieldfare train - --target clicked -o log.ff

Without --valid, 15 % of the rows are held out to decide when to stop, unless there are very few;
then the model is trained again on all rows for as many epochs as were best. --validation time takes
the latest rows, by the column named by --validation-column. With --no-early-stopping, all rows are
used for training, for all epochs.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    _options.add_data(parser)
    _columns.add(parser)
    parser.add_argument(
        "--valid",
        type=Input,
        metavar="DATA",
        help="validation data, for early stopping and the report",
    )
    _options.add_new_model(parser)
    parser.add_argument(
        "--checkpoint",
        type=Output,
        metavar="FILE",
        help="write the state of training here after each epoch",
    )
    parser.add_argument(
        "--resume",
        type=Input,
        metavar="FILE",
        help="resume from such a file, with the same data and flags",
    )
    _options.add_json(parser)
    _options.add_hyperparameters(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load, train, report and save."""
    from fieldfare.data.loading import read_dataset
    from fieldfare.data.road import Options
    from fieldfare.training import functions
    from fieldfare.training.loop.callbacks import Checkpoint
    from fieldfare.training.prepare.held_out import split_by_of

    prints = _options.prints_report(arguments)

    def tell(text: str = "") -> None:
        if prints:
            say(text)

    start = time.perf_counter()
    hyperparameters = _options.hyperparameters(arguments)
    # For recall every row is an interaction, unless a target says otherwise.
    chosen = functions.read_settings(hyperparameters)
    how = Options.of(
        cache=not arguments.no_cache,
        labelled=None if chosen.for_recall else True,
        split_by=split_by_of(chosen.training, has_validation=arguments.valid is not None),
        **_options.reading(arguments),
        **_columns.given(arguments),
    )
    data = read_dataset(_options.source(arguments.data), how)
    tell(f"{data.rows.n_rows:,} rows, {data.rows.nnz:,} entries, read in {_since(start)}")
    tell()
    tell(_described(data.schema))
    if arguments.target is None and data.schema.target is not None:
        tell(f"The target is {data.schema.target!r} by default; --target names another column.")
    say_notes(data.schema.notes)
    tell()
    settings: dict[str, Any] = {"verbose": int(prints)}
    if arguments.valid:
        settings |= {"valid": arguments.valid, **_options.reading(arguments)}
    if arguments.checkpoint:
        settings["callbacks"] = [Checkpoint(arguments.checkpoint)]
    if arguments.resume:
        settings["resume"] = arguments.resume
    start = time.perf_counter()
    result = functions.train(data, **settings | hyperparameters)
    is_saved = save_unless_nothing(result, arguments.output)
    if arguments.json:
        model = str(arguments.output) if is_saved else None
        seconds = time.perf_counter() - start
        say(as_json({"model": model, "seconds": seconds, **training_facts(result)}))
    elif is_saved and prints:
        tell()
        tell(_summary(result, arguments.output, _since(start)))
    return INTERRUPTED if result.interrupted else 0


def _described(schema: Schema) -> str:
    """Return the table of columns, shortened if there are very many."""
    lines = str(schema).splitlines()
    if len(lines) > _COLUMNS_SHOWN + 2:
        rest = len(lines) - 2 - _COLUMNS_SHOWN
        lines[_COLUMNS_SHOWN + 2 :] = [f"... and {rest} more columns"]
    return "\n".join(lines)


def _summary(result: TrainResult, output: str, seconds: str) -> str:
    best = result.history.best
    lines: dict[str, object] = {
        "saved": f"{output}, {size(os.path.getsize(output))}",
        "trained in": seconds,
    }
    if best:
        validated = any(name.startswith("valid_") for name in best)
        kind = "best epoch" if validated else "last epoch"
        lines[kind] = int(best["epoch"])
        lines |= {name: value for name, value in best.items() if name.startswith("valid_")}
        lines.pop("valid_loss", None)
        if result.history.refit:
            n = result.history.refit_epochs
            lines["trained again"] = f"on all rows, for {n} epoch{'s' if n > 1 else ''}"
    if result.history.comparison is not None:
        lines["compared"] = result.history.comparison
    return (
        key_values(lines)
        + f"\n\nnext:\n  fieldfare predict NEW -m {output} -o predictions.csv"
        + f"\n  fieldfare show {output}"
    )


def _since(start: float) -> str:
    return f"{time.perf_counter() - start:.1f} s"
