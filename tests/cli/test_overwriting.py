"""No command writes over what it reads, and each refuses before it reads anything."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fieldfare
from fieldfare.cli import _parser
from fieldfare.cli._files import Input, Output
from fieldfare.exceptions import ConfigError

TRAIN = ("--target", "clicked", "-q", "--epochs", 1, "--threads", 1)


@pytest.fixture
def files(model: Path, clicks_folder: Path, tmp_path: Path) -> dict[str, bytes]:
    """Two tables, a link to one and a model, in the current folder; their contents."""
    shutil.copy(clicks_folder / "new.csv", "d.csv")
    shutil.copy(clicks_folder / "new.csv", "e.csv")
    shutil.copy(model, "m.ff")
    os.symlink("d.csv", "link.csv")
    return {name: Path(name).read_bytes() for name in ("d.csv", "e.csv", "m.ff")}


COMMANDS = [
    ("train", "d.csv", *TRAIN, "-o", "d.csv"),
    ("train", "d.csv", *TRAIN, "-o", "n.ff", "--checkpoint", "link.csv"),
    ("train", "e.csv", *TRAIN, "--valid", "d.csv", "-o", "./d.csv"),
    ("train", "e.csv", *TRAIN, "-o", "n.ff", "--checkpoint", "n.ff"),
    ("train", "e.csv", *TRAIN, "-o", "m.ff", "--resume", "m.ff"),
    ("sample", "d.csv", "--target", "clicked", "-q", "-o", "d.csv"),
    ("predict", "d.csv", "-m", "m.ff", "-o", "link.csv"),
    ("predict", "d.csv", "-m", "m.ff", "-o", "m.ff"),
    ("convert", "d.csv", "e.csv", "e.csv", "--target", "clicked"),
    ("convert", "d.csv", "m.ff", "--to", "csv", "--schema-from", "m.ff"),
    ("convert", ".", "d.csv", "--target", "clicked"),
    ("export", "m.ff", "m.ff", "--to", "json"),
    ("export", "m.ff", "d.csv", "--to", "npz", "--quantize", "fp16", "--data", "d.csv"),
    ("show", "m.ff", "--plot", "m.ff"),
    ("show", "m.ff", "--plot", "d.csv", "--explain", "d.csv"),
    ("recommend", "train", "d.csv", "--user", "user", "--item", "ad", "-o", "d.csv"),
    ("recommend", "index", "m.ff", "--items", "d.csv", "-o", "m.ff"),
    ("recommend", "index", "m.ff", "--items", "d.csv", "-o", "d.csv"),
    ("recommend", "query", "d.csv", "-m", "m.ff", "--requests", "e.csv", "-o", "e.csv"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(map(str, words)))
def test_an_output_that_is_an_input_is_refused(
    run: Callable[..., Any], files: dict[str, bytes], command: tuple[object, ...]
) -> None:
    ran = run(*command)
    assert ran.code == 1
    assert "the same file" in ran.err
    assert "[FF100]" in ran.err
    assert {name: Path(name).read_bytes() for name in files} == files


def test_the_default_output_of_training_is_compared_too(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    text = "1 0:1\n0 1:1\n" * 50
    Path("clicks.ff").write_text(text)
    ran = run("train", "clicks.ff", "--epochs", 1, "-q")
    assert "the same file" in ran.err
    assert Path("clicks.ff").read_text() == text


def test_training_goes_on_in_the_same_checkpoint(
    run: Callable[..., Any], files: dict[str, bytes]
) -> None:
    options = (*TRAIN, "--seed", 1, "-o", "n.ff", "--checkpoint", "c.ck")
    assert run("train", "e.csv", *options).code == 0
    ran = run("train", "e.csv", *options, "--epochs", 2, "--resume", "c.ck")
    assert ran.code == 0, ran.err


def test_a_folder_of_its_own_is_made_inside_that_of_the_data(
    run: Callable[..., Any], files: dict[str, bytes]
) -> None:
    assert run("convert", "d.csv", "d.store", "--to", "store", "--target", "clicked").code == 0
    assert run("predict", "d.csv", "-m", "m.ff", "-o", "p.csv").code == 0
    assert run("predict", "d.csv", "-m", "m.ff", "-o", "p.csv").code == 0


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _parsers(sub)


def test_every_argument_that_names_a_file_says_so() -> None:
    names = {"DATA", "IN", "OUT", "FILE", "FOLDER", "IMAGE", "TABLE", "MODEL.ff", "RANKER.ff"}
    seen = 0
    for parser in _parsers(_parser()):
        for action in parser._actions:
            if action.metavar in names:
                assert isinstance(action.type, type), (parser.prog, action.dest)
                assert issubclass(action.type, (Input, Output)), (parser.prog, action.dest)
                seen += 1
    assert seen > 30


class TestFunctions:
    @pytest.fixture(autouse=True)
    def _files(self, files: dict[str, bytes]) -> Iterator[None]:
        yield
        assert {name: Path(name).read_bytes() for name in files} == files

    def test_convert_and_export(self) -> None:
        from fieldfare.data.convert import convert

        with pytest.raises(ConfigError, match="the same file"):
            convert(["e.csv", "d.csv"], "link.csv", "csv")
        model = fieldfare.load_model("m.ff")
        with pytest.raises(ConfigError, match="the same file"):
            fieldfare.export(model, "d.csv", "npz", quantize="fp16", data="d.csv")

    def test_checkpoints(self) -> None:
        for place in ("d.csv", "link.csv"):
            callbacks = [fieldfare.Checkpoint(place)]
            with pytest.raises(ConfigError, match="the same file"):
                fieldfare.train("d.csv", target="clicked", callbacks=callbacks)
            with pytest.raises(ConfigError, match="the same file"):
                fieldfare.train("e.csv", valid="d.csv", target="clicked", callbacks=callbacks)
            estimator = fieldfare.FMClassifier(callbacks=callbacks)
            with pytest.raises(ConfigError, match="the same file"):
                estimator.fit("d.csv", "clicked")
            with pytest.raises(ConfigError, match="the same file"):
                estimator.partial_fit("d.csv", "clicked")

    def test_a_model_is_saved_where_it_was_loaded_from(self, files: dict[str, bytes]) -> None:
        fieldfare.save_model(fieldfare.load_model("m.ff"), "m.ff")
        assert fieldfare.load_model("m.ff").task == "binary"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_closed_standard_output_is_an_error(files: dict[str, bytes]) -> None:
    evaluate = "evaluate d.csv -m m.ff --target clicked"
    for words in ("predict d.csv -m m.ff", "show m.ff", evaluate):
        ran = subprocess.run(
            f"{sys.executable} -m fieldfare {words} >&-",
            check=False,
            shell=True,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert ran.returncode == 1, words
        assert "standard output cannot be written" in ran.stderr
        assert "[FF700]" in ran.stderr
