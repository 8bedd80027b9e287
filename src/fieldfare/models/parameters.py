"""The parameters of a model: arrays whose shapes follow from its kind and its configuration."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import Float32Array
from fieldfare._validation import Number, check
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kinds.models import PARAMETERS, ModelKind


class ParameterArrays(ABC):
    """Base of `Model`: the configuration and the arrays, checked against each other.

    Parameters
    ----------
    config : ModelConfig
    bias, linear, factors, pair_weights : float32 arrays
        As the kind declares them; ``None`` for those that it does not have. Factors may still have
        to be drawn.

    Raises
    ------
    DataError
        If an array does not have the shape or dtype that the configuration asks for.
    """

    kind: ClassVar[str]
    """Name of the kind, as in ``ModelConfig.model``."""
    traits: ClassVar[ModelKind]
    """What is true of all models of the kind."""

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "traits"):
            cls.kind = cls.traits.name

    def __init__(
        self,
        config: ModelConfig,
        bias: Float32Array,
        linear: Float32Array,
        factors: Float32Array | InitialFactors | None,
        pair_weights: Float32Array | None,
    ) -> None:
        self.config = config
        self.bias = bias
        self.linear = linear
        self._factors = factors
        self.pair_weights = pair_weights
        self._check_arrays()

    def _check_arrays(self) -> None:
        if self.linear.ndim != 2:
            raise DataError(
                f"A model needs linear as a 2-d float32 array. Got {self.linear.dtype} of shape "
                f"{self.linear.shape}."
            )
        expected = self.traits.shapes(
            features=self.n_features,
            outputs=self.n_outputs,
            fields=self.n_fields,
            factors=self.config.total_factors,
        )
        given = {name: getattr(self, name) for name in PARAMETERS if name != "factors"}
        for name, array in (given | {"factors": self._factors}).items():
            got = None if array is None else array.shape
            wrong = isinstance(array, np.ndarray) and array.dtype != np.float32
            if got != expected.get(name) or wrong:
                dtype = f"{array.dtype} of shape " if wrong else ""
                raise DataError(
                    f"A {self.kind} model with {self.n_features} features and {self.n_outputs} "
                    f"output(s) needs float32 {name} of shape {expected.get(name)}. Got "
                    f"{dtype}{got}."
                )

    @classmethod
    def factors_shape(
        cls, config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        """Return the shape that the factors have, or None without factors."""
        sizes = {"features": n_features, "outputs": n_outputs, "fields": n_fields}
        return cls._shapes(**sizes, factors=config.total_factors).get("factors")

    @classmethod
    @checked
    def pair_weights_shape(cls, n_fields: int, n_outputs: int) -> tuple[int, ...] | None:
        """Return the shape that the weights of pairs of fields have, or None without them."""
        sizes = {"n_outputs": n_outputs, "n_fields": n_fields}
        for name, size in sizes.items():
            check(name, size, Number(0, integer=True), "pair_weights_shape")
        shapes = cls._shapes(features=0, outputs=n_outputs, fields=n_fields, factors=0)
        return shapes.get("pair_weights")

    @classmethod
    def _shapes(cls, **sizes: int) -> Mapping[str, tuple[int, ...]]:
        if not hasattr(cls, "traits"):
            raise ConfigError(
                f"{cls.__name__} stands for models of all kinds, whose parameters have different "
                "shapes. Ask the class of one kind, such as type(model)."
            )
        return cls.traits.shapes(**sizes)

    @property
    def factors(self) -> Float32Array | None:
        """Latent vectors, None of a linear model."""
        if isinstance(self._factors, InitialFactors):
            self._factors = self._factors.draw()
        return self._factors

    @factors.setter
    def factors(self, factors: Float32Array | None) -> None:
        self._factors = factors

    @property
    def undrawn(self) -> InitialFactors | None:
        """The factors where they are still to be drawn, as in a new model; else None."""
        return self._factors if isinstance(self._factors, InitialFactors) else None

    @property
    def has_factors(self) -> bool:
        """Whether there are latent vectors, drawn or not."""
        return self._factors is not None

    @property
    def n_features(self) -> int:
        """Number of features, one more than the largest id that the model knows."""
        return len(self.linear)

    @property
    def n_outputs(self) -> int:
        """Number of scores per sample: 1, or the number of classes of a multiclass model."""
        return int(self.linear.shape[1])

    @property
    def n_fields(self) -> int:
        """Number of fields that the parameters distinguish: 0 for models without fields."""
        own = {"factors": self._factors, "pair_weights": self.pair_weights}
        return self.traits.n_fields({n: a.shape for n, a in own.items() if a is not None})

    @property
    def uses_fields(self) -> bool:
        """Whether scores depend on the fields of the entries."""
        return self.traits.uses_fields

    @property
    def nbytes(self) -> int:
        """Bytes of the parameters."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, Float32Array]:
        """Return the parameters that are there, by name."""
        found = {name: getattr(self, name) for name in PARAMETERS}
        return {name: array for name, array in found.items() if array is not None}
