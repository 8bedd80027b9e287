"""Rankings compared with brute force over all pairs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError, DataError
from fieldfare.explain import field_interactions, interactions, top_features, top_interactions
from fieldfare.kinds.models import MODEL_KINDS


@pytest.fixture(params=[7, 1024])
def _block(request, monkeypatch):
    """Search in blocks smaller and larger than the table."""
    monkeypatch.setattr(interactions, "_BLOCK", request.param)


def value(model, i, j, output=0):
    if model.kind == "ffm":
        v, u = model.factors[i, output, j % 5], model.factors[j, output, i % 5]
    else:
        of_pairs = model.config.factor_blocks[0].n_factors
        v, u = model.factors[i, output, :of_pairs], model.factors[j, output, :of_pairs]
    weight = 1.0 if model.kind != "fwfm" else float(model.pair_weights[output, i % 5, j % 5])
    return weight * float(v.astype(float) @ u.astype(float))


def brute_force(model, scale, outputs=(0,), within=False):
    n = model.n_features
    found = [
        (abs(value(model, i, j, c)) * scale[i] * scale[j], c, (i, j))
        for c in outputs
        for i in range(n)
        for j in range(i + 1, n)
        if within or i % 5 != j % 5
    ]
    return sorted(found, reverse=True)


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("n", [1, 10, 10_000])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", list(MODEL_KINDS)[1:])
def test_pairs_equal_brute_force(make_model, schema, kind, weighted, n):
    model = make_model(kind, schema=schema)
    scale = np.sqrt(schema.counts / schema.n_rows) if weighted else np.ones(model.n_features)
    expected = brute_force(model, scale)[:n]
    found = top_interactions(model, n, weighted=weighted)
    assert [item.features for item in found] == [pair for _, _, pair in expected]
    np.testing.assert_allclose([item.strength for item in found], [s for s, _, _ in expected])
    for item in found[:3]:
        assert item.value == pytest.approx(value(model, *item.features))
        assert item.first == schema.feature_name(item.features[0])


@pytest.mark.usefixtures("_block")
def test_fm_without_fields_takes_all_pairs(make_model):
    model = make_model("fm")
    expected = brute_force(model, np.ones(model.n_features), within=True)[:15]
    assert [item.features for item in top_interactions(model, 15)] == [p for _, _, p in expected]


def test_classes_are_ranked_together_or_one_alone(make_model, schema):
    model = make_model("ffm", n_outputs=3, schema=schema, classes=["a", "b", "c"])
    ones = np.ones(model.n_features)
    expected = brute_force(model, ones, (0, 1, 2))[:12]
    found = top_interactions(model, 12, weighted=False)
    assert [(item.label, item.features) for item in found] == [
        (model.classes[c], pair) for _, c, pair in expected
    ]
    one = top_interactions(model, 12, weighted=False, label="b")
    assert [item.features for item in one] == [p for _, _, p in brute_force(model, ones, (1,))[:12]]
    assert "label" in str(found)


def test_rare_features_can_be_left_out(make_model, schema):
    model = make_model("fm", schema=schema)
    found = top_interactions(model, 1000, min_count=200, weighted=False)
    used = {feature for item in found for feature in item.features}
    assert used == set(np.flatnonzero(schema.counts >= 200))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", list(MODEL_KINDS)[1:])
def test_field_interactions_equal_their_definition(make_model, schema, kind, weighted):
    model = make_model(kind, schema=schema)
    matrix = field_interactions(model, weighted=weighted)
    q = schema.counts.astype(float) if weighted else np.ones(model.n_features)
    for a in range(5):
        for b in range(5):
            total = weight = 0.0
            for i in range(a, model.n_features, 5):
                for j in range(b, model.n_features, 5):
                    total += q[i] * q[j] * value(model, i, j) ** 2
                    weight += q[i] * q[j]
            expected = 0 if a == b else np.sqrt(total / weight)
            assert matrix.values[a, b] == pytest.approx(expected)
    assert matrix.names == schema.field_names
    json.dumps(matrix.to_dict())


def test_fields_are_ranked_by_their_matrix(make_model, schema):
    model = make_model("ffm", schema=schema)
    values = field_interactions(model).values
    found = top_interactions(model, 100, by="field")
    assert len(found) == 10
    strengths = [item.strength for item in found]
    assert strengths == sorted(strengths, reverse=True)
    for item in found:
        assert item.strength == pytest.approx(values[item.fields])
    assert "user" in str(found)


def test_fields_and_counts_can_come_from_rows(make_model, schema, rows):
    known = rows.take(np.array([0, 1, 4, 7]))
    bare = make_model("ffm")
    with pytest.raises(DataError, match="rows="):
        top_interactions(bare)
    found = top_interactions(bare, 5, rows=known)
    counts = np.bincount(known.indices, minlength=bare.n_features)
    scale = np.sqrt(np.minimum(counts / len(known), 1))
    assert [item.features for item in found] == [p for _, _, p in brute_force(bare, scale)[:5]]
    assert field_interactions(bare, rows=known).values.shape == (5, 5)


def test_linear_models_have_no_interactions(make_model, schema):
    for function in (top_interactions, field_interactions):
        with pytest.raises(ConfigError, match="latent"):
            function(make_model("linear", schema=schema))


@pytest.mark.parametrize("options", [{"n": 0}, {"n": 1.5}, {"by": "pair"}, {"label": 3}])
def test_parameters_are_checked(make_model, schema, options):
    with pytest.raises(ConfigError):
        top_interactions(make_model("fm", schema=schema), **options)


@pytest.mark.parametrize("weighted", [False, True])
def test_top_features(make_model, schema, weighted):
    model = make_model("linear", schema=schema)
    strength = np.abs(model.linear[:, 0])
    if weighted:
        strength = strength * np.sqrt(schema.counts / schema.n_rows)
    found = top_features(model, 7, weighted=weighted)
    assert [item.feature for item in found] == np.argsort(-strength)[:7].tolist()
    assert found[0].support == schema.counts[found[0].feature]
    assert found[0].name in str(found)
    json.dumps(found.to_dict())


def test_top_features_of_classes_and_without_schema(make_model):
    model = make_model("fm", n_outputs=3)
    found = top_features(model, 500)
    assert len(found) == 3 * model.n_features
    assert {item.label for item in found} == {0, 1, 2}
    assert found[0].support is None
    assert {item.label for item in top_features(model, 5, label=1)} == {1}


def test_an_empty_ranking_prints(make_model, schema):
    assert "none" in str(top_features(make_model("fm", schema=schema), min_count=10**6))
