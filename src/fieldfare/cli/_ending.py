"""How a command ends: by signals, by errors, and with what it has yet to print."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fieldfare._logging import say_error
from fieldfare.cli._files import written
from fieldfare.exceptions import FieldfareError, OutputError

if TYPE_CHECKING:
    from fieldfare.training.loop.run import FitResult

INTERRUPTED, TERMINATED = 130, 143
_SOON = 0.02


class _Terminated(KeyboardInterrupt):
    """SIGTERM: everything that cleans up after Ctrl-C does so after this too."""


class Signals:
    """Which signals came.

    Attributes
    ----------
    terminated : bool
        Whether one was SIGTERM.
    """

    terminated = False

    @property
    def code(self) -> int:
        """The exit code of a command that was interrupted."""
        return TERMINATED if self.terminated else INTERRUPTED


@contextmanager
def terminable() -> Iterator[Signals]:
    """Let SIGTERM end the block as Ctrl-C does, so that no temporary files stay behind."""
    seen = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield seen  # only the main thread may choose
        return

    def end(*_: Any) -> None:
        seen.terminated = True
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        with _not_lost():
            yield seen
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def _not_lost() -> Iterator[None]:
    """Send a signal again whose exception Python threw away, as it does in ``__del__``."""
    usual, main = sys.unraisablehook, threading.get_ident()
    timers: list[threading.Timer] = []

    def hook(lost: Any) -> None:
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            usual(lost)
            return
        is_ours = isinstance(lost.exc_value, _Terminated)
        number = signal.SIGTERM if is_ours else signal.SIGINT
        timers.append(threading.Timer(_SOON, signal.pthread_kill, (main, number)))
        timers[-1].start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = usual
        for timer in timers:
            timer.cancel()


def save_unless_nothing(result: FitResult, output: str) -> bool:
    """Save a trained model; after an interruption, say what is saved, or that nothing is.

    Returns
    -------
    bool
        Whether a model was saved: not if no epoch was finished.
    """
    from fieldfare.persist.file import save_model

    epochs = result.history.epochs
    if result.interrupted and not epochs:
        say_error(f"interrupted in the first epoch: nothing was saved to {output}")
        return False
    with written(output) as path:
        save_model(result.model, path)
    if result.interrupted:
        say_error(f"interrupted {_where(result, output)}")
    return True


def training_facts(result: FitResult) -> dict[str, Any]:
    """Return what came of a training, for scripts."""
    history = result.history
    return {
        "task": result.model.task,
        "features": result.model.n_features,
        "interrupted": result.interrupted,
        "best": history.best,
        "history": history.to_json(),
    }


def _where(result: FitResult, output: str) -> str:
    """Return where a training was interrupted, and which model is kept."""
    history = result.history
    best = f"holds the model of epoch {history.best_epoch}, the best"
    if result.refit_cut:
        return f"in the second training, on all rows: {output} {best} of the first"
    if history.refit:
        return f"at the end of the second training: {output} holds its model"
    last = int(history.epochs[-1]["epoch"])
    kept = "holds the model as it then was" if history.metric is None else best
    return f"after epoch {last}: {output} {kept}"


@contextmanager
def whole_results() -> Iterator[None]:
    """Buffer standard output: without (``python -u``), a part may be written, and no error seen."""
    before = sys.stdout
    if not isinstance(getattr(before, "buffer", None), io.RawIOBase):
        yield
        return
    sys.stdout = open(  # noqa: SIM115  it must not be closed
        before.fileno(), "w", encoding=before.encoding, errors=before.errors, closefd=False
    )
    try:
        yield
    finally:
        forget_results()
        sys.stdout = before


def flush_results() -> None:
    """Write what is left of standard output, so that a full disk is noticed before the exit.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def forget_results() -> None:
    """Redirect standard output if it cannot be written: its flush at exit would fail again."""
    try:
        flush_results()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def message(error: Exception) -> str:
    """Return what to print of an error that is fieldfare's or the system's."""
    if isinstance(error, OSError) and not isinstance(error, FieldfareError):
        if not error.filename:  # files are named by those who write them
            return str(OutputError.of("standard output", error))
        return f"{error.filename}: {error.strerror}"
    return str(error)
