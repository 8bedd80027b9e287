"""Requests: which users and contexts are asked for, and their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fieldfare._typing import Int64Array
from fieldfare._validation import closest, quoted, shown
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.retrieval.id_map import id_list, is_single_id, listed_of
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import GIVEN, Tower
from fieldfare.rows import Rows
from fieldfare.schema import compose


class Requests(NamedTuple):
    """One request or several.

    Parameters
    ----------
    single : bool
        Whether one id or one mapping was passed, rather than a list or a table.
    n : int
        Number of requests.
    users : list of ids, or None
        None among the ids stands for a request without a user.
    places : int64 array of shape (n,) or None
        Place of each user in the table of users, as `Tower.queries` takes it.
    contexts : mapping, pyarrow Table or None
        One context for all requests, or one row per request.
    history : list of lists of ids, or None
        Items that the user of each request has seen besides those in the history.
    """

    single: bool
    n: int
    users: list[Any] | None
    places: Int64Array | None
    contexts: Any
    history: list[list[Any]] | None = None

    def rows(self, tower: Tower) -> Rows:
        """Return the features of the requests as the model of a tower encodes them."""
        return tower.queries(self.users, self.places, self.contexts, self.n)


def read_requests(
    state: State, users: Any, contexts: Any, features: Any = None, history: Any = None
) -> Requests:
    """Return the requests; user ids may also be a column of the contexts.

    Raises
    ------
    ConfigError
        If there are neither users nor contexts.
    SchemaError
        If the contexts have no column that a model knows, or do not match the users in number.
    """
    if isinstance(users, (int, str)) and contexts is None and features is None:
        # The request that is asked most often, and waits for nothing that the others need.
        places = None if state.user_ids is None else state.user_ids.places([users])
        return Requests(True, 1, [users], places, None, _history(history, 1, single=True))
    if _is_table(users):
        if contexts is not None:
            raise ConfigError(
                "Requests given as a table or a mapping hold the contexts, too. Got contexts as "
                "well: add their columns to the requests."
            )
        users, contexts = None, users
    if users is None and contexts is None and features is None and history is None:
        raise ConfigError("A recommendation needs users or contexts. Got neither.")
    contexts, features = _opened(contexts), _opened(features)
    if users is None and contexts is not None:
        users, contexts = _users_among(contexts, state.tower.user)
    one_user = users is None or is_single_id(users)
    ids = None if users is None else id_list(users)
    _check_columns(state, contexts, features, without_users=users is None)
    n = _number_of(ids, contexts, features)
    single = one_user and all(
        part is None or isinstance(part, dict) for part in (contexts, features)
    )
    places = None
    if ids is not None and state.user_ids is not None:
        places = state.user_ids.places(ids)
    if features is not None:
        places = np.full(n, GIVEN)
        ids = [None] * n if ids is None else ids
        contexts = features if contexts is None else _joined(contexts, features, n)
    return Requests(single, n, ids, places, contexts, _history(history, n, single=single))


def _is_table(users: Any) -> bool:
    """Whether requests are a table, a mapping or a list of mappings, rather than ids."""
    if users is None or isinstance(users, (str, bytes)):
        return False
    if isinstance(users, Mapping) or hasattr(users, "column_names"):
        return True
    if isinstance(users, (list, tuple)):
        return len(users) > 0 and all(isinstance(one, Mapping) for one in users)
    return hasattr(users, "columns") and hasattr(users, "shape")


def _opened(given: Any) -> Any:
    """Return contexts as a dict or a pyarrow Table."""
    if given is None:
        return None
    return dict(given) if isinstance(given, Mapping) else compose.read(given)


def _users_among(contexts: Any, column: str) -> tuple[Any, Any]:
    """Return the users that the contexts name (None if they name none), and the contexts."""
    if isinstance(contexts, dict):
        return contexts.get(column), {k: v for k, v in contexts.items() if k != column} or None
    named = column in contexts.column_names
    return contexts.column(column).to_pylist() if named else None, contexts


def _check_columns(state: State, contexts: Any, features: Any, *, without_users: bool) -> None:
    """Refuse columns that no model knows; a table may have some more."""
    for what, given in (("A context", contexts), ("The features of a user", features)):
        if given is None:
            continue
        is_features = given is features
        found = [
            name
            for tower in state.towers
            for name in tower.context_columns(without_users, is_features)
        ]
        allowed = list(dict.fromkeys(found))
        known = set(allowed)
        names = list(given) if isinstance(given, dict) else given.column_names
        for name in names if isinstance(given, dict) else ():
            if name not in known:
                of_table = name in state.tower.user_columns and not is_features
                advice = " Pass those of a user as features." if of_table else ""
                raise SchemaError(
                    f"{what} may have the columns {quoted(allowed)}. Got {name!r}."
                    f"{advice or closest(name, allowed)}"
                )
        if without_users and not isinstance(given, dict) and not known & set(names):
            raise SchemaError(
                f"A table of requests needs at least one of the columns {quoted(allowed)}. Got "
                f"{quoted(names)}."
            )


def _number_of(ids: Sequence[Any] | None, contexts: Any, features: Any) -> int:
    """Return the number of requests, of which mappings hold for all."""
    counts = {} if ids is None else {"users": len(ids)}
    for what, given in (("contexts", contexts), ("features", features)):
        if given is not None and not isinstance(given, dict):
            counts[what] = given.num_rows
    if len(set(counts.values())) > 1:
        shown = " and ".join(f"{count} {what}" for what, count in counts.items())
        raise SchemaError(f"There are {shown}. Give one per user.")
    return next(iter(counts.values()), 1)


def _joined(contexts: Any, features: Any, n: int) -> Any:
    """Return the columns of both."""
    if isinstance(contexts, dict) and isinstance(features, dict):
        return {**contexts, **features}
    tables = [
        compose.read([given] * n) if isinstance(given, dict) else given
        for given in (contexts, features)
    ]
    columns = {name: (table.column(name), None) for table in tables for name in table.column_names}
    return compose.table_of(columns)


def _history(history: Any, n: int, *, single: bool) -> list[list[Any]] | None:
    """Return the items of each request: one list for a single request, else a list of lists."""
    if history is None:
        return None
    if single:
        return [id_list(history)]
    lists = [] if is_single_id(history) else listed_of(history)
    if len(lists) != n or any(is_single_id(one) and one is not None for one in lists):
        raise ConfigError(
            f"The history of {n} requests is a list of {n} lists of item ids, one per request. Got "
            f"{shown(history)}."
        )
    return [[] if one is None else id_list(one) for one in lists]
