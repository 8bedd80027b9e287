"""Functions that take a model take a fitted estimator, and say so when they are given neither."""

from __future__ import annotations

import numpy as np
import pytest

import fieldfare as ff
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.models.base import Model
from fieldfare.models.fwfm import FwFMModel

X = np.eye(4, dtype=np.float32)
Y = [0, 1, 0, 1]
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
    "split": ff.split,
    "Recommender": lambda model: ff.Recommender(model, {"item": ["a"]}),
    "train": lambda model: ff.train(X, target=Y, model=model),
}
TABLE = {"user": ["u", "v"] * 20, "item": ["a", "a", "b", "b"] * 10, "y": [0, 1, 1, 0] * 10}
ROLES = {"user": "user", "item": "item"}


@pytest.fixture(scope="module")
def estimator():
    return ff.FMClassifier(max_iter=2, random_state=0, n_jobs=1).fit(TABLE, "y")


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("model", "hint"),
    [
        (ff.FMClassifier(), "not fitted yet"),
        (ff.BayesianFMRegressor(n_samples=2, n_warmup=1).fit(X, Y), "samples of a model instead"),
        (None, "load_model"),
    ],
)
def test_what_has_no_model_is_refused(name, model, hint):
    if name in ("evaluate", "predict") and hasattr(model, "posterior_"):
        assert "rmse" in ff.evaluate(model, X, target=Y)
        assert ff.predict(model, X).shape == (len(X),)
        return
    with pytest.raises(ConfigError, match=f"needs a Model or a fitted estimator.*{hint}"):
        CALLS[name](model)


def test_functions_do_with_an_estimator_what_they_do_with_its_model(estimator, tmp_path):
    model = estimator.model_
    for function in (
        lambda m: ff.predict(m, TABLE).tolist(),
        lambda m: ff.evaluate(m, TABLE),
        lambda m: str(ff.explain(m, TABLE)),
        lambda m: str(ff.top_features(m)),
        lambda m: str(ff.top_interactions(m)),
        lambda m: ff.field_interactions(m).to_dict(),
        lambda m: ff.latent_vectors(m, TABLE).tolist(),
        lambda m: ff.field_vectors(m, TABLE).tolist(),
        lambda m: ff.split(m, ROLES).items({"item": ["a", "b"]}).tolist(),
        lambda m: (
            ff.Recommender(m, {"item": ["a", "b"]}, roles=ROLES, ranker=m)
            .recommend(["u"], n=2)
            .scores.tolist()
        ),
    ):
        assert function(estimator) == function(model)
    for what, one in (("estimator", estimator), ("model", model)):
        ff.save_model(one, tmp_path / f"{what}.ff")
        ff.export(one, tmp_path / f"{what}.json")
    assert (tmp_path / "estimator.ff").read_bytes() == (tmp_path / "model.ff").read_bytes()
    assert (tmp_path / "estimator.json").read_bytes() == (tmp_path / "model.json").read_bytes()
    assert ff.train(TABLE, target="y", model=estimator, max_iter=1).model.n_features == 8


def test_samples_of_an_estimator_are_saved(tmp_path):
    estimator = ff.BayesianFMRegressor(n_samples=2, n_warmup=1, random_state=0).fit(X, Y)
    ff.save_posterior(estimator, tmp_path / "p.ff")
    assert len(ff.load_posterior(tmp_path / "p.ff")) == 2


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


def test_the_class_of_all_models_has_no_shapes() -> None:
    with pytest.raises(ConfigError, match="stands for models of all kinds"):
        Model.pair_weights_shape(2, 1)
    with pytest.raises(ConfigError, match="n_fields"):
        FwFMModel.pair_weights_shape(-1, 1)
