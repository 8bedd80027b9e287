"""The root of the package: lazy, and its verbs stay verbs."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fieldfare


def test_each_listed_name_has_a_home_and_the_reverse() -> None:
    assert {*fieldfare._HOMES, "__version__"} == set(fieldfare.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(fieldfare.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {
        name: f"fieldfare.{home}" if ":" in home else f"fieldfare.{home}:{name}"
        for name, home in fieldfare._HOMES.items()
    }
    assert seen == homes


@pytest.mark.parametrize("verb", ["explain", "export"])
@pytest.mark.parametrize(
    "code",
    [
        "import fieldfare.{0}",
        "from fieldfare.{0} import __all__",
        "import fieldfare; fieldfare.{0}; import fieldfare.{0}",
        "import importlib; importlib.import_module('fieldfare.{0}')",
    ],
)
def test_verbs_that_share_a_name_with_a_package_stay_callable(verb: str, code: str) -> None:
    check = f"import fieldfare; assert callable(fieldfare.{verb}), fieldfare.{verb}"
    subprocess.run([sys.executable, "-c", f"{code.format(verb)}\n{check}"], check=True)


def test_submodules_can_still_be_had() -> None:
    config = importlib.import_module("fieldfare.config")
    assert getattr(fieldfare, "config") is config  # noqa: B009 - not among the public names


SENDS = """
import pickle
import cloudpickle, fieldfare

def version_there():
    return fieldfare.__version__, fieldfare.Rows.__name__

assert pickle.loads(pickle.dumps(fieldfare)) is fieldfare
sys.stdout.buffer.write(cloudpickle.dumps(version_there))
"""
RECEIVES = """
import pickle
print(*pickle.loads(sys.stdin.buffer.read())())
"""


def test_a_function_that_uses_the_package_can_be_sent_to_another_process() -> None:
    def run(code: str, given: bytes = b"") -> bytes:
        command = [sys.executable, "-c", f"import sys\n{code}"]
        return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout

    assert run(RECEIVES, run(SENDS)).split() == [fieldfare.__version__.encode(), b"Rows"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("cv", "Did you mean 'cross_validate'?"),
        ("load", "Did you mean 'load_model'?"),
        ("create_ffm", "Did you mean 'FFMClassifier'?"),
        ("FMClasifier", "Did you mean 'FMClassifier'?"),
        ("DMatrix", "passed as they are"),
        ("early_stopping", "n_iter_no_change"),
    ],
)
def test_a_name_of_another_library_is_answered(name: str, answer: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'.*{re.escape(answer)}"):
        getattr(fieldfare, name)


def test_a_name_that_nobody_has_is_only_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute '__wrapped__'$"):
        _ = fieldfare.__wrapped__
