"""Predictions as text, CSV or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fieldfare._typing import AnyArray

if TYPE_CHECKING:
    from fieldfare.models.base import Model

Write = Callable[[AnyArray], None]


@contextmanager
def prediction_writer(path: str, kind: str, model: Model) -> Iterator[Write]:
    """Open an output that takes blocks of predictions and appears only when complete.

    Parameters
    ----------
    path : str
        ``-`` is standard output.
    kind : {"text", "csv", "parquet"}
    model : Model
        Its task and classes name the columns.

    Yields
    ------
    function
        Takes what ``model.predict`` returns.
    """
    from fieldfare.data.write import open_output, table_writer

    if kind == "parquet":
        with table_writer(path, "parquet") as write_table:
            yield lambda predictions: write_table(columns(predictions, model))
        return
    with open_output(path) as file:
        if kind == "csv":
            file.write((",".join(_quoted(name) for name in names(model)) + "\n").encode())

        def write(predictions: AnyArray) -> None:
            parts = columns(predictions, model) if kind == "csv" else _plain(predictions)
            texts = [_texts(part) for part in parts.values()]
            separator = "," if kind == "csv" else " "
            lines = "".join(separator.join(line) + "\n" for line in zip(*texts, strict=True))
            file.write(lines.encode())

        yield write


def names(model: Model) -> list[str]:
    """Return the names of the columns of a prediction table."""
    if model.config.task == "multiclass":
        return ["prediction", *(f"probability_{label}" for label in _classes(model))]
    return [{"binary": "probability", "rank": "score"}.get(model.config.task, "prediction")]


def columns(predictions: AnyArray, model: Model) -> dict[str, AnyArray]:
    """Return predictions as columns: for several classes also the most likely one."""
    if predictions.ndim == 1:
        return {names(model)[0]: predictions}
    import numpy as np

    best = np.asarray(_classes(model))[predictions.argmax(1)]
    return dict(zip(names(model), [best, *predictions.T], strict=True))


def _plain(predictions: AnyArray) -> dict[int, AnyArray]:
    return dict(enumerate(predictions.T if predictions.ndim == 2 else [predictions]))


def _classes(model: Model) -> list[Any]:
    return list(model.classes) if model.classes is not None else list(range(model.n_outputs))


def _texts(values: AnyArray) -> list[str]:
    """Write numbers as the shortest text that reads back the same."""
    texts: list[str] = values.astype("U").tolist()
    return texts if values.dtype.kind == "f" else [_quoted(text) for text in texts]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
