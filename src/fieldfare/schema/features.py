"""The features of a Schema: their ids, fields, names, and how often each was seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Int64Array, UInt16Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted
from fieldfare.schema.names import feature_text, locate_features
from fieldfare.schema.numbered import Indexed


class Features:
    """What a Schema can be asked about its features, before and after it is fitted.

    Attributes
    ----------
    columns : tuple of Column
    fitted : tuple of Fitted or None, or None
        What was learned of each column; ``None`` before that.
    ids : Indexed or None
        The features, if they come numbered.
    """

    columns: tuple[Column, ...]
    fitted: tuple[Fitted | None, ...] | None
    ids: Indexed | None

    @property
    def is_indexed(self) -> bool:
        """Whether the features come numbered, so that there are no columns."""
        return self.ids is not None

    @property
    def is_fitted(self) -> bool:
        """Whether it can encode."""
        return self.is_indexed or self.fitted is not None

    @cached_property
    def n_features(self) -> int:
        """Number of feature ids; 0 before `fit`."""
        if self.ids is not None:
            return self.ids.n_features
        return sum(len(counts) for _, counts in locate_features(self.columns, self.fitted))

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields in order of their numbers."""
        if self.ids is not None:
            return self.ids.field_names
        used = [column.field_name for column in self.columns if column.is_feature]
        return tuple(dict.fromkeys(used))

    @cached_property
    def _field_number(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.field_names)}

    @property
    def names_in_table(self) -> list[str]:
        """Names of the columns that are read from a table: all but those derived from others."""
        return [column.name for column in self.columns if column.source is None]

    @property
    def n_fields(self) -> int:
        """Number of fields."""
        return len(self.field_names)

    @cached_property
    def _places(self) -> tuple[AnyArray, AnyArray, Int64Array]:
        """Per feature id: number of its column, place among its values, count."""
        owner = np.zeros(self.n_features, np.uint32)  # columns may share fields, of which are fewer
        place = np.zeros(self.n_features, np.int64)
        count = np.zeros(self.n_features, np.int64)
        for number, (ids, counts) in enumerate(locate_features(self.columns, self.fitted)):
            owner[ids], place[ids], count[ids] = number, np.arange(len(ids)), counts
        return owner, place, count

    @cached_property
    def field_of(self) -> UInt16Array:
        """Field of each feature, uint16 array of shape (n_features,)."""
        if self.ids is not None:
            known = self.ids.field_of
            return np.zeros(self.n_features, np.uint16) if known is None else known
        numbers = [self._field_number.get(column.field_name, 0) for column in self.columns]
        fields: UInt16Array = np.array(numbers, np.uint16)[self._places[0]]
        return fields

    @property
    def counts(self) -> Int64Array | None:
        """How often each feature was seen in fitting, int64 array of shape (n_features,)."""
        return None if self.is_indexed or not self.is_fitted else self._places[2]

    @checked
    def features_of(self, names: Sequence[str]) -> list[AnyArray]:
        """Return the ids of the features that come from each of some columns of a table."""
        owner = self._places[0]
        order = np.argsort(owner, kind="stable")
        of_column = np.split(order, np.searchsorted(owner[order], np.arange(1, len(self.columns))))
        found: dict[str, list[AnyArray]] = {name: [] for name in names}
        for column, ids in zip(self.columns, of_column, strict=True):
            found.setdefault(column.name_in_table, []).append(ids)
        return [np.concatenate([np.zeros(0, np.int64), *found[name]]) for name in names]

    @checked
    def feature_name(self, feature: int) -> str:
        """Return the name of a feature, such as ``city=Berlin`` or ``age``."""
        if not 0 <= feature < self.n_features:
            raise SchemaError(f"Features run from 0 to {self.n_features - 1}. Got {feature}.")
        if self.ids is not None:
            names = self.ids.feature_names
            return str(feature) if names is None else names[feature]
        assert self.fitted is not None
        number = int(self._places[0][feature])
        fitted = self.fitted[number]
        assert fitted is not None
        return feature_text(self.columns[number], fitted, int(self._places[1][feature]))

    @property
    def feature_names(self) -> Sequence[str]:
        """Names of all features: a sequence that makes each name when asked for it."""
        return FeatureNames(self)


class FeatureNames(Sequence[str]):
    """The names of all features, made one at a time."""

    def __init__(self, features: Features) -> None:
        self._features = features

    def __len__(self) -> int:
        return self._features.n_features

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._features.feature_name(i) for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._features.feature_name(index % len(self))
