"""Importances are parts of the variance of the scores, found without visiting pairs of features."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from fieldfare import (
    BayesianFMClassifier,
    BayesianFMRegressor,
    FFMClassifier,
    FMClassifier,
    FMRegressor,
    FwFMRegressor,
    LinearRegressor,
)
from fieldfare._typing import Float64Array
from fieldfare.schema.numbered import spread_of
from fieldfare.sources.matrix import array_rows

LEVELS = {"city": 3, "day": 4, "noise": 2}


def full_table() -> pd.DataFrame:
    """All combinations of values, equally often: the columns are independent."""
    rows = list(itertools.product(*(range(n) for n in LEVELS.values()))) * 4
    table = pd.DataFrame(rows, columns=list(LEVELS))
    return table.apply(lambda column: column.name + column.astype(str))


def variance_parts(table: pd.DataFrame, score: Float64Array) -> Float64Array:
    """The analysis of variance of the scores, from means over the table."""
    frame = table.assign(score=score - score.mean())
    main = {c: frame.groupby(c)["score"].transform("mean") for c in LEVELS}
    part = {c: float(main[c].var(ddof=0)) for c in LEVELS}
    for a, b in itertools.combinations(LEVELS, 2):
        both = frame.groupby([a, b])["score"].transform("mean") - main[a] - main[b]
        for c in (a, b):
            part[c] += float(both.var(ddof=0)) / 2
    found = np.array(list(part.values()))
    return found / found.sum()


@pytest.mark.parametrize("kind", [LinearRegressor, FMRegressor, FwFMRegressor, FFMClassifier])
def test_they_are_the_parts_of_the_variance_of_independent_columns(kind: Any) -> None:
    table = full_table()
    target = (table["city"] == "city1") * 2.0 + ((table["day"] == "day2") == (table["city"] > "b"))
    y = np.asarray(target > 1.0, int)
    model = kind(max_iter=10, early_stopping=False, random_state=0).fit(table, y)
    score = model.model_.score(model.schema_.encode(table, labelled=False))[:, 0]
    np.testing.assert_allclose(
        model.feature_importances_, variance_parts(table, score.astype(float)), atol=1e-5
    )


def test_numbers_count_by_how_much_they_vary() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(3, 1, (4000, 3)).astype(np.float32) * np.array([1, 10, 0.1], np.float32)
    y = X[:, 0] + 0.1 * X[:, 1]
    tables = [X, pd.DataFrame(X, columns=["a", "b", "c"])]
    for samples in tables:
        model = LinearRegressor(max_iter=60, early_stopping=False, random_state=0).fit(samples, y)
        np.testing.assert_allclose(model.feature_importances_, [0.5, 0.5, 0], atol=0.06)


def test_there_is_one_for_each_column_in_order_and_nothing_for_those_unused() -> None:
    table = full_table().assign(when=pd.date_range("2024-01-01", periods=96, freq="17h"))
    table = table[["when", *LEVELS]]
    y = (table["city"] == "city1").astype(int)
    model = FMClassifier(ignore=["noise"], max_iter=5, random_state=0, early_stopping=False)
    found = model.fit(table, y).feature_importances_
    assert found.shape == (model.n_features_in_,) == model.feature_names_in_.shape
    assert found.sum() == pytest.approx(1) and found.argmax() == 1
    assert found[3] == 0


QUICK = {"max_iter": 2, "early_stopping": False}
SAMPLED = {"n_samples": 4, "n_warmup": 2}
LARGE = 1.7e9  # a time stamp: the square of it leaves no room for its spread in float32


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (LinearRegressor, QUICK),
        (FMRegressor, QUICK),
        (FwFMRegressor, QUICK),
        (BayesianFMRegressor, SAMPLED),
    ],
)
@pytest.mark.parametrize("container", [np.asarray, scipy.sparse.csr_matrix, pd.DataFrame])
def test_they_are_the_same_after_saving_and_loading(
    kind: Any, how: dict[str, Any], container: Any, tmp_path: Path
) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3)) + [0, 0, LARGE]
    model = kind(**how, random_state=0).fit(container(X), X[:, 0])
    model.save(tmp_path / "m.ff")
    found = kind.load(tmp_path / "m.ff").feature_importances_
    assert found.shape == (3,) and found.sum() == pytest.approx(1)
    np.testing.assert_array_equal(found, model.feature_importances_)


def test_the_spread_of_numbers_is_that_of_the_training_rows_zeros_included() -> None:
    X = np.array([[0, 2, LARGE], [4, 2, LARGE + 5e5], [0, 0, LARGE]], np.float32)
    for rows in (array_rows(X), array_rows(scipy.sparse.csr_matrix(X))):
        share, mean, deviation = spread_of(rows, 3)
        np.testing.assert_allclose(share, [1 / 3, 2 / 3, 1])
        np.testing.assert_allclose(mean, X.mean(0, dtype=float), rtol=1e-6)
        np.testing.assert_allclose(deviation, X.std(0, dtype=float), rtol=1e-6)


def test_those_of_a_posterior_are_the_mean_over_its_samples() -> None:
    table = full_table()
    y = (table["city"] == "city1") * 2.0
    model = BayesianFMRegressor(**SAMPLED, n_factors=2, random_state=0).fit(table, y)
    rows = model.schema_.encode(table, labelled=False)
    scores = model.posterior_.scores(rows).astype(float)
    parts = [variance_parts(table, s) * s.var() for s in scores.T]
    expected = np.mean(parts, axis=0)
    np.testing.assert_allclose(model.feature_importances_, expected / expected.sum(), atol=1e-5)


def test_what_is_not_known_is_no_attribute(tmp_path: Path) -> None:
    for kind in (FMClassifier, BayesianFMClassifier):
        assert not hasattr(kind(), "feature_importances_")
    file = tmp_path / "train.libsvm"
    file.write_text("1 1:1 2:3\n0 1:2 3:1\n" * 30)
    model = FMClassifier(**QUICK, random_state=0).fit(str(file))
    with pytest.raises(AttributeError, match="fitted on numbered features"):
        _ = model.feature_importances_
