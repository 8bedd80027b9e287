"""The base of the layers: parameters, tables of weights, and the end of the computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

import keras
from fieldfare._typing import UInt16Array
from fieldfare.config import ModelConfig
from fieldfare.kinds.models import FM, HOFM, LINEAR, ModelKind
from keras import ops


class FactorLayer(keras.layers.Layer):  # type: ignore[misc]
    """Base of the layers. Their weights have the shapes of `fieldfare.models.base.Model`.

    Parameters
    ----------
    n_factors : int or tuple of int
        Length of each latent vector, or one length per order from 2 on. With 0 there is only the
        linear part.
    units : int
        Number of scores per sample.
    order : int
        Largest number of features that interact.
    shared_factors : bool
        Whether all orders use the same latent vectors.
    activation : str, callable or None
        Applied to the scores.
    use_bias, use_linear : bool
        Whether there are a bias and a linear part.
    instance_norm : bool
        Whether each sample is scaled to unit Euclidean length first.
    norm_unknown : bool
        Whether that length counts entries whose id is unknown, rather than those that are known.
    init_scale : float
        Standard deviation of the initial factors; for those of order t, its power 2/t.
    linear_regularizer, factors_regularizer : keras Regularizer, str or None
        Applied to the whole tables in every batch.
    """

    traits: ClassVar[ModelKind] = FM
    """The kind of model that the layer is, with interactions of pairs."""
    n_features: int
    n_fields: int = 0

    def __init__(  # noqa: PLR0913 - what Keras writes to a file stands in the signature
        self,
        n_factors: int | Sequence[int] = 8,
        units: int = 1,
        *,
        order: int = 2,
        shared_factors: bool = False,
        activation: Any = None,
        use_bias: bool = True,
        use_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        init_scale: float = 0.1,
        linear_regularizer: Any = None,
        factors_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_factors = n_factors if isinstance(n_factors, int) else tuple(n_factors)
        self.units = units
        self.order = order
        self.shared_factors = shared_factors
        self.use_bias = use_bias
        self.use_linear = use_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.init_scale = init_scale
        self.activation = keras.activations.get(activation)
        self.linear_regularizer = keras.regularizers.get(linear_regularizer)
        self.factors_regularizer = keras.regularizers.get(factors_regularizer)
        self.model_config = self._model_config()

    def _model_config(self) -> ModelConfig:
        """Return the parameters as a checked configuration; a layer does not know its task."""
        linear = self.n_factors == 0
        kind = LINEAR if linear else HOFM if self.order != 2 else self.traits
        return ModelConfig(
            model=kind.name,
            task="regression",
            n_factors=ModelConfig().n_factors if linear else self.n_factors,
            order=self.order if kind.by_order else ModelConfig().order,
            shared_factors=self.shared_factors,
            fit_intercept=self.use_bias,
            fit_linear=self.use_linear,
            instance_norm=self.instance_norm,
            norm_unknown=self.norm_unknown,
            init_scale=self.init_scale,
        )

    def _build_tables(self) -> None:
        """Create the weights, once the numbers of features and fields are known."""
        n_features, n_fields = self.n_features, self.n_fields
        config = self.model_config
        shapes = config.shapes(n_features=n_features, n_fields=n_fields, n_outputs=self.units)
        self.bias = self.linear = self.factors = self.pair_weights = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        if self.use_linear:
            self.linear = self.add_weight(
                name="linear",
                shape=(n_features, self.units),
                initializer="zeros",
                regularizer=self.linear_regularizer,
            )
        if "factors" in shapes:
            self.factors = self.add_weight(
                name="factors",
                shape=shapes["factors"],
                initializer=self._random_factors,
                regularizer=self.factors_regularizer,
            )
        if "pair_weights" in shapes:
            self.pair_weights = self.add_weight(
                name="pair_weights", shape=shapes["pair_weights"], initializer="ones"
            )

    @property
    def field_of(self) -> UInt16Array | None:
        """Field of each feature, uint16 of shape (n_features,); None if it is not fixed."""
        return None

    def _random_factors(self, shape: Sequence[int], dtype: Any = None) -> Any:
        scales = np.concatenate(
            [
                np.full(part.n_factors, self.init_scale ** (2 / part.highest))
                for part in self.model_config.factor_blocks
            ]
        )
        noise = keras.initializers.RandomNormal(stddev=1.0)(shape, dtype)
        return noise * ops.cast(scales, noise.dtype)

    @property
    def _sum_dtype(self) -> str:
        """Type in which sums are computed, because squared sums easily overflow 16 bits."""
        narrow = self.compute_dtype in ("float16", "bfloat16")
        return "float32" if narrow else str(self.compute_dtype)

    def _finish(self, parts: Sequence[Any]) -> Any:
        """Add the parts of the score and the bias, and apply the activation."""
        score = sum(ops.cast(part, self._sum_dtype) for part in parts)
        if self.bias is not None:
            score = score + ops.cast(self.bias, self._sum_dtype)
        return self.activation(ops.cast(score, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Return what Keras needs to create the same layer again."""
        return {
            **super().get_config(),
            "n_factors": self.n_factors,
            "units": self.units,
            "order": self.order,
            "shared_factors": self.shared_factors,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "use_linear": self.use_linear,
            "instance_norm": self.instance_norm,
            "norm_unknown": self.norm_unknown,
            "init_scale": self.init_scale,
            "linear_regularizer": keras.regularizers.serialize(self.linear_regularizer),
            "factors_regularizer": keras.regularizers.serialize(self.factors_regularizer),
        }
