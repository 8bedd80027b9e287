"""xlearn_train and xlearn_predict: each flag, its range, what contradicts it, and exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fieldfare as ff
import fieldfare.compat.xlearn as xl
from fieldfare.compat.xlearn import commands

EPOCH = re.compile(r"^\[ +(\d+)% +\] +(\d+) +(\d+\.\d{6}) +(\d+\.\d{6}) +(\d+\.\d\d)$", re.M)
# What is allowed, and what is not, for each flag.
FLAGS = {
    "-x": ("none", ["rmse2"]),
    "-p": ("ftrl", ["adam"]),
    "-k": ("3", ["0", "-1", "1.9", "abc"]),
    "-r": ("0.1", ["0", "-1", "abc", "nan", "inf"]),
    "-b": ("0", ["-1", "abc"]),
    "-alpha": ("0.1", ["0", "x"]),
    "-beta": ("0", ["-1", "x"]),
    "-lambda_1": ("0", ["-1", "x"]),
    "-lambda_2": ("0", ["-1", "x"]),
    "-u": ("0.1", ["0", "x"]),
    "-e": ("1", ["0", "-1", "x"]),
    "-f": ("2", ["0", "x"]),
    "-nthread": ("1", ["0", "-1", "x"]),
    "-block": ("100", ["0", "x"]),
    "-sw": ("1", ["0", "x"]),
    "-seed": ("2", ["0", "x"]),
    "-s": ("1", ["6", "x", "-1"]),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_takes_what_is_allowed(folder, flag) -> None:
    assert commands.train(["train.svm", flag, FLAGS[flag][0], "-m", "none"]) == 0
    assert not Path("train.svm.model").exists()


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_refuses_the_rest_and_fails(folder, flag, capfd) -> None:
    for value in FLAGS[flag][1]:
        assert commands.train(["train.svm", flag, value]) == 1
        told = capfd.readouterr()
        assert flag in told.err
        assert told.out == ""
    assert not Path("train.svm.model").exists()


@pytest.mark.parametrize("flag", [*FLAGS, "-v", "-m", "-t", "-pre", "-l"])
def test_a_flag_without_its_value_fails(folder, flag, capfd) -> None:
    assert commands.train(["train.svm", flag]) == 1
    assert "needs a value" in capfd.readouterr().err


@pytest.mark.parametrize(
    "switch", ["--disk", "--dis-lock-free", "--dis-es", "--no-norm", "--no-bin", "--quiet"]
)
def test_a_switch_is_taken(folder, switch) -> None:
    assert commands.train(["train.svm", "-s", "1", switch]) == 0
    assert Path("train.svm.model").exists()


def test_without_arguments_there_is_help(capfd) -> None:
    assert commands.train([]) == 0
    assert "-lambda_1" in capfd.readouterr().out
    assert commands.predict([]) == 0
    assert "--sigmoid" in capfd.readouterr().out


def test_the_help_names_every_flag_with_its_default(capfd) -> None:
    commands.train([])
    shown = capfd.readouterr().out
    for flag in [*FLAGS, "-v", "-m", "-pre", "-t", "-l"]:
        assert f"{flag} " in shown


def test_an_unknown_flag_gets_the_nearest(folder, capfd) -> None:
    assert commands.train(["train.svm", "--dis-lockfree"]) == 1
    assert "Unknow argument '--dis-lockfree'. Do you mean '--dis-lock-free' ?" in (
        capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing.txt"], "missing.txt"),
        (["train.svm", "-v", "missing.txt"], "missing.txt"),
        (["train.svm", "-pre", "missing"], "missing"),
        (["train.svm", "-m", "no/such/model"], "no/such"),
        (["train.svm", "-t", "no/such/model"], "no/such"),
        (["train.svm", "-l", "no/such/log"], "no/such"),
        (["train.svm", "test.svm"], "one training file"),
        (["train.svm", "--cv", "-f", "1"], "at least 2 folds"),
    ],
)
def test_what_cannot_be_done_fails_before_training(folder, arguments, says, capfd) -> None:
    assert commands.train(arguments) == 1
    told = capfd.readouterr()
    assert says in told.err
    assert "Start to train" not in told.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("-s 0 -x mae -v test.svm", "mae metric cannot be used with the cross-entropy loss"),
        ("-s 4 -x acc -v test.svm", "acc metric cannot be used with the squared loss"),
        ("-s 0 -x acc", "no validation file"),
    ],
)
def test_what_contradicts_itself_is_warned_of_and_ignored(folder, arguments, says, capfd) -> None:
    assert commands.train(["train.svm", *arguments.split()]) == 0
    assert re.search(rf"^\[ WARNING    \].*{says}", capfd.readouterr().out, re.M)


def test_what_training_warns_of_is_told(folder, capfd) -> None:
    commands.train(["train.svm", "-p", "ftrl", "-m", "first"])
    again = ["train.svm", "-p", "ftrl", "-alpha", "0.1", "-pre", "first", "--quiet"]
    assert commands.train(again) == 0
    shown = capfd.readouterr().out
    assert re.search(r"^\[ WARNING    \] .*training starts with a fresh state", shown, re.M)


def test_the_lines_of_the_epochs(folder, capfd) -> None:
    flags = "-s 2 -v test.ffm -x acc -e 4 --dis-es"
    assert commands.train(["train.ffm", *flags.split()]) == 0
    shown = capfd.readouterr().out
    assert "\033" not in shown
    assert shown.count("Test Accuracy") == 1
    rows = [line.split() for line in shown.splitlines() if re.match(r"\[ +\d+%", line)]
    assert [row[1] for row in rows] == ["25%", "50%", "75%", "100%"]
    assert "Model file: train.ffm.model" in shown
    assert re.search(r"Number of Field: 4$", shown, re.M)


def test_the_lines_reach_standard_output_of_python_and_of_the_process(folder, capfd) -> None:
    handle = xl.create_fm()
    handle.setTrain("train.svm")
    handle.setValidate("test.svm")
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        handle.fit({"task": "binary", "epoch": 3}, "model.out")
    assert len(EPOCH.findall(caught.getvalue())) == 3
    assert capfd.readouterr().out == ""
    handle.setTest("test.svm")
    handle.predict("model.out")
    assert re.search(r"The test loss is: \d\.\d{6}$", capfd.readouterr().out, re.M)


def test_early_stopping_is_told_and_keeps_the_best_epoch(folder, capfd) -> None:
    flags = "-s 2 -v test.ffm -e 200 -sw 2 -r 0.1"
    assert commands.train(["train.ffm", *flags.split()]) == 0
    shown = capfd.readouterr().out
    best = re.search(r"Early-stopping at epoch (\d+), best loss: (\d\.\d{6})", shown)
    losses = [float(row[3]) for row in EPOCH.findall(shown)]
    assert losses[int(best[1]) - 1] == min(losses) == float(best[2])
    assert len(losses) == int(best[1]) + 3  # the third worse one in a row ends it
    assert commands.predict(["test.ffm", "train.ffm.model"]) == 0
    assert f"The test loss is: {best[2]}" in capfd.readouterr().out


def test_quiet_is_silent_about_epochs_and_still_stops_early(folder, capfd) -> None:
    flags = "-s 2 -v test.ffm -e 200 -r 0.5"
    commands.train(["train.ffm", *flags.split(), "-m", "loud"])
    loud = capfd.readouterr().out
    commands.train(["train.ffm", *flags.split(), "-m", "quiet", "--quiet"])
    quiet = capfd.readouterr().out
    assert EPOCH.findall(loud)
    assert not EPOCH.findall(quiet)
    np.testing.assert_array_equal(ff.load_model("loud").factors, ff.load_model("quiet").factors)


def test_a_log_is_one_file(folder) -> None:
    assert commands.train(["train.svm", "-l", "log"]) == 0
    assert "Finish training" in Path("log").read_text()


def test_nothing_else_is_written(folder) -> None:
    before = {path.name for path in folder.iterdir()}
    commands.train(["train.ffm", "-s", "2", "-v", "test.ffm"])
    commands.predict(["test.ffm", "train.ffm.model"])
    assert {path.name for path in folder.iterdir()} - before == {
        "train.ffm.model", "test.ffm.out",
    }  # fmt: skip


@pytest.mark.parametrize("flags", [[], ["--sign"], ["--sigmoid"], ["--sign", "--sigmoid"]])
def test_predictions_are_written_in_six_digits(folder, flags, capfd) -> None:
    commands.train(["train.svm", "-s", "1"])
    assert commands.predict(["test.svm", "train.svm.model", "-o", "out", *flags]) == 0
    lines = Path("out").read_text().splitlines()
    assert len(lines) == 100
    assert all(re.fullmatch(r"-?\d*\.?\d{1,9}(e-?\d+)?", line) for line in lines)
    if len(flags) == 2:
        assert "WARNING" in capfd.readouterr().out
        assert any(float(line) < 0 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["test.svm"], "model file"),
        (["test.svm", "missing"], "missing"),
        (["missing.svm", "train.svm.model"], "missing.svm"),
        (["test.svm", "train.svm.txt"], "as text"),
        (["test.svm", "test.csv"], "test.csv"),
        (["test.svm", "train.svm.model", "--foo"], "--foo"),
    ],
)
def test_predicting_from_what_is_not_there_fails(folder, arguments, says, capfd) -> None:
    commands.train(["train.svm", "-s", "1", "-t", "train.svm.txt"])
    assert commands.predict(arguments) == 1
    assert says in capfd.readouterr().err


def test_the_loss_of_numbers_is_half_the_squared_error(folder, capfd) -> None:
    commands.train(["train.reg", "-s", "4"])
    capfd.readouterr()
    commands.predict(["test.reg", "train.reg.model", "-o", "out"])
    truth = [float(line.split()[0]) for line in Path("test.reg").read_text().splitlines()]
    half = np.mean((np.loadtxt("out") - truth) ** 2) / 2
    printed = re.search(r"The test loss is: (\d+\.\d+)", capfd.readouterr().out)
    assert float(printed[1]) == pytest.approx(half, abs=2e-6)


def test_the_model_knows_that_rows_are_not_normalised(folder, capfd) -> None:
    commands.train(["train.ffm", "-s", "2", "--no-norm", "-v", "test.ffm", "--dis-es"])
    last = EPOCH.findall(capfd.readouterr().out)[-1][3]
    commands.predict(["test.ffm", "train.ffm.model"])
    assert f"The test loss is: {last}" in capfd.readouterr().out


def test_unknown_features_count_for_the_length_of_a_row(folder) -> None:
    commands.train(["train.ffm", "-s", "2"])
    Path("one.ffm").write_text("1 0:0:1 1:7:1\n1 0:0:1 1:7:1 0:99:1.4142135\n")
    commands.predict(["one.ffm", "train.ffm.model", "-o", "out"])
    known, more = np.loadtxt("out")
    model = ff.load_model("train.ffm.model")
    pair = model.factors[0, 0, 1] @ model.factors[7, 0, 0]
    linear = model.linear[0, 0] + model.linear[7, 0]
    assert known == pytest.approx(model.bias[0] + linear / 2**0.5 + pair / 2, rel=1e-4)
    assert more == pytest.approx(model.bias[0] + linear / 2 + pair / 4, rel=1e-4)


@pytest.mark.parametrize("kind", ["0", "1", "2"])
@pytest.mark.parametrize("rule", ["adagrad", "sgd", "ftrl"])
def test_models_in_the_binary_form_of_xlearn(folder, kind, rule, monkeypatch) -> None:
    flags = ["-s", kind, "-p", rule, *(["--no-norm"] if kind == "1" else [])]
    commands.train(["train.ffm", *flags, "-m", "own"])
    monkeypatch.setenv("FIELDFARE_XLEARN_MODEL", "binary")
    commands.train(["train.ffm", *flags, "-m", "theirs"])
    assert Path("theirs").read_bytes()[8:10] in (b"li", b"fm", b"ff")
    no_norm = ["--no-norm"] if kind == "1" else []
    commands.predict(["test.ffm", "own", "-o", "a"])
    commands.predict(["test.ffm", "theirs", "-o", "b", *no_norm])
    np.testing.assert_allclose(np.loadtxt("a"), np.loadtxt("b"), atol=2e-6)


def test_a_machine_of_xlearn_with_normalised_rows_is_scored_as_it_was(folder, monkeypatch) -> None:
    monkeypatch.setenv("FIELDFARE_XLEARN_MODEL", "binary")
    commands.train(["train.ffm", "-s", "1", "--no-norm", "-m", "theirs"])
    commands.predict(["test.ffm", "theirs", "-o", "out"])
    model = ff.load_foreign("theirs", norm=False)
    row = [int(cell.split(":")[1]) for cell in Path("test.ffm").read_text().splitlines()[0].split()[1:]]  # fmt: skip # noqa: E501
    v = model.factors[row, 0]
    pairs = ((v.sum(0) ** 2).sum() - (v**2).sum()) / 2
    expected = model.bias[0] + model.linear[row, 0].sum() / 2 + pairs / 16
    assert np.loadtxt("out")[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("text", ["1,0:0:1,1:7:1\n0,0:1:1,1:8:1\n", "1\t0:0:1\t1:7:1\n0\t0:1:1\n",
                                  "1 0:0.0:1 1:7.0:1\n\n0 0:1:1\n0\n+1 1:8:1 \n"])  # fmt: skip
def test_commas_tabs_whole_numbers_and_blanks_are_read(folder, text) -> None:
    Path("odd.ffm").write_text(text)
    assert commands.train(["odd.ffm", "-s", "2"]) == 0
    assert ff.load_model("odd.ffm.model").n_features >= 8


@pytest.mark.parametrize("text", ["", "1\n0\n", "1,2\n0,nan\n", "1,2\n0,\n", "1 a:b:1\n"])
def test_what_is_no_data_is_refused_by_name(folder, text, capfd) -> None:
    Path("odd.txt").write_text(text)
    assert commands.train(["odd.txt", "-s", "1"]) == 1
    assert "odd.txt" in capfd.readouterr().err


def test_two_hundred_predictions_leave_nothing_behind(folder) -> None:
    commands.train(["train.ffm", "-s", "2", "--quiet"])
    handle = xl.create_ffm()
    handle.setQuiet()
    handle.setTest("test.ffm")
    counts = []
    for _ in range(200):
        handle.predict("train.ffm.model")
        counts.append((len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))))
    assert counts[5] == counts[-1]


def test_the_process_ends_with_the_code(folder) -> None:
    code = "import sys; from fieldfare.compat.xlearn.commands import train; sys.exit(train())"
    done = subprocess.run([sys.executable, "-c", code, "missing"], check=False, capture_output=True)
    assert done.returncode == 1
    assert b"missing" in done.stderr
