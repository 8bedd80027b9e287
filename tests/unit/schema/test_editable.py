"""Columns as a file that people edit: what is written is read, and mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldfare.exceptions import SchemaError
from fieldfare.schema.schema import Column, Schema

SCHEMA = Schema(
    [
        Column("site", na_values=("-", "x")),
        Column("age", "numeric", transform="quantile", n_bins=7),
        Column("tags", "multi", separator="|", role="item", field="f"),
        Column("row", "ignore"),
    ],
    target="y",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    SCHEMA.write_columns(tmp_path / "columns.json")
    again = Schema.read_columns(tmp_path / "columns.json")
    assert (again.columns, again.target, again.weight) == (SCHEMA.columns, "y", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("columns", "is not JSON"),
        ("[]", "list of"),
        ('{"columns": [], "targt": "y"}', "Did you mean 'target'"),
        ('{"columns": [{"name": "a", "knd": "text"}]}', "Did you mean 'kind'"),
        ('{"columns": [{"name": "a", "kind": "number"}]}', "'a'.*must be one of"),
        ('{"columns": [{"kind": "text"}]}', 'a "name"'),
        ('{"columns": [], "target": 3}', "must be the name of a column"),
    ],
)
def test_mistakes_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "columns.json").write_text(text)
    with pytest.raises(SchemaError, match=words):
        Schema.read_columns(tmp_path / "columns.json")


def test_several_columns_are_edited_at_once() -> None:
    edited = SCHEMA.edit(["site", "row"], kind="categorical", min_count=3)
    assert [c.kind for c in edited.columns] == ["categorical", "numeric", "multi", "categorical"]
    assert edited.column("row").min_count == 3
    own = SCHEMA.edit({"age": {"n_bins": 9}, "site": {"kind": "ignore"}})
    assert (own.column("age").n_bins, own.column("site").kind) == (9, "ignore")
    with pytest.raises(SchemaError, match="Did you mean 'site'"):
        SCHEMA.edit(["sit"], kind="ignore")
