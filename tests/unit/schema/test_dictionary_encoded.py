"""Tables whose texts are coded once: the same Rows, and files read once if they fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.store.test_row_store import assert_same

from fieldfare.data.loading import load
from fieldfare.schema import dictionary_encoded
from fieldfare.schema.dictionary_encoded import DictionaryEncodedTable
from fieldfare.schema.schema import Schema
from fieldfare.sources.csv import CsvFiles

TEXT = "target,a,b,n,m\n" + "".join(
    f"{i % 2},{'xyz'[i % 3]},{'' if i % 5 == 0 else i},{i / 4 if i % 7 else 'NA'},{i}|{i % 3}\n"
    for i in range(300)
)


@pytest.fixture
def table(tmp_path: Path) -> CsvFiles:
    (tmp_path / "t.csv").write_text(TEXT)
    return CsvFiles([str(tmp_path / "t.csv")])


@pytest.mark.parametrize("kept_bytes", [1 << 20, 0])
def test_codes_change_nothing(
    table: CsvFiles, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dictionary_encoded, "KEPT_BYTES", kept_bytes)
    schema = Schema.infer(table, "target").edit("m", kind="multi", separator="|")
    plain = schema.fit(table)
    with_codes = DictionaryEncodedTable(table, schema.columns, ["target"])
    fitted = schema.fit(with_codes)
    assert fitted.digest == plain.digest
    for own, other in zip(with_codes.batches(), table.batches(), strict=True):
        assert_same(fitted.encode(own), plain.encode(other))


@pytest.mark.parametrize(("kept_bytes", "n_passes"), [(1 << 20, 1), (0, 2)])
def test_a_file_is_read_once_if_its_codes_fit(
    table: CsvFiles, kept_bytes: int, n_passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    batches = CsvFiles.batches
    monkeypatch.setattr(dictionary_encoded, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(CsvFiles, "batches", lambda self: passes.append(1) or batches(self))
    assert len(load(table.files[0], target="target").rows) == 300
    assert len(passes) == n_passes
