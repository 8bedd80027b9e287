"""Lists for several requests at once, as answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from msgspec import structs

from fieldfare._typing import Float32Array, Int64Array
from fieldfare.exceptions import RequestError
from fieldfare.retrieval.answers import Recommended, best_items, popular_items
from fieldfare.retrieval.requests import Requests, read_requests
from fieldfare.retrieval.state import State
from fieldfare.retrieval.towers import GIVEN
from fieldfare.serving.versions import Version
from fieldfare.serving.wire import (
    Limits,
    MergeRequest,
    Recommendation,
    RecommendRequest,
    SimilarAnswer,
    SimilarList,
    SimilarRequest,
    Wanted,
)

Lap = Callable[[str], None]
_Source = Literal["model", "context", "popular"]


def lists_in(request: RecommendRequest) -> Sequence[Wanted]:
    """Return what a request wants, of which there may be a single one.

    Raises
    ------
    RequestError
        If it is given in both ways.
    """
    if request.requests is None:
        return [request]
    if (request.user, request.features, request.history, request.contexts) != (None,) * 4:
        raise RequestError(
            "Give the user, features, history and contexts of each of the requests, or of a single "
            "one without 'requests'. Got both.",
            status=422,
            where="$.requests",
        )
    return [request.requests] if isinstance(request.requests, Wanted) else request.requests


def with_stored(version: Version, wanted: Wanted, stored: Mapping[str, Any] | None) -> Wanted:
    """Return a wish with what a store has of the user; what the request says itself comes first."""
    known = version.recommends().state.query_columns[True]
    columns = {name: cell for name, cell in (stored or {}).items() if name in known}
    if not columns:
        return wanted
    return structs.replace(wanted, features={**columns, **(wanted.features or {})})


def check(version: Version, request: RecommendRequest, wanted: Wanted) -> None:
    """Refuse columns that the models or the table of items do not have.

    Raises
    ------
    FieldfareError
        As the recommender raises it.
    """
    state = version.recommends().state
    _check_fields(state, request.fields)
    for given, is_features in ((wanted.contexts, False), (wanted.features, True)):
        if given and not state.query_columns[is_features].issuperset(given):
            read_requests(state, [wanted.user], wanted.contexts, wanted.features)


class Asked(NamedTuple):
    """One of the lists that a request wants, the request, and the version that answers it.

    ``unaided`` is what is wanted without what a store has of the user, if it has something.
    """

    version: Version
    request: RecommendRequest
    wanted: Wanted
    unaided: Wanted | None = None


class Options(NamedTuple):
    """What holds for all lists of one request; lists of equal options are searched together.

    ``own`` is the request itself if it filters, since its filters then hold for no other.
    """

    version: Version
    n: int
    filter_seen: bool
    with_features: bool
    own: int | None

    @staticmethod
    def of(asked: Asked) -> Options:
        """Return the options of one of the lists that a request wants."""
        version, request, wanted = asked.version, asked.request, asked.wanted
        filters = request.exclude or request.candidates is not None or request.where
        return Options(
            version,
            request.n,
            request.filter_seen,
            wanted.features is not None,
            id(request) if filters else None,
        )


def recommend(options: Options, asked: Sequence[Asked], lap: Lap) -> list[Recommendation]:
    """Return a list for each of those asked for, which share their options.

    A list is what `Recommender.recommend` returns, or the most popular items where nothing is known
    of the request.

    Raises
    ------
    FieldfareError
        If a value of one of them does not fit its column.
    """
    recommender = options.version.recommends()
    state = recommender.state  # one for all, whatever changes meanwhile
    request, wanted = asked[0].request, [one.wanted for one in asked]
    allowed = state.allowed_items(request.candidates, _where(request))
    known = [one.user is not None and state.knows_user(one.user) for one in wanted]
    sources = [_source(one, is_known) for one, is_known in zip(wanted, known, strict=True)]
    places = np.full((len(asked), options.n), -1, np.int64)
    scores = np.full((len(asked), options.n), -np.inf, np.float32)
    popular = np.array([source == "popular" for source in sources])
    for is_popular in (False, True):
        chosen = np.flatnonzero(popular == is_popular)
        if not len(chosen):
            continue
        requests = requests_of(state, [wanted[i] for i in chosen], options)
        excluded = state.excluded(
            requests.users if options.filter_seen else None,
            request.exclude or None,
            requests.n,
            requests.history if options.filter_seen else None,
        )
        if is_popular:
            found = popular_items(state, requests.n, options.n, allowed=allowed, excluded=excluded)
        else:
            found = best_items(
                state, requests, options.n, recommender.n_candidates,
                allowed=allowed, excluded=excluded, lap=lap,
            )  # fmt: skip
        width = found[0].shape[1]
        places[chosen, :width], scores[chosen, :width] = found
    lists = [
        _items(state, own, row, one.request.fields)
        for own, row, one in zip(places, scores, asked, strict=True)
    ]
    lap("items")
    return [
        Recommendation(items, is_known, source)
        for items, is_known, source in zip(lists, known, sources, strict=True)
    ]


def similar(version: Version, request: SimilarRequest) -> SimilarAnswer:
    """Return what is similar to some items or users.

    Raises
    ------
    FieldfareError
        If one of them is not there, or there are both or neither.
    """
    recommender = version.recommends()
    state = recommender.state
    if (request.items is None) == (request.users is None):
        raise RequestError("Send either 'items' or 'users'.", status=422)
    _check_fields(state, request.fields)
    if request.items is not None:
        found = recommender.similar_items(request.items, request.n)
        places = [state.item_ids.places(ids) for ids in found.ids]
        lists = [
            _items(state, own, scores, request.fields)
            for own, scores in zip(places, found.scores, strict=True)
        ]
    else:
        lists = [
            [
                {"id": id_, "score": score}
                for id_, score in zip(ids.tolist(), scores.tolist(), strict=True)
                if score > -np.inf
            ]
            for ids, scores in zip(
                *recommender.similar_users(request.users, request.n), strict=True
            )
        ]
    return SimilarAnswer([SimilarList(one) for one in lists], version.label, version.index_label)


def merge(version: Version, request: MergeRequest) -> Recommendation:
    """Return one list of what several channels propose.

    Raises
    ------
    FieldfareError
        If the request does not fit the model.
    """
    recommender = version.recommends()
    state = recommender.state
    _check_fields(state, request.fields)
    found: Recommended = recommender.merge(
        request.channels,
        request.user,
        request.n,
        contexts=request.contexts,
        column=request.column,
        filter_seen=request.filter_seen,
    )
    known = request.user is not None and state.knows_user(request.user)
    wanted = Wanted(user=request.user, contexts=request.contexts)
    items = _items(state, state.item_ids.places(found.ids), found.scores, request.fields)
    return Recommendation(items, known, _source(wanted, known))


def requests_of(state: State, wanted: Sequence[Wanted], options: Options) -> Requests:
    """Return requests as the recommender reads them; each has contexts of its own."""
    users = [one.user for one in wanted]
    places = None
    if options.with_features:
        places = np.full(len(wanted), GIVEN)
    elif state.user_ids is not None:
        places = state.user_ids.places(users)
    contexts = [{**(one.contexts or {}), **(one.features or {})} for one in wanted]
    history = None
    if any(one.history for one in wanted):
        history = [list(one.history or ()) for one in wanted]
    return Requests(False, len(wanted), users, places, contexts if any(contexts) else None, history)


def _source(wanted: Wanted, known: bool) -> _Source:
    if known or wanted.features:
        return "model"
    return "context" if wanted.contexts else "popular"


def _where(request: RecommendRequest) -> Mapping[str, Any]:
    return {name: _wanted(value) for name, value in request.where.items()}


def _wanted(value: Any) -> Any:
    if not isinstance(value, Limits):
        return value
    limits = {"min": value.min, "max": value.max}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _check_fields(state: State, fields: Sequence[str]) -> None:
    """Refuse fields that the table of items does not have, or that would hide others."""
    for number, name in enumerate(fields):
        if name in ("id", "score"):
            raise RequestError(
                f"Every item has {name!r} already. Leave it out of the fields.",
                status=422,
                where=f"$.fields[{number}]",
            )
    if not set(fields) <= set(state.columns.names):
        state.columns.values(fields, np.zeros(0, np.int64))


def _items(
    state: State, places: Int64Array, scores: Float32Array, fields: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the items at places, until there is none."""
    there = places >= 0
    ids = state.item_ids.at(places[there]).tolist()
    found = [
        {"id": id_, "score": score} for id_, score in zip(ids, scores[there].tolist(), strict=True)
    ]
    for name, cells in state.columns.values(fields, places[there]).items() if fields else ():
        for item, cell in zip(found, cells, strict=True):
            item[name] = cell
    return found
