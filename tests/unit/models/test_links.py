"""The link functions: one sample is predicted as many are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fieldfare as ff
from fieldfare.kinds.losses import TASKS
from fieldfare.models.links import link, link_one

SCORES = st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3)


@given(task=st.sampled_from(TASKS), scores=SCORES)
def test_one_sample_has_the_link_of_many(task: str, scores: list[float]) -> None:
    own = scores if task == "multiclass" else scores[:1]
    many = link(task, np.array([own], np.float32))[0]
    np.testing.assert_allclose(link_one(task, own), many, rtol=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_predict_one_is_predict_of_one_row(task: str) -> None:
    random = np.random.default_rng(0)
    table = {
        "query": [f"q{i}" for i in random.integers(0, 20, 300)],
        "item": [f"i{i}" for i in random.integers(0, 30, 300)],
        "y": random.integers(0, 2 if task == "binary" else 3, 300).tolist(),
    }
    how = {"group": "query"} if task == "rank" else {}
    model = ff.train(table, target="y", task=task, n_factors=2, max_iter=2, random_state=0, **how)
    sample = {"query": "q1", "item": "i3"}
    one = model.model.predict_one(sample)
    many = ff.predict(model.model, {name: [value] for name, value in sample.items()})
    np.testing.assert_allclose(one, many[0], rtol=1e-5)
