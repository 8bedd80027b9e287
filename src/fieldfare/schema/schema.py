"""Schema: what the columns of a table mean, and the feature ids that their values have."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fieldfare._arguments import checked
from fieldfare._files import atomic_write, open_regular
from fieldfare._typing import JSON, AnyArray, PathLike, UInt16Array
from fieldfare._validation import shown
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.rows import MAX_FIELDS, MAX_INDEX, Rows
from fieldfare.schema import serialise as serial
from fieldfare.schema.classes import Classes
from fieldfare.schema.column import Column, assign_fields
from fieldfare.schema.derive import expand, with_parts
from fieldfare.schema.dictionary_encoded import DictionaryEncodedTable
from fieldfare.schema.editable import read_columns, write_columns
from fieldfare.schema.encode import encode_features, encode_labels
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.schema.features import Features
from fieldfare.schema.fit import Fitted, learn, learn_more
from fieldfare.schema.hints import Hints
from fieldfare.schema.infer import infer_columns
from fieldfare.schema.names import printed, to_frame
from fieldfare.schema.numbered import Indexed, spread_of
from fieldfare.schema.settle import learn_guessed
from fieldfare.sources.batch import Batch, column_at, require_column, stacked
from fieldfare.sources.formats import open_table
from fieldfare.sources.matrix import array_rows
from fieldfare.sources.reading import Reading, only_reading, without_reading
from fieldfare.sources.source import Table

__all__ = ["Column", "Indexed", "Schema"]


@dataclass(frozen=True, eq=False)
class Schema(Features):
    """What the columns of a table mean; immutable.

    Make one with `Schema.infer` or from a list of `Column`, adjust it with `edit`, learn
    vocabularies and statistics with `fit` (on training data only), and turn tables into `Rows` with
    `encode`. The ids of a fitted Schema follow the order of the columns: per column the id of
    missing values, the id of unknown values (if there is a vocabulary), then the values, most
    frequent first.

    Parameters
    ----------
    columns : sequence of Column
        In the order in which they are encoded. Fields are numbered in order of first appearance.
        Behind a column of dates come those derived from it, such as ``when.hour``.
    target, weight, group : str or None
        Names of the columns that hold what is predicted, sample weights, and groups.
    notes : tuple of str
        Decisions of `infer` that may have to be overruled, a line each; they change nothing.

    Raises
    ------
    SchemaError
        If names repeat, or there are too many fields.
    """

    columns: tuple[Column, ...] = ()
    target: str | None = None
    weight: str | None = None
    group: str | None = None
    target_classes: tuple[str, ...] | None = None
    fitted: tuple[Fitted | None, ...] | None = None
    n_rows: int = 0
    ids: Indexed | None = None
    guessed: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        roles = {self.target, self.weight, self.group}
        object.__setattr__(self, "columns", expand(self.columns, roles))
        known: set[str] = set()
        for name in (column.name for column in self.columns):
            if name in known:
                raise SchemaError(f"A Schema needs distinct column names. {name!r} repeats.")
            known.add(name)
            if name in (self.target, self.weight):
                raise SchemaError(
                    f"Column {name!r} is the target or weight and cannot be a feature."
                )
        if len(self.field_names) > MAX_FIELDS:
            raise SchemaError(
                f"There may be at most {MAX_FIELDS} fields. Got {len(self.field_names)}. Let "
                "related features share one."
            )

    # -- making ---------------------------------------------------------------------------------

    @staticmethod
    @checked
    def infer(
        table: Any,
        target: str | int | None = None,
        weight: str | int | None = None,
        group: str | int | None = None,
        **how: Any,
    ) -> Schema:
        """Return an unfitted Schema with sensible columns for a table.

        Parameters
        ----------
        table : path, DataFrame, Arrow table or anything else that `open_table` reads
            Its first 10,000 rows decide; the rules are those of `fieldfare.schema.infer`.
        target, weight, group : str, int or None
            Columns that are not features. (A group stays a feature unless it is set to ignore.)
            An integer is the position of a column, from 0, unless a column has that name.
        **how
            What is known of the columns and therefore not inferred (``categorical``, ``numeric``,
            ``ignore``, ``bins`` and ``na_values``), and how a file is to be read (``format``,
            ``header``, ``names`` and ``sep``), as for `fieldfare.load_data`.

        Raises
        ------
        SchemaError
            If a named column does not exist.
        ConfigError
            If hints contradict each other.
        """
        opened = open_table(table, Reading(**only_reading(how)))
        roles = [column_at(opened.names, role) for role in (target, weight, group)]
        return Schema.inferred(opened, Hints.of(**without_reading(how)), *roles)

    @staticmethod
    def inferred(
        table: Table,
        hints: Hints,
        target: str | None = None,
        weight: str | None = None,
        group: str | None = None,
    ) -> Schema:
        """Return what `infer` does, of a table that is open already."""
        found = infer_columns(table, target, weight, group, hints)
        return Schema(
            found.columns, target, weight, group, guessed=found.guessed, notes=found.notes
        )

    @staticmethod
    @checked
    def indexed(
        n_features: int,
        n_fields: int,
        field_names: Sequence[str] | None = None,
        feature_names: Sequence[str] | None = None,
        field_of: UInt16Array | None = None,
    ) -> Schema:
        """Return the Schema of data whose features are numbered already; `encode` changes nothing.

        Parameters
        ----------
        n_features, n_fields : int
            Features are below ``n_features``, fields below ``n_fields`` (0: no fields).
        field_names, feature_names : sequence of str or None
            Names to print; by default the numbers.
        field_of : uint16 array of shape (n_features,) or None
            Field of each feature where it is known.
        """
        fields = tuple(map(str, range(n_fields) if field_names is None else field_names))
        names = None if feature_names is None else tuple(map(str, feature_names))
        return Schema(ids=Indexed(n_features, n_fields, fields, names, field_of))

    @checked
    def with_spread_of(self, rows: Rows) -> Schema:
        """Return a Schema of numbered features that knows how these vary over the training rows.

        Raises
        ------
        SchemaError
            If the features are those of columns.
        """
        if self.ids is None:
            raise SchemaError("Only a Schema of numbered features knows how these vary.")
        return replace(self, ids=replace(self.ids, spread=spread_of(rows, self.n_features)))

    @checked
    def edit(
        self, column: str | Iterable[str] | Mapping[str, Mapping[str, Any]], **changes: Any
    ) -> Schema:
        """Return a Schema with some parameters of one or several columns changed.

        Changing anything but the role or field of a column makes the Schema unfitted, because
        feature ids depend on all columns. What is derived from a column of dates follows its role,
        its field, its ``parts`` and its kind.

        Parameters
        ----------
        column : str, iterable of str, or mapping from column to parameters
            Which columns; a mapping holds changes of its own for each.
        **changes
            Parameters of `Column`, for each of the columns.

        Raises
        ------
        SchemaError
            If there is no such column.
        ConfigError
            If a parameter does not exist or has a value that is not allowed.

        Examples
        --------
        >>> schema = Schema([Column("site"), Column("age"), Column("shop", kind="numeric")])
        >>> schema = schema.edit(["age", "shop"], min_count=5)
        >>> schema = schema.edit({"age": {"kind": "numeric"}, "shop": {"kind": "ignore"}})
        >>> [column.kind for column in schema.columns]
        ['categorical', 'numeric', 'ignore']
        """
        names = (column,) if isinstance(column, str) else column
        given = names if isinstance(names, Mapping) else {name: {} for name in names}
        schema = self
        for name, own in given.items():
            if not isinstance(own, Mapping):
                raise ConfigError(
                    f"The changes to a column are a mapping from parameter to value. Got "
                    f"{shown(own)} for the column {name!r}."
                )
            schema = schema._edit_one(name, {**changes, **own})
        return schema

    def _edit_one(self, column: str, changes: Mapping[str, Any]) -> Schema:
        old = self.column(column)
        new = old.change(**changes)
        columns = tuple(new if c is old else c for c in self.columns)
        if set(changes) <= {"role", "field"}:
            columns = tuple(c.change(**changes) if c.source == column else c for c in columns)
            return replace(self, columns=columns)
        notes = self._notes_without({column})
        return replace(
            self.unfitted(), columns=columns, guessed=self.guessed - {column}, notes=notes
        )

    def _notes_without(self, names: Collection[str]) -> tuple[str, ...]:
        """Return the notes on other columns; each begins with the column that it is about."""
        about = tuple(f"Column {name!r} " for name in names)
        return tuple(note for note in self.notes if not note.startswith(about))

    def unfitted(self) -> Schema:
        """Return the Schema without what was learned."""
        return replace(self, fitted=None, target_classes=None, n_rows=0)

    @checked
    def with_fields(self, fields: Mapping[str, Any] | Sequence[Any]) -> Schema:
        """Return a Schema whose columns have the given fields.

        Parameters
        ----------
        fields : mapping from column to field, or sequence of fields
            Names or numbers; columns of the same field share it. A sequence gives one for each
            column that is a feature, in order; a mapping leaves other columns as they are.

        Raises
        ------
        SchemaError
            If there is no such column, or not one field per column.
        """
        return replace(self, columns=assign_fields(self.columns, fields))

    def with_hints(self, hints: Hints) -> Schema:
        """Return a Schema, not fitted yet, whose columns are changed as the hints say.

        Raises
        ------
        SchemaError
            If there is no such column, or the Schema is fitted, so that feature ids depend on what
            its columns are.
        """
        if not hints:
            return self
        if self.is_fitted:
            raise SchemaError(
                f"{', '.join(f'{name}=' for name in hints.given)} cannot change a fitted Schema, "
                "or that of a model. Leave it out, or change the columns with schema.edit(...) "
                "before they are fitted."
            )
        hints = hints.located([c.name for c in self.columns])
        hints.check([c.name for c in self.columns], (self.target, self.weight))
        columns = tuple(map(hints.applied, self.columns))
        same = {new.name for old, new in zip(self.columns, columns, strict=True) if old == new}
        return replace(self, columns=columns, guessed=self.guessed & same)

    @checked
    def column(self, name: str) -> Column:
        """Return the column of a name.

        Raises
        ------
        SchemaError
            If there is no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        require_column(name, [column.name for column in self.columns])
        raise AssertionError

    # -- learning -------------------------------------------------------------------------------

    @checked
    def fit(self, batches: Any, *, n_threads: int | None = None) -> Schema:
        """Return a Schema with vocabularies and statistics learned from training data.

        Parameters
        ----------
        batches : iterable of table batches, or one table
            Read once, in bounded memory but for the vocabularies themselves.
        n_threads : int or None
            ``None``: one per core. The result is the same for any number.

        Raises
        ------
        SchemaError
            If a column is missing or does not fit its kind, naming the row.
        """
        if self.is_indexed:
            return self
        return self.fit_table(open_table(batches), n_threads)

    def fit_table(self, table: Table, n_threads: int | None = None) -> Schema:
        """Return what `fit` does, of a table that is open already."""
        classes = None if self.target is None else Classes(self.target)
        if not self.guessed:
            learned = learn(self.columns, classes, table.batches(), n_threads)
        else:
            if not table.is_rereadable:
                table = DictionaryEncodedTable(table, self.columns, (), n_threads)
            learned = learn_guessed(self.columns, self.guessed, classes, table, n_threads)
        n_features = sum(fitted.size for fitted in learned.fitted if fitted is not None)
        if n_features > MAX_INDEX:
            raise SchemaError(
                f"{n_features} features are more than the {MAX_INDEX} that are possible. "
                "Raise min_count or set hash_buckets."
            )
        learned = learned._replace(notes=(*self._notes_without(self.guessed), *learned.notes))
        return replace(
            self,
            **learned._asdict(),
            target_classes=None if classes is None else classes.finish(learned.n_rows),
            guessed=frozenset(),
        )

    @checked
    def extend(self, batches: Any, *, n_threads: int | None = None) -> Schema:
        """Return a Schema that also knows new values; ids in use never move.

        New values of vocabularies (seen ``min_count`` times in ``batches``) get ids at the end.
        Statistics of numbers, bins and target classes stay as they are.
        """
        if self.is_indexed:
            return self
        return self.extend_batches(open_table(batches).batches(), n_threads)

    def extend_batches(self, batches: Iterable[Batch], n_threads: int | None = None) -> Schema:
        """Return what `extend` does, of the batches of a table that is open already."""
        fitted, n_rows = learn_more(
            self.columns, self._learned(), self.n_features, batches, n_threads
        )
        return replace(self, fitted=fitted, n_rows=self.n_rows + n_rows)

    # -- encoding -------------------------------------------------------------------------------

    @checked
    def encode(
        self,
        batch: Any,
        *,
        labelled: bool = True,
        columns: Sequence[str] | None = None,
        n_threads: int | None = None,
    ) -> Rows:
        """Turn a batch of a table into Rows.

        Parameters
        ----------
        batch : Batch, Arrow batch or table, DataFrame, or (for an indexed Schema) Rows
        labelled : bool
            Whether to read the target (which must then be there) and weights.
        columns : sequence of str or None
            Only these columns, such as those of the items alone; by default all, which must then be
            there. A column of dates stands for what is derived from it.
        n_threads : int or None
            ``None``: one per core. The Rows are the same for any number.

        Returns
        -------
        Rows
            With one entry per column and value, in column order. Values are ``None`` if all one.

        Raises
        ------
        SchemaError, TextFormatError
            If a column is missing or a cell does not fit, naming file, row and column.
        """
        if self.is_indexed:
            return batch if isinstance(batch, Rows) else array_rows(batch)
        return Rows.concatenate(
            [
                self.encode_batch(part, labelled=labelled, columns=columns, n_threads=n_threads)
                for part in open_table(batch).batches()
            ]
        )

    def encode_batch(
        self,
        batch: Batch,
        *,
        labelled: bool = True,
        columns: Sequence[str] | None = None,
        n_threads: int | None = None,
    ) -> Rows:
        """Return what `encode` does, of one batch of a table that is open already."""
        named = None if columns is None else {self.column(name).name for name in columns}
        used = [
            (column, fitted)
            for column, fitted in zip(self.columns, self._learned(), strict=True)
            if fitted is not None
            and (named is None or column.name in named or column.source in named)
        ]
        batch = with_parts(self.columns, batch, [column for column, _ in used], n_threads)
        rows = encode_features(used, self._field_number, batch, n_threads)
        names = {"target": self.target, "weight": self.weight, "group": self.group}
        return rows.with_(**encode_labels(names, self.target_classes, batch, labelled=labelled))

    def derive(self, table: Any) -> Any:
        """Return a table with the columns that are derived from dates, such as ``when.hour``.

        Exports that read columns take these: other programs split no dates.

        Parameters
        ----------
        table : path, DataFrame, Arrow table or anything else that `open_table` reads

        Returns
        -------
        pyarrow.Table
            The columns of the table, then the derived ones: texts, and float64 for years and ages.

        Raises
        ------
        SchemaError
            If a column of dates is missing, or holds none.
        """
        opened = open_table(table)
        batches = [with_parts(self.columns, batch).data for batch in opened.batches()]
        return stacked(batches or [with_parts(self.columns, Batch(opened.head(0))).data])

    def sample_encoder(self) -> SampleEncoder:
        """Return an encoder of single samples, which takes microseconds where `encode` takes more.

        Raises
        ------
        SchemaError
            If the Schema is not fitted, or has no columns because its features are numbered.
        """
        if self.is_indexed:
            raise SchemaError(
                "Features of this Schema are numbered, so that samples have no columns. Pass Rows "
                "of feature ids."
            )
        pairs = zip(self.columns, self._learned(), strict=True)
        sources = {column.name: column for column in self.columns if column.kind == "datetime"}
        return SampleEncoder(
            (
                column,
                fitted,
                self._field_number[column.field_name],
                sources.get(column.source or ""),
            )
            for column, fitted in pairs
            if fitted is not None
        )

    def _learned(self) -> tuple[Fitted | None, ...]:
        if self.fitted is None:
            raise SchemaError("This Schema is not fitted. Call schema.fit(training_data) first.")
        return self.fitted

    # -- printing and saving ----------------------------------------------------------------------

    def __str__(self) -> str:
        return str(printed(self))

    def __repr__(self) -> str:
        return str(printed(self))

    def _repr_html_(self) -> str:
        return printed(self).html()

    def to_frame(self) -> Any:
        """Return the columns as a pandas DataFrame, one per row, with what is printed of them."""
        return to_frame(self)

    @checked
    def write_columns(self, path: PathLike) -> None:
        """Write what the columns mean, without what was learned, as JSON that people can edit.

        `read_columns` and ``fieldfare train --schema`` read it.

        Raises
        ------
        SchemaError
            If there are no columns, because features are numbered.
        OutputError
            If the file cannot be written.
        """
        if self.is_indexed:
            raise SchemaError("Features of this Schema are numbered: it has no columns to write.")
        roles = {"target": self.target, "weight": self.weight, "group": self.group}
        with atomic_write(path) as file:
            file.write(write_columns(self.columns, roles).encode())

    @staticmethod
    @checked
    def read_columns(path: PathLike) -> Schema:
        """Return the Schema, not fitted yet, of a file that `write_columns` wrote.

        Raises
        ------
        SchemaError
            If the file does not describe columns; the message says where.
        """
        try:
            with open_regular(path) as file:
                text = file.read().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError(
                f"{os.fspath(path)} cannot be read as a file of columns: {error}."
            ) from error
        return Schema(**read_columns(text, str(path)))

    def to_json(self) -> tuple[JSON, dict[str, AnyArray]]:
        """Return what JSON can hold, and the rest (vocabularies, edges, counts) as arrays."""
        return serial.to_json(self)

    @staticmethod
    @checked
    def from_json(header: JSON, arrays: Mapping[str, AnyArray]) -> Schema:
        """Return the Schema that `to_json` described.

        Raises
        ------
        SchemaError
            If the parts do not fit together.
        """
        return Schema(**serial.from_json(header, arrays))

    @cached_property
    def digest(self) -> str:
        """A hexadecimal fingerprint of everything that decides the encoding."""
        return serial.digest(self)
