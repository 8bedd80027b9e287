"""``fieldfare predict``: the same numbers in every format, and complete files or none."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare._logging import quieted
from fieldfare.persist.file import load_model
from fieldfare.training.functions import predict


@pytest.fixture
def expected(model, clicks_folder):
    return predict(load_model(model), clicks_folder / "new.csv")


def test_text_goes_to_standard_output(run, model, clicks_folder, expected):
    ran = run("predict", clicks_folder / "new.csv", "-m", model)
    assert ran.code == 0, ran.err
    found = np.array([float(line) for line in ran.out.splitlines()], np.float32)
    assert np.array_equal(found, expected)


def test_csv_has_a_header(run, model, clicks_folder, expected):
    ran = run("predict", clicks_folder / "new.csv", "-m", model, "-o", "p.csv")
    assert ran.code == 0, ran.err
    assert ran.out == ""
    with open("p.csv", encoding="utf-8") as file:
        assert file.readline() == "probability_1\n"
        assert np.array_equal(np.array(file.read().split(), np.float32), expected)


def test_parquet(run, model, clicks_folder, expected):
    parquet = pytest.importorskip("pyarrow.parquet")
    ran = run("predict", clicks_folder / "new.csv", "-m", model, "-o", "p.parquet")
    assert ran.code == 0, ran.err
    table = parquet.read_table("p.parquet")
    assert table.column_names == ["probability_1"]
    assert np.array_equal(table["probability_1"].to_numpy(), expected)


def test_the_format_can_be_named(run, model, clicks_folder):
    ran = run("predict", clicks_folder / "new.csv", "-m", model, "--format", "csv")
    assert ran.out.startswith("probability_1\n")


def test_data_without_the_target(run, model, clicks_folder, tmp_path, expected):
    lines = (clicks_folder / "new.csv").read_text().splitlines()
    bare = "\n".join(line.partition(",")[2] for line in lines) + "\n"
    (tmp_path / "bare.csv").write_text(bare)
    ran = run("predict", "bare.csv", "-m", model)
    assert ran.code == 0, ran.err
    assert np.array_equal(np.array(ran.out.split(), np.float32), expected)


def test_several_classes(run, tmp_path):
    rows = [f"{'xyz'[i % 3]},{['red', 'green', 'a b'][i % 3]}" for i in range(90)]
    (tmp_path / "t.csv").write_text("\n".join(["shape,colour", *rows]) + "\n")
    assert run("train", "t.csv", "--target", "colour", "-q", "--epochs", 5).code == 0
    run("predict", "t.csv", "-m", "t.ff", "-o", "p.csv")
    with open("p.csv", encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[0] == "prediction,probability_a b,probability_green,probability_red"
    assert [line.split(",")[0] for line in lines[1:4]] == ["red", "green", "a b"]
    plain = run("predict", "t.csv", "-m", "t.ff").out.splitlines()[0].split()
    assert sum(map(float, plain)) == pytest.approx(1, abs=1e-5)


def test_an_error_half_way_leaves_the_old_file(run, tmp_path):
    good = "".join(f"{i % 2} 0:{i % 2}:1 1:{2 + i % 3}:1\n" for i in range(60))
    (tmp_path / "good.ffm").write_text(good)
    (tmp_path / "bad.ffm").write_text(good + "1 0:x:1\n")
    assert run("train", "good.ffm", "--model", "fm", "--epochs", 1, "-q", "-o", "m.ff").code == 0
    (tmp_path / "p.txt").write_text("old\n")
    before = set(tmp_path.iterdir())
    ran = run("predict", "bad.ffm", "-m", "m.ff", "-o", "p.txt")
    assert ran.code == 1
    assert "bad.ffm:61:" in ran.err
    assert (tmp_path / "p.txt").read_text() == "old\n"
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_many_rows_pass_in_blocks_of_bounded_size(run, tmp_path, monkeypatch, form):
    pa = pytest.importorskip("pyarrow")
    n, rng = 300_000, np.random.default_rng(0)
    table = pa.table({"c": rng.integers(0, 9, n), "t": rng.integers(0, 2, n)})
    writer = {"csv": "pyarrow.csv", "parquet": "pyarrow.parquet"}[form]
    module = pytest.importorskip(writer)
    (module.write_csv if form == "csv" else module.write_table)(table, tmp_path / f"t.{form}")
    module_csv = pytest.importorskip("pyarrow.csv")
    module_csv.write_csv(table.slice(0, 1000), tmp_path / "train.csv")
    assert run("train", "train.csv", "--target", "t", "-q", "--epochs", 1, "-o", "m.ff").code == 0
    blocks, counted = [], type(load_model(tmp_path / "m.ff")).predict

    def count(self, rows, n_threads=None):
        blocks.append(len(rows))
        return counted(self, rows, n_threads)

    monkeypatch.setattr("fieldfare.models.base.Model.predict", count)
    assert run("predict", f"t.{form}", "-m", "m.ff", "-o", "p.txt").code == 0
    assert sum(blocks) == n
    assert max(blocks) <= 65_536


def test_progress_is_shown_to_who_watches(run, model, clicks_folder, monkeypatch):
    from fieldfare.cli import _progress

    def bar(output, *, quiet=False, terminal=True):
        monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
        monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
        with quieted(quiet), _progress.rows_done(output) as done:
            return getattr(done, "__self__", None)

    assert bar("p.txt") is not None
    assert bar("p.txt", quiet=True) is None
    assert bar("p.txt", terminal=False) is None
    assert bar("-") is None
    ran = run("predict", clicks_folder / "new.csv", "-m", model, "-o", "p.txt")
    assert ran.err == "500 predictions written to p.txt\n"
