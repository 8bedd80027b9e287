"""Words of other libraries are understood well enough to be answered."""

from __future__ import annotations

import pytest

import fieldfare
from fieldfare._synonyms import advice, meant
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError
from fieldfare.settings import TRAINED


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("k", "n_factors"),
        ("lr", "learning_rate"),
        ("epochs", "max_iter"),
        ("n_epochs", "max_iter"),
        ("embedding_dim", "n_factors"),
        ("seed", "random_state"),
        ("label", "target"),
        ("qid", "group"),
        ("optimizer", "solver"),
        ("nthread", "n_jobs"),
        ("early_stopping_rounds", "n_iter_no_change"),
        ("cat_features", "categorical"),
    ],
)
def test_train_suggests_what_it_is_called_here(word, name):
    with pytest.raises(ConfigError, match=f"Did you mean '{name}'"):
        fieldfare.train({"a": [1], "y": [1]}, **{word: 1})


@pytest.mark.parametrize("word", ["reg", "lambda", "l2", "weight_decay"])
def test_a_word_may_mean_two(word):
    assert meant(word, TRAINED) == ["l2_linear", "l2_factors"]


@pytest.mark.parametrize(
    ("word", "name"),
    [("stepSize", "learning_rate"), ("factorSize", "n_factors"), ("maxIter", "max_iter")],
)
def test_capitals_are_as_good_as_underscores(word, name):
    assert meant(word, TRAINED) == [name]
    assert meant("--max-iter", ["max_iter"]) == ["max_iter"]


def test_what_has_no_counterpart_gets_advice_instead_of_the_nearest_spelling():
    assert closest("miniBatchFraction", TRAINED) == f" {advice('batch_size')}" != " "
    assert "ignore=" in closest("featuresCol", ["scale_features", "ignore"])
    assert advice("n_factors") == ""


def test_a_synonym_comes_before_another_name_that_looks_alike():
    assert "'--categorical'" in closest("--cat-features", ["--scale-features", "--categorical"])


@pytest.mark.parametrize(
    ("word", "command"), [("fit", "train"), ("test", "evaluate"), ("info", "inspect")]
)
def test_commands_have_synonyms(word, command):
    assert meant(word, ["train", "evaluate", "inspect", "show"]) == [command]


def test_a_slip_comes_before_a_synonym():
    assert "'--epochs'" in closest("--epoch", ["--max-iter", "--epochs"])
    assert closest("wings", ["n_factors"]) == ""


def test_what_is_suggested_exists():
    import inspect

    known = {*TRAINED, *inspect.signature(fieldfare.load_data).parameters, "valid"}
    assert {"n_factors", "target", "ignore"} <= known
    for word in ("k", "lr", "y", "drop", "delimiter", "val"):
        assert meant(word, known)
