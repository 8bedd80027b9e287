"""Functions that take a model say what to pass when they are given an estimator."""

from __future__ import annotations

import numpy as np
import pytest

import fieldfare as ff
from fieldfare.exceptions import ConfigError, DataError, SchemaError

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


@pytest.mark.parametrize("sample", [None, ["a"], "a", 1])
def test_a_sample_that_is_no_mapping_is_refused(sample):
    model = ff.train({"x": ["a", "b"] * 5, "target": [0, 1] * 5}, max_iter=1).model
    with pytest.raises(SchemaError, match=r"A sample is a mapping.*fieldfare\.predict"):
        model.predict_one(sample)


@pytest.mark.parametrize("kind", ["ffm", "fwfm"])
def test_a_model_that_uses_fields_refuses_rows_without(kind):
    data = ff.load_data({"x": ["a", "b"] * 5, "y": ["c"] * 10, "target": [0, 1] * 5})
    model = ff.train(data, model=kind, max_iter=1).model
    bare = data.rows.with_(fields=None)
    for refused in (model.predict, lambda rows: model.score_candidates(rows.slice(0, 1), bare)):
        with pytest.raises(DataError, match=f"A {kind} model needs the field of every entry"):
            refused(bare)
    with pytest.raises(DataError, match=f"A {kind} model needs the field of every entry"):
        ff.train(ff.Dataset(bare, data.schema), model=model, max_iter=1)
