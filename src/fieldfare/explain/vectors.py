"""Latent vectors of samples, as inputs for other models.

With ``x'`` the sample as the model sees it (without unknown ids, and scaled to unit length if the
model uses instance normalisation):

=====  =====================================  ==================================================
model  latent vector                          field vectors
=====  =====================================  ==================================================
fm,    ``S = sum_i x'_i v_i``, [k]            ``S[a] = sum_{i in field a} x'_i v_i``, [F, k]
fwfm,
hofm
ffm    ``S[b] = sum_i x'_i v_{i,b}``, [F, k]  ``S[a, b] = sum_{i in field a} x'_i v_{i,b}``,
                                              [F, F, k]
=====  =====================================  ==================================================

In an FM the interactions of a sample add up to ``(|S|^2 - sum_i |x'_i v_i|^2) / 2`` (Rendle 2010,
lemma 3.1). Those between the fields a and b add up to ``<S[a, b], S[b, a]>`` in an FFM (Juan et al.
2016, eq. 4) and to ``r[a, b] <S[a], S[b]>`` in an FwFM (Pan et al. 2018). The vectors of an HOFM
hold the factors of all its orders, beginning with order 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.exceptions import DataError
from fieldfare.explain.entries import as_rows, count_fields, entries_of, factors_of, outputs
from fieldfare.models.base import FittedEstimator, Model, model_of

_BLOCK_BYTES = 2**26


@checked
def latent_vectors(model: Model | FittedEstimator, data: Any, *, label: Any = None) -> Float32Array:
    """Return the sum of the latent vectors of the features of each sample.

    Parameters
    ----------
    model : Model or fitted estimator
        Any but a linear one.
    data : Rows, path, table or array
        Samples. Anything but Rows is encoded with the model's Schema.
    label : object, default=None
        For multiclass models, the class whose vectors are taken; None means the first.

    Returns
    -------
    float32 array of shape (n, k), for an FFM (n, n_fields, k)
        Zero for samples without known features.

    Raises
    ------
    ConfigError
        If the model is linear, or has no such class.
    """
    model = model_of(model, "latent_vectors")
    return _sums(model, data, label, by_field=False)


@checked
def field_vectors(model: Model | FittedEstimator, data: Any, *, label: Any = None) -> Float32Array:
    """Return the sum of the latent vectors of the features of each sample, field by field.

    Parameters
    ----------
    model : Model or fitted estimator
        Any but a linear one.
    data : Rows, path, table or array
        Samples with fields. Anything but Rows is encoded with the model's Schema.
    label : object, default=None
        For multiclass models, the class whose vectors are taken; None means the first.

    Returns
    -------
    float32 array of shape (n, n_fields, k), for an FFM (n, n_fields, n_fields, k)
        Element ``[r, a]`` is the sum over the entries of row r in field a.

    Raises
    ------
    ConfigError
        If the model is linear, or has no such class.
    DataError
        If the data have no fields.
    """
    model = model_of(model, "field_vectors")
    return _sums(model, data, label, by_field=True)


def _sums(model: Model, data: Any, label: Any, *, by_field: bool) -> Float32Array:
    factors = factors_of(model)[:, outputs(model, label)[0]]
    rows = as_rows(model, data)
    entries = entries_of(model, rows)
    n_groups = 1
    if by_field:
        if entries.fields is None:
            raise DataError(
                "Field vectors need data with fields, and these have none. Use a table with "
                "columns, libffm text, or Rows with fields; or use latent_vectors."
            )
        n_groups = count_fields(model, entries.fields)
    result = np.zeros((len(rows) * n_groups, *factors.shape[1:]), np.float32)
    # The vectors of all entries are large, so they are gathered for a block of rows at a time.
    starts = np.searchsorted(entries.row, np.arange(len(rows) + 1))
    bytes_per_row = 8 * factors[:1].size * (1 + len(entries.ids) // max(1, len(rows)))
    step = max(1, _BLOCK_BYTES // max(1, bytes_per_row))
    for low in range(0, len(rows), step):
        part = slice(starts[low], starts[min(low + step, len(rows))])
        key = entries.row[part] * n_groups
        if by_field and entries.fields is not None:
            key = key + entries.fields[part]
        x = entries.values[part].reshape(-1, *[1] * (factors.ndim - 1))
        _add_groups(result, key, x * factors[entries.ids[part]].astype(np.float64))
    return result.reshape(len(rows), *([n_groups] if by_field else []), *factors.shape[1:])


def _add_groups(result: Float32Array, key: AnyArray, terms: Float64Array) -> None:
    """Write the sum of the terms of each key to that row of the result."""
    if not len(key):
        return
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    result[key[starts]] = np.add.reduceat(terms[order], starts, axis=0)
