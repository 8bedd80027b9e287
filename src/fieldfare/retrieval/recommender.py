"""Recommender: ids in, ids and scores out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, final

import numpy as np

from fieldfare._typing import PathLike
from fieldfare._validation import Number, check
from fieldfare.exceptions import ConfigError
from fieldfare.explain import Explanation, explain
from fieldfare.models.base import Model
from fieldfare.retrieval import storing
from fieldfare.retrieval.answers import (
    Recommended,
    filled,
    frame_of,
    ndcg,
    ranked,
    requested,
    rows_of,
    similar,
)
from fieldfare.retrieval.index import Index, Kind, build_index
from fieldfare.retrieval.labels import Labels, distinct, labels_of
from fieldfare.retrieval.roles import Roles, Sides, id_column, roles_in
from fieldfare.retrieval.splitting import split
from fieldfare.retrieval.state import Seen, State, sample_queries
from fieldfare.retrieval.towers import Tower, beside
from fieldfare.schema import compose


class TwoStep(NamedTuple):
    """NDCG when the ranker scores all items, when it scores those recalled, and what that loses."""

    all_items: float
    recalled: float
    loss: float


@final
class Recommender:
    """Recommends the items of a catalogue with a trained model.

    Parameters
    ----------
    model : Model
        Trained on a table, with a role for each column (in its Schema, or in ``roles``), without
        instance normalisation.
    items : table
        One row an item, with the columns of the item. Items that the model has not seen are
        recommended by those of their features that it knows.
    users : table, optional
        One row a user, with the columns of the user. Without it a user is an id.
    history : table, optional
        Interactions (columns of the ids of user and item), for ``filter_seen``. An approximate
        index measures itself on some of them, with their contexts if they have any.
    roles : mapping from role to columns, optional
        Such as ``{"user": "user", "item": ["movie", "genres"], "context": "hour"}``. The first
        column of a role is that of the ids; by default the first of that role in the Schema.
    index : {"auto", "exact", "approximate"}, default="auto"
    recall : float, default=0.99
        What an approximate index is to find of the best 100, see `build_index`.
    ranker : Model, optional
        Scores what the model has recalled, and decides on the order. It may be of any kind, with
        other columns of the same tables.
    n_candidates : int, default=500
        How many items are recalled for the ranker.

    Raises
    ------
    ConfigError
        If the model cannot be split.
    SchemaError
        If a column or role is missing.

    Examples
    --------
    >>> recommender = Recommender(model, movies, history=ratings)  # doctest: +SKIP
    >>> ids, scores = recommender.recommend(17, n=5, contexts={"hour": "night"})  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913 - what there is to recommend from, by name
        self,
        model: Model,
        items: Any,
        *,
        users: Any = None,
        history: Any = None,
        roles: Roles | None = None,
        index: Kind = "auto",
        recall: float = 0.99,
        ranker: Model | None = None,
        n_candidates: int = 500,
    ) -> None:
        check("n_candidates", n_candidates, Number(1, integer=True), "Recommender")
        parts = split(model, roles)
        user, item = id_column(parts.model, roles, "user"), id_column(parts.model, roles, "item")
        items = compose.read(items)
        labels = Labels(distinct(labels_of(items, item), "items"))
        people = None
        if users is not None:
            users = compose.read(users)
            people = Labels(distinct(labels_of(users, user), "users"))
        history = None if history is None else compose.read(history)
        seen = Seen.none() if history is None else Seen.of(history, user, item)
        tower = Tower.of(parts.sides, (user, item), items, users)
        upper = None
        if ranker is not None:
            sides = Sides.of(ranker, roles_in(ranker, roles))
            upper = Tower.of(sides, (user, item), items, users)
        vectors = parts.items(tower.items)
        self.n_candidates = n_candidates
        self._writing = threading.Lock()
        sample = sample_queries(parts, tower, people, history)
        built = build_index(vectors, index, recall=recall, queries=sample)
        self._state = State(built, labels, people, seen, parts, tower, upper)

    def __repr__(self) -> str:
        return f"Recommender({self._state.tower.model!r}, {self.index!r})"

    @property
    def index(self) -> Index:
        """The index in use."""
        return self._state.index

    @property
    def user_column(self) -> str:
        """Name of the column of the ids of users."""
        return self._state.tower.user

    @property
    def item_column(self) -> str:
        """Name of the column of the ids of items."""
        return self._state.item_column

    # -- asking ---------------------------------------------------------------------------------

    def recommend(  # noqa: PLR0913 - each of these is asked of a recommender, by name
        self,
        users: Any = None,
        n: int = 10,
        *,
        contexts: Any = None,
        filter_seen: bool = True,
        exclude: Iterable[Any] | None = None,
        candidates: Iterable[Any] | None = None,
        where: Mapping[str, Any] | None = None,
        frame: bool = False,
    ) -> Any:
        """Return the best items.

        Parameters
        ----------
        users : id, or sequence of ids, optional
            A user that is not known has no features: the context decides.
        n : int, default=10
        contexts : mapping or table, optional
            A mapping from column to value is a context for all; a table has one row for each user,
            or, without users, for each request. Columns left out add nothing. Without ``users``
            their ids may be a column here, and columns of users, if they have no table.
        filter_seen : bool, default=True
            Whether to leave out what a user has in the history.
        exclude : ids, optional
            Items to leave out.
        candidates : ids, optional
            The only items to choose from; those that are not in the catalogue are left out.
        where : mapping from column to a value or several, optional
            Only items that hold one of these values, in each of these columns.
        frame : bool, default=False
            Whether to return a pandas DataFrame of request (or user), item, score and rank.

        Returns
        -------
        Recommended, or DataFrame
            Scores are the model's (the ranker's, if there is one), before any link function.

        Raises
        ------
        ConfigError
            If there are neither users nor contexts.
        SchemaError
            If there is no such column.
        """
        check("n", n, Number(1, integer=True), "recommend")
        state = self._state
        single, asked, contexts, rows = requested(state, users, contexts)
        marks = state.marks(candidates, where)
        left_out = state.excluded(asked if filter_seen else None, exclude, len(rows))
        vectors, constants = state.split.queries(rows)
        depth = n if state.ranker is None else max(n, self.n_candidates)
        depth = max(1, min(depth, len(state.items)))
        places, scores = state.index.search(vectors, depth, allowed=marks, excluded=left_out)
        scores = scores + constants[:, None]
        if state.ranker is not None:
            upper = rows_of(state, state.ranker, asked, contexts)
            places, scores = ranked(state.ranker, upper, places)
        places, scores = filled(places[:, :n], scores[:, :n], n)
        if frame:
            requests = list(range(len(rows))) if asked is None else asked
            return frame_of(requests, "request" if asked is None else "user", state, places, scores)
        if single:
            there = places[0] >= 0
            return Recommended(state.items.at(places[0][there]), scores[0][there])
        return Recommended(state.items.at(places), scores)

    def similar_items(self, items: Any, n: int = 10) -> Recommended:
        """Return the items whose vectors point most nearly the same way, with their cosines.

        Parameters
        ----------
        items : id, or sequence of ids
        n : int, default=10

        Raises
        ------
        DataError
            If an item is not in the catalogue.
        """
        state = self._state
        directions = state.item_directions
        return similar(directions, state.items, items, n, "item", state.index.alive)

    def similar_users(self, users: Any, n: int = 10) -> Recommended:
        """Return the users whose vectors point most nearly the same way, with their cosines.

        Parameters
        ----------
        users : id, or sequence of ids
        n : int, default=10

        Raises
        ------
        DataError
            If a user is not known.
        """
        labels, directions = self._state.user_directions
        return similar(directions, labels, users, n, "user", None)

    def explain(
        self, user: Any, item: Any, contexts: Mapping[str, Any] | None = None
    ) -> Explanation:
        """Take the score of one item for one user apart, exactly; see `fieldfare.explain`.

        Of a recommender with a ranker it is the ranker's score.

        Raises
        ------
        DataError
            If the item is not in the catalogue.
        """
        state = self._state
        tower = state.ranker or state.tower
        place = state.place_of_item(item)
        query = rows_of(state, tower, None if user is None else [user], contexts)
        row = beside([query, tower.items.take(np.array([place]))])
        return explain(tower.model, row)

    def merge(
        self,
        channels: Mapping[str, Iterable[Any]],
        user: Any = None,
        n: int = 10,
        *,
        contexts: Mapping[str, Any] | None = None,
        column: str | None = None,
    ) -> Recommended:
        """Return one list of what several recall channels have proposed to one user.

        Scores of channels cannot be compared; one model for all of them can. It may know of the
        channels: as a column of the training table, of kind ``multi`` where several may propose the
        same item.

        Parameters
        ----------
        channels : mapping from name to ids
            What each has proposed; ids that are not in the catalogue are left out.
        user : id, optional
        n : int, default=10
        contexts : mapping, optional
        column : str, optional
            Column of the ranker (or else of the model) that holds the names of the channels.

        Raises
        ------
        ConfigError
            If there are neither user nor contexts.
        SchemaError
            If there is no such column.
        """
        state = self._state
        tower = state.ranker or state.tower
        proposed: dict[int, list[str]] = {}
        for name, ids in channels.items():
            for place in state.items.places(ids).tolist():
                if place >= 0 and state.index.alive[place]:
                    proposed.setdefault(place, []).append(name)
        _, users, contexts, query = requested(state, user, contexts)
        if tower is not state.tower:
            query = rows_of(state, tower, users, contexts)
        places = np.array(list(proposed), np.int64)
        rows = tower.items.take(places)
        if column is not None and len(places):
            rows = beside([rows, tower.channels(list(proposed.values()), column)])
        scores = tower.model.score_candidates(query, rows)[:, 0]
        best = np.lexsort((places, -scores))[:n]
        return Recommended(state.items.at(places[best]), scores[best])

    def two_step_loss(self, test: Any, n: int = 10) -> TwoStep:
        """Measure what recalling before ranking costs in NDCG@n.

        Parameters
        ----------
        test : table
            Interactions held out, with the columns of the ids of user and item; every user counts
            once, without context.
        n : int, default=10

        Raises
        ------
        ConfigError
            If there is no ranker.
        """
        state = self._state
        if state.ranker is None:
            raise ConfigError("Without a ranker there are no two steps. Give one as ranker.")
        wanted = Seen.of(compose.read(test), state.tower.user, state.item_column)
        recalled, whole = [], []
        everything = np.flatnonzero(state.index.alive)
        for user in wanted.users.values:
            relevant = state.items.places(wanted.items.values[wanted.codes(user)])
            found = self.recommend(user, n)
            query = rows_of(state, state.ranker, [user], None)
            lists = state.excluded([user], None, 1)
            rest = everything if lists is None else np.setdiff1d(everything, lists.ids)
            best, _ = ranked(state.ranker, query, rest[None])
            recalled.append(ndcg(state.items.places(found.ids), relevant, n))
            whole.append(ndcg(best[0, :n], relevant, n))
        one, other = float(np.mean(whole)), float(np.mean(recalled))
        return TwoStep(one, other, one - other)

    # -- changing -------------------------------------------------------------------------------

    def add_items(self, items: Any) -> None:
        """Add items, or replace those whose ids are there; searches see all of it or nothing.

        Parameters
        ----------
        items : table
            As for the constructor. Vectors come from features; nothing is trained.
        """
        table = compose.read(items)
        with self._writing:
            self._state = self._state.with_items(table).ready()

    def remove_items(self, items: Iterable[Any]) -> None:
        """Remove items from the catalogue; ids that are not in it are passed over."""
        with self._writing:
            self._state = self._state.without_items(items).ready()

    def add_history(self, history: Any) -> None:
        """Add interactions to what ``filter_seen`` leaves out."""
        table = compose.read(history)
        with self._writing:
            self._state = self._state.with_history(table).ready()

    def swap(self, other: Recommender) -> None:
        """Take over the model, index and tables of another recommender, at once.

        Requests under way end with the old ones; none waits.
        """
        with self._writing:
            self.n_candidates, self._state = other.n_candidates, other._state.ready()

    def save(self, folder: PathLike) -> None:
        """Write the index and all tables to a folder, beside the model file, which it needs.

        What is there stays in use until the new files are complete.
        """
        storing.save(self._state, folder, self.n_candidates)

    @staticmethod
    def load(folder: PathLike, model: Model, ranker: Model | None = None) -> Recommender:
        """Return the recommender that `save` wrote; large arrays are mapped into memory.

        Raises
        ------
        ModelFileError
            If the folder holds none, or it was made for another model.
        """
        self = object.__new__(Recommender)
        self._writing = threading.Lock()
        self._state, self.n_candidates = storing.load(folder, model, ranker)
        return self
