"""State: everything that a request needs. It never changes; an update replaces it as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare._validation import shown
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.topk import Excluded
from fieldfare.retrieval.approximate import lengths
from fieldfare.retrieval.folding import FoldedUsers, Observed, read_weights, user_vectors
from fieldfare.retrieval.id_map import IdMap, check_distinct, id_list, read_ids
from fieldfare.retrieval.index import Index
from fieldfare.retrieval.item_columns import ItemColumns
from fieldfare.retrieval.seen import SeenItems
from fieldfare.retrieval.splitting import Split
from fieldfare.retrieval.towers import Tower
from fieldfare.rows import Rows
from fieldfare.training.ranking.folding import settings_to_fold_in

_CALIBRATION_QUERIES = 1000
# The share of free places, or of replaced users, above which all the others move together.
_FREE = 0.25


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
    columns : ItemColumns
        The table of items, by place.
    seen : SeenItems
    seen_places : int64 array of shape (len(seen.items),)
        Place in the catalogue of each item in the history; -1 if it is not there.
    split : Split
    tower : Tower
        Of the model that recalls.
    ranker : Tower or None
        Of the model that ranks, if there is one.
    n_replaced_users : int
        Rows in the table of users that a later one has replaced.
    folded : FoldedUsers
        Users with a vector of their own.
    """

    index: Index
    item_ids: IdMap
    user_ids: IdMap | None
    columns: ItemColumns
    seen: SeenItems
    seen_places: Int64Array
    split: Split
    tower: Tower
    ranker: Tower | None
    n_replaced_users: int = 0
    folded: FoldedUsers = field(default_factory=FoldedUsers)

    @property
    def towers(self) -> list[Tower]:
        """That of the model that recalls, and that of the one that ranks if there is one."""
        return [self.tower] if self.ranker is None else [self.tower, self.ranker]

    @cached_property
    def query_columns(self) -> dict[bool, frozenset[str]]:
        """The columns of a context beside a user (False), and those of a user's features (True)."""
        return {
            with_features: frozenset(
                name
                for tower in self.towers
                for name in tower.context_columns(False, with_features)
            )
            for with_features in (False, True)
        }

    @property
    def item_column(self) -> str:
        """Name of the column of item ids."""
        return self.tower.item

    def ready(self) -> State:
        """Return itself, after building the lookup tables that the first request would wait for."""
        seen_by = self.seen.users if self.seen else None
        for id_map in (self.item_ids, self.user_ids, seen_by, self.folded.ids):
            if id_map is not None:
                id_map.ready()
        return self

    def queries(self, users: Sequence[Any] | None, rows: Rows) -> tuple[Float32Array, Float32Array]:
        """Return the query vectors of requests and their constants, see `Split.queries`.

        Parameters
        ----------
        users : sequence of ids or None
        rows : Rows
            The features of the requests.
        """
        vectors, constants = self.split.queries(rows)
        if users is None or not self.folded:
            return vectors, constants
        places = self.folded.ids.places(users)
        folded = np.flatnonzero(places >= 0)
        if len(folded):
            rest, own = self.split.queries(self.tower.without_ids(rows.take(folded)))
            of_users = self.folded.vectors.take(places[folded])
            constants[folded] = own + np.einsum("qk,qk->q", rest[:, :-1], of_users)
            rest[:, :-1] += of_users
            vectors[folded] = rest
        return vectors, constants

    def knows_user(self, user: Any) -> bool:
        """Whether a user is in the table of users, or was seen in training, or folded in."""
        if self.folded and self.folded.ids.place(user) >= 0:
            return True
        if self.user_ids is not None:
            return self.user_ids.place(user) >= 0
        return self.tower.knows(user)

    @cached_property
    def popularity(self) -> Float32Array:
        """Number of interactions of each place in the history, float32 of shape (n_places,)."""
        _, items = self.seen.pairs()
        places = self.seen_places[items]
        counts = np.bincount(places[places >= 0], minlength=len(self.index.alive))
        return counts.astype(np.float32)

    def place_of_item(self, item: Any) -> int:
        """Return the place of an item.

        Raises
        ------
        DataError
            If the item is not in the catalogue.
        """
        (item,) = id_list([item])
        place = self.item_ids.place(item)
        if place < 0:
            raise DataError(
                f"The catalogue of {len(self.index):,} items does not hold {shown(item)}."
            )
        return place

    def excluded(
        self,
        users: list[Any] | None,
        exclude: Any,
        n: int,
        more: Sequence[Sequence[Any]] | None = None,
    ) -> Excluded | None:
        """Return the places that each of n requests leaves out.

        Parameters
        ----------
        users : list of n ids, or None
            Their seen items are left out; None leaves out none of them.
        exclude : ids or None
            Items that every request leaves out.
        n : int
        more : n lists of ids, or None
            Items that each request leaves out as well.

        Returns
        -------
        Excluded or None
            None if nothing is left out.
        """
        lists: list[list[AnyArray]] = []
        if exclude is not None:
            lists.append([self.item_ids.places(id_list(exclude))] * n)
        if users is not None and self.seen:
            lists.append([self.seen_places[self.seen.codes(user)] for user in users])
        if more is not None:
            lists.append([self.item_ids.places(own) for own in more])
        return Excluded.of(lists, len(self.index.vectors)) if lists else None

    def allowed_items(self, candidates: Any, where: Mapping[str, Any] | None) -> AnyArray | None:
        """Return which places may be found, bool of shape (n_places,); None if all may.

        Parameters
        ----------
        candidates : ids or None
            The only items to choose from.
        where : mapping or None
            What items must hold in some columns, see `ItemColumns.matching`.
        """
        if candidates is None and not where:
            return None
        allowed = self.columns.matching(where or {})
        if candidates is not None:
            places = self.item_ids.places(id_list(candidates))
            chosen = np.zeros(len(allowed), bool)
            chosen[places[places >= 0]] = True
            allowed &= chosen
        return allowed

    @cached_property
    def longest_item(self) -> float:
        """Length of the longest vector of an item; 0 if there are none."""
        return float(lengths(self.index.vectors[self.index.alive]).max(initial=0))

    @cached_property
    def item_directions(self) -> Float32Array:
        """Item vectors scaled to length one, without the term that an item adds on its own."""
        return _directions(self.index.vectors[:, :-1])

    @cached_property
    def known_users(self) -> IdMap:
        """Users of the table, or without one those that the model knows, and folded ones."""
        known = self.tower.known_users() if self.user_ids is None else self.user_ids
        folded = self.folded.ids.values
        return known.extended(folded[known.places(folded) < 0])

    @cached_property
    def user_directions(self) -> tuple[IdMap, Float32Array]:
        """User ids and their vectors scaled to length one."""
        user_ids = self.known_users
        places = None
        if self.user_ids is not None:
            places = np.arange(len(user_ids))
            places[len(self.user_ids) :] = -1
        users = user_ids.values.tolist()
        vectors, _ = self.queries(users, self.tower.queries(users, places, None))
        return user_ids, _directions(vectors[:, :-1])

    def with_items(self, table: Any) -> State:
        """Return a state with more items; those whose ids exist already are replaced."""
        ids = check_distinct(read_ids(table, self.item_column), "items")
        places = self.item_ids.places(ids)
        is_new = places < 0
        removed = places[~is_new]
        places[is_new] = self.index.free_places(int(is_new.sum()))
        tower = self.tower.with_items(table, places)
        ranker = None if self.ranker is None else self.ranker.with_items(table, places)
        vectors = self.split.items(tower.items.take(places))
        index = self.index.change(removed, vectors, places)
        item_ids = self.item_ids.replaced(places, ids)
        return replace(
            self,
            index=index,
            item_ids=item_ids,
            columns=self.columns.put(places, table),
            seen_places=_moved(self, ids, places),
            tower=tower,
            ranker=ranker,
        )

    def without_items(self, items: Any) -> State:
        """Return a state without some items."""
        places = np.unique(self.item_ids.places(id_list(items)))
        places = places[places >= 0]
        ids = self.item_ids.values[places]
        changed = replace(
            self,
            index=self.index.change(places, self.index.vectors[:0]),
            item_ids=self.item_ids.without(places),
            seen_places=_moved(self, ids, np.full(len(ids), -1)),
        )
        n_free = len(changed.index.alive) - len(changed.index)
        return changed._compact() if n_free > _FREE * len(changed.index.alive) else changed

    def _compact(self) -> State:
        """Return a state whose items have the places from 0 on, without any gap."""
        kept = np.flatnonzero(self.index.alive)
        item_ids = self.item_ids.taken(kept)
        return replace(
            self,
            index=self.index.taken(kept),
            item_ids=item_ids,
            columns=self.columns.taken(kept),
            seen_places=item_ids.places(self.seen.items.values),
            tower=self.tower.taken(kept, None),
            ranker=None if self.ranker is None else self.ranker.taken(kept, None),
        )

    def with_users(self, table: Any) -> State:
        """Return a state with more users; those whose ids exist already are replaced.

        Raises
        ------
        ConfigError
            If there is no table of users.
        """
        if self.user_ids is None:
            raise ConfigError(
                "This recommender has no table of users to add to: its users are ids, and their "
                "features come with the request. Pass users= to Recommender."
            )
        ids = check_distinct(read_ids(table, self.tower.user), "users")
        changed = replace(
            self,
            user_ids=self.user_ids.extended(ids),
            tower=self.tower.with_users(table),
            ranker=None if self.ranker is None else self.ranker.with_users(table),
            n_replaced_users=self.n_replaced_users + int((self.user_ids.places(ids) >= 0).sum()),
        )
        is_much = changed.n_replaced_users > _FREE * len(changed.user_ids or ())
        return changed.settled() if is_much else changed

    def settled(self) -> State:
        """Return the same state without rows of users that were replaced, and with whole parts."""
        changed = replace(self, seen=self.seen.joined(), folded=self.folded.settled())
        if self.user_ids is None:
            return changed
        kept = np.flatnonzero(self.user_ids.in_use())
        return replace(
            changed,
            user_ids=self.user_ids.taken(kept),
            tower=self.tower.taken(None, kept),
            ranker=None if self.ranker is None else self.ranker.taken(None, kept),
            n_replaced_users=0,
        )

    def with_history(self, table: Any) -> State:
        """Return a state with more interactions in its history."""
        seen = self.seen.with_more(table, self.tower.user, self.item_column)
        n_known = len(self.seen_places)
        if len(seen.items) == n_known:
            return replace(self, seen=seen)
        more = self.item_ids.places(seen.items.values[n_known:])
        return replace(self, seen=seen, seen_places=np.append(self.seen_places, more))

    def with_folded(self, table: Any, sample_weight: Any) -> State:
        """Return a state with vectors of its own for each user in a table of interactions.

        Raises
        ------
        ConfigError
            If the model was not learned from all pairs.
        DataError
            If the weights are not allowed.
        """
        config = settings_to_fold_in(self.split.model)
        users = read_ids(table, self.tower.user)
        weight = read_weights(table, sample_weight)
        places = self.item_ids.places(read_ids(table, self.item_column))
        known = np.flatnonzero((places >= 0) & (weight > 0))
        state = self.with_history(table)
        if not len(known):
            return state
        of_table = None if self.user_ids is None else self.user_ids.places(users)
        rows = self.tower.queries(users.tolist(), of_table, table)
        rest = self.tower.without_ids(rows).take(known)
        ids, user = np.unique(users[known], return_inverse=True)
        observed = Observed.of(
            user.reshape(-1), rest, places[known], weight[known], len(self.index.vectors)
        )
        vectors, _ = self.split.queries(observed.rest)
        own = user_vectors(self.index, observed, vectors, config)
        return replace(state, folded=self.folded.with_more(ids, own))


def _moved(state: State, ids: AnyArray, places: Int64Array) -> Int64Array:
    """Return the places of the items in the history after some items have got others."""
    codes = state.seen.items.places(ids)
    found = state.seen_places.copy()
    found[codes[codes >= 0]] = places[codes >= 0]
    return found


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


def _directions(vectors: AnyArray) -> Float32Array:
    """Scale vectors to length one; zero vectors stay zero."""
    own = lengths(vectors)[:, None]
    found: Float32Array = (vectors / np.where(own > 0, own, 1)).astype(np.float32)
    return found
