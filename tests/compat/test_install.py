"""`import xlearn` by fieldfare: on request, by a distribution, and never over another package."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fieldfare
from fieldfare.compat import install
from fieldfare.exceptions import ConfigError

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = ROOT / "packages" / "fieldfare-xlearn"
DEMOS = "FIELDFARE_XLEARN_DEMOS"


@pytest.fixture
def modules(monkeypatch):
    """Forget what the test makes of ``xlearn``."""
    before = {name: sys.modules.get(name) for name in ("xlearn", "xlearn.data")}
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "xlearn"]:
        del sys.modules[name]
    sys.modules.update({name: module for name, module in before.items() if module is not None})


def test_after_install_xlearn_is_ours(modules) -> None:
    install()
    import xlearn
    from xlearn.data import DMatrix

    assert xlearn.fieldfare == fieldfare.__version__
    assert DMatrix is xlearn.DMatrix
    install()


def test_another_package_of_the_name_is_left_alone(modules, tmp_path, monkeypatch) -> None:
    (tmp_path / "xlearn").mkdir()
    (tmp_path / "xlearn" / "__init__.py").write_text("neighbors = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="Another package named xlearn"):
        install()
    import xlearn

    assert xlearn.neighbors == 1
    with pytest.raises(ConfigError, match="Another package named xlearn"):
        install()
    install(force=True)
    assert hasattr(sys.modules["xlearn"], "XLearn")


def test_a_folder_of_the_name_is_no_package(modules, tmp_path, monkeypatch) -> None:
    (tmp_path / "xlearn" / "data").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    install()
    import xlearn

    assert xlearn.fieldfare == fieldfare.__version__


def test_the_distribution_gives_the_module_and_the_commands(tmp_path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    source = tmp_path / "source"
    for path in DISTRIBUTION.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".toml", ".md"):
            target = source / path.relative_to(DISTRIBUTION)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", "."]
    done = subprocess.run([*build, str(source)], cwd=tmp_path, capture_output=True, check=False)
    if b"setuptools" in done.stderr and b"Cannot import" in done.stderr:
        pytest.skip("setuptools, which builds it, is not installed here")
    assert done.returncode == 0, done.stderr.decode()
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        commands = next(name for name in files.namelist() if name.endswith("entry_points.txt"))
        text = files.read(commands).decode()
        files.extractall(tmp_path / "site")
    assert "xlearn_train = fieldfare.compat.xlearn.commands:train" in text
    assert "xlearn_predict = fieldfare.compat.xlearn.commands:predict" in text
    paths = [str(tmp_path / "site"), str(Path(fieldfare.__file__).parents[1])]
    code = "import xlearn, xlearn.data; print(xlearn.__version__, xlearn.__name__)"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == "0.4.4 fieldfare.compat.xlearn\n"


def _demos() -> list[Path]:
    folder = Path(os.environ.get(DEMOS, ""))
    if not os.environ.get(DEMOS):
        return []
    scripts = [path for kind in ("run_*.sh", "run_*.py", "example_*.py", "test_*.py")
               for path in folder.rglob(kind)]  # fmt: skip
    return sorted(path.relative_to(folder) for path in scripts)


@pytest.mark.parametrize("script", _demos() or [None], ids=str)
def test_the_demos_of_xlearn_run_unchanged(script, tmp_path) -> None:
    """Needs demo/ and python-package/test/ of xLearn in the folder that the variable names."""
    if script is None:
        pytest.skip(f"{DEMOS} names no folder with the demos of xLearn, which are not ours to ship")
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(os.environ[DEMOS], folder)
    higgs = folder / "demo" / "classification" / "higgs"
    if higgs.exists() and not (higgs / "higgs-train.csv").is_file():
        lines = (higgs / "higgs-test.csv").read_text().splitlines(keepends=True)
        (higgs / "higgs-train.csv").write_text("".join(lines[:1600]))
    for name in ("small_train.txt", "small_test.txt"):
        data = folder / "demo" / "classification" / "criteo_ctr" / name
        if (folder / "python-package" / "test").exists():
            shutil.copy(data, folder / "python-package" / "test")
    for name in ("train", "predict"):
        command = folder / "demo" / f"xlearn_{name}"
        code = (
            f"import sys; from fieldfare.compat.xlearn.commands import {name}; sys.exit({name}())"
        )
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
        command.chmod(0o755)
    before = set(folder.rglob("*"))
    paths = [str(DISTRIBUTION / "src"), str(Path(fieldfare.__file__).parents[1])]
    shell = ["bash", "-e"] if script.suffix == ".sh" else [sys.executable]
    done = subprocess.run(
        [*shell, script.name],
        cwd=(folder / script).parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.suffix for path in set(folder.rglob("*")) - before if path.is_file()}
    assert written <= {".out", ".model", ".txt", ".pyc"}
