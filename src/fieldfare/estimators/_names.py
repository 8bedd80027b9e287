"""Calls of estimators: a name that they do not know is answered by the one that is meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from fieldfare._arguments import raise_as_coded
from fieldfare._synonyms import advice, meant
from fieldfare.exceptions import ConfigError
from fieldfare.settings import check_names

_MethodT = TypeVar("_MethodT", bound=Callable[..., Any])


def named(construct: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that suggests a parameter for each name that it does not have.

    The signature stays that of ``construct``, which scikit-learn and editors read.

    Raises
    ------
    ConfigError
        When it is called: if a parameter is unknown or is not given by name.
    """
    owner = construct.__qualname__.removesuffix(".__init__")
    known = tuple(inspect.signature(construct).parameters)[1:]

    @functools.wraps(construct)
    def call(self: Any, *args: Any, **parameters: Any) -> None:
        if args:
            raise ConfigError(
                f"The parameters of {owner} are given by name, as in {owner}({known[0]}=...). Got "
                f"{len(args)} without a name."
            )
        check_names(parameters, known, owner)
        construct(self, **parameters)

    return call


def answered(method: _MethodT) -> _MethodT:
    """Return a method that says where a keyword belongs that it does not have.

    Raises
    ------
    ConfigError
        When it is called: naming the parameter of the method, or of the constructor, that is meant.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        def of_constructor(name: str) -> str:
            if meant(name, inspect.signature(method).parameters):
                return ""
            found = meant(name, self._get_param_names())
            owner = type(self).__name__
            return f" It is a parameter of the estimator: {owner}({found[0]}=...)." if found else ""

        try:
            return method(self, *args, **kwargs)
        except TypeError as error:
            raise_as_coded(error, method, (self, *args), kwargs, of_constructor)
            raise

    return cast("_MethodT", call)


def answer_attribute(estimator: Any, name: str) -> AttributeError:
    """Return the error for an attribute that there is not, with the one that is meant."""
    kind = type(estimator)
    near = [] if name.startswith("_") else meant(name, dir(kind) + sorted(vars(estimator)))
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    if not hint and (instead := advice(name)):
        hint = f" {instead}"
    if not hint and any(name in vars(base).get("__annotations__", ()) for base in kind.__mro__):
        hint = " It is there once the estimator is fitted: call fit."
    message = f"{kind.__name__!r} object has no attribute {name!r}"
    return AttributeError(f"{message}.{hint}" if hint else message, name=name, obj=estimator)
