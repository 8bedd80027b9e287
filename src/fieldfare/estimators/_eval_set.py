"""Validation data as users of different libraries give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldfare.estimators import _input
from fieldfare.exceptions import DataError
from fieldfare.sources.dicts import is_value
from fieldfare.sources.frames import is_series


def as_tuple(eval_set: Any, parts: Sequence[str]) -> tuple[Any, ...] | None:
    """Return validation data that come with their labels as a tuple of their parts.

    Parameters
    ----------
    eval_set : object
        ``(X, y)``; or, as XGBoost and LightGBM take it, a list of one such pair; or ``[X, y]``.
    parts : sequence of str
        What the parts are called: ``"X"``, ``"y"`` and so on.

    Returns
    -------
    tuple or None
        ``None`` for data that bring their own labels.

    Raises
    ------
    DataError
        If there is another number of parts, or more than one pair.
    """
    form = ", ".join(parts)
    if _is_list_of_tuples(eval_set):
        if len(eval_set) > 1:
            raise DataError(
                f"eval_set may hold one set of validation data. Got {len(eval_set)}. Pass "
                f"eval_set=[({form})]; the loss on the training data is in history_ anyway."
            )
        eval_set = eval_set[0]
    elif _is_list_of_parts(eval_set, len(parts)):
        eval_set = tuple(eval_set)
    if not isinstance(eval_set, tuple):
        return None
    if len(eval_set) != len(parts):
        raise DataError(
            f"eval_set must be ({form}), a list of one such tuple, data with labels of their own, "
            f"such as a path, or None. Got a tuple of {len(eval_set)}."
        )
    return eval_set


def with_own_target(eval_set: Any, y: Any, sample_weight: Any = None) -> tuple[Any, Any, Any]:
    """Return validation data that bring their own labels, and where these and the weights are.

    Parameters
    ----------
    eval_set : object
        A source, which says so itself, or a table with the columns of the training data.
    y, sample_weight : object
        What `fit` was given: names of columns count for the validation data, too.

    Raises
    ------
    DataError
        If nothing says where the labels are.
    """
    if _input.is_source(eval_set):
        return eval_set, None, None
    if not _input.is_name(y):
        raise DataError(
            "eval_set holds samples without labels. Pass eval_set=(X, y); or, if the labels are a "
            f"column, name it in fit, as in y='clicked'. Got {type(eval_set).__name__}."
        )
    return eval_set, y, sample_weight if _input.is_name(sample_weight) else None


def _is_list_of_tuples(eval_set: Any) -> bool:
    """Whether this is ``[(X, y), ...]``, and not a list of rows, which are tuples of values."""
    return (
        isinstance(eval_set, list)
        and bool(eval_set)
        and all(isinstance(item, tuple) and len(item) > 1 for item in eval_set)
        and not all(map(is_value, eval_set[0]))
    )


def _is_list_of_parts(eval_set: Any, size: int) -> bool:
    """Whether this is ``[X, y]``, and not a list of files or of tables."""
    if not isinstance(eval_set, list) or len(eval_set) != size or _input.is_source(eval_set):
        return False
    X, y = eval_set[:2]
    return not _is_column(X) and (_is_column(y) or _input.is_name(y))


def _is_column(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return all(map(is_value, item))
    return getattr(item, "ndim", None) == 1 or is_series(item)
