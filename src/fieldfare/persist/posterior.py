"""Saving and loading the samples of a Bayesian model.

Specification of format 3
=========================

A posterior file (also ``.ff``) is the container of the model file (:mod:`fieldfare.persist.format`,
points 1 to 3) with ``"fieldfare.posterior"`` in place of ``"fieldfare"``. Its header is:

================  ==========================================================================
``format``        3
``library``       version of fieldfare that wrote the file
``config``        every field of :class:`fieldfare.config.ModelConfig`
``task``          "regression", "binary" (probit) or "ordinal" (ordered probit)
``classes``       labels of the classes in the order of their numbers, or null
``schema``        JSON part of the Schema, or null
``trained_by``    the settings of the sampling, as in the model file, or null
``provenance``    how the samples were made (seed, data, sweeps), for people to read: no
                  result depends on it
================  ==========================================================================

Arrays, with n features, S samples, k factors and C classes (0 for regression):

===================  ===================  =====================================================
``bias``             F32 (S,)             always
``linear``           F32 (n, S)           always; zeros when there is no linear part
``factors``          F32 (n, S, k)        unless the model is linear; of hofm those of order 2
                                          first, then of order 3, and so on
``noise_precision``  F64 (S,)             always; ones for classes
``cutpoints``        F64 (S, C - 1)       for classes; ascending
``schema.*``         any                  array part of the Schema
===================  ===================  =====================================================

All of them are finite. The prediction is the average over the samples of the score, or of the
probability that the score plus a standard normal number lies between the cutpoints of the class.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from fieldfare import _container as container
from fieldfare._arguments import checked
from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare._version import __version__
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.kinds.solvers import GIBBS
from fieldfare.models.posterior import About, Posterior
from fieldfare.persist.file import read_schema
from fieldfare.persist.format import (
    POSTERIOR_KEY,
    SCHEMA_PREFIX,
    check_checksum,
    check_finite,
    check_format,
    dump,
    read_config,
    read_provenance,
    read_trained_by,
)

FORMAT = 3


@checked
def save_posterior(posterior: Posterior, path: PathLike) -> None:
    """Save a posterior as one file, atomically.

    Parameters
    ----------
    posterior : Posterior
        With finite samples: the ``posterior`` that `fieldfare.sample` returns, or a fitted
        Bayesian estimator.
    path : path
        File to write or replace, by convention ending in ``.ff``.

    Raises
    ------
    ConfigError
        If it is no posterior.
    ModelFileError
        If a number is not finite, or the provenance holds what JSON cannot express.
    OSError
        If the file cannot be written; an older file at ``path`` is then still whole.
    """
    posterior = getattr(posterior, "posterior_", posterior)
    if not isinstance(posterior, Posterior):
        raise ConfigError(
            "save_posterior needs a Posterior or a fitted Bayesian estimator. Got "
            f"{type(posterior).__name__}. For a model, use save_model."
        )
    arrays = posterior.arrays()
    if posterior.task == "regression":
        del arrays["cutpoints"]
    schema: JSON | None = None
    if posterior.schema is not None:
        schema, extra = posterior.schema.to_json()
        arrays |= {SCHEMA_PREFIX + name: array for name, array in extra.items()}
    header = {
        "format": FORMAT,
        "library": __version__,
        "config": asdict(posterior.config),
        "task": posterior.task,
        "classes": posterior.classes,
        "schema": schema,
        "trained_by": None if posterior.trained_by is None else posterior.trained_by.to_json(),
        "provenance": posterior.provenance,
    }
    try:
        text = dump(header)
        # What would not load again is refused now, while the samples still exist.
        _build(container.parse_object(text, "header"), arrays, verify=True)
        container.write(path, POSTERIOR_KEY, text, arrays)
    except ModelFileError as error:
        raise ModelFileError(f"Cannot save {os.fspath(path)}: {error.args[0]}") from error


@checked
def load_posterior(path: PathLike, *, verify: bool = True) -> Posterior:
    """Load a posterior into memory: it does not depend on the file any more.

    Parameters
    ----------
    path : path
        A file that `save_posterior`, a Bayesian estimator or ``fieldfare sample`` wrote.
    verify : bool
        Whether to compare the checksum of what was read, and to look for numbers that are not
        finite: leave it out for trusted files only.

    Returns
    -------
    Posterior
        With read-only arrays. No code from the file is executed.

    Raises
    ------
    ModelFileError
        If the file cannot be read, is damaged, not a posterior, or of another format.
    """
    try:
        metadata, arrays = container.read(path)
        if POSTERIOR_KEY not in metadata:
            raise ModelFileError(
                "The file holds no samples of a Bayesian model. Load a model with load_model."
            )
        text = metadata[POSTERIOR_KEY]
        header = container.parse_object(text, "posterior header")
        check_format(header, FORMAT)
        if verify:
            check_checksum(text, metadata, arrays)
        return _build(header, arrays, verify)
    except ModelFileError as error:
        raise ModelFileError(f"Cannot load {os.fspath(path)}: {error.args[0]}") from error


def holds_posterior(path: PathLike) -> bool:
    """Whether a file holds a posterior rather than a model; only its header is read.

    Raises
    ------
    ModelFileError
        If it is not a container at all, or cannot be read.
    """
    try:
        return POSTERIOR_KEY in container.read_metadata(path)
    except ModelFileError as error:
        raise ModelFileError(f"Cannot load {os.fspath(path)}: {error.args[0]}") from error


def _build(header: JSON, arrays: dict[str, AnyArray], verify: bool) -> Posterior:
    config = read_config(header)
    if not GIBBS.takes(config.kind):
        raise ModelFileError(
            f"A posterior is of a model of the kinds {', '.join(GIBBS.model_kinds)}. Got "
            f"{config.model!r}."
        )
    task = header.get("task")
    classes = _classes(header, task)
    trained_by, provenance = read_trained_by(header), read_provenance(header)
    own = {name: a for name, a in arrays.items() if not name.startswith(SCHEMA_PREFIX)}
    names = {*config.kind.parameters, "noise_precision"}
    names |= set() if classes is None else {"cutpoints"}
    if set(own) != names:
        raise ModelFileError(f"This posterior has the arrays {sorted(names)}. Got {sorted(own)}.")
    if own["linear"].ndim != 2 or own["bias"].ndim != 1:
        raise ModelFileError("The samples do not have the shapes of a posterior.")
    if verify:
        _check_numbers(own)
    schema = read_schema(header, config, arrays)
    own.setdefault("cutpoints", np.zeros((len(own["bias"]), 0)))
    try:
        return Posterior(
            config,
            own["bias"],
            own["linear"],
            own.get("factors"),
            own["noise_precision"],
            own["cutpoints"],
            about=About(str(task), schema, classes, trained_by, provenance),
        )
    except DataError as error:
        raise ModelFileError(str(error.args[0])) from error


def _classes(header: JSON, task: Any) -> list[Any] | None:
    classes = header.get("classes")
    if task == "regression":
        if classes is not None:
            raise ModelFileError("A regression has no classes.")
        return None
    number = (int, float)
    kinds = number if task == "ordinal" else (str, *number)
    if (
        not isinstance(classes, list)
        or not all(isinstance(label, kinds) for label in classes)
        or len(set(classes)) != len(classes)
        or (len(classes) != 2 if task == "binary" else len(classes) < 2)
        or (task == "ordinal" and sorted(classes) != classes)
    ):
        raise ModelFileError(f"A {task!r} posterior cannot have these classes: {classes!r:.200}.")
    return classes


def _check_numbers(arrays: dict[str, AnyArray]) -> None:
    check_finite(arrays, arrays)
    if not (arrays["noise_precision"] > 0).all():
        raise ModelFileError("The precisions of the noise must be positive.")
    cutpoints = arrays.get("cutpoints")
    if cutpoints is not None and cutpoints.ndim == 2 and not (np.diff(cutpoints) > 0).all():
        raise ModelFileError("The cutpoints must ascend.")
