"""The short form of the harness; ``make faults`` runs it for an hour.

Each part is a process of its own, because forks of one that has threads may hang.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PARTS = {
    "kills": (["--seconds", "8"], "0 lost or broken"),
    "fuzzing": (["--seconds", "1.5"], "0 raw errors"),
    "sharing": (["--seconds", "3"], "0 faults"),
    "calls": (["--values", "1"], "0 crashes, 0 raw errors"),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals and no forks")
@pytest.mark.parametrize("part", PARTS)
def test_nothing_breaks_it(part: str) -> None:
    options, words = PARTS[part]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.faults.{part}", *options],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr[-3000:]
    assert words in ran.stdout
