"""The tests themselves: they lie as the code does, and each of them asserts something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.sources import PACKAGE, ROOT, called, dotted, tree

TESTS = ROOT / "tests"
UNIT = TESTS / "unit"
FILES = sorted(TESTS.rglob("*.py"))
MODULES = [path for path in FILES if path.name.startswith("test_")]
PYTEST = {"pytest.raises", "pytest.warns", "pytest.fail", "pytest.deprecated_call"}
HELPERS = ("assert", "check", "expect")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))


def asserts(function: Function, helpers: frozenset[str]) -> bool:
    """Whether a function asserts, itself or through one of the helpers."""
    if any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(function)):
        return True
    return any(
        (name := dotted(call.func)) in PYTEST
        or name.startswith(("np.testing.assert", "npt.assert"))
        or called(call) in helpers
        or _must_succeed(call)
        for call in calls(function)
    )


def _must_succeed(call: ast.Call) -> bool:
    """Whether a call raises unless a process ends well: ``subprocess.run(..., check=True)``."""
    return dotted(call.func) == "subprocess.run" and any(
        key.arg == "check" and isinstance(key.value, ast.Constant) and key.value.value is True
        for key in call.keywords
    )


def asserting_helpers() -> frozenset[str]:
    """Names of the assert, check or expect helpers that do assert, if only through others."""
    named = [
        function
        for path in FILES
        for function in functions(path)
        if function.name.startswith(HELPERS)
    ]
    found: frozenset[str] = frozenset()
    while True:
        grown = found | {function.name for function in named if asserts(function, found)}
        if grown == found:
            return found
        found = grown


ASSERTING = asserting_helpers()


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(TESTS)) for path in MODULES])
def test_each_test_asserts_something(path: Path) -> None:
    bare = [
        f"{function.name}:{function.lineno}"
        for function in functions(path)
        if function.name.startswith("test_") and not asserts(function, ASSERTING)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("body", "there"),
    [
        ("assert found", True),
        ("with pytest.raises(ValueError): f()", True),
        ("np.testing.assert_array_equal(a, b)", True),
        ("subprocess.run(command, check=True)", True),
        ("assert_same(a, b)", True),
        ("subprocess.run(command, check=False)", False),
        ("assert_nothing(a, b)", False),
        ("f()", False),
    ],
)
def test_what_counts_as_an_assertion(body: str, there: bool) -> None:
    function = ast.parse(f"def test_it():\n    {body}").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert asserts(function, frozenset({"assert_same"})) == there


def test_unit_tests_lie_as_the_code_does() -> None:
    folders = {path.parent.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    assert folders
    assert [str(folder) for folder in sorted(folders) if not (PACKAGE / folder).is_dir()] == []


def test_files_outside_any_folder_are_about_a_module_of_the_root() -> None:
    modules = {path.stem.lstrip("_") for path in PACKAGE.glob("*.py")} | {"facade"}
    assert {path.stem.removeprefix("test_") for path in UNIT.glob("test_*.py")} <= modules
