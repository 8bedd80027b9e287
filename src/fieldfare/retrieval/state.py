"""State: everything that a request needs. It never changes; an update replaces it as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array, UInt32Array
from fieldfare.exceptions import DataError
from fieldfare.kernels.topk import Excluded
from fieldfare.retrieval.id_map import IdMap, check_distinct, read_ids
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.splitting import Split
from fieldfare.retrieval.towers import Tower

_CALIBRATION_QUERIES = 1000


@final
@dataclass(frozen=True, eq=False)
class SeenItems:
    """The items that each user has already seen.

    Parameters
    ----------
    users, items : IdMap
        The ids that occur in the history. They are numbered apart from the catalogue, which items
        join and leave.
    indptr : int64 array of shape (n_users + 1,)
    ids : uint32 array of shape (n_interactions,)
        User u has seen the items ``ids[indptr[u]:indptr[u + 1]]``, as places in ``items``.
    """

    users: IdMap
    items: IdMap
    indptr: Int64Array
    ids: UInt32Array

    @staticmethod
    def none() -> SeenItems:
        """Return an empty history."""
        no_ids = IdMap(np.zeros(0, np.int64))
        return SeenItems(no_ids, no_ids, np.zeros(1, np.int64), np.zeros(0, np.uint32))

    @staticmethod
    def of(table: Any, user: str, item: str) -> SeenItems:
        """Read a table of interactions, with the user and item ids in these columns."""
        return SeenItems.from_interactions(read_ids(table, user), read_ids(table, item))

    @staticmethod
    def from_interactions(users: AnyArray, items: AnyArray) -> SeenItems:
        """Collect the user and the item of each interaction; repeated ones count once."""
        user_ids, user = np.unique(users, return_inverse=True)
        item_ids, item = np.unique(items, return_inverse=True)
        n_items = max(1, len(item_ids))
        # One number per pair of user and item, so that sorting and removing repeats is one call.
        keys = np.unique(user.reshape(-1).astype(np.int64) * n_items + item.reshape(-1))
        indptr = np.zeros(len(user_ids) + 1, np.int64)
        owner, ids = np.divmod(keys, n_items)
        np.cumsum(np.bincount(owner, minlength=len(user_ids)), out=indptr[1:])
        return SeenItems(IdMap(user_ids), IdMap(item_ids), indptr, ids.astype(np.uint32))

    def interactions(self) -> tuple[AnyArray, AnyArray]:
        """Return the user id and the item id of every interaction."""
        return np.repeat(self.users.values, np.diff(self.indptr)), self.items.values[self.ids]

    def codes(self, user: Any) -> UInt32Array:
        """Return the items of a user, as places in ``items``; none for an unknown user."""
        place = self.users.place(user)
        return self.ids[:0] if place < 0 else self.ids[self.indptr[place] : self.indptr[place + 1]]


@final
@dataclass(frozen=True, eq=False)
class State:
    """The catalogue, the users and the models of a recommender.

    Parameters
    ----------
    index : Index
    item_ids : IdMap
        The item id of each place in the index.
    user_ids : IdMap or None
        The id of each row in the table of users; None if there is no such table.
    seen : SeenItems
    split : Split
    tower : Tower
        Of the model that recalls.
    ranker : Tower or None
        Of the model that ranks, if there is one.
    """

    index: Index
    item_ids: IdMap
    user_ids: IdMap | None
    seen: SeenItems
    split: Split
    tower: Tower
    ranker: Tower | None

    @property
    def item_column(self) -> str:
        """Name of the column of item ids."""
        return self.tower.item

    @cached_property
    def _places_of_seen(self) -> Int64Array:
        return self.item_ids.places(self.seen.items.values.tolist())

    def ready(self) -> State:
        """Return itself, after building the lookup tables that the first request would wait for."""
        if len(self.seen.ids):
            self.seen.users.place(None)
            _ = self._places_of_seen
        for id_map in (self.item_ids, self.user_ids):
            if id_map is not None:
                id_map.place(None)
        return self

    def place_of_item(self, item: Any) -> int:
        """Return the place of an item.

        Raises
        ------
        DataError
            If the item is not in the catalogue.
        """
        place = self.item_ids.place(item)
        if place < 0 or not self.index.alive[place]:
            raise DataError(f"There is no item {item!r} in the catalogue of {len(self.index):,}.")
        return place

    def excluded(
        self, users: list[Any] | None, exclude: Iterable[Any] | None, n: int
    ) -> Excluded | None:
        """Return the places that each of n requests leaves out.

        Parameters
        ----------
        users : list of n ids, or None
            Their seen items are left out; None leaves out none of them.
        exclude : ids or None
            Items that every request leaves out.
        n : int

        Returns
        -------
        Excluded or None
            None if nothing is left out.
        """
        common = self.item_ids.places(() if exclude is None else exclude)
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

    def allowed_items(
        self, candidates: Iterable[Any] | None, where: Mapping[str, Any] | None
    ) -> AnyArray | None:
        """Return which places may be found, bool of shape (n_places,); None if all may.

        Parameters
        ----------
        candidates : ids or None
            The only items to choose from.
        where : mapping from column to one value or several, or None
            Values of which an item must hold one, in each of these columns.
        """
        if candidates is None and not where:
            return None
        allowed = np.ones(len(self.item_ids), bool)
        if candidates is not None:
            allowed[:] = False
            places = self.item_ids.places(candidates)
            allowed[places[places >= 0]] = True
        for column, wanted in (where or {}).items():
            allowed &= self.tower.items_with(column, wanted)
        return allowed

    @cached_property
    def item_directions(self) -> Float32Array:
        """Item vectors scaled to length one, without the term that an item adds on its own."""
        return _directions(self.index.vectors[:, :-1])

    @cached_property
    def user_directions(self) -> tuple[IdMap, Float32Array]:
        """User ids and their vectors scaled to length one."""
        user_ids = self.tower.known_users() if self.user_ids is None else self.user_ids
        places = None if self.user_ids is None else np.arange(len(user_ids))
        rows = self.tower.queries(user_ids.values.tolist(), places, None)
        return user_ids, _directions(self.split.queries(rows)[0][:, :-1])

    def with_items(self, table: Any) -> State:
        """Return a state with more items; those whose ids exist already are replaced."""
        new = check_distinct(read_ids(table, self.item_column), "items")
        replaced = self.item_ids.places(new.tolist())
        tower = self.tower.with_items(table)
        ranker = None if self.ranker is None else self.ranker.with_items(table)
        added = tower.items.slice(len(self.item_ids), len(tower.items))
        index = self.index.change(_alive_only(self.index, replaced), self.split.items(added))
        return replace(
            self, index=index, item_ids=self.item_ids.extended(new), tower=tower, ranker=ranker
        )

    def without_items(self, items: Iterable[Any]) -> State:
        """Return a state without some items."""
        places = _alive_only(self.index, np.unique(self.item_ids.places(items)))
        no_vectors = self.index.vectors[:0]
        return replace(self, index=self.index.change(places, no_vectors))

    def with_history(self, table: Any) -> State:
        """Return a state with more interactions in its history."""
        users, items = self.seen.interactions()
        more = read_ids(table, self.tower.user), read_ids(table, self.item_column)
        if len(users):
            more = np.concatenate([users, more[0]]), np.concatenate([items, more[1]])
        return replace(self, seen=SeenItems.from_interactions(*more))


def sample_queries(
    parts: Split, tower: Tower, user_ids: IdMap | None, history: Any
) -> AnyArray | None:
    """Return query vectors for the calibration of an index: of past requests, or else of users.

    Returns
    -------
    array of shape (n_queries, d) or None
        About 1,000, taken at equal distances; None if there are fewer than two.
    """
    known_ids = user_ids or tower.known_users()
    n = len(known_ids) if history is None else history.num_rows
    if n < 2:
        return None
    step = max(1, n // _CALIBRATION_QUERIES)
    if history is None:
        users = known_ids.values[::step][:_CALIBRATION_QUERIES].tolist()
    else:
        history = history.take(list(range(0, n, step))[:_CALIBRATION_QUERIES])
        users = read_ids(history, tower.user).tolist()
    places = None if user_ids is None else user_ids.places(users)
    return parts.queries(tower.queries(users, places, history))[0]


def _alive_only(index: Index, places: Int64Array) -> Int64Array:
    """Return those of the places (-1: unknown) that hold an item."""
    places = places[places >= 0]
    return places[index.alive[places]]


def _directions(vectors: AnyArray) -> Float32Array:
    """Scale vectors to length one; zero vectors stay zero."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None]
    found: Float32Array = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found
