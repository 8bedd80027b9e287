"""Steps of time-aware models: the drift of users, and columns crossed with periods of time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldfare._typing import Float64Array, Int64Array
from fieldfare.recipes._histories import InteractionColumns, places
from fieldfare.schema import compose
from fieldfare.schema.column import Column

# The exponent that Koren 2009 chose by cross-validation.
_EXPONENT = 0.4


@dataclass(frozen=True, eq=False)
class Drift:
    """The user again, with the value dev_u(t) = sign(t - t_u) |t - t_u|^0.4 / scale.

    t_u is the mean time of the user's ratings. The scale makes the largest training value 1.

    Parameters
    ----------
    column : Column
    names : InteractionColumns
    users : Arrow array of n_users ids
    means : float64 array of shape (n_users,)
        t_u of each user.
    scale : float
    """

    column: Column
    names: InteractionColumns
    users: Any
    means: Float64Array
    scale: float = 1.0

    @staticmethod
    def of(table: Any, names: InteractionColumns, column: Column) -> Drift:
        """Learn the mean times and the scale from training interactions."""
        step = Drift(column, names, *_mean_times(table, names))
        largest = np.abs(step.values(table)[1]).max(initial=0.0)
        return replace(step, scale=float(largest) or 1.0)

    def values(self, table: Any) -> tuple[Int64Array, Float64Array]:
        """Return the user of each row (-1: unknown) and dev_u(t), which is 0 for unknown users."""
        assert self.names.time is not None
        user, _ = compose.positions(compose.column_of(table, self.names.user), self.users)
        away = compose.numbers(table, self.names.time) - np.append(self.means, 0.0)[user]
        drift = np.sign(away) * np.abs(away) ** _EXPONENT / self.scale
        return user, np.where(user >= 0, drift, 0.0)

    def make(self, table: Any) -> Any:
        """Return the users with their values."""
        user, drift = self.values(table)
        known = user >= 0
        indptr = np.concatenate([[0], np.cumsum(known)])
        return compose.weighted_lists(indptr, self.users, user[known], drift[known])

    def with_history(self, history: Any) -> Drift:
        """Return the step with the mean times of another table."""
        users, means = _mean_times(history, self.names)
        return replace(self, users=users, means=means)


def _mean_times(table: Any, names: InteractionColumns) -> tuple[Any, Float64Array]:
    assert names.time is not None
    user, users = places(table, names.user)
    total = np.bincount(user, compose.numbers(table, names.time), len(users))
    return users, total / np.maximum(1, np.bincount(user, minlength=len(users)))


@dataclass(frozen=True)
class Period:
    """A column crossed with the period in which the time of a row lies.

    Period p is [start + p length, start + (p + 1) length). With ``n`` given, times before the first
    or after the last of the ``n`` periods belong to these.
    """

    column: Column
    of: str
    time: str
    start: float
    length: float
    n: int | None = None

    def make(self, table: Any) -> Any:
        """Return the texts ``value & period``."""
        time = compose.numbers(table, self.time)
        period = np.floor((time - self.start) / self.length)
        if self.n is not None:
            period = np.clip(period, 0, self.n - 1)
        return compose.crossed([compose.column_of(table, self.of), period.astype(np.int64)])

    def with_history(self, history: Any) -> Period:
        """Return itself, since it has no history."""
        return self
