"""The short form of the harness; ``make faults`` runs it for an hour."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_kills_and_full_disks_lose_nothing() -> None:
    # A process of its own, because forks of one that has threads may hang.
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.faults.kills", "--seconds", "8"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "kills" in ran.stdout
