"""Saving and loading models. The format is specified in :mod:`fieldfare.persist.format`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare import _container as container
from fieldfare._arguments import checked
from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ModelFileError
from fieldfare.kinds.models import PARAMETERS
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.persist.format import (
    MODEL_KEY,
    SCHEMA_PREFIX,
    STATE_PREFIX,
    check_checksum,
    check_finite,
    check_parameters,
    make_header,
    n_fields_of,
    parse_header,
    read_classes,
    read_config,
    read_progress,
    read_provenance,
    read_scaling,
    read_trained_by,
    read_units,
)

if TYPE_CHECKING:
    from fieldfare.schema.schema import Schema


@checked
def save_model(model: Model | FittedEstimator, path: PathLike) -> None:
    """Save a model as one file, atomically.

    Parameters
    ----------
    model : Model or fitted estimator
        Model with finite parameters.
    path : path
        File to write or replace, by convention ending in ``.ff``.

    Raises
    ------
    ModelFileError
        If a parameter is not finite, or the provenance holds what JSON cannot express.
    OSError
        If the file cannot be written; an older file at ``path`` is then still whole.
    """
    model = model_of(model, "save_model")
    arrays: dict[str, AnyArray] = dict(model.arrays())
    if model.scaling is not None:
        arrays |= model.scaling.grown(model.n_features).arrays()
    if model.progress is not None:
        state = model.progress.state
        arrays |= {STATE_PREFIX + name: np.asarray(array) for name, array in state.items()}
    schema: JSON | None = None
    if model.schema is not None:
        schema, extra = model.schema.to_json()
        arrays |= {SCHEMA_PREFIX + name: array for name, array in extra.items()}
    try:
        header = make_header(model, schema)
        # What would not load again is refused now, while the model still exists.
        _read(container.parse_object(header, "model header"), arrays)
        _check_schema(model.schema, model.config, arrays)
        check_finite(arrays)
        container.write(path, MODEL_KEY, header, arrays)
    except ModelFileError as error:
        raise ModelFileError(f"Cannot save {os.fspath(path)}: {error.args[0]}") from error


@checked
def load_model(path: PathLike, *, verify: bool = True) -> Model:
    """Load a model into memory: it does not depend on the file any more.

    Parameters
    ----------
    path : path
        A file that :func:`save_model` wrote.
    verify : bool
        Whether to compare the checksum of what was read, and to look for parameters that are not
        finite: leave it out for trusted files only.

    Returns
    -------
    Model
        With read-only parameters. No code from the file is executed.

    Raises
    ------
    ModelFileError
        If the file cannot be read, is damaged, not a model, or of another format.
    """
    try:
        metadata, arrays = container.read(path)
        header = parse_header(metadata)
        if verify:
            check_checksum(metadata[MODEL_KEY], metadata, arrays)
        return _build(header, arrays, verify)
    except ModelFileError as error:
        raise ModelFileError(f"Cannot load {os.fspath(path)}: {error.args[0]}") from error


def _read(header: JSON, arrays: dict[str, AnyArray]) -> dict[str, Any]:
    """Return what a header says of a model but its Schema, checked against the parameters."""
    config = read_config(header)
    check_parameters(config, arrays)
    return {
        "config": config,
        "classes": read_classes(header, config, len(arrays["bias"])),
        "units": read_units(header),
        "scaling": read_scaling(config, arrays),
        "trained_by": read_trained_by(header),
        "progress": read_progress(header, arrays),
        "provenance": read_provenance(header),
    }


def _build(header: JSON, arrays: dict[str, AnyArray], verify: bool) -> Model:
    found = _read(header, arrays)
    config: ModelConfig = found["config"]
    if verify:
        check_finite(arrays)
    parameters: dict[str, Any] = {name: arrays.get(name) for name in PARAMETERS}
    schema = read_schema(header, config, arrays)
    return MODEL_CLASSES[config.model](**found, **parameters, schema=schema)


def read_schema(header: JSON, config: ModelConfig, arrays: dict[str, AnyArray]) -> Schema | None:
    """Return the Schema in a header and its arrays, checked against the parameters."""
    prefix = SCHEMA_PREFIX
    parts = {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    if header.get("schema") is None:
        if parts:
            raise ModelFileError("There are arrays of a schema, but no schema.")
        return None
    from fieldfare.schema.schema import Schema

    # A header with a valid checksum may still hold anything at all, and nothing in it is worth
    # more to the caller than the fact that the schema is unusable.
    try:
        schema = Schema.from_json(header["schema"], parts)
        _check_schema(schema, config, arrays)
    except ModelFileError:
        raise
    except Exception as error:
        raise ModelFileError(f"The schema cannot be read: {error!r:.200}.") from error
    return schema


def _check_schema(schema: Schema | None, config: ModelConfig, arrays: dict[str, AnyArray]) -> None:
    if schema is None:
        return
    n_features, n_fields = schema.n_features, schema.n_fields
    if n_features != len(arrays["linear"]):
        raise ModelFileError(
            f"The schema has {n_features} features, the parameters {len(arrays['linear'])}."
        )
    if config.kind.uses_fields:
        own_fields = n_fields_of(config, arrays)
        if n_fields != own_fields:
            raise ModelFileError(f"The schema has {n_fields} fields, the parameters {own_fields}.")
