"""Callbacks: what may look on, and step in, while a model trains."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._files import check_outputs
from fieldfare._logging import say_aside
from fieldfare._typing import PathLike
from fieldfare._validation import AnyOf, Instance, OneOf, Several, check
from fieldfare.config import TrainingConfig
from fieldfare.exceptions import DivergenceError
from fieldfare.models.base import Model
from fieldfare.models.progress import Progress
from fieldfare.solvers.base import Solver
from fieldfare.training.loop.history import History
from fieldfare.training.loop.saved import SavedRun, parameter_arrays

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass
class TrainingState:
    """Where training stands; what callbacks see.

    Parameters
    ----------
    solver : Solver
        The solver at work.
    config : TrainingConfig
        Its ``random_state`` is the resolved seed.
    history : History
        The epochs that have ended.
    n_rows : int
        Rows in an epoch.
    epoch : int
        Number of the epoch that runs, or ended last, from 1.
    last_epoch : int
        Epoch after which training ends at the latest.
    rows_done : int
        Rows visited in this epoch.
    loss : float
        Mean training loss of this epoch so far.
    best_model : Model or None
        Copy of the best model, when early stopping keeps one.
    fingerprint : callable
        Returns a checksum of the training rows.
    first : SavedRun or None
        The run before, if this one trains again on all rows: its ``history`` shows for how many
        epochs. If this one does not end, ``best_model``, the best of the run before, is what
        training returns.
    """

    solver: Solver
    config: TrainingConfig
    history: History
    n_rows: int
    epoch: int
    last_epoch: int
    rows_done: int = 0
    loss: float = math.nan
    best_model: Model | None = None
    fingerprint: Callable[[], str] = str
    first: SavedRun | None = None

    def snapshot(self) -> Model:
        """Return a copy of the model as it stands, with the solver's state if that is kept."""
        model = self.solver.export()
        if not self.config.keep_state:
            return model
        state = {name: np.array(array) for name, array in self.solver.state().items()}
        return model.with_(progress=Progress(self.solver.kind.name, self.epoch, state))


class Callback:
    """Base of the callbacks: override what you need.

    The order is: ``on_train_begin``, then for each epoch ``on_block`` after each block of rows and
    ``on_epoch_end``, and ``on_train_end`` however training ended. An exception ends training.

    Attributes
    ----------
    outputs : tuple of paths
        Files that the callback writes, which must not be files that training reads.
    """

    outputs: tuple[PathLike, ...] = ()

    def on_train_begin(self, state: TrainingState) -> None:
        """Training is about to start or to resume."""

    def on_block(self, state: TrainingState) -> None:
        """A block of rows has been learned from."""

    def on_epoch_end(self, state: TrainingState) -> bool | None:
        """Return True to stop: an epoch has ended, been evaluated and entered the history."""

    def on_train_end(self, state: TrainingState) -> None:
        """Training has ended, failed or been interrupted."""


class DivergenceGuard(Callback):
    """Stops training with advice as soon as a loss is infinite or not a number."""

    def on_block(self, state: TrainingState) -> None:
        if not math.isfinite(state.loss):
            raise diverged("training", state.loss, state.epoch)

    def on_epoch_end(self, state: TrainingState) -> None:
        loss = state.history.epochs[-1].get("valid_loss", 0.0)
        if not math.isfinite(loss):
            raise diverged("validation", loss, state.epoch)


_CALLBACKS = AnyOf((Several(Instance((Callback,), "a Callback")), OneOf(((), []))))


def check_callbacks(
    callbacks: Sequence[Callback] | None, sources: Mapping[str, Any], resume: PathLike | None = None
) -> None:
    """Refuse callbacks that would write over what is read, before it is read.

    Parameters
    ----------
    callbacks : sequence of Callback or None
    sources : mapping from name to samples
        In any form; those that are not files cannot be meant.
    resume : path, optional
        The checkpoint to continue from, which a callback may replace.

    Raises
    ------
    ConfigError
        Naming both files.
    """
    if callbacks is None:
        return
    check("callbacks", callbacks, _CALLBACKS, "this call")
    writers = {type(one).__name__: getattr(one, "outputs", ()) for one in callbacks}
    for name, paths in writers.items():
        for path in paths:
            check_outputs({name: path}, {"resume": resume, **sources}, {name: "resume"})


def diverged(which: str, loss: float, epoch: int) -> DivergenceError:
    """Return the error that says what to do about a loss that is not finite."""
    return DivergenceError(
        f"The {which} loss became {loss} in epoch {epoch}. Lower 'learning_rate' (try a tenth), "
        "scale large feature values or targets, set instance_norm=True, or raise 'l2_linear' and "
        "'l2_factors'."
    )


def tell_of_refit(first: History, n_rows: int) -> None:
    """Tell that training begins again, on all rows, and for how long."""
    best = first.best_epoch
    say_aside(
        f"epoch {best} was the best; training again on all {n_rows:,} rows, for as many epochs"
    )


class ProgressBar(Callback):
    """Shows progress on standard error: a bar with the time left on a terminal, lines in a pipe.

    Either way each epoch leaves one line with its losses, metrics and seconds.
    """

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, state: TrainingState) -> None:
        if state.first is not None and state.epoch < state.last_epoch:
            tell_of_refit(state.first.history, state.n_rows)
        if not sys.stderr.isatty():
            return
        from tqdm import tqdm

        done, left = state.epoch, state.last_epoch - state.epoch
        self._bar = tqdm(
            total=left * state.n_rows,
            desc=f"epoch {done + 1}/{state.last_epoch}",
            unit=" rows",
            unit_scale=True,
            leave=False,
            file=sys.stderr,
        )
        self._start = done

    def on_block(self, state: TrainingState) -> None:
        if self._bar is not None:
            self._bar.desc = f"epoch {state.epoch}/{state.last_epoch}: "
            done = (state.epoch - 1 - self._start) * state.n_rows + state.rows_done
            self._bar.set_postfix_str(f"loss {state.loss:.5f}", refresh=False)
            self._bar.update(done - self._bar.n)

    def on_epoch_end(self, state: TrainingState) -> None:
        line = self._line(state)
        if self._bar is None:
            say_aside(line)
        else:
            self._bar.write(line, file=sys.stderr)

    def on_train_end(self, state: TrainingState) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @staticmethod
    def _line(state: TrainingState) -> str:
        record = state.history.epochs[-1]
        width = len(str(state.last_epoch))
        shown = [
            f"{name} {record[name]:.5f}"
            for name in state.history.shown
            if name not in ("epoch", "seconds")
        ]
        best = state.history.metric is not None and state.history.best_epoch == record["epoch"]
        head = f"epoch {int(record['epoch']):{width}d}/{state.last_epoch}"
        return "  ".join([head, *shown, f"{record['seconds']:.2f} s"]) + ("  *" if best else "")


class Checkpoint(Callback):
    """Writes a checkpoint after each epoch, from which training can be resumed exactly.

    Parameters
    ----------
    path : str or path
        File to write; replaced atomically.
    """

    @checked
    def __init__(self, path: PathLike) -> None:
        self.path = os.fspath(path)
        self.outputs = (self.path,)

    def on_epoch_end(self, state: TrainingState) -> None:
        as_saved(state).write(self.path)


def as_saved(state: TrainingState) -> SavedRun:
    """Return what a checkpoint holds of a training; its arrays are not copied."""
    best = state.best_model if state.first is None else None  # else the first has it
    return SavedRun(
        state.epoch,
        state.config.random_state,
        state.n_rows,
        state.fingerprint(),
        state.history,
        state.solver.state(),
        {} if best is None else parameter_arrays(best),
        state.first,
    )
