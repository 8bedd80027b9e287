"""The example scripts run; those that reproduce figures of papers run on part of the data."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PAPER = sorted((EXAMPLES / "paper").glob("[a-z]*.py"))
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


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_figures_of_papers_are_drawn(path, request, tmp_path):
    for package in ("matplotlib", "pandas", "scipy"):
        pytest.importorskip(package)
    data = [] if path.stem == "runtime" else ["--data", str(request.getfixturevalue("shared_data"))]
    ended = subprocess.run(
        [sys.executable, str(path), "--small", "--out", str(tmp_path), *data],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    name = path.stem.replace("_", "-")
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{name}.json", f"{name}.png", f"{name}.svg",
    }  # fmt: skip
    assert json.loads((tmp_path / f"{name}.json").read_text())["small"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")) + PAPER, ids=lambda path: path.stem)
def test_example_imports_public_modules_only(path):
    modules = re.findall(r"^(?:from|import) (fieldfare\S*)", path.read_text(), re.MULTILINE)
    assert modules
    assert not [name for name in modules if re.search(r"\._|\bcli\b", name)]


def test_the_explicit_rows_have_the_polynomial_kernel(monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(str(EXAMPLES / "paper"))
    figure = importlib.import_module("sparse_ratings")
    pairs = np.array([[0, 0, 1, 2], [3, 4, 3, 1]])
    x = np.zeros((4, 8))
    x[np.arange(4), pairs[0]] = x[np.arange(4), 3 + pairs[1]] = 1
    kernel = (figure.GAMMA * x @ x.T + 1) ** 2 - 1
    rows = figure.explicit(pairs, (3, 5, 4), np.arange(4)).toarray()
    np.testing.assert_allclose(rows @ rows.T, kernel)
