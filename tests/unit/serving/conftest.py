"""Files of a model and of an index, and a server of them that nothing changes."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="the extra 'serve' is not installed")

from tests.unit.serving.served import make_index, serving, settings_of, train

import fieldfare
from fieldfare.retrieval import Recommender
from fieldfare.serving.settings import ModelFiles


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Files of a model and of the index that was built from it."""
    folder = tmp_path_factory.mktemp("served")
    model = train()
    fieldfare.save_model(model, folder / "films.ff")
    make_index(folder / "films.index", model)
    return ModelFiles(model=str(folder / "films.ff"), index=str(folder / "films.index"))


@pytest.fixture(scope="session")
def client(files):
    """A server of the index that nothing changes."""
    with serving(settings_of(films=files)) as found:
        yield found


@pytest.fixture(scope="session")
def recommender(files):
    """The recommender that is served."""
    return Recommender.load(files.index, fieldfare.load_model(files.model))


@pytest.fixture(scope="session")
def model(files):
    """The model that is served."""
    return fieldfare.load_model(files.model)
