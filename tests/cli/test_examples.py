"""The example scripts run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ARGUMENTS = {"clicks": ["2000"]}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_runs(path):
    ended = subprocess.run(
        [sys.executable, str(path), *ARGUMENTS.get(path.stem, [])],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_imports_public_modules_only(path):
    modules = re.findall(r"^(?:from|import) (fieldfare\S*)", path.read_text(), re.MULTILINE)
    assert modules
    assert not [name for name in modules if re.search(r"\._|\bcli\b", name)]
