"""Hints: what the user says about columns, in place of what would be inferred."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from fieldfare._validation import Number, closest, is_unicode, shown
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.missing import STANDARD, Marks

_BINS = Number(2, 1000, integer=True)


@dataclass(frozen=True)
class Hints:
    """What the user says about some columns of a table; the others are inferred.

    Parameters
    ----------
    categorical, numeric, ignore : sequence of str
        Names of columns that are categories, numbers, or not used. A single name is a sequence of
        one, and None is an empty one. A whole number is a position, unless a column has that name.
    bins : int in [2, 1000], mapping from column to int, or None
        So many quantile bins for every numeric column, or for the named columns, which are then
        numeric.
    na_values : sequence of str, mapping from column to sequence of str, or None
        Texts that stand for a missing value: a sequence adds to the standard marks, for all
        columns; a mapping says exactly which texts are missing in the named columns.

    Raises
    ------
    ConfigError
        If a value is of another type, or the hints about a column contradict each other.
    """

    categorical: Any = ()
    numeric: Any = ()
    ignore: Any = ()
    bins: Any = None
    na_values: Any = None

    def __post_init__(self) -> None:
        for role in KINDS:
            object.__setattr__(self, role, _texts(role, getattr(self, role), "names of columns"))
        object.__setattr__(self, "bins", _bins(self.bins))
        object.__setattr__(self, "na_values", _marks(self.na_values))
        kinds: dict[str, str] = {}
        binned = self.bins if isinstance(self.bins, dict) else {}
        listed = [(role, name) for role in KINDS for name in getattr(self, role)]
        listed += [("bins", name) for name in binned if name not in self.numeric]
        for role, name in listed:
            if kinds.setdefault(name, role) != role:
                raise ConfigError(f"Column {name!r} is in both {kinds[name]}= and {role}=.")

    @classmethod
    def of(cls, **given: Any) -> Hints:
        """Return hints from keywords.

        Raises
        ------
        ConfigError
            If a keyword is not a hint (the message names the nearest), or a value is not allowed.
        """
        for name in given:
            if name not in HINTS:
                raise ConfigError(
                    f"There is no parameter {name!r}.{closest(name, HINTS)} What can be said "
                    f"about columns is {', '.join(HINTS)}."
                )
        return cls(**given)

    def __bool__(self) -> bool:
        return bool(self.given)

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the hints that say something."""
        return tuple(name for name in HINTS if getattr(self, name) not in (None, (), {}))

    @cached_property
    def named(self) -> dict[str, str]:
        """The columns that are named, each with the parameter that names it first."""
        found: dict[str, str] = {}
        for role in HINTS:
            given = getattr(self, role)
            if role in KINDS or isinstance(given, dict):
                for name in given:
                    found.setdefault(name, role)
        return found

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {name: kind for kind in KINDS for name in getattr(self, kind)}

    def kind_of(self, name: str) -> str | None:
        """Return the kind that the user says a column has, ``None`` if that is to be inferred."""
        if isinstance(self.bins, dict) and name in self.bins:
            return "numeric"
        return self._kinds.get(name)

    def located(self, names: Sequence[str]) -> Hints:
        """Return hints with names where positions, from 0, stand that are no names of columns."""

        def name_of(given: str) -> str:
            is_position = given not in names and given.isascii() and given.isdecimal()
            return names[int(given)] if is_position and float(given) < len(names) else given

        def named(given: Any) -> Any:
            if isinstance(given, dict):
                return {name_of(name): value for name, value in given.items()}
            return tuple(map(name_of, given))

        changed = {kind: named(getattr(self, kind)) for kind in KINDS}
        for name in ("bins", "na_values"):
            given = getattr(self, name)
            changed[name] = named(given) if isinstance(given, dict) else given
        return Hints(**changed)

    def check(self, names: Collection[str], reserved: Iterable[str | None] = ()) -> None:
        """Refuse hints about columns that do not exist, or that are not features.

        Parameters
        ----------
        names : collection of str
            The columns of the table.
        reserved : iterable of str or None
            Those of them that are the target or the weight.

        Raises
        ------
        SchemaError
        """
        taken = set(reserved)
        for name, role in self.named.items():
            if name not in names:
                raise SchemaError(
                    f"{role}= names {name!r}, which is not a column.{closest(name, names)} The "
                    f"columns are {', '.join(map(repr, names))}."
                )
            if name in taken and role in (*KINDS, "bins"):
                raise SchemaError(
                    f"{role}= names {name!r}, which is the target or the weight, not a feature."
                )

    def refuse(self, what: str) -> None:
        """Refuse all hints, because there are no columns that they could be about.

        Raises
        ------
        SchemaError
        """
        if self:
            raise SchemaError(
                f"{', '.join(f'{name}=' for name in self.given)} can only be used with a table of "
                f"named columns, such as a data frame or a CSV file. Got {what}."
            )

    def applied(self, column: Column) -> Column:
        """Return a column changed as the hints say."""
        kind = self.kind_of(column.name)
        if kind is not None and kind != column.kind:
            column = column.change(kind=kind, weight_separator=None)
        if column.kind == "numeric" and self.bins is not None:
            n_bins = self.bins.get(column.name) if isinstance(self.bins, dict) else self.bins
            if n_bins is not None:
                column = replace(column, transform="quantile", n_bins=n_bins)
        na_values = self.na_values_of(column.name, STANDARD)
        return column if na_values is None else replace(column, na_values=na_values)

    def marks_of(self, name: str) -> Marks:
        """Return what stands for a missing value in a column that the user says no more about."""
        na_values = self.na_values_of(name, STANDARD)
        return STANDARD if na_values is None else Column(name, na_values=na_values).marks

    def na_values_of(self, name: str, standard: Marks) -> tuple[str, ...] | None:
        """Return what the user says is missing in a column, ``None`` if the standard marks are."""
        if isinstance(self.na_values, dict):
            return self.na_values.get(name)
        return (*sorted(standard.words), *self.na_values) if self.na_values else None


HINTS = tuple(item.name for item in fields(Hints))
KINDS = HINTS[:3]


def _texts(role: str, given: Any, what: str) -> tuple[str, ...]:
    """Return texts, or column numbers as texts, that were given as one or as several."""
    if given is None:
        return ()
    items: Any = [given] if isinstance(given, (str, int)) else given
    is_list = isinstance(items, Iterable) and len(getattr(items, "shape", (0,))) == 1
    if not is_list or isinstance(items, (bytes, Mapping, io.IOBase)):
        raise ConfigError(f"{role}= must be {what}. Got {shown(given)}.")
    texts = []
    for item in items:
        item = item.item() if getattr(item, "shape", None) == () else item
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            raise ConfigError(f"{role}= must be {what}. Got {shown(item)} among them.")
        if not is_unicode(str(item)):
            raise ConfigError(f"{role}= must be Unicode. Got half a character in {shown(item)}.")
        texts.append(str(item))
    return tuple(dict.fromkeys(texts))


def _bins(given: Any) -> int | dict[str, int] | None:
    if given is None:
        return None
    numbers = given if isinstance(given, Mapping) else {"": given}
    for name, number in numbers.items():
        if not _BINS.allows(number):
            where = f"bins of column {name!r}" if name else "bins="
            raise ConfigError(f"{where} must be {_BINS}. Got {shown(number)}.")
    return {str(k): int(n) for k, n in given.items()} if isinstance(given, Mapping) else int(given)


def _marks(given: Any) -> tuple[str, ...] | dict[str, tuple[str, ...]] | None:
    what = "texts that stand for a missing value"
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {str(name): _texts("na_values", marks, what) for name, marks in given.items()}
    return _texts("na_values", given, what)


NO_HINTS = Hints()
