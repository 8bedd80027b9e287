"""Explanations of models that were trained on tables and text files."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.explain import (
    explain,
    field_interactions,
    field_vectors,
    latent_vectors,
    top_features,
    top_interactions,
)
from fieldfare.training.functions import train


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A CSV file in which colour and shape together determine the label."""
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(4)
    lines = ["colour,shape,size,clicked"]
    for _ in range(400):
        colour, shape = rng.choice(["red", "blue"]), rng.choice(["disc", "cube", "cone"])
        clicked = int((colour == "red") == (shape == "disc"))
        lines.append(f"{colour},{shape},{rng.integers(1, 9)},{clicked}")
    path = tmp_path_factory.mktemp("explain") / "clicks.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The same in libffm text, whose features are only numbered."""
    rng = np.random.default_rng(4)
    lines = []
    for _ in range(400):
        a, b, c = rng.integers(2), rng.integers(3), rng.integers(4)
        lines.append(f"{int((a == 0) == (b == 0))} 0:{a}:1 1:{2 + b}:1 2:{5 + c}:1")
    path = tmp_path_factory.mktemp("explain") / "clicks.ffm"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", ["linear", "fm", "ffm"])
def test_explanations_of_a_table_name_its_values(table, kind):
    options = {"random_state": 1, "n_jobs": 1, "max_iter": 10}
    model = train(table, target="clicked", model=kind, **options).model
    found = explain(model, table, 3)
    assert set(found.field_names) == {"colour", "shape", "size"}
    assert any(name.startswith("colour=") for name in found.feature_names)
    assert sum(term for _, term in found.terms()) == pytest.approx(found.score)
    assert str(top_features(model, 3))
    if kind == "linear":
        return
    best = top_interactions(model, 1)[0]
    assert {best.first.partition("=")[0], best.second.partition("=")[0]} == {"colour", "shape"}
    pair = top_interactions(model, 1, by="field")[0]
    assert {pair.first, pair.second} == {"colour", "shape"}
    assert len(latent_vectors(model, table)) == 400
    assert field_vectors(model, table).shape[:2] == (400, 3)


def test_numbered_features_keep_their_numbers(text):
    options = {"random_state": 1, "n_jobs": 1, "max_iter": 10}
    model = train(text, model="ffm", **options).model
    found = explain(model, text, -1)
    assert found.feature_names[0] in ("feature 0", "feature 1")
    assert found.field_names == ("field 0", "field 1", "field 2")
    pair = top_interactions(model, 1, by="field")[0]
    assert (pair.first, pair.second) == ("field 0", "field 1")
    assert field_interactions(model).values.shape == (3, 3)
