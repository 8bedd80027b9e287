"""Source: what every format opens to, samples in batches of named columns or numbered features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fieldfare._arguments import checked
from fieldfare._typing import UInt16Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.sources.batch import Batch, first_rows
from fieldfare.sources.files import Files


class Source(ABC):
    """Samples that are read batch by batch, in order.

    Attributes
    ----------
    description : str
        What this is, in a few words, for reports: ``CSV, separator ',', header``.
    files : Files or None
        Where the samples lie; ``None`` for what is in memory.
    is_rereadable : bool
        Whether the batches can be read more than once.
    n_batches : float
        About how many batches there will be; 0 if that is not known.
    """

    description: str
    files: Files | None = None
    is_rereadable: bool = True
    n_batches: float = 0


class Table(Source):
    """Samples with named columns, which a Schema turns into features.

    Attributes
    ----------
    names : list of str
        Of the columns, in order.
    untyped : bool
        Whether all columns are text because the format has no types (CSV).
    has_names : bool
        Whether the source names its columns; otherwise the names stand for positions only, and
        `named` gives others.
    mixed : frozenset of str
        Names of columns that held values of several types, such as numbers and texts, and are text.
    """

    names: list[str]
    untyped: bool = False
    has_names: bool = True
    mixed: frozenset[str] = frozenset()

    @abstractmethod
    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, in batches of bounded size.

        Each batch has exactly the columns `names`, in any order.
        """

    def head(self, n: int) -> Any:
        """Return the first ``n`` rows as one pyarrow RecordBatch."""
        return first_rows(self.names, self.batches(), n)

    @checked
    def named(self, names: Sequence[str]) -> Table:
        """Return the same rows with other names for the columns, if the source has none.

        Raises
        ------
        SchemaError
            If the columns have names.
        """
        raise SchemaError(f"The columns of {self.description} have names.")

    def as_numbered(self) -> Numbered:
        """Return the same samples with the numbers of the columns as feature ids, if they can be.

        Raises
        ------
        SchemaError
            If the columns have names and so mean something else.
        """
        raise SchemaError(
            "The model or Schema expects numbered features (libsvm, libffm or a matrix). "
            f"Got a table with the columns {', '.join(self.names[:10])}."
        )


@dataclass(frozen=True, eq=False)
class Ids:
    """How many feature ids and fields there are, where that is known before reading.

    Parameters
    ----------
    n_features, n_fields : int
    field_of : uint16 array of shape (n_features,) or None
    """

    n_features: int
    n_fields: int
    field_of: UInt16Array | None = None


class Numbered(Source):
    """Samples whose features are numbered already.

    Attributes
    ----------
    ids : Ids or None
        ``None``: known once all rows have passed.
    """

    ids: Ids | None = None

    @abstractmethod
    def rows(self, *, labelled: bool | None = None, n_threads: int | None = None) -> Iterator[Rows]:
        """Yield the samples in order.

        Parameters
        ----------
        labelled : bool or None
            ``True``: every sample must have its target in the source; ``False``: targets are
            dropped; ``None``: as the source has them.
        n_threads : int or None
            ``None``: one per core. The rows are the same for any number.
        """

    def with_fields(self, fields: Any) -> Numbered:
        """Return the same samples, with the field of each column.

        Raises
        ------
        DataError
            If the source has no columns to give fields to.
        """
        raise DataError(
            f"{self.description} holds features that are numbered already, and the field of each "
            f"in its lines, if it has fields. Leave out fields={fields!r}, which is for matrices "
            "and tables."
        )

    def no_column(self, what: str, name: str | int) -> DataError:
        """Return the error for a target, weight or group that is asked for by name."""
        return DataError(
            f"{self.description} has no column {name!r}. Leave out {what}: it is in the lines "
            "themselves."
        )
