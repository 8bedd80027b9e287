"""Training, files, prediction and pickle work for recipes as for any table with a Schema."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fieldfare import FMRegressor, Schema, load_model, predict, recipes, save_model, train
from fieldfare.cli import main
from fieldfare.exceptions import SchemaError
from fieldfare.sources.formats import open_table
from fieldfare.sources.write import table_writer

MAKERS = {
    "matrix_factorization": recipes.matrix_factorization,
    "svdpp": recipes.svdpp,
    "knn": recipes.knn,
    "time_svd": recipes.time_svd,
    "attribute_aware": recipes.attribute_aware,
}


@pytest.mark.parametrize("name", MAKERS)
def test_training_rows_are_the_transform_of_themselves(name, ratings):
    recipe = MAKERS[name](ratings, target="rating")
    assert recipe.transform(ratings).equals(recipe.table)
    assert pickle.loads(pickle.dumps(recipe)).transform(ratings).equals(recipe.table)
    assert str(len(ratings)) in repr(recipe)


@pytest.mark.parametrize("name", MAKERS)
def test_columns_say_what_they_are(name, ratings):
    recipe = MAKERS[name](ratings, target="rating")
    assert Schema.infer(recipe.table, target="rating").columns == recipe.schema.columns


@pytest.mark.parametrize("form", ["pandas", "polars", "csv"])
def test_any_table_will_do(form, ratings, tmp_path):
    pandas = pytest.importorskip("pandas")
    # "u:0" would look like libsvm text.
    ratings = [{**r, "user": r["user"].replace(":", "")} for r in ratings]
    frame = pandas.DataFrame(ratings)
    if form == "polars":
        source = pytest.importorskip("polars").from_pandas(frame)
    elif form == "csv":
        source = tmp_path / "ratings.csv"
        frame.to_csv(source, index=False)
    else:
        source = frame
    expected = recipes.knn(ratings, target="rating").table.to_pydict()
    assert recipes.knn(source, target="rating").table.to_pydict() == expected


def test_estimator_and_function_train_alike(ratings):
    recipe = recipes.svdpp(ratings, target="rating")
    settings = {"n_factors": 2, "max_iter": 3, "random_state": 0, "n_jobs": 1}
    model = train(
        recipe.table, schema=recipe.schema, model="fm", task="regression", **settings
    ).model
    regressor = FMRegressor(schema=recipe.schema, **settings).fit(recipe.table, "rating")
    new = recipe.transform([{"user": "u:1", "item": "i3"}])
    np.testing.assert_array_equal(regressor.predict(new), predict(model, new))


def test_the_model_file_carries_the_schema(ratings, tmp_path):
    recipe = recipes.knn(ratings, target="rating")
    model = train(recipe.table, schema=recipe.schema, max_iter=2, random_state=0).model
    save_model(model, tmp_path / "knn.ff")
    again = load_model(tmp_path / "knn.ff")
    new = recipe.transform(ratings[:5])
    np.testing.assert_array_equal(predict(again, new), predict(model, new))


def test_the_command_line_trains_on_the_table_as_parquet(ratings, tmp_path, capsys):
    recipe = recipes.svdpp(ratings, target="rating")
    path, model = tmp_path / "train.parquet", tmp_path / "svdpp.ff"
    with table_writer(path, "parquet") as write:
        write(dict(zip(recipe.table.column_names, recipe.table.columns, strict=True)))
    assert main(["train", str(path), "--target", "rating", "-o", str(model), "-q"]) == 0
    columns = load_model(model).schema.columns
    assert "weight_separator" not in str(capsys.readouterr())
    assert [c.name for c in columns] == ["user", "item", "rated_items"]


@pytest.mark.parametrize("name", [*MAKERS, "pitf", "fpmc"])
def test_no_rows_at_all(name):
    pa = pytest.importorskip("pyarrow")
    columns = ("user", "item", "tag", "time", "rating")
    empty = pa.table({column: pa.array([], pa.int64()) for column in columns})
    recipe = getattr(recipes, name)(empty)
    assert recipe.table.num_rows == 0
    some = {"user": [1], "item": [2], "tag": [3], "time": [4], "rating": [5]}
    assert recipe.transform(some).num_rows == 1


def test_invalid_metadata_are_refused():
    pa = pytest.importorskip("pyarrow")
    for said in (b"{", b"[]", b'{"kind": "strange"}', b'{"colour": "red"}'):
        field = pa.field("x", pa.int64(), metadata={"fieldfare": said})
        table = pa.table([[1, 2]], schema=pa.schema([field]))
        with pytest.raises(SchemaError, match="metadata of column 'x'"):
            Schema.infer(table)
    assert open_table(table).names == ["x"]
