"""Rows: a batch of samples in compressed sparse row form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import (
    AnyArray,
    Float32Array,
    Int64Array,
    UInt16Array,
    UInt32Array,
)
from fieldfare._validation import Number, check
from fieldfare.exceptions import DataError
from fieldfare.rows.arrays import (
    DTYPES,
    MAX_FIELD,
    MAX_INDEX,
    PER_ENTRY,
    PER_ROW,
    check_array,
    check_parts,
    check_row_numbers,
    largest,
)


@dataclass(frozen=True, eq=False)
class Rows:
    """A batch of samples, immutable, in compressed sparse row (CSR) form.

    Row ``i`` has the features ``indices[indptr[i]:indptr[i+1]]``. A slice shares the arrays of its
    parent, so ``indptr[0]`` need not be zero.

    Parameters
    ----------
    indptr : int64 array of shape (n_rows + 1,)
        Start of each row in the arrays below; never decreases.
    indices : uint32 array of shape (nnz,)
        Feature ids.
    values : float32 array of shape (nnz,) or None
        Feature values, finite; ``None`` when all are one.
    fields : uint16 array of shape (nnz,) or None
        Field of each entry; ``None`` when the data have no fields.
    target : float32 array of shape (n_rows,) or None
        What is to be predicted: a number, 0 or 1, or the number of a class. Finite.
    weight : float32 array of shape (n_rows,) or None
        Weights of the samples, not negative; ``None`` when all are one.
    group : int64 array of shape (n_rows,) or None
        Group of each sample (a query or a user), for grouped metrics.
    split_by : int64 array of shape (n_rows,) or None
        What a validation part is held out by: the time of each sample, or its group; see
        `fieldfare.data.split_by`.

    Raises
    ------
    DataError
        If an array has the wrong shape, dtype or content. Nothing is copied or converted.
    """

    indptr: Int64Array
    indices: UInt32Array
    values: Float32Array | None = None
    fields: UInt16Array | None = None
    target: Float32Array | None = None
    weight: Float32Array | None = None
    group: Int64Array | None = None
    split_by: Int64Array | None = None

    def __post_init__(self) -> None:
        for name, dtype in DTYPES.items():
            array = getattr(self, name)
            if array is None and name not in ("indptr", "indices"):
                continue
            check_array(name, array, dtype)
        if len(self.indptr) == 0:
            raise DataError("Rows need an indptr of at least one entry. Got an empty array.")
        for name in PER_ENTRY:
            array = getattr(self, name)
            if array is not None and len(array) != len(self.indices):
                raise DataError(
                    f"Rows need as many {name} as indices ({len(self.indices)}). Got {len(array)}."
                )
        for name in PER_ROW:
            array = getattr(self, name)
            if array is not None and len(array) != self.n_rows:
                raise DataError(
                    f"Rows need one {name} per row ({self.n_rows} rows). Got {len(array)}."
                )
        start, stop = int(self.indptr[0]), int(self.indptr[-1])
        if start < 0 or stop > len(self.indices):
            raise DataError(
                f"indptr points outside the indices: it spans {start} to {stop}, and there are "
                f"{len(self.indices)} indices."
            )

    def __len__(self) -> int:
        return self.n_rows

    def __repr__(self) -> str:
        kept = [name for name in (*PER_ENTRY, *PER_ROW) if getattr(self, name) is not None]
        return f"Rows({self.n_rows} rows, {self.nnz} entries, with {', '.join(kept) or 'ones'})"

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return len(self.indptr) - 1

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return int(self.indptr[-1] - self.indptr[0])

    @property
    def span(self) -> slice:
        """Where the entries of these rows lie in the arrays of entries, which slices share."""
        return slice(int(self.indptr[0]), int(self.indptr[-1]))

    @cached_property
    def n_features(self) -> int:
        """One more than the largest feature id."""
        return largest(self.indices[int(self.indptr[0]) : int(self.indptr[-1])]) + 1

    @cached_property
    def n_fields(self) -> int:
        """One more than the largest field; 0 without fields."""
        if self.fields is None:
            return 0
        return largest(self.fields[int(self.indptr[0]) : int(self.indptr[-1])]) + 1

    @property
    def nbytes(self) -> int:
        """Bytes that these rows span in memory or on disk."""
        per_entry = (
            4 + (4 if self.values is not None else 0) + (2 if self.fields is not None else 0)
        )
        per_row = 8 + sum(
            DTYPES[name].itemsize for name in PER_ROW if getattr(self, name) is not None
        )
        return self.nnz * per_entry + self.n_rows * per_row

    def validate(self) -> Rows:
        """Check what costs a pass over the data: monotone indptr, finite numbers, id ranges.

        Returns
        -------
        Rows
            Itself, so that the call can be chained.

        Raises
        ------
        DataError
            Naming the first row at fault.
        """
        steps = np.diff(self.indptr)
        if len(steps) and int(steps.min()) < 0:
            row = int(np.argmax(steps < 0))
            raise DataError(f"indptr must never decrease. It does after row {row}.")
        span = self.span
        if self.n_features - 1 > MAX_INDEX:
            raise DataError(f"Feature ids must be at most {MAX_INDEX}. Got {self.n_features - 1}.")
        if self.n_fields - 1 > MAX_FIELD:
            raise DataError(
                f"Fields must be at most {MAX_FIELD}. Got {self.n_fields - 1}. Number them from 0 "
                "without gaps."
            )
        if self.values is not None:
            bad = ~np.isfinite(self.values[span])
            if bad.any():
                entry = int(np.argmax(bad))
                row = int(np.searchsorted(self.indptr, span.start + entry, side="right")) - 1
                raise DataError(
                    f"Feature values must be finite. Row {row} holds "
                    f"{self.values[span.start + entry]} for feature "
                    f"{self.indices[span.start + entry]}."
                )
        for name in ("target", "weight"):
            array = getattr(self, name)
            if array is not None and not np.isfinite(array).all():
                row = int(np.argmax(~np.isfinite(array)))
                raise DataError(f"Every {name} must be finite. Row {row} has {array[row]}.")
        if self.weight is not None and len(self.weight) and float(self.weight.min()) < 0:
            row = int(np.argmax(self.weight < 0))
            raise DataError(
                f"Sample weights must not be negative. Row {row} has {self.weight[row]}."
            )
        return self

    @checked
    def slice(self, start: int, stop: int) -> Rows:
        """Return rows ``start`` to ``stop`` (exclusive), sharing memory."""
        start, stop, _ = slice(start, stop).indices(self.n_rows)
        stop = max(start, stop)
        # What was checked once is not checked again: a request slices the row of its user.
        part = object.__new__(Rows)
        part.__dict__.update({name: getattr(self, name) for name in DTYPES})
        part.__dict__["indptr"] = self.indptr[start : stop + 1]
        for name in PER_ROW:
            array = getattr(self, name)
            if array is not None:
                part.__dict__[name] = array[start:stop]
        return part

    def take(self, rows: AnyArray) -> Rows:
        """Return a copy of the chosen rows, in the given order.

        Parameters
        ----------
        rows : integer array of shape (n,)
            Row numbers from 0, which may repeat.

        Raises
        ------
        DataError
            If it is no such array.
        """
        rows = check_row_numbers(rows, self.n_rows)
        starts = self.indptr[rows]
        lengths = self.indptr[rows + 1] - starts
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        entries = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        parts = {
            name: None if (array := getattr(self, name)) is None else array[entries]
            for name in PER_ENTRY
        }
        parts |= {
            name: None if (array := getattr(self, name)) is None else array[rows]
            for name in PER_ROW
        }
        return Rows(indptr, self.indices[entries], **parts)

    @checked
    def counts(self, n_features: int) -> Int64Array:
        """Return the number of entries of each of the first features, int64[n_features]."""
        check("n_features", n_features, Number(0, 2**32, integer=True), "Rows.counts")
        ids = own_entries(self, "indices")
        if self.n_features > n_features:
            ids = ids[ids < n_features]
        return np.bincount(ids, minlength=n_features)

    def with_(self, **arrays: AnyArray | None) -> Rows:
        """Return the same rows with some arrays replaced or removed."""
        return replace(self, **arrays)  # type: ignore[arg-type]

    @staticmethod
    def concatenate(parts: Sequence[Rows]) -> Rows:
        """Append batches to each other.

        An optional array is kept if any part has it; parts without values, fields or weights
        contribute ones, zeros and ones. Targets, groups and what rows are split by must be in all
        parts or in none.

        Raises
        ------
        DataError
            If a part is not Rows, or only some have targets, groups or what they are split by.
        """
        check_parts(parts, Rows)
        if len(parts) == 1:
            return parts[0]
        lengths = [np.diff(part.indptr) for part in parts]
        indptr = np.zeros(sum(len(part) for part in parts) + 1, np.int64)
        if lengths:
            np.cumsum(np.concatenate(lengths), out=indptr[1:])
        columns: dict[str, AnyArray | None] = {}
        fill = {"values": 1, "fields": 0, "weight": 1}
        for name in (*PER_ENTRY, *PER_ROW):
            have = [getattr(part, name) is not None for part in parts]
            if not any(have):
                columns[name] = None
                continue
            if name not in fill and not all(have):
                raise DataError(f"Some of the batches have a {name} and some have none.")
            columns[name] = np.concatenate(
                [
                    own_entries(part, name)
                    if there
                    else np.full(
                        part.nnz if name in PER_ENTRY else len(part), fill[name], DTYPES[name]
                    )
                    for part, there in zip(parts, have, strict=True)
                ]
            )
        indices = [own_entries(part, "indices") for part in parts]
        return Rows(
            indptr,
            np.concatenate(indices) if indices else np.zeros(0, np.uint32),
            **columns,
        )


def own_entries(part: Rows, name: str) -> AnyArray:
    """Return an array of a batch without the entries that belong to its parent only."""
    array: AnyArray = getattr(part, name)
    if name in PER_ROW:
        return array
    return array[part.span]
