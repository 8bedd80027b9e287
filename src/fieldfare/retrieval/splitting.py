"""The split: a model's score as the inner product of a query vector and an item vector.

A factorization machine sums over pairs of features, or over larger subsets. Divide the features of
a row into those of the item, I, and those of the query, Q (user and context). The subsets within Q
are the same for all items, those within I are the same for all queries, and those across form an
inner product. With ``s`` what a side contributes on its own (its linear terms and the subsets
within it),

    score = [w_0 + s_Q] + <[cross(Q), 1], [cross(I), s_I]>.

What ``cross`` is depends on how the features of the model interact, see
`fieldfare.retrieval.cross`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray
from fieldfare._validation import OneOf, check
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.retrieval.cross import CROSS_TERMS
from fieldfare.retrieval.roles import ITEM, QUERY, FeatureSides, Roles
from fieldfare.rows import Rows
from fieldfare.training.prepare.resources import check_memory

_BLOCK_BYTES = 2**26
# A request has so few entries that working out the size of a block would take longer than itself.
_FEW_ENTRIES = 64


@checked
def split(
    model: Model | FittedEstimator,
    roles: Roles | None = None,
    *,
    dtype: Literal["float32", "float64"] = "float32",
) -> Split:
    """Split a model into item vectors and query vectors whose inner product is the score.

    Parameters
    ----------
    model : Model or fitted estimator
        Of any kind, with one output and without instance normalisation.
    roles : mapping from role to columns, optional
        For instance ``{"user": "user", "item": ["movie", "genres"], "context": "hour"}``. Columns
        that it does not name have the role given in the Schema. For models with numbered features
        it names fields.
    dtype : {"float32", "float64"}, default="float32"
        Type of the vectors. Sums are computed in double precision either way.

    Returns
    -------
    Split

    Raises
    ------
    ConfigError
        If the model cannot be split exactly.
    SchemaError
        If a column has no role, or one of the sides has no column.

    Examples
    --------
    >>> parts = split(model)  # doctest: +SKIP
    >>> vectors, constants = parts.queries(visitors)  # doctest: +SKIP
    >>> scores = constants[:, None] + vectors @ parts.items(articles).T  # doctest: +SKIP
    """
    model = model_of(model, "split")
    check("dtype", dtype, OneOf(("float32", "float64")), "split")
    if model.traits.interactions not in CROSS_TERMS:
        kinds = [name for name, kind in MODEL_KINDS.items() if kind.interactions in CROSS_TERMS]
        raise ConfigError(
            "Retrieval needs scores that are inner products of a vector for the query and one for "
            f"the item. Those of {', '.join(map(repr, kinds))} models can be split into them. Got "
            f"a {model.kind!r} model; train one of the others for retrieval."
        )
    if model.config.instance_norm:
        raise ConfigError(
            "A model with instance normalisation cannot be split: it divides the features of a row "
            "by their common length, so that the contribution of an item depends on the query. "
            "Train with instance_norm=False for retrieval."
        )
    if model.n_outputs != 1:
        raise ConfigError(
            f"Retrieval ranks by one score, but this model has {model.n_outputs}, one for each "
            "class. Train a binary model or a regression."
        )
    return Split(FeatureSides.of(model, roles), np.dtype(dtype))


@final
class Split:
    """A model as two towers; made by `split`.

    Attributes
    ----------
    model : Model
        With the roles in its Schema.
    sides : FeatureSides
        Which features belong to the item.
    dtype : numpy dtype
        Type of the vectors.
    dimension : int
        Length of the vectors.
    """

    def __init__(self, sides: FeatureSides, dtype: np.dtype[Any]) -> None:
        self.sides = sides
        self.model = sides.model
        self.dtype = dtype
        self._cross = CROSS_TERMS[sides.model.traits.interactions](sides)
        self.dimension = self._cross.length + 1

    @checked
    def nbytes(self, n_items: int) -> int:
        """Return the memory that the vectors of ``n_items`` items take, in bytes."""
        return n_items * self.dimension * self.dtype.itemsize

    def __repr__(self) -> str:
        size = f"{self.dimension} numbers ({self.nbytes(1):,} bytes) per item{self._cross}"
        return f"Split({self.model.kind}, {size})"

    def items(self, data: Any) -> AnyArray:
        """Return one vector per item.

        Parameters
        ----------
        data : Rows, or a table with the item's columns
            Of Rows, only the item's entries are read. The vector of a new item is made of the same
            features as the model's score: known values, and those that stand for unknown ones.

        Returns
        -------
        array of shape (n_items, dimension)
            Of type ``dtype``.

        Raises
        ------
        ResourceError
            If the vectors do not fit into memory.
        SchemaError
            If a column is missing.
        """
        rows = self.sides.rows(data, ITEM)
        check_memory(
            self.nbytes(len(rows)),
            f"The vectors of {len(rows):,} items, {self!r},",
            "Use fewer factors or fields for retrieval, or a plain FM, whose vectors are short.",
        )
        out = np.empty((len(rows), self.dimension), self.dtype)
        for part, own_rows in self._blocks(rows, ITEM):
            out[part, -1] = self._cross.sums(own_rows, ITEM, out[part])
        return out

    def queries(self, data: Any) -> tuple[AnyArray, AnyArray]:
        """Return one vector per query, and the constants that complete the scores.

        Parameters
        ----------
        data : Rows, or a table with the columns of users and context
            Of Rows, only the entries of users and context are read.

        Returns
        -------
        vectors : array of shape (n_queries, dimension)
            Of type ``dtype``; the last coordinate of each is one.
        constants : array of shape (n_queries,)
            To be added to the inner products. The constant of a query is the same for all items, so
            it does not affect their order.

        Raises
        ------
        SchemaError
            If a column is missing.
        """
        rows = self.sides.rows(data, QUERY)
        out = np.empty((len(rows), self.dimension), self.dtype)
        constants = np.empty(len(rows), self.dtype)
        bias = float(self.model.bias[0])
        for part, own_rows in self._blocks(rows, QUERY):
            constants[part] = bias + self._cross.sums(own_rows, QUERY, out[part])
        out[:, -1] = 1
        return out, constants

    def _blocks(self, rows: Rows, side: int) -> Iterator[tuple[slice, Rows]]:
        """Yield slices, and their rows, that take about 64 MB to compute."""
        if len(rows.indices) <= _FEW_ENTRIES:
            yield slice(0, len(rows)), rows
            return
        factors = self.model.factors
        width = 1 if factors is None else int(np.prod(factors.shape[1:]))
        per_row = 8 * width * (self._cross.sums_per_row(side) + rows.nnz // max(1, len(rows)))
        step = max(1, _BLOCK_BYTES // per_row)
        for low in range(0, len(rows), step):
            high = min(low + step, len(rows))
            yield slice(low, high), rows.slice(low, high)
