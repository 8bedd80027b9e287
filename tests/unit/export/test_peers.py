"""Models as xLearn, libffm and libFM save them: bytes of theirs, and predictions by the programs.

The programs themselves are asked where variables name the folders that hold them:
``FIELDFARE_XLEARN`` (xlearn_predict), ``FIELDFARE_LIBFFM`` (ffm-predict), ``FIELDFARE_LIBFM``
(libFM).
"""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.export.made import make_model

from fieldfare import export, load_foreign
from fieldfare.exceptions import ConfigError
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.sources.sparse_text import write_text

FILES = Path(__file__).parents[1] / "foreign" / "files"


def known_rows(model: Model) -> Rows:
    """Return rows whose features and fields the model knows, two to five entries each."""
    random = np.random.default_rng(4)
    lengths = random.integers(2, 6, 30)
    n = int(lengths.sum())
    return Rows(
        np.concatenate([[0], np.cumsum(lengths)]),
        random.integers(0, model.n_features, n).astype(np.uint32),
        np.round(random.uniform(0.2, 2, n), 3).astype(np.float32),
        random.integers(0, model.n_fields or 1, n).astype(np.uint16),
        random.integers(0, 2, 30).astype(np.float32),
    )


def partly_known_rows(model: Model) -> Rows:
    """Return the same rows, in which the model does not know every fourth feature."""
    rows = known_rows(model)
    rows.indices[::4] += 1000
    return rows


def program(variable: str, name: str) -> str:
    folder = os.environ.get(variable)
    if folder is None:
        pytest.skip(f"{variable} does not name the folder of {name}")
    return str(Path(folder) / name)


def run(*command: Any) -> str:
    environment = {"USER": "tests", **os.environ}
    done = subprocess.run(
        list(map(str, command)), env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options"), [("lr", {}), ("fm", {"norm": False}), ("ffm", {})])
def test_an_xlearn_model_by_sgd_is_written_back_byte_by_byte(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    theirs = FILES / f"xlearn_{name}_sgd.bin"
    export(load_foreign(theirs, **options), tmp_path / "m", "xlearn")
    assert (tmp_path / "m").read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("name", ["norm", "plain"])
def test_a_libffm_model_is_written_back_but_for_its_sums_of_squares(
    tmp_path: Path, name: str
) -> None:
    theirs = FILES / f"libffm_{name}.model"
    export(load_foreign(theirs), tmp_path / "m", "libffm")
    written, wanted = (tmp_path / "m").read_bytes(), theirs.read_bytes()
    assert written[:13] == wanted[:13]
    blocks, others = (
        np.frombuffer(data[13:], "<f4").reshape(-1, 2, 4) for data in (written, wanted)
    )
    np.testing.assert_array_equal(blocks[:, 0], others[:, 0])
    assert (blocks[:, 1] == 1).all()


def test_the_bytes_of_a_small_xlearn_model(tmp_path: Path) -> None:
    model = make_model("fm", n_factors=1)
    export(model, tmp_path / "m", "xlearn")
    data = (tmp_path / "m").read_bytes()
    assert data[:35] == b"\2\0\0\0\0\0\0\0fm\15\0\0\0\0\0\0\0cross-entropy" + data[31:35]
    assert struct.unpack_from("<6I", data, 31) == (30, 0, 1, 1, 30, 120)
    assert len(data) == 31 + 24 + 4 * (30 + 1 + 120)


@pytest.mark.parametrize("name", ["r", "pairs", "linear"])
def test_a_libfm_model_is_written_back_number_by_number(tmp_path: Path, name: str) -> None:
    theirs = FILES / f"libfm_{name}.txt"
    model = load_foreign(theirs, task="regression")
    export(model, tmp_path / "m", "libfm")
    again = load_foreign(tmp_path / "m", task="regression")
    for array, other in zip(model.arrays().values(), again.arrays().values(), strict=True):
        np.testing.assert_array_equal(array, other)


def test_text_models_come_back_as_they_were(tmp_path: Path) -> None:
    model = make_model("ffm")
    export(model, tmp_path / "m", "xlearn-text")
    again = load_foreign(tmp_path / "m", task="binary", norm=False)
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, again.arrays()[name])
    export(model, tmp_path / "n", "libffm-text", drop_linear=True)
    np.testing.assert_array_equal(load_foreign(tmp_path / "n").factors, model.factors)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "to", "config", "words"),
    [
        ("fm", "xlearn", {"instance_norm": True}, "--no-norm"),
        ("linear", "xlearn", {"instance_norm": True}, "--no-norm"),
        ("fm", "libfm", {"instance_norm": True}, "does not normalise"),
        ("fm", "xlearn", {"task": "multiclass"}, "multiclass model has 3"),
        ("fm", "libfm", {"task": "rank"}, "no ranking task"),
        ("ffm", "libfm", {}, "no place for the parameters of a ffm model"),
        ("hofm", "xlearn", {}, "no place for the parameters of a hofm model"),
        ("ffm", "libffm", {}, "neither a bias nor linear"),
        ("fm", "libffm", {}, "only binary field-aware models"),
    ],
)
def test_what_a_program_cannot_express_is_refused(
    tmp_path: Path, kind: str, to: str, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        export(make_model(kind, **config), tmp_path / "m", to)
    assert list(tmp_path.iterdir()) == []


# --- the programs themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "norm"), [("linear", False), ("fm", False), ("ffm", False), ("ffm", True)]
)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_xlearn_predict_gives_our_scores(tmp_path: Path, kind: str, norm: bool, task: str) -> None:
    predict = program("FIELDFARE_XLEARN", "xlearn_predict")
    model = make_model(kind, task, instance_norm=norm, norm_unknown=norm)
    rows = partly_known_rows(model)
    form = "libffm" if model.uses_fields else "libsvm"
    write_text(rows, tmp_path / "rows", kind=form)
    export(model, tmp_path / "m", "xlearn")
    flags = [] if norm else ["--no-norm"]
    run(predict, tmp_path / "rows", tmp_path / "m", "-o", tmp_path / "out", *flags)
    theirs = np.loadtxt(tmp_path / "out")
    np.testing.assert_allclose(model.score(rows)[:, 0], theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm", [False, True])
def test_ffm_predict_gives_our_probabilities(tmp_path: Path, norm: bool) -> None:
    predict = program("FIELDFARE_LIBFFM", "ffm-predict")
    model = make_model("ffm", instance_norm=norm, norm_unknown=norm)
    model.bias[:] = 0
    model.linear[:] = 0
    rows = partly_known_rows(model)
    write_text(rows, tmp_path / "rows", kind="libffm")
    export(model, tmp_path / "m", "libffm")
    run(predict, tmp_path / "rows", tmp_path / "m", tmp_path / "out")
    np.testing.assert_allclose(model.predict(rows), np.loadtxt(tmp_path / "out"), atol=2e-6)


@pytest.mark.parametrize("n_factors", [1, 3])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_libfm_gives_our_predictions(tmp_path: Path, task: str, n_factors: int) -> None:
    predict = program("FIELDFARE_LIBFM", "libFM")
    model = make_model("fm", task, n_factors=n_factors)
    rows = known_rows(model)
    wide = rows.target.copy()
    wide[:2] = [-1, 1] if task == "binary" else [-100, 100]  # nothing is clipped
    rows = Rows(rows.indptr, rows.indices, rows.values, target=wide)
    write_text(rows, tmp_path / "rows", kind="libsvm")
    with open(tmp_path / "rows", "a") as file:  # libFM sizes its model by the largest id
        file.write(f"1 {model.n_features - 1}:1\n")
    export(model, tmp_path / "m", "libfm")
    flags = ["-task", task[0].replace("b", "c"), "-method", "sgd", "-learn_rate", "0", "-iter", "0"]
    flags += ["-dim", f"1,1,{max(n_factors, 2)}", "-load_model", str(tmp_path / "m")]
    data = ["-train", tmp_path / "rows", "-test", tmp_path / "rows", "-out", tmp_path / "out"]
    run(predict, *flags, *data)
    theirs = np.loadtxt(tmp_path / "out")[:-1]
    np.testing.assert_allclose(model.predict(rows), theirs, atol=1e-5, rtol=1e-5)
