"""The fields of one-hot matrices."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from fieldfare.data.loading import load
from fieldfare.data.one_hot import fields_of_one_hot
from fieldfare.estimators import FFMClassifier, FMClassifier, FwFMRegressor
from fieldfare.exceptions import ConfigError
from fieldfare.training.functions import train

SIZES = (9, 5, 12)


def one_hot(n: int = 300, sizes: tuple[int, ...] = SIZES) -> sp.csr_matrix:
    random = np.random.default_rng(0)
    return sp.hstack(
        [
            sp.csr_matrix((np.ones(n), (np.arange(n), random.integers(0, size, n))), (n, size))
            for size in sizes
        ]
    ).tocsr()


def target(n: int = 300) -> np.ndarray:
    return np.arange(n) % 2


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, lambda x: x.toarray()])
def test_columns_that_no_row_has_two_of_share_a_field(make) -> None:
    found = fields_of_one_hot(make(one_hot()))
    assert found.tolist() == np.repeat([0, 1, 2], SIZES).tolist()


def test_numbers_have_a_field_of_their_own() -> None:
    random = np.random.default_rng(0)
    rare = np.where(random.random(300) < 0.1, 7.0, 0)
    numbers = np.column_stack([rare, random.normal(size=300), rare])
    found = fields_of_one_hot(np.column_stack([one_hot(sizes=(3,)).toarray(), numbers, rare > 0]))
    assert found.tolist() == [0, 0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("cls", [FFMClassifier, FwFMRegressor])
def test_one_hot_columns_without_fields_are_refused_with_a_proposal(cls) -> None:
    with pytest.raises(ConfigError, match="0-8, 9-13, 14-25 look like one field each.*one_hot"):
        cls(max_iter=1).fit(one_hot(), target())
    many = one_hot(sizes=(3,) * 10)
    with pytest.raises(ConfigError, match=r"15-17, \.\.\. look"):
        cls(max_iter=1).fit(many, target())


def test_the_proposal_is_taken() -> None:
    x = one_hot()
    fitted = FFMClassifier(fields=fields_of_one_hot(x), max_iter=1).fit(x, target())
    assert fitted.model_.n_fields == 3
    fitted.partial_fit(x, target())
    each = FFMClassifier(fields=range(x.shape[1]), max_iter=1).fit(x, target())
    assert each.model_.n_fields == x.shape[1]
    FMClassifier(max_iter=1).fit(x, target())


def test_words_that_few_rows_have_need_fields_too() -> None:
    words = (sp.random(300, 900, 0.01, random_state=0, format="csr") != 0).astype(float)
    with pytest.raises(ConfigError, match="Say which columns share a field") as raised:
        FFMClassifier(max_iter=1).fit(words, target())
    assert "one_hot" not in str(raised.value)


@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(0).normal(size=(300, 30)),
        np.random.default_rng(0).integers(0, 2, (300, 30)).astype(float),
        one_hot(sizes=(3, 4)).toarray(),
    ],
    ids=["numbers", "flags", "few"],
)
def test_other_columns_are_a_field_each(x) -> None:
    assert FFMClassifier(max_iter=1).fit(x, target()).model_.n_fields == x.shape[1]


def test_functions_say_where_fields_come_from() -> None:
    with pytest.raises(ConfigError, match="fields_of_one_hot"):
        train(load(one_hot(), target=target()), model="ffm")
