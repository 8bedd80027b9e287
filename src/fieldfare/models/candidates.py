"""One context and many candidates, as the two halves of the rows that are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fieldfare.exceptions import DataError
from fieldfare.rows import Rows
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.schema.schema import Schema


def halves(
    encoder: Callable[[], SampleEncoder],
    schema: Schema | None,
    context: Rows | Mapping[str, Any],
    candidates: Any,
) -> tuple[Rows, Rows]:
    """Return the context as one row, and the candidates as one row each.

    Parameters
    ----------
    encoder : callable
        Returns the encoder of single samples; raises SchemaError without a Schema.
    schema : Schema or None
    context, candidates
        As `Model.score_candidates` takes them.

    Raises
    ------
    DataError
        If the context is not one row, or the candidates are not Rows although the context is.
    SchemaError
        If a column is neither in the context nor in the table of candidates.
    """
    if isinstance(context, Rows):
        if len(context) != 1:
            raise DataError(f"A context is one row. Got {len(context)} rows.")
        if not isinstance(candidates, Rows):
            raise DataError(
                "Candidates of a context given as Rows must be Rows too. Encode them with "
                "model.schema.encode(candidates, labelled=False, columns=[...]), or give the "
                f"context as a dict. Got {type(candidates).__name__}."
            )
        return context, candidates
    single = encoder()
    shared = _one_row(*single.encode(context, [name for name in single.names if name in context]))
    if not isinstance(candidates, Rows):
        assert schema is not None  # since it has an encoder
        rest = [name for name in single.names if name not in context]
        candidates = schema.encode(candidates, labelled=False, columns=rest)
    return shared, candidates


def _one_row(ids: list[int], values: list[float], fields: list[int]) -> Rows:
    return Rows(
        np.array([0, len(ids)], np.int64),
        np.array(ids, np.uint32),
        np.array(values, np.float32),
        np.array(fields, np.uint16),
    )
