"""Optional packages: imported where used, with an error that says which extra to install."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from fieldfare.exceptions import MissingDependencyError


def require(module: str, extra: str | None = None) -> ModuleType:
    """Import an optional module, or say how to install it.

    Parameters
    ----------
    module : str
        Dotted name, for instance ``"pyarrow.parquet"``.
    extra : str, optional
        The extra of fieldfare that installs it, if there is one.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        If the package is not installed.
    """
    # Most calls, one per column and step, find it imported; the look-up takes a tenth of the time.
    found = sys.modules.get(module)
    if found is not None and not getattr(found.__spec__, "_initializing", False):
        return found
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        # The package is there, but one of its own imports fails: not ours to explain.
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        wanted = package if extra is None else f"'fieldfare[{extra}]'"
        raise MissingDependencyError(
            f"This needs {package}, which is not installed. Run: pip install {wanted}"
        ) from error
