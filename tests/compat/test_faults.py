"""What is wrong is refused by name, before anything is trained or lost."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_matrix
from sklearn.model_selection import cross_val_score

import fieldfare
import fieldfare.compat.xlearn as xl
from fieldfare.compat.xlearn import commands
from fieldfare.compat.xlearn._reading import lengths
from fieldfare.exceptions import ConfigError, DataError, DataTypeError, FieldfareError, OutputError

SHORT = {"task": "binary", "epoch": 1}


def _handle(X, y) -> xl.XLearn:
    handle = xl.create_fm()
    handle.setTrain(xl.DMatrix(X, y))
    handle.setTest(xl.DMatrix(X))
    return handle


@pytest.mark.parametrize("wrong", [None, 3, b"m.out", ["m.out"], "a\0b"])
def test_what_is_no_path_is_refused(folder, arrays, wrong) -> None:
    handle = _handle(*arrays[:2])
    handle.fit(SHORT, "m.out")
    calls = [
        lambda: handle.setTrain(wrong),
        lambda: handle.setPreModel(wrong),
        lambda: handle.setTXTModel(wrong),
        lambda: handle.fit(SHORT, wrong),
        lambda: handle.predict(wrong),
        lambda: xl.write_data_to_xlearn_format(arrays[0], arrays[1], wrong),
        *([] if wrong is None else [lambda: handle.predict("m.out", wrong)]),
    ]
    for call in calls:
        with pytest.raises(DataTypeError, match="path"):
            call()


@pytest.mark.parametrize(
    "arguments",
    [
        ["train.svm", "-m", "train.svm"],
        ["train.svm", "-l", "train.svm"],
        ["train.svm", "-t", "train.svm"],
        ["train.svm", "-v", "test.svm", "-m", "./test.svm"],
        ["train.svm", "-m", "x.model", "-t", "x.model"],
        ["train.svm", "-m", "x.model", "-l", "x.model"],
        ["train.svm", "-pre", "old.model", "-t", "old.model"],
    ],
)
def test_training_never_writes_over_what_it_reads_or_writes(folder, arguments, capfd) -> None:
    assert commands.train(["train.svm", "-m", "old.model", "-e", "1"]) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert commands.train(arguments) == 1
    assert "same file" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_model_may_replace_the_one_from_which_training_continues(folder) -> None:
    for flags in ([], ["-pre", "old.model"]):
        assert commands.train(["train.svm", "-m", "old.model", "-e", "1", *flags]) == 0


@pytest.mark.parametrize("flags", [["-o", "test.svm"], ["-o", "a.model"], ["-l", "a.model"]])
def test_predicting_never_writes_over_what_it_reads(folder, flags, capfd) -> None:
    assert commands.train(["train.svm", "-m", "a.model", "-e", "1"]) == 0
    before = {name: Path(name).read_bytes() for name in ("test.svm", "a.model")}
    assert commands.predict(["test.svm", "a.model", *flags]) == 1
    assert {name: Path(name).read_bytes() for name in before} == before


def test_the_log_of_predicting_is_written(folder) -> None:
    assert commands.train(["train.svm", "-m", "a.model", "-e", "1"]) == 0
    assert commands.predict(["test.svm", "a.model", "-l", "a.log"]) == 0
    assert "Start to predict" in Path("a.log").read_text()


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [("k", 257, "256"), ("seed", 2**32, "4294967295"), ("lambda", 1e30, "2147483647")],
)
def test_what_is_too_large_is_told_the_largest(arrays, name, value, most) -> None:
    with pytest.raises(ConfigError, match=f"'{name}' must be .* at most {most}"):
        _handle(*arrays[:2]).fit({**SHORT, name: value}, "none")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (np.ones((3, 2), complex), "complex"),
        (csr_matrix(np.ones((3, 2), complex)), "complex"),
        (np.full((3, 2), np.datetime64("2020", "D")), "datetime64"),
        (np.ma.masked_equal(np.array([[1.0, 2.0], [3.0, 1.0]]), 1.0), "Row 0, column 0"),
        (np.full((3, 2), 1e39), "finite"),
        (coo_array(np.ones(3)), r"shape \(1, 3\)|shape \(3,\)"),
        (csr_matrix(([1.0], ([0], [2**33])), shape=(1, 2**34)), "column 8589934592"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_data_that_would_be_misread_are_refused(data, says) -> None:
    with pytest.raises((DataError, DataTypeError), match=says):
        xl.DMatrix(data)


@pytest.mark.filterwarnings("error")
def test_labels_beyond_single_precision_are_refused() -> None:
    with pytest.raises(DataError, match="label must be finite"):
        xl.DMatrix(np.ones((2, 2)), [1e200, 0])


@pytest.mark.filterwarnings("error")
def test_no_rows(folder, arrays) -> None:
    none = np.zeros((0, 4))
    with pytest.raises(DataError, match="no rows"):
        _handle(none, []).fit(SHORT, "none")
    handle = _handle(*arrays[:2])
    handle.fit(SHORT, "m.out")
    handle.setTest(xl.DMatrix(none, []))
    assert handle.predict("m.out").shape == (0,)


def test_rows_too_long_to_be_normalised_are_refused(arrays) -> None:
    X, y, *_ = arrays
    with pytest.raises(DataError, match="length"):
        _handle(X * 1e30, y).fit(SHORT, "none")


@pytest.mark.parametrize(("shift", "says"), [(1, "positive"), (-1, "none is positive")])
def test_labels_of_one_class_are_told_what_a_class_is(arrays, shift, says) -> None:
    X, y, *_ = arrays
    with pytest.raises(DataError, match=f"{says}.*0 and 1, or -1 and 1"):
        _handle(X, y + shift).fit(SHORT, "none")


def test_training_continues_with_rows_of_one_class(folder, arrays) -> None:
    X, y, *_ = arrays
    _handle(X, y).fit(SHORT, "m.out")
    handle = _handle(X[:1], y[:1])
    handle.setPreModel("m.out")
    handle.fit(SHORT, "m.out")


def test_lengths_of_rows_of_very_different_size() -> None:
    values = np.array([1e15, 3.0, 4.0, 2.0], np.float32)
    rows = fieldfare.Rows(np.array([0, 1, 3, 3, 4, 4]), np.zeros(4, np.uint32), values)
    np.testing.assert_allclose(lengths(rows), [1e15, 5, 1, 2, 1])


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_models_that_xlearn_does_not_have(folder, arrays, task) -> None:
    X, _, *_ = arrays
    other = fieldfare.train(X, target=np.arange(len(X)) % 3, model="fm", task=task, max_iter=1)
    fieldfare.save_model(other.model, "other.ff")
    handle = _handle(*arrays[:2])
    handle.setPreModel("other.ff")
    with pytest.raises(FieldfareError, match=f"task '{task[:3]}"):
        handle.fit(SHORT, "m.out")
    if task == "multiclass":
        with pytest.raises(FieldfareError, match="multiclass"):
            handle.predict("other.ff")


@pytest.mark.parametrize("norm", [True, False])
def test_continuing_with_the_other_normalisation_names_the_switch(folder, arrays, norm) -> None:
    first, second = (_handle(*arrays[:2]) for _ in range(2))
    (second if norm else first).disableNorm()
    first.fit(SHORT, "m.out")
    second.setPreModel("m.out")
    with pytest.raises(ConfigError, match="disableNorm"):
        second.fit(SHORT, "m.out")


@pytest.mark.parametrize(("form", "says"), [("zzz", "'ff' or 'binary'"), ("binary", "not exact")])
def test_a_form_that_cannot_be_written_is_refused_before_training(
    folder, arrays, form, says, monkeypatch, capfd
) -> None:
    monkeypatch.setenv("FIELDFARE_XLEARN_MODEL", form)
    with pytest.raises(ConfigError, match=says):
        _handle(*arrays[:2]).fit(SHORT, "m.out")
    assert "Start to train" not in capfd.readouterr().out


@pytest.mark.parametrize("text", ["1, 2, 3\n0, 3, 4\n", "1, 0:1, 1:2\n0, 1:1\n", "1 0:1\t1:1\n0\n"])
def test_separators_may_be_mixed_with_blanks(folder, text) -> None:
    Path("mixed.txt").write_text(text)
    assert commands.train(["mixed.txt", "-m", "none", "-e", "1"]) == 0


@pytest.mark.filterwarnings("error")
def test_a_table_of_a_header_only_is_refused(folder, capfd) -> None:
    Path("header.csv").write_text("y,a,b\n")
    assert commands.train(["header.csv", "-m", "none"]) == 1
    assert "no rows" in capfd.readouterr().err


@pytest.mark.parametrize(
    "settings", [{"metric": []}, {"metric": {}}, {"n_jobs": "4"}, {"nthread": 2.5}]
)
def test_odd_settings_of_the_classes_are_refused(arrays, settings) -> None:
    with pytest.raises(ConfigError):
        xl.FMModel(**settings).fit(*arrays[:2])


@pytest.mark.parametrize("wrong", [3, {}, [], np.ones((2, 2))])
def test_what_is_no_evaluation_set_is_refused(arrays, wrong) -> None:
    X, y, *_ = arrays
    with pytest.raises(DataError, match="eval_set"):
        xl.FMModel().fit(X, y, eval_set=wrong)


def test_several_evaluation_sets_are_refused(arrays) -> None:
    X, y, *_ = arrays
    with pytest.raises(DataError, match="one pair"):
        xl.FMModel().fit(X, y, eval_set=[(X, y), (X, y)])


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss"])
def test_scores_of_probabilities_by_name(arrays, scoring) -> None:
    X, y, *_ = arrays
    model = xl.LRModel(epoch=1, n_jobs=None)
    found = cross_val_score(model, X, y, cv=2, scoring=scoring, error_score="raise")
    assert np.isfinite(found).all()


class _Plain:
    """Has no more than print needs, as loggers in scripts do."""

    def write(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("kind", ["none", "closed", "plain", "ascii"])
def test_training_needs_no_console(folder, arrays, kind, monkeypatch) -> None:
    closed = io.StringIO()
    closed.close()
    ascii_only = io.TextIOWrapper(io.BytesIO(), "ascii")
    streams = {"none": None, "closed": closed, "plain": _Plain(), "ascii": ascii_only}
    monkeypatch.setattr(sys, "stdout", streams[kind])
    _handle(*arrays[:2]).fit(SHORT, "模型.out")
    monkeypatch.undo()
    assert (folder / "模型.out").exists()


class _Full(_Plain):
    def write(self, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_console_is_named(folder, arrays, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Full())
    with pytest.raises(OutputError, match="standard output"):
        _handle(*arrays[:2]).fit(SHORT, "m.out")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [commands.train, commands.predict])
def test_help_is_given_when_it_is_asked_for(command, flag, capfd) -> None:
    assert command([flag]) == 0
    assert capfd.readouterr().out.startswith("usage:")
