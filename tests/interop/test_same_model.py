"""One table in any form gives the same model on one thread, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldfare.cli._clicks import generate
from fieldfare.data.convert import convert
from fieldfare.data.loading import load
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.training.functions import train

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pytest.importorskip("pyarrow")

FORMS = ("parquet", "pandas", "polars", "libffm", "store")
SETTINGS = {
    "max_iter": 3,
    "random_state": 5,
    "n_jobs": 1,
    "early_stopping": False,
}


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("same") / "train.csv"
    generate(2000, seed=9).write_csv(path)
    return path


@pytest.fixture(scope="module")
def sources(csv):
    """Return the same rows in every form, each as data and the options to read it with."""
    folder, named = csv.parent, {"target": "clicked"}
    convert(csv, folder / "t.parquet", "parquet")
    convert(csv, folder / "t.ffm", "libffm", **named)
    convert(csv, folder / "t.store", "store", **named)
    return {
        "csv": (csv, named),
        "parquet": (folder / "t.parquet", named),
        "pandas": (pandas.read_csv(csv), named),
        "polars": (polars.read_csv(csv), named),
        "libffm": (folder / "t.ffm", {}),
        "store": (folder / "t.store", {}),
    }


@pytest.fixture(scope="module")
def of_csv(sources):
    data, options = sources["csv"]
    return {kind: train(data, model=kind, **options, **SETTINGS) for kind in MODEL_KINDS}


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_the_same(sources, form):
    first, other = (load(data, **options).rows for data, options in (sources["csv"], sources[form]))
    for name in ("indptr", "indices", "values", "fields", "target"):
        assert np.array_equal(getattr(first, name), getattr(other, name)), name


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_models_are_the_same(sources, of_csv, form, kind):
    data, options = sources[form]
    other, first = train(data, model=kind, **options, **SETTINGS), of_csv[kind]
    assert other.history["train_loss"] == first.history["train_loss"]
    # libffm knows no ids beyond those that occur: the last column's ids for unknown and missing.
    n = other.model.n_features
    assert first.model.n_features - n in ((0, 1, 2) if form == "libffm" else (0,))
    assert np.array_equal(other.model.bias, first.model.bias)
    assert np.array_equal(other.model.linear, first.model.linear[:n])
    if kind != "linear":
        assert np.array_equal(other.model.factors, first.model.factors[:n])
