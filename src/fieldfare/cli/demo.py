"""Take a tour of the library on generated click data: train, compare, explain, save, predict."""

from __future__ import annotations

import argparse
import os
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say
from fieldfare.cli._files import FileOrFolder
from fieldfare.cli._tables import size, table
from fieldfare.kinds.models import FFM, FM, LINEAR, ModelKind

if TYPE_CHECKING:
    from fieldfare.cli._clicks import Clicks
    from fieldfare.models.base import Model
    from fieldfare.training.functions import TrainResult

EXAMPLES = """\
examples:
  fieldfare demo
  fieldfare demo --rows 20000 --out /tmp/clicks

The data are drawn from a known model, so the tour can tell how good any model could possibly be,
and whether the interactions found are the ones that were planted.
"""
TARGET = "clicked"
TRAIN_SHARE, VALID_SHARE = 0.8, 0.1
SETTINGS: dict[ModelKind, dict[str, Any]] = {
    LINEAR: {},
    FM: {"n_factors": 8},
    FFM: {"n_factors": 4},
}
COMMON: dict[str, Any] = {"max_iter": 20, "n_iter_no_change": 2, "random_state": 0}


@dataclass(frozen=True)
class Story:
    """Data that the steps of the tour share."""

    folder: Path
    clicks: Clicks
    files: dict[str, Path]
    valid_rows: slice


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--rows", type=int, default=100_000, metavar="N", help="rows to generate (default: 100000)"
    )
    parser.add_argument(
        "-o",
        "--out",
        dest="output",
        default="fieldfare-demo",
        type=FileOrFolder,
        metavar="FOLDER",
        help="folder for all files (default: ./fieldfare-demo)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the data (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Run the tour."""
    from fieldfare.exceptions import ConfigError

    if arguments.rows < 1000:
        raise ConfigError(f"--rows must be at least 1000. Got {arguments.rows}.")
    if arguments.seed < 0:
        raise ConfigError(f"--seed must be 0 or greater. Got {arguments.seed}.")
    start = time.perf_counter()
    story = _make_data(arguments)
    train, valid = _read(story)
    _title(3, "Three models, each stopped when the validation loss no longer falls")
    results = {kind: _train(kind, train, valid) for kind in SETTINGS}
    _compare(story, results)
    model = results[FFM].model
    _show_interactions(story.clicks, model)
    _explain(model, valid)
    _save_and_predict(story, model, valid)
    say(f"\nThe whole tour took {time.perf_counter() - start:.1f} s. Your turn:\n")
    folder = story.folder
    say(f"  fieldfare inspect {story.files['train']} --target {TARGET}")
    say(f"  fieldfare show {folder / 'clicks.ff'} --plot {folder / 'fields.png'}")
    say("  fieldfare train YOUR.csv --target COLUMN --model ffm")
    return 0


def _make_data(arguments: argparse.Namespace) -> Story:
    from fieldfare.cli._clicks import generate

    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_others(folder)
    clicks = generate(arguments.rows, arguments.seed)
    _title(1, f"Click data with planted interactions, written to {folder}")
    n = len(clicks)
    stops = [0, int(n * TRAIN_SHARE), int(n * (TRAIN_SHARE + VALID_SHARE)), n]
    files, rows = {}, []
    for name, start, stop in zip(("train", "valid", "new"), stops[:-1], stops[1:], strict=True):
        files[name] = folder / f"{name}.csv"
        clicks.write_csv(files[name], start, stop)
        rows.append([files[name].name, stop - start, size(os.path.getsize(files[name]))])
    say(table(["file", "rows", "size"], rows))
    return Story(folder, clicks, files, slice(stops[1], stops[2]))


def _refuse_others(folder: Path) -> None:
    """Refuse a folder that holds files of these names which no tour wrote."""
    from fieldfare.cli._clicks import COLUMNS
    from fieldfare.exceptions import ConfigError

    header = ",".join([TARGET, *COLUMNS])
    tables = [folder / f"{name}.csv" for name in ("train", "valid", "new")]
    foreign = [path for path in tables if path.exists() and not _starts_with(path, header)]
    model = folder / "clicks.ff"
    if model.exists() and not all(path.exists() for path in tables):
        foreign.append(model)
    if foreign:
        raise ConfigError(
            f"{foreign[0]} was not written by a tour, and would be overwritten. Name another "
            "folder with --out."
        )


def _starts_with(path: Path, line: str) -> bool:
    with path.open("rb") as file:
        return file.readline(len(line) + 2).rstrip() == line.encode()


def _read(story: Story) -> tuple[Any, Any]:
    from fieldfare.data.loading import load

    _title(2, "The schema, inferred from the training file")
    train = load(story.files["train"], target=TARGET)
    say(str(train.schema))
    return train, load(story.files["valid"], schema=train.schema)


def _train(kind: ModelKind, train: Any, valid: Any) -> TrainResult:
    from fieldfare.training.functions import train as train_model

    say(kind.title)
    result = train_model(train, valid=valid, model=kind.name, verbose=1, **SETTINGS[kind], **COMMON)
    say()
    return result


def _compare(story: Story, results: dict[ModelKind, TrainResult]) -> None:
    from fieldfare.metrics import compute

    _title(4, "Validation loss and AUC, and the best possible")
    y = story.clicks.clicked[story.valid_rows]
    best = compute(["logloss", "auc"], y, story.clicks.probability[story.valid_rows])
    rows = [
        [
            kind.title,
            result.history.best["valid_logloss"],
            result.history.best["valid_auc"],
            len(result.history),
            f"{sum(result.history['seconds']):.1f}",
        ]
        for kind, result in results.items()
    ]
    rows.append(["best reachable (the planted model)", best["logloss"], best["auc"], None, ""])
    say(table(["model", "logloss", "AUC", "epochs", "seconds"], rows))


def _show_interactions(clicks: Clicks, model: Model) -> None:
    from fieldfare.explain import top_interactions

    _title(5, "The strongest interactions that the field-aware model found")
    ranked = sorted(clicks.interactions.items(), key=lambda item: -item[1])
    planted = {frozenset(pair): place for place, (pair, _) in enumerate(ranked, 1)}
    rows = []
    for found in top_interactions(model, len(planted), by="field"):
        place = planted.get(frozenset((found.first, found.second)))
        verdict = f"planted, number {place}" if place else "not planted"
        rows.append([f"{found.first} x {found.second}", f"{found.strength:.3f}", verdict])
    say(table(["columns", "strength", "truth"], rows))
    hits = sum(row[2] != "not planted" for row in rows)
    say(f"\n  {hits} of the {len(planted)} planted pairs are among the {len(rows)} strongest.")


def _explain(model: Model, valid: Any) -> None:
    from fieldfare.explain import explain

    _title(6, "Why one row got its prediction")
    probability = model.predict(valid.rows)
    row = int(probability.argmax())
    say(f"  Row {row} of valid.csv, counted from 0, is the most likely click.\n")
    say(textwrap.indent(explain(model, valid.rows, row).to_text(8), "  "))


def _save_and_predict(story: Story, model: Model, valid: Any) -> None:
    import numpy as np

    from fieldfare.persist.file import load_model, save_model
    from fieldfare.training.functions import predict

    _title(7, "Saved, loaded again, and used on new data")
    path = story.folder / "clicks.ff"
    save_model(model, path)
    loaded = load_model(path)
    same = np.array_equal(loaded.predict(valid.rows), model.predict(valid.rows))
    if not same:
        raise AssertionError("the loaded model predicts otherwise than the saved one")
    predictions = predict(loaded, story.files["new"])
    say(f"  {path}, {size(os.path.getsize(path))}: the loaded model predicts exactly the same.")
    rate = story.clicks.clicked[story.valid_rows.stop :].mean()
    say(
        f"  {len(predictions):,} predictions for new.csv: mean {predictions.mean():.4f}, "
        f"true click rate {rate:.4f}."
    )


def _title(number: int, text: str) -> None:
    say(f"\n{number}. {text}\n" if number > 1 else f"{number}. {text}\n")
