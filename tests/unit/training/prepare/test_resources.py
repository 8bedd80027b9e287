"""The memory guard."""

from __future__ import annotations

import pytest

from fieldfare.exceptions import ResourceError
from fieldfare.training.prepare import resources


def test_refuses_what_does_not_fit(monkeypatch) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: 2 * 10**9)
    resources.check_memory(10**9, "A model", "Shrink it.")
    with pytest.raises(ResourceError, match=r"A model would take about 3.0 GB, and 2.0 GB.*Shrink"):
        resources.check_memory(3 * 10**9, "A model", "Shrink it.")


def test_unknown_memory_is_no_obstacle(monkeypatch) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: None)
    resources.check_memory(10**18, "A model", "")


def test_some_memory_is_available() -> None:
    available = resources.available_memory()
    assert available is None or available > 0
