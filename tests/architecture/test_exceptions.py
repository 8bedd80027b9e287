"""The exceptions: the tree in the docstring is the tree of classes, and each code has its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.architecture.sources import FILES, PACKAGE, ROOT, tree

from fieldfare import exceptions

CLASSES: dict[str, Any] = {
    name: value
    for name, value in vars(exceptions).items()
    if isinstance(value, type) and issubclass(value, Exception)
}
LINE = re.compile(
    r"^(?P<lead>[ │├└─]*)(?P<name>\w+)(?: \((?P<also>\w+)\))?(?: +(?P<code>FF\d{3}))?(?:  |$)"
)


def drawn() -> dict[str, tuple[str, str | None, str]]:
    """Read the tree: class name to (parent, further base, code)."""
    text = (exceptions.__doc__ or "").partition("::\n")[2].partition("\nEach class")[0]
    found: dict[str, tuple[str, str | None, str]] = {}
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = LINE.match(line)
        assert match, f"the tree has a line that is not understood: {line!r}"
        depth = len(match["lead"])
        path = [(d, name) for d, name in path if d < depth]
        if match["code"]:
            found[match["name"]] = (path[-1][1], match["also"], match["code"])
        path.append((depth, match["name"]))
    return found


def test_the_tree_names_every_class() -> None:
    assert set(drawn()) == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_the_tree_tells_bases_and_code(name: str) -> None:
    parent, also, code = drawn()[name]
    bases = [base.__name__ for base in CLASSES[name].__bases__]
    assert bases == [parent, *([also] if also else [])]
    assert vars(CLASSES[name])["code"] == code


def test_codes_are_unique() -> None:
    codes = [cls.code for cls in CLASSES.values()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", CLASSES)
def test_each_code_has_a_section(name: str) -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert f"## {CLASSES[name].code} {name}\n" in page


def test_the_page_has_no_section_without_a_class() -> None:
    page = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## FF\d{3} (\w+)$", page, re.MULTILINE)) == set(CLASSES)


def test_only_exceptions_defines_exceptions() -> None:
    import ast

    strays = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in FILES
        if path.name not in ("exceptions.py", "_checks.py")  # which needs scikit-learn's class
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and any(
            (base.id if isinstance(base, ast.Name) else "").endswith(
                ("Error", "Exception", "Warning")
            )
            for base in node.bases
        )
    ]
    assert strays == []
