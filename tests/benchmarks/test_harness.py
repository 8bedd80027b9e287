"""The benchmark harness on few rows: what it writes has the shape that readers rely on."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The report on 2,000 rows, and of libffm if it is there."""
    folder = tmp_path_factory.mktemp("compare")
    run(
        "peers/compare", "--rows", 2000, "--repeats", 1, "--jobs", "read", "fm", "whole",
        "--factors", 4, "--threads", 1, "--systems", "fieldfare", "libffm",
        "--folder", folder, "--results", folder,
    )  # fmt: skip
    return folder, json.loads((folder / "peers" / "compare.json").read_text())


def test_every_job_has_a_figure_of_ours(compared):
    _, report = compared
    ours = [cell for cell in report["figures"]["cells"] if cell["system"] == "fieldfare"]
    assert {cell["kind"] for cell in ours} == {"read", "train", "loss", "whole", "predict"}
    for cell in ours:
        assert cell["failure"] is None, cell
        assert cell["peak_mb"] > 0
        if cell["kind"] == "loss":
            assert len(cell["losses"]) == cell["epochs"]
            assert 0 < cell["logloss"] < 10
        else:
            assert cell["value"] > 0
            assert cell["ratio"] == 1


def test_a_loss_stands_beside_every_training_time(compared):
    _, report = compared
    for cell in report["figures"]["cells"]:
        if cell["system"] == "fieldfare" and cell["kind"] in ("train", "predict"):
            assert cell["logloss"] is not None, cell


def test_the_report_names_the_machine_the_systems_and_the_bars(compared):
    folder, report = compared
    assert {"processor", "cores", "python", "fieldfare"} <= report["machine"].keys()
    figures = report["figures"]
    assert figures["data"]["train"]["rows"] == 2000
    assert "fieldfare" in figures["systems"]
    assert not set(figures["systems"]) & set(figures["absent"])
    assert figures["bars"]
    for bar in figures["bars"]:
        assert bar.keys() == {"job", "bar", "ours", "theirs", "found", "met"}
    text = (folder / "peers" / "compare.md").read_text()
    assert "## Bars" in text
    assert "Test logloss after each epoch" in text
    for name in figures["absent"]:
        assert name in text


def test_kernels_report_a_share_of_the_replay_limit(tmp_path):
    run(
        "speed/kernels", "--rows", 500, "--repeats", 1, "--models", "linear", "fm", "--solvers",
        "adagrad", "--factors", 4, "--threads", 1, "--results", tmp_path,
    )  # fmt: skip
    kernels = json.loads((tmp_path / "speed" / "kernels.json").read_text())["figures"]["kernels"]
    assert [(figure["model"], figure["solver"]) for figure in kernels] == [
        ("linear", "adagrad"), ("linear", "score"), ("fm", "adagrad"), ("fm", "score"),
    ]  # fmt: skip
    for figure in kernels:
        assert figure["rows_per_second"] > 0
        if figure["solver"] != "score":
            assert figure["share_of_limit"] > 0
            assert figure["bytes_per_row"] > 0
