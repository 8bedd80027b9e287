"""Arguments that ended in an error of the inside, or of another library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from fieldfare import (
    FMClassifier,
    FMRegressor,
    History,
    Rows,
    RowStore,
    cross_validate,
    load_data,
    recipes,
)
from fieldfare.exceptions import ConfigError, DataError, StoreError
from fieldfare.retrieval import compare
from fieldfare.training.prepare.targets import class_numbers

X = {"user": ["u0", "u1"] * 10, "item": list("abcd") * 5}
Y = [0, 1] * 10


def rows():
    return Rows(np.array([0, 1, 2]), np.array([0, 1], np.uint32))


def fitted():
    return FMClassifier(max_iter=1, random_state=0).fit(X, Y)


def test_a_sparse_matrix_is_no_table():
    with (
        pytest.warns(UserWarning, match="valid feature names"),
        pytest.raises(DataError, match="dense 2-d array"),
    ):
        fitted().predict(sp.csr_matrix(np.ones((2, 2))))


def test_a_list_that_holds_itself_is_no_list_of_columns():
    X: list[Any] = []
    X.append(X)
    with pytest.raises(DataError):
        FMClassifier().fit(X, Y)


def test_weights_that_are_texts_name_the_column():
    with pytest.raises(DataError, match="'user' of sample weights must hold numbers"):
        FMRegressor().fit(X, np.arange(20.0), sample_weight="user")


def test_labels_of_another_type_than_the_classes():
    classes = np.array(["no", "yes"], dtype=object)
    with pytest.raises(DataError, match="another type"):
        class_numbers(np.array([0, 1], dtype=object), classes, "Use one type.")


def test_a_count_of_negatives_has_a_limit():
    table = {"user": ["a", "b"], "item": ["x", "y"], "tag": ["s", "t"]}
    with pytest.raises(ConfigError, match="n_negatives"):
        recipes.pitf(table, user="user", item="item", tag="tag", n_negatives=2**62)


@pytest.mark.parametrize("n", [-1, 2**62])
def test_counts_of_features_have_a_range(n):
    with pytest.raises(ConfigError, match="n_features"):
        rows().counts(n)


def test_no_metrics_mean_the_usual_ones_whatever_holds_none():
    found = cross_validate({**X, "y": Y}, target="y", metrics=np.array([], dtype=str), max_iter=1)
    assert found is not None


def test_a_comparison_needs_a_metric():
    seen = {"user": list("aabb"), "item": list("xyxy")}
    tested = {"user": list("ab"), "item": list("zz")}
    with pytest.raises(ConfigError, match="at least one metric"):
        compare({}, seen, tested, user="user", item="item", metrics=[], baselines=["popularity"])


def test_a_history_is_an_object():
    pl = pytest.importorskip("polars")
    with pytest.raises(DataError, match="the object that to_json returns"):
        History.from_json(pl.DataFrame())


def test_a_name_too_long_for_the_file_system(tmp_path):
    with pytest.raises(StoreError):
        RowStore.build([rows()], tmp_path / ("x" * 100_000))


@pytest.mark.parametrize("sep", ["¦", "٣"])
def test_a_separator_outside_ascii_separates(tmp_path, sep):
    path = tmp_path / "table.csv"
    path.write_text(f"y{sep}a{sep}b\n" + f"1{sep}p{sep}2\n0{sep}q{sep}3\n" * 3, encoding="utf-8")
    data = load_data(path, sep=sep, target="y")
    assert data.schema.names_in_table == ["a", "b"]
    assert len(data) == 6


def test_half_a_character_is_no_separator():
    with pytest.raises(ConfigError, match="separator"):
        load_data({"a": [1]}, sep="\udcff")


def test_more_threads_than_rows_are_not_started():
    from fieldfare import BayesianFMClassifier

    estimator = BayesianFMClassifier(n_samples=4, n_warmup=1, random_state=0)
    posterior = estimator.fit(X, Y).posterior_
    rows = posterior.schema.encode(X)
    assert np.array_equal(posterior.deviations(rows, 2**31), posterior.deviations(rows, 1))
