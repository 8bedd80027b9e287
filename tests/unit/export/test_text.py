"""Text exports, read back by small parsers whose scores must agree with the model's."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError
from fieldfare.export import export
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS = 6, 3
ROWS = Rows(
    np.array([0, 4, 4, 6, 9], np.int64),
    np.array([0, 2, 3, 5, 1, 4, 0, 1, 2], np.uint32),
    np.array([1, 0.5, -2, 3, 1, 1, 0.25, 2, 1], np.float32),
    np.array([0, 1, 1, 2, 0, 2, 2, 0, 1], np.uint16),
)


def make_model(kind: str, task: str = "binary", *, linear: bool = True, **config) -> Model:
    n_outputs = 3 if task == "multiclass" else 1
    model = build(
        ModelConfig(model=kind, task=task, n_factors=3, **config),
        n_features=N_FEATURES,
        n_fields=N_FIELDS,
        n_outputs=n_outputs,
    )
    rng = np.random.default_rng(0)
    if linear:
        model.bias[:] = rng.normal(size=n_outputs)
        model.linear[:] = rng.normal(size=model.linear.shape)
    if model.factors is not None:
        scale = 10.0 ** rng.integers(-9, 1, model.factors.shape)
        model.factors[:] = rng.normal(size=model.factors.shape) * scale
    return model


def samples(normalise: bool) -> list[list[tuple[int, int, float]]]:
    """Return (feature, field, value) of each entry of each row."""
    found = []
    for start, stop in zip(ROWS.indptr, ROWS.indptr[1:], strict=False):
        x = ROWS.values[start:stop].astype(float)
        if normalise:
            x = x / (np.linalg.norm(x) or 1)
        ids, fields = ROWS.indices[start:stop].tolist(), ROWS.fields[start:stop].tolist()
        found.append(list(zip(ids, fields, x.tolist(), strict=True)))
    return found


def read_xlearn(path: Path) -> dict[str, np.ndarray]:
    lines = dict(line.split(": ") for line in path.read_text("ascii").splitlines())
    return {name: np.array(text.split(), np.float32) for name, text in lines.items()}


def read_libffm(path: Path) -> tuple[dict[str, int], dict[str, np.ndarray]]:
    lines = path.read_text("ascii").splitlines()
    header = {name: int(value) for name, value in (line.split() for line in lines[:4])}
    weights = {
        name: np.array(numbers.split(), np.float32)
        for name, numbers in (line.split(" ", 1) for line in lines[4:])
    }
    return header, weights


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("kind", ["linear", "fm", "ffm"])
def test_xlearn_scores(tmp_path: Path, kind: str, task: str) -> None:
    model = make_model(kind, task)
    export(model, tmp_path / "m.txt", "xlearn-text")
    w = {name: v.astype(float) for name, v in read_xlearn(tmp_path / "m.txt").items()}
    scores = []
    for sample in samples(normalise=False):
        score = w["bias"][0] + sum(w[f"i_{i}"][0] * x for i, _, x in sample)
        for (i, a, x), (j, b, z) in combinations(sample, 2):
            if kind == "fm":
                score += w[f"v_{i}"] @ w[f"v_{j}"] * x * z
            elif kind == "ffm":
                score += w[f"v_{i}_{b}"] @ w[f"v_{j}_{a}"] * x * z
        scores.append(score)
    np.testing.assert_allclose(model.score(ROWS)[:, 0], scores, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("normalise", [False, True])
def test_libffm_scores(tmp_path: Path, normalise: bool) -> None:
    model = make_model("ffm", linear=False, instance_norm=normalise)
    export(model, tmp_path / "m.txt", "libffm-text")
    header, w = read_libffm(tmp_path / "m.txt")
    assert header == {"n": 6, "m": 3, "k": 3, "normalization": int(normalise)}
    scores = [
        sum(
            w[f"w{i},{b}"].astype(float) @ w[f"w{j},{a}"].astype(float) * x * z
            for (i, a, x), (j, b, z) in combinations(sample, 2)
        )
        for sample in samples(normalise)
    ]
    np.testing.assert_allclose(model.score(ROWS)[:, 0], scores, rtol=1e-6, atol=1e-6)


def test_every_parameter_survives_exactly(tmp_path: Path) -> None:
    model = make_model("ffm")
    model.linear[:3, 0] = [0.1, 2.0**-126, -3.4e38]
    export(model, tmp_path / "x.txt", "xlearn-text")
    w = read_xlearn(tmp_path / "x.txt")
    assert len(w) == 1 + N_FEATURES + N_FEATURES * N_FIELDS
    assert w["bias"] == model.bias
    for i in range(N_FEATURES):
        assert w[f"i_{i}"] == model.linear[i]
        for f in range(N_FIELDS):
            np.testing.assert_array_equal(w[f"v_{i}_{f}"], model.factors[i, 0, f])


def test_the_exact_text(tmp_path: Path) -> None:
    model = build(ModelConfig(model="fm", n_factors=2), n_features=2)
    model.bias[:] = -1.25
    model.linear[:] = [[0.1], [0.0]]
    model.factors[:, 0] = [[0.5, 1e-6], [-2.0, 3.0]]
    export(model, tmp_path / "m.txt", "xlearn-text")
    assert (tmp_path / "m.txt").read_bytes() == (
        b"bias: -1.25\ni_0: 0.1\ni_1: 0.0\nv_0: 0.5 1e-06\nv_1: -2.0 3.0\n"
    )


def test_many_features_are_written_in_blocks(tmp_path: Path) -> None:
    model = build(ModelConfig(model="fm", n_factors=1), n_features=9000)
    export(model, tmp_path / "m.txt", "xlearn-text")
    w = read_xlearn(tmp_path / "m.txt")
    assert len(w) == 1 + 2 * 9000
    np.testing.assert_array_equal(w["v_8999"], model.factors[8999, 0])


def test_libffm_refuses_bias_and_linear_weights_unless_told_to_drop_them(tmp_path: Path) -> None:
    model = make_model("ffm")
    with pytest.raises(ConfigError, match=r"neither a bias nor linear.*drop_linear=True"):
        export(model, tmp_path / "m.txt", "libffm-text")
    assert list(tmp_path.iterdir()) == []
    export(model, tmp_path / "m.txt", "libffm-text", drop_linear=True)
    np.testing.assert_array_equal(
        read_libffm(tmp_path / "m.txt")[1]["w5,2"], model.factors[5, 0, 2]
    )


@pytest.mark.parametrize(
    ("kind", "task", "to", "words"),
    [
        ("fm", "multiclass", "xlearn-text", "multiclass model has 3"),
        ("ffm", "multiclass", "libffm-text", "multiclass model has 3"),
        ("fm", "binary", "libffm-text", "kind 'fm'"),
        ("ffm", "regression", "libffm-text", "only binary field-aware models"),
        ("fwfm", "binary", "xlearn-text", "no place for the parameters of a fwfm model"),
        ("hofm", "binary", "libffm-text", "no place for the parameters of a hofm model"),
    ],
)
def test_models_that_a_format_cannot_express_are_refused(
    tmp_path: Path, kind: str, task: str, to: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        export(make_model(kind, task), tmp_path / "m.txt", to)
    assert list(tmp_path.iterdir()) == []
