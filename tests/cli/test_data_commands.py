"""``fieldfare inspect`` and ``convert``."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldfare.data.loading import load
from fieldfare.persist.file import load_model
from fieldfare.training.functions import predict

pytest.importorskip("pyarrow")


def test_inspect_says_what_a_file_holds(run, clicks_folder):
    ran = run("inspect", clicks_folder / "train.csv", "--target", "clicked")
    assert ran.code == 0, ran.err
    assert "3,000" in ran.out or "3000" in ran.out
    assert "advertiser" in ran.out
    assert "memory" in ran.out


def test_inspect_compares_two_files(run, clicks_folder):
    ran = run(
        "inspect", clicks_folder / "train.csv", "--target", "clicked",
        "--against", clicks_folder / "new.csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "unseen" in ran.out


@pytest.mark.parametrize(("kind", "name"), [("libffm", "t.ffm"), ("libsvm", "t.svm")])
def test_a_table_becomes_text(run, clicks_folder, kind, name):
    ran = run("convert", clicks_folder / "train.csv", name, "--target", "clicked")
    assert ran.code == 0, ran.err
    assert "3,000 rows" in ran.err
    table, text = load(clicks_folder / "train.csv", target="clicked").rows, load(name).rows
    assert np.array_equal(table.indptr, text.indptr)
    assert np.array_equal(table.indices, text.indices)
    assert np.array_equal(table.values, text.values)
    assert np.array_equal(table.target, text.target)
    if kind == "libffm":
        assert np.array_equal(table.fields, text.fields)


def test_the_schema_of_a_model_gives_the_ids(run, model, clicks_folder):
    ran = run("convert", clicks_folder / "new.csv", "n.ffm", "--schema-from", model)
    assert ran.code == 0, ran.err
    expected = load(clicks_folder / "new.csv", schema=load_model(model).schema).rows
    assert np.array_equal(load("n.ffm").rows.indices, expected.indices)


@pytest.mark.parametrize("name", ["n.ffm", "n.svm"])
def test_a_model_reads_text_with_its_feature_ids(run, model, clicks_folder, name):
    table = clicks_folder / "new.csv"
    assert run("convert", table, name, "--schema-from", model).code == 0
    for command in ("evaluate", "predict"):
        wanted, got = run(command, table, "-m", model), run(command, name, "-m", model)
        assert (got.code, got.out) == (0, wanted.out)
    loaded = load_model(model)
    assert np.array_equal(predict(loaded, name), predict(loaded, table))


def test_a_store_is_read_back_with_its_schema(run, clicks_folder):
    ran = run("convert", clicks_folder / "train.csv", "t.store", "--target", "clicked")
    assert ran.code == 0, ran.err
    stored, table = load("t.store"), load(clicks_folder / "train.csv", target="clicked")
    assert np.array_equal(stored.rows.indices, table.rows.indices)
    assert list(stored.schema.feature_names) == list(table.schema.feature_names)
    again = run("convert", clicks_folder / "train.csv", "t.store", "--target", "clicked")
    assert again.code == 1


def test_csv_to_parquet_and_back(run, clicks_folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("convert", clicks_folder / "train.csv", "t.parquet").code == 0
    kinds = {field.name: str(field.type) for field in parquet.read_schema("t.parquet")}
    assert (kinds["clicked"], kinds["bid"], kinds["device"]) == ("int64", "double", "string")
    assert run("convert", "t.parquet", "back.csv").code == 0
    first, back = (
        load(path, target="clicked") for path in (clicks_folder / "train.csv", "back.csv")
    )
    assert np.array_equal(first.rows.indices, back.rows.indices)
    assert np.array_equal(first.rows.values, back.rows.values)


def test_leading_zeros_stay(run, tmp_path):
    (tmp_path / "z.csv").write_text("zip,y\n007,1\n12,0\n")
    assert run("convert", "z.csv", "z.parquet").code == 0
    assert run("convert", "z.parquet", "back.csv").code == 0
    assert (tmp_path / "back.csv").read_text() == "zip,y\n007,1\n12,0\n"


def test_rows_become_columns_of_fields(run, tmp_path):
    (tmp_path / "r.ffm").write_text("1 0:5:1 1:7:0.5 1:9:2\n0 1:7:1\n")
    assert run("convert", "r.ffm", "r.csv").code == 0
    assert (tmp_path / "r.csv").read_text().splitlines() == [
        "target,field_0,field_1", "1.0,5:1.0,7:0.5|9:2.0", "0.0,,7:1.0",
    ]  # fmt: skip
    (tmp_path / "r.svm").write_text("1 5:1 7:1\n0 7:1\n")
    assert run("convert", "r.svm", "s.csv").code == 0
    assert (tmp_path / "s.csv").read_text().splitlines() == ["target,features", "1.0,5|7", "0.0,7"]


def test_evaluation_agrees_across_formats(run, model, clicks_folder):
    run("convert", clicks_folder / "new.csv", "n.parquet")
    figures = [
        json.loads(run("evaluate", path, "-m", model, "--json").out)
        for path in (clicks_folder / "new.csv", "n.parquet")
    ]
    assert figures[0] == figures[1]


def test_inspect_prints_memory_once_and_small(run, tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "x,1\nz,0\n" * 20)
    ran = run("inspect", "t.csv", "--target", "y", "--against", "t.csv")
    assert ran.code == 0, ran.err
    assert ran.out.count("memory") == 1
    assert "linear 64 bytes, fm 448 bytes" in ran.out
    assert "0.0 MB" not in ran.out
    assert "unseen       nothing" in ran.out


def test_inspect_lists_unseen_values_on_one_line_per_column(run, tmp_path):
    (tmp_path / "a.csv").write_text("a,b,c,y\n" + "x,u,s,1\nz,v,t,0\n" * 20)
    (tmp_path / "b.csv").write_text("a,b,c\n" + "x,new,s\nnew,new,t\n" * 20)
    ran = run("inspect", "a.csv", "--target", "y", "--against", "b.csv")
    assert ran.code == 0, ran.err
    assert "unseen       b: 100.0% of its values\n             a: 50.0% of its values\n" in ran.out
    assert "c: " not in ran.out


def test_text_goes_to_standard_output(run, tmp_path):
    (tmp_path / "t.svm").write_text("1 1:1\n0 2:0.5\n")
    ran = run("convert", "t.svm", "-", "--to", "libsvm")
    assert ran.code == 0, ran.err
    assert ran.out == "1 1:1\n0 2:0.5\n"
    assert [path.name for path in tmp_path.iterdir()] == ["t.svm"]
