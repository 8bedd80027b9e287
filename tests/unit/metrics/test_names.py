"""Metrics are found by names as people write them."""

from __future__ import annotations

import pytest

from fieldfare import cross_validate, evaluate, train
from fieldfare.exceptions import ConfigError
from fieldfare.metrics import get_list_metric, get_metric, listed
from fieldfare.retrieval.comparison import compare

TABLE = {"user": ["u", "v"] * 20, "item": ["a", "a", "b", "b"] * 10, "y": [0, 1, 1, 0] * 10}


@pytest.mark.parametrize("name", ["AUC", "auc", " Auc", "ROC_AUC", "roc-auc"])
def test_case_does_not_matter(name):
    assert get_metric(name).name == "auc"
    assert get_list_metric("NDCG@10").name == "ndcg@10"
    assert get_list_metric("Sampled_Recall@5").sampled


def test_a_text_may_name_several():
    assert listed("AUC, logloss,,") == ["AUC", "logloss"]
    assert listed(["auc,f1", "mcc"]) == ["auc", "f1", "mcc"]
    with pytest.raises(ConfigError, match="must be text or a list"):
        listed([3])  # type: ignore[list-item]


def test_every_door_takes_them():
    result = train(TABLE, target="y", max_iter=1, random_state=0)
    assert set(evaluate(result.model, TABLE, "AUC,Accuracy")) == {"loss", "auc", "accuracy"}
    folds = cross_validate(TABLE, target="y", folds=2, metrics="Acc,AUC", max_iter=1)
    assert folds.names[1:3] == ["accuracy", "auc"]
    half = {name: values[::2] for name, values in TABLE.items()}
    watched = train(TABLE, target="y", valid=half, eval_metric="ROC_AUC", max_iter=2)
    assert watched.history.metric == "valid_auc"
    found = compare(
        {}, {"user": ["a"], "item": ["x"]}, {"user": ["a"], "item": ["y"]}, metrics="Recall@1,MRR@2"
    )
    assert found["popularity"].metrics == ["recall@1", "mrr@2"]
