"""The team of threads: ``cpp/tests/test_team.cpp``, which is compiled here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CPP = Path(__file__).resolve().parents[2] / "cpp"
COMPILER = shutil.which(os.environ.get("CXX", "c++"))


@pytest.mark.skipif(COMPILER is None, reason="compiles a program: needs a C++ compiler")
def test_what_a_member_throws_reaches_the_caller(tmp_path):
    program = tmp_path / "test_team"
    source = CPP / "tests" / "test_team.cpp"
    options = ["-std=c++20", "-O1", "-pthread", f"-I{CPP}"]
    # The program shall not be run under the sanitizers of the interpreter.
    environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
    command = [str(COMPILER), *options, str(source), "-o", str(program)]
    subprocess.run(command, check=True, env=environment)
    done = subprocess.run(
        [program], check=False, env=environment, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
