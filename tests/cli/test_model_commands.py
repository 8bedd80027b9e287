"""``fieldfare show``, ``export`` and ``demo``."""

from __future__ import annotations

import re

import pytest

from fieldfare.cli import _clicks
from fieldfare.config import ModelConfig
from fieldfare.models.registry import build
from fieldfare.persist.file import save_model
from fieldfare.schema.schema import Schema


def test_show_prints_header_history_and_interactions(run, model):
    ran = run("show", model, "--top", 3, "--schema")
    assert ran.code == 0, ran.err
    for words in (
        "ffm",
        "binary",
        "history",
        "valid_auc",
        "Strongest linear weights",
        "advertiser",
    ):
        assert words in ran.out


def test_show_leaves_out_interactions_of_unknown_fields(run, tmp_path):
    config = ModelConfig(model="ffm", task="regression", n_factors=2)
    schema = Schema.indexed(6, 3)
    save_model(build(config, n_features=6, n_fields=3, schema=schema), tmp_path / "bare.ff")
    ran = run("show", "bare.ff")
    assert ran.code == 0, ran.err
    assert "Strongest linear weights" in ran.out
    assert "interactions" not in ran.out


def test_show_explains_one_row(run, model, clicks_folder):
    ran = run("show", model, "--explain", clicks_folder / "new.csv", "--row", 4, "--top", 5)
    assert ran.code == 0, ran.err
    terms = [float(line.split()[0]) for line in ran.out.splitlines()[2:8]]
    score = float(re.search(r"(\S+)  score", ran.out)[1])
    assert sum(terms) == pytest.approx(score, abs=4e-4)
    assert "counted from 0" in ran.out
    assert "prediction" in ran.out or "probability" in ran.out


def test_show_refuses_a_row_that_is_not_there(run, model, clicks_folder):
    ran = run("show", model, "--explain", clicks_folder / "new.csv", "--row", 500)
    assert ran.code == 1
    assert "no row 500" in ran.err


@pytest.mark.parametrize("extra", [[], ["--explain", "new.csv"]])
def test_show_draws_a_heat_map(run, model, clicks_folder, tmp_path, extra):
    pytest.importorskip("matplotlib")
    paths = [clicks_folder / word if word == "new.csv" else word for word in extra]
    ran = run("show", model, "--plot", "fields.png", *paths)
    assert ran.code == 0, ran.err
    assert (tmp_path / "fields.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("extra", "signed"), [([], False), (["--explain", "new.csv"], True)])
def test_the_terms_of_one_score_are_drawn_signed(
    run, model, clicks_folder, monkeypatch, extra, signed
):
    drawn = []
    monkeypatch.setattr(
        "fieldfare.report.plot_field_matrix", lambda *_, **options: drawn.append(options["signed"])
    )
    paths = [clicks_folder / word if word == "new.csv" else word for word in extra]
    assert run("show", model, "--plot", "fields.png", *paths).code == 0
    assert drawn == [signed]


@pytest.mark.parametrize("kind", ["xlearn", "libffm", "xlearn-text", "libffm-text"])
def test_export(run, tmp_path, kind):
    bare = kind.startswith("libffm")
    extra = ["--no-fit-linear", "--no-fit-intercept"] if bare else []
    text = "".join(f"{i % 2} 0:{i % 2}:1 1:{2 + i % 3}:1\n" for i in range(60))
    (tmp_path / "t.ffm").write_text(text)
    trained = run("train", "t.ffm", "--model", "ffm", "--epochs", 1, "-q", *extra)
    assert trained.code == 0, trained.err
    ran = run("export", "t.ff", "out.txt", "--to", kind)
    assert ran.code == 0, ran.err
    assert (tmp_path / "out.txt").stat().st_size > 0
    program = "ffm-predict" if bare else "xlearn_predict"
    assert ("reads binary models only" in ran.err.replace("\n", " ")) == kind.endswith("text")
    assert program in run("export", "--help").out


@pytest.mark.parametrize("kind", ["xlearn", "libffm"])
def test_what_was_exported_is_imported_again(run, tmp_path, kind):
    extra = ["--no-fit-linear", "--no-fit-intercept"] if kind == "libffm" else []
    text = "".join(f"{i % 2} 0:{i % 2}:1 1:{2 + i % 3}:1\n" for i in range(60))
    (tmp_path / "t.ffm").write_text(text)
    assert run("train", "t.ffm", "--model", "ffm", "--epochs", 1, "-q", *extra).code == 0
    assert run("export", "t.ff", "m.bin", "--to", kind).code == 0
    flags = ["--no-norm"] if kind == "xlearn" else []
    ran = run("import", "m.bin", "--from", kind, "-o", "again.ff", *flags)
    assert ran.code == 0, ran.err
    assert "FFMModel(binary, 5 features, 2 fields" in ran.err
    first, second = (run("predict", "t.ffm", "-m", name) for name in ("t.ff", "again.ff"))
    assert first.out == second.out
    assert first.out


def test_import_says_what_is_missing(run, tmp_path):
    (tmp_path / "m.txt").write_text("#global bias W0\n1\n#pairwise interactions Vj,f\n1 2\n")
    ran = run("import", "m.txt", "-o", "m.ff")
    assert ran.code == 1
    assert "task='regression'" in ran.err
    assert run("import", "m.txt", "--task", "regression", "-o", "m.ff").code == 0
    assert run("import", "m.txt").code == 2


def test_export_takes_the_format_from_the_extension_and_reports_what_quantising_loses(
    run, model, clicks_folder, tmp_path
):
    ran = run(
        "export", model, "clicks.onnx", "--inputs", "columns", "--quantize", "int8",
        "--data", clicks_folder / "valid.csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "onnx model written to clicks.onnx" in ran.err
    assert re.search(r"int8: largest difference of a score .* on 500 rows; loss 0\.", ran.err)
    assert (tmp_path / "clicks.onnx").stat().st_size > 0


def test_export_refuses_models_that_a_format_cannot_express(run, model, tmp_path):
    ran = run("export", model, "clicks.sql")
    assert ran.code == 1
    assert "linear models and FM" in ran.err
    assert "has no option 'table'" in run("export", model, "clicks.c", "--table", "t").err
    bare = ("export", model, "clicks.c", "--quantize", "int8", "--data", "missing.csv")
    assert "no file missing.csv" in run(*bare).err
    assert list(tmp_path.glob("clicks.*")) == [model]


def test_export_does_not_overwrite_the_model(run, model):
    before = model.read_bytes()
    ran = run("export", model, model, "--to", "json")
    assert ran.code == 1
    assert "the same file" in ran.err
    assert model.read_bytes() == before


def test_demo_runs_the_whole_tour(run, tmp_path):
    ran = run("demo", "--rows", 4000, "--out", "story")
    assert ran.code == 0, ran.err
    for number in range(1, 8):
        assert f"{number}. " in ran.out
    assert "predicts exactly the same" in ran.out
    names = {path.name for path in (tmp_path / "story").iterdir()}
    assert names == {"train.csv", "valid.csv", "new.csv", "clicks.ff"}


def test_demo_refuses_too_few_rows(run):
    assert run("demo", "--rows", 10).code == 1


def test_the_clicks_are_as_described():
    clicks = _clicks.generate(3000, seed=1)
    again = _clicks.generate(3000, seed=1)
    assert clicks.columns == again.columns
    assert (clicks.clicked == again.clicked).all()
    assert set(clicks.columns) == set(_clicks.COLUMNS)
    for name, share in _clicks.MISSING.items():
        missing = sum(cell is None for cell in clicks.columns[name]) / len(clicks)
        assert missing == pytest.approx(share, abs=0.02)
    assert any("|" in cell for cell in clicks.columns["interests"])
    # The labels follow the probabilities.
    assert abs(clicks.clicked.mean() - clicks.probability.mean()) < 0.03


def test_gauc_of_a_column_with_missing_cells(run, model, clicks_folder):
    ran = run(
        "evaluate", clicks_folder / "new.csv", "-m", model, "--metric", "gauc",
        "--group", "country",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "gauc" in ran.out


def test_show_says_that_numbers_were_scaled(run, tmp_path):
    lines = [f"{i % 2} 1:{1000 + 300 * (-1) ** i + i} 2:{i % 7}" for i in range(50)]
    (tmp_path / "t.svm").write_text("\n".join(lines))
    assert run("train", "t.svm", "-o", "m.ff", "--epochs", 1, "--model", "linear").code == 0
    ran = run("show", "m.ff")
    assert "2 features in training, 2 of them from their mean" in ran.out
    assert run("train", "t.svm", "-o", "m.ff", "--epochs", 1, "--no-scale-features").code == 0
    assert "from their mean" not in run("show", "m.ff").out
