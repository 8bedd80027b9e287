"""C sources compile without a warning, and score as the model does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.unit.export.made import KINDS, ROWS, TASKS, TOLERANCE, make_model

from fieldfare.export import export
from fieldfare.export.packing import quantized
from fieldfare.models.base import Model

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("there is no C compiler on this machine")
    return found


def scores(library: ctypes.CDLL, name: str, model: Model, *, ones: bool = False) -> np.ndarray:
    """Score every row, as floats of shape (n_rows, n_outputs)."""
    out = np.zeros((len(ROWS), model.n_outputs), np.float32)
    function = getattr(library, name)
    for row, (start, stop) in enumerate(pairwise(ROWS.indptr)):
        arrays = [array[start:stop] for array in (ROWS.indices, ROWS.values, ROWS.fields)]
        wanted = (True, not ones, model.uses_fields)
        pointers = [
            ctypes.c_void_p(array.ctypes.data) if want else None
            for array, want in zip(arrays, wanted, strict=True)
        ]
        function(*pointers, ctypes.c_size_t(stop - start), ctypes.c_void_p(out[row].ctypes.data))
    return out


def compiled(compiler: str, source: Path) -> ctypes.CDLL:
    library = source.with_suffix(".so")
    command = [compiler, *STRICT, "-shared", "-fPIC", "-o", library, source, "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_predictions(
    tmp_path: Path, compiler: str, kind: str, task: str, instance_norm: bool
) -> None:
    model = make_model(kind, task, instance_norm=instance_norm)
    export(model, tmp_path / "m.c")
    library = compiled(compiler, tmp_path / "m.c")
    expected = model.score(ROWS)
    np.testing.assert_allclose(scores(library, "m_score", model), expected, atol=TOLERANCE, rtol=0)
    expected = model.predict(ROWS).reshape(expected.shape)
    found = scores(library, "m_predict", model)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_may_count_unknown_features(tmp_path: Path, compiler: str, kind: str) -> None:
    model = make_model(kind, instance_norm=True, norm_unknown=True)
    export(model, tmp_path / "m.c")
    found = scores(compiled(compiler, tmp_path / "m.c"), "m_score", model)
    np.testing.assert_allclose(found, model.score(ROWS), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("quantize", ["fp16", "int8"])
@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_quantised_weights(tmp_path: Path, compiler: str, kind: str, quantize: str) -> None:
    model = make_model(kind, "multiclass")
    model.linear[0, 0] = 1e-6  # subnormal in float16
    export(model, tmp_path / "m.c", quantize=quantize)
    found = scores(compiled(compiler, tmp_path / "m.c"), "m_score", model)
    expected = quantized(model, quantize).score(ROWS)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


def test_no_values_are_ones(tmp_path: Path, compiler: str) -> None:
    model = make_model("hofm", shared_factors=True)
    export(model, tmp_path / "m.c")
    found = scores(compiled(compiler, tmp_path / "m.c"), "m_score", model, ones=True)
    expected = model.score(type(ROWS)(ROWS.indptr, ROWS.indices, None, ROWS.fields))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


def test_a_header_may_be_included_twice_and_beside_another(tmp_path: Path, compiler: str) -> None:
    export(make_model("ffm"), tmp_path / "first model.h")
    export(make_model("fm"), tmp_path / "2nd.h")
    program = tmp_path / "main.c"
    program.write_text(
        '#include "first model.h"\n#include "first model.h"\n#include "2nd.h"\n'
        "int main(void) {\n"
        "  const uint32_t ids[] = {1, 2};\n  const uint16_t fields[] = {0, 1};\n"
        "  float a, b;\n"
        "  first_model_predict(ids, NULL, fields, 2, &a);\n"
        "  model_2nd_predict(ids, NULL, NULL, 2, &b);\n"
        "  return !(a > 0 && a < 1 && b > 0 && b < 1);\n}\n"
    )
    command = [compiler, *STRICT, "-o", tmp_path / "main", program, "-lm"]
    subprocess.run(command, check=True)
    subprocess.run([tmp_path / "main"], check=True)


@pytest.mark.parametrize(
    "stem",
    [
        "N_FACTORS",
        "n_fields",
        "N",
        "LINKAGE",
        "int",
        "while",
        "1st",
        "a b",
        "it's",
        'q"',
        "ü日",
        "_",
        "@",
    ],
)
@pytest.mark.parametrize("kind", ["ffm", "hofm"])
def test_any_name_of_a_file_compiles(tmp_path: Path, compiler: str, stem: str, kind: str) -> None:
    model = make_model(kind)
    export(model, tmp_path / f"{stem}.c")
    source = (tmp_path / f"{stem}.c").read_text("utf-8")
    (tmp_path / "renamed.c").write_text(source)
    library = compiled(compiler, tmp_path / "renamed.c")
    name = next(word for word in source.replace("(", " ").split() if word.endswith("_score"))
    np.testing.assert_allclose(
        scores(library, name, model), model.score(ROWS), atol=TOLERANCE, rtol=0
    )
