"""Every door into the package, found by looking: functions, constructors, methods, flags.

A door is what a user can call: each name in the ``__all__`` of a public package; of a class its
constructor and its public methods. Callables that ask for an object of a class that is not public
are not doors. The parameters come from the signatures, so what is new is tried without being
listed. Only arguments that a call cannot do without are made here, by name: `Sound`.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fieldfare

_UNTRIED_PACKAGES = {"cli", "keras", "serving"}
"""Without functions for users, what only TensorFlow can run, and what talks to a server."""


@dataclass(frozen=True)
class Door:
    """Something to call.

    Parameters
    ----------
    name : str
        As in ``Recommender.load``.
    of : type or None
        The class of a method; None for a function or a constructor.
    attribute : str
        Of the class, or of the module.
    function : callable
        The function, the class or the unbound method.
    parameters : tuple of str
        Without ``self``.
    required : tuple of str
        Those without a default.
    """

    name: str
    of: type | None
    attribute: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    required: tuple[str, ...]


def packages() -> list[str]:
    """Return the packages that users import from."""
    return [
        "fieldfare",
        *(
            f"fieldfare.{found.name}"
            for found in pkgutil.iter_modules(fieldfare.__path__)
            if found.ispkg
            and not found.name.startswith("_")
            and found.name not in _UNTRIED_PACKAGES
        ),
    ]


@functools.cache
def public() -> dict[str, Any]:
    """Return the classes and functions that the packages list, by name."""
    found = {}
    for package in packages():
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                found[value.__qualname__] = value
    return found


@functools.cache
def _hidden() -> frozenset[str]:
    """Return the names of the package's classes that are not public."""
    names = {
        name
        for path in Path(fieldfare.__file__).parent.rglob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    return frozenset(names - set(public()))


def doors() -> list[Door]:
    """Return all doors, sorted by name."""
    found = []
    for name, value in public().items():
        if inspect.isfunction(value):
            found.append(_door(name, None, value))
        elif not issubclass(value, BaseException):
            if "__init__" in vars(value) or not inspect.isabstract(value):
                found.append(_door(name, None, value))
            found += list(_methods(name, value))
    return sorted((door for door in found if door is not None), key=lambda door: door.name)


def _methods(owner: str, of: type) -> Iterator[Door | None]:
    for name in dir(of):
        if name.startswith("_") or re.fullmatch(r"set_\w+_request", name):
            continue
        if isinstance(inspect.getattr_static(of, name), property) or not callable(
            getattr(of, name)
        ):
            continue
        home = next((base for base in of.__mro__ if name in vars(base)), of)
        if home.__module__.startswith("fieldfare."):
            yield _door(f"{owner}.{name}", of, getattr(of, name))


def _door(name: str, of: type | None, function: Callable[..., Any]) -> Door | None:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    parameters = [p for p in parameters if p.name != "self"]
    named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    words = {word for p in named for word in re.findall(r"\w+", str(p.annotation))}
    if words & _hidden() or not named:
        return None
    required = tuple(p.name for p in named if p.default is p.empty)
    return Door(name, of, name.rpartition(".")[2], function, tuple(p.name for p in named), required)


_SOUND_WORDS = {
    "data": ["d.csv"], "model": ["m.ff"], "path": ["m.ff"], "source": ["d.csv"],
    "input": ["d.csv"], "output": ["out.svm"], "folder": ["r.index"], "index": ["r.index"],
    "items": ["items.csv"], "users": ["u1"], "item": ["item"], "user": ["user"],
    "target": ["clicked"],
}  # fmt: skip
_QUICK_WORDS = {"train": ["--epochs", "1"], "cv": ["--epochs", "1", "--folds", "2"],
                "sample": ["--n-samples", "1", "--n-warmup", "1"]}  # fmt: skip
_SLOW_COMMANDS = {"demo"}
"""Commands that are tried for usage errors of their flags only: they take half a minute."""


def flags() -> list[tuple[str, list[str | None]]]:
    """Return each argument of each command: its name, and the words of a call, None for its value.

    Besides it, a call has what the command cannot do without.
    """
    from fieldfare.cli import _parser

    found = []
    for command, parser in _leaves(_parser(), []):
        actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
        needed = [
            a for a in actions if a.required or (a.dest == "target" and "data" in _dests(actions))
        ]
        for action in actions:
            if action.nargs == 0 or (command[0] in _SLOW_COMMANDS and action.type is None):
                continue
            words: list[str | None] = [*command]
            for other in needed:
                if other is not action:
                    words += _words_of(other, [*_SOUND_WORDS.get(other.dest, ["x"])])
            words += _QUICK_WORDS.get(command[0], [])
            words += _words_of(action, [None])
            found.append((" ".join([*command, action.dest]), words))
    return found


def _dests(actions: list[argparse.Action]) -> set[str]:
    return {action.dest for action in actions}


def _words_of(action: argparse.Action, values: list[str | None]) -> list[str | None]:
    return [action.option_strings[-1], *values] if action.option_strings else values


def _leaves(
    parser: argparse.ArgumentParser, words: list[str]
) -> Iterator[tuple[list[str], argparse.ArgumentParser]]:
    """Yield the commands that have no commands of their own."""
    subs = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not subs:
        yield words, parser
    for sub in subs:
        for name, inner in sub.choices.items():
            yield from _leaves(inner, [*words, name])
