"""Ranker: the order of the samples of a group, by a loss of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fieldfare._arrays import as_array, distinct
from fieldfare._logging import say_notes
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare._validation import NONE, AnyOf, Number, check
from fieldfare.config import Config
from fieldfare.data.dataset import AnyDataset
from fieldfare.data.interaction_columns import InteractionColumns, Roles, at_least
from fieldfare.estimators import _input
from fieldfare.estimators._checks import (
    check_array,
    check_is_fitted,
)
from fieldfare.estimators._eval_set import as_tuple, with_own_target
from fieldfare.estimators.base import Factorization
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kinds.solvers import ADAGRAD, NONSAMPLED
from fieldfare.metrics import get_metric
from fieldfare.schema.hints import NO_HINTS
from fieldfare.settings import read as read_group
from fieldfare.sources.files import are_files
from fieldfare.sources.formats import open_source
from fieldfare.sources.source import Table
from fieldfare.training.functions import schema_of
from fieldfare.training.job import read
from fieldfare.training.ranking.folding import fold_in
from fieldfare.training.ranking.recall import labelled_interactions
from fieldfare.training.samples.comparisons import require_groups
from fieldfare.training.samples.subset import RowSubset

_RankerT = TypeVar("_RankerT", bound="Ranker")
_ConfigT = TypeVar("_ConfigT", bound=Config)
_RATING = AnyOf((Number(), NONE))


class _Labels(NamedTuple):
    """Relevances together with what says which of them are compared."""

    y: Any
    qid: Any
    compared: bool = False
    """Whether the rows to compare are given, in place of groups."""
    columns: InteractionColumns | None = None
    """What the columns of interactions mean, if that was said or guessed."""
    min_rating: float | None = None


class _Sizes(NamedTuple):
    """Sizes of groups whose samples follow one another."""

    sizes: Int64Array


_NO_LABELS = _Labels(None, None)


class Ranker(Factorization):
    """Base of the rankers: groups of samples, or interactions, instead of a target per sample."""

    solver: str
    negatives: str | None
    validation: str
    validation_column: Any
    # What `fit` decides in place of parameters, from what it is given.
    _decided: Mapping[str, Any] | None = None

    def fit(  # type: ignore[override]  # noqa: PLR0913 - the front door: all but X and y by name
        self: _RankerT,
        X: Any,
        y: Any = None,
        *,
        roles: Roles | None = None,
        users: Any = None,
        items: Any = None,
        time: str | None = None,
        min_rating: float | None = None,
        qid: Any = None,
        group: Any = None,
        pairs: Any = None,
        sample_weight: Any = None,
        eval_set: Any = None,
    ) -> _RankerT:
        """Train the model.

        Parameters
        ----------
        X : data frame, Arrow table, list of dict, array, sparse matrix or path
            Samples, as for the other estimators; for recall a table of interactions.
        y : array-like of shape (n_samples,), str or None
            Relevances, larger ones ranking higher; or the name of their column. For recall: rows
            whose rating is not above 0 are no interactions, and all others count alike.
        roles : mapping from {"user", "item", "context"} to columns, or None
            For recall: which columns describe the user, the item and the context of an interaction,
            the ids of users and items first. Other columns are not used. What is not said is
            guessed from the names of the columns and printed.
        users, items : table or None
            For recall: what is known of users and items, one row each, with the column of ids that
            the interactions have. All their columns are used unless ``roles`` names some of them.
        time : str or None
            For recall: the column that says when an interaction happened. The latest rows are then
            held out for validation.
        min_rating : float or None
            For recall: rows with a lower rating are no interactions.
        qid : array-like of shape (n_samples,), str or None
            Group of each sample (a query or a user), or the name of its column, which stays a
            feature unless a ``schema`` says otherwise. ``None`` for files and tables that have
            groups of their own (``qid:`` in libsvm text, the group of the Schema), and for recall.
        group : array-like of shape (n_groups,), str or None
            Instead of ``qid``: sizes of the groups, whose samples then follow one another; or the
            name of the column of groups.
        pairs : int array of shape (n_pairs, 2) or None
            Row numbers of the samples to compare, the better one first. In training, they replace
            ``y`` and the groups; every pair is visited in each epoch.
        sample_weight : array-like of shape (n_samples,), str or None
            Weights of the samples; the weight of a pair is the geometric mean of the two.
        eval_set : (X, y, qid), path or None
            Validation data; for recall, ``(X, None, None)`` with other interactions of the users.
            All items are then ranked, and ``eval_metric`` may be ``"ndcg@10"``, ``"recall@20"`` and
            so on.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ConfigError
            If a parameter has a value that is not allowed.
        DataError
            If the data cannot be used as they are, or have no groups.
        TrainingError
            If no group holds samples of different relevance, or there is no interaction.
        SchemaError
            For recall, if nothing tells which columns are the user and the item.
        DivergenceError
            If the loss became infinite or not a number.
        """
        check("min_rating", min_rating, _RATING, f"{type(self).__name__}.fit")
        labels = _Labels(y, _group_numbers(qid, group), pairs is not None, min_rating=min_rating)
        said = {"roles": roles, "users": users, "items": items, "time": time}
        before, self._decided = self._decided, None
        is_asked = any(given is not None for given in (*said.values(), min_rating))
        try:
            X = _input.in_memory(X)
            if is_asked or self._are_interactions(X, labels):
                X, labels = self._interactions(X, labels, sample_weight, said)
            self._fit(X, labels, sample_weight, eval_set, comparisons=pairs)
        except BaseException:
            self._decided = before
            raise
        return self

    def _are_interactions(self, X: Any, labels: _Labels) -> bool:
        """Whether samples are a table that is neither graded nor grouped, nor has a Schema."""
        given = (labels.qid, self.schema)
        if any(one is not None for one in given) or labels.compared:
            return False
        if labels.y is not None and not (self._settings().for_recall and _input.is_name(labels.y)):
            return False
        if isinstance(X, Table) or are_files(X):
            return isinstance(open_source(X), Table)
        return not _input.is_source(X) and _input.as_table(X) is not None

    def _interactions(
        self, X: Any, labels: _Labels, sample_weight: Any, said: Mapping[str, Any]
    ) -> tuple[Any, _Labels]:
        """Return interactions as a table, and what its columns mean; decide how to learn."""
        if labels.qid is not None or labels.compared:
            raise DataError(
                "Training for recall compares all items: leave out qid, group and pairs, or leave "
                "out roles, users, items, time and min_rating."
            )
        if self.schema is not None:
            raise ConfigError(
                "The Schema says what columns mean, and their roles. Leave out schema= or roles=."
            )
        if labels.y is not None and not _input.is_name(labels.y):
            raise DataError(
                "Ratings of interactions are a column of their table. Give its name, as in "
                f"y='rating'. Got {type(labels.y).__name__}."
            )
        own_time = self.validation_column if self.validation == "time" else None
        weight, other = (
            str(name) if _input.is_name(name) else None
            for name in (sample_weight, self.validation_column)
        )
        columns = InteractionColumns.of(
            X,
            **{**said, "time": own_time if said["time"] is None else said["time"]},
            rating=labels.y,
            weight=weight,
            others=[] if other is None else [other],
        )
        say_notes(columns.notes)
        if self.solver == "auto" and self.negatives is None:
            self._decided = {"solver": NONSAMPLED.name}
        if said["time"] is not None:
            by_time = {"validation": "time", "validation_column": columns.time}
            self._decided = {**(self._decided or {}), **by_time}
        if not self._settings().for_recall:
            raise ConfigError(
                f"Interactions are learned from all pairs, or from drawn negatives, and solver="
                f"{self.solver!r} with negatives=None does neither. Leave out solver, or set "
                "negatives='uniform'."
            )
        return columns.table, labels._replace(columns=columns)

    def _config(self, group: type[_ConfigT], **fixed: Any) -> _ConfigT:
        """Return a group of parameters, checked; those that `fit` decided in its way."""
        given = self.get_params(deep=False)
        if given["solver"] == "auto":
            given["solver"] = ADAGRAD.name
        return read_group(group, given | dict(self._decided or {}), **fixed)

    def fold_in(self: _RankerT, X: Any, *, known: Any, sample_weight: Any = None) -> _RankerT:
        """Add new users and items to the model, and change nothing else.

        Each feature that occurs only in ``X``, such as the id of a new user, gets the parameters
        that suit its interactions best while everything else stays fixed: those that a sweep of
        the ``"nonsampled"`` solver would give it.

        Parameters
        ----------
        X : as in `fit`
            All interactions of the new users and items, one per row.
        known : as in `fit`
            The table that the model was fitted on. Its users and items are needed because the pairs
            that were not seen count, too.
        sample_weight : array-like of shape (n_samples,) or None
            Weights of the interactions.

        Returns
        -------
        self
            The estimator, with a larger ``model_`` and ``schema_``.

        Raises
        ------
        ConfigError
            If the model was not learned by ``solver="nonsampled"``.
        DataError
            If the data cannot be used as they are.
        """
        check_is_fitted(self)
        with self._one_at_a_time():
            self.model_ = fold_in(
                self.model_, X, known=known, sample_weight=sample_weight, n_jobs=self.n_jobs
            )
            self.schema_ = schema_of(self.model_)
            self._session = None
        return self

    def predict(self, X: Any) -> Float32Array:
        """Return scores, which order the samples of a group and have no other meaning.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float32 array of shape (n_samples,)
        """
        return self._scores(X)[:, 0]

    def score(self, X: Any, y: Any = None, *, qid: Any = None, sample_weight: Any = None) -> float:
        """Return the mean normalised discounted cumulative gain (NDCG) of the groups.

        Parameters
        ----------
        X, y, qid, sample_weight
            As in `fit`; relevances must not be negative.

        Returns
        -------
        float
            1 is perfect. NaN if nothing is relevant.
        """
        check_is_fitted(self)
        rows = RowSubset.of(self._read(X, _Labels(y, qid), sample_weight))
        scores = self.model_.score(rows.joined, self.n_jobs)[:, 0]
        return get_metric("ndcg")(rows.target, scores, rows.weight, require_groups(rows.group))

    @property
    def coef_(self) -> Float32Array:
        """Linear weights, of shape (n_features,)."""
        return self.model_.linear[:, 0]

    def _read(
        self, X: Any, y: Any, sample_weight: Any, *, learn: bool = False, **how: Any
    ) -> AnyDataset:
        labels = y if isinstance(y, _Labels) else _Labels(y, None)
        X, y, qid = _input.in_memory(X), labels.y, labels.qid
        if self._settings().for_recall:
            if qid is not None or labels.compared:
                raise DataError(
                    "Training for recall compares all items: leave out qid, group and pairs, or "
                    "train with another solver and negatives=None."
                )
            return self._read_interactions(X, labels, sample_weight, learn=learn, **how)
        if y is None and labels.compared and not _input.is_source(X):
            y = np.zeros(_input.n_samples(X), np.float32)
        if _input.is_name(qid):
            if not _input.is_source(X):
                _, qid = _input.column(X, qid)
            else:
                if learn:
                    weight = sample_weight if _input.is_name(sample_weight) else None
                    given = {"target": y, "weight": weight, "group": qid}
                    given["split_by"] = how.get("split_by")
                    X = read(X, self._settings(), schema=self.schema, hints=self._hints(), **given)
                    y, how = None, how | {"hints": NO_HINTS}
                qid = None  # the Schema knows
        data = super()._read(X, y, sample_weight, learn=learn, **how)
        if qid is not None:
            data = data.with_(group=_numbered(qid, len(data)))
        if not labels.compared:
            require_groups(data.rows.group)
        return data

    def _read_validation(
        self, eval_set: Any, y: Any = _NO_LABELS, sample_weight: Any = None
    ) -> AnyDataset | None:
        if eval_set is None:
            return None
        parts = as_tuple(eval_set, ("X", "y", "qid"))
        if y.columns is not None:
            of_train = y._replace(y=None)
            return self._read(eval_set if parts is None else parts[0], of_train, None)
        if parts is not None:
            return self._read(parts[0], _Labels(*parts[1:]), None)
        if _input.is_source(eval_set) or (self._settings().for_recall and y.y is None):
            return self._read(eval_set, None, None)
        X, target, weight = with_own_target(eval_set, y.y, sample_weight)
        return self._read(X, _Labels(target, y.qid if _input.is_name(y.qid) else None), weight)

    def _read_interactions(
        self, X: Any, labels: _Labels, sample_weight: Any, *, learn: bool, **how: Any
    ) -> AnyDataset:
        """Return rows that are interactions; without a target, every row is one."""
        columns, y = labels.columns, labels.y
        if columns is not None:
            weight = sample_weight if _input.is_name(sample_weight) else None
            hints = how.pop("hints", None) or self._hints()
            schema = columns.schema(hints, weight) if learn else self.schema_
            table = X if learn else columns.joined(X)
            X = read(
                table,
                self._settings(),
                schema=schema,
                weight=weight,
                labelled=None,
                split_by=how.get("split_by"),
            )
            X = at_least(X, labels.min_rating)
            X = X.with_(target=labelled_interactions(RowSubset.of(X)).target)
            return super()._read(
                X, None, None if weight else sample_weight, learn=learn, **how | {"hints": NO_HINTS}
            )
        if y is None and _input.is_source(X):
            weight = sample_weight if _input.is_name(sample_weight) else None
            known: dict[str, Any] = {"schema": self.schema, "hints": self._hints()}
            if learn:
                how |= {"hints": NO_HINTS}
            else:
                known = {"schema": self.schema_}
            known["split_by"] = how.get("split_by")
            X = read(X, self._settings(), weight=weight, labelled=None, **known)
            X = X.with_(target=labelled_interactions(RowSubset.of(X)).target)
        elif y is None:
            y = np.ones(_input.n_samples(X), np.float32)
        return super()._read(X, y, sample_weight, learn=learn, **how)

    def _task(self) -> str:
        return "rank"

    def _predicts(self, task: str) -> bool:
        return task == "rank"

    def _decode_target(self, target: Float32Array) -> AnyArray:
        return target

    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        if names is not None:
            raise DataError(
                f"A ranker needs numbers as relevances. The target is text, with values such as "
                f"{names[0]!r}. Map them to numbers."
            )
        target: Float32Array = check_array(y, ensure_2d=False, dtype=np.float32, input_name="y")
        return target


def _group_numbers(qid: Any, group: Any) -> Any:
    """Return what tells the group of each sample, given as such or as the sizes of the groups."""
    if group is None:
        return qid
    if qid is not None:
        raise DataError(
            "Pass qid, the group of each sample, or group, the sizes of the groups. Got both."
        )
    if isinstance(group, str):
        return group
    sizes = as_array("group", group, ndim=1)
    if sizes.dtype.kind not in "iu" or (sizes < 0).any():
        raise DataError(
            f"group must hold the sizes of the groups, whole numbers. Got {sizes.dtype} of shape "
            f"{sizes.shape}."
        )
    return _Sizes(sizes)


def _numbered(qid: Any, n_rows: int) -> Int64Array:
    """Return groups of any type as numbers."""
    if isinstance(qid, _Sizes):
        total = sum(qid.sizes.tolist())  # of Python's numbers, which have no largest
        if total != n_rows:
            raise DataError(
                f"The sizes of the groups must add up to the number of samples, {n_rows}. Got "
                f"{total}."
            )
        return np.repeat(np.arange(len(qid.sizes)), qid.sizes)
    groups = as_array("qid", qid)
    if groups.shape != (n_rows,):
        raise DataError(
            f"There must be one group for each of {n_rows} samples. Got shape {groups.shape}."
        )
    return distinct("The groups", groups)[1].astype(np.int64)
