"""Constraints on parameters: small objects that check a value and say what they allow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

from fieldfare._synonyms import advice, meant
from fieldfare.exceptions import ConfigError

_SHOWN = 200
_SLIP = 0.88  # as similar as words that differ by a letter


class Constraint(Protocol):
    """The values that a parameter may have."""

    def allows(self, value: Any) -> bool:
        """Return whether the value is allowed."""

    def __str__(self) -> str:
        """Return the allowed values in words that can follow "must be"."""


@dataclass(frozen=True)
class Number:
    """A finite real number or an integer in an interval; ``None`` as a bound means unbounded."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    integer: bool = False

    def allows(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if self.integer else Real):
            return False
        try:
            x = float(value)
        except OverflowError:  # an integer of hundreds of digits
            return False
        if not math.isfinite(x):
            return False
        if self.low is not None and (x <= self.low if self.low_open else x < self.low):
            return False
        return not (self.high is not None and (x >= self.high if self.high_open else x > self.high))

    def __str__(self) -> str:
        kind = "an integer" if self.integer else "a number"
        if self.low is None and self.high is None:
            return kind
        left = "(" if self.low_open or self.low is None else "["
        right = ")" if self.high_open or self.high is None else "]"
        low = "-inf" if self.low is None else self._bound(self.low)
        high = "inf" if self.high is None else self._bound(self.high)
        return f"{kind} in {left}{low}, {high}{right}"

    def _bound(self, bound: float) -> str:
        return f"{bound:.0f}" if self.integer else f"{bound:g}"


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def allows(self, value: Any) -> bool:
        # NumPy's booleans, by name: this module is imported before NumPy is needed.
        return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    options: Collection[Any]

    def allows(self, value: Any) -> bool:
        # The types are compared too, since True == 1 and 1 == 1.0.
        return any(type(value) is type(option) and value == option for option in self.options)

    def __str__(self) -> str:
        options = ", ".join(repr(option) for option in self.options)
        return f"one of {options}" if len(self.options) > 1 else options


@dataclass(frozen=True)
class AnyOf:
    """A value that at least one of several constraints allows."""

    constraints: tuple[Constraint, ...]

    def allows(self, value: Any) -> bool:
        return any(constraint.allows(value) for constraint in self.constraints)

    def __str__(self) -> str:
        return " or ".join(str(constraint) for constraint in self.constraints)


@dataclass(frozen=True)
class Several:
    """A tuple or list of one or more values that all satisfy a constraint."""

    each: Constraint

    def allows(self, value: Any) -> bool:
        items = isinstance(value, (tuple, list)) and len(value) > 0
        return items and all(self.each.allows(item) for item in value)

    def __str__(self) -> str:
        return f"a tuple of them, each {self.each}"


@dataclass(frozen=True)
class Instance:
    """An instance of one of several types, described in words."""

    types: tuple[type, ...]
    words: str

    def allows(self, value: Any) -> bool:
        return isinstance(value, self.types)

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Named:
    """An instance of a class of some name, so that its package need not be imported to ask."""

    names: tuple[str, ...]
    words: str

    def allows(self, value: Any) -> bool:
        return any(base.__name__ in self.names for base in type(value).__mro__)

    def __str__(self) -> str:
        return self.words


NONE = Instance((type(None),), "None")
_GENERATOR = Named(("Generator", "RandomState"), "a NumPy generator")
SEED = AnyOf((Number(0, 2**32 - 1, integer=True), _GENERATOR, NONE))
"""What scikit-learn calls ``random_state``: an integer, a generator of NumPy's, or None."""


def check(name: str, value: Any, constraint: Constraint, owner: str = "") -> None:
    """Raise a ConfigError unless the constraint allows the value.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was received.
    constraint : Constraint
    owner : str
        The function or class that has the parameter; empty for a hyperparameter, which several
        have.
    """
    if not constraint.allows(value):
        near = closest(value, constraint.options) if isinstance(constraint, OneOf) else ""
        of = f" of {owner}" if owner else ""
        raise ConfigError(
            f"The {name!r} parameter{of} must be {constraint}. Got {shown(value)} instead.{near}"
        )


def shown(value: Any) -> str:
    """Return a value as a message shows it: short, on whatever can be received."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  nested too deep, an integer of 5,000 digits, a __repr__ that fails
        return f"a value of type {type(value).__name__}"
    if "\n" in text:  # a table or an array, of which a piece says less than what it is
        shape = getattr(value, "shape", None)
        of_shape = f" of shape {shape}" if isinstance(shape, tuple) else ""
        return f"a value of type {type(value).__name__}{of_shape}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8, so that no half of a character is in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def quoted(names: Iterable[object]) -> str:
    """Return names for a message: quoted, with commas; ``(none)`` if there are none."""
    return ", ".join(map(repr, names)) or "(none)"


def closest(word: object, options: Iterable[object]) -> str:
    """Return " Did you mean 'x'?" for the option that is meant, or an empty string.

    That is a word that differs by a slip, what another library calls by this word, or else the
    nearest in spelling. Of what other libraries have and is not here, say what to do instead.
    """
    import difflib

    if not isinstance(word, str):
        return ""
    texts = [option for option in options if isinstance(option, str)]
    near = difflib.get_close_matches(word, texts, n=1, cutoff=_SLIP) or meant(word, texts)
    if not near and (instead := advice(word)):
        return f" {instead}"
    near = near or difflib.get_close_matches(word, texts, n=1)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
