"""The page of all messages, by code, read from the sources that give them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NamedTuple

from fieldfare import exceptions

PACKAGE = Path(exceptions.__file__).parent
HEAD = """\
# Messages

<!-- Written by `make generate` from the sources: change the messages there instead. -->

Every error, every warning, and every line that the command line says on standard error, once, under
its code. What is in italics stands for something at hand: a file, a column, a value.
[Diagnostics](../diagnostics.md) says what usually leads to each code, and what to do.
"""
_SECTIONS = {
    "say_notes": "Notes",
    "note": "Notes",
    "say_aside": "Progress",
    "say_error": "How a command ends",
    "ArgumentTypeError": "Wrong usage",
    "error": "Wrong usage",
}
_CARRIERS = {"Verdict": ("DataWarning", 1), "Judgement": ("Notes", 2)}
"""Records that hold a message until it is given, with its section and its place in the record."""
_SAID = {
    "Notes": "Decisions about columns that you may want to overrule, after `note:`.",
    "Progress": "What a command is doing or has written. `-q` leaves these lines out.",
    "How a command ends": "Also with `-q`.",
    "Wrong usage": "After the name of the command; the exit code is 2.",
}
_FEWEST_WORDS = 2
"""A message of fewer words of its own passes on another, which is listed where it is made."""
_MOST_FORMS = 12
_DEEPEST = 40
_SUGGESTIONS = {"hint", "near"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Message(NamedTuple):
    """A message where it is given: its section, its words, and the place in the sources."""

    section: str
    words: str
    place: str


@dataclass
class Module:
    """The syntax tree of a module, and what its names stand for."""

    path: str
    tree: ast.Module
    functions: dict[str, list[_Function]] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    owner: dict[ast.AST, _Function | None] = field(default_factory=dict)


def page() -> str:
    """Return the whole page."""
    found: dict[str, set[str]] = {}
    for message in messages():
        found.setdefault(message.section, set()).add(message.words)
    return "\n".join([HEAD, *(_section(name, found.get(name, set())) for name in _order())])


def messages() -> list[Message]:
    """Return every message of the package, in the order of the sources."""
    modules = [_read(path) for path in sorted(PACKAGE.rglob("*.py"))]
    reader = _Reader(modules)
    return [found for module in modules for found in reader.messages(module)]


def unread() -> list[str]:
    """Return the expressions that a coded message is taken from and whose words are not found."""
    modules = [_read(path) for path in sorted(PACKAGE.rglob("*.py"))]
    reader = _Reader(modules)
    return [f"{module.path}: {text}" for module in modules for text in reader.unread(module)]


def _order() -> list[str]:
    classes = [one for one in vars(exceptions).values() if _is_coded(one)]
    coded = [f"{one.code} {one.__name__}" for one in sorted(classes, key=lambda one: one.code)]
    return [*coded, *_SAID]


def _section(name: str, found: Iterable[str]) -> str:
    if name in _SAID:
        lines = [f"## {name}", "", _SAID[name], ""]
    else:
        anchor = name.lower().replace(" ", "-")
        lines = [f"## [{name}](../diagnostics.md#{anchor})", ""]
    listed = sorted(found, key=lambda words: words.replace("*", "").lower())
    return "\n".join([*lines, *(f"- {words}" for words in listed or ["None of its own."])]) + "\n"


def _is_coded(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception) and hasattr(value, "code")


def _read(path: Path) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = Module(str(path.relative_to(PACKAGE)), tree)

    def visit(node: ast.AST, owner: _Function | None) -> None:
        module.owner[node] = owner
        if isinstance(node, _Function):
            module.functions.setdefault(node.name, []).append(node)
            owner = node
        for child in ast.iter_child_nodes(node):
            visit(child, owner)

    visit(tree, None)
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign):
                assert node.value is not None
                module.values[target.id] = node.value
    return module


class _Reader:
    """Finds messages, and what they say where that is put together elsewhere."""

    def __init__(self, modules: list[Module]) -> None:
        self._homes: dict[str, list[Module]] = {}
        for module in modules:
            for name in module.functions:
                self._homes.setdefault(name, []).append(module)
        self._codes = {
            name: f"{one.code} {name}" for name, one in vars(exceptions).items() if _is_coded(one)
        }

    def messages(self, module: Module) -> Iterator[Message]:
        """Yield the messages that a module gives."""
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            section, given = self._given(module, node)
            for words in self._words(module, node, given, set()) if given is not None else ():
                if len(_own_words(words)) >= _FEWEST_WORDS:
                    yield Message(section, words, f"{module.path}:{node.lineno}")

    def unread(self, module: Module) -> Iterator[str]:
        """Yield the expressions of a module that coded messages are taken from without words."""
        for node in ast.walk(module.tree):
            section, given = self._given(module, node) if isinstance(node, ast.Call) else ("", None)
            if section in _SAID or given is None:
                continue
            if not self._words(module, node, given, set()):
                yield ast.unparse(given)

    def _given(self, module: Module, call: ast.Call) -> tuple[str, ast.expr | None]:
        """Return the section of what a call gives, and where its words are; None if nothing."""
        name = _called(call)
        first = call.args[0] if call.args else None
        if name in self._codes:
            return self._codes[name], first
        if name == "warn":
            is_coded = isinstance(first, ast.Call) and _called(first) in self._codes
            kind = call.args[1] if len(call.args) > 1 else None
            code = self._codes.get(_named(kind), "")
            return code, None if is_coded or not code else first
        for keyword in call.keywords if module.path.startswith("schema") else ():
            if keyword.arg == "note":
                return _SECTIONS["note"], keyword.value
        is_cli = module.path.startswith("cli")
        if is_cli and name == "report":
            return _SECTIONS["say_aside"], call.args[1]
        is_carrier = module.path.startswith("schema") and name in _CARRIERS
        if is_carrier and len(call.args) > _CARRIERS[name][1]:
            section, place = _CARRIERS[name]
            return self._codes.get(section, section), call.args[place]
        if name == "cls" and module.path == "exceptions.py":
            return self._codes["OutputError"], first
        if name in _SECTIONS and name != "note" and (is_cli or name != "error"):
            return _SECTIONS[name], first
        return "", None

    def _words(self, module: Module, at: ast.AST, node: ast.expr, seen: set[ast.AST]) -> list[str]:
        """Return what an expression may say."""
        if node in seen or len(seen) > _DEEPEST:
            return []
        seen = {*seen, node}

        def words(part: ast.expr, place: ast.AST = at) -> list[str]:
            return self._words(module, place, part, seen)

        if isinstance(node, ast.Constant):
            return [_escaped(node.value)] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            return ["".join(map(_part, node.values)).replace("**", "* *")]
        if isinstance(node, ast.IfExp):
            return words(node.body) + words(node.orelse)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            both = words(node.left), words(node.right) or [f"*{short(node.right)}*"]
            return [a + b for a, b in product(*both)][:_MOST_FORMS]
        if isinstance(node, ast.Name):
            return self._of_name(module, at, node.id, seen)
        if isinstance(node, ast.Subscript):
            table: ast.expr | None = node.value
            if isinstance(table, ast.Name):
                table = module.values.get(table.id)
            parts = table.values if isinstance(table, ast.Dict) else []
            return [text for part in parts for text in words(part)]
        if isinstance(node, ast.BoolOp):
            return [text for part in node.values for text in words(part)]
        if isinstance(node, ast.List | ast.Tuple):
            return [text for part in node.elts for text in words(part)]
        if isinstance(node, ast.ListComp | ast.GeneratorExp):
            return words(node.elt)
        if isinstance(node, ast.Call):
            return self._of_call(module, node, seen, words)
        return []

    def _of_call(
        self,
        module: Module,
        call: ast.Call,
        seen: set[ast.AST],
        words: Callable[[ast.expr], list[str]],
    ) -> list[str]:
        name = _called(call)
        if name in ("str", "dedent") and call.args:
            return words(call.args[0])
        if name in ("replace", "strip", "rstrip") and isinstance(call.func, ast.Attribute):
            return words(call.func.value)
        homes = [module] if name.startswith("_") else [module, *self._homes.get(name, ())]
        for home in homes:
            for function in home.functions.get(name, ()):
                returned = [
                    node
                    for node in ast.walk(function)
                    if isinstance(node, ast.Return | ast.Yield) and node.value is not None
                ]
                found = [
                    text
                    for node in returned
                    if node.value is not None
                    for text in self._words(home, node, node.value, seen)
                ]
                if found:
                    return found
        return []

    def _of_name(self, module: Module, at: ast.AST, name: str, seen: set[ast.AST]) -> list[str]:
        function = module.owner.get(at)
        if function is None:
            value = module.values.get(name)
            return [] if value is None else self._words(module, at, value, seen)
        found: list[str] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(_named(target) == name for target in targets) and node.value is not None:
                    found += self._words(module, node, node.value, seen)
            elif isinstance(node, ast.For) and _named(node.target) == name:
                found += self._words(module, node, node.iter, seen)
        if found:
            return found
        parameters = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)]
        if name not in parameters:
            value = module.values.get(name)
            return [] if value is None else self._words(module, at, value, seen)
        place = parameters.index(name) - ("self" in parameters[:1])
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _called(node) == function.name:
                given = [k.value for k in node.keywords if k.arg == name] + node.args[place:][:1]
                found += [text for part in given for text in self._words(module, node, part, seen)]
        return found


def _called(call: ast.Call) -> str:
    return _named(call.func)


def _named(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _part(node: ast.expr) -> str:
    """Return a part of a formatted text: as it is, or what stands for a value."""
    if isinstance(node, ast.Constant):
        return _escaped(str(node.value))
    assert isinstance(node, ast.FormattedValue)
    value = node.value
    called = _called(value) if isinstance(value, ast.Call) else ""
    if called == "closest" or _named(value) in _SUGGESTIONS:
        return ""  # what may be meant, if something is near
    return f"*{short(value)}*"


def short(node: ast.expr) -> str:
    """Return a word for the value of an expression: the last name in it that is no function."""
    if isinstance(node, ast.Name):
        return node.id.strip("_").replace("_", " ")
    if isinstance(node, ast.Attribute):
        of = short(node.value) if node.attr in ("__name__", "args") else ""
        return of or node.attr.strip("_").replace("_", " ")
    if isinstance(node, ast.Subscript):
        return short(node.value)
    if isinstance(node, ast.Call):
        parts: list[ast.expr] = node.args[_called(node) == "map" :]
        if isinstance(node.func, ast.Attribute):
            parts = [*parts[::-1], node.func.value]
        found = [word for part in parts if (word := short(part)) != "..."]
        return found[0] if found else "..."
    if isinstance(node, ast.BinOp):
        return short(node.left)
    if isinstance(node, ast.IfExp):
        return short(node.body)
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return short(node.generators[0].iter)
    return "..."


def _escaped(text: str) -> str:
    """Make the words of a message safe in Markdown, on one line."""
    for sign in "\\*_`<[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split("\n"))


def _own_words(words: str) -> list[str]:
    """Return the words of a message that stand for themselves."""
    own = "".join(words.split("*")[::2])
    return [word for word in own.split() if any(map(str.isalpha, word))]
