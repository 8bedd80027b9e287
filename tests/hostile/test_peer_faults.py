"""Text on which other programs crash or learn nonsense. Here it is read, or refused with its place.

The faults are those measured on xLearn: a header taken for data, an empty field that shifts the
columns, a word taken for zero, NaN that spreads to every weight, a blank line or a bare target that
crashes, a row of zeros that divides by zero, and a missing newline that aborts.
"""

from __future__ import annotations

import io

import numpy as np
import pytest

from fieldfare.exceptions import TextFormatError
from fieldfare.rows import Rows
from fieldfare.sources.sparse_text import read_text


def read(content: str) -> Rows:
    return Rows.concatenate(list(read_text(io.BytesIO(content.encode()))))


def refused(content: str) -> TextFormatError:
    with pytest.raises(TextFormatError) as caught:
        read(content)
    return caught.value


@pytest.mark.parametrize("entry", ["1:1 2:1", "0:1:1 1:2:1"], ids=["libsvm", "libffm"])
class TestText:
    def test_header_is_not_taken_for_a_sample(self, entry: str) -> None:
        error = refused(f"label features\n1 {entry}\n0 {entry}\n")
        assert (error.line, error.column, error.text) == (1, 1, "label")
        assert "header" in str(error)

    def test_empty_field_does_not_shift_others(self, entry: str) -> None:
        error = refused(f"1 {entry}\n1 {entry[:-1]}\n0 {entry}\n")
        assert error.line == 2
        assert error.text == entry.rsplit(maxsplit=1)[-1][:-1]

    def test_word_is_not_zero(self, entry: str) -> None:
        error = refused(f"1 {entry}\n0 {entry[:-1]}red\n1 {entry}\n")
        assert error.line == 2
        assert error.text.endswith("red")

    def test_nan_does_not_get_in(self, entry: str) -> None:
        error = refused(f"1 {entry}\n0 {entry[:-1]}NaN\n")
        assert error.line == 2
        assert "finite" in str(error)
        assert refused(f"1 {entry}\nnan {entry}\n").column == 1

    def test_blank_last_line(self, entry: str) -> None:
        for end in ("\n\n", "\n \n", "\n\r\n", "\n\n\n\n"):
            assert len(read(f"1 {entry}\n0 {entry}{end}")) == 2

    def test_row_of_a_target_only(self, entry: str) -> None:
        rows = read(f"1 {entry}\n0\n1 {entry}\n0")
        assert np.diff(rows.indptr).tolist() == [2, 0, 2, 0]
        assert rows.target is not None
        assert rows.target.tolist() == [1, 0, 1, 0]

    def test_row_of_zeros(self, entry: str) -> None:
        zeros = " ".join(token[:-1] + "0" for token in entry.split())
        rows = read(f"1 {entry}\n0 {zeros}\n")
        assert rows.values is not None
        assert rows.values.tolist() == [1, 1, 0, 0]

    def test_no_newline_at_the_end(self, entry: str) -> None:
        assert len(read(f"1 {entry}")) == 1
        assert len(read(f"1 {entry}\n0 {entry}")) == 2

    def test_first_line_does_not_decide_alone(self, entry: str) -> None:
        assert len(read(f"0\n1 {entry}\n0 {entry}\n")) == 3
