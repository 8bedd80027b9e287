"""Extending: samples read with a Schema that is known, which learns what only they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare.data.dataset import Dataset
from fieldfare.data.loading import load
from fieldfare.data.options import Options
from fieldfare.data.road import dictionary_encoded
from fieldfare.data.stored import encoded_already
from fieldfare.schema.schema import Schema
from fieldfare.sources.formats import open_source
from fieldfare.sources.source import Table


def extend(known: Schema, source: Any, **options: Any) -> Dataset:
    """Read samples with a Schema, extended by the values or ids that only these samples hold.

    A source that can be read only once, such as a generator or a pipe, is read once.

    Parameters
    ----------
    known : Schema
        Fitted, or indexed. Ids in use never move; new ones follow at the end.
    source : whatever `load` takes
    **options
        As for `load`, but for ``schema``.

    Returns
    -------
    Dataset
        Its ``schema`` is the extended one.

    Raises
    ------
    DataError
        As `load` does.
    """
    if known.is_indexed:
        return _extend_indexed(known, load(source, **options))
    chosen = Options(**options, schema=known)
    if (data := encoded_already(source, chosen)) is not None:
        return data
    opened = open_source(source)
    if isinstance(opened, Table):
        opened = dictionary_encoded(opened, known, chosen.n_threads)
        known = known.extend(opened, n_threads=chosen.n_threads)
    return load(opened, **options, schema=known)


def _extend_indexed(known: Schema, data: Dataset) -> Dataset:
    own = data.schema
    if own.n_features <= known.n_features and own.n_fields <= known.n_fields:
        return replace(data, schema=known)
    field_of = np.zeros(max(known.n_features, own.n_features), np.uint16)
    for part in (own, known):
        field_of[: part.n_features] = part.field_of
    n_fields = max(known.n_fields, own.n_fields)
    extended = Schema.indexed(len(field_of), n_fields, field_of=field_of if n_fields else None)
    return replace(data, schema=extended)
