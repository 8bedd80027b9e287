"""However text is cut, compressed and threaded, it gives the rows that were written."""

from __future__ import annotations

import gzip
import io
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.sources.batches import assert_same

from fieldfare.exceptions import TextFormatError
from fieldfare.kernels.text import Fault, format_text, parse_text
from fieldfare.rows import Rows
from fieldfare.sources import sparse_text as text
from fieldfare.sources.sparse_text import read_text

INFINITY = np.float32(np.inf)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def batches(draw: st.DrawFn) -> Rows:
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=12))
    n_rows, nnz = len(lengths), sum(lengths)

    def array(strategy: st.SearchStrategy[Any], n: int, dtype: type) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(strategy, min_size=n, max_size=n)), dtype)

    values = array(st.one_of(st.just(1.0), FLOATS), nnz, np.float32)
    weight = array(st.sampled_from([1.0, 0.0, 0.1, 3e38]), n_rows, np.float32)
    return Rows(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        array(st.integers(0, 2**32 - 2), nnz, np.uint32),
        None if (values == 1).all() else values,
        array(st.integers(0, 2**16 - 2), nnz, np.uint16) if draw(st.booleans()) else None,
        array(FLOATS, n_rows, np.float32),
        None if (weight == 1).all() else weight,
        array(st.integers(0, 2**63 - 1), n_rows, np.int64) if draw(st.booleans()) else None,
    )


@examples(80)
@given(batches(), st.integers(1, 200), st.integers(1, 4), st.sampled_from(["", "\r"]))
def test_any_cut_gives_the_same_rows(rows: Rows, size: int, n_threads: int, end: str) -> None:
    written = format_text(rows)
    noisy = b"# head\n" + written.replace(b"\n", b" # 1:2:3" + end.encode() + b"\n")
    kind = "libsvm" if rows.fields is None else "libffm"
    with patch.object(text, "BATCH_BYTES", size):
        for content in (written, noisy, gzip.compress(written), written.rstrip(b"\n")):
            parts = list(read_text(io.BytesIO(content), kind=kind, n_threads=n_threads))
            assert_same(Rows.concatenate(parts), rows)


@examples(80)
@given(st.lists(st.sampled_from(["1 1:2", "0", "", "# x", "1 x:1", "1 1:1 7", "y"]), min_size=1),
       st.integers(1, 40), st.integers(1, 4))  # fmt: skip
def test_any_cut_names_the_same_fault(lines: list[str], size: int, n_threads: int) -> None:
    bad = [i for i, line in enumerate(lines) if line in ("1 x:1", "1 1:1 7", "y")]
    content = io.BytesIO(("1 1:1\n" * 210 + "\n".join(lines)).encode())
    with patch.object(text, "BATCH_BYTES", size):
        if bad:
            with pytest.raises(TextFormatError) as caught:
                list(read_text(content, n_threads=n_threads))
            assert caught.value.line == 211 + bad[0]
        else:
            n_rows = sum(map(len, read_text(content, n_threads=n_threads)))
            assert n_rows == 210 + sum(line in ("1 1:2", "0") for line in lines)


def nearest_float32(number: Fraction) -> float | None:
    """Round to the nearest float32, ties to even; None if it is out of range."""
    near = [np.float32(min(max(float(number), -3.4e38), 3.4e38))]
    for _ in range(2):
        near += [np.nextafter(f, end) for f in near for end in (-INFINITY, INFINITY)]
    near = [f for f in near if np.isfinite(f)]
    if abs(number) >= Fraction(2) ** 128 - Fraction(2) ** 103:
        return None
    return float(
        min(near, key=lambda f: (abs(Fraction(float(f)) - number), int(f.view(np.uint32)) & 1))
    )


@examples(300)
@given(
    st.one_of(
        st.from_regex(r"\A[+-]?[0-9]{1,25}(\.[0-9]{0,25})?(e[+-]?[0-9]{1,2})?\Z"),
        st.from_regex(r"\A[+-]?\.[0-9]{1,60}(E-?[0-4]?[0-9])?\Z"),
        st.integers(0, 2**31 - 2**24).map(
            # The middle between two floats, and a hair beside it.
            lambda bits: np.uint32(min(bits, 0x7F7FFFFE)).view(np.float32)
        ).flatmap(lambda f: st.sampled_from(_around_the_middle(f))),
    )
)  # fmt: skip
def test_numbers_are_rounded_to_the_nearest_float(number: str) -> None:
    found = parse_text(f"0 1:{number} 2:2\n".encode(), has_fields=False)
    expected = nearest_float32(Fraction(number))
    if expected is None:
        assert isinstance(found, Fault)
    else:
        assert not isinstance(found, Fault)
        assert found.rows.values is not None
        assert found.rows.values[0] == expected


def _around_the_middle(low: np.float32) -> list[str]:
    high = np.nextafter(low, np.float32(np.inf))
    middle = (float(low) + float(high)) / 2  # exact as a double
    digits = f"{Fraction(middle) * 10**160 // 1:d}"
    exact = f"{digits}e-160"
    return [exact, f"{digits}1e-161", f"{int(digits) - 1}e-160", repr(middle), f"{middle:.25e}"]


@examples(50)
@given(batches())
def test_the_parser_knows_the_largest_ids(rows: Rows) -> None:
    parsed = parse_text(
        format_text(rows),
        has_fields=rows.fields is not None,
        has_target=rows.target is not None,
        has_group=rows.group is not None,
    )
    assert not isinstance(parsed, Fault)
    assert parsed.rows.n_features == parsed.rows.with_().n_features
    assert parsed.rows.n_fields == parsed.rows.with_().n_fields
