"""Settings: what a server serves and how, from the command line or a file ``deploy.toml``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct, structs

from fieldfare._files import names_server
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError

_Positive: TypeAlias = Annotated[int, Meta(ge=1)]
_Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class _Table(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The base of the tables of the file."""


class Limits(_Table, frozen=True):
    """What a server takes on at most.

    Parameters
    ----------
    body_bytes : int
        Size of the body of a request.
    queue : int
        Requests that wait at most; more are refused with 429.
    batch : int
        Requests that are computed together at most.
    deadline_ms : int
        How long a request may take, unless its header ``X-Timeout-Ms`` says otherwise.
    drain_s : int
        How long the requests in progress may take after SIGTERM.
    """

    body_bytes: _Positive = 2**20
    queue: _Positive = 512
    batch: _Positive = 64
    deadline_ms: _Positive = 100
    drain_s: Annotated[int, Meta(ge=0)] = 10


class ModelFiles(_Table, frozen=True):
    """The files of a model, and what is done with them.

    Parameters
    ----------
    model : str
        The file of the model.
    index : str or None
        The folder of its index, of a model that recommends.
    ranker : str or None
        The file of the model that orders what this one has recalled.
    golden : str or None
        A file of requests that have to be answered as it says before a version is used.
    watch : bool
        Whether to load the files again when they have been replaced.
    """

    model: str
    index: str | None = None
    ranker: str | None = None
    golden: str | None = None
    watch: bool = False


class Split(_Table, frozen=True):
    """Users split among several models.

    Parameters
    ----------
    shares : mapping from name to number
        The share of users that each model gets, in any unit.
    salt : str
        Another text splits them in another way.
    """

    shares: Annotated[dict[_Name, Annotated[float, Meta(ge=0)]], Meta(min_length=2)]
    salt: str = ""


class Features(_Table, frozen=True):
    """Where the columns of users come from that a request does not bring.

    Parameters
    ----------
    source : str
        A table of users (Parquet, CSV), ``redis://HOST:PORT/DB`` or
        ``postgresql://HOST/DATABASE``. ``${NAME}`` is a variable of the environment.
    user : str or None
        The column of ids of a table; by default that of the models.
    table : str
        In PostgreSQL.
    prefix : str
        Of the keys in Redis.
    deadline_ms : float
        How long a look-up may take for all users of a batch.
    cache_s : float
        How long what was found is used; 0: only once.
    """

    source: str
    user: str | None = None
    table: Annotated[str, Meta(min_length=1, max_length=63)] = "features"
    prefix: str = "features:"
    deadline_ms: Annotated[float, Meta(gt=0)] = 20.0
    cache_s: Annotated[float, Meta(ge=0)] = 60.0


class Settings(_Table, frozen=True):
    """All settings of a server.

    Parameters
    ----------
    models : mapping from name to ModelFiles
    default : str or None
        The model that answers where a request names none; the first by default.
    split : Split or None
    shadow : str or None
        A model that computes what the others answer, too, to be compared; nobody gets its answers.
    host, port, workers
        Where to listen, and with how many processes.
    tokens : str or None
        A file of tokens. Without it, whoever can reach a loopback address may do everything.
    without_tokens : bool
        Whether to serve other addresses without tokens: whoever can reach them may read, and
        nobody may change anything.
    log : {"errors", "all"}
        Which requests are logged.
    journal : str or None
        A file in which changes are kept, so that a restart loses none.
    features : Features or None
    limits : Limits
    """

    models: Annotated[dict[_Name, ModelFiles], Meta(min_length=1)]
    default: str | None = None
    split: Split | None = None
    shadow: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8000
    workers: _Positive = 1
    tokens: str | None = None
    without_tokens: bool = False
    log: Literal["errors", "all"] = "errors"
    journal: str | None = None
    features: Features | None = None
    limits: Limits = Limits()

    @property
    def default_model(self) -> str:
        """The model that answers where a request names none."""
        return self.default or next(iter(self.models))

    def check(self, source: str) -> Settings:
        """Return itself if all the models that are named exist.

        Raises
        ------
        ConfigError
            Naming the source and the key.
        """
        for key, name in self._named():
            if name not in self.models:
                raise ConfigError(
                    f"{source}: {key} must be one of the models {', '.join(self.models)}. Got "
                    f"{name!r}.{closest(name, list(self.models))}"
                )
        if self.split is not None and not sum(self.split.shares.values()) > 0:
            raise ConfigError(f"{source}: split.shares must not all be 0.")
        return self

    def _named(self) -> Iterator[tuple[str, str]]:
        if self.default is not None:
            yield "default", self.default
        if self.shadow is not None:
            yield "shadow", self.shadow
        if self.split is not None:
            yield from (("split.shares", name) for name in self.split.shares)


def read_settings(path: str | os.PathLike[str]) -> Settings:
    """Read a file ``deploy.toml``; the paths in it are relative to its folder.

    Raises
    ------
    ConfigError
        If it cannot be read, or holds something that is not allowed: naming the file and the key.
    """
    file = os.fspath(path)
    try:
        settings = msgspec.toml.decode(Path(path).read_bytes(), type=Settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        key = where.rstrip("`").lstrip(".") or "the top of the file"
        raise ConfigError(f"{file}: {key}: {what}.") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read as TOML: {error}.") from error
    return _beside(settings, Path(path).parent).check(file)


def settings_of(target: str | os.PathLike[str], model: str | None, **more: Any) -> Settings:
    """Return the settings for a model file, an index folder with its model, or a ``.toml``.

    Parameters
    ----------
    target : path
    model : str or None
        The file of the model that an index was built from.
    **more
        ``ranker`` and ``watch`` of a model or an index; other settings go over those of a file,
        where they are not None.

    Raises
    ------
    ConfigError
        If the target is something else, or lacks its model.
    """
    path, ranker, watch = Path(target), more.pop("ranker", None), more.pop("watch", None)
    source = more.pop("features", None)
    if source is not None:
        more["features"] = Features(source=source)
    given = {name: value for name, value in more.items() if value is not None}
    if path.suffix == ".toml":
        if model is not None or ranker is not None or watch is not None:
            raise ConfigError(
                f"{path} names its own models. Write their index, ranker and watch there."
            )
        return structs.replace(read_settings(path), **given)
    if not path.is_dir():
        if not path.exists() and model is not None:
            raise ConfigError(f"There is no folder {path}. 'fieldfare recommend index' writes one.")
        if ranker is not None or model is not None:
            raise ConfigError(
                f"-m and --ranker go with the folder of an index. Got {path}, which is a file: "
                "for a model alone, leave them out."
            )
        return Settings(
            models={_name(path): ModelFiles(model=str(path), watch=bool(watch))}, **given
        )
    if model is None:
        raise ConfigError(f"{path} is the folder of an index. Name its model, too: -m MODEL.ff.")
    files = ModelFiles(model=model, index=str(path), ranker=ranker, watch=bool(watch))
    return Settings(models={_name(Path(model)): files}, **given)


def _name(path: Path) -> str:
    """Return a name for the model in a file."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in path.stem)
    return kept.strip("-._")[:100] or "model"


def _beside(settings: Settings, folder: Path) -> Settings:
    """Return settings whose paths are relative to a folder no more."""

    def at(path: str | None) -> str | None:
        return None if path is None else str(folder / path)

    models = {
        name: structs.replace(
            files,
            **{key: at(getattr(files, key)) for key in ("model", "index", "ranker", "golden")},
        )
        for name, files in settings.models.items()
    }
    features = settings.features
    if features is not None and not names_server(features.source):
        features = structs.replace(features, source=at(features.source))
    return structs.replace(
        settings,
        models=models,
        features=features,
        tokens=at(settings.tokens),
        journal=at(settings.journal),
    )
