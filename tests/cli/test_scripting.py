"""What scripts rely on: JSON, quiet, standard output, ids, and outputs that are what they say."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pandas as pd
import pytest
from tests.cli.test_main import importable

from fieldfare.cli import _parser
from fieldfare.persist.file import load_model


@pytest.fixture
def table(tmp_path):
    rows = [f"r{i},{'ab'[i % 2]},{'xyz'[i % 3]},{'yes' if i % 2 else 'no'}" for i in range(200)]
    (tmp_path / "t.csv").write_text("id,user,item,clicked\n" + "\n".join(rows) + "\n")
    return tmp_path / "t.csv"


ROLES = ("--target", "clicked", "--ignore", "id")
TRAIN = (*ROLES, "--epochs", 2, "--seed", 1, "--threads", 1)


@pytest.fixture
def model_file(run, table):
    assert run("train", table, *TRAIN, "-q", "-o", "m.ff").code == 0
    return "m.ff"


def test_train_prints_json(run, table):
    ran = run("train", table, *TRAIN, "--json", "-o", "m.ff")
    found = json.loads(ran.out)
    assert found["model"] == "m.ff"
    assert found["history"]["epochs"][0]["epoch"] == 1
    assert found["best"]["valid_auc"] == 1
    assert not found["interrupted"]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("evaluate", "t.csv", "-m", "m.ff", "--metric", "AUC,ece"), {"loss", "auc", "ece"}),
        (("cv", "t.csv", *TRAIN, "--folds", 2), {"folds", "mean", "std"}),
        (("inspect", "t.csv", "--target", "clicked"), {"n_rows", "columns", "findings", "memory"}),
        (("show", "m.ff"), {"config", "settings", "top_features", "top_interactions"}),
        (("show", "m.ff", "--explain", "t.csv", "--row", 1), {"score", "linear", "pairs"}),
    ],
)
def test_what_a_script_would_read_is_one_json_object(run, model_file, arguments, names):
    ran = run(*arguments, "--json")
    assert ran.code == 0, ran.err
    assert names <= set(json.loads(ran.out))
    assert ran.out.count("\n") == 1


def test_samples_are_shown_as_json(run, table):
    roles = ("--target", "clicked", "--ignore", "id")
    assert run("sample", table, *roles, "--n-samples", 5, "-q", "-o", "s.ff").code == 0
    assert json.loads(run("show", "s.ff", "--json").out)["config"]["model"] == "fm"


def commands(parser, *words):
    """Yield the words of every command, with those of its steps, and its parser."""
    steps = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in steps:
        for name, sub in action.choices.items():
            yield from commands(sub, *words, name)
    if not steps:
        yield " ".join(words), parser


COMMANDS = dict(commands(_parser()))
# A server and a database have no file to write; a tour and a file of predictions are what they are.
WITHOUT_OUTPUT = {"serve", "features load"}
WITHOUT_JSON = {"demo", "predict", *WITHOUT_OUTPUT}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_what_scripts_rely_on(run, name):
    flags = COMMANDS[name]._option_string_actions
    assert {"-q", "--quiet", "--debug"} <= set(flags)
    assert ("--json" in flags) is (name not in WITHOUT_JSON)
    assert ("-o" in flags) is (name not in WITHOUT_OUTPUT)
    shown = run(*name.split(), "--help").out
    for flag in {"-q, --quiet", "--json", "-o"} & set(flags):
        assert flag in shown


@pytest.fixture
def ratings(tmp_path):
    rows = [f"u{i % 15},i{i * 7 % 11},{1 + i % 5}" for i in range(165)]  # all different pairs
    for name, part in (("r", rows[:120]), ("later", rows[120:])):
        (tmp_path / f"{name}.csv").write_text("user,item,rating\n" + "\n".join(part) + "\n")
    (tmp_path / "items.csv").write_text("item\n" + "\n".join(f"i{i}" for i in range(11)) + "\n")


def test_what_is_written_is_told_as_json(run, model_file, ratings):
    def told(*arguments):
        ran = run(*arguments, "--json")
        assert ran.code == 0, ran.err
        assert ran.out.count("\n") == 1
        return json.loads(ran.out)

    assert told("convert", "t.csv", "t.parquet") == {
        "output": "t.parquet", "format": "parquet", "rows": 200,
    }  # fmt: skip
    exported = told("export", model_file, "-o", "m.model", "--to", "xlearn")
    assert exported["output"] == "m.model" and exported["bytes"] > 0
    imported = told("import", "m.model", "--no-norm", "-o", "again.ff")
    assert imported["kind"] == "fm" and imported["task"] == "binary"
    sampled = told("sample", "t.csv", *ROLES, "--n-samples", 3, "-o", "s.ff")
    assert sampled["model"] == "s.ff" and sampled["samples"] == 3
    trained = told("recommend", "train", "r.csv", "-o", "r.ff", "--epochs", 2, "--seed", 0)
    assert trained["model"] == "r.ff" and trained["interactions"] == 120
    index = ("recommend", "index", "r.ff", "--items", "items.csv", "-o", "r.index")
    assert told(*index)["items"] == 11
    asked = ("recommend", "query", "r.index", "-m", "r.ff", "--user", "u1", "-n", 3)
    lists = told(*asked)
    assert [len(items) for items in lists.values()] == [3]
    assert set(lists["u1"][0]) == {"item", "score"}
    compared = told(
        "recommend", "compare", "r.csv", "later.csv", "-m", "r.ff", "--baselines", "popularity"
    )
    assert set(compared) == {"r.ff", "popularity"}
    vectors = told("recommend", "vectors", "r.index", "-m", "r.ff", "-o", "v.npz")
    assert vectors["vectors"] == 11


def test_results_may_go_to_a_file(run, model_file, tmp_path):
    for name, arguments in {
        "e": ("evaluate", "t.csv", "-m", model_file),
        "c": ("cv", "t.csv", *TRAIN, "--folds", 2),
        "i": ("inspect", "t.csv", "--target", "clicked"),
        "s": ("show", model_file),
    }.items():
        printed = run(*arguments).out
        ran = run(*arguments, "-o", name)
        assert (ran.code, ran.out) == (0, "")
        assert (tmp_path / name).read_text() == printed
        assert run(*arguments, "-o", "-").out == printed


def test_standard_output_holds_one_thing(run, model_file):
    for arguments in (
        ("convert", "t.csv", "-o", "-", "--to", "csv", "--json"),
        ("export", model_file, "-", "--to", "json", "--json"),
        ("inspect", "t.csv", "--save-schema", "-", "--json"),
        ("inspect", "t.csv", "--save-schema", "-", "-o", "-"),
    ):
        ran = run(*arguments)
        assert (ran.code, ran.out) == (1, "")


def test_an_output_may_be_named_by_its_flag(run, model_file, tmp_path):
    assert run("convert", "t.csv", "-o", "a.csv").code == 0
    assert run("convert", "t.csv", "b.csv").code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert run("export", model_file, "-o", "-", "--to", "json").out.startswith("{")
    for arguments in (("convert", "t.csv"), ("export", model_file, "--to", "json")):
        assert "Name the file to write" in run(*arguments).err


def test_quiet_prints_results_and_errors_only(run, model_file):
    ran = run("predict", "t.csv", "-m", model_file, "-o", "p.csv", "-q")
    assert (ran.out, ran.err) == ("", "")
    assert "auc" in run("evaluate", "t.csv", "-m", model_file, "-q").out
    assert "no.ff" in run("show", "no.ff", "-q").err
    assert run("predict", "t.csv", "-m", model_file, "-o", "p.csv").err != ""


def test_models_go_to_standard_output(table, tmp_path, model_file):
    command = [sys.executable, "-m", "fieldfare", "train", table, *TRAIN, "-o", "-"]
    ended = subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, env=importable(), check=True
    )
    (tmp_path / "copy.ff").write_bytes(ended.stdout)
    assert load_model(tmp_path / "copy.ff").factors.shape == load_model(model_file).factors.shape


def test_other_outputs_go_to_standard_output(run, model_file):
    assert json.loads(run("export", model_file, "-", "--to", "json").out)["format"] == 1
    assert run("convert", "t.csv", "-", "--to", "libffm", "--target", "clicked").out[:2] == "0 "
    columns = run("inspect", "t.csv", "--target", "clicked", "--save-schema", "-").out
    assert json.loads(columns)["target"] == "clicked"
    assert "--to" in run("export", model_file, "-").err
    assert "folder" in run("convert", "t.csv", "-", "--to", "store", "--target", "clicked").err
    both = run("train", "t.csv", *TRAIN, "-o", "-", "--json")
    assert (both.code, both.out) == (1, "")


@pytest.mark.parametrize("suffix", ["xlsx", "json", "csv.gz", "tsv"])
def test_an_output_of_another_format_is_refused(run, model_file, tmp_path, suffix):
    ran = run("predict", "t.csv", "-m", model_file, "-o", f"p.{suffix}")
    assert ran.code == 1
    assert ".csv, .parquet" in ran.err
    assert not (tmp_path / f"p.{suffix}").exists()
    named = run("predict", "t.csv", "-m", model_file, "-o", f"p.{suffix}", "--format", "csv")
    assert named.code == 0


def test_predictions_name_the_class_and_the_row(run, model_file):
    run("predict", "t.csv", "-m", model_file, "-o", "p.csv", "--id", "id")
    run("predict", "t.csv", "-m", model_file, "-o", "p.parquet", "--id", "0")
    found = pd.read_csv("p.csv")
    assert list(found) == ["id", "probability_yes"]
    assert found["id"].tolist() == [f"r{i}" for i in range(200)]
    assert ((found["probability_yes"] > 0.5) == [bool(i % 2) for i in range(200)]).all()
    assert list(pd.read_parquet("p.parquet")["0"]) == found["id"].tolist()
    lines = run("predict", "t.csv", "-m", model_file, "--id", "item").out.splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["x", "y", "z"]


def test_ids_that_are_not_there_are_refused(run, model_file, tmp_path):
    assert "no column 'ids'" in run("predict", "t.csv", "-m", model_file, "--id", "ids").err
    run("convert", "t.csv", "t.ffm", "--target", "clicked")
    assert "has no column 'id'" in run("predict", "t.ffm", "-m", model_file, "--id", "id").err
    table = pd.read_csv("t.csv").rename(columns={"id": "probability_yes"})
    table.to_csv("odd.csv", index=False)
    ran = run("predict", "odd.csv", "-m", model_file, "--id", "probability_yes", "-o", "p.csv")
    assert "Rename the column of ids" in ran.err


def test_more_rows_than_a_batch_keep_their_ids(run, model_file, tmp_path):
    n = 150_000
    pd.DataFrame({"id": range(n), "user": "a", "item": "x"}).to_csv("big.csv", index=False)
    assert run("predict", "big.csv", "-m", model_file, "--id", "id", "-o", "p.csv").code == 0
    assert pd.read_csv("p.csv")["id"].tolist() == list(range(n))
