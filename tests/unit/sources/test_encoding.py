"""Texts that are not UTF-8 are read if their encoding is named."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import fieldfare
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.sources.formats import open_table
from fieldfare.sources.reading import Reading

TEXT = "name,city,y\nJosé,Köln,1\nZoë,Besançon,0\nÅsa,Malmö,1\n"
NAMES = ["José", "Zoë", "Åsa"]


def names_in(source, **said) -> list[str]:
    table = open_table(source, Reading(**said))
    return [name for batch in table.batches() for name in batch.data.column(0).to_pylist()]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "ISO-8859-15", "cp1252", "utf-16", "utf-16-le", "utf-32", "mac_roman"]
)
def test_a_named_encoding_is_read(tmp_path: Path, encoding) -> None:
    content = TEXT.encode(encoding)
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", content)
    for name in ("t.csv", "t.csv.gz", "t.zip"):
        assert names_in(tmp_path / name, encoding=encoding) == NAMES
    assert names_in(io.BytesIO(content), encoding=encoding) == NAMES
    assert names_in([tmp_path / "t.csv"] * 2, encoding=encoding) == NAMES * 2


def test_every_format_of_text_and_every_door_takes_it(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes('{"name": "José", "y": 1}\n'.encode("latin-1") * 2)
    assert names_in(tmp_path / "t.jsonl", encoding="latin-1") == ["José"] * 2
    (tmp_path / "t.svm").write_bytes("# Köln\n1 1:2\n0 3:4\n".encode("cp1252"))
    assert len(fieldfare.load_data(tmp_path / "t.svm", encoding="cp1252")) == 2
    path = tmp_path / "t.csv"
    more = "".join(f"n{i},é{i % 3},{i % 2}\n" for i in range(40))
    path.write_bytes((TEXT + more).encode("cp1252"))
    quick = {"max_iter": 1, "n_jobs": 1, "random_state": 0, "early_stopping": False}
    result = fieldfare.train(path, encoding="cp1252", target="y", **quick)
    schema = result.model.schema
    assert schema is not None
    assert "city=Köln" in [schema.feature_name(i) for i in range(schema.n_features)]
    found = fieldfare.predict(result.model, path, encoding="cp1252")
    frame = pd.read_csv(path, encoding="cp1252")
    assert found.tolist() == fieldfare.predict(result.model, frame).tolist()


def test_utf8_is_the_same_whether_it_is_named_or_not(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT, encoding="utf-8-sig")
    for said in ({}, {"encoding": "utf-8"}, {"encoding": "UTF8"}, {"encoding": "utf-8-sig"}):
        assert names_in(tmp_path / "t.csv", **said) == NAMES


def test_without_it_the_message_names_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(DataError, match="encoding='latin-1'"):
        names_in(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(TEXT.encode("utf-16-le"))
    with pytest.raises(DataError, match="encoding='utf-16-le'"):
        names_in(tmp_path / "t.csv")


def test_a_wrong_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.encode("latin-1"))
    with pytest.raises(DataError, match="not in utf-16"):
        names_in(path, encoding="utf-16")
    for encoding in ("klingon", "hex", "rot13", "", "utf-8\0"):
        with pytest.raises(ConfigError, match="encoding of text that Python knows"):
            names_in(path, encoding=encoding)
    with pytest.raises(ConfigError, match="encoding"):
        names_in(path, encoding=8)
    with pytest.raises(ConfigError, match="only be given with files"):
        fieldfare.load_data(pd.DataFrame({"a": [1]}), encoding="latin-1")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ConfigError, match="for files of text"):
        names_in(tmp_path / "t.parquet", encoding="latin-1")
