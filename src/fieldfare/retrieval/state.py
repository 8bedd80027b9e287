"""State: all that a request needs, never changed, so that a new one can take its place at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array, UInt32Array
from fieldfare.exceptions import DataError
from fieldfare.kernels.topk import Excluded
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.labels import Labels, distinct, labels_of
from fieldfare.retrieval.splitting import Split
from fieldfare.retrieval.towers import Tower

_CALIBRATION_QUERIES = 1000


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """What each user has had: user u the items ``ids[indptr[u]:indptr[u + 1]]``, by own labels."""

    users: Labels
    items: Labels
    indptr: Int64Array
    ids: UInt32Array

    @staticmethod
    def none() -> Seen:
        """Return an empty history."""
        nobody = Labels(np.zeros(0, np.int64))
        return Seen(nobody, nobody, np.zeros(1, np.int64), np.zeros(0, np.uint32))

    @staticmethod
    def of(table: Any, user: str, item: str) -> Seen:
        """Collect a table of interactions."""
        return Seen.between(labels_of(table, user), labels_of(table, item))

    @staticmethod
    def between(users: AnyArray, items: AnyArray) -> Seen:
        """Collect pairs of a user and an item, each once."""
        people, u = np.unique(users, return_inverse=True)
        things, i = np.unique(items, return_inverse=True)
        pairs = np.unique(u.reshape(-1).astype(np.int64) * max(1, len(things)) + i.reshape(-1))
        indptr = np.zeros(len(people) + 1, np.int64)
        owner, ids = np.divmod(pairs, max(1, len(things)))
        np.cumsum(np.bincount(owner, minlength=len(people)), out=indptr[1:])
        return Seen(Labels(people), Labels(things), indptr, ids.astype(np.uint32))

    def pairs(self) -> tuple[AnyArray, AnyArray]:
        """Return user and item of every pair."""
        return np.repeat(self.users.values, np.diff(self.indptr)), self.items.values[self.ids]

    def codes(self, user: Any) -> UInt32Array:
        """Return the items of a user; none of one who is not known."""
        place = self.users.place(user)
        return self.ids[:0] if place < 0 else self.ids[self.indptr[place] : self.indptr[place + 1]]


@final
@dataclass(frozen=True, eq=False)
class State:
    """The catalogue, the users and the models of a recommender.

    Parameters
    ----------
    index : Index
    items : Labels
        Ids by place of the index.
    people : Labels or None
        Ids of the table of users.
    seen : Seen
    split : Split
    tower : Tower
        Of the model that recalls.
    ranker : Tower or None
    """

    index: Index
    items: Labels
    people: Labels | None
    seen: Seen
    split: Split
    tower: Tower
    ranker: Tower | None

    @property
    def item_column(self) -> str:
        """Column of the ids of items."""
        return self.tower.item

    @cached_property
    def _places_of_seen(self) -> Int64Array:
        return self.items.places(self.seen.items.values.tolist())

    def ready(self) -> State:
        """Return itself, having looked up what the first request would otherwise wait for."""
        if len(self.seen.ids):
            self.seen.users.place(None)
            _ = self._places_of_seen
        for labels in (self.items, self.people):
            if labels is not None:
                labels.place(None)
        return self

    def place_of_item(self, item: Any) -> int:
        """Return the place of an item.

        Raises
        ------
        DataError
            If it is not in the catalogue.
        """
        place = self.items.place(item)
        if place < 0 or not self.index.alive[place]:
            raise DataError(f"There is no item {item!r} in the catalogue of {len(self.index):,}.")
        return place

    def excluded(
        self, users: list[Any] | None, exclude: Iterable[Any] | None, n: int
    ) -> Excluded | None:
        """Return the places that each of n requests leaves out."""
        common = self.items.places(() if exclude is None else exclude)
        if users is None or not len(self.seen.ids):
            lists = [common] * n
        else:
            own = self._places_of_seen
            lists = [np.concatenate([common, own[self.seen.codes(user)]]) for user in users]
        lists = [np.unique(one[one >= 0]) for one in lists]
        if not any(map(len, lists)):
            return None
        indptr = np.zeros(n + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=indptr[1:])
        return Excluded(indptr, np.concatenate(lists).astype(np.uint32))

    def marks(
        self, candidates: Iterable[Any] | None, where: Mapping[str, Any] | None
    ) -> AnyArray | None:
        """Return which places may be found; None if all may."""
        if candidates is None and not where:
            return None
        allowed = np.ones(len(self.items), bool)
        if candidates is not None:
            allowed[:] = False
            places = self.items.places(candidates)
            allowed[places[places >= 0]] = True
        for column, wanted in (where or {}).items():
            allowed &= self.tower.holding(column, wanted)
        return allowed

    @cached_property
    def item_directions(self) -> Float32Array:
        """Item vectors of length one, without what items add on their own."""
        return _directions(self.index.vectors[:, :-1])

    @cached_property
    def user_directions(self) -> tuple[Labels, Float32Array]:
        """Ids of users and their vectors of length one."""
        labels = self.tower.known_users() if self.people is None else self.people
        places = None if self.people is None else np.arange(len(labels))
        rows = self.tower.queries(labels.values.tolist(), places, None)
        return labels, _directions(self.split.queries(rows)[0][:, :-1])

    def with_items(self, table: Any) -> State:
        """Return a state with items added, or replaced where their ids are there."""
        new = distinct(labels_of(table, self.item_column), "items")
        old = self.items.places(new.tolist())
        tower = self.tower.with_items(table)
        ranker = None if self.ranker is None else self.ranker.with_items(table)
        fresh = tower.items.slice(len(self.items), len(tower.items))
        index = self.index.change(_living(self.index, old), self.split.items(fresh))
        return replace(
            self, index=index, items=self.items.extended(new), tower=tower, ranker=ranker
        )

    def without_items(self, items: Iterable[Any]) -> State:
        """Return a state without some items."""
        places = _living(self.index, np.unique(self.items.places(items)))
        none = self.index.vectors[:0]
        return replace(self, index=self.index.change(places, none))

    def with_history(self, table: Any) -> State:
        """Return a state that knows of more interactions."""
        users, items = self.seen.pairs()
        more = labels_of(table, self.tower.user), labels_of(table, self.item_column)
        if len(users):
            more = np.concatenate([users, more[0]]), np.concatenate([items, more[1]])
        return replace(self, seen=Seen.between(*more))


def sample_queries(
    parts: Split, tower: Tower, people: Labels | None, history: Any
) -> AnyArray | None:
    """Return queries for the index to measure itself on: of past requests, or else of users."""
    labels = people or tower.known_users()
    n = len(labels) if history is None else history.num_rows
    if n < 2:
        return None
    step = max(1, n // _CALIBRATION_QUERIES)
    if history is None:
        users = labels.values[::step][:_CALIBRATION_QUERIES].tolist()
    else:
        history = history.take(list(range(0, n, step))[:_CALIBRATION_QUERIES])
        users = labels_of(history, tower.user).tolist()
    places = None if people is None else people.places(users)
    return parts.queries(tower.queries(users, places, history))[0]


def _living(index: Index, places: Int64Array) -> Int64Array:
    places = places[places >= 0]
    return places[index.alive[places]]


def _directions(vectors: AnyArray) -> Float32Array:
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None]
    found: Float32Array = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found
