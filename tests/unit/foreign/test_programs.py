"""Models that other programs saved, against the predictions that they made themselves.

The files were written by xLearn, libffm, libFM, LIBLINEAR and Spark from numbers of our own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare import Posterior, load_data, load_foreign, train
from fieldfare.exceptions import ConfigError
from fieldfare.foreign.xlearn_binary import read_xlearn_binary

FILES = Path(__file__).parent / "files"
OPTIMISERS = ("sgd", "adagrad", "ftrl")


def expected(name: str) -> np.ndarray:
    return np.loadtxt(FILES / f"{name}.out")


def rows_of(name: str) -> Any:
    return load_data(FILES / name).rows


def assert_same(found: np.ndarray, name: str, tolerance: float = 1e-5) -> None:
    wanted = expected(name)
    np.testing.assert_allclose(found, wanted, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(
    ("kind", "options", "data"),
    [
        ("lr", {}, "test.svm"),
        ("fm", {"norm": False}, "test.svm"),
        ("ffm", {}, "test.ffm"),
    ],
)
def test_binary_models_of_xlearn_score_alike(
    kind: str, options: dict[str, Any], data: str, optimiser: str
) -> None:
    name = f"xlearn_{kind}_{optimiser}"
    model = load_foreign(FILES / f"{name}.bin", **options)
    assert model.task == "binary"
    assert_same(model.score(rows_of(data))[:, 0], name)


def test_a_regression_of_xlearn_predicts_alike() -> None:
    model = load_foreign(FILES / "xlearn_fmreg.bin", norm=False)
    assert model.task == "regression"
    assert_same(model.predict(rows_of("test.reg")), "xlearn_fmreg")


def test_a_normalised_fm_of_xlearn_is_exact_for_rows_of_one_length() -> None:
    model = load_foreign(FILES / "xlearn_fmones.bin", norm=True, row_length=2**0.5)
    assert_same(model.score(rows_of("ones.svm"))[:, 0], "xlearn_fmones")
    with pytest.raises(ConfigError, match="fourth power"):
        load_foreign(FILES / "xlearn_fmones.bin", norm=True)
    with pytest.raises(ConfigError, match="norm=False"):
        load_foreign(FILES / "xlearn_fmones.bin")


@pytest.mark.parametrize("optimiser", ["sgd", "adagrad"])
def test_text_models_of_xlearn_score_alike(optimiser: str) -> None:
    fm = load_foreign(FILES / f"xlearn_fm_{optimiser}.txt", task="binary", norm=False)
    assert_same(fm.score(rows_of("test.svm"))[:, 0], f"xlearn_fm_{optimiser}")
    ffm = load_foreign(FILES / f"xlearn_ffm_{optimiser}.txt", task="binary")
    assert_same(ffm.score(rows_of("test.ffm"))[:, 0], f"xlearn_ffm_{optimiser}")


def test_text_models_of_xlearn_must_be_told_their_task() -> None:
    with pytest.raises(ConfigError, match="does not say what it predicts"):
        load_foreign(FILES / "xlearn_fm_sgd.txt", norm=False)


@pytest.mark.parametrize(("optimiser", "parts"), [("sgd", 1), ("adagrad", 2), ("ftrl", 3)])
@pytest.mark.parametrize("kind", ["lr", "fm", "ffm"])
def test_what_the_optimiser_of_xlearn_keeps_is_read_too(
    kind: str, optimiser: str, parts: int
) -> None:
    found = read_xlearn_binary(FILES / f"xlearn_{kind}_{optimiser}.bin")
    assert found.linear.shape == (24, parts)
    assert found.bias.shape == (parts,)
    if found.factors is not None:
        assert len(found.factors) == parts
    if parts > 1:  # sums of squares start at one
        assert (found.linear[:, 1] >= 1).all()
        assert found.factors is None or (found.factors[1] >= 1).all()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(
    ("kind", "data"), [("lr", "test.svm"), ("fm", "test.svm"), ("ffm", "test.ffm")]
)
def test_training_goes_on_from_what_the_optimiser_of_xlearn_kept(
    kind: str, data: str, optimiser: str
) -> None:
    """One row moves the weights of its features as the formulas say."""
    path = FILES / f"xlearn_{kind}_{optimiser}.bin"
    options = {} if kind == "lr" else {"norm": False}
    before, found = load_foreign(path, keep_state=True, **options), read_xlearn_binary(path)
    row = rows_of(data).slice(0, 1)
    how = {"solver": optimiser, "learning_rate": 0.1, "l2_linear": 0.0, "early_stopping": False}
    how |= {} if kind == "lr" else {"l2_factors": 0.0}
    after = train(row, model=before, max_iter=1, random_state=0, **how).model

    n_entries = row.indptr[1]
    features, x = row.indices[:n_entries], row.values[:n_entries].astype(np.float64)
    slope = before.predict(row)[0] - row.target[0]
    w, *state = found.linear[features].astype(np.float64).T
    g = slope * x
    if optimiser == "sgd":
        w = w - 0.1 * g
    elif optimiser == "adagrad":
        w = w - 0.1 * g / np.sqrt(state[0] + g**2)
    else:
        n, z = state
        z += g - (np.sqrt(n + g**2) - np.sqrt(n)) / 0.1 * w
        w = -z / ((1 + np.sqrt(n + g**2)) / 0.1)
    np.testing.assert_allclose(after.linear[features, 0], w, rtol=2e-4, atol=1e-6)


def test_a_normalised_fm_of_xlearn_goes_on_in_units_of_its_rows() -> None:
    path, length = FILES / "xlearn_fmones.bin", 2**0.5
    model = load_foreign(path, norm=True, row_length=length, keep_state=True)
    plain = load_foreign(path, norm=False, keep_state=True)
    assert model.units.factors == length
    np.testing.assert_allclose(
        model.progress.state["factors"], 2 * plain.progress.state["factors"], rtol=1e-6
    )


@pytest.mark.parametrize(("name", "norm"), [("norm", True), ("plain", False)])
def test_binary_models_of_libffm_predict_alike(name: str, norm: bool) -> None:
    model = load_foreign(FILES / f"libffm_{name}.model")
    assert model.config.instance_norm is norm
    assert_same(model.predict(rows_of("test.ffm")), f"libffm_{name}")


@pytest.mark.parametrize("name", ["libffm_norm", "libffm_plain", "xlearn_ffm_adagrad"])
def test_features_and_fields_that_the_model_does_not_know_count_in_the_length(name: str) -> None:
    model = load_foreign(FILES / f"{name}{'.bin' if name.startswith('xlearn') else '.model'}")
    assert model.config.norm_unknown is model.config.instance_norm
    rows = rows_of("unseen.ffm")
    found = model.predict(rows) if name.startswith("libffm") else model.score(rows)[:, 0]
    assert_same(found, f"{name}_unseen")


def test_regressions_of_libfm_predict_alike_within_the_range_that_it_clips_to() -> None:
    low, high = -5.2776, 4.0942  # of the targets that it was trained with
    for name in ("r", "pairs", "linear"):
        model = load_foreign(FILES / f"libfm_{name}.txt", task="regression")
        found = model.predict(rows_of("test.reg"))
        assert_same(np.clip(found, low, high), f"libfm_{name}")


def test_classes_of_libfm_are_logistic_after_sgd_and_probit_after_als() -> None:
    sgd = load_foreign(FILES / "libfm_sgd.txt", task="binary", method="sgd")
    assert_same(sgd.predict(rows_of("test.svm")), "libfm_sgd")
    als = load_foreign(FILES / "libfm_als.txt", task="binary", method="als")
    assert isinstance(als, Posterior)
    assert_same(als.predict(rows_of("test.svm")), "libfm_als")


def test_libfm_must_be_told_its_task_and_method() -> None:
    with pytest.raises(ConfigError, match="task='regression'"):
        load_foreign(FILES / "libfm_sgd.txt")
    with pytest.raises(ConfigError, match="method='als'"):
        load_foreign(FILES / "libfm_sgd.txt", task="binary")


@pytest.mark.parametrize("name", ["0", "6", "7", "half", "nobias"])
def test_logistic_regressions_of_liblinear_predict_alike(name: str) -> None:
    model = load_foreign(FILES / f"liblinear_{name}.model")
    first, *lines = (FILES / f"liblinear_{name}.out").read_text().splitlines()
    labels = [int(label) for label in first.split()[1:]]
    assert model.classes == labels[::-1]
    wanted = [float(line.split()[1]) for line in lines]
    np.testing.assert_allclose(model.predict(rows_of("test.one")), wanted, atol=1e-5)


def test_support_vectors_of_liblinear_score_alike() -> None:
    svr = load_foreign(FILES / "liblinear_svr.model")
    assert_same(svr.predict(rows_of("test.one")), "liblinear_svr")
    svm = load_foreign(FILES / "liblinear_2.model")
    assert svm.task == "rank"
    np.testing.assert_array_equal(
        np.where(svm.predict(rows_of("test.one")) > 0, 1, -1), expected("liblinear_2")
    )


def test_more_than_two_classes_of_liblinear_are_refused_with_the_reason(tmp_path: Path) -> None:
    text = (FILES / "liblinear_0.model").read_text()
    text = text.replace("nr_class 2", "nr_class 3").replace("label 1 -1", "label 1 2 3")
    (tmp_path / "m").write_text(text)
    with pytest.raises(ConfigError, match="against all others"):
        load_foreign(tmp_path / "m")


@pytest.mark.parametrize("name", ["reg", "cls"])
def test_models_of_spark_predict_alike(name: str) -> None:
    model = load_foreign(FILES / f"spark_{name}")
    rows = load_data(FILES / "test.svm").rows  # Spark counts from 0, its text from 1
    assert_same(model.predict(rows), f"spark_{name}")
