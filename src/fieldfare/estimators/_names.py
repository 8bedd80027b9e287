"""Constructors of estimators, which suggest the name that is meant for one they do not know."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fieldfare.exceptions import ConfigError
from fieldfare.settings import check_names


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
