"""From scikit-learn's X and y to a Dataset, by its conventions."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from fieldfare._typing import AnyArray, Float32Array
from fieldfare.data.dataset import AnyDataset, Dataset
from fieldfare.data.loading import extend as read_extending
from fieldfare.data.loading import read_dataset
from fieldfare.data.one_hot import require_fields
from fieldfare.data.road import Options, with_fields_of
from fieldfare.data.split_by import SplitBy
from fieldfare.data.unseen import warn_of_unseen
from fieldfare.estimators import _input
from fieldfare.estimators._checks import check_is_fitted, check_sample_weight, validate_data
from fieldfare.estimators._eval_set import as_tuple, with_own_target
from fieldfare.estimators._names import answer_attribute, answered, named
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.rows import Rows, as_rows
from fieldfare.schema.hints import Hints
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings, check_names
from fieldfare.sources.source import Table
from fieldfare.sources.sparse_checks import check_sparse, is_sparse
from fieldfare.training.job import read, tell_notes

_ReadingT = TypeVar("_ReadingT", bound="Reading")
_NO_ROLES: Mapping[str, str] = MappingProxyType({})


class Reading(BaseEstimator, metaclass=ABCMeta):  # type: ignore[misc]
    """Base of what reads X and y, checks them as scikit-learn does, and learns their columns."""

    _kind: ClassVar[str]

    schema: Schema | None
    categorical: Any
    numeric: Any
    ignore: Any
    bins: Any
    na_values: Any

    schema_: Schema
    n_features_in_: int
    _column_numbers: list[int] | None = None  # of a pandas frame that is an array

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, method in list(vars(cls).items()):
            if name == "__init__":
                cls.__init__ = named(method)  # type: ignore[method-assign]
            elif isinstance(method, FunctionType) and not name.startswith("_"):
                setattr(cls, name, answered(method))

    if not TYPE_CHECKING:  # for which any attribute would then exist

        def __getattr__(self, name: str) -> Any:
            """Answer an attribute that there is not by the one that is meant."""
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)  # the error of a property
            raise answer_attribute(self, name)

    def set_params(self: _ReadingT, **params: Any) -> _ReadingT:
        """Set parameters by name.

        Returns
        -------
        self

        Raises
        ------
        ConfigError
            If there is no parameter of a name; the message names the one that is meant.
        """
        check_names(params, self._get_param_names(), type(self).__name__)
        super().set_params(**params)
        return self

    def _read(  # noqa: PLR0913 - all but the samples are keywords
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        learn: bool = False,
        extend: bool = False,
        keep_classes: bool = False,
        hints: Hints | None = None,
        split_by: SplitBy | None = None,
    ) -> AnyDataset:
        """Return labelled samples, with targets as numbers or class numbers.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        learn : bool
            Whether to learn from these samples what the columns and the classes mean.
        extend : bool
            Whether to add their new features to those that are known.
        keep_classes : bool
            Whether the classes are known even if the columns are to be learned.
        hints : Hints or None
            What is said about the columns that are to be learned; ``None``: what the parameters
            say.
        split_by : SplitBy or None
            The column that a validation part is to be held out by.
        """
        X = _input.in_memory(X)
        hints = self._hints() if hints is None else hints
        reader = self._read_source if _input.is_source(X) else self._read_samples
        data, labels, names = reader(
            X, y, sample_weight, hints if learn else None, extend, split_by
        )
        if sample_weight is not None and not _input.is_name(sample_weight):
            weight = check_sample_weight(
                sample_weight, labels, dtype=np.float32, ensure_non_negative=True
            )
            data = data.with_(weight=weight)
        target = self._encode_target(labels, names, learn=learn and not keep_classes)
        return data.with_(target=target)

    def _read_source(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        learn: Hints | None,
        extend: bool,
        split_by: SplitBy | None,
    ) -> tuple[AnyDataset, AnyArray, Sequence[str] | None]:
        """Return the samples of a file, their target, and the texts that the target stands for.

        With hints, ``learn``, the columns are learned.
        """
        if y is not None and not _input.is_name(y):
            raise DataError(
                "Files and Rows bring their target with them. Leave y out, or give the name of the "
                f"target column. Got y of type {type(y).__name__}."
            )
        if learn is not None:
            weight = sample_weight if _input.is_name(sample_weight) else None
            data = read(
                X,
                self._settings(),
                schema=self.schema,
                target=y,
                weight=weight,
                fields=self._fields(),
                hints=learn,
                split_by=split_by,
            )
            self.schema_ = data.schema
            self._learn_columns(data.schema.names_in_table)
        elif extend:
            data = read_extending(self.schema_, X, n_threads=self.n_jobs, split_by=split_by)
            self.schema_ = data.schema
        else:
            data = read(X, self._settings(), schema=self.schema_)
        target = data.rows.target
        if target is None:
            raise DataError(
                "These samples have no target. Name the target column, as in y='clicked', or use "
                "labelled data."
            )
        whole = target.astype(np.int64)
        exact = whole if np.array_equal(whole, target) else target
        return data, exact, data.schema.target_classes

    def _read_samples(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        learn: Hints | None,
        extend: bool,
        split_by: SplitBy | None,
    ) -> tuple[AnyDataset, AnyArray, None]:
        """Return the samples of a table or an array, without a target, and the target.

        With hints, ``learn``, the columns are learned.
        """
        given = {"target": y, "weight": sample_weight}
        columns = {r: _input.column(X, name) for r, name in given.items() if _input.is_name(name)}
        roles = {role: name for role, (name, _) in columns.items()}
        if y is None:
            raise DataError(  # as scikit-learn says it
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None. Pass the labels, or name the target column, as in y='clicked'."
            )
        y = _input.labels(columns["target"][1] if "target" in columns else y)
        _input.refuse_columns(X, len(y))
        known = None if learn is not None else self.schema_
        table = self._as_table(X, known, roles)
        if table is None:
            X, y = self._check_array(X, y, learn=learn is not None)
            if learn is not None:
                learn.refuse("an array")
                self.schema_ = self._array_schema(X.shape[1])
            rows = self._array_rows(X, self.schema_)
            if learn is not None:
                self.schema_ = self.schema_.with_spread_of(rows)
            if learn is not None and self._uses_fields() and self._fields() is None:
                require_fields(rows, X.shape[1])
            encoded: AnyDataset = Dataset(rows, self.schema_)
            if split_by is not None:
                encoded = split_by.with_column_of(encoded)
            return encoded, y, None
        if learn is not None:
            self.schema_ = _input.fit_schema(
                self.schema, table, roles, self._fields(), learn, self.n_jobs
            )
            tell_notes(X, self.schema, self.schema_, self._settings())
        data: AnyDataset
        how: dict[str, Any] = {"labelled": False, "n_threads": self.n_jobs, "split_by": split_by}
        if extend:
            data = read_extending(self.schema_, table, **how)
            self.schema_ = data.schema
        else:
            data = read_dataset(table, Options.of(schema=self.schema_, **how))
        if len(y) != len(data):
            raise DataError(f"X and y must be of equal length. Got {len(data)} and {len(y)}.")
        if "weight" in columns:
            data = data.with_(weight=_input.weights(*columns["weight"]))
            as_rows(data.rows).validate()
        return data, y, None

    def _read_validation(
        self, eval_set: Any, y: Any = None, sample_weight: Any = None
    ) -> AnyDataset | None:
        """Return validation data; ``y`` and ``sample_weight`` are those of the training data."""
        if eval_set is None:
            return None
        pair = as_tuple(eval_set, ("X", "y"))
        if pair is not None:
            (X, y), sample_weight = pair, None
        else:
            X, y, sample_weight = with_own_target(eval_set, y, sample_weight)
        try:
            return self._read(X, y, sample_weight)
        except SchemaError as error:
            raise SchemaError(f"In eval_set: {error.args[0]}") from error

    def _rows(self, X: Any, schema: Schema) -> Rows:
        """Return samples to predict, with the features that the Schema of a model says."""
        rows = self._encoded(X, schema)
        warn_of_unseen(rows, schema)
        return rows

    def _encoded(self, X: Any, schema: Schema) -> Rows:
        X = _input.in_memory(_input.to_predict(X, schema.names_in_table))
        if _input.is_source(X):
            return as_rows(read(X, self._settings(), schema=schema, labelled=None).rows)
        table = self._as_table(X, schema)
        if table is None:
            return self._array_rows(self._check_array(X, learn=False), schema)
        return schema.encode(table, labelled=False, n_threads=self.n_jobs)

    def _labelled(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return samples, labels and weights to compute a score from, whatever they come in."""
        if not _input.is_source(X) and not _input.is_name(y):
            return X, y if y is None else _input.labels(y), sample_weight
        check_is_fitted(self)
        rows = as_rows(self._read(X, y, sample_weight).rows)
        assert rows.target is not None
        return rows.with_(target=None), self._decode_target(rows.target), rows.weight

    def _as_table(
        self, X: Any, known: Schema | None, roles: Mapping[str, str] = _NO_ROLES
    ) -> Table | None:
        """Return X as a table, whose columns are found by name, or None for an array.

        Without a ``known`` Schema, they are learned.
        """
        table = _input.as_table(X, by_number=bool(roles) or _input.has_numbers_of(X, known))
        if known is not None and known.is_indexed:
            if isinstance(X, Table):
                X.as_numbered()  # which it cannot be
            return None
        if table is not None:
            if known is None:
                self._learn_columns([n for n in table.names if n not in roles.values()])
            return table
        if known is None and not _input.is_text_array(X):
            return None
        if known is not None:
            _input.require_samples(X, known.names_in_table)
        validate_data(self, X, reset=known is None, skip_check_array=True)
        return _input.table_of_cells(X, None if known is None else known.names_in_table)

    def _check_array(self, X: Any, y: Any = "no_validation", *, learn: bool) -> Any:
        numbers = _input.column_numbers(X)
        if learn:
            self._column_numbers = numbers
        elif numbers and self._column_numbers and set(self._column_numbers) <= set(numbers):
            X = X[self._column_numbers]
        if is_sparse(X):
            X = check_sparse(X)  # before scikit-learn follows its indices
        # Float32 is what the kernels compute in, so what overflows it is as bad as infinity.
        return validate_data(self, X, y, reset=learn, accept_sparse="csr", dtype=np.float32)

    def _array_schema(self, n_columns: int) -> Schema:
        if not self._uses_fields():
            return Schema.indexed(n_columns, 0)
        numbers, names = _input.numbered_fields(self._fields(), n_columns)
        return Schema.indexed(n_columns, len(names), field_names=names, field_of=numbers)

    def _array_rows(self, X: Any, schema: Schema) -> Rows:
        rows = schema.encode(X, labelled=False)
        return with_fields_of(schema, rows) if self._uses_fields() else rows

    def _fields(self) -> Any:
        """Return the fields that were given for the columns, ``None`` without the parameter."""
        return getattr(self, "fields", None)

    def _hints(self) -> Hints:
        """Return what the parameters say about columns, checked."""
        return Hints(self.categorical, self.numeric, self.ignore, self.bins, self.na_values)

    def _uses_fields(self) -> bool:
        return MODEL_KINDS[self._kind].uses_fields

    def _learn_columns(self, names: Sequence[str]) -> None:
        """Set what scikit-learn wants to know of columns, where it is given no array or frame."""
        self.n_features_in_ = len(names) or self.schema_.n_features
        if names:
            self.feature_names_in_ = np.array(names, dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)

    # --- for subclasses and scikit-learn ----------------------------------------------------------

    @abstractmethod
    def _settings(self) -> Settings:
        """Return the settings of the training, checked."""

    @abstractmethod
    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        """Return the target as the kernels want it; ``names`` are what numbers in y stand for."""

    @abstractmethod
    def _decode_target(self, target: Float32Array) -> AnyArray:
        """Return the labels that `_encode_target` was given."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags
