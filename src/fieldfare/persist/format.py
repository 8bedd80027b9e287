"""The model file: its specification, and the checks of its header.

Specification of format 5
=========================

A model file (``.ff``) is a `safetensors <https://github.com/huggingface/safetensors>`_ container:

1. 8 bytes: the length N of the outer header, an unsigned little-endian integer, at most 10**8.
2. N bytes: the outer header, a JSON object in UTF-8, padded with spaces so that the data start at a
   multiple of 64 bytes. It maps the name of each array to ``{"dtype", "shape", "data_offsets"}``
   (offsets count from the end of the outer header), and ``"__metadata__"`` to an object of strings.
3. The arrays, little-endian, in C order, without gaps. Those whose length in bytes is divisible by
   64 come first, then by 32, 16 and so on, and equals by name: every array is then aligned.

The metadata hold two strings. ``"checksum"`` is what :func:`fieldfare._container.checksum`
describes. ``"fieldfare"`` is the header, JSON in ASCII:

================  ==========================================================================
``format``        5
``library``       version of fieldfare that wrote the file
``config``        every field of :class:`fieldfare.config.ModelConfig`, which includes the kind
                  of model; ``norm_unknown`` may be left out, and is then false
``classes``       labels of the classes in the order of their numbers, or null
``schema``        JSON part of the Schema, or null
``units``         ``{"target": s, "row": r, "factors": f}``: spread of the targets and length of
                  the rows that steps and penalties are measured in, and what factors are divided
                  by besides (1 if left out); positive numbers, 1 where there is none
``trained_by``    the settings of the last training, or null: an object of the groups ``training``
                  (:class:`fieldfare.config.TrainingConfig`), ``solver``, ``gibbs`` and ``keras``,
                  the last three null where they were not used. A ``class_weight`` by class is a
                  list of pairs of class and weight. A field that is left out has its default.
``progress``      ``{"solver": s, "epoch": e, "weight_unit": w}`` of the solver's state, null or
                  left out if the file has none
``provenance``    how the model came about (seed, data, metrics, history), for people to read:
                  no result depends on it. Numbers that are not finite are written as null.
================  ==========================================================================

Arrays, with n features, C outputs (1, or the number of classes), k factors and F fields:

================  ==================  =========================================================
``bias``          F32 (C,)            always
``linear``        F32 (n, C)          always; zeros when there is no linear part
``factors``       F32 (n, C, k)       FM, FwFM
``factors``       F32 (n, C, F, k)    FFM
``factors``       F32 (n, C, K)       HOFM: factors of order 2, then of order 3, ...; K in all
``pair_weights``  F32 (C, F, F)       FwFM; symmetric
``feature_scale`` F32 (n,)            where numbers were scaled in training, and only with the next:
                                      what a feature was divided by, powers of two; 0: unknown
``feature_shift`` F32 (n,)            what was then subtracted; only further training needs both
``schema.*``      any                 array part of the Schema
``state.*``       any                 state of the solver, if ``progress`` is there; readable by the
                                      version that wrote it
================  ==================  =========================================================

All parameters are finite. A reader refuses a file that breaks any rule above, a checksum that does
not match, and any other format number. A change to this page raises the number, unless files of the
old form keep their meaning, as they do when a group of settings gains a field.

A checkpoint is the same container with ``"fieldfare.checkpoint"`` in place of ``"fieldfare"``; its
arrays and header belong to the training loop, and it is only promised to be readable by the version
that wrote it. The samples of a Bayesian model are in a container of their own kind too, see
:mod:`fieldfare.persist.posterior`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from fieldfare import _container as container
from fieldfare._typing import JSON, AnyArray
from fieldfare._version import __version__
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.kernels.table import Units
from fieldfare.kinds.models import PARAMETERS
from fieldfare.models.base import Model
from fieldfare.models.progress import Progress
from fieldfare.models.scaling import CENTRABLE, Scaling
from fieldfare.settings import Settings

FORMAT = 5
MODEL_KEY = "fieldfare"
CHECKPOINT_KEY = "fieldfare.checkpoint"
POSTERIOR_KEY = "fieldfare.posterior"
SCHEMA_PREFIX = "schema."
STATE_PREFIX = "state."
_SCALING = ("feature_scale", "feature_shift")
_CHUNK = 1 << 20
# Fields of the configuration that the first files of this format lack, and whose default changes
# nothing.
_LATER = {"norm_unknown"}
# Units are kept in float32.
_LARGEST_UNIT = 1e39


def make_header(model: Model, schema: JSON | None) -> str:
    """Return the text of a model header.

    Raises
    ------
    ModelFileError
        If a part holds objects that JSON cannot express.
    """
    return dump(
        {
            "format": FORMAT,
            "library": __version__,
            "config": asdict(model.config),
            "classes": None if model.classes is None else list(model.classes),
            "schema": schema,
            "units": model.units._asdict(),
            "trained_by": None if model.trained_by is None else model.trained_by.to_json(),
            "progress": None if model.progress is None else model.progress.to_json(),
            "provenance": dict(model.provenance),
        }
    )


def dump(header: JSON) -> str:
    """Return a header as JSON in ASCII, so that any text survives (also lone surrogates)."""
    return json.dumps(_plain(header, "header"), separators=(",", ":"), allow_nan=False)


def _plain(value: Any, where: str) -> Any:
    """Reduce to what JSON knows: NumPy scalars and arrays unwrapped, NaN and infinity to None."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{place}]") for place, item in enumerate(value)]
    raise ModelFileError(
        f"A model file holds numbers, text, lists and mappings only. "
        f"Got {type(value).__name__} at {where}; convert it first."
    )


def parse_header(metadata: Mapping[str, str]) -> JSON:
    """Return the header of a model file, of a format number that this version can read."""
    if MODEL_KEY not in metadata:
        if CHECKPOINT_KEY in metadata:
            raise ModelFileError(
                "This is a training checkpoint, not a model. Resume training with it, or load the "
                "model that the training saved."
            )
        if POSTERIOR_KEY in metadata:
            raise ModelFileError(
                "This file holds the samples of a Bayesian model. Load it with load_posterior, or "
                "with the load of the estimator that wrote it."
            )
        raise ModelFileError(
            "This is a safetensors file, but not a fieldfare model: it has no fieldfare header."
        )
    header = container.parse_object(metadata[MODEL_KEY], "model header")
    check_format(header, FORMAT)
    return header


def check_format(header: JSON, own: int) -> None:
    """Refuse a header of another format number than a reader's own."""
    number = header.get("format")
    if type(number) is not int or number < 1:
        raise ModelFileError(f"The format number must be a positive integer. Found {number!r}.")
    if number == own:
        return
    advice = (
        "Upgrade with: pip install --upgrade fieldfare"
        if number > own
        else "Train and save it again."
    )
    raise ModelFileError(
        f"The file has format {number}, written by fieldfare {header.get('library')!r}; this "
        f"version ({__version__}) reads format {own}. {advice}"
    )


def check_checksum(
    header: str, metadata: Mapping[str, str], arrays: Mapping[str, AnyArray]
) -> None:
    """Compare the stored checksum with that of the contents."""
    container.verify(metadata.get(container.CHECKSUM), header, arrays)


def read_config(header: JSON) -> ModelConfig:
    """Return the configuration in a header, validated."""
    values, names = header.get("config"), {item.name for item in fields(ModelConfig)}
    if not isinstance(values, dict) or not names - _LATER <= set(values) <= names:
        got = sorted(values) if isinstance(values, dict) else values
        raise ModelFileError(f"The configuration must have the fields {sorted(names)}. Got {got}.")
    try:
        return ModelConfig(**values)
    except ConfigError as error:
        raise ModelFileError(f"The configuration is not valid: {error.args[0]}") from error


def read_units(header: JSON) -> Units:
    """Return the units in a header, validated."""
    units = header.get("units")
    if not isinstance(units, dict) or not {"target", "row"} <= set(units) <= set(Units._fields):
        raise ModelFileError(
            f"The units must be an object of {' and '.join(Units._fields)}. Got {units!r:.200}."
        )
    for name, unit in units.items():
        if type(unit) not in (int, float) or not 0 < unit < _LARGEST_UNIT:
            raise ModelFileError(f"The unit {name!r} must be a positive number. Got {unit!r:.200}.")
    return Units(**{name: float(unit) for name, unit in units.items()})


def read_trained_by(header: JSON) -> Settings | None:
    """Return the settings of the training in a header, validated."""
    saved = header.get("trained_by")
    if saved is None:
        return None
    try:
        return Settings.from_json(saved)
    except ConfigError as error:
        raise ModelFileError(f"The trained_by settings are not valid: {error.args[0]}") from error


def read_progress(header: JSON, arrays: Mapping[str, AnyArray]) -> Progress | None:
    """Return how far the solver had come, with its state, validated but for the arrays."""
    prefix = STATE_PREFIX
    state = {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    found = header.get("progress")
    if found is None and not state:
        return None
    try:
        return Progress.from_json(found, state)
    except DataError as error:
        raise ModelFileError(error.args[0]) from error


def read_provenance(header: JSON) -> JSON:
    """Return the provenance in a header, which must be an object."""
    provenance = header.get("provenance")
    if not isinstance(provenance, dict):
        raise ModelFileError(f"The provenance must be an object. Got {provenance!r:.200}.")
    return provenance


def read_classes(header: JSON, config: ModelConfig, n_outputs: int) -> list[Any] | None:
    """Return the class labels in a header, validated."""
    classes = header.get("classes")
    if classes is None:
        return None
    if not isinstance(classes, list) or not all(
        isinstance(label, (str, int, float)) for label in classes
    ):
        raise ModelFileError(
            f"The classes must be a list of numbers or texts. Got {classes!r:.200}."
        )
    expected = {"binary": 2, "multiclass": n_outputs}.get(config.task, 0)
    if len(classes) != expected:
        raise ModelFileError(
            f"This {config.task} model must have {expected} class labels. Got {len(classes)}."
        )
    if len(set(classes)) != len(classes):
        raise ModelFileError("A class is listed twice.")
    return classes


def read_scaling(config: ModelConfig, arrays: Mapping[str, AnyArray]) -> Scaling | None:
    """Return what features were measured in while they were learned from, validated."""
    given = [arrays[name] for name in _SCALING if name in arrays]
    if not given:
        return None
    shape = arrays["linear"].shape[:1]
    if len(given) < 2 or any(a.dtype != np.float32 or a.shape != shape for a in given):
        raise ModelFileError(
            f"The arrays {' and '.join(_SCALING)} must both be float32 of shape {shape}. Got "
            f"{', '.join(f'{a.dtype} of shape {a.shape}' for a in given)}."
        )
    scale, shift = given
    powers = np.isfinite(scale) & (np.frexp(np.where(scale == 0, 1, scale))[0] == 0.5)
    centred = np.isfinite(shift) & ((shift == 0) | (config.kind.interactions in CENTRABLE))
    if not (powers & centred).all():
        raise ModelFileError(
            "Features are scaled by powers of two, and shifted by finite numbers in models of "
            "pairs. Got others."
        )
    return Scaling.from_arrays(arrays)


def check_parameters(config: ModelConfig, arrays: Mapping[str, AnyArray]) -> None:
    """Check presence, dtype and shape of the parameter arrays against the configuration."""
    declared = config.kind.parameters
    others = (SCHEMA_PREFIX, STATE_PREFIX)
    present = {name for name in arrays if not name.startswith(others)} - set(_SCALING)
    if present != set(declared):
        raise ModelFileError(
            f"A model of kind {config.model!r} has the arrays {sorted(declared)}. "
            f"Got {sorted(present)[:5]}."
        )
    for name, sizes in declared.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.ndim != len(sizes):
            raise ModelFileError(
                f"The array {name!r} must be float32 with {len(sizes)} dimension(s). "
                f"Got {array.dtype} of shape {array.shape}."
            )
    n_features, n_outputs = arrays["linear"].shape
    if (n_outputs < 2) if config.task == "multiclass" else (n_outputs != 1):
        raise ModelFileError(f"A {config.task} model cannot have {n_outputs} output(s).")
    n_fields = n_fields_of(config, arrays)
    expected = config.shapes(n_features=n_features, n_fields=n_fields, n_outputs=n_outputs)
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ModelFileError(
                f"The array {name!r} of {n_features} features, {n_outputs} output(s), {n_fields} "
                f"fields and {config.total_factors} factors must have shape {shape}. Got "
                f"{arrays[name].shape}."
            )
    weights = arrays.get("pair_weights")
    if weights is not None and not np.array_equal(weights, weights.swapaxes(1, 2), equal_nan=True):
        raise ModelFileError("The weights of pairs of fields must be symmetric.")


def n_fields_of(config: ModelConfig, arrays: Mapping[str, AnyArray]) -> int:
    """Return how many fields the parameters distinguish; 0 for kinds without fields."""
    return config.kind.n_fields({name: array.shape for name, array in arrays.items()})


def check_finite(arrays: Mapping[str, AnyArray], names: Iterable[str] = PARAMETERS) -> None:
    """Refuse arrays that hold NaN or infinity, in pieces so that memory stays flat."""
    for name in names:
        if name in arrays:
            flat = arrays[name].reshape(-1)
            for start in range(0, len(flat), _CHUNK):
                if not np.isfinite(flat[start : start + _CHUNK]).all():
                    raise ModelFileError(f"The array {name!r} holds values that are not finite.")
