"""Predictions as text, CSV or Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from fieldfare._typing import AnyArray
from fieldfare.exceptions import ConfigError

if TYPE_CHECKING:
    from fieldfare.models.predictor import Predictor


class Write(Protocol):
    """Writes a block of predictions and, if there are any, their ids."""

    def __call__(self, predictions: AnyArray, ids: Any = None) -> None: ...


def format_of(path: str, formats: Sequence[str], default: str) -> str:
    """Return the format that the extension of an output stands for.

    Parameters
    ----------
    path : str
        ``-`` is standard output.
    formats : sequence of str
        Those that there are.
    default : str
        For an output without an extension.

    Raises
    ------
    ConfigError
        If the extension stands for something else.
    """
    extension = os.path.splitext(os.path.basename(path))[1].lower()
    known = {"": default} | {f".{'txt' if name == 'text' else name}": name for name in formats}
    if extension not in known:
        raise ConfigError(
            f"The extension of the output {path!r} is of no format that is written here: "
            f"{', '.join(name for name in known if name)}. Choose one of them"
            + (", or name the format with --format." if "text" in formats else ".")
        )
    return known[extension]


@contextmanager
def prediction_writer(
    path: str, kind: str, model: Predictor, header: Sequence[str], id_name: str | None = None
) -> Iterator[Write]:
    """Open an output that takes blocks of predictions, and is only created once it is complete.

    Parameters
    ----------
    path : str
        ``-`` is standard output.
    kind : {"text", "csv", "parquet"}
    model : Model or Posterior
        Its task and classes determine what is written.
    header : sequence of str
        Names of the columns, as `names` returns them.
    id_name : str or None
        Name of the column of ids, which is written first.

    Yields
    ------
    function
        Writes a block of predictions, an array as ``model.predict`` returns it, with its ids, an
        Arrow array or None.

    Raises
    ------
    ConfigError
        If the column of ids is called like one of the predictions.
    """
    from fieldfare.kernels.text import format_numbers
    from fieldfare.sources.write import open_output, table_writer

    if id_name in header:
        raise ConfigError(
            f"A column of predictions is called {id_name!r}, too. Rename the column of ids."
        )
    if kind == "parquet":
        with table_writer(path, "parquet") as write_table:

            def write_columns(predictions: AnyArray, ids: Any = None) -> None:
                first = {} if id_name is None else {id_name: ids}
                write_table(first | _columns(predictions, model, header))

            yield write_columns
        return
    with open_output(path) as file:
        if kind == "csv":
            first = [] if id_name is None else [id_name]
            file.write((",".join(_quoted(name) for name in (*first, *header)) + "\n").encode())

        def write(predictions: AnyArray, ids: Any = None) -> None:
            matrix = predictions if predictions.ndim == 2 else predictions[:, None]
            text = format_numbers(matrix, "," if kind == "csv" else " ")
            if kind == "csv" and model.task == "multiclass":
                labels = [_quoted(str(label)) for label in _classes(model)]
                text = _prefixed([labels[best] for best in predictions.argmax(1)], text, ",")
            if ids is not None:
                cells = ["" if cell is None else str(cell) for cell in ids.to_pylist()]
                if kind == "csv":
                    text = _prefixed(map(_quoted, cells), text, ",")
                else:
                    text = _prefixed(cells, text, "\t")
            file.write(text)

        yield write


def names(model: Predictor, added: Sequence[str] = ()) -> list[str]:
    """Return the names of the columns of a prediction table; ``added`` ones follow a number."""
    task = model.task
    if task == "multiclass":
        return ["prediction", *(f"probability_{label}" for label in _classes(model))]
    if task == "binary":
        classes = model.classes
        return [f"probability_{1 if classes is None else classes[1]}", *added]
    return ["score" if task == "rank" else "prediction", *added]


def _columns(predictions: AnyArray, model: Predictor, header: Sequence[str]) -> dict[str, AnyArray]:
    """Return predictions as columns; for multiclass models the most likely class comes first."""
    import numpy as np

    parts = [predictions] if predictions.ndim == 1 else list(predictions.T)
    if model.task == "multiclass":
        parts.insert(0, np.asarray(_classes(model))[predictions.argmax(1)])
    return dict(zip(header, parts, strict=True))


def _prefixed(cells: Iterable[str], text: bytes, separator: str) -> bytes:
    """Return lines of text with a cell before each."""
    lines = zip(cells, text.decode().splitlines(), strict=True)
    return "".join(f"{cell}{separator}{line}\n" for cell, line in lines).encode()


def _classes(model: Predictor) -> list[Any]:
    return list(model.classes) if model.classes is not None else list(range(model.n_outputs))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
