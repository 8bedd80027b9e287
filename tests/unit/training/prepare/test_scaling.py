"""Which numbers are scaled in training."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from fieldfare.config import ModelConfig
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, DataWarning
from fieldfare.models.scaling import Scaling
from fieldfare.rows import Rows
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import train
from fieldfare.training.prepare.scaling import scaling_of
from fieldfare.training.samples.subset import RowSubset

RANDOM = np.random.default_rng(0)


def scaling(
    matrix: object, setting: bool | str = "auto", weight: object = None, **kind: object
) -> Scaling | None:
    data = load(matrix, weight=weight, labelled=False)
    config = ModelConfig(**{"task": "regression"} | kind)
    return scaling_of(config, setting, RowSubset.of(data), data.schema)


def normal(n: int = 400, *columns: tuple[float, float]) -> np.ndarray:
    """Columns with these means and standard deviations."""
    return np.column_stack([RANDOM.normal(mean, spread, n) for mean, spread in columns])


def one_hot(n: int, k: int) -> sp.csr_matrix:
    return sp.csr_matrix((np.ones(n), (np.arange(n), np.arange(n) % k)), shape=(n, k))


@pytest.mark.parametrize(
    "matrix",
    [
        one_hot(100, 7),
        normal(400, (0, 1), (0, 5), (2, 0.3)),
        normal(400, (0, 0.05), (0, 0.05)),
        sp.hstack([one_hot(400, 9), sp.csr_matrix(normal(400, (0, 1)))]).tocsr(),
        sp.random(400, 50, 0.05, random_state=0, format="csr") * 0.01,
        np.zeros((5, 3)),
    ],
    ids=["ones", "unit", "small", "mixed", "rare", "empty"],
)
def test_features_of_like_size_are_left_alone(matrix: object) -> None:
    assert scaling(matrix) is None
    assert scaling(matrix, False) is None


@pytest.mark.parametrize(
    "matrix",
    [
        normal(400, (0, 1), (0, 20)),
        normal(400, (0, 0.01), (0, 1)),
        normal(400, (100, 10), (50, 12)),
        normal(400, (5, 0.1)),
        sp.hstack([one_hot(400, 9), sp.csr_matrix(normal(400, (0, 1000)))]).tocsr(),
    ],
    ids=["large", "small", "far", "narrow", "beside ids"],
)
def test_features_of_unequal_size_are_scaled(matrix: object) -> None:
    assert scaling(matrix) is not None
    assert scaling(matrix, False) is None


def test_scales_are_powers_of_two_and_shifts_are_means() -> None:
    found = scaling(normal(10_000, (3000, 1000), (0.02, 0.01), (0, 1)))
    assert found.scale.tolist() == [1024, 2**-7, 1]
    np.testing.assert_allclose(found.shift, [3000 / 1024, 0.02 * 128, 0], atol=0.03)
    assert (found.shift * 64 % 1 == 0).all()


def test_ones_and_numbers_that_few_rows_have_are_not_centred() -> None:
    rare = sp.random(400, 1, 0.3, random_state=0, data_rvs=lambda n: np.full(n, 900.0))
    found = scaling(sp.hstack([one_hot(400, 3), rare]).tocsr())
    assert found.scale.tolist() == [1, 1, 1, 1024]
    assert not found.shift.any()


def test_zeros_of_a_number_that_most_rows_have_count() -> None:
    x = normal(400, (50, 5))
    x[::4] = 0
    found = scaling(x)
    mean, spread = x.mean(), x.std()
    assert found.scale[0] == 2 ** np.rint(np.log2(spread))
    assert found.shift[0] * found.scale[0] == pytest.approx(mean, abs=0.5)


@pytest.mark.parametrize(
    "kind",
    [{"model": "hofm"}, {"fit_intercept": False}, {"fit_linear": False}],
    ids=["hofm", "no bias", "no weights"],
)
def test_models_that_cannot_make_up_for_a_shift_are_only_scaled(kind: dict) -> None:
    found = scaling(normal(400, (50, 10), (0, 1)), **kind)
    assert found.scale.tolist() == [64, 1]
    assert not found.shift.any()
    with pytest.warns(DataWarning, match=r"hofm has more.*: 0 \(around"):
        scaling(normal(400, (50, 1), (0, 1)), **kind)


def test_weights_count_as_repetitions() -> None:
    x = normal(60, (50, 10), (0, 1))
    weight = RANDOM.integers(0, 4, 60)
    once, repeated = scaling(x, weight=weight), scaling(np.repeat(x, weight, axis=0))
    np.testing.assert_array_equal(once.scale, repeated.scale)
    np.testing.assert_array_equal(once.shift, repeated.shift)


def test_true_scales_what_auto_would_not() -> None:
    found = scaling(normal(400, (0, 5)), True)
    assert found.scale.tolist() == [4]


def test_columns_of_tables_are_standardised_already() -> None:
    frame = {"x": normal(50, (5000, 3))[:, 0].tolist(), "target": [0.0, 1.0] * 25}
    assert train(frame, target="target", max_iter=1).model.scaling is None


def test_columns_of_tables_that_are_used_as_they_are_are_warned_of() -> None:
    frame = {
        "x": normal(50, (5000, 3))[:, 0].tolist(),
        "c": ["a", "b"] * 25,
        "target": [0.0, 1.0] * 25,
    }
    columns = (Column("x", "numeric", transform="none"), Column("c", "categorical"))
    with pytest.warns(DataWarning, match="transform='none'.*x is about 5e"):
        train(frame, schema=Schema(columns, "target"), max_iter=1)


def test_numbers_that_hardly_vary_are_named() -> None:
    stamp = normal(400, (1.5e9, 1e6), (0, 1))
    with pytest.warns(DataWarning, match=r"vary little.*0 \(around 1\.\d+e\+09\).*offset"):
        found = scaling(stamp)
    assert found.scale.tolist() == [2.0**30, 1]
    assert found.shift[0] == 0


def test_normalised_rows_are_warned_of_or_refused() -> None:
    x = normal(400, (0, 1), (0, 1000))
    with pytest.warns(DataWarning, match="values of feature 1 are about.*instance_norm"):
        assert scaling(x, instance_norm=True) is None
    with pytest.raises(ConfigError, match="scale_features=True"):
        scaling(x, True, instance_norm=True)


def test_a_feature_under_several_fields_is_not_centred_by_models_of_fields() -> None:
    indices = np.tile(np.array([0, 1], np.uint32), 50)
    fields = np.tile(np.array([0, 1], np.uint16), 50)
    fields[0] = 1
    values = RANDOM.normal(100, 10, 100).astype(np.float32)
    rows = Rows(np.arange(0, 101, 2), indices, values, fields, target=values[::2].copy())
    data = load(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        kind = ModelConfig(model="ffm", task="regression")
        found = scaling_of(kind, "auto", RowSubset.of(data), data.schema)
    assert found.shift[0] == 0
    assert found.shift[1] != 0


@pytest.mark.parametrize("kind", ["linear", "fm", "ffm", "fwfm"])
@pytest.mark.parametrize("far", [1, 10, 95])
def test_predictions_in_float32_agree_with_float64(kind: str, far: float) -> None:
    """However far the means are that are still centred, digits of float32 suffice."""
    random = np.random.default_rng(1)
    z = random.normal(size=(300, 4))
    x, y = (z + far) * [1000, 0.1, 1, 50], z @ [1, 2, -1, 1] + z[:, 0] * z[:, 1]
    fields = list(range(4)) if kind in ("ffm", "fwfm") else None
    data = load(x, target=y, fields=fields)
    factors = {} if kind == "linear" else {"n_factors": 4}
    model = train(data, model=kind, random_state=0, n_jobs=1, max_iter=30, **factors).model
    exact = np.full(300, float(model.bias[0]))
    for row in range(300):
        values = x[row].astype(np.float32).astype(np.float64)
        number = None if fields is None else np.arange(4)
        terms = model.pair_terms(np.arange(4), number, values)[2]
        exact[row] += model.linear[:, 0].astype(np.float64) @ values + terms.sum()
    error = np.abs(model.score(data.rows)[:, 0] - exact).max()
    assert error < 0.02 * y.std()
