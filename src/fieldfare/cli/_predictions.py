"""Predictions as text, CSV or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fieldfare._typing import AnyArray

if TYPE_CHECKING:
    from fieldfare.models.predictor import Predictor

Write = Callable[[AnyArray], None]


@contextmanager
def prediction_writer(
    path: str, kind: str, model: Predictor, *, interval: bool = False
) -> Iterator[Write]:
    """Open an output that takes blocks of predictions, and is only created once it is complete.

    Parameters
    ----------
    path : str
        ``-`` is standard output.
    kind : {"text", "csv", "parquet"}
    model : Model or Posterior
        Its task and classes determine the names of the columns.
    interval : bool
        Whether the predictions have two further columns, the bounds of intervals.

    Yields
    ------
    function
        Writes a block of predictions, an array as ``model.predict`` returns it.
    """
    from fieldfare.kernels.text import format_numbers
    from fieldfare.sources.write import open_output, table_writer

    if kind == "parquet":
        with table_writer(path, "parquet") as write_table:
            yield lambda predictions: write_table(columns(predictions, model, interval))
        return
    with open_output(path) as file:
        if kind == "csv":
            file.write((",".join(_quoted(name) for name in names(model, interval)) + "\n").encode())

        def write(predictions: AnyArray) -> None:
            matrix = predictions if predictions.ndim == 2 else predictions[:, None]
            text = format_numbers(matrix, "," if kind == "csv" else " ")
            if kind == "csv" and model.task == "multiclass":
                text = _labelled(predictions, text.decode(), _classes(model))
            file.write(text)

        yield write


def names(model: Predictor, interval: bool = False) -> list[str]:
    """Return the names of the columns of a prediction table."""
    task = model.task
    if task == "multiclass":
        return ["prediction", *(f"probability_{label}" for label in _classes(model))]
    ends = ["lower", "upper"] if interval else []
    return [{"binary": "probability", "rank": "score"}.get(task, "prediction"), *ends]


def columns(predictions: AnyArray, model: Predictor, interval: bool = False) -> dict[str, AnyArray]:
    """Return predictions as columns; for multiclass models the most likely class comes first."""
    if predictions.ndim == 1:
        return {names(model)[0]: predictions}
    import numpy as np

    parts = list(predictions.T)
    if model.task == "multiclass":
        parts.insert(0, np.asarray(_classes(model))[predictions.argmax(1)])
    return dict(zip(names(model, interval), parts, strict=True))


def _labelled(predictions: AnyArray, text: str, classes: list[Any]) -> bytes:
    """Prefix each line of probabilities with the most likely class."""
    labels = [_quoted(str(label)) for label in classes]
    lines = zip(predictions.argmax(1).tolist(), text.splitlines(), strict=True)
    return "".join(f"{labels[best]},{line}\n" for best, line in lines).encode()


def _classes(model: Predictor) -> list[Any]:
    return list(model.classes) if model.classes is not None else list(range(model.n_outputs))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
