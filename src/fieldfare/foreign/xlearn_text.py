"""xLearn's text models (``xlearn_train -t``, ``setTXTModel``).

``bias: w``, a line ``i_<j>: w`` per feature, and then ``v_<j>: ...`` per feature (FM) or
``v_<j>_<f>: ...`` per feature and field (FFM).
"""

from __future__ import annotations

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import Float64Array, PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.foreign.form import ForeignFormat, Head
from fieldfare.foreign.lines import Lines
from fieldfare.foreign.xlearn_binary import TASKS, xlearn_model
from fieldfare.kinds.models import FFM, FM, LINEAR, ModelKind
from fieldfare.models.base import Model


@checked
def load_xlearn_text(
    path: PathLike,
    *,
    task: str | None = None,
    norm: bool | None = None,
    row_length: float | None = None,
) -> Model:
    """Load a text model of xLearn.

    Parameters
    ----------
    path : path
    task : {"binary", "regression"}
        Which the file does not say.
    norm, row_length
        As of a binary model.

    Raises
    ------
    ModelFileError
        If the text breaks its format, naming the line.
    ConfigError
        If ``task`` or ``norm`` is missing.

    Notes
    -----
    xLearn writes 6 digits, and of a model by FTRL with a number of factors not divisible by 4 it
    leaves out factors that it scores with: import the binary model instead.
    """
    if task is None or task not in TASKS.values():
        raise ConfigError(
            "A text model of xLearn does not say what it predicts. Say task='binary' (--task "
            "binary) if xlearn_train was given -s 0, 1 or 2, and task='regression' (--task "
            f"regression) if it was given -s 3, 4 or 5. Got {task!r}."
        )
    lines = Lines(path)
    first = lines.take("'bias: ' and a number")
    bias = _values(lines, first, "bias", 1)[0]
    linear: list[float] = []
    while (ahead := lines.ahead) is not None and ahead.startswith("i_"):
        linear.append(_values(lines, lines.take("a weight"), f"i_{len(linear)}", 1)[0])
    weights = np.array(linear)
    vectors, kind = _vectors(lines, len(linear))
    lines.end()
    return xlearn_model(kind, task, (float(bias), weights, vectors), norm, row_length)


def _vectors(lines: Lines, n: int) -> tuple[Float64Array | None, ModelKind]:
    """Return the factors and the kind of the model."""
    first = lines.ahead
    if first is None or not first.strip():
        return None, LINEAR
    k = len(first.partition(":")[2].split())
    if first.startswith("v_0:"):
        n_fields = 1
    else:
        n_fields = next((f for f in range(lines.left + 1) if not _is_of_first(lines, f)), 0)
    if n * n_fields > lines.left or not n_fields:
        lines.take("a vector")
        lines.refuse(f"the vector of feature 0, followed by those of all {n} features")
    aware = not first.startswith("v_0:")
    found = np.empty((n, n_fields, k))
    for i in range(n):
        for f in range(n_fields):
            name = f"v_{i}_{f}" if aware else f"v_{i}"
            found[i, f] = _values(lines, lines.take("a vector"), name, k)
    return (found, FFM) if aware else (found[:, 0], FM)


def _is_of_first(lines: Lines, field: int) -> bool:
    text = lines.peek(field)
    return text is not None and text.startswith(f"v_0_{field}:")


def _values(lines: Lines, text: str, name: str, n: int) -> Float64Array:
    wanted = f"'{name}: ' and {n} number{'s' if n > 1 else ''}"
    return lines.numbers(lines.after(f"{name}:", text, wanted).split(), n, wanted)


def _is_text(head: Head) -> bool:
    return head.start.startswith(b"bias:")


FORMATS = (ForeignFormat("xlearn", "a text model of xLearn", _is_text, load_xlearn_text),)
