"""Changes of items, users and histories while the server runs, seen by the next request.

They are made to every version in memory, so that a rollback loses none, and remembered, so that
they can be made again to a version that is loaded later, whose index was built without them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple
from weakref import WeakSet

from fieldfare.exceptions import FieldfareError, OutputError, RequestError
from fieldfare.retrieval import Recommender
from fieldfare.retrieval.id_map import id_text
from fieldfare.serving import logs
from fieldfare.serving.errors import Refusal
from fieldfare.serving.journal import ChangeRequest, Journal
from fieldfare.serving.versions import Version
from fieldfare.serving.wire import (
    MAX_REQUESTS,
    ChangeAnswer,
    Event,
    EventsRequest,
    ItemsRequest,
    RemovedRequest,
    UsersRequest,
)


class _Memory:
    """What has been changed of one model, each id once."""

    def __init__(self) -> None:
        self.items: dict[str | None, dict[str, Any] | None] = {}
        self.users: dict[str | None, dict[str, Any]] = {}
        self.events: dict[tuple[str | None, str | None], Event] = {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Items that were added."""
        return [row for row in self.items.values() if row is not None]

    @property
    def gone(self) -> list[str | None]:
        """Ids of items that were removed."""
        return [key for key, row in self.items.items() if row is None]


class _Kind(NamedTuple):
    """How one kind of change is made.

    Parameters
    ----------
    parts : function of a request
        The rows, ids or events in it, which those of several requests can be joined to.
    apply : function of a recommender and parts
    remember : function of what is remembered, a recommender and parts
    """

    parts: Callable[[Any], list[Any]]
    apply: Callable[[Recommender, list[Any]], None]
    remember: Callable[[_Memory, Recommender, list[Any]], None]


class Changes:
    """Makes changes, a batch at a time, to all versions that it knows.

    Parameters
    ----------
    journal : Journal or None
        Where changes are written before they are made.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal
        self._versions: WeakSet[Version] = WeakSet()
        self._made: dict[str, _Memory] = {}
        self._waiting: list[ChangeRequest] = []
        self._writing = threading.Lock()

    def prepare(self, version: Version) -> None:
        """Make all changes so far to a version, and all later ones as they come."""
        with self._writing:
            made = self._made.get(version.name)
            if version.recommender is not None and made is not None:
                _repeat(version.recommender, made)
            self._versions.add(version)

    def apply(self, requests: Sequence[ChangeRequest]) -> tuple[list[ChangeAnswer | Refusal], None]:
        """Make changes, those of one kind that follow each other together.

        Returns
        -------
        answers : list of ChangeAnswer or Refusal
        later : None
            There is nothing left to do, see `Batcher`.
        """
        with self._writing:
            if self._journal is not None:
                try:
                    self._journal.append(requests)
                except FieldfareError as error:
                    return [Refusal.of(error)] * len(requests), None
            answers = self._make(requests)
            if self._journal is not None:
                answers = self._kept(self._journal, requests, answers)
                if self._journal.has_grown:
                    self._shorten(self._journal)
        return answers, None

    def replay(self) -> int:
        """Make the changes in the journal again; return how many there were.

        Raises
        ------
        FieldfareError
            If the journal is damaged.
        """
        if self._journal is None:
            return 0
        with self._writing:
            found = self._journal.read()
            answers = self._make(found)
            # All of them were made once. What does not fit what is served now, such as changes of
            # a model that is not among it, is kept for when it does.
            refused = [
                (change, answer)
                for change, answer in zip(found, answers, strict=True)
                if isinstance(answer, Refusal)
            ]
            self._waiting = [change for change, _ in refused]
            if refused:
                logs.event(
                    "changes kept that could not be made again",
                    level=logging.WARNING,
                    requests=len(refused),
                    codes=sorted({answer.code for _, answer in refused}),
                )
            self._shorten(self._journal)
        return len(found) - len(self._waiting)

    def _kept(
        self,
        journal: Journal,
        requests: Sequence[ChangeRequest],
        answers: list[ChangeAnswer | Refusal],
    ) -> list[ChangeAnswer | Refusal]:
        """Take refused changes out of the journal; return the answers, which may be worse then."""
        made = [
            request
            for request, answer in zip(requests, answers, strict=True)
            if not isinstance(answer, Refusal)
        ]
        if len(made) == len(requests):
            return answers
        try:
            journal.keep(made)
        except OutputError as error:
            lost = Refusal.of(error)
            return [one if isinstance(one, Refusal) else lost for one in answers]
        return answers

    def _shorten(self, journal: Journal) -> None:
        """Write a journal anew with each id once; without room for it, it stays long."""
        try:
            journal.rewrite(chain(self._remembered(), self._waiting))
        except OutputError as error:
            logs.event("journal not shortened", level=logging.WARNING, message=str(error))

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def _make(self, requests: Sequence[ChangeRequest]) -> list[ChangeAnswer | Refusal]:
        answers: list[ChangeAnswer | Refusal] = []
        for (of, model, _), group in groupby(requests, _alike):
            some = list(group)
            made = self._attempt(_KINDS[of], model, some)
            if isinstance(made, Refusal):
                # One of several is at fault, and the others must not suffer.
                one_by_one = [self._attempt(_KINDS[of], model, [one]) for one in some]
                answers += [one if isinstance(one, Refusal) else one[0] for one in one_by_one]
            else:
                answers += made
        return answers

    def _remembered(self) -> Iterator[ChangeRequest]:
        """Yield requests that make the same changes as all so far, each id once."""
        for name, made in self._made.items():
            for part in _parts(made.rows):
                yield ItemsRequest(items=part, model=name)
            for ids in _parts(made.gone):
                yield RemovedRequest(ids=ids, model=name)
            for part in _parts(list(made.users.values())):
                yield UsersRequest(users=part, model=name)
            for part in _parts(list(made.events.values())):
                yield EventsRequest(events=part, model=name)

    def _attempt(
        self, kind: _Kind, model: str | None, requests: Sequence[ChangeRequest]
    ) -> list[ChangeAnswer] | Refusal:
        parts = [kind.parts(request) for request in requests]
        whole = [part for own in parts for part in own]
        try:
            chosen = self._chosen(model)
            for version in chosen:
                kind.apply(version.recommends(), whole)
        except FieldfareError as error:
            return Refusal.of(error)
        names = list(dict.fromkeys(version.name for version in chosen))
        for name in names:
            one = next(version for version in chosen if version.name == name)
            kind.remember(self._made.setdefault(name, _Memory()), one.recommends(), whole)
        return [ChangeAnswer(len(own), names) for own in parts]

    def _chosen(self, model: str | None) -> list[Version]:
        """Return the versions that a change is made to: those that recommend, or of one model."""
        found = [one for one in self._versions if one.recommender is not None]
        if model is not None:
            found = [one for one in found if one.name == model]
        if not found:
            what = "No model" if model is None else f"No model {model!r}"
            raise RequestError(f"{what} has an index that could be changed.", status=409)
        return sorted(found, key=lambda one: (one.name, one.number))


def _alike(request: ChangeRequest) -> tuple[type[ChangeRequest], str | None, frozenset[str]]:
    """Return what is equal of requests that are made together.

    Rows of other columns stay apart: in one table, a column that a row lacks would be missing
    where it is an error.
    """
    rows = request.items if isinstance(request, ItemsRequest) else ()
    rows = request.users if isinstance(request, UsersRequest) else rows
    return type(request), request.model, frozenset(name for row in rows for name in row)


def _repeat(recommender: Recommender, made: _Memory) -> None:
    """Make remembered changes to a recommender."""
    if made.rows:
        recommender.add_items(made.rows)
    if made.gone:
        recommender.remove_items(made.gone)
    if made.users:
        recommender.add_users(list(made.users.values()))
    if made.events:
        recommender.add_history(_interactions(recommender, list(made.events.values())))


def _remember_items(made: _Memory, of: Recommender, rows: list[Any]) -> None:
    made.items.update({id_text(row[of.item_column]): row for row in rows})


def _remember_removed(made: _Memory, _: Recommender, ids: list[Any]) -> None:
    made.items.update(dict.fromkeys(map(id_text, ids)))


def _remember_users(made: _Memory, of: Recommender, rows: list[Any]) -> None:
    made.users.update({id_text(row[of.user_column]): row for row in rows})


def _interactions(of: Recommender, events: list[Any]) -> list[dict[str, Any]]:
    return [{of.user_column: one.user, of.item_column: one.item} for one in events]


def _remember_events(made: _Memory, _: Recommender, events: list[Any]) -> None:
    made.events.update({(id_text(one.user), id_text(one.item)): one for one in events})


def _parts(values: list[Any]) -> Iterator[list[Any]]:
    """Yield values as many at a time as a request may hold."""
    yield from (values[low : low + MAX_REQUESTS] for low in range(0, len(values), MAX_REQUESTS))


_KINDS: dict[type[ChangeRequest], _Kind] = {
    ItemsRequest: _Kind(lambda one: one.items, Recommender.add_items, _remember_items),
    RemovedRequest: _Kind(lambda one: one.ids, Recommender.remove_items, _remember_removed),
    UsersRequest: _Kind(lambda one: one.users, Recommender.add_users, _remember_users),
    EventsRequest: _Kind(
        lambda one: one.events,
        lambda of, events: of.add_history(_interactions(of, events)),
        _remember_events,
    ),
}
