"""The handles of xLearn."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare import Dataset, Model, Rows, export
from fieldfare._files import atomic_write, check_outputs
from fieldfare._typing import Float32Array
from fieldfare.compat.xlearn import _files, _reading, _training
from fieldfare.compat.xlearn._console import Console, Silent
from fieldfare.compat.xlearn._params import KINDS, Job
from fieldfare.compat.xlearn.data import DMatrix
from fieldfare.exceptions import ConfigError, DataTypeError
from fieldfare.kinds.models import FFM, FM, LINEAR

__all__ = ["XLearn", "create_ffm", "create_fm", "create_linear", "hello"]


_LOSSES = {"binary": "cross-entropy", "regression": "squared", "reg": "squared"}


def hello() -> None:
    """Print the name and the version."""
    Console().logo()


def create_linear() -> XLearn:
    """Return a handle of a linear model."""
    return XLearn(LINEAR.name)


def create_fm() -> XLearn:
    """Return a handle of a factorization machine."""
    return XLearn(FM.name)


def create_ffm() -> XLearn:
    """Return a handle of a field-aware factorization machine."""
    return XLearn(FFM.name)


class XLearn:
    """One model, its data, and how it is trained; see xLearn's documentation.

    Parameters
    ----------
    model_type : {"linear", "fm", "ffm"}
    """

    def __init__(self, model_type: str) -> None:
        if model_type not in KINDS:
            raise ConfigError(f"model_type must be one of {', '.join(KINDS)}. Got {model_type!r}.")
        self._job = Job(kind=model_type)
        self._train: str | DMatrix | None = None
        self._valid: str | DMatrix | None = None
        self._test: str | DMatrix | None = None
        self._previous: str | None = None
        self._text: str | None = None
        self._output = "raw"

    def show(self) -> None:
        """Print the kind of model and its loss."""
        console = Console()
        console.info(f"Model: {self._job.kind}")
        console.info(f"Loss: {_LOSSES[self._job.task]}")

    def setTrain(self, train_path: Any) -> None:  # noqa: N802
        """Set the training data: a path or a DMatrix."""
        self._train = _source("train", train_path)

    def setValidate(self, val_path: Any) -> None:  # noqa: N802
        """Set the validation data: a path or a DMatrix."""
        self._valid = _source("validation", val_path)

    def setTest(self, test_path: Any) -> None:  # noqa: N802
        """Set the data to predict: a path or a DMatrix."""
        self._test = _source("test", test_path)

    def setPreModel(self, pre_model_path: Any) -> None:  # noqa: N802
        """Set the model file from which to continue."""
        self._previous = _files.path_of("pre_model_path", pre_model_path)

    def setTXTModel(self, model_path: Any) -> None:  # noqa: N802
        """Set the file to which `fit` also writes the model as text."""
        self._text = _files.path_of("model_path", model_path)

    def setQuiet(self) -> None:  # noqa: N802
        """Print nothing while training."""
        self._job = replace(self._job, quiet=True)

    def setOnDisk(self) -> None:  # noqa: N802
        """Visit the rows in the order of the file."""
        self._job = replace(self._job, on_disk=True)

    def setNoBin(self) -> None:  # noqa: N802
        """Accepted without effect: no binary files are written beside the data anyway."""

    def disableNorm(self) -> None:  # noqa: N802
        """Do not scale rows to unit length."""
        self._job = replace(self._job, norm=False)

    def disableLockFree(self) -> None:  # noqa: N802
        """Take the steps in the order of one thread: the seed then fixes the result."""
        self._job = replace(self._job, lock_free=False)

    def disableEarlyStop(self) -> None:  # noqa: N802
        """Train for all epochs."""
        self._job = replace(self._job, early_stop=False)

    def setSign(self) -> None:  # noqa: N802
        """Predict 1 where the score is positive, and 0 elsewhere."""
        self._output = "sign"

    def setSigmoid(self) -> None:  # noqa: N802
        """Predict probabilities."""
        self._output = "sigmoid"

    def fit(self, param: Mapping[str, Any], model_path: Any) -> None:
        """Train a model and save it.

        Parameters
        ----------
        param : mapping
            Parameters by their names in xLearn.
        model_path : path
            File to write; "none" saves nothing.

        Raises
        ------
        XLearnError
            If a parameter, a file or the data are at fault.
        """
        self.train(param, _files.path_of("model_path", model_path))

    def train(
        self, param: Mapping[str, Any], model_path: str | None, console: Console | None = None
    ) -> Model:
        """Train a model, save it if there is a path, and return it."""
        job = self._job.with_keys(param)
        if self._train is None:
            raise ConfigError("There are no training data. Call setTrain first.")
        path = None if model_path in (None, "none") else model_path
        self._check_outputs(path, job.log)
        if path is not None:
            _files.check_form(job.kind, norm=job.norm)
        job, told = job.settled(validated=self._valid is not None)
        console = console or Console(job.log)
        console.logo()
        for text in told:
            console.warning(text)
        data, valid = self._read(job, console)
        start = self._read_previous(job, data.rows, console)
        console.action("Start to train ...")
        model, watcher = _training.fit(job, data, valid, console, start)
        if watcher.best_epoch and watcher.best_epoch != job.epoch:
            best = f"{watcher.decider}: {watcher.best_value:.6f}"
            console.action(f"Early-stopping at epoch {watcher.best_epoch}, best {best}")
        self._save(model, path, console)
        console.action("Finish training")
        console.total()
        return model

    def cv(self, param: Mapping[str, Any]) -> dict[str, float]:
        """Cross-validate on consecutive parts of the training data.

        Returns
        -------
        dict
            The averages that are printed, by their names on the console.
        """
        job = self._job.with_keys(param)
        if self._train is None:
            raise ConfigError("There are no training data. Call setTrain first.")
        job, told = job.settled(validated=True, cv=True)
        console = Console(job.log)
        console.logo()
        for text in told:
            console.warning(text)
        data, _ = self._read(job, console, validated=False)
        averages = _training.cross_validate(job, data, console)
        console.total()
        return averages

    def predict(self, model_path: Any, out_path: Any = None) -> Float32Array | None:
        """Predict the test data with a saved model.

        Parameters
        ----------
        model_path : path
        out_path : path, optional
            File to write, one number per line.

        Returns
        -------
        float32 array of shape (n_rows,), or None if it was written to a file
        """
        if self._test is None:
            raise ConfigError("There are no test data. Call setTest first.")
        path, log = _files.path_of("model_path", model_path), self._job.log
        written = {} if log is None else {"the log": log}
        if out_path is not None:
            written["the predictions"] = _files.path_of("out_path", out_path)
        check_outputs(written, {"the model": path, "the test data": self._test})
        console = Silent() if self._job.quiet else Console(log)
        console.logo()
        console.action("Load model ...")
        begin = time.perf_counter()
        scorer = _files.read(path, norm=self._job.norm)
        model = scorer.model
        console.info(f"Load model from {path}")
        console.info(f"Loss function: {_LOSSES[model.task]}")
        console.info(f"Score function: {model.config.model}")
        console.info(f"Number of Feature: {model.n_features}")
        if model.has_factors:
            console.info(f"Number of K: {model.config.n_factors}")
        if model.uses_fields:
            console.info(f"Number of field: {model.n_fields}")
        console.cost("loading model", begin)
        console.action("Read Problem ...")
        begin = time.perf_counter()
        rows = _read_one(self._test, console).rows
        console.cost("reading problem", begin)
        console.action("Start to predict ...")
        score = scorer.score(rows, self._job.n_jobs)
        if rows.target is not None and len(rows):
            loss = _training.loss(model.task, score, rows.target)
            console.info(f"The test loss is: {loss:.6f}")
        found = converted(score, self._output)
        if out_path is not None:
            with atomic_write(os.fspath(out_path)) as file:
                np.savetxt(file, found, "%g")
        console.total()
        return found if out_path is None else None

    def configure(self, **changes: Any) -> None:
        """Set parameters by keys of xLearn, once for all calls."""
        self._job = self._job.with_keys(changes)

    def _check_outputs(self, path: str | None, log: str | None) -> None:
        """Refuse to write where nothing can be written, or over what is read.

        The model may replace the one from which training continues.
        """
        named = {"the model": path, "the text model": self._text, "the log": log}
        written = {name: target for name, target in named.items() if target is not None}
        for target in written.values():
            _files.check_folder(target)
        before = "the model to continue from"
        read = {
            "training data": self._train,
            "validation data": self._valid,
            before: self._previous,
        }
        check_outputs(written, read, {"the model": before})

    def _read_previous(self, job: Job, rows: Rows, console: Console) -> Model | None:
        if self._previous is None:
            return None
        length = _training.row_length(rows)
        model = _files.read_previous(self._previous, norm=job.norm, row_length=length)
        kind, own = model.config.model, model.config.n_factors
        task = "reg" if model.task == "regression" else model.task
        if (kind, task) != (job.kind, job.task):
            raise ConfigError(
                f"The model to continue from, {self._previous}, is a {kind} model of the task "
                f"{task!r}, and a {job.kind} model of the task {job.task!r} is to be trained."
            )
        if model.has_factors and model.config.instance_norm is not job.norm:
            raise ConfigError(
                f"The model to continue from, {self._previous}, "
                + (
                    "takes rows as they are: call disableNorm(), or give --no-norm."
                    if job.norm
                    else "normalises rows: leave out disableNorm() or --no-norm."
                )
            )
        if model.has_factors and job.k not in (own, Job.k):
            console.warning(
                f"The model to continue from has {own} factors: -k {job.k} has no effect."
            )
        return model

    def _read(
        self, job: Job, console: Console, *, validated: bool = True
    ) -> tuple[Dataset, Dataset | None]:
        console.info(f"xLearn uses {job.nthread or os.cpu_count()} threads for training task.")
        console.action("Read Problem ...")
        begin = time.perf_counter()
        assert self._train is not None
        data = _read_one(self._train, console)
        valid = None if self._valid is None or not validated else _read_one(self._valid, console)
        parts = [data.rows] if valid is None else [data.rows, valid.rows]
        n_features, n_fields = _training.sized(parts)
        console.info(f"Number of Feature: {n_features}")
        if job.model.uses_fields:
            console.info(f"Number of Field: {max(1, n_fields)}")
        console.cost("reading problem", begin)
        return data, valid

    def _save(self, model: Model, path: str | None, console: Console) -> None:
        if path is not None:
            begin = time.perf_counter()
            console.action("Start to save model ...")
            _files.write(model, path)
            console.info(f"Model file: {path}")
            console.cost("saving model", begin)
        if self._text is not None:
            begin = time.perf_counter()
            console.action("Start to save txt model ...")
            export(model, self._text, to="xlearn-text")
            console.info(f"TXT Model file: {self._text}")
            console.cost("saving txt model", begin)


def converted(score: Float32Array, output: str) -> Float32Array:
    """Return scores as they are ("raw"), as probabilities ("sigmoid") or as classes ("sign")."""
    if output == "sign":
        return (score > 0).astype(np.float32)
    if output == "sigmoid":
        return (1 / (1 + np.exp(-score.astype(np.float64)))).astype(np.float32)
    return score


def _source(name: str, given: Any) -> str | DMatrix:
    if isinstance(given, DMatrix):
        return given
    if isinstance(given, (str, os.PathLike)):
        path = _files.path_of(name, given)
        _reading.form_of(path)
        return path
    raise DataTypeError(
        f"Invalid {name}. Can be a path or a DMatrix. Got {type(given).__name__}: wrap arrays in "
        "DMatrix."
    )


def _read_one(source: str | DMatrix, console: Console) -> Dataset:
    if isinstance(source, DMatrix):
        return _reading.dataset(source.rows)
    data, form = _reading.read(source)
    if form.header:
        console.warning(f"The first line of {source} is a header, and is left out.")
    return data
