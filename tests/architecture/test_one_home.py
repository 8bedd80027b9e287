"""Duties with one home: only `cli` ends the process, only `_logging` prints."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.architecture.sources import FILES, PACKAGE, called, dotted, part, tree

EXITS = {"sys.exit", "os._exit", "os.abort", "exit", "quit"}
STREAMS = {"sys.stdout.write", "sys.stderr.write", "sys.stdout.writelines", "sys.stderr.writelines"}
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_only_cli_exits(path: Path) -> None:
    if part(path) in ("cli", "__main__"):
        return
    lines = [
        node.lineno
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Call) and dotted(node.func) in EXITS)
        or (isinstance(node, ast.Name) and node.id == "SystemExit")
    ]
    assert lines == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_only_logging_prints(path: Path) -> None:
    if part(path) == "_logging":
        return
    lines = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and (called(node) == "print" or dotted(node.func) in STREAMS)
    ]
    assert lines == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_unpickles(path: Path) -> None:
    """No file of ours can run code, so nothing that reads files may unpickle or evaluate."""
    lines = [
        node.lineno
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and dotted(node.func) in {"pickle.load", "pickle.loads", "eval", "exec", "marshal.loads"}
    ]
    assert lines == []
