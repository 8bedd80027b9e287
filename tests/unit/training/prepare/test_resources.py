"""The memory guard."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from fieldfare.exceptions import ResourceError
from fieldfare.training.prepare import resources


def test_refuses_what_does_not_fit(monkeypatch) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: 2 * 10**9)
    resources.check_memory(10**9, "A model", "Shrink it.")
    with pytest.raises(ResourceError, match=r"A model would take about 3.0 GB, and 2.0 GB.*Shrink"):
        resources.check_memory(3 * 10**9, "A model", "Shrink it.")


def test_unknown_memory_is_no_obstacle(monkeypatch) -> None:
    for known, refused in ((10**9, True), (None, False)):
        monkeypatch.setattr(resources, "available_memory", lambda known=known: known)
        with pytest.raises(ResourceError) if refused else nullcontext():
            resources.check_memory(10**18, "A model", "")


@pytest.mark.parametrize(
    ("of_system", "of_group", "least"), [(5, 3, 3), (3, 5, 3), (None, 4, 4), (4, None, 4)]
)
def test_the_tighter_of_system_and_container_counts(monkeypatch, of_system, of_group, least):
    monkeypatch.setattr(resources, "_free_of_system", lambda: of_system)
    monkeypatch.setattr(resources, "_free_of_group", lambda: of_group)
    assert resources.available_memory() == least


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux")
def test_no_more_memory_is_available_than_the_machine_has() -> None:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    available = resources.available_memory()
    assert available is not None
    assert 2**20 < available <= whole
