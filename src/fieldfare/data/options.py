"""The options of one call of `load`, and their agreement with the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataError
from fieldfare.schema.schema import Schema
from fieldfare.sources.matrix import per_row
from fieldfare.sources.source import Numbered, Source

ROLES = ("target", "weight", "group")


@dataclass(frozen=True, eq=False)
class Options:
    """What `load` was told besides the source; the parameters are its own."""

    schema: Schema | None = None
    target: Any = None
    weight: Any = None
    group: Any = None
    labelled: bool | None = True
    fields: Any = None
    cache: bool = True
    n_threads: int | None = None

    @property
    def names(self) -> dict[str, str]:
        """The target, weight and group that are names of columns."""
        given = {role: getattr(self, role) for role in ROLES}
        return {role: value for role, value in given.items() if isinstance(value, str)}

    @property
    def has_target_array(self) -> bool:
        """Whether the targets were given as an array."""
        return self.target is not None and not isinstance(self.target, str)

    def arrays(self, n_rows: int) -> dict[str, AnyArray]:
        """Return what was given as arrays, by role, one number per row."""
        kinds = {"target": np.float32, "weight": np.float32, "group": np.int64}
        return {
            role: array
            for role, dtype in kinds.items()
            if role not in self.names
            and (array := per_row(role, getattr(self, role), n_rows, dtype)) is not None
        }

    def check(self, source: Source) -> None:
        """Refuse roles that a source cannot have.

        Raises
        ------
        DataError
            For arrays with files, and for names of columns where there are none.
        """
        for role in ROLES:
            if source.files and getattr(self, role) is not None and role not in self.names:
                raise DataError(f"With files, {role} must be the name of a column. Got an array.")
        if isinstance(source, Numbered):
            for role, name in self.names.items():
                raise source.no_column(role, name)
