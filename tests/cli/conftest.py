"""A small click table on disk, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fieldfare.cli import main
from fieldfare.cli._clicks import generate


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def clicks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train.csv (3,000 rows), valid.csv and new.csv (500 rows each)."""
    folder = tmp_path_factory.mktemp("clicks")
    clicks = generate(4000, seed=3)
    for name, start, stop in (("train", 0, 3000), ("valid", 3000, 3500), ("new", 3500, 4000)):
        clicks.write_csv(folder / f"{name}.csv", start, stop)
    return folder


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run a command in an empty folder and return its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: object) -> Ran:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def model(run: Callable[..., Ran], clicks_folder: Path, tmp_path: Path) -> Path:
    """A field-aware model of the click table."""
    path = tmp_path / "clicks.ff"
    ran = run(
        "train", clicks_folder / "train.csv", "--target", "clicked", "--model", "ffm", "-k", 2,
        "--epochs", 2, "--seed", 1, "--threads", 1, "-o", path, "--quiet",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    return path
