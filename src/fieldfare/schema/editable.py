"""The columns of a Schema as a JSON file that people can read and edit.

It holds what columns mean, and nothing that was learned::

    {
      "target": "clicked",
      "columns": [
        {"name": "site", "kind": "categorical"},
        {"name": "age", "kind": "numeric", "transform": "quantile", "n_bins": 16}
      ]
    }

Parameters of a column that are left out have their defaults.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from fieldfare._typing import JSON
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.column import Column

ROLES = ("target", "weight", "group")
_PARAMETERS = tuple(item.name for item in fields(Column))


def write_columns(columns: tuple[Column, ...], roles: dict[str, str | None]) -> str:
    """Return columns, and the names of the target, weight and group, as text to edit."""
    given = {role: name for role, name in roles.items() if name is not None}
    # Lists in JSON keep the tuples of a column; the kind is shown even where it is the default.
    lines = [
        json.dumps(
            {"name": column.name, "kind": column.kind} | column.to_json(), ensure_ascii=False
        )
        for column in columns
    ]
    head = "".join(f"  {json.dumps(role)}: {json.dumps(name)},\n" for role, name in given.items())
    return "{\n" + head + '  "columns": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"


def read_columns(text: str, where: str) -> dict[str, Any]:
    """Return the arguments of the Schema that a text describes.

    Parameters
    ----------
    text : str
        As `write_columns` returns it.
    where : str
        What to call the text in messages.

    Raises
    ------
    SchemaError
        If it does not describe columns.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise SchemaError(f"{where} is not JSON: {error}.") from error
    if not isinstance(given, dict) or not isinstance(given.get("columns"), list):
        raise SchemaError(
            f'{where} must be an object with a list of "columns", as '
            "'fieldfare inspect DATA --save-schema FILE' writes it."
        )
    _check_names(given, (*ROLES, "columns"), where)
    roles = {role: given[role] for role in ROLES if given.get(role) is not None}
    for role, name in roles.items():
        if not isinstance(name, str):
            raise SchemaError(f"{where}: {role} must be the name of a column. Got {name!r:.100}.")
    columns = [_column(item, f"{where}, column {i}") for i, item in enumerate(given["columns"])]
    return {"columns": tuple(columns), **roles}


def _column(item: Any, where: str) -> Column:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        raise SchemaError(f'{where} must be an object with a "name". Got {item!r:.100}.')
    where = f"{where} ({item['name']!r})"
    _check_names(item, _PARAMETERS, where)
    try:
        return Column(**{name: _plain(value) for name, value in item.items()})
    except ConfigError as error:
        raise SchemaError(f"{where}: {error}") from error


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _check_names(given: JSON, known: tuple[str, ...], where: str) -> None:
    for name in given:
        if name not in known:
            raise SchemaError(
                f"{where} has an unknown entry {name!r}.{closest(name, known)} Allowed are "
                f"{', '.join(known)}."
            )
