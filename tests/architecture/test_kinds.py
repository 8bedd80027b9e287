"""A kind of model and a solver are each declared once: no other module compares their names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.sources import FILES, PACKAGE, ROOT, part, tree

from fieldfare.kinds.models import LINEAR, MODEL_KINDS
from fieldfare.kinds.solvers import SOLVER_KINDS

# "linear" is the name of an array and of an activation too: it counts where it is compared with
# something that is called kind, model or solver.
ALSO_AN_ARRAY = {LINEAR.name}
NAMES = {*MODEL_KINDS, *SOLVER_KINDS} - ALSO_AN_ARRAY
OTHERS = [path for path in FILES if part(path) != "kinds"]


def _for_users(module: ast.Module) -> set[ast.AST]:
    """Return what only says which names there are, or which one is meant by default.

    Annotations, defaults of parameters called ``model`` or ``solver``, and the kind that a class is
    for.
    """
    found: set[ast.AST] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.arg) and node.annotation is not None:
            found |= set(ast.walk(node.annotation))
        elif isinstance(node, ast.arguments):
            arguments = [*node.posonlyargs, *node.args][::-1]
            pairs = [*zip(arguments, node.defaults[::-1], strict=False)]
            pairs += [(a, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d]
            found |= {default for own, default in pairs if own.arg in ("model", "solver")}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_kind":
            found.add(node.value)
    return found


def _is_about_a_name(node: ast.expr) -> bool:
    words = ast.unparse(node).replace(".", " ").split()
    return bool({"kind", "model", "solver"} & set(words[-1:]))


def named(path: Path) -> Iterator[int]:
    """Yield the lines of a file that name a kind or a solver in a string."""
    module = tree(path)
    for_users = _for_users(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and node.value in NAMES and node not in for_users:
            yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            names = {
                n.value for side in sides for n in ast.walk(side) if isinstance(n, ast.Constant)
            }
            if names & ALSO_AN_ARRAY and any(map(_is_about_a_name, sides)):
                yield node.lineno


@pytest.mark.parametrize("path", OTHERS, ids=[str(path.relative_to(PACKAGE)) for path in OTHERS])
def test_nothing_else_names_a_kind_or_a_solver(path: Path) -> None:
    assert list(named(path)) == []


def test_the_search_finds_what_it_is_for(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        'def train(model="fm", *, solver: str = "sgd"):\n'
        '    """Of the "ffm" kind."""\n'
        '    if model == "linear" or solver in ("als", "sgda"):\n'
        '        return {"hofm": 1}, "linear"\n'
    )
    assert sorted(set(named(file))) == [3, 4]


def _section(title: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _listed(title: str) -> set[str]:
    """Paths in the first column of the tables of a section, with ``<kind>`` filled in."""
    rows = [line.split("|")[1].strip() for line in _section(title).splitlines() if line[:2] == "| "]
    paths = [row.strip("`") for row in rows if row.startswith("`")]
    return {path.replace("<kind>", "fwfm").replace("<Kind>", "FwFM") for path in paths}


def _python_names(path: Path) -> Iterator[str]:
    """Yield what code names: identifiers, modules, and strings without spaces; no prose."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.ImportFrom(module=str(name)):
                yield name
            case ast.Constant(value=str(name)) if " " not in name:
                yield name


def _naming(pattern: str) -> set[str]:
    """Source files of the library whose code names a kind."""
    code = {path: " ".join(_python_names(path)) for path in FILES}
    for path in [*(ROOT / "cpp").rglob("*.hpp"), *(ROOT / "cpp").rglob("*.cpp")]:
        code[path] = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    return {
        str(path.relative_to(ROOT))
        for path, text in code.items()
        if re.search(pattern, text, flags=re.IGNORECASE)
    }


def test_a_kind_is_named_by_the_files_that_contributing_lists() -> None:
    """Of a kind of its own kernel: those that it must have, and those that it may have."""
    listed = {path for path in _listed("Adding a kind of model") if not path.startswith("tests/")}
    found = _naming("fwfm|field_?weighted")
    assert found == {path for path in listed if path.startswith(("src/", "cpp/"))}


@pytest.mark.parametrize("title", ["Adding a kind of model", "Adding a solver"])
def test_the_files_that_contributing_lists_are_there(title: str) -> None:
    listed = _listed(title)
    assert listed
    assert [path for path in sorted(listed) if not (ROOT / path).exists()] == []
