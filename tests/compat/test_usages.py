"""The ways in which xLearn is used in public code, each in a few lines."""

from __future__ import annotations

import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import fieldfare.compat.xlearn as xl
from fieldfare.compat.xlearn import commands
from fieldfare.exceptions import SettingWarning

FOREIGN = Path(__file__).parents[1] / "unit" / "foreign" / "files"
BINARY = {"task": "binary", "lr": 0.2, "lambda": 0.002}


def _fitted(kind: str = "fm", data: str = "train.svm", **param) -> xl.XLearn:
    handle = getattr(xl, f"create_{kind}")()
    handle.setQuiet()
    handle.setTrain(data)
    handle.fit({**BINARY, **param}, "model.out")
    return handle


def test_a_grid_of_fresh_handles_over_one_model_file(folder) -> None:
    for lr in (1e-3, 1e-2):
        for penalty in (1e-3, 1e-1):
            handle = xl.create_ffm()
            handle.setTrain("train.ffm")
            handle.setValidate("test.ffm")
            param = {"task": "binary", "lr": lr, "lambda": penalty, "metric": "auc", "opt": "sgd"}
            handle.fit(param, "model.out")
            handle.setSigmoid()
            handle.setTest("test.ffm")
            handle.predict("model.out", "output.txt")
            found = [float(line) for line in Path("output.txt").read_text().splitlines()]
            assert len(found) == 100
            assert all(0 < one < 1 for one in found)
    assert xl.__version__ == "0.4.4"


def test_training_on_disk_from_the_shell(folder) -> None:
    assert commands.train(["train.svm", "-s", "1", "--disk"]) == 0
    assert commands.predict(["test.svm", "train.svm.model", "--sigmoid", "-o", "OUT"]) == 0
    assert len(np.loadtxt("OUT")) == 100


def test_an_outer_loop_owns_the_epochs(folder) -> None:
    """Each call replaces the model that it continues from."""
    once = ["train.reg", "-s", "4", "-p", "adagrad", "-r", "0.1", "-b", "0.001", "-k", "4"]
    ends = ["-e", "1", "--quiet", "-nthread", "1", "-m", "M"]
    commands.train([*once, *ends])
    for _ in range(9):
        assert commands.train([*once, *ends, "-pre", "M"]) == 0
    commands.predict(["test.reg", "M", "-o", "many"])
    commands.train([*once, "-e", "10", "--quiet", "-m", "one"])
    commands.predict(["test.reg", "one", "-o", "one.out"])
    np.testing.assert_allclose(np.loadtxt("many"), np.loadtxt("one.out"), rtol=1e-5)
    assert not Path("train.reg.bin").exists()


def test_plain_switches_with_text_and_validation(folder) -> None:
    flags = "-s 4 --no-norm -k 4 -p sgd -r 0.02 -b 0.001 -e 2 -m M -t T -v test.reg --quiet"
    assert commands.train(["train.reg", *flags.split()]) == 0
    assert Path("T").read_text().startswith("bias: ")


def test_cross_validation_with_a_metric_and_a_validation_file(folder, capfd) -> None:
    flags = "-s 2 -k 4 -t model -v test.ffm -x auc -f 3 --cv -r 0.01"
    assert commands.train(["train.ffm", *flags.split()]) == 0
    shown = capfd.readouterr().out
    assert re.search(r"Average log_loss: \d\.\d{6}\n", shown)
    assert re.search(r"Average AUC: \d\.\d{6}\n", shown)
    assert shown.count("Epoch") == 3
    assert sorted(path.name for path in folder.iterdir() if "train.ffm" in path.name) == [
        "train.ffm"
    ]


def test_an_ffm_file_is_read_by_a_linear_model(folder) -> None:
    assert commands.train(["train.ffm"]) == 0
    assert Path("train.ffm.model").exists()


@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_text_models_are_parsed_and_reproduce_the_scores(folder, kind) -> None:
    """With rows of four ones, normalised rows hold halves."""
    handle = getattr(xl, f"create_{kind}")()
    handle.setTXTModel("model.txt")
    handle.setTrain("train.ffm")
    handle.fit(BINARY, "model.out")
    handle.setTest("test.ffm")
    scores = handle.predict("model.out")
    parts: dict[str, list[float]] = {}
    for line in Path("model.txt").read_text().splitlines():
        key, values = line.split(":")
        parts[key] = [float(one) for one in values[1:].split(" ")]
    for line, score in zip(Path("test.ffm").read_text().splitlines()[:5], scores, strict=False):
        row = [tuple(map(int, cell.split(":")[:2])) for cell in line.split()[1:]]
        expected = parts["bias"][0] + sum(parts[f"i_{j}"][0] for _, j in row) / 2
        for at, (f, i) in enumerate(row):
            for g, j in row[at + 1 :]:
                names = (f"v_{i}_{g}", f"v_{j}_{f}") if kind == "ffm" else (f"v_{i}", f"v_{j}")
                expected += np.dot(parts[names[0]], parts[names[1]]) / 4
        assert score == pytest.approx(expected, abs=1e-5)


def test_vectors_are_taken_from_lines_of_text(folder) -> None:
    handle = xl.create_fm()
    handle.setTrain("train.reg")
    handle.setTXTModel("vectors.txt")
    param = {"task": "reg", "lr": 0.15, "nthread": 2, "k": 3, "metric": "mae"}
    handle.fit(param, "model.out")
    vectors = [line for line in Path("vectors.txt").read_text().splitlines() if line[:2] == "v_"]
    assert len(vectors) == 24
    _, vector = vectors[0].split(":")
    assert len(vector[1:].split(" ")) == 3


def test_matrices_with_a_constant_column_have_a_line_for_each(folder, arrays) -> None:
    X, y, *_ = arrays
    X[:, 2] = 0
    handle = xl.create_fm()
    handle.setTrain(xl.DMatrix(X, label=y.ravel()))
    handle.setTXTModel("text")
    handle.fit({"task": "binary", "epoch": 5, "stop_window": 10}, "none")
    assert [line.split(":")[0] for line in Path("text").read_text().splitlines()[:5]] == [
        "bias", "i_0", "i_1", "i_2", "i_3",
    ]  # fmt: skip


@pytest.mark.parametrize("wrap", [list, pd.Series, pd.DataFrame, np.asarray, tuple])
def test_labels_of_any_form(arrays, wrap) -> None:
    X, y, *_ = arrays
    assert len(xl.DMatrix(X, wrap(y)).rows.target) == 300


def test_frames_of_objects_and_integers(folder, arrays) -> None:
    X, y, X_test, y_test = arrays
    frame = pd.DataFrame(X).astype(object)
    handle = xl.create_fm()
    handle.setTrain(xl.DMatrix(frame, pd.DataFrame(y)))
    handle.setTest(xl.DMatrix(data=X_test.astype(int), label=y_test))
    handle.fit({"task": "reg"}, "model.out")
    handle.setSign()
    assert set(handle.predict("model.out")) <= {0.0, 1.0}


def test_all_setters_in_any_order(folder, arrays) -> None:
    X, y, X_test, _ = arrays
    handle = xl.create_ffm()
    for setter in ("setNoBin", "disableNorm", "disableLockFree", "disableEarlyStop", "setQuiet",
                   "setOnDisk", "setSign"):  # fmt: skip
        getattr(handle, setter)()
    handle.setTest(xl.DMatrix(X_test))
    handle.setValidate(xl.DMatrix(X, y))
    handle.setTrain(xl.DMatrix(X, y))
    param = {"task": "binary", "lr": 0.1, "lambda": 1e-3, "metric": "auc", "opt": "ftrl", "k": 4,
             "init": 0.1, "epoch": 2, "fold": 2, "alpha": 0.1, "beta": 1, "lambda_1": 0.1,
             "lambda_2": 0.1, "nthread": 2, "block_size": 9, "stop_window": 1}  # fmt: skip
    handle.fit(param, "model.out")
    assert len(handle.predict("model.out")) == 100


def test_the_last_output_setter_counts(folder) -> None:
    handle = _fitted()
    handle.setTest("test.svm")
    raw = handle.predict("model.out")
    handle.setSign()
    sign = handle.predict("model.out")
    handle.setSigmoid()
    np.testing.assert_array_equal(sign, raw > 0)
    np.testing.assert_allclose(handle.predict("model.out"), 1 / (1 + np.exp(-raw)), rtol=1e-5)


def test_scikit_learn_classes_are_fitted_again(arrays) -> None:
    X, y, X_test, y_test = arrays
    model = xl.FMModel(task="binary", init=0.1, epoch=10, k=4, lr=0.1, reg_lambda=0.01, opt="sgd")
    for _ in range(2):
        model.fit(X, y == 1, eval_set=[X_test, y_test == 1], is_lock_free=False, is_quiet=True)
    assert set(model.predict(X_test) < 0.5) <= {True, False}
    linear, factors = model.weights
    assert linear.shape == (5,)
    assert factors.shape == (4, 4)


def test_unknown_keywords_survive_clone_and_pickle(arrays, tmp_path) -> None:
    X, y, X_test, _ = arrays
    model = xl.FMModel(task="reg", metric="mape", k=8, reg_alpha=0.2, epoch=3)
    with pytest.warns(SettingWarning, match="reg_alpha"):
        clone(model).fit(X, y, is_quiet=True)
    with pytest.warns(SettingWarning):
        model.fit(X, y, is_quiet=True)
    joblib.dump(model, tmp_path / "model")
    again = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X_test), model.predict(X_test))


@pytest.mark.parametrize("kind", ["LRModel", "FMModel"])
def test_grids_and_pipelines(arrays, kind) -> None:
    X, y, *_ = arrays
    steps = [("scale", StandardScaler()), ("model", getattr(xl, kind)(nthread=0, n_jobs=-1))]
    grid = GridSearchCV(Pipeline(steps), {"model__lr": [0.05, 0.1]}, cv=2)
    assert grid.fit(X, y).best_score_ > 0.5


def test_classes_take_paths_whose_content_decides(folder) -> None:
    Path("x.csv").write_text(Path("train.ffm").read_text())
    model = xl.FMModel()
    model.fit("x.csv")
    assert len(model.predict("test.ffm")) == 100
    regression = xl.LRModel(task="reg", nthread=1, opt="adagrad")
    regression.fit("train.csv")
    assert len(regression.predict("test.csv")) == 100


def test_a_field_aware_class_on_paths(folder) -> None:
    model = xl.FFMModel(model_type="ffm", epoch=3)
    model.fit("train.ffm", eval_set="test.ffm")
    assert model.weights[1].shape == (24, 4, 4)
    joblib.dump(model, "model")


def test_sparse_matrices(arrays) -> None:
    X, y, X_test, y_test = arrays
    model = xl.FFMModel().fit(
        csr_matrix(X), y, fields=[0, 1, 2, 3], eval_set=[csr_matrix(X_test), y_test]
    )
    assert model.predict_proba(csr_matrix(X_test)).shape == (100, 2)
    with pytest.raises(xl.XLearnError, match="fields"):
        xl.FFMModel().fit(csr_matrix(X), y)


def test_cross_validation_does_not_spoil_the_fit_that_follows(folder, capfd) -> None:
    handle = xl.create_ffm()
    handle.setTrain("train.ffm")
    handle.setValidate("test.ffm")
    param = {"task": "binary", "metric": "auc", "opt": "ftrl", "alpha": 1.5, "beta": 0.01,
             "lambda_1": 0, "lambda_2": 0, "epoch": 30}  # fmt: skip
    averages = handle.cv(param)
    assert set(averages) == {"log_loss", "AUC"}
    capfd.readouterr()
    handle.fit(param, "model.out")
    assert "Early-stopping at epoch" in capfd.readouterr().out


def test_test_data_without_labels(folder, capfd) -> None:
    lines = Path("test.ffm").read_text().splitlines()
    Path("bare.ffm").write_text("\n".join(line.partition(" ")[2] for line in lines) + "\n")
    handle = _fitted("ffm", "train.ffm")
    handle.setTest("test.ffm")
    labelled = handle.predict("model.out")
    handle.setTest("bare.ffm")
    np.testing.assert_array_equal(handle.predict("model.out"), labelled)


def test_training_over_parts_with_a_model_before(folder) -> None:
    lines = Path("train.ffm").read_text().splitlines(keepends=True)
    for number in range(3):
        Path(f"part{number}").write_text("".join(lines[number::3]))
    for number in range(3):
        handle = xl.create_ffm()
        handle.setOnDisk()
        handle.setTrain(f"part{number}")
        if number:
            handle.setPreModel("model.out")
        handle.fit({**BINARY, "block_size": 10000}, "model.out")
    assert Path("model.out").exists()


@pytest.mark.parametrize("optimiser", ["sgd", "adagrad", "ftrl"])
@pytest.mark.parametrize("kind", ["lr", "fm", "ffm"])
def test_models_that_xlearn_itself_wrote_are_trained_further(
    folder, kind, optimiser, capfd
) -> None:
    form, number = ("ffm", "2") if kind == "ffm" else ("svm", "1" if kind == "fm" else "0")
    flags = [f"{FOREIGN}/test.{form}", "-s", number, "-p", optimiser, "-m", "on"]
    flags += ["--no-norm"] if kind == "fm" else []
    assert commands.train([*flags, "-pre", f"{FOREIGN}/xlearn_{kind}_{optimiser}.bin"]) == 0
    assert commands.train([*flags, "-pre", "on", "-u", "0.1"]) == 0
    assert "WARNING" not in capfd.readouterr().out


def test_arrays_are_learned_from_part_by_part(folder, arrays) -> None:
    """As other languages' packages of xLearn do it, with a model file between the parts."""
    X, y, X_test, _ = arrays
    found = []
    for epochs in ([6], [2, 4]):
        for at, epoch in enumerate(epochs):
            handle = xl.create_fm()
            handle.setQuiet()
            handle.setSigmoid()
            handle.setTrain(xl.DMatrix(X, y))
            if at:
                handle.setPreModel("model.out")
            handle.fit({**BINARY, "epoch": epoch, "nthread": 1}, "model.out")
        handle.setTest(xl.DMatrix(X_test))
        found.append(handle.predict("model.out"))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


def test_columns_of_categories_and_the_values_of_an_index(folder, arrays) -> None:
    X, y, X_test, _ = arrays
    found = []
    for frame in (pd.DataFrame(X), pd.DataFrame(X.astype(int)).astype({0: "category", 2: "int8"})):
        handle = xl.create_fm()
        handle.setTrain(xl.DMatrix(frame, pd.Index(y).values))
        handle.fit(BINARY, "model.out")
        handle.setTest(xl.DMatrix(X_test))
        found.append(handle.predict("model.out"))
    np.testing.assert_array_equal(found[0], found[1])


def test_a_long_run_with_a_metric_from_the_shell(folder, capfd) -> None:
    flags = "-s 0 -x f1 -v test.svm -k 64 -e 300 -sw 5"
    assert commands.train(["train.svm", *flags.split()]) == 0
    assert "Test F1" in capfd.readouterr().out


def test_the_number_of_factors_is_that_of_the_model_before(folder, capfd) -> None:
    commands.train(["train.svm", "-s", "1", "-k", "3", "-m", "first"])
    assert commands.train(["train.svm", "-s", "1", "-pre", "first", "-k", "8", "-m", "M"]) == 0
    assert "-k 8 has no effect" in capfd.readouterr().out
    commands.train(["train.svm", "-s", "1", "-pre", "first"])
    assert "no effect" not in capfd.readouterr().out


def test_many_factors_without_normalisation(folder) -> None:
    handle = xl.create_ffm()
    handle.setTrain("train.ffm")
    handle.setValidate("test.ffm")
    handle.disableNorm()
    handle.fit({"task": "reg", "k": 200, "lambda": 1, "stop_window": 1, "epoch": 1000}, "model.out")
    assert Path("model.out").exists()


def test_a_number_is_parsed_after_average_mse_loss(folder, capfd) -> None:
    handle = xl.create_fm()
    handle.setTrain("train.reg")
    handle.cv({"task": "reg", "metric": "rmse"})
    shown = capfd.readouterr().out
    assert float(shown.split("Average mse_loss:")[1].split()[0]) > 0


def test_columns_of_numbers_with_a_header(folder) -> None:
    pd.DataFrame(np.loadtxt("train.csv", delimiter=",")).to_csv("named.csv", index=False)
    table = Path("train.csv").read_text()
    Path("named.csv").write_text("label,a,b,c,d\n" + table)
    Path("tabs.csv").write_text(table.replace(",", "\t"))
    found = []
    for name in ("named.csv", "tabs.csv", "train.csv"):
        handle = xl.create_fm()
        handle.setTrain(name)
        handle.fit({"task": "binary", "epoch": 3}, "model.out")
        handle.setTest("test.csv")
        found.append(handle.predict("model.out"))
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[2])


def test_a_libffm_file_with_the_header_of_a_frame(folder) -> None:
    Path("named.ffm").write_text("row\n" + Path("train.ffm").read_text())
    with_header = xl.create_ffm()
    with_header.setTrain("named.ffm")
    with_header.fit(BINARY, "a")
    plain = _fitted("ffm", "train.ffm")
    for handle in (with_header, plain):
        handle.setTest("test.ffm")
    np.testing.assert_array_equal(with_header.predict("a"), plain.predict("model.out"))


@pytest.mark.parametrize("fields", [None, np.array(range(4))])
@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_matrices_are_written_as_text(tmp_path, arrays, fields, form) -> None:
    X, y, *_ = arrays
    xl.write_data_to_xlearn_format(form(X), y[:, None], tmp_path / "text", fields=fields)
    line = (tmp_path / "text").read_text().splitlines()[0].split(" ")
    assert line[0] == str(y[0])
    shown = [f"{j}:{X[0, j]:g}" if fields is None else f"{j}:{j}:{X[0, j]:g}" for j in range(4)]
    assert line[1:] == [cell for cell, x in zip(shown, X[0], strict=True) if x]


def test_a_service_predicts_per_request(folder) -> None:
    _fitted()
    import fieldfare.compat.xlearn as xlearn

    model = xlearn.create_fm()
    model.setTest("test.svm")
    model.setSigmoid()
    model.setQuiet()
    assert model.predict("model.out").dtype == np.float32
    del model


def test_names_of_submodules() -> None:
    from fieldfare.compat.xlearn import XLearn, create_ffm
    from fieldfare.compat.xlearn.data import DMatrix

    assert isinstance(create_ffm(), XLearn)
    assert DMatrix is xl.DMatrix


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: xl.FFMModel({"task": "binary"}).fit("train.ffm"),
        lambda: xl.FMModel(metric=["auc", "acc"]).fit("train.svm"),
        lambda: xl.FMModel().fit("train.svm", "model.out"),
        lambda: xl.FMModel().predict("test.svm"),
        lambda: xl.FMModel().fit(np.ones((3, 2))),
        lambda: xl.create_fm().fit({}, "model.out"),
        lambda: xl.create_fm().setTrain(np.ones((3, 2))),
        lambda: xl.create_fm().setTrain("missing.txt"),
    ],
)
def test_what_never_worked_raises_a_clear_error(folder, wrong) -> None:
    with pytest.raises(xl.XLearnError):
        wrong()
