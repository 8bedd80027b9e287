"""Requests: which users and contexts are asked for, and their features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fieldfare.exceptions import ConfigError
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import Tower
from fieldfare.rows import Rows
from fieldfare.schema import compose


class Requests(NamedTuple):
    """One request or several.

    Parameters
    ----------
    single : bool
        Whether one id or one mapping was passed, rather than a list or a table.
    users : list of ids, or None
    contexts : mapping, pyarrow Table or None
        One context for all requests, or one row per request.
    rows : Rows
        The features of each request, for the model that recalls.
    """

    single: bool
    users: list[Any] | None
    contexts: Any
    rows: Rows


def read_requests(state: State, users: Any, contexts: Any) -> Requests:
    """Return the requests; user ids may also be a column of the contexts.

    Raises
    ------
    ConfigError
        If there are neither users nor contexts.
    SchemaError
        If the contexts have no column that the model knows, or do not match the users in number.
    """
    _check_any(users, contexts)
    is_mapping = contexts is None or isinstance(contexts, Mapping)
    if users is None:
        users, contexts = _users_among(contexts, state.tower.user)
    one_user = users is None or is_single_id(users)
    ids = None
    if users is not None:
        ids = id_list(users)
    rows = query_rows(state, state.tower, ids, contexts)
    return Requests(one_user and is_mapping, ids, contexts, rows)


def _check_any(users: Any, contexts: Any) -> None:
    if users is None and contexts is None:
        raise ConfigError("A recommendation needs users or contexts. Got neither.")


def _users_among(contexts: Any, column: str) -> tuple[Any, Any]:
    """Return the users that the contexts name (None if they name none), and the contexts."""
    if isinstance(contexts, Mapping):
        return contexts.get(column), {k: v for k, v in contexts.items() if k != column}
    table = compose.read(contexts)
    named = column in table.column_names
    return table.column(column).to_pylist() if named else None, table


def is_single_id(ids: Any) -> bool:
    """Return whether this is one id, rather than a list, array or column of ids."""
    return isinstance(ids, str) or not hasattr(ids, "__len__") or getattr(ids, "ndim", 1) == 0


def id_list(ids: Any) -> list[Any]:
    """Return ids, or one, as a list of Python numbers and strings."""
    if is_single_id(ids):
        return [ids.item() if getattr(ids, "ndim", None) == 0 else ids]
    return list(ids.tolist()) if hasattr(ids, "tolist") else list(ids)


def query_rows(state: State, tower: Tower, users: list[Any] | None, contexts: Any) -> Rows:
    """Return the features of requests as the model of a tower encodes them.

    Raises
    ------
    ConfigError
        If there are neither users nor contexts.
    """
    _check_any(users, contexts)
    if contexts is not None and not isinstance(contexts, Mapping):
        contexts = compose.read(contexts)
    known = users is not None and state.user_ids is not None
    places = state.user_ids.places(users or []) if known and state.user_ids is not None else None
    return tower.queries(users, places, contexts)
