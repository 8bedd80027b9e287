"""Functions that take a model say what to pass when they are given an estimator."""

from __future__ import annotations

import numpy as np
import pytest

import fieldfare as ff
from fieldfare.exceptions import ConfigError

X = np.eye(4, dtype=np.float32)
CALLS = {
    "predict": lambda model: ff.predict(model, X),
    "evaluate": lambda model: ff.evaluate(model, X),
    "explain": lambda model: ff.explain(model, X),
    "top_features": ff.top_features,
    "top_interactions": ff.top_interactions,
    "field_interactions": ff.field_interactions,
    "latent_vectors": lambda model: ff.latent_vectors(model, X),
    "field_vectors": lambda model: ff.field_vectors(model, X),
    "export": lambda model: ff.export(model, "never-written", "xlearn"),
    "save_model": lambda model: ff.save_model(model, "never-written"),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_estimator_is_told_where_its_model_is(name):
    estimator = ff.FMClassifier(max_iter=1).fit(X, [0, 1, 0, 1])
    with pytest.raises(ConfigError, match=r"needs a Model. Got FMClassifier.*estimator\.model_"):
        CALLS[name](estimator)


def test_what_is_no_model_at_all():
    with pytest.raises(ConfigError, match="Got str. fieldfare.load_model"):
        ff.predict("clicks.ff", X)
