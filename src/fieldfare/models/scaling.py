"""Scaling: numbers of unequal size in like units while a model is trained, and back afterwards."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from fieldfare._sums import dot
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows, as_rows

_BLOCK = 2**20

_ModelT = TypeVar("_ModelT", bound=Model)


@dataclass(frozen=True, eq=False)
class Scaling:
    """What the features of a model are measured in while it is trained.

    Training sees ``z = x / scale - shift`` instead of the value x of a feature. The scores of all
    models are linear in each feature, so a model of z can be written as a model of x of the same
    kind (`fold`), and back (`unfold`). What is saved, exported, explained and predicted with is
    always the model of x.

    Parameters
    ----------
    scale : float32 array of shape (n_features,)
        Powers of two, with which divisions are exact; 0 for features that are not known yet, which
        are used as they are.
    shift : float32 array of shape (n_features,)
        In units of the scale. A feature with a shift other than 0 is in every row: where a row does
        not store it, x is 0.
    """

    scale: Float32Array
    shift: Float32Array

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.scale)

    @property
    def centred(self) -> Int64Array:
        """The features that are shifted, ascending."""
        return np.flatnonzero(self.shift)

    def extended(self, other: Scaling) -> Scaling:
        """Return what applies to more features: of those that are not known, what ``other`` says.

        Parameters
        ----------
        other : Scaling
            Of as many features, or more.
        """
        own = self.grown(other.n_features)
        new = own.scale == 0
        return Scaling(np.where(new, other.scale, own.scale), np.where(new, other.shift, own.shift))

    def grown(self, n_features: int) -> Scaling:
        """Return the same for more features, of which nothing is known."""
        added = np.zeros(max(0, n_features - self.n_features), np.float32)
        return Scaling(np.append(self.scale, added), np.append(self.shift, added))

    def of_first(self, n_features: int) -> Scaling:
        """Return the same for the first features only."""
        return Scaling(self.scale[:n_features], self.shift[:n_features])

    def arrays(self) -> dict[str, Float32Array]:
        """Return what `from_arrays` takes, for files and states."""
        return {"feature_scale": self.scale, "feature_shift": self.shift}

    @staticmethod
    def from_arrays(arrays: Mapping[str, AnyArray]) -> Scaling | None:
        """Return the scaling among some arrays, None if there is none."""
        if "feature_scale" not in arrays:
            return None
        return Scaling(np.array(arrays["feature_scale"]), np.array(arrays["feature_shift"]))

    # --- rows -------------------------------------------------------------------------------------

    def apply(self, rows: Rows | RelatedRows, field_of: AnyArray | None = None) -> Rows:
        """Return rows with scaled values, in which every row has the shifted features.

        Parameters
        ----------
        rows : Rows or RelatedRows
            Side tables are joined.
        field_of : integer array of shape (n_features,) or None
            The field of each feature; without it, the rows that are returned have no fields.

        Raises
        ------
        DataError
            If a row holds a shifted feature twice.
        """
        rows = as_rows(rows)
        start, stop = int(rows.indptr[0]), int(rows.indptr[-1])
        fields = None if rows.fields is None or field_of is None else rows.fields[start:stop]
        ids = rows.indices[start:stop]
        own = rows.with_(
            indptr=rows.indptr - start,
            indices=ids,
            values=self._scaled(ids, None if rows.values is None else rows.values[start:stop]),
            fields=fields,
        )
        return self._filled(own, field_of) if self.shift.any() else own

    def _scaled(self, ids: AnyArray, values: Float32Array | None) -> Float32Array:
        """Return scaled values; each is rounded once, because scales are powers of two."""
        divisor = np.where(self.scale == 0, np.float32(1), self.scale)
        out: Float32Array = np.ones(len(ids), np.float32)
        for begin in range(0, len(ids), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            known = np.minimum(ids[block], self.n_features - 1)  # solvers refuse unknown ids
            if values is not None:
                out[block] = values[block]
            out[block] /= divisor[known]
            out[block] -= self.shift[known]
        return out

    def _filled(self, rows: Rows, field_of: AnyArray | None) -> Rows:
        """Return rows in which the shifted features that a row lacks have the value of x = 0."""
        centred = self.centred
        size = max(1, _BLOCK // len(centred))
        parts = [
            self._filled_block(rows.slice(begin, begin + size), centred, field_of)
            for begin in range(0, rows.n_rows, size)
        ]
        if sum(part.nnz for part in parts) == rows.nnz:
            return rows
        return Rows.concatenate(parts)

    def _filled_block(self, rows: Rows, centred: Int64Array, field_of: AnyArray | None) -> Rows:
        start, stop = int(rows.indptr[0]), int(rows.indptr[-1])
        ids = np.minimum(rows.indices[start:stop], self.n_features - 1)
        row = np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
        mine = self.shift[ids] != 0
        row, column = row[mine], np.searchsorted(centred, ids[mine])
        there = np.bincount(row * len(centred) + column, minlength=rows.n_rows * len(centred))
        if there.max(initial=0) > 1:
            place = int(np.argmax(there > 1))
            raise DataError(
                f"A row holds feature {centred[place % len(centred)]} twice, and numbers of very "
                "unequal size are centred for training, which takes one value per row. Add up "
                "repeated features, or set scale_features=False."
            )
        row, column = np.nonzero(there.reshape(-1, len(centred)) == 0)
        if not len(row):
            return rows
        added = centred[column]
        at = rows.indptr[row + 1] - start
        indptr = rows.indptr - start
        indptr = indptr + np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(rows)))])
        assert rows.values is not None
        fields = None
        if rows.fields is not None:
            assert field_of is not None
            fields = np.insert(rows.fields[start:stop], at, field_of[added])
        return rows.with_(
            indptr=indptr,
            indices=np.insert(rows.indices[start:stop], at, added),
            values=np.insert(rows.values[start:stop], at, -self.shift[added]),
            fields=fields,
        )

    # --- parameters -------------------------------------------------------------------------------

    def fold(self, model: _ModelT, *, in_place: bool = False) -> _ModelT:
        """Return the model of values as they are that scores like a model of scaled values.

        With s the scale, c the shift, and a_ij the interaction of features i and j of value one:
        ``v_i = v'_i / s_i``, ``w_i = (w'_i - r_i) / s_i`` and ``b = b' - <w', c> + <r, c> / 2``,
        where ``r_i = sum_{j != i} a'_ij c_j``. This is the product of ``x / s - c``, multiplied
        out.

        Parameters
        ----------
        model : Model
            Of scaled values.
        in_place : bool
            Whether its arrays may be overwritten.
        """
        pull, constant = self._of_shift(model)
        linear = (model.linear - pull) / self._per_feature(model.linear)
        bias = model.bias - dot(self.shift, model.linear) + constant
        return self._with(model, bias, linear, np.divide, in_place=in_place)

    def unfold(self, model: _ModelT) -> _ModelT:
        """Return the model of scaled values that scores like a model of values as they are."""
        scaled = self._with(model, model.bias, model.linear, np.multiply)
        pull, constant = self._of_shift(scaled)
        linear = model.linear.astype(np.float64) * self._per_feature(model.linear) + pull
        bias = model.bias + dot(self.shift, linear) - constant
        return scaled.with_(
            bias=bias.astype(np.float32), linear=linear.astype(np.float32), scaling=None
        )

    def _with(
        self,
        model: _ModelT,
        bias: AnyArray,
        linear: AnyArray,
        operation: np.ufunc,
        *,
        in_place: bool = False,
    ) -> _ModelT:
        """Return a model with other weights, and factors divided or multiplied by the scale."""
        factors = model.factors
        if factors is not None:
            scale = self._per_feature(factors)
            factors = operation(factors, scale, out=factors if in_place else None)
        return model.with_(
            bias=bias.astype(np.float32),
            linear=linear.astype(np.float32),
            factors=factors,
            scaling=self,
        )

    def _per_feature(self, table: AnyArray) -> Float32Array:
        """Return what to divide by, of a shape that goes with a table of parameters."""
        divisor: Float32Array = np.where(self.scale == 0, np.float32(1), self.scale)
        return divisor.reshape(-1, *[1] * (table.ndim - 1))

    def _of_shift(self, model: Model) -> tuple[Float64Array, Float64Array]:
        """Return r of `fold`, float64[n_features, n_outputs], and half of <r, c>."""
        pull = np.zeros(model.linear.shape)
        pull_of = _PULLS.get(model.traits.interactions)
        if pull_of is not None and self.shift.any():
            pull = pull_of(model, self.shift.astype(np.float64))
        return pull, dot(self.shift, pull) / 2


def _pull_of_pairs(model: Model, shift: Float64Array) -> Float64Array:
    """Return ``<v_i, sum_j c_j v_j> - <v_i, v_i> c_i`` for all features i."""
    factors = _table(model)
    moved = np.flatnonzero(shift)
    total = dot(shift[moved], factors[moved])

    def pull(own: Float64Array, block: slice) -> Float64Array:
        own_part = np.einsum("nck,nck->nc", own, own) * shift[block, np.newaxis]
        return np.asarray(np.einsum("nck,ck->nc", own, total) - own_part)

    return _by_blocks(model, pull)


def _pull_by_field(model: Model, shift: Float64Array) -> Float64Array:
    """Return ``sum_{j != i} <v_{i, f_j}, v_{j, f_i}> c_j`` for all features i."""
    factors, field_of = _table(model), _fields(model)
    totals = np.zeros((model.n_fields, *factors.shape[1:]))
    for j in np.flatnonzero(shift):
        totals[field_of[j]] += factors[j].astype(np.float64) * shift[j]

    def pull(own: Float64Array, block: slice) -> Float64Array:
        field = field_of[block]
        theirs = totals[:, :, field]  # (their field, output, feature, factor)
        same = own[np.arange(len(own)), :, field]
        own_part = np.einsum("nck,nck->nc", same, same) * shift[block, np.newaxis]
        return np.asarray(np.einsum("ncgk,gcnk->nc", own, theirs) - own_part)

    return _by_blocks(model, pull)


def _pull_of_weighted_pairs(model: Model, shift: Float64Array) -> Float64Array:
    """Return ``sum_{j != i} r_{f_i, f_j} <v_i, v_j> c_j`` for all features i."""
    factors, field_of = _table(model), _fields(model)
    assert model.pair_weights is not None
    pairs = model.pair_weights.astype(np.float64)
    totals = np.zeros((model.n_fields, *factors.shape[1:]))
    for j in np.flatnonzero(shift):
        totals[field_of[j]] += factors[j].astype(np.float64) * shift[j]
    weighted = np.einsum("cfg,gck->fck", pairs, totals)

    def pull(own: Float64Array, block: slice) -> Float64Array:
        field = field_of[block]
        squares = np.einsum("nck,nck->nc", own, own) * pairs[:, field, field].T
        own_part = squares * shift[block, np.newaxis]
        return np.asarray(np.einsum("nck,nck->nc", own, weighted[field]) - own_part)

    return _by_blocks(model, pull)


_PULLS: dict[InteractionForm, Callable[[Model, Float64Array], Float64Array]] = {
    InteractionForm.PAIRS: _pull_of_pairs,
    InteractionForm.FIELD_AWARE: _pull_by_field,
    InteractionForm.FIELD_WEIGHTED: _pull_of_weighted_pairs,
}


CENTRABLE = frozenset({InteractionForm.NONE, *_PULLS})
"""Models whose features may be shifted. A product of three shifted features has no such form."""


def _by_blocks(model: Model, pull: Callable[[Float64Array, slice], Float64Array]) -> Float64Array:
    """Compute in float64 for some features at a time, so that temporary copies stay small."""
    factors = _table(model)
    size = max(1, _BLOCK // max(1, factors[:1].size))
    out = np.empty(model.linear.shape)
    for start in range(0, len(factors), size):
        block = slice(start, start + size)
        out[block] = pull(factors[block].astype(np.float64), block)
    return out


def _table(model: Model) -> Float32Array:
    assert model.factors is not None
    return model.factors


def _fields(model: Model) -> AnyArray:
    assert model.schema is not None
    return model.schema.field_of


def is_mapped(rows: Rows) -> bool:
    """Whether rows lie on disk, so that a copy of all of them may not fit into memory."""
    array: Any = rows.indices
    while isinstance(array, (np.ndarray, memoryview)):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return isinstance(array, mmap.mmap)
