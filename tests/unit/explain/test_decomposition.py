"""The terms of an explanation sum to the score, and are named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError, DataError
from fieldfare.explain import explain
from fieldfare.kinds.models import MODEL_KINDS

WITH_FIELDS = [name for name, kind in MODEL_KINDS.items() if kind.uses_fields]


@pytest.mark.parametrize(
    "norm", [{}, {"instance_norm": True}, {"instance_norm": True, "norm_unknown": True}]
)
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_terms_sum_to_the_score(make_model, rows, kind, n_outputs, norm):
    model = make_model(kind, n_outputs=n_outputs, **norm)
    scores, predictions = model.score(rows), model.predict(rows)
    for row in range(len(rows)):
        labels = [None] if n_outputs == 1 else range(n_outputs)
        for output, label in enumerate(labels):
            found = explain(model, rows, row, label=label)
            parts = found.bias + found.linear.sum() + found.pair_terms.sum() + found.higher.sum()
            assert len(found.higher) == (2 if kind == "hofm" else 0)
            assert parts == pytest.approx(scores[row, output], rel=1e-5, abs=1e-5)
            assert found.score == pytest.approx(parts)
            assert sum(term for _, term in found.terms()) == pytest.approx(parts)
            expected = np.ravel(predictions[row])[output]
            assert found.prediction == pytest.approx(float(expected))


def test_the_class_with_the_highest_score_is_the_default(make_model, rows):
    model = make_model("fm", n_outputs=3, classes=["bus", "train", "car"])
    for row in range(len(rows)):
        best = int(model.score(rows)[row].argmax())
        assert explain(model, rows, row).label == model.classes[best]
    assert explain(model, rows, 0, label="train").score == pytest.approx(
        float(model.score(rows)[0, 1]), rel=1e-5
    )


def test_names_come_from_the_schema(make_model, schema, rows):
    named = explain(make_model("fm", schema=schema), rows, 0)
    plain = explain(make_model("fm"), rows, 0)
    for i, feature in enumerate(named.features):
        assert named.feature_names[i] == schema.feature_name(int(feature))
        assert plain.feature_names[i] == f"feature {feature}"
    assert named.field_names == schema.field_names
    assert named.feature_names[0] in str(named)


@pytest.mark.parametrize("kind", list(MODEL_KINDS)[1:])
def test_field_matrix_adds_up(make_model, schema, rows, kind):
    found = explain(make_model(kind, schema=schema), rows, 7)
    matrix = found.field_matrix()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.triu(matrix).sum() == pytest.approx(found.pair_terms.sum())
    chosen = [
        term
        for i, j, term in zip(found.first, found.second, found.pair_terms, strict=True)
        if {found.fields[i], found.fields[j]} == {1, 3}
    ]
    assert matrix[1, 3] == pytest.approx(sum(chosen))


def test_fields_may_come_from_the_schema(make_model, schema, rows):
    model = make_model("fm", schema=schema)
    np.testing.assert_allclose(
        explain(model, rows.with_(fields=None), 0).field_matrix(),
        explain(model, rows, 0).field_matrix(),
    )


def test_without_fields(make_model, rows):
    bare = rows.with_(fields=None)
    with pytest.raises(DataError, match="fields"):
        explain(make_model("fm"), bare, 0).field_matrix()
    for kind in WITH_FIELDS:
        with pytest.raises(ValueError, match="field"):
            explain(make_model(kind), bare, 0)


def test_unknown_features_are_counted(make_model, rows):
    found = explain(make_model("fm"), rows, 6)
    assert found.n_unknown == 2
    assert len(found.features) == 3
    assert "2 entries" in str(found)


def test_an_empty_row_has_only_the_bias(make_model, rows):
    model = make_model("ffm")
    found = explain(model, rows, 2)
    assert found.score == found.bias == pytest.approx(float(model.bias[0]))
    assert found.field_matrix().shape == (5, 5)
    assert "bias" in str(found)


def test_to_dict_is_json(make_model, rows):
    found = explain(make_model("ffm"), rows, 0)
    record = json.loads(json.dumps(found.to_dict()))
    total = record["bias"] + sum(t["term"] for t in record["linear"] + record["pairs"])
    assert total == pytest.approx(record["score"])
    assert record["higher"] == []


def test_higher_orders_are_summed_up(make_model, rows):
    found = explain(make_model("hofm"), rows, 7)
    assert "interactions of 3 features" in dict(found.terms())
    record = json.loads(json.dumps(found.to_dict()))
    assert [item["order"] for item in record["higher"]] == [3, 4]
    assert [item["term"] for item in record["higher"]] == found.higher.tolist()


def test_long_explanations_are_shortened(make_model, rows):
    text = str(explain(make_model("ffm"), rows, 7))
    assert "other" in text
    assert len(text.splitlines()) < 30


def test_rows_count_from_either_end(make_model, rows):
    model = make_model("fm")
    assert explain(model, rows, -1).score == explain(model, rows, 7).score
    for row in (8, -9):
        with pytest.raises(DataError, match="no row"):
            explain(model, rows, row)


def test_labels_are_checked(make_model, rows):
    with pytest.raises(ConfigError, match="label"):
        explain(make_model("fm"), rows, 0, label=1)
    with pytest.raises(ConfigError, match="'bus'"):
        explain(make_model("fm", n_outputs=2, classes=["bus", "car"]), rows, 0, label="ship")


def test_a_binary_model_is_explained_as_the_probability_of_its_second_class(make_model, rows):
    found = explain(make_model("fm", classes=["no", "yes"]), rows, 0)
    assert found.label == "yes"
    assert "probability of 'yes'" in str(found)
    assert str(found).split()[:2] == ["term", "of"]
    few = found.to_text(1).splitlines()
    assert f"(the other {len(found.terms()) - 1} terms)" in few[2]
    assert few[3].endswith("  score")
    assert explain(make_model("fm"), rows, 0).label == 1
    assert explain(make_model("fm", task="regression"), rows, 0).label is None
