"""Which columns of a table of interactions are the user, the item, the context, rating and time.

What the user does not say is guessed from the names of the columns. A guess between several columns
is no guess but a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fieldfare._validation import closest, shown
from fieldfare.data.dataset import AnyDataset
from fieldfare.data.side_tables import JoinedTable
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.schema.column import ROLES, Column
from fieldfare.schema.column_names import is_called_id, role_of
from fieldfare.schema.hints import NO_HINTS, Hints
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import require_column
from fieldfare.sources.formats import open_table
from fieldfare.sources.headers import words_of
from fieldfare.sources.source import Table

_SIDES = ("user", "item")
_RATINGS = frozenset((
    "rating", "ratings", "stars", "score", "grade", "target", "label", "liked", "clicked",
    "purchased", "watched",
))  # fmt: skip
_TIMES = frozenset(("time", "timestamp", "date", "datetime", "ts", "when", "unixtime", "epoch"))
_OF_TIMES = _TIMES | {"event", "rating", "rated", "created", "interaction", "unix", "utc", "at"}

Roles = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, eq=False)
class InteractionColumns:
    """A table of interactions, joined with what is known of users and items, and its columns.

    Parameters
    ----------
    table : Table
        The interactions with the columns of their users and items.
    sides : dict from str to table
        The tables of users and items, by the column of ids.
    roles : dict from str to tuple of str
        The columns of ``user``, ``item`` and ``context``, the ids of users and items first.
    rating, time : str or None
        What tells interactions from other rows, and when they happened.
    guesses : dict from str to str
        The columns that were guessed, by what they are: ``user``, ``item``, ``rating``, ``time``.
    left_out : tuple of str
        Columns that are not used.
    """

    table: Table
    sides: dict[str, Any]
    roles: dict[str, tuple[str, ...]]
    rating: str | None = None
    time: str | None = None
    guesses: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @staticmethod
    def of(  # noqa: PLR0913 - all that can be said about interactions, by name
        table: Any,
        *,
        roles: Roles | None = None,
        users: Any = None,
        items: Any = None,
        rating: str | None = None,
        time: str | None = None,
        weight: str | None = None,
        others: Iterable[str] = (),
    ) -> InteractionColumns:
        """Return a table of interactions with the meaning of its columns, said or guessed.

        Parameters
        ----------
        table : Table, DataFrame, Arrow table, path or anything tabular
            One row per interaction.
        roles : mapping from ``user``, ``item`` and ``context`` to columns, or None
            The column of ids comes first. Columns that are not named are left out; where no role
            is given at all, those whose names say what they describe are used.
        users, items : the same as ``table``, or None
            One row per user and per item, with the column of ids of the interactions. All their
            columns are used unless the roles name some of them.
        rating, time : str or None
            Columns; guessed if they are not given.
        weight : str or None
            The column that says how much an interaction counts.
        others : iterable of str
            Columns that are used for something else, and guessed to be the user or the item only.

        Raises
        ------
        ConfigError
            If there is no such role, or a column has two.
        SchemaError
            If there is no such column, or nothing tells which column it is.
        """
        main = open_table(table)
        tables = {
            side: open_table(given)
            for side, given in zip(_SIDES, (users, items), strict=True)
            if given is not None
        }
        said = _checked(roles)
        rating, time = _name_of(rating), _name_of(time)
        _refuse_features(said, {"rating": rating, "weight": weight})
        taken = {name for name in others if role_of(name) not in _SIDES}
        if weight is not None:
            taken.add(weight)
        free = _Free(main.names, {*taken, *(n for names in said.values() for n in names)})
        for what in (rating, time):
            if what is not None:
                if not isinstance(what, str):
                    raise ConfigError(f"A column is given by its name. Got {shown(what)}.")
                require_column(what, main.names)
                free.take(what)
        guesses: dict[str, str | None] = {}
        ids = {}
        for side in _SIDES:
            if side not in said:
                guesses[side] = free.id_of(side, tables.get(side))
            ids[side] = guesses.get(side) or said[side][0]
        if rating is None:
            rating = guesses["rating"] = free.only("rating", _names_a_rating)
        if time is None:
            time = guesses["time"] = free.only("time", _names_a_time)
        sides = {ids[side]: one for side, one in tables.items()}
        joined = JoinedTable(main, sides) if sides else main
        found = {"context": list(said.get("context", ()))}
        for side in _SIDES:
            own = [] if side not in tables else [n for n in tables[side].names if n != ids[side]]
            named = list(said.get(side, ()))[1:]
            found[side] = [ids[side], *named]
            if set(own).isdisjoint(named):
                found[side] += own
        for name in () if said else free.names:
            role = role_of(name)
            if role is not None:
                found[role].append(name)
        used = {name for names in found.values() for name in names}
        for name in used:
            require_column(name, joined.names)
        left_out = [name for name in free.names if name not in used]
        told = {what: name for what, name in guesses.items() if name is not None}
        given_roles = {role: tuple(names) for role, names in found.items() if names}
        return InteractionColumns(joined, sides, given_roles, rating, time, told, tuple(left_out))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed, what a rating means, and what was left out, a line each."""
        notes = list(self.notes_of_guesses)
        if self.rating is not None:
            notes.append(
                f"each row whose {self.rating!r} is above 0 is an interaction, and all count "
                "alike; min_rating= (--min-rating) takes the better ones only, and sample_weight= "
                "(--weight) weighs them"
            )
        if self.left_out:
            listed = ", ".join(map(repr, self.left_out))
            notes.append(f"not used, as they have no role: {listed}")
        return tuple(notes)

    @property
    def notes_of_guesses(self) -> tuple[str, ...]:
        """What was guessed, in a line; none if nothing was."""
        if not self.guesses:
            return ()
        listed = ", ".join(f"{what} {name!r}" for what, name in self.guesses.items())
        return (f"guessed from the names of the columns: {listed}",)

    def schema(self, hints: Hints = NO_HINTS, weight: str | None = None) -> Schema:
        """Return the Schema of the table, not fitted yet, with the role of each column.

        Ids are categories, even if they are numbers. Columns without a role are not in it.
        """
        whole = Schema.inferred(self.table, hints, self.rating, weight)
        role = {name: role for role, names in self.roles.items() for name in names}
        ids = {self.roles[side][0]: side for side in _SIDES}
        columns: list[Column] = []
        for column in whole.columns:
            if column.source is not None or column.name not in role:
                continue
            if column.name in ids and column.kind in ("numeric", "ignore", "datetime", "text"):
                columns.append(Column(column.name, role=role[column.name]))
            else:
                columns.append(column.change(role=role[column.name]))
        # The first column of a role holds the ids.
        for side in _SIDES:
            own = [place for place, column in enumerate(columns) if column.role == side]
            at = next(p for p in own if columns[p].name == self.roles[side][0])
            columns.insert(own[0], columns.pop(at))
        return replace(
            whole,
            columns=tuple(columns),
            guessed=whole.guessed & (role.keys() - ids.keys()),
            notes=(),
        )

    def joined(self, table: Any) -> Any:
        """Return other interactions, joined with the same tables of users and items."""
        return JoinedTable(table, self.sides) if self.sides else open_table(table)


def at_least(data: AnyDataset, min_rating: float | None) -> AnyDataset:
    """Return rows of which those with a lower rating are no interactions.

    Raises
    ------
    DataError
        If a rating is asked for that the rows do not have.
    """
    if min_rating is None:
        return data
    target = data.rows.target
    if target is None:
        raise DataError(
            f"min_rating={min_rating:g} needs ratings. Name their column: y='rating' (--target "
            "rating)."
        )
    return data.with_(target=(target >= min_rating).astype(np.float32))


class _Free:
    """The columns of a table that mean nothing yet."""

    def __init__(self, names: Sequence[str], taken: set[str]) -> None:
        self._all = names
        self.names = [name for name in names if name not in taken]

    def take(self, name: str) -> str:
        """Return a column, which then means something."""
        self.names = [one for one in self.names if one != name]
        return name

    def id_of(self, side: str, table: Table | None) -> str:
        """Return the column of ids of users or items.

        Raises
        ------
        SchemaError
            If none of the names tells, or several do.
        """
        found = [name for name in self.names if role_of(name) == side]
        if table is not None:
            shared = [name for name in self.names if name in table.names]
            found = [name for name in shared if name in found] or shared
        if len(found) > 1:
            found = [name for name in found if _is_id(name)] or found
        if len(found) == 1:
            return self.take(found[0])
        flag = f"roles={{{side!r}: {(found or self.names or self._all)[0]!r}, ...}}"
        which = " or ".join(map(repr, found))
        raise SchemaError(
            f"Which column holds the ids of the {side}s"
            + (f": {which}?" if found else "? The names do not tell.")
            + f" Say so in {flag} (--{side}). The columns are {', '.join(map(repr, self._all))}."
        )

    def only(self, what: str, names_it: Any) -> str | None:
        """Return the only column whose name says something, None if there is none.

        Raises
        ------
        SchemaError
            If there are several.
        """
        found = [name for name in self.names if names_it(name)]
        if len(found) > 1:
            word, flag = ("y", "--target") if what == "rating" else ("time", "--time")
            raise SchemaError(
                f"Which column is the {what}: {' or '.join(map(repr, found))}? Name it, as in "
                f"{word}={found[0]!r} ({flag} {found[0]}), or name the columns to use in roles="
                "(--user, --item, --context), and leave the others out of the table."
            )
        return self.take(found[0]) if found else None


def _checked(roles: Roles | None) -> dict[str, tuple[str, ...]]:
    """Return the columns of each role as tuples."""
    if roles is not None and not isinstance(roles, Mapping):
        raise ConfigError(
            "roles= is a mapping from role to columns, such as {'user': 'user_id', 'item': "
            f"['item_id', 'genre']}}. Got {type(roles).__name__}."
        )
    found: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for role, names in (roles or {}).items():
        if role not in ROLES:
            raise ConfigError(
                f"A role must be one of {', '.join(map(repr, ROLES))}. Got {role!r}."
                f"{closest(str(role), ROLES)}"
            )
        single = isinstance(names, str) or not isinstance(names, Iterable)
        found[role] = tuple(map(_name_of, [names] if single else names))
        for name in found[role]:
            if not isinstance(name, str):
                raise ConfigError(f"roles= holds names of columns. Got {shown(name)} as {role!r}.")
            if owner.setdefault(name, role) != role:
                raise ConfigError(f"Column {name!r} has two roles: {owner[name]} and {role}.")
    return {role: names for role, names in found.items() if names}


def _name_of(name: Any) -> Any:
    """Return a whole number as the text that names such a column of a data frame."""
    return str(name) if isinstance(name, int) and not isinstance(name, bool) else name


def _refuse_features(said: Mapping[str, Sequence[str]], used: Mapping[str, str | None]) -> None:
    """Refuse a column that has a role and is the rating or the weight as well."""
    for role, names in said.items():
        for what, name in used.items():
            if name in names:
                raise ConfigError(f"Column {name!r} has two roles: {role} and {what}.")


def _is_id(name: str) -> bool:
    """Whether a name is that of a thing itself, or of its id."""
    return len(words_of(name)) == 1 or is_called_id(name)


def _names_a_rating(name: str) -> bool:
    words = words_of(name)
    return len(words) == 1 and words[0] in _RATINGS


def _names_a_time(name: str) -> bool:
    words = set(words_of(name))
    return bool(words & _TIMES) and words <= _OF_TIMES
