"""The public names: listed once, sorted, complete, and loaded only when asked for."""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from pathlib import Path

import pytest

import fieldfare

PACKAGES = [
    path.name
    for path in sorted(Path(fieldfare.__file__).parent.iterdir())
    if (path / "__init__.py").is_file() and not path.name.startswith("_")
]


def test_the_list_is_sorted_and_without_repeats() -> None:
    assert list(fieldfare.__all__) == sorted(set(fieldfare.__all__))


@pytest.mark.parametrize("name", fieldfare.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(fieldfare, name) is not None
    assert name in dir(fieldfare)


def test_every_public_object_is_listed() -> None:
    loaded = {
        name
        for name, value in vars(fieldfare).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert loaded - {"annotations", "TYPE_CHECKING"} <= set(fieldfare.__all__)


def test_every_public_class_and_function_is_documented() -> None:
    bare = [
        name
        for name in fieldfare.__all__
        if (inspect.isclass(value := getattr(fieldfare, name)) or inspect.isfunction(value))
        and not inspect.getdoc(value)
    ]
    assert bare == []


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(fieldfare, "no_such_name")  # noqa: B009


def test_the_root_imports_only_the_version() -> None:
    tree = ast.parse(Path(fieldfare.__file__).read_text(encoding="utf-8"))
    inside = [
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fieldfare")
    ]
    assert set(inside) <= {"fieldfare._version"}


@pytest.mark.parametrize("package", PACKAGES)
def test_lists_of_packages_name_what_exists(package: str) -> None:
    module = importlib.import_module(f"fieldfare.{package}")
    names = list(getattr(module, "__all__", ()))
    assert names == sorted(set(names))
    assert [name for name in names if not hasattr(module, name)] == []
