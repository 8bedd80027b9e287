"""The server keeps to its own description, whatever is sent: schemathesis makes the requests."""

from __future__ import annotations

import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from tests.examples import examples
from tests.unit.serving.served import serving, settings_of

from fieldfare.serving.operations import OPERATIONS
from fieldfare.serving.settings import ModelFiles

load_all_checks()
KEPT = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    ]
)


@pytest.fixture(scope="module")
def api(tmp_path_factory, files):
    """The description of a server of its own, which may be changed by what is sent."""
    folder = tmp_path_factory.mktemp("described")
    shutil.copy(files.model, folder / "films.ff")
    shutil.copytree(files.index, folder / "films.index")
    own = ModelFiles(model=str(folder / "films.ff"), index=str(folder / "films.index"))
    with serving(settings_of(films=own)) as client:
        yield schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_the_server_keeps_to_its_description(api, operation):
    described = api[operation.path][operation.method]

    @given(case=described.as_strategy())
    @settings(examples(20), suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate(checks=KEPT)

    check()


def test_every_operation_is_described(client):
    described = client.get("/openapi.json").json()["paths"]
    assert {(path, method.upper()) for path, of in described.items() for method in of} == {
        (one.path, one.method) for one in OPERATIONS
    }
