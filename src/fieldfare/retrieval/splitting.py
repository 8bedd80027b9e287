"""The split: a model's score as the inner product of a query vector and an item vector.

A factorization machine sums over pairs of features. Divide the features of a row into those of the
item, I, and those of the query, Q (user and context). The pairs within Q are the same for all
items, the pairs within I are the same for all queries, and the pairs across form an inner product.
With S the sum of the vectors on a side, and ``s`` what a side contributes on its own (its linear
terms and the pairs within it),

    score = [w_0 + s_Q] + <[cross(S_Q), 1], [cross(S_I), s_I]>.

=====  ==========================================================  ===============================
model  cross terms                                                 length of ``cross``
=====  ==========================================================  ===============================
fm     ``<S_Q, S_I>`` (Rendle 2010, eq. 1)                         k
fwfm   ``sum_{a in Q, b in I} r[a, b] <S_Q[a], S_I[b]>``           ``min(|Q|, |I|) k``: the weights
       (Pan et al. 2018, eq. 4)                                    r go to the side of more fields
ffm    ``sum_{a in Q, b in I} <S_Q[a, b], S_I[b, a]>``             ``|Q| |I| k``
       (Juan et al. 2016, eq. 4)
=====  ==========================================================  ===============================

Here ``S[a]`` is the sum over the entries of field a, and ``S[a, b]`` that of their vectors towards
field b.
"""

from __future__ import annotations

from typing import Any, Literal, final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import OneOf, check
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.models.base import Model, check_model
from fieldfare.retrieval.roles import ITEM, QUERY, FeatureSides, Roles, SideEntries
from fieldfare.training.prepare.resources import check_memory

KINDS = ("linear", "fm", "fwfm", "ffm")
_BLOCK_BYTES = 2**26
_Parts = tuple[Float64Array, Float64Array]
"""``cross`` of shape (n_rows, dimension - 1), and ``s`` of shape (n_rows,)."""


def split(
    model: Model, roles: Roles | None = None, *, dtype: Literal["float32", "float64"] = "float32"
) -> Split:
    """Split a model into item vectors and query vectors whose inner product is the score.

    Parameters
    ----------
    model : Model
        An FM, FwFM, FFM or linear model with one output and without instance normalisation.
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
    check_model(model, "A split")
    check("dtype", dtype, OneOf(("float32", "float64")), "split")
    if model.kind not in KINDS:
        raise ConfigError(
            f"Models that can be split are {', '.join(map(repr, KINDS))}. A {model.kind!r} model "
            "has interactions of more than two features, which are no inner product of two "
            "vectors of this kind. Train one of the others for retrieval."
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
        self._of_query, self._of_item = sides.fields
        self.dimension = self._cross_length() + 1

    def _cross_length(self) -> int:
        if self.model.factors is None:
            return 0
        k, n, m = self.model.factors.shape[-1], len(self._of_query), len(self._of_item)
        blocks = {"fm": 1, "fwfm": min(n, m), "ffm": n * m}[self.model.kind]
        return int(blocks * k)

    def nbytes(self, n_items: int) -> int:
        """Return the memory that the vectors of ``n_items`` items take, in bytes."""
        return n_items * self.dimension * self.dtype.itemsize

    def __repr__(self) -> str:
        k = 0 if self.model.factors is None else self.model.factors.shape[-1]
        size = f"{self.dimension} numbers ({self.nbytes(1):,} bytes) per item"
        if self.model.kind in ("ffm", "fwfm"):
            n, m = len(self._of_query), len(self._of_item)
            blocks = f"{n} x {m}" if self.model.kind == "ffm" else f"min({n}, {m})"
            size += f": {blocks} fields x {k} factors, plus one"
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
        for part, side in self._blocks(rows, ITEM):
            cross, own = self._sums(side, ITEM)
            out[part, :-1], out[part, -1] = cross, own
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
        for part, side in self._blocks(rows, QUERY):
            cross, own = self._sums(side, QUERY)
            out[part, :-1], out[part, -1] = cross, 1
            constants[part] = float(self.model.bias[0]) + own
        return out, constants

    def _blocks(self, rows: Any, side: int) -> Any:
        """Yield slices of the rows, and their entries, that take about 64 MB to compute."""
        factors = self.model.factors
        width = 1 if factors is None else int(np.prod(factors.shape[1:]))
        per_row = 8 * width * (2 * len(self.sides.fields[side]) + rows.nnz // max(1, len(rows)) + 1)
        step = max(1, _BLOCK_BYTES // per_row)
        for low in range(0, len(rows), step):
            high = min(low + step, len(rows))
            yield slice(low, high), self.sides.select(rows.slice(low, high), side)

    def _sums(self, side: SideEntries, which: int) -> _Parts:
        """Return ``cross`` and ``s`` of the module docstring, for the rows of one side."""
        model, n = self.model, side.n_rows
        linear = model.linear[side.ids, 0] * side.values
        own = np.bincount(side.row, linear, n).astype(np.float64)
        if model.factors is None:
            return np.zeros((n, 0)), own
        if model.kind == "fm":
            return self._fm(side, own)
        return (self._fwfm if model.kind == "fwfm" else self._ffm)(side, which, own)

    def _fm(self, side: SideEntries, own: Float64Array) -> _Parts:
        terms = self._terms(side)
        total = _sum_by(side.row, terms, side.n_rows)
        squares = np.bincount(side.row, np.einsum("ek,ek->e", terms, terms), side.n_rows)
        return total, own + (np.einsum("nk,nk->n", total, total) - squares) / 2

    def _fwfm(self, side: SideEntries, which: int, own: Float64Array) -> _Parts:
        assert self.model.pair_weights is not None
        weights = self.model.pair_weights[0].astype(np.float64)
        fields, others = self.sides.fields[which], self.sides.fields[1 - which]
        terms = self._terms(side)
        total = self._by_field(side, fields, terms)
        within = np.einsum("nak,ab,nbk->n", total, weights[np.ix_(fields, fields)], total)
        same = weights[side.fields, side.fields]
        squares = np.bincount(side.row, same * np.einsum("ek,ek->e", terms, terms), side.n_rows)
        # The weights go to the side with more fields, which makes the vectors shorter. Of two sides
        # with equally many, the item gets them.
        if len(fields) > len(others) or (len(fields) == len(others) and which == ITEM):
            cross = np.einsum("oa,nak->nok", weights[np.ix_(others, fields)], total)
        else:
            cross = total
        return cross.reshape(side.n_rows, -1), own + (within - squares) / 2

    def _ffm(self, side: SideEntries, which: int, own: Float64Array) -> _Parts:
        fields, others = self.sides.fields[which], self.sides.fields[1 - which]
        terms = self._terms(side)
        towards_own = self._by_field(side, fields, terms[:, fields])
        within = np.einsum("nabk,nbak->n", towards_own, towards_own)
        itself = terms[np.arange(len(terms)), side.fields]
        squares = np.bincount(side.row, np.einsum("ek,ek->e", itself, itself), side.n_rows)
        cross = self._by_field(side, fields, terms[:, others])
        if which == ITEM:
            cross = cross.swapaxes(1, 2)
        return cross.reshape(side.n_rows, -1), own + (within - squares) / 2

    def _terms(self, side: SideEntries) -> Float64Array:
        """Return the factors of each entry times its value, float64 of shape (m, ..., k)."""
        assert self.model.factors is not None
        factors: Float64Array = self.model.factors[side.ids, 0].astype(np.float64)
        factors *= side.values.reshape(-1, *[1] * (factors.ndim - 1))
        return factors

    def _by_field(self, side: SideEntries, fields: Int64Array, terms: Float64Array) -> Float64Array:
        """Sum terms by row and field, [n_rows, len(fields), ...]."""
        place = np.minimum(np.searchsorted(fields, side.fields), len(fields) - 1)
        if (fields[place] != side.fields).any():
            raise DataError(
                "A feature is in a field that the Schema does not assign to it. Encode tables with "
                "model.schema, or pass Rows with the fields that the model was trained with."
            )
        key = side.row * len(fields) + place
        total = _sum_by(key, terms, side.n_rows * len(fields))
        return np.asarray(total.reshape(side.n_rows, len(fields), *terms.shape[1:]))


def _sum_by(key: Int64Array, terms: Float64Array, n: int) -> Float64Array:
    """Return the sum of the terms of each key, float64 of shape (n, ...)."""
    out: Float64Array = np.zeros((n, *terms.shape[1:]))
    if len(key):
        # reduceat sums runs of equal keys, many times as fast as np.add.at sums one by one.
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key, kind="stable")
            key, terms = key[order], terms[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        out[key[starts]] = np.add.reduceat(terms, starts, axis=0)
    return out
