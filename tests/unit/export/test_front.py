"""The front door: formats chosen by name or extension, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit.export.made import make_model

import fieldfare
from fieldfare.cli import main
from fieldfare.exceptions import ConfigError, MissingDependencyError, OutputError
from fieldfare.export import EXPORTERS, SUFFIXES, export
from fieldfare.persist.file import save_model

LIBFFM = {"fit_intercept": False, "fit_linear": False}


def exportable(to: str):
    model = make_model("ffm" if to.startswith("libffm") else "fm", **LIBFFM)
    for array in (model.bias, model.linear):
        array[:] = 0
    return model


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_extension_determines_the_format(tmp_path: Path, suffix: str) -> None:
    done = export(make_model("fm"), tmp_path / f"m{suffix.upper()}")
    assert done.to == SUFFIXES[suffix]
    assert done.n_bytes == (tmp_path / f"m{suffix.upper()}").stat().st_size
    assert str(done).startswith(f"{done.to} model written to {done.path}")
    assert done.loss is None


# Not savedmodel: it is a folder, which must not exist yet.
@pytest.mark.parametrize("to", [to for to in EXPORTERS if to != "savedmodel"])
def test_a_failed_export_leaves_the_old_file(tmp_path: Path, monkeypatch, to: str) -> None:
    path = tmp_path / "m.txt"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        export(exportable(to), path, to)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("m.txt", {}, r"extension of '.*m.txt' does not determine.*one of onnx, c"),
        ("m", {}, "does not determine the format"),
        ("m.txt", {"to": "xlern"}, "no export format 'xlern'. Did you mean 'xlearn'"),
        ("m.sql", {"tabel": "t"}, "sql export has no option 'tabel'. Did you mean 'table'"),
        ("m.json", {"quantize": "int8"}, "json export has no option 'quantize'.*none"),
        ("m.npz", {"quantize": "int4"}, "'quantize' parameter of export must be .*Got 'int4'"),
        ("m.npz", {"data": "t.csv"}, "Add quantize='fp16' or 'int8'"),
    ],
)
def test_refusals(tmp_path: Path, name: str, options: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        export(make_model("fm"), tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_imported_for_plain_formats(tmp_path: Path) -> None:
    code = (
        "import sys, numpy, fieldfare\n"
        "from fieldfare.config import ModelConfig\n"
        "from fieldfare.models.registry import build\n"
        "model = build(ModelConfig(model='fm'), n_features=3)\n"
        "for name in ('m.c', 'm.sql', 'm.json', 'm.npz'):\n"
        "    fieldfare.export(model, name)\n"
        "fieldfare.export(model, 'm.txt', 'xlearn')\n"
        "heavy = {'jax', 'keras', 'onnx', 'onnxruntime', 'sklearn', 'tensorflow', 'torch'}\n"
        "sys.exit(f'{heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)\n"
    )
    package = str(Path(fieldfare.__file__).resolve().parents[1])
    environment = os.environ | {"PYTHONPATH": package}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "the temporary file")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OutputError, match=r"m\.json cannot be written: Permission denied"):
        export(make_model("fm"), tmp_path / "m.json")


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fieldfare\[onnx\]'"):
        export(make_model("fm"), tmp_path / "m.onnx")


def help_of_export(capsys) -> str:
    assert main(["export", "--help"]) == 0
    return str(capsys.readouterr().out)


def test_the_command_line_names_every_format(capsys) -> None:
    shown = help_of_export(capsys)
    assert [name for name in (*EXPORTERS, *SUFFIXES) if name not in shown] == []


def test_a_new_format_is_one_module_and_its_line_in_the_table(tmp_path, monkeypatch, capsys):
    module = "tests.unit.export.scratch_csv"
    monkeypatch.setitem(EXPORTERS, "weights", (module, "export_weights"))
    monkeypatch.setitem(SUFFIXES, ".weights", "weights")
    model = make_model("linear")
    done = export(model, tmp_path / "m.weights", separator=";")
    assert done.to == "weights"
    lines = (tmp_path / "m.weights").read_text().splitlines()
    written = [float(line.split(";")[1]) for line in lines]
    assert np.array_equal(np.float32(written), model.linear[:, 0])
    with pytest.raises(ConfigError, match="Its options are: separator"):
        export(model, tmp_path / "m.weights", quantize="int8")
    save_model(model, tmp_path / "m.ff")
    assert main(["export", str(tmp_path / "m.ff"), str(tmp_path / "again.weights")]) == 0
    assert (tmp_path / "again.weights").read_text().count(",") == len(lines)
    assert "weights" in help_of_export(capsys)
