"""Vectors of items and users for other engines: one inner product, or one cosine, is the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array
from fieldfare._validation import Number, OneOf, check
from fieldfare.exceptions import ConfigError
from fieldfare.retrieval.approximate import augmented, lengths
from fieldfare.retrieval.id_map import id_text
from fieldfare.retrieval.requests import read_requests
from fieldfare.retrieval.state import State

Form = Literal["inner", "unit"]

_BLOCK = 65536


@final
@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of items or of users, with what makes scores of them.

    The score of a user and an item, before any link function, is

        constant of the user + scale of the user * inner product of both vectors.

    Parameters
    ----------
    side : {"item", "user"}
    column : str
        Name of the column of ids.
    ids : int64 or str array of shape (n,)
    values : float32 array of shape (n, d)
    form : {"inner", "unit"}
        ``unit``: all vectors have length one, so that inner product, cosine and Euclidean distance
        give the same order.
    bound : float or None
        What item vectors were divided by; None if they are as the model has them. Vectors of users
        and items belong together if they have the same bound.
    model : str
        Checksum of the parameters of the model (XXH3-128).
    constants, scales : float32 array of shape (n,) or None
        Of users only. They are the same for all items, so that the order does not need them.
    """

    side: Literal["item", "user"]
    column: str
    ids: AnyArray
    values: Float32Array
    form: Form
    bound: float | None
    model: str
    constants: Float32Array | None = None
    scales: Float32Array | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return int(self.values.shape[1])

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} {self.side}s, {self.dimension} numbers, form={self.form!r})"

    @property
    def description(self) -> dict[str, Any]:
        """What a reader has to know, for files: form, bound, dimension, side and model."""
        return {
            "side": self.side,
            "form": self.form,
            "dimension": self.dimension,
            "bound": self.bound,
            "model": self.model,
        }

    @property
    def numbers(self) -> dict[str, Float32Array]:
        """The constants and scales by name; empty for items."""
        named = {"constant": self.constants, "scale": self.scales}
        return {name: array for name, array in named.items() if array is not None}


def item_vectors(state: State, form: Form = "inner", bound: float | None = None) -> Vectors:
    """Return the vectors of all items; see `Recommender.item_vectors`."""
    check("form", form, OneOf(("inner", "unit")), "item_vectors")
    bound = _bound(state, form, bound)
    places = np.flatnonzero(state.index.alive)
    values = state.index.vectors[places]
    if bound is not None:
        values = augmented(values, bound)
    ids = state.item_ids.values[places]
    model = state.tower.sides.checksum
    return Vectors("item", state.item_column, ids, values, form, bound, model)


def user_vectors(
    state: State,
    users: Any = None,
    contexts: Mapping[str, Any] | None = None,
    form: Form = "inner",
    bound: float | None = None,
) -> Vectors:
    """Return the vectors of users; see `Recommender.user_vectors`."""
    check("form", form, OneOf(("inner", "unit")), "user_vectors")
    bound = _bound(state, form, bound)
    known = state.known_users
    asked = known.values[known.in_use()].tolist() if users is None else users
    ids = read_requests(state, asked, None).users
    assert ids is not None
    values = np.empty((len(ids), state.split.dimension), np.float32)
    constants = np.empty(len(ids), np.float32)
    for low in range(0, len(ids), _BLOCK):
        part = slice(low, low + _BLOCK)
        requests = read_requests(state, ids[part], contexts)
        rows = requests.rows(state.tower)
        values[part], constants[part] = state.queries(requests.users, rows)
    scales = np.ones(len(ids), np.float32)
    if bound is not None:
        own = lengths(values)  # at least one, because the last number of a query vector is one
        scales = (own * bound).astype(np.float32)
        unit = np.zeros((len(ids), values.shape[1] + 1), np.float32)
        np.divide(values, own[:, None], out=unit[:, :-1])
        values = unit
    column, model = state.tower.user, state.tower.sides.checksum
    return Vectors("user", column, _as_array(ids), values, form, bound, model, constants, scales)


def _as_array(ids: list[Any]) -> AnyArray:
    """Return ids in their canonical form: int64 if all are numbers, else texts."""
    if all(type(one) is int for one in ids):
        return np.array(ids, np.int64)
    return np.array([id_text(one) or "" for one in ids], str)


def _bound(state: State, form: Form, bound: float | None) -> float | None:
    """Return what item vectors are divided by.

    By default it is a power of the square root of two, so that it rarely changes when items do.
    """
    if form == "inner":
        if bound is not None:
            raise ConfigError("Only vectors of form='unit' are divided by a bound. Leave it out.")
        return None
    longest = state.longest_item
    if bound is None:
        return max(longest, float(2 ** (np.ceil(2 * np.log2(longest)) / 2))) if longest else 1.0
    check("bound", bound, Number(0, low_open=True), "vectors")
    if longest > bound:
        raise ConfigError(
            f"The bound must be at least the length of the longest item vector, {longest:.6g}. "
            f"Got {bound:.6g}."
        )
    return float(bound)
