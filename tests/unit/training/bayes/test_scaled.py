"""Chains over numbers of unequal size."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from fieldfare.data.dataset import Dataset
from fieldfare.data.loading import load
from fieldfare.estimators import BayesianFMOrdinalRegressor, BayesianFMRegressor
from fieldfare.exceptions import DataWarning
from fieldfare.models.scaling import Scaling
from fieldfare.training.bayes.functions import sample
from fieldfare.training.functions import train


def table(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    z = random.normal(size=(n, 3))
    y = z @ [1.0, -2, 1] + z[:, 0] * z[:, 1] + random.normal(size=n) * 0.1
    return z * [1000, 0.01, 20] + [2000, 0.05, 0], y


GIVEN = {"random_state": 0, "n_jobs": 1, "n_samples": 20, "n_warmup": 10}


def of_kind(kind: str) -> dict[str, int]:
    return GIVEN if kind == "linear" else {**GIVEN, "n_factors": 2}


@pytest.mark.parametrize("kind", ["linear", "fm", "hofm"])
@pytest.mark.parametrize("task", ["regression", "binary", "ordinal"])
def test_sampling_is_sampling_on_numbers_scaled_by_hand(kind: str, task: str) -> None:
    x, y = table()
    target = {"regression": y, "binary": y > 0, "ordinal": np.clip(np.round(y), -1, 1)}[task]
    data = load(x, target=target)
    found = sample(data, model=kind, task=task, **of_kind(kind)).posterior
    again = train(data, model=kind, task="regression", max_iter=1, random_state=0).model
    scaled = again.scaling.apply(data.rows)
    twin = sample(
        Dataset(scaled, data.schema), model=kind, task=task, scale_features=False, **of_kind(kind)
    ).posterior
    one, two = found.predict(data.rows), twin.predict(scaled)
    # Two chains from starts that differ in the last digits: alike, not equal.
    assert np.corrcoef(one, two)[0, 1] > 0.97
    assert np.corrcoef(one, target)[0, 1] > 0.7


def test_a_time_stamp_beside_ids_does_no_harm() -> None:
    random = np.random.default_rng(0)
    n = 500
    user = random.integers(0, 20, n)
    stamp = 874724710 + random.integers(0, 2 * 10**7, n)
    y = 3 + 0.5 * (user % 3) + random.normal(0, 0.3, n)
    ids = sp.csr_matrix((np.ones(n), (np.arange(n), user)), shape=(n, 20))
    x = sp.hstack([ids, sp.csr_matrix(stamp[:, np.newaxis].astype(float))]).tocsr()
    model = BayesianFMRegressor(**of_kind("fm"))
    with pytest.warns(DataWarning, match="vary little around a large mean"):
        model.fit(x, y)
    assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) < 0.8 * y.std()


@pytest.mark.filterwarnings("ignore:The model is worse than a constant")  # of numbers as they are
def test_a_chain_goes_on_with_its_scales() -> None:
    x, y = table()
    model = BayesianFMRegressor(warm_start=True, **of_kind("fm")).fit(x, y)
    first = Scaling.from_arrays(model._state)
    model.fit(x * 3, y)
    np.testing.assert_array_equal(Scaling.from_arrays(model._state).scale, first.scale)
    plain = BayesianFMRegressor(warm_start=True, scale_features=False, **of_kind("fm")).fit(x, y)
    plain.set_params(scale_features=True).fit(x, y)
    assert Scaling.from_arrays(plain._state) is None


def test_ordered_classes_of_unequal_numbers_are_learned() -> None:
    x, y = table()
    stars = np.clip(np.round(y), -1, 1)
    model = BayesianFMOrdinalRegressor(**of_kind("fm")).fit(x, stars)
    assert np.corrcoef(model.predict(x), stars)[0, 1] > 0.85
