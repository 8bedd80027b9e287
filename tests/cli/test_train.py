"""``fieldfare train``, ``evaluate`` and ``cv``."""

from __future__ import annotations

import json
import os
import zipfile
from argparse import Namespace
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.cli import _options
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.persist.file import load_model


def test_a_table_and_a_target_are_enough(run, clicks_folder, tmp_path):
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked", "--epochs", 2)
    assert ran.code == 0, ran.err
    assert (tmp_path / "train.ff").is_file()
    assert "advertiser" in ran.out  # the schema
    assert "valid_auc" in ran.out  # the result
    assert "fieldfare predict NEW -m train.ff" in ran.out  # the next step
    assert "epoch 1/2" in ran.err


def test_a_run_can_be_checkpointed_and_resumed(run, clicks_folder):
    common = ["train", clicks_folder / "train.csv", "--target", "clicked", "--threads", 1]
    common += ["--seed", 3, "-q"]
    assert run(*common, "--epochs", 1, "--checkpoint", "run.ckpt", "-o", "a.ff").code == 0
    assert run(*common, "--epochs", 3, "--resume", "run.ckpt", "-o", "b.ff").code == 0
    assert run(*common, "--epochs", 3, "-o", "whole.ff").code == 0
    np.testing.assert_array_equal(load_model("b.ff").linear, load_model("whole.ff").linear)


def test_orders_have_flags_of_their_own(run, clicks_folder):
    ran = run(
        "train", clicks_folder / "train.csv", "--target", "clicked", "--model", "hofm",
        "--order", 3, "-k", "3,2", "--l2-factors", "1e-3,1e-2", "--epochs", 1, "-o", "m.ff",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    model = load_model("m.ff")
    assert model.config.n_factors == (3, 2)
    assert model.trained_by.solver.l2_factors == (1e-3, 1e-2)
    shown = run("show", "m.ff", "--explain", clicks_folder / "train.csv")
    assert "  score" in shown.out
    shown = run("show", "m.ff").out.split()
    assert shown[shown.index("factors") + 1 :][:2] == ["3,", "2"]
    assert shown[shown.index("order") + 1] == "3"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--model", "fm", "-k", "3,2"], "give one number"),
        (["--model", "hofm", "-k", "3,2,1"], "2 in all"),
        (["--model", "hofm", "-k", "3,x"], "must be an integer in [1, 256] or a tuple of them"),
        (["--model", "hofm", "--l2-factors", "1,1,1"], "one for each of its 2 orders"),
    ],
)
def test_orders_that_do_not_fit_are_refused(run, clicks_folder, given, words):
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked", *given)
    assert ran.code != 0
    assert words in ran.err


def test_descriptions_of_wide_tables_are_shortened(run, tmp_path):
    names = [f"c{i}" for i in range(60)]
    lines = [",".join(["label", *names])]
    lines += [",".join([str(i % 2), *["ab"[i % 3 % 2]] * 60]) for i in range(50)]
    (tmp_path / "wide.csv").write_text("\n".join(lines) + "\n")
    ran = run("train", tmp_path / "wide.csv", "--epochs", 1)
    assert ran.code == 0, ran.err
    assert "... and 20 more columns" in ran.out
    assert "The target is 'label' by default" in ran.out


def test_the_flags_reach_the_model(run, clicks_folder):
    ran = run(
        "train", clicks_folder / "train.csv", "--target", "clicked",
        "--valid", clicks_folder / "valid.csv", "--model", "ffm", "--task", "binary", "-k", 3,
        "--epochs", 2, "--threads", 1, "--seed", 5, "--no-fit-linear", "--instance-norm",
        "--solver", "rowwise_adagrad", "--learning-rate", 0.2, "--class-weight", "0:1,1:2",
        "--eval-metric", "auc", "-q", "-o", "m.ff",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.out == ""
    model = load_model("m.ff")
    assert model.config == ModelConfig(
        model="ffm", task="binary", n_factors=3, fit_linear=False, instance_norm=True
    )
    solver, training = model.trained_by.solver, model.trained_by.training
    assert (solver.solver, solver.learning_rate) == ("rowwise_adagrad", 0.2)
    assert (training.eval_metric, training.n_jobs, training.random_state) == ("auc", 1, 5)
    assert training.class_weight == {0: 1.0, 1: 2.0}


@pytest.mark.parametrize("group", [ModelConfig, SolverConfig, TrainingConfig])
def test_every_hyperparameter_has_a_flag(run, group):
    words = run("train", "--help").out.replace("\n", " ")
    for item in fields(group):
        if item.name == "verbose":
            continue
        flag = "--" + item.name.replace("_", "-")
        assert flag in words or f"--no-{flag[2:]}" in words, item.name


def test_flags_are_the_usual_words():
    assert _options.flag_names("n_factors") == ("-k", "--n-factors")
    assert _options.flag_names("max_iter") == ("--epochs", "--max-iter")


def test_one_thread_and_a_seed_give_the_same_bits(run, clicks_folder):
    for name in ("a.ff", "b.ff"):
        ran = run(
            "train", clicks_folder / "train.csv", "--target", "clicked", "--epochs", 2,
            "--threads", 1, "--seed", 7, "-q", "-o", name,
        )  # fmt: skip
        assert ran.code == 0, ran.err
    a, b = load_model("a.ff"), load_model("b.ff")
    assert np.array_equal(a.factors, b.factors)
    assert np.array_equal(a.linear, b.linear)


def test_regression_and_several_classes(run, tmp_path):
    random = np.random.default_rng(0)
    x, group = random.integers(0, 5, 300), random.integers(0, 3, 300)
    lines = [f"{a},{'abc'[g]},{a + g / 10}" for a, g in zip(x, group, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["shop,kind,price", *lines]) + "\n")
    assert run("train", "t.csv", "--target", "price", "-q", "-o", "r.ff").code == 0
    assert load_model("r.ff").config.task == "regression"
    assert run("train", "t.csv", "--target", "kind", "-q", "-o", "c.ff").code == 0
    assert load_model("c.ff").config.task == "multiclass"
    assert load_model("c.ff").classes == ["a", "b", "c"]


def test_evaluate_prints_metrics(run, model, clicks_folder):
    ran = run("evaluate", clicks_folder / "new.csv", "-m", model, "--metric", "auc", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert set(found) == {"loss", "auc"}
    plain = run("evaluate", clicks_folder / "new.csv", "-m", model).out
    assert f"{found['auc']:.5f}" in plain


def test_cv_prints_one_line_per_fold(run, clicks_folder):
    ran = run(
        "cv", clicks_folder / "new.csv", "--target", "clicked", "--folds", 3, "--epochs", 1,
        "--seed", 1,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "auc" in ran.out
    assert len(ran.out.splitlines()) >= 4


def test_text_from_standard_input(run, monkeypatch, tmp_path):
    text = "".join(f"{i % 2} 0:{i % 2}:1 1:{2 + i % 3}:1\n" for i in range(60))
    (tmp_path / "in.ffm").write_text(text)
    with open(tmp_path / "in.ffm", encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        ran = run("train", "-", "--model", "ffm", "--epochs", 1, "-q")
    assert ran.code == 0, ran.err
    assert (tmp_path / "model.ff").is_file()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_reported_before_training(run, clicks_folder, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked", "-o", closed / "m.ff")
    assert ran.code == 1
    assert "not writable" in ran.err


def test_a_missing_folder_is_reported_before_training(run, clicks_folder):
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked", "-o", "no/m.ff")
    assert ran.code == 1
    assert "does not exist" in ran.err
    assert ran.out == ""


def test_ctrl_c_keeps_the_best_model(run, clicks_folder, monkeypatch):
    from fieldfare.training.loop.callbacks import ProgressBar

    def interrupt(self, state):
        if state.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "on_epoch_end", interrupt)
    ran = run("train", clicks_folder / "train.csv", "--target", "clicked", "-o", "m.ff")
    assert ran.code == 130
    assert load_model("m.ff").provenance["history"]["stopped"] == "interrupted"


def test_ctrl_c_in_the_second_training_says_which_model_is_kept(run, clicks_folder, monkeypatch):
    from fieldfare.training.loop.callbacks import ProgressBar

    def interrupt(self, state):
        if state.first is not None and state.epoch == at(state):
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "on_epoch_end", interrupt)
    command = ["train", clicks_folder / "train.csv", "--target", "clicked", "-o", "m.ff"]
    command += ["--epochs", "2", "--seed", "0", "--learning-rate", "0.01"]
    at = lambda state: state.last_epoch - 1  # noqa: E731
    ran = run(*command)
    assert ran.code == 130
    told = "interrupted in the second training, on all rows: m.ff holds the model of epoch 2"
    assert f"{told}, the best of the first" in ran.err
    at = lambda state: state.last_epoch  # noqa: E731
    ran = run(*command)
    assert "interrupted at the end of the second training: m.ff holds its model" in ran.err


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (["data/log.2024.csv.gz"], "log.ff"),
        (["folder/"], "folder.ff"),
        (["-"], "model.ff"),
        ("/a/b.ffm", "b.ff"),
    ],
)
def test_default_output_is_the_name_of_the_data(data, expected):
    assert _options.default_output(Namespace(data=data)) == expected


def test_a_ranking_is_trained_from_a_group_column(run, tmp_path):
    random = np.random.default_rng(0)
    lines = ["query,item,grade"]
    lines += [f"q{random.integers(40)},i{i},{i // 3}" for i in random.integers(0, 9, 800).tolist()]
    path = tmp_path / "searches.csv"
    path.write_text("\n".join(lines) + "\n")
    roles = [path, "--target", "grade", "--group", "query"]
    flags = ["--task", "rank", "--loss", "hinge", "--pairs-per-row", 5, "--seed", 1]
    ran = run("train", *roles, *flags, "--epochs", 4, "-o", "rank.ff")
    assert ran.code == 0, ran.err
    assert "valid_ndcg@10" in ran.out
    assert load_model("rank.ff").config.task == "rank"
    ran = run("evaluate", path, "-m", "rank.ff", "--metric", "ndcg@3", "--json")
    assert json.loads(ran.out)["ndcg@3"] > 0.9
    ran = run("predict", path, "-m", "rank.ff", "-o", "scores.csv")
    assert ran.code == 0, ran.err
    assert (tmp_path / "scores.csv").read_text().splitlines()[0] == "score"
    ran = run("cv", *roles, *flags, "--epochs", 2, "--folds", 2)
    assert "ndcg@10" in ran.out
    ran = run("train", path, "--target", "grade", "--task", "rank")
    assert ran.code != 0
    assert "needs the group" in ran.err


@pytest.mark.parametrize(
    "how", [["--solver", "nonsampled"], ["--negatives", "uniform", "--loss", "softmax"]]
)
def test_interactions_need_no_target(how, tmp_path, run) -> None:
    pairs = [(u, i) for u in range(40) for i in range(12) if u % 2 == i % 2]
    data, model = tmp_path / "seen.csv", tmp_path / "recall.ff"
    data.write_text("user_id,item_id\n" + "".join(f"u{u},i{i}\n" for u, i in pairs))
    ran = run("train", data, "--task", "rank", *how, "--seed", "1", "-o", model)
    assert ran.code == 0, ran.err
    assert "valid_ndcg@10" in ran.out
    assert "best epoch" in ran.out
    assert load_model(model).config.task == "rank"


def test_every_form_of_a_file_gives_the_same_model(run, clicks_folder, tmp_path):
    frame = pd.read_csv(clicks_folder / "train.csv")
    frame.to_json(tmp_path / "train.jsonl.xz", orient="records", lines=True, double_precision=15)
    frame.to_feather(tmp_path / "train.feather")
    frame.to_parquet(tmp_path / "train.parquet")
    frame.to_csv(tmp_path / "train.csv.bz2", index=False)
    with zipfile.ZipFile(tmp_path / "train.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(clicks_folder / "train.csv", "train.csv")
    how = ["--target", "clicked", "--epochs", 1, "--threads", 1, "--seed", 1, "-q", "-o", "m.ff"]

    def factors(path):
        ran = run("train", path, *how)
        assert ran.code == 0, ran.err
        return load_model("m.ff").factors.tobytes()

    expected = factors(clicks_folder / "train.csv")
    for path in sorted(tmp_path.glob("train.*")):
        assert factors(path) == expected, path


def test_the_latest_rows_are_held_out_as_the_function_does(run, tmp_path):
    days = [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(300)]
    order = np.random.default_rng(0).permutation(300)
    lines = [f"{days[i]},u{i % 13},{i * 7 % 3 % 2}" for i in order]
    (tmp_path / "log.csv").write_text("day,user,y\n" + "\n".join(lines) + "\n")
    ran = run(
        "train", tmp_path / "log.csv", "--target", "y", "--ignore", "day", "--seed", 1,
        "--threads", 1, "--validation", "time", "--validation-column", "day", "-o", "m.ff",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "trained again  on all rows, for" in ran.out
    expected = fieldfare.train(
        tmp_path / "log.csv", target="y", ignore=["day"], random_state=1, n_jobs=1,
        validation="time", validation_column=0,
    )  # fmt: skip
    np.testing.assert_array_equal(load_model("m.ff").linear, expected.model.linear)
    ran = run("cv", tmp_path / "log.csv", "--target", "y", "--validation", "group",
              "--validation-column", "user", "--folds", 2, "--seed", 1)  # fmt: skip
    assert ran.code == 0, ran.err
