"""Recommender: ids in, ids and scores out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import PathLike
from fieldfare._validation import Number, check
from fieldfare.exceptions import ConfigError
from fieldfare.explain import Explanation, explain
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.retrieval import storing, two_step, vectors
from fieldfare.retrieval.answers import (
    LENGTH,
    Recommended,
    best_items,
    most_similar,
    recommended,
    to_frame,
)
from fieldfare.retrieval.channels import merge
from fieldfare.retrieval.folding import read_interactions
from fieldfare.retrieval.id_map import IdMap, check_distinct, read_ids
from fieldfare.retrieval.index import Index, Kind, build_index
from fieldfare.retrieval.item_columns import ItemColumns
from fieldfare.retrieval.requests import read_requests
from fieldfare.retrieval.roles import FeatureSides, Roles, id_column, roles_in
from fieldfare.retrieval.seen import SeenItems
from fieldfare.retrieval.splitting import split
from fieldfare.retrieval.state import State, sample_queries
from fieldfare.retrieval.towers import Tower, hstack_rows
from fieldfare.retrieval.vectors import Form, Vectors
from fieldfare.schema import compose


@final
class Recommender:
    """Recommends the items of a catalogue with a trained model.

    Parameters
    ----------
    model : Model or fitted estimator
        Trained on a table, with a role for each column (in its Schema or in ``roles``) and without
        instance normalisation.
    items : table
        One row per item, with the item's columns. An item that the model has not seen is
        recommended by those of its features that the model knows.
    users : table, optional
        One row per user, with the user's columns. Without it a user is only an id.
    history : table, optional
        Interactions, with the columns of the user and item ids, for ``filter_seen``. An approximate
        index is calibrated on some of them, with their contexts if they have any.
    roles : mapping from role to columns, optional
        For instance ``{"user": "user", "item": ["movie", "genres"], "context": "hour"}``. The first
        column of a role holds the ids; by default it is the first of that role in the Schema.
    index : {"auto", "exact", "approximate"}, default="auto"
        ``auto`` is approximate for more than 100,000 items, see `build_index`.
    recall : float in (0, 1), default=0.99
        Share of the true best 100 items that an approximate index has to find.
    ranker : Model or fitted estimator, optional
        Scores the items that the model has recalled and determines their order. It may be of any
        kind and have other columns of the same tables.
    n_candidates : int in [1, inf), default=500
        Number of items recalled for the ranker.

    Raises
    ------
    ConfigError
        If the model cannot be split into two towers, or a parameter is not allowed.
    DataError
        If an id appears in more than one row of its table.
    SchemaError
        If a column or a role is missing.

    Examples
    --------
    >>> recommender = Recommender(model, movies, history=ratings)  # doctest: +SKIP
    >>> ids, scores = recommender.recommend(17, n=5, contexts={"hour": "night"})  # doctest: +SKIP
    """

    @checked
    def __init__(  # noqa: PLR0913 - everything that a recommender is made of, by name
        self,
        model: Model | FittedEstimator,
        items: Any,
        *,
        users: Any = None,
        history: Any = None,
        roles: Roles | None = None,
        index: Kind = "auto",
        recall: float = 0.99,
        ranker: Model | FittedEstimator | None = None,
        n_candidates: int = 500,
    ) -> None:
        check("n_candidates", n_candidates, Number(1, integer=True), "Recommender")
        parts = split(model, roles)
        user, item = id_column(parts.model, roles, "user"), id_column(parts.model, roles, "item")
        items = compose.read(items)
        item_ids = IdMap(check_distinct(read_ids(items, item), "items"))
        user_ids = None
        if users is not None:
            users = compose.read(users)
            user_ids = IdMap(check_distinct(read_ids(users, user), "users"))
        history = None if history is None else compose.read(history)
        seen = SeenItems.none() if history is None else SeenItems.of(history, user, item)
        tower = Tower.of(parts.sides, (user, item), items, users)
        ranker_tower = None
        if ranker is not None:
            ranker = model_of(ranker, "Recommender")
            sides = FeatureSides.of(ranker, roles_in(ranker, roles))
            ranker_tower = Tower.of(sides, (user, item), items, users)
        item_vectors = parts.items(tower.items)
        self.n_candidates = n_candidates
        # Writers take turns; readers take the state once and need no lock, since it never changes.
        self._writing = threading.Lock()
        queries = sample_queries(parts, tower, user_ids, history)
        built = build_index(item_vectors, index, recall=recall, queries=queries)
        columns = ItemColumns(items, tower.schema)
        places = item_ids.places(seen.items.values)
        self._state = State(
            built, item_ids, user_ids, columns, seen, places, parts, tower, ranker_tower
        ).ready()

    def __repr__(self) -> str:
        return f"Recommender({self._state.tower.model!r}, {self.index!r})"

    @property
    def index(self) -> Index:
        """The index in use."""
        return self._state.index

    @property
    def state(self) -> State:
        """The catalogue, users and models at this moment; a change makes another one."""
        return self._state

    @property
    def user_column(self) -> str:
        """Name of the column of user ids."""
        return self._state.tower.user

    @property
    def item_column(self) -> str:
        """Name of the column of item ids."""
        return self._state.item_column

    # -- queries --------------------------------------------------------------------------------

    @checked
    def recommend(  # noqa: PLR0913 - all that can be asked of a recommender, by name
        self,
        users: Any = None,
        n: int = 10,
        *,
        contexts: Any = None,
        features: Any = None,
        history: Any = None,
        filter_seen: bool = True,
        exclude: Any = None,
        candidates: Any = None,
        where: Mapping[str, Any] | None = None,
        frame: bool = False,
        columns: Sequence[str] = (),
    ) -> Any:
        """Return the best items.

        Parameters
        ----------
        users : id, sequence of ids, table, mapping, or list of mappings, optional
            An unknown user, or None, has no features, so that the context alone decides. A table
            has one row per request, a mapping is one request, with the columns of the contexts and
            that of the user ids.
        n : int in [1, inf), default=10
            Number of items per request.
        contexts : mapping or table, optional
            A mapping from column to value is one context for all users. A table has one row per
            user or, without users, per request. Columns that are left out add nothing to the score.
            Without ``users``, the user ids may be a column of the contexts, and so may the other
            columns of users if these have no table.
        features : mapping or table, optional
            Columns of the users, in place of their rows in the table of users; columns that are
            left out add nothing to the score.
        history : ids, or for several requests a list of ids for each, optional
            Items that the users have seen besides those in the history.
        filter_seen : bool, default=True
            Whether to leave out the items that a user has in the history or in that of the
            request.
        exclude : id or ids, optional
            Items to leave out.
        candidates : id or ids, optional
            The only items to choose from. Ids that are not in the catalogue are ignored.
        where : mapping from column to what is wanted, optional
            Keep only items that hold one of the given values (one, or a list or set) in each of
            these columns of the table of items; ``{"min": 1990, "max": 1999}`` are the limits of a
            number or a date, either of which may be left out.
        frame : bool, default=False
            Whether to return a pandas DataFrame with the columns user (or request), item, score and
            rank.
        columns : sequence of str, optional
            Columns of the table of items, such as their titles, which the DataFrame has too; it is
            then returned in any case.

        Returns
        -------
        Recommended, or DataFrame
            Scores are those of the model, or of the ranker if there is one, before any link
            function.

        Raises
        ------
        ConfigError
            If there are neither users nor contexts.
        SchemaError
            If there is no such column.
        """
        check("n", n, LENGTH, "recommend")
        state = self._state
        requests = read_requests(state, users, contexts, features, history)
        allowed = state.allowed_items(candidates, where)
        seen_by, seen = (requests.users, requests.history) if filter_seen else (None, None)
        excluded = state.excluded(seen_by, exclude, requests.n, seen)
        places, scores = best_items(
            state, requests, n, self.n_candidates, allowed=allowed, excluded=excluded
        )
        if frame or columns:
            return to_frame(requests, state, places, scores, columns)
        return recommended(requests, state, places, scores, n)

    @checked
    def similar_items(self, items: Any, n: int = 10) -> Recommended:
        """Return the items whose vectors have the most similar direction, with their cosines.

        Parameters
        ----------
        items : id, or sequence of ids
        n : int in [1, inf), default=10
            Number of similar items per item.

        Returns
        -------
        Recommended

        Raises
        ------
        DataError
            If an item is not in the catalogue.
        """
        state = self._state
        directions = state.item_directions
        return most_similar(directions, state.item_ids, items, n, "item", state.index.alive)

    @checked
    def similar_users(self, users: Any, n: int = 10) -> Recommended:
        """Return the users whose vectors have the most similar direction, with their cosines.

        Parameters
        ----------
        users : id, or sequence of ids
        n : int in [1, inf), default=10
            Number of similar users per user.

        Returns
        -------
        Recommended

        Raises
        ------
        DataError
            If a user is not known.
        """
        user_ids, directions = self._state.user_directions
        return most_similar(directions, user_ids, users, n, "user", None)

    @checked
    def explain(
        self, user: Any, item: Any, contexts: Mapping[str, Any] | None = None
    ) -> Explanation:
        """Decompose the score of one item for one user exactly; see `fieldfare.explain`.

        With a ranker, the score is the ranker's.

        Parameters
        ----------
        user : id or None
        item : id
        contexts : mapping from column to value, optional

        Returns
        -------
        Explanation

        Raises
        ------
        ConfigError
            If there is neither a user nor a context, or the user was folded in.
        DataError
            If the item is not in the catalogue.
        """
        state = self._state
        tower = state.ranker or state.tower
        if tower is state.tower and state.folded.ids.place(user) >= 0:
            raise ConfigError(
                f"The vector of user {user!r} was folded in, so the model has no parameters that "
                "could explain it. Fold the user into the model (fieldfare.fold_in), and make a "
                "recommender of that."
            )
        place = state.place_of_item(item)
        query = read_requests(state, None if user is None else [user], contexts).rows(tower)
        row = hstack_rows([query, tower.items.take(np.array([place]))])
        return explain(tower.model, row)

    @checked
    def merge(
        self,
        channels: Mapping[str, Iterable[Any]],
        user: Any = None,
        n: int = 10,
        *,
        contexts: Mapping[str, Any] | None = None,
        column: str | None = None,
        filter_seen: bool = True,
    ) -> Recommended:
        """Merge the items that several recall channels propose to one user into one ranked list.

        Scores of different channels cannot be compared; those of one model for all items can. The
        model may know the channels, as a column of the training table: of kind ``multi`` if several
        channels may propose the same item.

        Parameters
        ----------
        channels : mapping from name to ids
            The proposals of each channel. Ids that are not in the catalogue are ignored.
        user : id, optional
        n : int, default=10
            Length of the list.
        contexts : mapping from column to value, optional
        column : str, optional
            Column of the ranker (of the model, if there is no ranker) that holds the names of the
            channels.
        filter_seen : bool, default=True
            Whether to leave out the items that the user has in the history.

        Returns
        -------
        Recommended

        Raises
        ------
        ConfigError
            If there is neither a user nor a context.
        SchemaError
            If there is no such column.
        """
        state = self._state
        requests = read_requests(state, user, contexts)
        seen_by = requests.users if filter_seen else None
        excluded = state.excluded(seen_by, None, requests.n)
        return merge(state, channels, requests, n, column=column, excluded=excluded)

    @checked
    def two_step_loss(self, test: Any, n: int = 10) -> two_step.TwoStep:
        """Measure how much NDCG@n is lost by recalling candidates before ranking them.

        Parameters
        ----------
        test : table
            Held-out interactions, with the columns of the user and item ids. Each user counts once,
            without context.
        n : int in [1, inf), default=10
            Length of the lists.

        Returns
        -------
        TwoStep

        Raises
        ------
        ConfigError
            If there is no ranker.
        """
        return two_step.measure(self.recommend, self._state, test, n)

    @checked
    def item_vectors(self, *, form: Form = "inner", bound: float | None = None) -> Vectors:
        """Return the vectors of all items, for other engines; see `write_vectors`.

        Parameters
        ----------
        form : {"inner", "unit"}, default="inner"
            ``inner``: as the model has them, for engines of inner products. ``unit``: divided by a
            bound, and with one more number that makes each length one, for engines that know only
            cosines or distances, and for graphs (HNSW), which lose items when lengths differ
            (Bachrach et al., RecSys 2014). The order is the same.
        bound : float, optional
            What ``unit`` divides by; at least the longest vector. By default it is the power of the
            square root of two above that. Pass that of vectors stored before to add to them.

        Returns
        -------
        Vectors
            Of shape (n_items, d), or (n_items, d + 1) if ``unit``.

        Raises
        ------
        ConfigError
            If the bound is less than the longest vector.
        """
        state = self._state
        return vectors.item_vectors(state, form, bound)

    @checked
    def user_vectors(
        self,
        users: Any = None,
        *,
        contexts: Mapping[str, Any] | None = None,
        form: Form = "inner",
        bound: float | None = None,
    ) -> Vectors:
        """Return the vectors of users, with the constants that make scores of inner products.

        Parameters
        ----------
        users : id or sequence of ids, optional
            By default all in the table of users, or all that the model knows.
        contexts : mapping from column to value, optional
            One context, which becomes part of every vector.
        form, bound
            As for `item_vectors`, of which they must be the same.

        Returns
        -------
        Vectors
            Of shape (n_users, d), or (n_users, d + 1) if ``unit``.
        """
        state = self._state
        return vectors.user_vectors(state, users, contexts, form, bound)

    # -- changes --------------------------------------------------------------------------------

    def add_items(self, items: Any) -> None:
        """Add items, and replace those whose ids exist; a search sees all the changes or none.

        Parameters
        ----------
        items : table
            As for the constructor. Vectors are computed from the features; nothing is trained.

        Raises
        ------
        DataError
            If an id appears twice.
        SchemaError
            If a column is missing.
        """
        table = compose.read(items)
        with self._writing:
            self._state = self._state.with_items(table).ready()

    @checked
    def remove_items(self, items: Any) -> None:
        """Remove items by their id or ids; ids that are not in the catalogue are ignored."""
        with self._writing:
            self._state = self._state.without_items(items).ready()

    def add_users(self, users: Any) -> None:
        """Add users, and replace those whose ids exist. The time does not grow with their number.

        Parameters
        ----------
        users : table
            As for the constructor, which must have had one.

        Raises
        ------
        ConfigError
            If there is no table of users.
        DataError
            If an id appears twice.
        SchemaError
            If a column is missing.
        """
        table = compose.read(users)
        with self._writing:
            self._state = self._state.with_users(table).ready()

    def add_history(self, history: Any) -> None:
        """Add interactions to the history, whose items ``filter_seen`` leaves out.

        Parameters
        ----------
        history : table
            With the columns of the user and item ids. One row takes about a millisecond, however
            long the history is.
        """
        table = compose.read(history)
        with self._writing:
            self._state = self._state.with_history(table).ready()

    def fold_in(self, interactions: Any, *, sample_weight: Any = None) -> None:
        """Learn users from their interactions, without training.

        Each user of the interactions, new or known, gets the vector that suits them best while
        everything else stays fixed: the one that a sweep of the ``"nonsampled"`` solver would give
        the user's id, see `fieldfare.retrieval.folding`. It takes about a millisecond per user.
        Requests use it from then on, in place of what the model knows of the user's id; a ranker
        does not know it. The interactions are added to the history, too.

        Parameters
        ----------
        interactions : table, or mapping from column to values
            All interactions of these users, one per row: the columns of the user and item ids, and
            those of contexts if the model has some. In a mapping, a single value is that of all
            rows, as in ``{"user": 17, "item": [3, 5, 8]}``. Items that are not in the catalogue
            say nothing; a user who has no others stays as before.
        sample_weight : array-like of shape (n_interactions,), or name of a column, optional
            Weights of the interactions; only their proportions count.

        Raises
        ------
        ConfigError
            If the model was not learned by ``solver="nonsampled"``, as `FMRanker` does for recall.
        DataError
            If the weights are negative, not finite or all zero.
        SchemaError
            If a column is missing.
        """
        table = read_interactions(interactions)
        with self._writing:
            self._state = self._state.with_folded(table, sample_weight).ready()

    @checked
    def swap(self, other: Recommender) -> None:
        """Replace the model, index and tables by those of another recommender, all at once.

        Requests in progress finish with the old ones; no request waits.
        """
        with self._writing:
            self.n_candidates, self._state = other.n_candidates, other._state.ready()

    def __getstate__(self) -> dict[str, Any]:
        return {"packed": storing.pack(self._state, self.n_candidates)}

    def __setstate__(self, packed: dict[str, Any]) -> None:
        self._writing = threading.Lock()
        self._state, self.n_candidates = storing.unpack(packed["packed"])

    @checked
    def save(self, folder: PathLike) -> None:
        """Write the index and all tables to a folder. Loading needs the model file, too.

        The new contents replace the old in one step, so that a reader sees one or the other, also
        if this process is killed. Other files in the folder are not touched.

        Parameters
        ----------
        folder : path
            Created if it does not exist.

        Raises
        ------
        ModelFileError
            If it cannot be written; what was in the folder is then still whole.
        """
        storing.save(self._state, folder, self.n_candidates)

    @staticmethod
    @checked
    def load(
        folder: PathLike,
        model: Model | FittedEstimator,
        ranker: Model | FittedEstimator | None = None,
    ) -> Recommender:
        """Return the recommender that `save` wrote.

        Every byte is compared with its checksum. Everything is read into memory, so that later
        changes to the folder do not matter.

        Parameters
        ----------
        folder : path
        model : Model or fitted estimator
            The model that it was made from.
        ranker : Model or fitted estimator, optional
            The ranker that it was made with, if there was one.

        Raises
        ------
        ModelFileError
            If the folder holds no recommender, is damaged, or was made for other models.
        MissingDependencyError
            If the index is approximate and faiss is not installed.
        ResourceError
            If it does not fit into memory.
        """
        self = object.__new__(Recommender)
        self._writing = threading.Lock()
        model = model_of(model, "Recommender.load")
        ranker = None if ranker is None else model_of(ranker, "Recommender.load")
        self._state, self.n_candidates = storing.load(folder, model, ranker)
        return self
