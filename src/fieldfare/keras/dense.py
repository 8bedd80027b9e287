"""The factorization machine over a matrix with one column per feature."""

from __future__ import annotations

from typing import Any, final

import keras
from fieldfare.exceptions import ConfigError
from fieldfare.keras import _formulas
from fieldfare.keras._layer import FactorLayer
from keras import ops


@final
@keras.saving.register_keras_serializable(package="fieldfare")
class FactorizationMachine(FactorLayer):
    """Factorization machine of any order over the columns of a matrix.

    The score is w0 + <w, x> + sum_{i<j} <v_i, v_j> x_i x_j (Rendle 2010, eq. 1), plus the ANOVA
    kernels of higher orders, if any (Blondel et al. 2016). For features that are ids,
    `FieldEmbeddingFM` needs far less memory.

    Parameters
    ----------
    n_factors : int or tuple of int, default=8
        Length of each latent vector, or one length per order from 2 on. With 0 there is only the
        linear part.
    units : int, default=1
        Number of scores per sample.
    order : int, default=2
        Largest number of features that interact. From 3 on, a batch takes memory for batch x
        columns x factors numbers.
    shared_factors : bool, default=False
        Whether all orders use the same latent vectors.
    activation : str, callable or None, default=None
        Applied to the scores.
    use_bias, use_linear : bool, default=True
        Whether there are a bias and a linear part.
    instance_norm : bool, default=False
        Whether each sample is scaled to unit Euclidean length first.
    norm_unknown : bool, default=False
        For layers over ids; a matrix has no unknown features. It is kept for conversions.
    init_scale : float, default=0.1
        Standard deviation of the initial factors; for those of order t, its power 2/t.
    linear_regularizer, factors_regularizer : keras Regularizer, str or None
        Applied to the whole tables in every batch.

    Notes
    -----
    Input: float of shape (batch, n_features), dense, or sparse on the backends whose sparse tensors
    Keras supports (TensorFlow, JAX). Output: (batch, units).

    Weights: ``bias`` (units,), ``linear`` (n_features, units), ``factors`` (n_features, units,
    n_factors). In mixed precision, sums are kept in float32.

    Raises
    ------
    ConfigError
        If a parameter has a value that is not allowed, or the input is not one matrix.
    """

    def build(self, input_shape: Any) -> None:
        """Create the weights for the columns of the input."""
        if not isinstance(input_shape[-1], int):
            raise ConfigError(
                "The input must be one matrix with a known number of columns. Got the shape "
                f"{input_shape}. Join several matrices with keras.layers.Concatenate(); for ids, "
                "use FieldEmbeddingFM."
            )
        self.n_features = int(input_shape[-1])
        self._build_tables()
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: self.n_features})

    def call(self, inputs: Any) -> Any:
        """Return the scores of a batch."""
        x, inverse = inputs, 1.0
        if self.instance_norm:
            # The scores are divided instead of the samples, so that sparse samples stay sparse.
            ones = ops.ones((x.shape[-1], 1), self.compute_dtype)
            squares = ops.cast(ops.matmul(_squared(x), ones), self._sum_dtype)
            inverse = ops.where(squares > 0, ops.rsqrt(ops.where(squares > 0, squares, 1.0)), 1.0)
        parts = [ops.zeros((ops.shape(x)[0], self.units), self._sum_dtype)]
        if self.linear is not None:
            parts.append(ops.cast(ops.matmul(x, self.linear), self._sum_dtype) * inverse)
        if self.factors is not None and self.order == 2:
            parts.append(self._pairs(x) * inverse**2)
        elif self.factors is not None:
            # Each order t would need the t-th power of the length. Samples are dense here anyway,
            # so they are divided first.
            dense = ops.cast(ops.convert_to_tensor(x, sparse=False), self._sum_dtype) * inverse
            factors = ops.cast(self.factors, self._sum_dtype)
            xv = dense[:, :, None, None] * factors
            parts.append(_formulas.higher_order(xv, self.model_config.factor_blocks))
        return self._finish(parts)

    def _pairs(self, x: Any) -> Any:
        """Return all pairwise interactions by two matrix products (Rendle 2010, lemma 3.1).

        Unlike `_formulas.pairwise`, this needs no array of batch x columns x factors.
        """
        n_factors = self.model_config.total_factors
        columns = ops.reshape(self.factors, (-1, self.units * n_factors))
        sums = ops.cast(ops.matmul(x, columns), self._sum_dtype)
        sums = ops.reshape(sums, (-1, self.units, n_factors))
        lengths = ops.sum(ops.square(ops.convert_to_tensor(self.factors)), axis=-1)
        own = ops.cast(ops.matmul(_squared(x), lengths), self._sum_dtype)
        return 0.5 * (ops.sum(ops.square(sums), axis=-1) - own)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return (batch, units)."""
        return (input_shape[0], self.units)


def _squared(x: Any) -> Any:
    """Return the squares of samples, sparse ones as sparse.

    On JAX, entries at the same place have to be added first. `keras.ops` does that as well, but
    only outside of compiled functions, where the number of entries that remain can be counted.
    """
    if hasattr(x, "sum_duplicates"):
        x = x.sum_duplicates(nse=x.nse)
    return ops.square(x)
