"""LIBLINEAR's models.

Text: ``solver_type``, ``nr_class``, ``label`` (of classes), ``nr_feature`` and ``bias``, then ``w``
and one line per feature, counted from 1, and one for the bias if it is not negative. A positive
score stands for the first label.
"""

from __future__ import annotations

import numpy as np

from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.foreign.form import ForeignFormat, Head, make_model
from fieldfare.foreign.lines import Lines
from fieldfare.kinds.models import LINEAR
from fieldfare.models.base import Model

LOGISTIC = ("L2R_LR", "L1R_LR", "L2R_LR_DUAL")
MARGIN = ("L2R_L2LOSS_SVC_DUAL", "L2R_L2LOSS_SVC", "L2R_L1LOSS_SVC_DUAL", "L1R_L2LOSS_SVC")
REGRESSION = ("L2R_L2LOSS_SVR", "L2R_L2LOSS_SVR_DUAL", "L2R_L1LOSS_SVR_DUAL")
SOLVERS = (*LOGISTIC, *MARGIN, *REGRESSION)


def load_liblinear(path: PathLike) -> Model:
    """Load a model of LIBLINEAR.

    Returns
    -------
    Model
        Logistic regression: binary, with LIBLINEAR's probabilities; the second class is its first
        label. Support vector machines: of task "rank", whose prediction is LIBLINEAR's decision
        value. Support vector regression: regression.

    Raises
    ------
    ModelFileError
        If the text breaks its format, naming the line.
    ConfigError
        If the model has more than two classes, or is of a solver that is not known here.
    """
    lines = Lines(path)
    header = _header(lines)
    solver = " ".join(header.get("solver_type", ["none"]))
    if solver not in SOLVERS:
        raise ConfigError(
            f"Models of LIBLINEAR are imported from the solvers {', '.join(SOLVERS)}. "
            f"This one is from {solver}."
        )
    labels = [int(label) for label in lines.numbers(header.get("label", []), None, "labels")]
    if solver not in REGRESSION and len(labels) != 2:
        raise ConfigError(
            f"This model of LIBLINEAR has {len(labels)} classes. It holds one function per class "
            "against all others, whose probabilities are not those of one multiclass model. Train "
            "LIBLINEAR on one class against the rest, and import these models one by one."
        )
    n = lines.integer(*_one(header, "nr_feature"))
    factor = float(lines.numbers(header.get("bias", []), 1, "'bias' and a number")[0])
    has_bias = factor >= 0
    weights = np.array([_weight(lines, "one weight") for _ in range(n)])
    bias = factor * _weight(lines, "the weight of the bias") if has_bias else 0.0
    lines.end()
    linear = np.concatenate([[0.0], weights])  # ids count from 1
    if solver in REGRESSION:
        return make_model(LINEAR, "regression", bias, linear, origin="liblinear")
    if solver in MARGIN:
        return make_model(LINEAR, "rank", bias, linear, origin="liblinear")
    return make_model(LINEAR, "binary", bias, linear, origin="liblinear", classes=labels[::-1])


def _weight(lines: Lines, wanted: str) -> float:
    return float(lines.numbers(lines.take("a weight").split(), 1, wanted)[0])


def _one(header: dict[str, list[str]], name: str) -> tuple[str, str]:
    return "".join(header.get(name, [])), f"the end of a header with {name!r} and a whole number"


def _header(lines: Lines) -> dict[str, list[str]]:
    header: dict[str, list[str]] = {}
    for text in lines:
        name, *values = text.split() or [""]
        if name == "w":
            return header
        if name not in ("solver_type", "nr_class", "label", "nr_feature", "bias", "rho"):
            lines.refuse("a line of the header, or 'w'")
        header[name] = values
    lines.take("'w'")
    raise AssertionError("take refuses the end of the file")


def _is_liblinear(head: Head) -> bool:
    return head.start.startswith(b"solver_type ")


FORMATS = (ForeignFormat("liblinear", "a model of LIBLINEAR", _is_liblinear, load_liblinear),)
