"""The columns of a Schema, for exports that read a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted

OUTPUTS = ("score", "prediction")
_WHOLE = re.compile(r"-?[0-9]+")


class Used(NamedTuple):
    """A column that becomes features, what the Schema has learned of it, and its field."""

    column: Column
    fitted: Fitted
    field: int


def used_columns(model: Model, owner: str, otherwise: str) -> list[Used]:
    """Return the columns in the Schema of a model that become features, in order.

    Parameters
    ----------
    model : Model
    owner : str
        The export, for messages.
    otherwise : str
        What to do if a column cannot be expressed, for messages.

    Raises
    ------
    ConfigError
        If the model was not trained on a table, or a column cannot be expressed: because its values
        are hashed, texts cut into words or have weights, or because an output has the same name.
    """
    schema = model.schema
    if schema is None or schema.fitted is None:
        raise ConfigError(
            f"{owner} needs a model that was trained on a table, and the features of this one are "
            "numbered. Export it with inputs='features'."
        )
    found = []
    field_number = {name: i for i, name in enumerate(schema.field_names)}
    for column, fitted in zip(schema.columns, schema.fitted, strict=True):
        if fitted is None:
            continue
        problem = _problem(column)
        if problem:
            raise ConfigError(
                f"{owner} cannot read column {column.name!r}: {problem}. {otherwise}, or train "
                "without it."
            )
        found.append(Used(column, fitted, field_number[column.field_name]))
    return found


def _problem(column: Column) -> str:
    """Return why a column cannot be expressed, or an empty text."""
    if column.name.casefold() in OUTPUTS:
        return "an output has that name"
    if column.is_hashed:
        return "its values are hashed, for which there is no operator"
    if column.kind == "text":
        return "its texts are cut into words, for which there is no operator"
    if column.has_unit_cells:
        return "its values are scaled cell by cell (norm='l2'), which no operator here does"
    if column.weight_separator:
        return "its values have weights inside their text, which no operator can read"
    return ""


def vocabulary_of(used: Used) -> dict[str, int]:
    """Return the feature id of every text that stands for a value of a column.

    Several texts may stand for the same value: see `fieldfare.schema.canonical`. The buckets of a
    numeric column have one name each.
    """
    assert used.fitted.vocabulary is not None
    ids = used.fitted.vocabulary.id_of
    if used.column.kind == "numeric":
        return ids
    return {spelling: id_ for word, id_ in ids.items() for spelling in _spellings(word)}


def marks_of(column: Column) -> Iterator[str]:
    """Yield the texts that mean *missing* in a column, also with a blank before or after.

    Operators that look up texts cannot strip blanks.
    """
    for word in sorted(column.marks.words):
        for before in ("", " "):
            for behind in ("", " "):
                yield f"{before}{word}{behind}"


def _spellings(word: str) -> Iterator[str]:
    """Yield the texts that the Schema reads as this value: 7 and 7.0, true and True."""
    yield word
    if _WHOLE.fullmatch(word):
        yield f"{word}.0"
    elif word in ("true", "false"):
        yield word.capitalize()
