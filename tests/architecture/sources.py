"""What the architecture tests read: the sources of the package as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "fieldfare"
FILES = sorted(PACKAGE.rglob("*.py"))


def tree(path: Path) -> ast.Module:
    """Parse one file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def part(path: Path) -> str:
    """Name of the layer's member that a file belongs to: ``data`` or ``rows``, say."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, anywhere in it, with the line.

    A string handed to ``require`` or ``import_module`` counts as an import too.
    """
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Call) and called(node) in ("require", "import_module"):
            yield from (
                (str(name.value), node.lineno)
                for name in node.args[:1]
                if isinstance(name, ast.Constant)
            )


def called(node: ast.Call) -> str:
    """Last part of the name that a call calls: ``exit`` for ``sys.exit(1)``."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """Return the dotted name of an expression, or an empty string."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
