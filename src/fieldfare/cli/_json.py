"""Results as JSON, for scripts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def as_json(found: Any) -> str:
    """Return a result as one line of JSON; what is not a finite number is null."""
    return json.dumps(_plain(found), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # of NumPy
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)
