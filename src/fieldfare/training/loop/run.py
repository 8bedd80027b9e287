"""The only epoch loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from fieldfare._typing import Int64Array, PathLike
from fieldfare.config import TrainingConfig
from fieldfare.exceptions import TrainingError
from fieldfare.kernels.native import resolve_threads
from fieldfare.metrics import default_metrics, get_metric
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.settings import Settings
from fieldfare.solvers.base import ComparesRows, Solver
from fieldfare.training.loop.callbacks import (
    Callback,
    DivergenceGuard,
    ProgressBar,
    TrainingState,
    diverged,
)
from fieldfare.training.loop.evaluation import WATCHED_METRIC, evaluate_scores, score_subset
from fieldfare.training.loop.history import History
from fieldfare.training.loop.saved import SavedRun, fitting, with_parameters
from fieldfare.training.prepare.targets import class_weights
from fieldfare.training.ranking.negatives import Negatives
from fieldfare.training.ranking.recall import Catalogue, check_plan
from fieldfare.training.samples.comparisons import (
    ChosenComparisons,
    GroupComparisons,
    require_groups,
)
from fieldfare.training.samples.subset import RowSubset
from fieldfare.training.samples.windows import merged

# Parameters visited in one call of the kernel: well below a second on one core, so that Ctrl-C
# and callbacks get their turn.
_PARAMETERS_PER_CALL = 10**8


@dataclass(frozen=True)
class FitResult:
    """A trained model and how it came about.

    Parameters
    ----------
    model : Model
        The best model under early stopping, else the last.
    history : History
        The epochs.
    refit_cut : bool
        Whether a second training, on all rows, was begun and not finished: the model is then the
        best of the first.
    """

    model: Model
    history: History
    refit_cut: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.history.stopped == "interrupted"


class Run:
    """One run of the loop over a solver, which it leaves as the last epoch left it.

    Parameters
    ----------
    model : Model
        What is trained: its configuration and shapes count, its parameters do not.
    solver : Solver
        The solver to advance.
    train, valid : RowSubset
        Rows with encoded targets.
    config : TrainingConfig
        With a seed as ``random_state``.
    callbacks : sequence of Callback
        Called in this order.
    epochs_before : int
        Epochs of earlier runs on the same solver, which the numbering and shuffling continue.
    """

    def __init__(
        self,
        model: Model,
        solver: Solver,
        train: RowSubset,
        valid: RowSubset | None,
        config: TrainingConfig,
        callbacks: Sequence[Callback] = (),
        epochs_before: int = 0,
    ) -> None:
        self.train, self.valid = train, valid
        self.task = model.config.task
        solver_config = solver.config
        config = config.by(solver_config.kind)
        check_plan(train, model, solver_config, config)
        recalls = Settings(config, solver_config).for_recall
        self.negatives = None
        if config.negatives is not None:
            self.negatives = Negatives(train, model, solver_config.loss, config)
        self.comparisons = _comparisons(train) if self.task == "rank" and not recalls else None
        self.catalogue = None if not recalls or valid is None else Catalogue(train, valid, model)
        self.n_threads = resolve_threads(config.n_jobs, train.n_rows)
        if config.is_repeatable and solver_config.kind.races:
            self.n_threads = 1
        self.class_weight = class_weights(config.class_weight, self.task, model.classes, train)
        self.rows_per_call = _rows_per_call(model, train.rows)
        self.keep_best = valid is not None and config.early_stopping is not False
        history = History()
        if recalls:
            self.metrics = Catalogue.metrics(config.eval_metric)
            self.watched, better = self.metrics[0], True
        else:
            self.watched, self.metrics = _metric_names(config.eval_metric, self.task)
            better = get_metric(self.watched).greater_is_better
        if self.keep_best:  # else the model is that of the last epoch, whatever it was like
            history = History(f"valid_{self.watched}", better)
        self.state = TrainingState(
            solver,
            config,
            history,
            train.n_rows,
            epoch=epochs_before,
            last_epoch=epochs_before + config.max_iter,
            fingerprint=cache(partial(train.fingerprint, config.memory_limit)),
        )
        shown = (ProgressBar(),) if config.verbose else ()
        self.callbacks = (DivergenceGuard(), *callbacks, *shown)

    def follow(self, first: SavedRun, best: Model) -> None:
        """Train again on all rows after a run, whose best model stands if this one does not end."""
        self.state.first, self.state.best_model = first, best

    def restore(self, saved: SavedRun, path: PathLike) -> None:
        """Continue where a checkpoint was written."""
        state = self.state
        if saved.n_rows != self.train.n_rows or saved.seed != state.config.random_state:
            raise TrainingError(
                f"The checkpoint {path} belongs to another run: it has {saved.n_rows} training "
                f"rows and seed {saved.seed}, this run {self.train.n_rows} rows and seed "
                f"{state.config.random_state}. Resume with the data and parameters of the run."
            )
        if saved.data != state.fingerprint():
            raise TrainingError(
                f"The checkpoint {path} belongs to another run: its {saved.n_rows} training rows "
                "have other content than those of this run, or other pairs of them are compared. "
                "Resume with the data of the run."
            )
        if (saved.first is None) != (state.first is None):
            raise TrainingError(
                f"The checkpoint {path} belongs to another run: it trains again on all rows after "
                "some were held out, or this run does. Resume with the parameters of the run."
            )
        history = saved.history
        if history.metric != state.history.metric:
            raise TrainingError(
                f"The checkpoint {path} watches {history.metric}, and this run "
                f"{state.history.metric}. Resume with the same validation data and eval_metric."
            )
        with fitting(path):
            state.solver.load_state(saved.solver)
            if self.keep_best and saved.best:
                state.best_model = with_parameters(state.solver.export(), saved.best)
        state.epoch, state.history = saved.epoch, history

    def __call__(self, *, last: bool = False) -> FitResult:
        """Train until the epochs, the time or the patience run out, or until Ctrl-C.

        In the ``last`` run of a solver the model takes over its memory instead of a copy.
        """
        state = self.state
        try:
            for callback in self.callbacks:
                callback.on_train_begin(state)
            state.history.stopped = self._epochs()
        except KeyboardInterrupt:
            state.history.stopped = "interrupted"
        finally:
            for callback in self.callbacks:
                callback.on_train_end(state)
        first, history = state.first, state.history
        if first is not None:
            records = history.epochs
            if not records or records[-1]["epoch"] < state.last_epoch:
                assert state.best_model is not None
                history = replace(first.history, stopped=history.stopped)
                return FitResult(state.best_model, history, refit_cut=True)
            stopped = "interrupted" if history.stopped == "interrupted" else first.history.stopped
            history = replace(first.history, refit=records, stopped=stopped)
        elif state.best_model is not None:
            return FitResult(state.best_model, history)
        # Some solvers can hand over the model in their own memory.
        take_over = last and not state.config.keep_state
        return FitResult(state.solver.finish() if take_over else state.snapshot(), history)

    def _epochs(self) -> str:
        """Run epochs and return why they ended."""
        state, config = self.state, self.state.config
        begin = time.monotonic()
        while True:
            if self._out_of_patience():
                return "early_stopping"
            if state.epoch >= state.last_epoch:
                return "max_iter"
            if config.max_time is not None and time.monotonic() - begin >= config.max_time:
                return "max_time"
            start = time.monotonic()
            state.epoch += 1
            self._train_epoch()
            record = {"epoch": state.epoch, "train_loss": state.loss, **self._evaluate()}
            record["seconds"] = time.monotonic() - start
            if state.history.append(record, config.tol) and self.keep_best:
                state.best_model = None  # its memory is enough for one
                state.best_model = state.snapshot()
            # Every callback is called, even if an earlier one wants to stop.
            wishes = [callback.on_epoch_end(state) for callback in self.callbacks]
            if any(wishes):
                return "callback"

    def _train_epoch(self) -> None:
        """Visit every training row once."""
        state, config = self.state, self.state.config
        state.rows_done = visited = 0
        n_visits = max(1, self.train.n_rows)
        if self.comparisons is not None:
            n_visits = self.comparisons.count(config.pairs_per_row)
        loss_sum = weight_sum = 0.0
        rows_per_call = self.rows_per_call
        if state.solver.needs_all_rows:
            rows_per_call = max(1, self.train.n_rows)
        for order in self._orders():
            for start in range(0, len(order), rows_per_call):
                call = order[start : start + rows_per_call]
                loss, weight = self._learn(call)
                loss_sum += loss
                weight_sum += weight
                visited += len(call)
                state.rows_done = visited * self.train.n_rows // n_visits
                state.loss = loss_sum / weight_sum if weight_sum > 0 else 0.0
                for callback in self.callbacks:
                    callback.on_block(state)
            self.train.release(order.reshape(-1), config.memory_limit)

    def _orders(self) -> Iterator[Int64Array]:
        """Yield what the epoch visits: row numbers, or for ranking comparisons of them."""
        if self.state.solver.needs_all_rows:
            return iter([self.train.order])
        config, epoch = self.state.config, self.state.epoch
        how: dict[str, Any] = {
            "seed": config.random_state,
            "epoch": epoch,
            "shuffle": config.shuffle,
        }
        if self.negatives is not None:
            return self.negatives.blocks(epoch, shuffle=config.shuffle)
        if self.comparisons is None:
            orders = self.train.orders(**how)
            # Longer calls make threads wait for each other less often, where memory allows them.
            return merged(orders, self.rows_per_call) if config.memory_limit is None else orders
        return self.train.comparison_orders(self.comparisons, config.pairs_per_row, **how)

    def _learn(self, call: Int64Array) -> tuple[float, float]:
        """Learn from some rows or comparisons; return the summed loss and weight."""
        solver, rows = self.state.solver, self.train.rows
        if self.negatives is not None:
            assert isinstance(solver, ComparesRows)
            return self.negatives.learn(solver, call, self.n_threads)
        if self.comparisons is not None:
            assert isinstance(solver, ComparesRows)  # no other takes the task
            return solver.train_pairs(as_rows(rows), call, self.n_threads)
        return solver.train(rows, call, self.class_weight, self.n_threads)

    def _evaluate(self) -> dict[str, float]:
        """Return the validation columns of the history."""
        if self.valid is None:
            return {}
        solver, config = self.state.solver, self.state.config
        if self.catalogue is not None:
            measured = self.catalogue.evaluate(solver.export(), self.metrics, config.n_jobs)
            return {f"valid_{name}": value for name, value in measured.items()}
        scores = score_subset(solver, self.valid, config.n_jobs, config.memory_limit)
        if not np.isfinite(scores).all():
            raise diverged("validation", math.nan, self.state.epoch)
        found = evaluate_scores(self.task, scores, self.valid, self.metrics)
        if self.task == "rank" and math.isnan(found["loss"]):
            raise _nothing_to_compare("validation")
        if math.isnan(found[self.watched]) and math.isfinite(found["loss"]):
            raise TrainingError(
                f"The metric {self.watched!r} is not defined on the validation data (do they hold "
                "one class only?). Give other validation data, or another eval_metric."
            )
        return {f"valid_{name}": value for name, value in found.items()}

    def _out_of_patience(self) -> bool:
        best = self.state.history.best_epoch
        if not self.keep_best or best is None:
            return False
        return self.state.epoch - best >= self.state.config.n_iter_no_change


def _comparisons(train: RowSubset) -> GroupComparisons | ChosenComparisons:
    """Return the comparisons of the training rows; there must be some to learn from."""
    found: GroupComparisons | ChosenComparisons
    if train.comparisons is not None:
        found = ChosenComparisons(train.comparisons)
    else:
        found = GroupComparisons(train.target, require_groups(train.group))
    if not found.count(1):
        raise _nothing_to_compare("training")
    return found


def _nothing_to_compare(which: str) -> TrainingError:
    return TrainingError(
        f"Ranking compares rows of a group whose targets differ. No group of the {which} data "
        "holds such rows. Check which columns are the target and the group."
    )


def _metric_names(eval_metric: str | None, task: str) -> tuple[str, list[str]]:
    """Return the watched metric and all metrics to compute, the watched one first."""
    watched = WATCHED_METRIC[task] if eval_metric is None else get_metric(eval_metric).name
    return watched, list(dict.fromkeys([watched, *default_metrics(task)]))


def _rows_per_call(model: Model, rows: Rows | RelatedRows) -> int:
    """Return how many rows the kernel may visit before Python gets its turn.

    It follows from the data and the model alone, so the loss is summed in the same groups each
    time.
    """
    shape = model.factors_shape(model.config, 1, model.n_fields, model.n_outputs)
    per_feature = 1 + (0 if shape is None else math.prod(shape))
    per_row = 1 + rows.nnz / max(1, rows.n_rows) * per_feature
    return max(1, int(_PARAMETERS_PER_CALL / per_row))
