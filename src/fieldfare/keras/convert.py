"""Models converted to Keras and back, with the same scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import keras
from fieldfare._typing import AnyArray, Float32Array
from fieldfare.exceptions import ConfigError
from fieldfare.keras._layer import FactorLayer
from fieldfare.keras.dense import FactorizationMachine
from fieldfare.keras.entries import (
    EntriesLayer,
    FieldAwareFM,
    FieldEmbeddingFM,
    FieldWeightedFM,
)
from fieldfare.kinds.models import FM, MODEL_KINDS, PARAMETERS, InteractionForm
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.schema.schema import Schema

_ACTIVATIONS = {
    "regression": "linear",
    "rank": "linear",
    "binary": "sigmoid",
    "multiclass": "softmax",
}
# Tasks, besides regression, that a single score without activation may have.
_SCORE_TASKS = {"binary", "rank"}
_LAYERS: dict[InteractionForm, type[EntriesLayer]] = {
    InteractionForm.NONE: FieldEmbeddingFM,
    InteractionForm.PAIRS: FieldEmbeddingFM,
    InteractionForm.ALL_ORDERS: FieldEmbeddingFM,
    InteractionForm.FIELD_AWARE: FieldAwareFM,
    InteractionForm.FIELD_WEIGHTED: FieldWeightedFM,
}


def to_keras(model: Model | FittedEstimator, *, link: bool = True, dense: bool = False) -> Any:
    """Return a Keras model with the weights of a model.

    Parameters
    ----------
    model : Model or fitted estimator
        Of any kind that has a layer.
    link : bool
        Whether the output is that of ``model.predict``, which is a probability for classes;
        otherwise it is that of ``model.score``. To continue training, pass scores to a loss with
        ``from_logits=True``.
    dense : bool
        Whether the input is a matrix with one column per feature, instead of ids and values. Not
        for models that use fields.

    Returns
    -------
    keras.Model
        Its input is the dict that `to_inputs` makes of Rows: ``ids`` and ``values``, and ``fields``
        for models that use them. With ``dense`` it is a matrix of shape (batch, n_features). Its
        output has the shape (batch, n_outputs). The Schema is not converted, so keep the model file
        too.

    Raises
    ------
    ConfigError
        If there is no layer for this kind of model, or ``dense`` is true for one that uses fields.
    """
    model = model_of(model, "to_keras")
    layer_class = _LAYERS.get(model.traits.interactions)
    if layer_class is None:
        kinds = [name for name, kind in MODEL_KINDS.items() if kind.interactions in _LAYERS]
        raise ConfigError(
            f"The kinds of model with a layer in Keras are {', '.join(map(repr, kinds))}. Got "
            f"{model.kind!r}."
        )
    if dense and model.uses_fields:
        raise ConfigError(
            f"A {model.kind} model needs the field of every entry, which a matrix does not hold. "
            "Leave out dense=True."
        )
    settings = _settings(model)
    if link:
        settings["activation"] = _ACTIVATIONS[model.config.task]
    layer: Any
    if dense:
        inputs: Any = keras.Input((model.n_features,), name="samples")
        layer = FactorizationMachine(name=FM.name, **settings)
        output = layer(inputs)
    else:
        layer = layer_class(
            model.n_features, n_fields=model.n_fields or None, name=model.kind, **settings
        )
        inputs = {
            "ids": keras.Input((None,), dtype="int32", name="ids"),
            "values": keras.Input((None,), dtype="float32", name="values"),
        }
        if model.uses_fields:
            inputs["fields"] = keras.Input((None,), dtype="int32", name="fields")
        output = layer(inputs["ids"], inputs["values"], inputs.get("fields"))
    for name, array in model.arrays().items():
        weight = getattr(layer, name)
        if weight is not None:
            weight.assign(array)
    return keras.Model(inputs, output, name=f"{model.kind}_{model.config.task}")


def _settings(model: Model) -> dict[str, Any]:
    config = model.config
    higher = {"order": config.order, "shared_factors": config.shared_factors}
    return {
        "n_factors": config.n_factors if model.traits.has_factors else 0,
        "units": model.n_outputs,
        "use_bias": config.fit_intercept or bool(np.any(model.bias)),
        "use_linear": config.fit_linear or bool(np.any(model.linear)),
        "instance_norm": config.instance_norm,
        "norm_unknown": config.norm_unknown,
        "init_scale": config.init_scale,
        **(higher if model.traits.by_order else {}),
    }


def from_keras(
    keras_model: Any,
    *,
    task: str | None = None,
    schema: Schema | None = None,
    classes: Sequence[Any] | None = None,
) -> Model:
    """Return a Keras model or layer as a fieldfare model.

    Parameters
    ----------
    keras_model : keras.Model or layer
        A built layer of this package, or a model in which nothing else has weights.
    task : {"regression", "binary", "multiclass", "rank"} or None
        What is predicted. None derives it from the activation: regression without one, binary from
        a sigmoid, multiclass from a softmax. A single score without activation may also be passed
        as ``"binary"`` or ``"rank"``.
    schema : Schema or None
        Schema of the features; None if they are numbered.
    classes : sequence or None
        Class labels; None means 0, 1, ... for classifiers.

    Returns
    -------
    Model
        To save, explain, evaluate and export. Its scores are those before the activation.

    Raises
    ------
    ConfigError
        If this is not a model made of one layer of this package, its activation belongs to no task,
        or the Schema has another number of features.
    """
    layer, last = _only_layer(keras_model)
    task = _task(last, layer.units, task)
    config = replace(layer.model_config, task=task)
    n_features: int = layer.n_features
    if schema is None:
        schema = Schema.indexed(n_features, layer.n_fields, field_of=layer.field_of)
    elif schema.n_features != n_features:
        raise ConfigError(
            f"The Schema has {schema.n_features} features and the layer {n_features}. Pass the "
            "Schema that encoded the data the layer was trained on."
        )
    arrays = {name: _array(getattr(layer, name)) for name in PARAMETERS}
    # Only the symmetric part of the field weights affects the scores, and a Model needs that.
    if arrays["pair_weights"] is not None:
        arrays["pair_weights"] = (
            arrays["pair_weights"] + arrays["pair_weights"].swapaxes(1, 2)
        ) / 2
    if classes is None and task in ("binary", "multiclass"):
        classes = list(range(max(2, layer.units)))
    return MODEL_CLASSES[config.model](
        config,
        _or_zeros(arrays["bias"], (layer.units,)),
        _or_zeros(arrays["linear"], (n_features, layer.units)),
        arrays["factors"],
        pair_weights=arrays["pair_weights"],
        schema=schema,
        classes=classes,
    )


def _only_layer(keras_model: Any) -> tuple[Any, Any]:
    """Return the layer that holds the weights, and the activation that is applied last."""
    if isinstance(keras_model, FactorLayer):
        found, others = [keras_model], []
    elif isinstance(keras_model, keras.Model):
        layers = keras_model.layers
        found = [layer for layer in layers if isinstance(layer, FactorLayer)]
        skipped = (keras.layers.InputLayer, keras.layers.Activation, FactorLayer)
        others = [layer for layer in layers if not isinstance(layer, skipped)]
    else:
        raise ConfigError(
            f"from_keras needs a Keras model or layer. Got {type(keras_model).__name__}."
        )
    if len(found) != 1 or others or not found[0].built:
        names = [type(layer).__name__ for layer in (*found, *others)]
        raise ConfigError(
            "from_keras needs one built layer of fieldfare.keras, with nothing but inputs and an "
            f"activation around it. Got {', '.join(names) or 'no layer'}."
        )
    activations = [found[0].activation]
    if found[0] is not keras_model:
        after = [a for a in keras_model.layers if isinstance(a, keras.layers.Activation)]
        activations += [layer.activation for layer in after]
    linear = keras.activations.linear
    given = [activation for activation in activations if activation is not linear]
    if len(given) > 1:
        raise ConfigError(
            f"from_keras can convert one activation. Got {len(given)}, one after another."
        )
    return found[0], given[0] if given else linear


def _task(activation: Any, units: int, given: str | None) -> str:
    tasks = {"linear": "multiclass" if units > 1 else "regression"}
    tasks |= {"sigmoid": "binary"} if units == 1 else {"softmax": "multiclass"}
    name = getattr(activation, "__name__", str(activation))
    if name not in tasks:
        raise ConfigError(
            f"No task has the activation {name!r} with {units} scores. The activation must be one "
            f"of {', '.join(tasks)}."
        )
    allowed = {tasks[name]} | (_SCORE_TASKS if name == "linear" and units == 1 else set())
    if given is not None and given not in allowed:
        raise ConfigError(
            f"The 'task' parameter must be one of {sorted(allowed)} for the activation {name!r} "
            f"with {units} scores. Got {given!r}."
        )
    return given or tasks[name]


def _array(weight: Any) -> AnyArray | None:
    if weight is None:
        return None
    return np.array(keras.ops.convert_to_numpy(weight.value), np.float32)


def _or_zeros(array: AnyArray | None, shape: tuple[int, ...]) -> Float32Array:
    return np.zeros(shape, np.float32) if array is None else array
