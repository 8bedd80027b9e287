"""The items that users have already seen: a large history that grows by single interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array, UInt32Array
from fieldfare.retrieval.id_map import IdMap, read_ids
from fieldfare.retrieval.layered import is_much


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
    recent : mapping from place of a user to uint32 array
        All the items of users whose history has grown since, among them those whose place is
        beyond ``indptr``.
    """

    users: IdMap
    items: IdMap
    indptr: Int64Array
    ids: UInt32Array
    recent: Mapping[int, UInt32Array] = field(default_factory=dict)

    @staticmethod
    def none() -> SeenItems:
        """Return an empty history."""
        no_ids = IdMap(np.zeros(0, np.int64))
        return SeenItems(no_ids, no_ids, np.zeros(1, np.int64), np.zeros(0, np.uint32))

    @staticmethod
    def of(table: Any, user: str, item: str) -> SeenItems:
        """Read a table of interactions, with the user and item ids in these columns."""
        user_ids, users = np.unique(read_ids(table, user), return_inverse=True)
        item_ids, items = np.unique(read_ids(table, item), return_inverse=True)
        return _of_places(IdMap(user_ids), IdMap(item_ids), users, items)

    def __bool__(self) -> bool:
        return len(self.ids) > 0 or bool(self.recent)

    def codes(self, user: Any) -> UInt32Array:
        """Return the items of a user, as places in ``items``; none for an unknown user."""
        return self._codes_at(self.users.place(user))

    def _codes_at(self, place: int) -> UInt32Array:
        own = self.recent.get(place)
        if own is not None:
            return own
        if not 0 <= place < len(self.indptr) - 1:
            return self.ids[:0]
        return self.ids[self.indptr[place] : self.indptr[place + 1]]

    def with_more(self, table: Any, user: str, item: str) -> SeenItems:
        """Return a history with the interactions of a table, too."""
        user_ids, item_ids = read_ids(table, user), read_ids(table, item)
        users, user_places = _with_ids(self.users, user_ids)
        items, item_places = _with_ids(self.items, item_ids)
        recent = dict(self.recent)
        for place in np.unique(user_places).tolist():
            more = item_places[user_places == place].astype(np.uint32)
            recent[place] = np.union1d(self._codes_at(place), more)
            if is_much(len(recent), len(self.indptr)):
                break
        else:
            return replace(self, users=users, items=items, recent=recent)
        old_users, old_items = self.pairs()
        return _of_places(
            users,
            items,
            np.concatenate([old_users, user_places]),
            np.concatenate([old_items, item_places]),
        )

    def joined(self) -> SeenItems:
        """Return the same history without a recent part."""
        return _of_places(self.users, self.items, *self.pairs()) if self.recent else self

    def pairs(self) -> tuple[Int64Array, Int64Array]:
        """Return the places of the user and of the item of every interaction."""
        users = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        own = [np.full(len(codes), place) for place, codes in self.recent.items()]
        return (
            np.concatenate([users, *own]).astype(np.int64),
            np.concatenate([self.ids, *self.recent.values()]).astype(np.int64),
        )


def _of_places(users: IdMap, items: IdMap, user: AnyArray, item: AnyArray) -> SeenItems:
    """Collect interactions by user; repeated ones count once."""
    n_items = max(1, len(items))
    # One number per pair of user and item, so that sorting and removing repeats is one call.
    keys = np.unique(user.reshape(-1).astype(np.int64) * n_items + item.reshape(-1))
    indptr = np.zeros(len(users) + 1, np.int64)
    owner, ids = np.divmod(keys, n_items)
    np.cumsum(np.bincount(owner, minlength=len(users)), out=indptr[1:])
    return SeenItems(users, items, indptr, ids.astype(np.uint32))


def _with_ids(known: IdMap, ids: AnyArray) -> tuple[IdMap, Int64Array]:
    """Return a map that knows all ids, and the place of each."""
    places = known.places(ids)
    if (places < 0).any():
        known = known.extended(np.unique(ids[places < 0]))
        places = known.places(ids)
    return known, places
