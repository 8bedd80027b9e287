"""Other libraries' interfaces on top of fieldfare; nothing here is loaded unless it is imported."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec

from fieldfare._arguments import checked
from fieldfare.exceptions import ConfigError

_OWN = "fieldfare-xlearn"
_PARTS = ("base", "data", "xlearn", "_sklearn")


@checked
def install(*, force: bool = False) -> None:
    """Make ``import xlearn`` mean `fieldfare.compat.xlearn` in this process.

    Parameters
    ----------
    force : bool
        Whether to do so even if another package of that name is installed.

    Raises
    ------
    ConfigError
        If another package named xlearn is installed or imported, and ``force`` is False.
    """
    ours = importlib.import_module("fieldfare.compat.xlearn")
    if not force:
        _refuse_others(ours)
    sys.modules["xlearn"] = ours
    for part in _PARTS:  # otherwise they would be imported a second time, under the other name
        module = importlib.import_module(f"fieldfare.compat.xlearn.{part}")
        sys.modules[f"xlearn.{part}"] = module


def _refuse_others(ours: object) -> None:
    from importlib.metadata import packages_distributions  # which takes long to import

    loaded = sys.modules.get("xlearn")
    if loaded is ours:
        return
    if loaded is not None:
        where = getattr(loaded, "__file__", None)
    else:
        spec = find_spec("xlearn")
        where = None if spec is None else spec.origin  # None too of a folder that is no package
        if where is None or _OWN in packages_distributions().get("xlearn", ()):
            return
    raise ConfigError(
        f"Another package named xlearn is installed ({where}), and scripts that import it would "
        "get fieldfare instead. Remove it, import fieldfare.compat.xlearn by its own name, or call "
        "install(force=True)."
    )
