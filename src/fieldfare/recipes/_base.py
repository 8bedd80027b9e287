"""Recipe: derived columns that are made in the same way for training rows and new rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fieldfare.schema import compose
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


class Step(Protocol):
    """Makes one column of features."""

    @property
    def column(self) -> Column:
        """Declaration of the column."""

    def make(self, table: Any) -> Any:
        """Return the column for the rows of a table, as an Arrow array."""

    def with_history(self, history: Any) -> Step:
        """Return the same step with its history taken from another table of interactions."""


@dataclass(frozen=True)
class KeepColumn:
    """A column that is taken over unchanged."""

    column: Column

    def make(self, table: Any) -> Any:
        """Return the column."""
        return compose.column_of(table, self.column.name)

    def with_history(self, history: Any) -> KeepColumn:
        """Return itself, since it has no history."""
        return self


@dataclass(frozen=True)
class LabelColumns:
    """Columns that are not features.

    Parameters
    ----------
    target : str or None
        Name of the target.
    group : str or None
        Name of the group, made by crossing the columns ``group_of``.
    group_of : tuple of str
    """

    target: str | None = None
    group: str | None = None
    group_of: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Recipe:
    """Features that make a factorization machine equal to a special model.

    The functions of `fieldfare.recipes` make it. Pickle it for later predictions.

    Parameters
    ----------
    table : pyarrow.Table
        The training rows, with a column for each kind of feature and the target. Train with
        ``fieldfare.train(recipe.table, schema=recipe.schema)``, or write the table to Parquet for
        the command line: the metadata of its columns declare what they mean.
    schema : Schema
        Declarations of the columns, not fitted yet.
    steps : tuple of Step
        Make the feature columns.
    label_columns : LabelColumns
        The other columns.
    """

    table: Any
    schema: Schema
    steps: tuple[Step, ...]
    label_columns: LabelColumns

    def transform(self, table: Any, *, history: Any = None) -> Any:
        """Return the features of new rows.

        The rows of a user in ``table`` do not affect each other: everything that a recipe knows
        about users and items comes from the history. A row never sees its own target.

        Parameters
        ----------
        table : anything tabular
            With the columns that the recipe was made from; the target may be missing.
        history : anything tabular, optional
            Interactions from which histories (rated items, last baskets) are taken, by default
            those that the recipe was made from. What describes the training data as a whole (mean
            ratings, bins of time) stays the same.

        Returns
        -------
        pyarrow.Table
            With the columns of ``self.table``, but the target only if ``table`` has it.

        Raises
        ------
        SchemaError
            If a column is missing or holds values that are not allowed.
        """
        steps: Sequence[Step] = self.steps
        if history is not None:
            past = compose.read(history)
            steps = [step.with_history(past) for step in steps]
        return _features(compose.read(table), steps, self.label_columns)

    def __repr__(self) -> str:
        names = ", ".join(step.column.name for step in self.steps)
        return f"Recipe({self.table.num_rows} rows, columns {names})"


def make_recipe(table: Any, steps: Sequence[Step], labels: LabelColumns) -> Recipe:
    """Return a recipe with these steps, applied to the training rows.

    Raises
    ------
    SchemaError
        If the table does not have the target.
    """
    if labels.target is not None:
        compose.column_of(table, labels.target)
    schema = Schema(tuple(step.column for step in steps), labels.target, group=labels.group)
    return Recipe(_features(table, steps, labels), schema, tuple(steps), labels)


def _features(table: Any, steps: Sequence[Step], labels: LabelColumns) -> Any:
    """Return the table of features, target and group."""
    columns: dict[Any, Any] = {step.column.name: (step.make(table), step.column) for step in steps}
    if labels.target is not None and labels.target in table.column_names:
        columns[labels.target] = (compose.column_of(table, labels.target), None)
    if labels.group is not None:
        parts = [compose.column_of(table, name) for name in labels.group_of]
        columns[labels.group] = (compose.crossed(parts), None)
    return compose.table_of(columns)


def category(table: Any, name: str, role: str | None = None) -> KeepColumn:
    """Return the step that takes over a column as categorical, whatever its type.

    Raises
    ------
    SchemaError
        If there is no such column.
    """
    compose.column_of(table, name)
    return KeepColumn(Column(name, "categorical", role=role))
