"""The layers: imports only point down, and each outside package has one home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.sources import FILES, PACKAGE, ROOT, imports, part

import fieldfare

HOMES = {
    "duckdb": set(),  # only the tests use it, to run the SQL that export writes
    "faiss": {"retrieval"},
    "httptools": set(),  # uvicorn uses it
    "httpx": {"serving"},
    "implicit": {"retrieval"},
    "keras": {"keras"},
    "matplotlib": {"report"},
    "msgspec": {"serving"},
    "onnx": {"export"},
    "onnxruntime": set(),  # only the tests and benchmarks use it
    "pandas": {"sources"},
    "polars": set(),  # its frames speak Arrow
    "prometheus_client": {"serving"},
    "pyarrow": {"sources", "schema", "foreign"},
    "safetensors": set(),  # only the tests use it, to read our files as others would
    "scipy": {"sources"},  # elsewhere its matrices are known by their type
    "sklearn": {"compat", "estimators", "metrics"},
    "starlette": {"serving"},
    "tensorflow": {"export"},
    "tqdm": {"cli", "training"},
    "uvicorn": {"serving"},
    "uvloop": set(),  # uvicorn uses it
}


def test_the_contracts_of_import_linter_hold() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("import-linter is not installed here; `make lint` runs it in any case")
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", HOMES)
def test_outside_packages_stay_at_home(package: str) -> None:
    """Unlike import-linter, this sees names given to `require` as well."""
    strays = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in FILES
        if part(path) not in HOMES[package]
        for module, line in imports(path)
        if module.partition(".")[0] == package
    ]
    assert strays == []


def test_private_modules_and_names_stay_in_their_package() -> None:
    """Those of the root, such as `fieldfare._typing`, are for the whole package."""
    strays = [
        f"{path.relative_to(PACKAGE)}:{line}: {module}"
        for path in FILES
        for module, line in imports(path)
        if module.startswith("fieldfare.")
        and any(re.match("_[^_]", name) for name in module.split(".")[2:])
        and module.split(".")[1] != part(path)
    ]
    assert strays == []


def test_only_kernels_see_the_compiled_core() -> None:
    users = {
        part(path)
        for path in FILES
        for module, _ in imports(path)
        if module == "fieldfare._core" or module.startswith("fieldfare._core.")
    }
    assert users <= {"kernels"}


def test_nothing_inside_imports_the_lazy_root() -> None:
    """It names everything, so that whoever imports from it would depend on all the layers.

    `compat` stands above them and uses the library as its users do.
    """
    inside = {f"fieldfare.{part(path)}" for path in FILES} | {"fieldfare._core"}
    users = [
        f"{path.relative_to(PACKAGE)}:{line}: {module}"
        for path in FILES
        if path != PACKAGE / "__init__.py" and part(path) != "compat"
        for module, line in imports(path)
        if module.count(".") == 1 and module.startswith("fieldfare.") and module not in inside
    ]
    assert users == []


def test_other_libraries_interfaces_rest_on_public_names() -> None:
    """Besides them, on declarations, and on what every part may use."""
    allowed = {"compat", "exceptions", "kinds", *fieldfare.__all__, "_version"}
    allowed |= {"_arguments", "_files", "_logging", "_typing"}
    strays = [
        f"{path.relative_to(PACKAGE)}:{line}: {module}"
        for path in FILES
        if part(path) == "compat"
        for module, line in imports(path)
        if module.startswith("fieldfare.") and module.split(".")[1] not in allowed
    ]
    assert strays == []
