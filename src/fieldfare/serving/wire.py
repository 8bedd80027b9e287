"""What clients send and get: the JSON of every request and answer, with its bounds.

Requests are strict: an unknown field, a value out of bounds or a number that JSON cannot hold, such
as NaN, is refused with the place where it stands. The description in OpenAPI is made of these
classes, and so is the client.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_REQUESTS = 256
MAX_ITEMS = 1000
MAX_IDS = 10_000
MAX_TIMEOUT_MS = 60_000

_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Text = Annotated[str, Meta(max_length=10_000)]
_Name = Annotated[str, Meta(max_length=200)]
Id: TypeAlias = _Int64 | Annotated[str, Meta(max_length=1000)] | float | None
"""An id of a user or an item; 17, 17.0 and "17" are the same."""
_Value: TypeAlias = bool | _Int64 | float | _Text | None
Cell: TypeAlias = _Value | Annotated[list[_Value], Meta(max_length=1000)]
"""The value of a column; a list where a column holds several; null where it is missing."""
Row: TypeAlias = Annotated[dict[_Name, Cell], Meta(max_length=10_000)]
"""Values by the name of their column."""
_Ids: TypeAlias = Annotated[list[Id], Meta(max_length=MAX_IDS)]
_SomeIds: TypeAlias = Annotated[list[Id], Meta(min_length=1, max_length=MAX_REQUESTS)]
_Rows: TypeAlias = Annotated[list[Row], Meta(min_length=1, max_length=MAX_REQUESTS)]
_Length: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_ITEMS)]
_Fields: TypeAlias = Annotated[list[_Name], Meta(max_length=100)]


class _Request(Struct, forbid_unknown_fields=True, kw_only=True):
    """The base of what is sent."""


# ---- predictions ------------------------------------------------------------------------------


class PredictRequest(_Request):
    """Rows to predict; a single row is taken, too."""

    rows: _Rows | Row
    output: Literal["prediction", "probability", "score"] = "prediction"
    model: _Name | None = None


class PredictAnswer(Struct, omit_defaults=True):
    """A prediction per row: a number, or for several classes the number of each of ``classes``."""

    predictions: list[float | list[float]]
    model: str
    classes: list[Any] | None = None
    degraded: list[str] = []


class ExplainRequest(_Request):
    """A row of a model, or a user, an item and a context of a recommender."""

    row: Row | None = None
    label: _Value = None
    user: Id = None
    item: Id = None
    contexts: Row | None = None
    model: _Name | None = None


class Term(Struct):
    """One term of a score, and what it is of."""

    of: str
    term: float


class ExplainAnswer(Struct):
    """A score as the sum of its terms, the largest first."""

    score: float
    prediction: float | None
    label: Any
    bias: float
    terms: list[Term]
    n_unknown: int
    model: str


# ---- recommendations --------------------------------------------------------------------------


class Wanted(_Request):
    """One list to recommend: for whom, and in which situation."""

    user: Id = None
    features: Row | None = None
    history: _Ids | None = None
    contexts: Row | None = None


class Limits(_Request):
    """Limits of a number or a date, either of which may be left out."""

    min: _Int64 | float | _Text | None = None
    max: _Int64 | float | _Text | None = None


class RecommendRequest(Wanted):
    """Lists to recommend: ``requests``, or a single one whose fields stand here themselves."""

    requests: (
        Annotated[list[Wanted], Meta(min_length=1, max_length=MAX_REQUESTS)] | Wanted | None
    ) = None
    n: _Length = 10
    exclude: _Ids | None = None
    candidates: _Ids | None = None
    where: Annotated[dict[_Name, Cell | Limits], Meta(max_length=100)] = {}
    filter_seen: bool = True
    fields: _Fields = []
    model: _Name | None = None


class Recommendation(Struct, omit_defaults=True):
    """One list: items with id, score and the fields that were asked for, best first.

    ``source`` says what the order is by: what is known of the user, the context alone, or
    popularity, where nothing is known. ``variant`` is the model that answered where users are
    split among several.
    """

    items: list[dict[str, Any]]
    user_known: bool
    source: Literal["model", "context", "popular"]
    variant: str | UnsetType = UNSET


class RecommendAnswer(Struct, omit_defaults=True):
    """A list for each request, in their order.

    ``model`` and ``index`` name what answered (of several variants, what answered the first);
    ``ms`` is the time from the arrival of the request; ``degraded`` what was not available.
    """

    results: list[Recommendation]
    model: str
    index: str
    ms: float
    degraded: list[str] = []


class SimilarRequest(_Request):
    """Items or users to find similar ones of."""

    items: _SomeIds | None = None
    users: _SomeIds | None = None
    n: _Length = 10
    fields: _Fields = []
    model: _Name | None = None


class SimilarList(Struct):
    """What is similar to one item or user: id, cosine as score, and fields."""

    items: list[dict[str, Any]]


class SimilarAnswer(Struct):
    """A list for each item or user, in their order."""

    results: list[SimilarList]
    model: str
    index: str


class MergeRequest(_Request):
    """Proposals of several recall channels, to be merged into one list for one user."""

    channels: Annotated[dict[_Name, _Ids], Meta(min_length=1, max_length=100)]
    user: Id = None
    contexts: Row | None = None
    n: _Length = 10
    column: _Name | None = None
    filter_seen: bool = True
    fields: _Fields = []
    model: _Name | None = None


# ---- changes ----------------------------------------------------------------------------------


class ItemsRequest(_Request):
    """Items to add, or to replace where their ids exist."""

    items: _Rows
    model: _Name | None = None


class RemovedRequest(_Request):
    """Ids of items to remove."""

    ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_IDS)]
    model: _Name | None = None


class UsersRequest(_Request):
    """Users to add, or to replace where their ids exist."""

    users: _Rows
    model: _Name | None = None


class Event(_Request):
    """A user has seen, bought or rated an item."""

    user: _Int64 | Annotated[str, Meta(min_length=1, max_length=1000)]
    item: _Int64 | Annotated[str, Meta(min_length=1, max_length=1000)]
    time: _Int64 | float | _Text | None = None
    contexts: Row | None = None


class EventsRequest(_Request):
    """What has happened."""

    events: Annotated[list[Event], Meta(min_length=1, max_length=MAX_REQUESTS)]
    model: _Name | None = None


class ChangeAnswer(Struct):
    """How many rows, ids or events were taken in; what is recommended next knows them."""

    accepted: int
    models: list[str]


# ---- models -----------------------------------------------------------------------------------


class LoadRequest(_Request):
    """Files to load beside the version in use; those of the configuration by default."""

    model: _Text | None = None
    index: _Text | None = None
    ranker: _Text | None = None


class NothingRequest(_Request):
    """An empty object, or no body at all."""


class ModelAnswer(Struct, omit_defaults=True):
    """A version of a model: what it is, and where it came from.

    Of one that recommends also the number of ``items``, the columns that a request may have, and
    the ``fields`` that it can ask for.
    """

    version: str
    kind: str
    task: str
    features: int
    columns: list[str]
    classes: list[Any] | None
    file: str
    checksum: str
    loaded: float
    trained: str | None = None
    index: str | None = None
    items: int | None = None
    ranker: str | None = None
    user_column: str | None = None
    contexts: list[str] = []
    fields: list[str] = []


class SlotAnswer(Struct, omit_defaults=True):
    """A model by its name: the version in use, the one before, and one that is loaded beside."""

    name: str
    active: ModelAnswer
    previous: ModelAnswer | None = None
    staged: ModelAnswer | None = None
    share: float | None = None
    shadow: bool = False


class ModelsAnswer(Struct):
    """All models of the server, and the one that answers where none is named."""

    default: str
    models: list[SlotAnswer]


class HealthAnswer(Struct):
    """Whether the server is alive, or ready to answer."""

    status: Literal["ok", "ready", "stopping"]


class ErrorBody(Struct):
    """What went wrong: a code that the page on diagnostics explains, a sentence, and the place."""

    code: str
    message: str
    where: str | None = None


class ErrorAnswer(Struct):
    """The answer to what cannot be answered."""

    error: ErrorBody
