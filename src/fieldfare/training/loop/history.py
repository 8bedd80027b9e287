"""History: what happened in each epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fieldfare._arguments import checked
from fieldfare._tables import Printed
from fieldfare._typing import JSON
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.sources.frames import to_pandas
from fieldfare.training.loop.comparison import Comparison


@dataclass
class History:
    """One record per epoch, and how training ended. Prints as a table.

    Parameters
    ----------
    metric : str or None
        Name of the watched column, for instance ``"valid_auc"``; ``None`` if the last epoch is
        kept: without validation data, or with ``early_stopping=False``.
    greater_is_better : bool
        Direction of the watched column.
    epochs : list of dict
        Records: ``epoch`` (from 1), ``train_loss`` (mean loss of each sample just before it was
        learned from, weighted), ``valid_loss`` (mean loss on the validation data, with sample but
        not class weights), ``valid_<metric>`` for each metric, and ``seconds``.
    best_epoch : int or None
        Epoch with the best watched value, or the last epoch when nothing is watched.
    best_value : float or None
        The watched value at the best epoch.
    stopped : str or None
        Why training ended: ``"max_iter"``, ``"early_stopping"``, ``"max_time"``,
        ``"interrupted"`` or ``"callback"``; ``None`` while it runs.
    comparison : Comparison or None
        How the model compares with a constant and with its own linear part; ``None`` while it
        runs, and where there is nothing to compare.
    refit : list of dict
        Records (``epoch``, ``train_loss`` and ``seconds``) of the second training, on all rows, if
        the model comes from one: after rows were held out, for the best number of epochs.
    """

    metric: str | None = None
    greater_is_better: bool = False
    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    best_value: float | None = None
    stopped: str | None = None
    comparison: Comparison | None = None
    refit: list[dict[str, float]] = field(default_factory=list)

    @checked
    def append(self, record: dict[str, float], tol: float = 0.0) -> bool:
        """Add an epoch and return whether it is the best so far, by more than ``tol``."""
        followed = "train_loss" if self.metric is None else self.metric
        missing = {"epoch", followed} - record.keys()
        if missing:
            raise ConfigError(f"The record of an epoch needs {sorted(missing)}. Got {record!r}.")
        self.epochs.append(record)
        value = record[followed]
        if self.metric is not None and self.best_value is not None:
            gain = value - self.best_value if self.greater_is_better else self.best_value - value
            if not gain > tol and not math.isnan(self.best_value):
                return False
        self.best_epoch, self.best_value = int(record["epoch"]), value
        return True

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.epochs)

    def __getitem__(self, name: str) -> list[float]:
        """Return a column as a list, for instance ``history["valid_loss"]``."""
        return [record[name] for record in self.epochs]

    @property
    def best(self) -> dict[str, float]:
        """The record of the best epoch; empty before the first epoch has ended."""
        return next((row for row in self.epochs if row["epoch"] == self.best_epoch), {})

    @property
    def refit_epochs(self) -> int:
        """Epochs of the second training, on all rows; 0 if there was none."""
        return len(self.refit)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.epochs[0]) if self.epochs else []

    @property
    def shown(self) -> list[str]:
        """Names of the columns to show: without ``valid_loss`` if a metric is that loss."""
        loss = [record.get("valid_loss") for record in self.epochs]
        repeated = loss != [None] * len(loss) and any(
            [record[name] for record in self.epochs] == loss
            for name in ("valid_logloss", "valid_mse")
            if name in self.columns
        )
        return [name for name in self.columns if not (repeated and name == "valid_loss")]

    def __str__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    def _printed(self) -> Printed:
        names = list(self.shown)
        cells = [[_cell(name, row[name]) for name in names] for row in self.epochs]
        left = len(names)
        if self.metric is not None and self.epochs:
            names.append("")
            for row, line in zip(self.epochs, cells, strict=True):
                line.append("best" if row["epoch"] == self.best_epoch else "")
        below = [] if self.stopped is None else [f"Stopped: {self.stopped}."]
        if self.comparison is not None:
            below.append(f"Compared: {self.comparison}.")
        if self.refit:
            epochs = "epoch" if self.refit_epochs == 1 else "epochs"
            below.append(f"Trained again on all rows, for {self.refit_epochs} {epochs}.")
        if not self.epochs and not below:
            below = ["No epoch has ended."]
        return Printed(names, cells, left=(left,), below=below)

    def to_frame(self) -> Any:
        """Return the epochs as a pandas DataFrame (pandas must be installed)."""
        return to_pandas(self.epochs)

    def to_json(self) -> JSON:
        """Return everything as a JSON object."""
        return {
            "metric": self.metric,
            "greater_is_better": self.greater_is_better,
            "epochs": [dict(record) for record in self.epochs],
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "stopped": self.stopped,
            "comparison": None if self.comparison is None else self.comparison.to_json(),
            "refit": [dict(record) for record in self.refit],
        }

    @staticmethod
    def from_json(data: JSON) -> History:
        """Return the history that `to_json` described; null stands for NaN.

        Raises
        ------
        DataError
            If it is something else.
        """
        if not isinstance(data, dict):
            raise DataError(
                f"A history is made of the object that to_json returns. Got {type(data).__name__}."
            )
        try:
            epochs, refit = _records(data["epochs"]), _records(data.get("refit", []))
            comparison = Comparison.from_json(data.get("comparison"))
            read = {"epochs": epochs, "refit": refit, "comparison": comparison}
            return History(**{**data, **read})
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"This is not the history of a training: {error!r}.") from error


def _records(found: list[JSON]) -> list[dict[str, float]]:
    return [{name: _number(value) for name, value in record.items()} for record in found]


def _number(value: float | None) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise TypeError(f"A history holds numbers. Got {value!r:.200}.")
    return value


def _cell(name: str, value: float) -> str:
    if name == "epoch":
        return str(int(value))
    return f"{value:.2f}" if name == "seconds" else f"{value:.5f}"
