"""The program as a whole: help, exit codes, errors, pipes, start-up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fieldfare
from fieldfare import __version__
from fieldfare.cli import _COMMANDS, main

NAMES = [command.__name__.rpartition(".")[2].rstrip("_") for command in _COMMANDS]


def importable() -> dict[str, str]:
    """Return an environment that finds this fieldfare from any working folder.

    A relative PYTHONPATH is lost where a test changes the folder.
    """
    found = [str(Path(fieldfare.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))}


def spawn(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fieldfare", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=importable(),
        **options,
    )


def test_help_names_every_command_and_the_next_step(run):
    ran = run("--help")
    assert ran.code == 0
    for name in NAMES:
        assert f"\n    {name}" in ran.out
    assert "fieldfare train train.csv --target clicked" in ran.out


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_every_command_has_examples(run, name):
    ran = run(name, "--help")
    assert ran.code == 0
    assert f"examples:\n  fieldfare {name}" in ran.out


def test_version(run):
    assert run("--version").out == f"fieldfare {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["train"],
        ["train", "x.csv", "--wings"],
        ["train", "x.csv", "-k", "many"],
        ["recommend"],
        ["recommend", "query", "x", "--wings"],
    ],
)
def test_misuse_is_a_line_and_a_hint(run, arguments):
    ran = run(*arguments)
    assert ran.code == 2
    wrong, hint = ran.err.splitlines()
    assert wrong.startswith("fieldfare")
    assert wrong.endswith((".", "?"))
    assert hint.startswith("See 'fieldfare")
    assert hint.endswith("--help'.")


def test_help_and_version_may_be_said_as_commands(run):
    assert run("help").out == run("--help").out
    assert run("help", "train").out == run("train", "--help").out
    assert run("version").out == run("--version").out


def test_without_a_command_there_is_help(run):
    ran = run()
    assert ran.code == 0
    assert ran.out == run("--help").out


@pytest.mark.parametrize(
    ("arguments", "command", "hint"),
    [
        (["train", "x.csv", "--lr", "1"], "fieldfare train", "Did you mean '--learning-rate'?"),
        (["train", "x.csv", "--label", "y"], "fieldfare train", "Did you mean '--target'?"),
        (["train", "x.csv", "--lambda", "1"], "fieldfare train", "'--l2-linear' or '--l2-factors'"),
        (["train", "x.csv", "--embedding-dim=4"], "fieldfare train", "Did you mean '--n-factors'?"),
        (["cv", "x.csv", "--n-splits=4"], "fieldfare cv", "Did you mean '--folds'?"),
        (["train", "x.csv", "--epoch", "2"], "fieldfare train", "Did you mean '--epochs'?"),
        (["train", "x.csv", "--epoch=2"], "fieldfare train", "Did you mean '--epochs'?"),
        (["train", "x.csv", "--model", "fmf"], "fieldfare train", "Did you mean 'fm'?"),
        (["trian", "x.csv"], "fieldfare", "Did you mean 'train'?"),
        (["fit", "x.csv"], "fieldfare", "Did you mean 'train'?"),
        (["train", "x.csv", "--cat-features", "a"], "fieldfare train", "'--categorical'"),
        (["train", "x.csv", "--task", "classification"], "fieldfare train", "'binary'?"),
        (["train", "x.csv", "--verbose"], "fieldfare train", "-q leaves it out"),
    ],
)
def test_an_unknown_word_gets_a_suggestion(run, arguments, command, hint):
    ran = run(*arguments)
    assert ran.code == 2
    assert ran.err.startswith(f"{command}: ")
    assert hint in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "x.csv", "--threads", "0"], "--threads/--n-jobs: must be an integer"),
        (["predict", "x.csv", "-m", "x.ff", "--threads", "0"], "--threads: must be an integer"),
        (["train", "x.csv", "-k", "0"], "-k/--n-factors: must be an integer in [1, 256]"),
        (["train", "x.csv", "--learning-rate", "-1"], "--learning-rate: must be a number in (0"),
        (
            ["train", "x.csv", "--seed", "many"],
            "--seed/--random-state: must be an integer in [0, 4294967295]. Got",
        ),
    ],
)
def test_a_value_that_is_not_allowed_names_the_flag(run, arguments, message):
    ran = run(*arguments)
    assert ran.code == 2
    assert f"argument {message}" in ran.err
    assert "n_jobs" not in ran.err
    assert "None" not in ran.err


def test_help_describes_flags_not_parameters(run):
    words = " ".join(run("train", "--help").out.split())
    assert "None" not in words
    assert "--no-fit-intercept Do not fit a bias term" in words
    assert "--no-shuffle Visit" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no.csv", "--target", "y"], "no.csv"),
        (["predict", "x.csv", "-m", "no.ff"], "no.ff"),
        (["show", "no.ff"], "no.ff"),
        (["train", "t.csv"], "Which column is to be predicted?"),
        (["train", "t.csv", "--target", "colour"], "colour"),
        (["convert", "t.csv", "out.odd"], "--to"),
        (["show", "t.csv"], "t.csv"),
    ],
)
def test_errors_are_one_message_and_exit_code_1(run, tmp_path, arguments, message):
    (tmp_path / "t.csv").write_text("a,y\n" + "x,1\nz,0\n" * 20)
    ran = run(*arguments)
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.startswith(f"fieldfare {arguments[0]}: ")


@pytest.mark.filterwarnings("ignore:Column:fieldfare.exceptions.DataWarning")
@pytest.mark.parametrize("command", ["train", "cv"])
def test_a_header_without_rows_is_one_message(run, tmp_path, command):
    (tmp_path / "t.csv").write_text("a,b,y\n")
    ran = run(command, "t.csv", "--target", "y")
    assert ran.code == 1
    assert "There are no rows" in ran.err
    assert "unexpected" not in ran.err


def test_debug_shows_the_traceback(run):
    with pytest.raises(Exception, match="no.ff"):
        run("show", "no.ff", "--debug")


def test_an_unexpected_error_is_a_message_and_a_hint(run, monkeypatch, clicks_folder):
    def fail(*_, **__):
        raise RuntimeError("the sky fell")

    monkeypatch.setattr("fieldfare.data.loading.read_dataset", fail)
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked")
    assert ran.code == 1
    assert "the sky fell" in ran.err
    assert "--debug" in ran.err


def test_ctrl_c_is_130(run, monkeypatch, clicks_folder):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fieldfare.data.loading.read_dataset", interrupt)
    assert run("train", clicks_folder / "train.csv", "--target", "clicked").code == 130


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from fieldfare.cli import main; main(['--help']);"
        "heavy = {'numpy', 'sklearn', 'pyarrow', 'pandas', 'scipy', 'matplotlib', 'tqdm'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_module_ends_with_the_exit_code():
    assert spawn("fly").returncode == 2
    assert spawn("show", "no-such-file.ff").returncode == 1


def first_line(*arguments: str) -> bytes:
    """Run a command, close its output after a line, and return that; it must end in silence."""
    with subprocess.Popen(
        [sys.executable, "-m", "fieldfare", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=importable(),
    ) as process:
        first = process.stdout.readline()
        process.stdout.close()
        complaints = process.stderr.read().decode()
    assert complaints == ""
    assert process.returncode == 0
    return first


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes")
@pytest.mark.parametrize("kind", ["text", "csv"])
def test_a_closed_pipe_is_quiet(model, clicks_folder, kind):
    # More than a pipe holds, so that the program is still writing when its reader has left.
    data = [str(clicks_folder / "new.csv")] * 40
    assert first_line("predict", *data, "-m", str(model), "--format", kind).endswith(b"\n")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes")
def test_a_closed_pipe_is_quiet_for_tables(clicks_folder):
    data = [str(clicks_folder / "train.csv")] * 5
    assert b"clicked" in first_line("convert", *data, "-", "--to", "csv")


def test_main_takes_its_arguments_from_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fieldfare", "--version"])
    assert main() == 0
    assert "fieldfare" in capsys.readouterr().out
