"""A version: one model with its index, loaded from files, checked, and never changed again."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, final

from fieldfare._checksum import Checksum
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior
from fieldfare.persist.file import load_model
from fieldfare.persist.posterior import holds_posterior, load_posterior
from fieldfare.retrieval import Recommender
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.serving.settings import ModelFiles
from fieldfare.serving.wire import ModelAnswer

_CHUNK = 2**20
INDEX_HEADER = "index.json"


@final
@dataclass(frozen=True, eq=False)
class Version:
    """A model that answers, with its index if it recommends.

    Parameters
    ----------
    name : str
        Of the model, in the settings.
    number : int
        How many versions of that name the server had loaded, with this one.
    files : ModelFiles
        What it was loaded from.
    model : Model or Posterior
    recommender : Recommender or None
    checksum, index_checksum : str
        Of the file of the model, and of the header of the index, which has those of its files.
    loaded : float
        Seconds since 1970.
    """

    name: str
    number: int
    files: ModelFiles
    model: Model | Posterior
    recommender: Recommender | None
    checksum: str
    index_checksum: str | None = None
    loaded: float = field(default_factory=time.time)

    @staticmethod
    def load(name: str, number: int, files: ModelFiles) -> Version:
        """Load a version; every byte is compared with its checksum.

        Raises
        ------
        FieldfareError
            If a file is damaged or missing, or they do not belong together.
        """
        checksum = _checksum_of(files.model)
        if files.index is None:
            if files.ranker is not None:
                raise ConfigError(f"models.{name}.ranker orders what an index recalls: add index.")
            return Version(name, number, files, _load_any(files.model), None, checksum)
        model = load_model(files.model)
        header = _checksum_of(os.path.join(files.index, INDEX_HEADER))
        ranker = None if files.ranker is None else load_model(files.ranker)
        recommender = Recommender.load(files.index, model, ranker)
        return Version(name, number, files, model, recommender, checksum, header)

    @property
    def label(self) -> str:
        """Name and number, such as ``films@7``."""
        return f"{self.name}@{self.number}"

    @property
    def index_label(self) -> str:
        """The start of the checksum of the index, which tells whether it is another one."""
        return "" if self.index_checksum is None else self.index_checksum[:12]

    @cached_property
    def encoder(self) -> SampleEncoder:
        """Encoder of rows.

        Raises
        ------
        SchemaError
            If the model has no columns.
        """
        schema = self.model.schema
        if schema is None:
            raise ConfigError(f"The model {self.name!r} knows no columns, so it cannot read rows.")
        return schema.sample_encoder()

    def recommends(self) -> Recommender:
        """Return the recommender.

        Raises
        ------
        ConfigError
            If the model has no index.
        """
        if self.recommender is None:
            raise ConfigError(
                f"The model {self.name!r} has no index, so it can predict but not recommend. "
                "Serve the folder of 'fieldfare recommend index'."
            )
        return self.recommender

    def about(self) -> ModelAnswer:
        """Return what people want to know of it."""
        model, schema = self.model, self.model.schema
        has_columns = schema is not None and not schema.is_indexed
        return ModelAnswer(
            version=self.label,
            kind=model.config.model,
            task=model.task,
            features=model.n_features,
            columns=list(schema.names_in_table) if schema is not None and has_columns else [],
            classes=None if model.classes is None else list(model.classes),
            file=os.path.basename(self.files.model),
            checksum=self.checksum,
            loaded=self.loaded,
            trained=_trained(model.provenance),
            index=self.index_label or None,
            items=None if self.recommender is None else len(self.recommender.index),
            ranker=None if self.files.ranker is None else os.path.basename(self.files.ranker),
            **self._about_lists(),
        )

    def _about_lists(self) -> dict[str, Any]:
        """Return what requests for lists may say and ask for."""
        if self.recommender is None:
            return {}
        state = self.recommender.state
        known = ("id", "score", state.item_column)
        return {
            "user_column": self.recommender.user_column,
            "contexts": sorted(state.query_columns[False]),
            "fields": [name for name in state.columns.names if name not in known],
        }


def _load_any(path: str) -> Model | Posterior:
    return load_posterior(path) if holds_posterior(path) else load_model(path)


def _trained(provenance: Mapping[str, Any]) -> str | None:
    """Return when a model was trained, if it says so."""
    found = provenance.get("created")
    return found if isinstance(found, str) else None


def _checksum_of(path: str) -> str:
    digest = Checksum()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
