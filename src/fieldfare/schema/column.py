"""Column: what one column of a table means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from numbers import Real
from typing import Any

from fieldfare._validation import (
    NONE,
    AnyOf,
    Constraint,
    Instance,
    Number,
    OneOf,
    Several,
    check,
    closest,
    shown,
)
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.calendar import FORMATS, PARTS
from fieldfare.schema.canonical import canonical_text
from fieldfare.schema.missing import STANDARD, Marks
from fieldfare.sources.batch import require_column

KINDS = ("categorical", "numeric", "multi", "text", "datetime", "ignore")
ROLES = ("user", "item", "context")
TRANSFORMS = ("standardize", "log2", "quantile", "none")
NORMS = ("l2", "none")

DEFAULT_PARTS = ("hour", "weekday", "month", "age")

_TEXT = Instance((str,), "a string")
_OPTIONAL_TEXT = AnyOf((_TEXT, NONE))


class TextsOrNumbers:
    """A tuple or list of texts and numbers; may be empty."""

    def allows(self, value: Any) -> bool:
        return isinstance(value, (tuple, list)) and all(
            isinstance(item, (str, int, float)) and not isinstance(item, bool) for item in value
        )

    def __str__(self) -> str:
        return "a tuple of texts and numbers"


def _declare(default: Any, constraint: Constraint) -> Any:
    return field(default=default, metadata={"constraint": constraint})


@dataclass(frozen=True)
class Column:
    """What one column of a table means and how it becomes features.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : {"categorical", "numeric", "multi", "text", "datetime", "ignore"}
        One value of a finite set; a number; several values (a list, or text cut at
        ``separator``); the words of a text in lower case, each once; dates or times, whose
        ``parts`` become columns of their own; or not used.
    field : str or None
        Field of its features; ``None``: a field of its own with the name of the column. Columns
        that name the same field share it.
    role : {"user", "item", "context"} or None
        Which side of a recommendation the column describes.
    transform : {"standardize", "log2", "quantile", "none"}
        For numeric columns. ``standardize``: ``(x - mean) / std`` of the fitted data. ``log2``:
        the bucket ``floor(ln(x)^2)`` for ``x > 2`` and one bucket per integer below, the recipe
        of Juan et al. 2016, section 4.1, whose name refers to the logarithm squared.
        ``quantile``: one of ``n_bins`` bins of equal count. ``none``: x itself.
    n_bins : int in [2, 1000]
        Number of quantile bins.
    clip : float in (0, inf) or None
        For ``standardize``: values further from the mean than so many standard deviations count as
        if they were just so far, so that one extreme number does not decide a prediction.
        ``None``: as they are.
    min_count : int in [1, inf)
        Values seen less often share the id of unknown values.
    hash_buckets : int or None
        Keep no vocabulary; hash values into so many ids.
    separator : str or None
        What cuts the text of a ``multi`` column; ``None`` for lists.
    weight_separator : str or None
        What cuts a value of a ``multi`` column from its weight, as in ``rock:0.5``.
    norm : {"l2", "none"} or None
        For columns of several values. ``l2``: the values of a cell are divided by the square root
        of the sum of their squares, so that each of n words weighs ``1 / sqrt(n)`` and a long text
        counts no more than a short one. ``none``: they are used as they are. ``None``: ``l2`` for
        ``text`` and ``none`` for ``multi``.
    parts : sequence of str or None
        What becomes of a ``datetime`` column, each in a derived column such as ``when.hour``:
        "hour", "minute", "weekday", "day" and "month" as categories; "year" and "age" (days before
        1970-01-01, so that earlier is older) as numbers in quantile bins, since later data hold
        later dates. All are of local time: that of the zone or offset that comes with the value.
        ``None``: hour, weekday, month and age.
    date_format : {"ymd", "dmy", "mdy", "yyyymmdd", "s", "ms", "us", "ns"}
        How texts or numbers of a ``datetime`` column write dates: with the year first, as ISO 8601
        does; with the day or the month first and the year last; as 20190131; or in units since
        1970.
    source, part : str or None
        Of a derived column: the column of dates that it is derived from, and the part it holds.
    na_values : tuple of str and numbers, or None
        The cells that mean *missing* besides empty ones, blanks around them left out. ``None``: the
        standard marks (`fieldfare.schema.missing`), such as NA, NaN, null, ``?`` and ``-``.
        ``()``: none, so that "NA" is a value like others.

    Raises
    ------
    ConfigError
        If a parameter has a value that is not allowed.
    """

    name: str = _declare("", _TEXT)
    kind: str = _declare("categorical", OneOf(KINDS))
    field: str | None = _declare(None, _OPTIONAL_TEXT)
    role: str | None = _declare(None, AnyOf((OneOf(ROLES), NONE)))
    transform: str = _declare("standardize", OneOf(TRANSFORMS))
    n_bins: int = _declare(32, Number(2, 1000, integer=True))
    min_count: int = _declare(1, Number(1, integer=True))
    hash_buckets: int | None = _declare(None, AnyOf((Number(1, 2**31, integer=True), NONE)))
    separator: str | None = _declare(None, _OPTIONAL_TEXT)
    weight_separator: str | None = _declare(None, _OPTIONAL_TEXT)
    clip: float | None = _declare(4.0, AnyOf((Number(0, low_open=True), NONE)))
    norm: str | None = _declare(None, AnyOf((OneOf(NORMS), NONE)))
    parts: tuple[str, ...] | None = _declare(None, AnyOf((Several(OneOf(tuple(PARTS))), NONE)))
    date_format: str = _declare("ymd", OneOf(FORMATS))
    source: str | None = _declare(None, _OPTIONAL_TEXT)
    part: str | None = _declare(None, AnyOf((OneOf(tuple(PARTS)), NONE)))
    na_values: tuple[str, ...] | None = _declare(None, AnyOf((TextsOrNumbers(), NONE)))

    def __post_init__(self) -> None:
        if isinstance(self.parts, list):  # as JSON has it
            object.__setattr__(self, "parts", tuple(self.parts))
        for name, default, constraint in _declared():
            value = getattr(self, name)
            if value is not default:  # tables of many columns make many of these
                check(name, value, constraint, "Column")
        if self.na_values is not None:
            object.__setattr__(self, "na_values", tuple(map(str, self.na_values)))
        if self.weight_separator is not None and self.kind not in ("multi", "ignore"):
            raise ConfigError(
                f"Only 'multi' columns have a weight_separator. Column {self.name!r} is "
                f"{self.kind!r}."
            )

    @property
    def field_name(self) -> str:
        """Name of the field that its features belong to."""
        return self.name if self.field is None else self.field

    @cached_property
    def marks(self) -> Marks:
        """What stands for a missing value."""
        if self.na_values is None:
            return STANDARD
        # As a cell may spell them, and as `texts` writes them.
        return Marks.of(form(text) for text in self.na_values for form in (str, canonical_text))

    @property
    def is_feature(self) -> bool:
        """Whether it becomes features itself: neither ignored nor only the source of others."""
        return self.kind not in ("ignore", "datetime")

    @property
    def has_unit_cells(self) -> bool:
        """Whether the values of each cell are scaled to unit Euclidean length."""
        return self.norm == "l2" or (self.norm is None and self.kind == "text")

    @property
    def name_in_table(self) -> str:
        """Name of the column of a table that it is read from."""
        return self.name if self.source is None else self.source

    @property
    def has_vocabulary(self) -> bool:
        """Whether its values are looked up in a table of values."""
        if self.kind == "numeric":
            return self.transform == "log2" and self.hash_buckets is None
        return self.is_feature and self.hash_buckets is None

    @property
    def is_hashed(self) -> bool:
        """Whether its values are hashed to ids."""
        if self.hash_buckets is None or not self.is_feature:
            return False
        return self.kind != "numeric" or self.transform == "log2"

    def change(self, **changes: Any) -> Column:
        """Return a copy with some parameters changed.

        Raises
        ------
        ConfigError
            If a parameter does not exist or has a value that is not allowed.
        """
        known = [item.name for item in fields(self)]
        for name in changes:
            if name not in known:
                raise ConfigError(
                    f"Column has no parameter {name!r}. It has {', '.join(known)}."
                    f"{closest(name, known)}"
                )
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Return the parameters that differ from their defaults, and always those of a text.

        The ``norm`` of a text is younger than the first files: where it is not written, texts were
        used as they were.
        """
        written = {"name", "norm"} if self.kind == "text" else {"name"}
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name in written or getattr(self, item.name) != item.default
        }


@cache
def _declared() -> tuple[tuple[str, Any, Constraint], ...]:
    """Return name, default and constraint of each parameter."""
    return tuple((item.name, item.default, item.metadata["constraint"]) for item in fields(Column))


def assign_fields(
    columns: Sequence[Column], given: Mapping[str, Any] | Sequence[Any]
) -> tuple[Column, ...]:
    """Return columns with the given fields; see `Schema.with_fields`."""
    names = [column.name for column in columns if column.source is None]
    if not isinstance(given, Mapping):
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise SchemaError(
                "Fields are a sequence with one for each column, or a mapping from column to "
                f"field. Got {given!r:.100}."
            )
        fields_of = list(given)
        if len(fields_of) != len(names):
            raise SchemaError(
                f"There must be one field per column that is a feature ({len(names)}: "
                f"{', '.join(names[:10])}). Got {len(fields_of)}."
            )
        given = dict(zip(names, fields_of, strict=True))
    for name, chosen in given.items():
        require_column(name, [column.name for column in columns])
        if isinstance(chosen, bool) or not isinstance(chosen, (str, Real)) or chosen != chosen:
            raise SchemaError(
                f"A field is a name or a number. Got {shown(chosen)} for the column {name!r}."
            )
    # What is derived from a column shares its field, unless it is given one of its own.
    chosen_of = [given.get(column.name, given.get(column.name_in_table)) for column in columns]
    return tuple(
        column if chosen is None else column.change(field=str(chosen))
        for column, chosen in zip(columns, chosen_of, strict=True)
    )
