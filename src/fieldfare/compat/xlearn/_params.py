"""The parameters of xLearn: names, defaults, ranges, and what contradicts what."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from fieldfare.config import MAX_FACTORS
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.models import FFM, FM, LINEAR, MODEL_KINDS, ModelKind
from fieldfare.kinds.solvers import ADAGRAD, FTRL, SGD

KINDS = (LINEAR.name, FM.name, FFM.name)
OPTIMISERS = (SGD.name, ADAGRAD.name, FTRL.name)
# Their names on the console, and in fieldfare; True: greater is better.
CLASSIFICATION = {
    "acc": ("Accuracy", "accuracy", True),
    "prec": ("Precision", "precision", True),
    "recall": ("Recall", "recall", True),
    "f1": ("F1", "f1", True),
    "auc": ("AUC", "auc", True),
}
REGRESSION = {
    "mae": ("MAE", "mae", False),
    "mape": ("MAPE", "mape", False),
    "rmsd": ("RMSD", "rmse", False),
}
METRICS = CLASSIFICATION | REGRESSION


@dataclass(frozen=True)
class Key:
    """One parameter.

    Parameters
    ----------
    field : str
        Its place in `Job`.
    flag : str
        On the command line.
    type : type
        int, float or str.
    low : float or None
        Its smallest value.
    above : bool
        Whether ``low`` itself is too small.
    high : float
        Its largest value.
    options : tuple of str
        What a text may be, if not anything.
    """

    field: str
    flag: str
    type: type
    low: float | None = None
    above: bool = False
    high: float = 2**31 - 1
    options: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        if self.options:
            return f"one of {', '.join(self.options)}"
        if self.type is str:
            return "a text"
        kind = "a whole number" if self.type is int else "a number"
        least = f"{'greater than' if self.above else 'of at least'} {self.low:g}"
        return f"{kind} {least}, and at most {self.high}"

    def read(self, name: str, value: Any) -> Any:
        """Return a value, checked.

        Raises
        ------
        ConfigError
        """
        if self.options and isinstance(value, str) and value in self.options:
            return value
        if self.type is str and not self.options and isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        if self.type is not str and not isinstance(value, bool):
            number = Integral if self.type is int else Real
            if isinstance(value, number) and self._fits(value):
                return self.type(value)
        raise ConfigError(f"The parameter {name!r} must be {self.allowed}. Got {value!r:.80}.")

    def _fits(self, value: Any) -> bool:
        assert self.low is not None
        return bool(self.low < value if self.above else self.low <= value) and value <= self.high


KEYS = {
    "task": Key("task", "", str, options=("binary", "reg")),
    "metric": Key("metric", "-x", str, options=(*METRICS, "rmse", "none")),
    "opt": Key("opt", "-p", str, options=OPTIMISERS),
    "log": Key("log", "-l", str),
    "lr": Key("lr", "-r", float, 0, above=True),
    "lambda": Key("penalty", "-b", float, 0),
    "k": Key("k", "-k", int, 1, high=MAX_FACTORS),
    "init": Key("init", "-u", float, 0, above=True),
    "epoch": Key("epoch", "-e", int, 1),
    "fold": Key("fold", "-f", int, 1),
    "alpha": Key("alpha", "-alpha", float, 0, above=True),
    "beta": Key("beta", "-beta", float, 0),
    "lambda_1": Key("lambda_1", "-lambda_1", float, 0),
    "lambda_2": Key("lambda_2", "-lambda_2", float, 0),
    "nthread": Key("nthread", "-nthread", int, 0),
    "block_size": Key("block_size", "-block", int, 1),
    "stop_window": Key("stop_window", "-sw", int, 1),
    "seed": Key("seed", "-seed", int, 1, high=2**32 - 1),
}


@dataclass(frozen=True)
class Job:
    """What one training is told; the defaults are those of the handles and of ``xlearn_train``.

    ``block_size`` is accepted, and has no effect.
    """

    kind: str = LINEAR.name
    task: str = "binary"
    metric: str = "none"
    opt: str = ADAGRAD.name
    log: str | None = None
    lr: float = 0.2
    penalty: float = 0.00002
    k: int = 4
    init: float = 0.66
    epoch: int = 10
    fold: int = 3
    alpha: float = 0.3
    beta: float = 1.0
    lambda_1: float = 0.00001
    lambda_2: float = 0.00002
    nthread: int = 0
    block_size: int = 500
    stop_window: int = 2
    seed: int = 1
    norm: bool = True
    early_stop: bool = True
    lock_free: bool = True
    on_disk: bool = False
    quiet: bool = False

    def with_keys(self, given: Mapping[str, Any]) -> Job:
        """Return the job with parameters by xLearn's names.

        Raises
        ------
        ConfigError
            If a name is unknown or a value is not allowed.
        """
        if not isinstance(given, Mapping):
            raise ConfigError(
                f"The parameters are a dictionary, as {{'task': 'binary'}}. Got {given!r:.80}."
            )
        changes = {}
        for name, value in given.items():
            if name not in KEYS:
                raise ConfigError(
                    f"Invalid key! {name!r} is not a parameter. The parameters are "
                    f"{', '.join(KEYS)}."
                )
            changes[KEYS[name].field] = KEYS[name].read(name, value)
        if changes.get("metric") == "rmse":
            changes["metric"] = "rmsd"
        return replace(self, **changes)

    @property
    def model(self) -> ModelKind:
        """What is true of the kind of model."""
        return MODEL_KINDS[self.kind]

    @property
    def by_ftrl(self) -> bool:
        """Whether the optimiser is the one with parameters of its own."""
        return self.opt == FTRL.name

    @property
    def n_jobs(self) -> int | None:
        """Number of threads, as fieldfare wants it."""
        return self.nthread or None

    @property
    def loss_name(self) -> str:
        """Name of the loss on the console."""
        return "log_loss" if self.task == "binary" else "mse_loss"

    def settled(self, *, validated: bool, cv: bool = False) -> tuple[Job, list[str]]:
        """Return the job without what contradicts itself, and a warning for each of that.

        Parameters
        ----------
        validated : bool
            Whether there are validation data.
        cv : bool
            Whether it is a cross-validation.
        """
        job, told = self, list[str]()
        wrong = REGRESSION if self.task == "binary" else CLASSIFICATION
        if self.metric in wrong:
            loss = "cross-entropy" if self.task == "binary" else "squared"
            told.append(f"The {self.metric} metric cannot be used with the {loss} loss.")
            job = replace(job, metric="none")
        if cv:
            if self.fold < 2:
                raise ConfigError(f"Cross-validation needs at least 2 folds. Got {self.fold}.")
            return replace(job, early_stop=False, quiet=False), told
        if not validated:
            if job.metric != "none":
                told.append("There is no validation file, so the metric is not computed.")
            job = replace(job, early_stop=False, metric="none")
        return job, told
