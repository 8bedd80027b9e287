"""What the user says about the form of files is checked, and followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fieldfare as ff
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.sources.reading import Reading, only_reading, without_reading


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sep": ""}, "one or more characters"),
        ({"sep": '"'}, "without quotes"),
        ({"sep": 3}, "'sep'"),
        ({"header": "yes"}, "'header'"),
        ({"names": "a,b"}, "list of names"),
        ({"names": [1, 2]}, "one text for each column"),
        ({"names": []}, "one text for each column"),
        ({"names": ["a", "b", "a"]}, "'a' is there twice"),
    ],
)
def test_what_is_not_allowed(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Reading(**given)


@pytest.mark.parametrize("tab", ["\t", "\\t", "tab"])
def test_tabs_can_be_written_in_words(tab: str) -> None:
    assert Reading(sep=tab).sep == "\t"
    assert Reading(format="tsv") == Reading(format="csv", sep="\t")


def test_keywords_are_told_apart() -> None:
    given = {"target": "y", "sep": ";"}
    assert only_reading(given) == {"sep": ";"}
    assert without_reading(given) == {"target": "y"}


def test_a_format_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="must be one of 'parquet', .*'libsvm', .*'libsvm'"):
        ff.load_data(tmp_path / "t.csv", format="libsvn")


def test_a_file_that_is_not_what_was_said_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is not Parquet, which format='parquet' says"):
        ff.load_data(tmp_path / "t.csv", format="parquet")
    with pytest.raises(ConfigError, match=r"sep= are for tables of cells"):
        ff.load_data(tmp_path / "t.csv", format="libsvm", sep=";")


def test_the_form_of_a_table_in_memory_cannot_be_said() -> None:
    with pytest.raises(ConfigError, match="header= can only be given with files"):
        ff.load_data({"a": [1, 2], "target": [0, 1]}, header=False)


def test_header_names_and_separator_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("x|1\ny|0\nx|0\n")
    data = ff.load_data(path, names=["kind", "liked"], sep="|", target="liked")
    assert (len(data), [column.name for column in data.schema.columns]) == (3, ["kind"])
    assert len(ff.load_data(path, header=True, sep="|", target="1")) == 2
    assert len(ff.load_data(path, header=True, names=["kind", "liked"], target="liked")) == 2
    with pytest.raises(SchemaError, match="names= has 3 names, and the first line"):
        ff.load_data(path, names=["a", "b", "c"], sep="|", target="a")


def test_names_that_the_first_row_has_are_its_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("kind,liked\nx,1\ny,0\n")
    assert len(ff.load_data(path, names=["kind", "liked"], target="liked")) == 2


def test_columns_are_also_given_by_position(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("kind,liked\nx,1\ny,0\n")
    assert ff.load_data(path, target=1).schema.target == "liked"
    assert ff.Schema.infer(path, target=1).target == "liked"
    with pytest.raises(SchemaError, match="no column 2, by name or by position"):
        ff.load_data(path, target=2)


def test_validation_files_are_read_like_training_files(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("1,x\n0,y\n" * 20)
    names = ["liked", "kind"]
    given = {"names": names, "target": "liked", "early_stopping": False}
    result = ff.train(path, valid=path, max_iter=1, random_state=0, **given)
    assert result.model.schema is not None
    assert ff.evaluate(result.model, path, names=names)["loss"] > 0
    assert len(ff.predict(result.model, path, names=names)) == 40
    data = ff.load_data(path, names=names, target="liked")
    ff.train(data, valid=path, names=names, max_iter=1, early_stopping=False, random_state=0)


def test_another_form_has_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    path = tmp_path / "t.csv"
    path.write_text("1,x\n0,y\n1,z\n")
    assert len(ff.load_data(path, header=False, target=0)) == 3
    assert len(ff.load_data(path, header=True, target=0)) == 2
