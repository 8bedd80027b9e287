"""RelatedRows: samples that refer to rows of side tables instead of repeating their entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array, UInt32Array
from fieldfare._validation import Named, check, shown
from fieldfare.exceptions import DataError
from fieldfare.rows.arrays import (
    DTYPES,
    PER_ENTRY,
    check_array,
    check_parts,
    check_row_numbers,
    largest,
)
from fieldfare.rows.batch import Rows, own_entries


@dataclass(frozen=True, eq=False)
class Relation:
    """A side table, and which of its rows each sample refers to.

    Parameters
    ----------
    codes : uint32 array of shape (n_samples,)
        Row of ``rows`` whose entries the sample has too.
    rows : Rows
        The side table; without targets.
    """

    codes: UInt32Array
    rows: Rows

    def __post_init__(self) -> None:
        check_array("codes", self.codes, np.dtype(np.uint32))
        if largest(self.codes) >= self.rows.n_rows:
            raise DataError(
                f"A sample refers to row {largest(self.codes)} of a side table of "
                f"{self.rows.n_rows} rows."
            )


@dataclass(frozen=True, eq=False)
class RelatedRows:
    """Rows that share entries: each sample has its own, and those of a row of each side table.

    Coordinate descent and Gibbs sampling use the side tables as they are (Rendle 2013). Everything
    else works on Rows, which `join` makes of these, best a block at a time.

    Parameters
    ----------
    own : Rows
        What the samples have of their own: entries, which may be none, and targets, weights and
        groups.
    relations : tuple of Relation
        The side tables.

    Raises
    ------
    DataError
        If a side table has not one code per row.
    """

    own: Rows
    relations: tuple[Relation, ...] = ()

    def __post_init__(self) -> None:
        check("own", self.own, Named(("Rows",), "Rows"), "RelatedRows")
        each = Named(("Relation",), "a Relation")
        relations = self.relations
        if not isinstance(relations, (tuple, list)) or not all(map(each.allows, relations)):
            raise DataError(
                f"The relations must be a tuple, each item {each}. Got {shown(relations)}."
            )
        for relation in relations:
            if len(relation.codes) != self.n_rows:
                raise DataError(
                    f"Rows need one code per row ({self.n_rows} rows) for each side table. Got "
                    f"{len(relation.codes)}."
                )

    def __len__(self) -> int:
        return self.n_rows

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return self.own.n_rows

    @property
    def nnz(self) -> int:
        """Number of entries that the samples have, their own and those of side tables."""
        related = (np.diff(r.rows.indptr)[r.codes].sum() for r in self.relations)
        return self.own.nnz + int(sum(related))

    @property
    def n_features(self) -> int:
        """One more than the largest feature id, side tables included."""
        return max([self.own.n_features, *(r.rows.n_features for r in self.relations)])

    @property
    def n_fields(self) -> int:
        """One more than the largest field, side tables included; 0 without fields."""
        return max([self.own.n_fields, *(r.rows.n_fields for r in self.relations)])

    @property
    def target(self) -> Float32Array | None:
        """What is to be predicted, float32 array of shape (n_rows,)."""
        return self.own.target

    @property
    def weight(self) -> Float32Array | None:
        """Weights of the samples, float32 array of shape (n_rows,)."""
        return self.own.weight

    @property
    def group(self) -> Int64Array | None:
        """Group of each sample, int64 array of shape (n_rows,)."""
        return self.own.group

    @property
    def split_by(self) -> Int64Array | None:
        """What a validation part is held out by, int64 array of shape (n_rows,)."""
        return self.own.split_by

    def with_(self, **arrays: AnyArray | None) -> RelatedRows:
        """Return the same samples with some of their own arrays replaced or removed."""
        return replace(self, own=self.own.with_(**arrays))

    @checked
    def slice(self, start: int, stop: int) -> RelatedRows:
        """Return rows ``start`` to ``stop`` (exclusive), sharing memory."""
        span = slice(start, stop)
        relations = tuple(Relation(r.codes[span], r.rows) for r in self.relations)
        return RelatedRows(self.own.slice(start, stop), relations)

    def take(self, rows: AnyArray) -> RelatedRows:
        """Return a copy of the chosen rows, as `Rows.take` does; side tables are shared."""
        rows = check_row_numbers(rows, self.n_rows)
        relations = tuple(Relation(r.codes[rows], r.rows) for r in self.relations)
        return RelatedRows(self.own.take(rows), relations)

    @staticmethod
    def concatenate(parts: Sequence[RelatedRows]) -> RelatedRows:
        """Append batches to each other; side tables that differ are appended too.

        Parameters
        ----------
        parts : sequence of RelatedRows
            At least one, all with as many side tables, in the same order.

        Raises
        ------
        DataError
            If the numbers of side tables differ, and as `Rows.concatenate` does.
        """
        check_parts(parts, RelatedRows)
        numbers = {len(part.relations) for part in parts}
        if len(numbers) != 1:
            raise DataError(
                "Rows with side tables can be concatenated if all have as many. Got "
                f"{', '.join(map(str, sorted(numbers))) or 'none'}: join them first."
            )
        relations = zip(*(part.relations for part in parts), strict=True)
        own = Rows.concatenate([part.own for part in parts])
        return RelatedRows(own, tuple(map(_concatenate_relations, relations)))

    def join(self) -> Rows:
        """Return the same samples with all their entries, own ones first."""
        parts = [self.own, *(r.rows.take(r.codes) for r in self.relations)]
        lengths = [np.diff(part.indptr) for part in parts]
        indptr = np.zeros(self.n_rows + 1, np.int64)
        np.cumsum(np.sum(lengths, axis=0), out=indptr[1:])
        places, at = [], indptr[:-1].copy()
        for length in lengths:
            first = np.cumsum(length) - length
            places.append(np.repeat(at - first, length) + np.arange(int(length.sum())))
            at += length
        columns: dict[str, AnyArray | None] = {}
        for name in ("indices", *PER_ENTRY):
            if all(getattr(part, name) is None for part in parts):
                columns[name] = None
                continue
            out = np.empty(int(indptr[-1]), DTYPES[name])
            for part, place in zip(parts, places, strict=True):
                missing = 1 if name == "values" else 0
                out[place] = missing if getattr(part, name) is None else own_entries(part, name)
            columns[name] = out
        return self.own.with_(indptr=indptr, **columns)


@checked
def as_rows(rows: Rows | RelatedRows) -> Rows:
    """Return Rows: themselves, or joined with their side tables."""
    return rows.join() if isinstance(rows, RelatedRows) else rows


@checked
def squared_lengths(rows: Rows | RelatedRows) -> Float64Array:
    """Return the sum of the squared values of each row, float64[n_rows]; side tables count."""
    if isinstance(rows, RelatedRows):
        lengths = squared_lengths(rows.own)
        for relation in rows.relations:
            lengths += squared_lengths(relation.rows)[relation.codes]
        return lengths
    if rows.values is None:
        return np.diff(rows.indptr).astype(np.float64)
    first, last = int(rows.indptr[0]), int(rows.indptr[-1])
    sums = np.zeros(last - first + 1)
    np.cumsum(np.square(rows.values[first:last], dtype=np.float64), out=sums[1:])
    return np.asarray(np.diff(sums[rows.indptr - first]))


def _concatenate_relations(relations: Sequence[Relation]) -> Relation:
    first = relations[0].rows
    if all(relation.rows is first for relation in relations):
        return Relation(np.concatenate([relation.codes for relation in relations]), first)
    starts = np.cumsum([0, *(relation.rows.n_rows for relation in relations)])
    codes = [
        relation.codes + np.uint32(start)
        for start, relation in zip(starts[:-1], relations, strict=True)
    ]
    rows = Rows.concatenate([relation.rows for relation in relations])
    return Relation(np.concatenate(codes), rows)
