"""Arguments of public functions, held to the annotations of their parameters.

A signature says once what a parameter may be: ``n: int``, ``path: PathLike``, ``schema: Schema |
None``. What is called with anything else ends in a ConfigError that names the parameter, and not
somewhere inside. Annotations of arrays and of ``Any`` promise nothing; such values are checked
where they are read.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import os
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, TypeVar

from fieldfare._validation import (
    NONE,
    AnyOf,
    Constraint,
    Flag,
    Instance,
    Named,
    Number,
    OneOf,
    check,
    closest,
    shown,
)
from fieldfare.exceptions import ConfigError, FieldfareError, ResourceError

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])

_MISSING = object()
_TEXT = Instance((str,), "text")
_INTEGER_BITS = 64


def checked(function: _FunctionT) -> _FunctionT:
    """Refuse arguments that the annotations of a function do not allow.

    A sequence arrives as one: an array, a series or a set that is passed for it becomes a list. If
    there is not enough memory, that has a code too.

    The annotations are read in the first call, so that decorating costs an import nothing. Names
    that are imported for type checkers only stand for the class of that name.

    Raises
    ------
    ConfigError
        When the function is called: naming the parameter, what is allowed, and what was received.
    ResourceError
        If the function runs out of memory.
    """

    @functools.cache
    def constraints() -> tuple[tuple[int, str, Constraint], ...]:
        return tuple(_constraints(function))

    owner = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for place, name, constraint in constraints():
            value = args[place] if place < len(args) else kwargs.get(name, _MISSING)
            if value is _MISSING:
                continue
            check(name, value, constraint, owner)
            if _becomes_list(constraint, value):
                listed = value.tolist() if hasattr(value, "tolist") else list(value)
                if place < len(args):
                    args = (*args[:place], listed, *args[place + 1 :])
                else:
                    kwargs[name] = listed
        try:
            return function(*args, **kwargs)
        except FieldfareError:
            raise
        except TypeError as error:
            raise_as_coded(error, function, args, kwargs)
            raise
        except MemoryError as error:
            raise ResourceError(
                f"{owner} needs more memory than there is ({shown(str(error))}). Ask for less at "
                "once, or make room."
            ) from error

    return typing.cast("_FunctionT", call)


def raise_as_coded(
    error: TypeError,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    others: Callable[[str], str] = lambda _: "",
) -> None:
    """Raise a ConfigError for arguments that a function does not have; else do nothing.

    Parameters
    ----------
    error : TypeError
        What the call ended in; nothing is raised if it comes from inside the function.
    function, args, kwargs
        The call.
    others : function from str to str
        What to say of a keyword that belongs somewhere else; an empty string: the nearest name.

    Raises
    ------
    ConfigError
    """
    trace = error.__traceback__
    if trace is None or trace.tb_next is not None:
        return
    parameters = inspect.signature(function).parameters
    names = [name for name in parameters if name != "self"]
    is_method = len(names) < len(parameters)
    owner = function.__name__
    if is_method and args:
        owner = f"{type(args[0]).__name__}.{owner}"
    for name in kwargs:
        if name not in parameters:
            hint = others(name) or closest(name, names)
            raise ConfigError(
                f"There is no parameter {name!r} of {owner}.{hint} The parameters are "
                f"{', '.join(names)}."
            ) from None
    placed = [n for n in names if parameters[n].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    given = len(args) - is_method
    if given > len(placed):
        takes_more = len(placed) < len(names)
        rest = "; the rest is given by name, as in task='binary'" if takes_more else ""
        raise ConfigError(
            f"{owner} takes {', '.join(placed) or 'nothing'} without a name{rest}. Got {given} "
            "values without a name."
        ) from None


def _constraints(function: Callable[..., Any]) -> Iterable[tuple[int, str, Constraint]]:
    """Yield place, name and constraint of each parameter that has one."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    # Without that of the result, where names of modules may stand that are not imported.
    annotations = {n: a for n, a in function.__annotations__.items() if n in names and n != "self"}
    known = _Names(vars(sys.modules[function.__module__]))
    parameters: Any = types.SimpleNamespace(__annotations__=annotations)
    hints = typing.get_type_hints(parameters, {}, known)
    for place, name in enumerate(names):
        constraint = _constraint(hints.get(name, Any))
        if constraint is not None:
            # Those that are only given by name have a place that no tuple of arguments reaches.
            yield (place if place < code.co_argcount else sys.maxsize), name, constraint


class _Names(dict[str, Any]):
    """The names of a module; any other is that of a class which is imported elsewhere."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)  # Python then finds it by itself
        return type(name, (), {"__module__": __name__})


class _Integer:
    """An integer that fits the kernels."""

    def allows(self, value: Any) -> bool:
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        return whole and -(1 << (_INTEGER_BITS - 1)) <= int(value) < 1 << (_INTEGER_BITS - 1)

    def __str__(self) -> str:
        return f"an integer below 2**{_INTEGER_BITS - 1}"


class _Path:
    """Text or an object that names a file, in characters that a file system can store."""

    def allows(self, value: Any) -> bool:
        if not isinstance(value, (str, os.PathLike)):
            return False
        try:
            return b"\0" not in os.fsencode(value) and isinstance(os.fspath(value), str)
        except (TypeError, UnicodeError):
            return False

    def __str__(self) -> str:
        return "a path"


@dataclass(frozen=True)
class _Each:
    """Several values, each of which satisfies a constraint."""

    each: Constraint | None
    once: bool
    """Whether an iterator will do, whose values are not looked at."""

    def allows(self, value: Any) -> bool:
        if isinstance(value, (str, bytes, bytearray, Mapping, io.IOBase)):
            return False
        if not (isinstance(value, Sequence) or (hasattr(value, "__len__") and _is_flat(value))):
            return self.once and hasattr(value, "__iter__") and _is_flat(value)
        return self.each is None or all(self.each.allows(item) for item in value)

    def __str__(self) -> str:
        return "a list" if self.each is None else f"a list, each item {self.each}"


def _becomes_list(constraint: Constraint, value: Any) -> bool:
    """Whether a value was taken for a sequence, and is none."""
    if value is None or isinstance(value, (Sequence, Mapping)):
        return False
    options = constraint.constraints if isinstance(constraint, AnyOf) else (constraint,)
    return any(isinstance(o, _Each) and not o.once and o.allows(value) for o in options)


def _is_flat(value: Any) -> bool:
    """Whether a value that is no list has as many dimensions as one."""
    return len(getattr(value, "shape", (0,))) == 1


def _constraint(annotation: Any) -> Constraint | None:
    """Return what an annotation promises; None for arrays and whatever may be anything."""
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        of_path = {str, os.PathLike[str]}
        options: list[Constraint | None] = [_Path()] if of_path <= set(parts) else []
        options += [_constraint(part) for part in parts if not options or part not in of_path]
        return None if None in options else AnyOf(tuple(o for o in options if o is not None))
    if origin is typing.Literal:
        return OneOf(parts)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](parts)
    if isinstance(annotation, type) and annotation.__name__ in _TOLD_APART:
        return None
    if isinstance(annotation, type) and origin is None and not _is_array(annotation):
        return _instance_of(annotation.__name__)
    return None


def _instance_of(name: str) -> Constraint:
    if name == "Rows":
        return Named((name,), "Rows, such as load_data(...).rows or schema.encode(table)")
    article = "" if name.endswith("s") else "an " if name[0] in "AEIOU" else "a "
    return Named((name,), article + name)


def _is_array(annotation: type) -> bool:
    return annotation.__module__.partition(".")[0] == "numpy"


_SIMPLE: dict[Any, Constraint | None] = {
    Any: None,
    object: None,
    None: NONE,
    type(None): NONE,
    int: _Integer(),
    float: Number(),
    bool: Flag(),
    str: _TEXT,
}
_TOLD_APART = {"Model", "Posterior"}
"""Classes that functions tell from others themselves, since there is advice for some of these."""
_MAPPING = Instance((Mapping,), "a mapping")
_CONTAINERS: dict[Any, Callable[[tuple[Any, ...]], Constraint]] = {
    Sequence: lambda parts: _Each(_constraint(parts[0]), once=False),
    list: lambda parts: _Each(_constraint(parts[0]), once=False),
    tuple: lambda parts: _Each(_constraint(parts[0]), once=False),
    Iterable: lambda parts: _Each(_constraint(parts[0]), once=True),
    Mapping: lambda _: _MAPPING,
    dict: lambda _: _MAPPING,
    Callable: lambda _: Instance((Callable,), "a function"),  # type: ignore[arg-type]
}
