"""A client: what the server takes and gives, as Python objects.

Each method raises a ServingError for an answer that is an error, with its code, status and place:
a RequestError, OverloadError or DeadlineError where it is one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar, final
from urllib.parse import quote

import httpx
import msgspec

from fieldfare._arguments import checked
from fieldfare._validation import Number, check
from fieldfare.exceptions import (
    ConfigError,
    DeadlineError,
    OverloadError,
    RequestError,
    ServingError,
)
from fieldfare.serving import wire
from fieldfare.serving.wire import MAX_TIMEOUT_MS

_AnswerT = TypeVar("_AnswerT")
_JSON = {"content-type": "application/json"}
_ERRORS: Mapping[int, type[ServingError]] = {
    429: OverloadError, 503: OverloadError, 504: DeadlineError,
    **dict.fromkeys((400, 401, 403, 404, 405, 408, 409, 413, 415, 422), RequestError),
}  # fmt: skip


@final
class Client:
    """Asks a server of ``fieldfare serve``.

    Parameters
    ----------
    url : str, default="http://127.0.0.1:8000"
        Where it is.
    token : str, optional
        Sent with every request.
    timeout : float in (0, inf), default=10.0
        Seconds that a request may take. The server hears of it, and gives up when they are over;
        clients that say nothing of it get 100 ms.

    Raises
    ------
    ConfigError
        If the address is none.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000") as client:  # doctest: +SKIP
    ...     answer = client.recommend(17, n=5, contexts={"hour": "22"})
    ...     [item["id"] for item in answer.results[0].items]
    """

    @checked
    def __init__(
        self, url: str = "http://127.0.0.1:8000", token: str | None = None, timeout: float = 10.0
    ) -> None:
        check("timeout", timeout, Number(0, low_open=True), "Client")
        try:
            address = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigError(f"{url!r:.80} is not the address of a server: {error}.") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise ConfigError(
                f"{url!r:.80} is not the address of a server, such as http://127.0.0.1:8000."
            )
        self._http = httpx.Client(base_url=address, timeout=timeout)
        milliseconds = min(max(1, round(1000 * timeout)), MAX_TIMEOUT_MS)
        self._http.headers["x-timeout-ms"] = str(milliseconds)
        if token is not None:
            self._http.headers["authorization"] = f"Bearer {token}"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- asking ---------------------------------------------------------------------------------

    @checked
    def predict(
        self,
        rows: Mapping[str, Any] | Sequence[Any],
        output: str = "prediction",
        *,
        model: str | None = None,
    ) -> wire.PredictAnswer:
        """Predict rows.

        Parameters
        ----------
        rows : mapping from column to value, or sequence of mappings
            At most 256; None and NaN are missing values.
        output : {"prediction", "probability", "score"}, default="prediction"
            ``"prediction"`` is what `fieldfare.predict` returns; ``"probability"`` the same, but an
            error where there are no classes; ``"score"`` is before the link function.
        model : str, optional
            The name of the model; the default of the server's by default.
        """
        return self._post("predict", wire.PredictAnswer, rows=rows, output=output, model=model)

    @checked
    def recommend(  # noqa: PLR0913 - all that can be asked for, by name
        self,
        user: Any = None,
        n: int = 10,
        *,
        contexts: Mapping[str, Any] | None = None,
        features: Mapping[str, Any] | None = None,
        history: Any = None,
        requests: Sequence[Any] | None = None,
        exclude: Any = None,
        candidates: Any = None,
        where: Mapping[str, Any] | None = None,
        filter_seen: bool = True,
        fields: Sequence[str] = (),
        model: str | None = None,
    ) -> wire.RecommendAnswer:
        """Recommend items; the parameters are those of `Recommender.recommend`.

        Parameters
        ----------
        user : id, optional
        n : int in [1, 1000], default=10
        contexts, features : mapping from column to value, optional
        history : list of ids, optional
        requests : sequence of mappings, optional
            Several requests, each with user, features, history and contexts, in place of these.
        exclude, candidates : list of ids, optional
        where : mapping from column to what is wanted, optional
        filter_seen : bool, default=True
        fields : sequence of str, optional
            Columns of the table of items, to be returned with each item.
        model : str, optional
            The name of the model; the default of the server's, or of the user's share, by default.
        """
        return self._post(
            "recommend", wire.RecommendAnswer, user=user, n=n, contexts=contexts,
            features=features, history=history, requests=requests, exclude=exclude,
            candidates=candidates, where=where or {}, filter_seen=filter_seen,
            fields=list(fields), model=model,
        )  # fmt: skip

    @checked
    def similar(
        self,
        *,
        items: Any = None,
        users: Any = None,
        n: int = 10,
        fields: Sequence[str] = (),
        model: str | None = None,
    ) -> wire.SimilarAnswer:
        """Find what is similar to each of some items, or of some users."""
        return self._post(
            "similar", wire.SimilarAnswer, items=items, users=users, n=n, fields=list(fields),
            model=model,
        )  # fmt: skip

    @checked
    def explain(
        self,
        row: Mapping[str, Any] | None = None,
        *,
        user: Any = None,
        item: Any = None,
        contexts: Mapping[str, Any] | None = None,
        label: Any = None,
        model: str | None = None,
    ) -> wire.ExplainAnswer:
        """Explain the score of a row, or of an item for a user in a context, by its terms."""
        return self._post(
            "explain", wire.ExplainAnswer, row=row, user=user, item=item, contexts=contexts,
            label=label, model=model,
        )  # fmt: skip

    @checked
    def merge(  # noqa: PLR0913 - as `Recommender.merge`
        self,
        channels: Mapping[str, Any],
        user: Any = None,
        n: int = 10,
        *,
        contexts: Mapping[str, Any] | None = None,
        column: str | None = None,
        filter_seen: bool = True,
        fields: Sequence[str] = (),
        model: str | None = None,
    ) -> wire.RecommendAnswer:
        """Merge what several recall channels propose; see `Recommender.merge`."""
        return self._post(
            "merge", wire.RecommendAnswer, channels=channels, user=user, n=n, contexts=contexts,
            column=column, filter_seen=filter_seen, fields=list(fields), model=model,
        )  # fmt: skip

    # -- changing -------------------------------------------------------------------------------

    @checked
    def put_items(self, items: Sequence[Any], *, model: str | None = None) -> wire.ChangeAnswer:
        """Add items, or replace those whose ids exist; mappings from column to value."""
        return self._send("PUT", "/v1/items", wire.ChangeAnswer, items=items, model=model)

    @checked
    def remove_items(self, ids: Sequence[Any], *, model: str | None = None) -> wire.ChangeAnswer:
        """Remove items by their ids."""
        return self._send("DELETE", "/v1/items", wire.ChangeAnswer, ids=ids, model=model)

    @checked
    def put_users(self, users: Sequence[Any], *, model: str | None = None) -> wire.ChangeAnswer:
        """Add users, or replace those whose ids exist; mappings from column to value."""
        return self._send("PUT", "/v1/users", wire.ChangeAnswer, users=users, model=model)

    @checked
    def add_events(self, events: Sequence[Any], *, model: str | None = None) -> wire.ChangeAnswer:
        """Tell what users have seen: mappings with ``user`` and ``item``."""
        return self._post("events", wire.ChangeAnswer, events=events, model=model)

    # -- models ---------------------------------------------------------------------------------

    def models(self) -> wire.ModelsAnswer:
        """Return what the server runs."""
        return self._send("GET", "/models", wire.ModelsAnswer)

    def is_ready(self) -> bool:
        """Return whether the server answers requests."""
        try:
            return self._http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    @checked
    def load(
        self,
        name: str,
        *,
        model: str | None = None,
        index: str | None = None,
        ranker: str | None = None,
    ) -> wire.SlotAnswer:
        """Load a version of a model beside the one in use.

        Parameters
        ----------
        name : str
            Of the model.
        model, index, ranker : str, optional
            Paths on the server, in the folders of the files in use; these files by default.
        """
        return self._admin(name, "load", model=model, index=index, ranker=ranker)

    @checked
    def activate(self, name: str) -> wire.SlotAnswer:
        """Use the version of a model that was loaded."""
        return self._admin(name, "activate")

    @checked
    def rollback(self, name: str) -> wire.SlotAnswer:
        """Use the version of a model before the one in use again."""
        return self._admin(name, "rollback")

    def _admin(self, name: str, verb: str, **body: Any) -> wire.SlotAnswer:
        path = f"/v1/admin/models/{quote(name, safe='')}:{verb}"
        return self._send("POST", path, wire.SlotAnswer, **body)

    def _post(self, path: str, gives: type[_AnswerT], **body: Any) -> _AnswerT:
        return self._send("POST", f"/v1/{path}", gives, **body)

    def _send(self, method: str, path: str, gives: type[_AnswerT], **body: Any) -> _AnswerT:
        """Return the answer to a request, of which None is left out."""
        content = None
        if method != "GET":
            given = {name: value for name, value in body.items() if value is not None}
            content = _encoded(given)
        try:
            answer = self._http.request(method, path, content=content, headers=_JSON)
        except httpx.TimeoutException as error:
            raise DeadlineError(f"{self._http.base_url} did not answer in time.") from error
        except httpx.HTTPError as error:
            raise ServingError(
                f"{self._http.base_url} cannot be reached: {error}.", status=503
            ) from error
        if answer.status_code == 200:
            return _decoded(answer.content, gives)
        found = _decoded(answer.content, wire.ErrorAnswer).error
        kind = _ERRORS.get(answer.status_code, ServingError)
        raise kind(found.message, status=answer.status_code, where=found.where, code=found.code)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body, enc_hook=_plain)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise RequestError(f"This cannot be sent as JSON: {error}.", status=422) from error


def _plain(value: Any) -> Any:
    """Return arrays, numbers of NumPy and other collections as what JSON has."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def _decoded(content: bytes, gives: type[_AnswerT]) -> _AnswerT:
    try:
        return msgspec.json.decode(content, type=gives)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServingError(
            f"The answer does not come from fieldfare: {error}. Is the address right?"
        ) from error
