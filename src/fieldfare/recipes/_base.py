"""Recipe: derived columns that are made alike for training rows and for new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fieldfare.schema import compose
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


class Step(Protocol):
    """What makes one column of features."""

    @property
    def column(self) -> Column:
        """What the column means."""

    def make(self, table: Any) -> Any:
        """Return the column for the rows of a table, as an Arrow array."""

    def on(self, history: Any) -> Step:
        """Return the step with its histories taken from another table of interactions."""


@dataclass(frozen=True)
class Keep:
    """A column taken as it is."""

    column: Column

    def make(self, table: Any) -> Any:
        """Return the column."""
        return compose.column_of(table, self.column.name)

    def on(self, history: Any) -> Keep:
        """Return itself."""
        return self


@dataclass(frozen=True)
class Roles:
    """Columns that are no features: the target, and the group that `group_of` makes together."""

    target: str | None = None
    group: str | None = None
    group_of: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Recipe:
    """Features that make a factorization machine equal to a special model.

    Made by the functions of `fieldfare.recipes`; pickle keeps it for later predictions.

    Parameters
    ----------
    table : pyarrow.Table
        The training rows: a column for each kind of feature, and the target. Train with
        ``fieldfare.train(recipe.table, schema=recipe.schema)``, or write it to Parquet for the
        command line; its columns say themselves what they are.
    schema : Schema
        What the columns mean; not fitted yet.
    steps : tuple of Step
        What makes the columns.
    roles : Roles
        Other columns that `transform` keeps.
    """

    table: Any
    schema: Schema
    steps: tuple[Step, ...]
    roles: Roles

    def transform(self, table: Any, *, history: Any = None) -> Any:
        """Return the features of new rows.

        The rows a user has in ``table`` tell nothing about each other: everything that a recipe
        knows of users and items comes from the history. A row never sees its own target.

        Parameters
        ----------
        table : anything tabular
            With the columns that the recipe was made from; the target may be missing.
        history : anything tabular, optional
            Interactions to take histories from (rated items, last baskets), by default those that
            the recipe was made from. What describes the training data as a whole (mean ratings,
            bins of time) stays as it was.

        Returns
        -------
        pyarrow.Table
            As ``self.table``, with the target only if ``table`` has it.

        Raises
        ------
        SchemaError
            If a column is missing or holds what it may not.
        """
        steps: Sequence[Step] = self.steps
        if history is not None:
            past = compose.read(history)
            steps = [step.on(past) for step in steps]
        return _features(compose.read(table), steps, self.roles)

    def __repr__(self) -> str:
        names = ", ".join(step.column.name for step in self.steps)
        return f"Recipe({self.table.num_rows} rows, columns {names})"


def cook(table: Any, steps: Sequence[Step], roles: Roles) -> Recipe:
    """Return the recipe of some steps, applied to its training rows."""
    if roles.target is not None:
        compose.column_of(table, roles.target)
    schema = Schema(tuple(step.column for step in steps), roles.target, group=roles.group)
    return Recipe(_features(table, steps, roles), schema, tuple(steps), roles)


def _features(table: Any, steps: Sequence[Step], roles: Roles) -> Any:
    columns: dict[Any, Any] = {step.column.name: (step.make(table), step.column) for step in steps}
    if roles.target is not None and roles.target in table.column_names:
        columns[roles.target] = (compose.column_of(table, roles.target), None)
    if roles.group is not None:
        parts = [compose.column_of(table, name) for name in roles.group_of]
        columns[roles.group] = (compose.crossed(parts), None)
    return compose.table_of(columns)


def keep(table: Any, name: str, role: str | None = None) -> Keep:
    """Return the step that takes a column as categories, whatever its type."""
    compose.column_of(table, name)
    return Keep(Column(name, "categorical", role=role))
