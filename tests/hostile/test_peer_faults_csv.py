"""The CSV faults of xLearn (its section 5: read wrongly or crashed on) are errors here."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.data.loading import load
from fieldfare.exceptions import DataError, SchemaError, TextFormatError
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

NUMERIC = Schema([Column(name, "numeric", transform="none") for name in "ab"], target="y")


def write(tmp_path, text: str | bytes):
    path = tmp_path / "data.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_header_is_no_sample(tmp_path):
    data = load(write(tmp_path, "y,a,b\n1,2,3\n0,4,5\n1,6,7\n"), schema=NUMERIC)
    assert data.rows.target.tolist() == [1, 0, 1]


def test_an_empty_cell_does_not_shift_the_row(tmp_path):
    rows = load(write(tmp_path, "y,a,b\n1,,3\n0,4,5\n"), schema=NUMERIC).rows
    # ids: a missing, a, b missing, b
    assert rows.indices.tolist() == [0, 3, 1, 3]
    assert rows.values.tolist() == [1, 3, 4, 5]


def test_a_word_is_not_zero(tmp_path):
    path = write(tmp_path, "y,a,b\n1,2,3\n0,4,oops\n")
    with pytest.raises(TextFormatError, match="'oops'") as caught:
        load(path, schema=NUMERIC)
    error = caught.value
    assert (error.file, error.line, error.column, error.text) == (str(path), 3, 5, "oops")
    assert "'b'" in str(error)


@pytest.mark.parametrize("word", ["NaN", "nan", "NA", "null", "N/A", " "])
def test_nan_is_a_missing_value(tmp_path, word):
    rows = load(write(tmp_path, f"y,a,b\n1,{word},3\n0,4,5\n"), schema=NUMERIC).rows
    assert rows.indices.tolist() == [0, 3, 1, 3]
    assert np.isfinite(rows.values).all()


def test_a_missing_target_is_named(tmp_path):
    with pytest.raises(TextFormatError, match=r":3:1: Column 'y': the target must not be missing"):
        load(write(tmp_path, "y,a,b\n1,2,3\n,4,5\n"), schema=NUMERIC)


@pytest.mark.parametrize("word", ["inf", "-inf", "1e999"])
def test_infinity_is_refused(tmp_path, word):
    with pytest.raises(TextFormatError, match=r":2:3: Column 'a': numbers must be finite"):
        load(write(tmp_path, f"y,a,b\n1,{word},3\n0,1,2\n"), schema=NUMERIC)


def test_blank_lines_and_no_final_newline(tmp_path):
    rows = load(write(tmp_path, "y,a,b\n1,2,3\n\n0,4,5\n\n\n1,1,1"), schema=NUMERIC).rows
    assert rows.target.tolist() == [1, 0, 1]


def test_lines_are_counted_past_blank_and_quoted_ones(tmp_path):
    text = 'y,c,a\n1,"two\nlines",3\n\n0,"x,y",word\n'
    with pytest.raises(TextFormatError) as caught:
        load(
            write(tmp_path, text), schema=Schema([Column("c"), Column("a", "numeric")], target="y")
        )
    assert caught.value.line == 5


def test_all_zero_rows_are_rows(tmp_path):
    rows = load(write(tmp_path, "y,a,b\n1,0,0\n0,4,5\n"), schema=NUMERIC).rows
    assert rows.indptr.tolist() == [0, 0, 2]


@pytest.mark.parametrize("line", ["1,2", "1,2,3,4"])
def test_ragged_lines_are_named(tmp_path, line):
    with pytest.raises(TextFormatError, match=r":3:1: The line has \d cells where 3") as caught:
        load(write(tmp_path, f"y,a,b\n1,2,3\n{line}\n0,1,1\n"), schema=NUMERIC)
    assert caught.value.text == line


def test_repeated_column_names_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="two columns named 'a'"):
        load(write(tmp_path, "y,a,a\n1,2,3\n0,1,2\n"), target="y")


def test_other_encodings_are_named(tmp_path):
    path = write(tmp_path, "y,c\n1,Rome\n0,Köln\n1,Rome\n".encode("latin-1"))
    with pytest.raises(TextFormatError, match=r":3:3: Column 'c' is not UTF-8"):
        load(path, target="y")


def test_empty_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="empty"):
        load(write(tmp_path, ""), target="y")


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        load(path, target="y")
