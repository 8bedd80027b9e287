"""Files without a header: names, the assumed target, prediction, and what inspect says."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import fieldfare as ff
from fieldfare.data.loading import load
from fieldfare.exceptions import DataError, DataWarning, SchemaError


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    path = tmp_path / "u.data"
    lines = [f"{i % 30}\t{i % 47}\t{i % 5 + 1}\t{881250949 + i}\n" for i in range(300)]
    path.write_text("".join(lines))
    return path


def columns(data: ff.Dataset) -> list[str]:
    return data.schema.names_in_table


def test_the_first_column_is_taken_for_the_target_with_a_warning(ratings: Path) -> None:
    with pytest.warns(DataWarning, match=r"no header, and no target is named: .*target=0") as seen:
        data = load(ratings)
    assert len(seen) == 1
    assert (data.schema.target, columns(data)) == ("target", ["f1", "f2", "f3"])


def test_the_warning_is_given_for_cached_rows_as_well(
    ratings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    for _ in range(2):
        with pytest.warns(DataWarning, match="no target is named"):
            load(ratings)


@pytest.mark.parametrize("target", [0, 2])
def test_a_target_by_position_gives_no_warning(ratings: Path, target: int) -> None:
    data = load(ratings, target=target)
    assert data.schema.target == f"f{target}"
    assert columns(data) == [f"f{i}" for i in range(4) if i != target]


def test_the_name_target_stands_for_the_first_column(ratings: Path) -> None:
    assert load(ratings, target="target").schema.target == "target"


def test_names_give_no_warning(ratings: Path) -> None:
    data = load(ratings, names=["user", "item", "rating", "time"], target="rating")
    assert columns(data) == ["user", "item", "time"]


@pytest.mark.parametrize("target", ["target", 0, 2])
def test_files_without_the_target_are_predicted(ratings: Path, target: str | int) -> None:
    model = ff.train(ratings, target=target, task="regression", max_iter=1, random_state=0).model
    place = target if isinstance(target, int) else 0
    bare = ratings.with_name("bare.data")
    rows = [line.split("\t") for line in ratings.read_text().splitlines()]
    bare.write_text("".join("\t".join(row[:place] + row[place + 1 :]) + "\n" for row in rows))
    with_target, without = ff.predict(model, ratings), ff.predict(model, bare)
    assert with_target.tolist() == without.tolist()
    assert ff.evaluate(model, ratings)["loss"] > 0


def test_a_model_with_names_asks_for_those_of_a_file_without(ratings: Path) -> None:
    names = ["user", "item", "rating", "time"]
    model = ff.train(ratings, names=names, target="rating", max_iter=1, random_state=0).model
    with pytest.raises(SchemaError, match=r"which column is which.*'user', 'item'.*--names"):
        ff.predict(model, ratings)
    assert len(ff.predict(model, ratings, names=names)) == 300


def test_files_with_dates_are_predicted(tmp_path: Path) -> None:
    """The parts of a date are no columns of the file."""
    path = tmp_path / "visits.tsv"
    rows = [f"{i % 7}\t2024-03-{i % 28 + 1:02} 12:{i % 60:02}:00\t{i % 2}\n" for i in range(300)]
    path.write_text("".join(rows))
    for target in (0, 2):
        model = ff.train(path, target=target, max_iter=1, random_state=0).model
        bare = tmp_path / "bare.tsv"
        places = [place for place in range(3) if place != target]
        cells = [row.strip().split("\t") for row in rows]
        bare.write_text("".join("\t".join(row[i] for i in places) + "\n" for row in cells))
        assert ff.predict(model, path).tolist() == ff.predict(model, bare).tolist()
    names = ["shop", "when", "bought"]
    model = ff.train(path, names=names, target="bought", max_iter=1, random_state=0).model
    with pytest.raises(SchemaError, match="'shop', 'when'[.]"):
        ff.predict(model, path)


def test_targets_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("1\n0\n1\n" * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(SchemaError, match=r"labels.txt holds the target only"):
            load(path)
    with pytest.raises(DataError, match=r"labels.txt holds no features, only targets"):
        load(path, format="libsvm")
    path.write_text("target\n1\n0\n")
    with pytest.raises(SchemaError, match=r"labels.txt holds the target only"):
        load(path)


def test_inspect_says_what_columns_may_be(ratings: Path) -> None:
    text = str(ff.inspect(ratings))
    for guess in (
        "There is no header",
        "f0 looks like ids (30 different)",
        "f1 looks like ids (47 different)",
        "f2 looks like a rating (1 to 5)",
        "f3 looks like a time in seconds (1997-12-04 to 1997-12-04)",
    ):
        assert guess in text
    assert "There is no header" not in str(ff.inspect(ratings, target=2))


def test_inspect_finds_targets_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(f"{i % 2},2024-01-{i % 28 + 1:02d},x{i}\n" for i in range(60)))
    text = str(ff.inspect(path))
    assert "f0 looks like a target of two classes (0, 1), f1 looks like dates or times" in text
