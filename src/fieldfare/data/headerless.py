"""Tables without a header: names for their columns, and what is assumed to be the target.

Sources call columns without names by their positions: f0, f1, f2, ... Where the first is assumed to
be the target, as in libsvm text and in many public sets, it is called "target".
"""

from __future__ import annotations

import warnings

from fieldfare.exceptions import DataWarning, SchemaError
from fieldfare.schema.schema import Schema
from fieldfare.sources.source import Table

TARGET = "target"
_VALUES_SHOWN = 5
_GLIMPSE_ROWS = 1000


def with_target_first(table: Table) -> Table:
    """Return a table without names whose first column is called "target", and say so."""
    named = table.named([TARGET, *table.names[1:]])
    distinct = list(dict.fromkeys(table.head(_GLIMPSE_ROWS).column(0).to_pylist()))
    shown = ", ".join(map(str, distinct[:_VALUES_SHOWN]))
    warnings.warn(
        DataWarning(
            f"{_place(table)} has no header, and no target is named: its first column is taken for "
            f"the target (values {shown}{', ...' if len(distinct) > _VALUES_SHOWN else ''}). If "
            "that is right, say target=0 (--target 0); if another column is the target, give its "
            "position; names=[...] (--names) names all columns, and header=True (--header) says "
            "that the first row does."
        ),
        stacklevel=2,
    )
    return named


def with_names_of(schema: Schema, table: Table, *, labelled: bool | None) -> Table:
    """Return a table without names with those that a Schema gives its columns.

    As many columns as the Schema has features are these features, in order, unless there must be a
    target. Otherwise the Schema must be that of a table without names, too.

    Raises
    ------
    SchemaError
        If the Schema has names of its own, and nothing says which columns have them.
    """
    # Derived columns, such as the hour of a date, are not columns of the file.
    features = [column.name for column in schema.columns if column.source is None]
    if labelled is not True and len(table.names) == len(features):
        return table.named(features)
    known = {*features, schema.target, schema.weight, schema.group} - {None}
    for names in (table.names, [TARGET, *table.names[1:]]):
        if known <= set(names):
            return table.named(names)
    raise SchemaError(
        f"{_place(table)} has {len(table.names)} columns and no header, so it is not known which "
        f"column is which. The columns that are needed are {', '.join(map(repr, features))}. Name "
        "all columns of the file, in its order, with names=[...] (--names)."
    )


def _place(table: Table) -> str:
    return str(table.files[0]) if table.files else "The table"
