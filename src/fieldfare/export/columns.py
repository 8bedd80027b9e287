"""What exports that read a table need to know of its columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted

ANSWERS = ("score", "prediction")
_WHOLE = re.compile(r"-?[0-9]+")


class Used(NamedTuple):
    """A column that becomes features."""

    column: Column
    fitted: Fitted
    field: int


def used_columns(model: Model, owner: str, otherwise: str) -> list[Used]:
    """Return the columns of the Schema of a model that become features, in order.

    Parameters
    ----------
    model : Model
    owner : str
        What reads them, for messages.
    otherwise : str
        What to do where a column cannot be expressed, for messages.

    Raises
    ------
    ConfigError
        If the model was not trained on a table, or a column cannot be expressed: hashed values,
        words of texts, values with weights, a name that what is answered has too.
    """
    schema = model.schema
    if schema is None or schema.fitted is None:
        raise ConfigError(
            f"{owner} needs a model that was trained on a table. The features of this one are "
            "numbered: export it with inputs='features'."
        )
    found = []
    number = {name: i for i, name in enumerate(schema.field_names)}
    for column, fitted in zip(schema.columns, schema.fitted, strict=True):
        if fitted is None:
            continue
        problem = _problem(column)
        if problem:
            raise ConfigError(
                f"{owner} cannot read column {column.name!r}: {problem}. {otherwise}, or train "
                "without it."
            )
        found.append(Used(column, fitted, number[column.field_name]))
    return found


def _problem(column: Column) -> str:
    if column.name in ANSWERS:
        return "what is answered has that name"
    if column.is_hashed:
        return "its values are hashed, for which there is no operator"
    if column.kind == "text":
        return "it is cut into words, for which there is no operator"
    if column.weight_separator:
        return "its values have weights, which are parts of texts"
    return ""


def vocabulary_of(used: Used) -> dict[str, int]:
    """Return the feature id of every text that becomes a value of a column.

    Several do: see `fieldfare.schema.canonical`. Buckets of numbers have one name each.
    """
    assert used.fitted.vocabulary is not None
    ids = used.fitted.vocabulary.id_of
    if used.column.kind == "numeric":
        return ids
    return {spelling: id_ for word, id_ in ids.items() for spelling in _spellings(word)}


def _spellings(word: str) -> Iterator[str]:
    yield word
    if _WHOLE.fullmatch(word):
        yield f"{word}.0"
    elif word in ("true", "false"):
        yield word.capitalize()
