"""The Python interface of xLearn 0.4.4, and that of 0.40a1, on top of fieldfare.

``import fieldfare.compat.xlearn as xl`` in place of ``import xlearn as xl``; or call
`fieldfare.compat.install`, or install the distribution ``fieldfare-xlearn``, and change nothing.
The guide "Coming from xLearn" lists what is different.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fieldfare._version import __version__ as fieldfare
from fieldfare.compat.xlearn.base import XLearnError
from fieldfare.compat.xlearn.data import DMatrix, write_data_to_xlearn_format
from fieldfare.compat.xlearn.xlearn import XLearn, create_ffm, create_fm, create_linear, hello

if TYPE_CHECKING:
    from fieldfare.compat.xlearn._sklearn import FFMModel, FMModel, LRModel

__version__ = "0.4.4"
"""The version of xLearn whose interface this is; that of the library is ``fieldfare``."""

__all__ = [
    "DMatrix",
    "FFMModel",
    "FMModel",
    "LRModel",
    "XLearn",
    "XLearnError",
    "create_ffm",
    "create_fm",
    "create_linear",
    "fieldfare",
    "hello",
    "write_data_to_xlearn_format",
]


def __getattr__(name: str) -> Any:
    """Import the three classes when they are asked for: scikit-learn takes a second to load."""
    if name not in ("FFMModel", "FMModel", "LRModel"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("fieldfare.compat.xlearn._sklearn"), name)
