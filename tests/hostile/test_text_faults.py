"""Text that cannot be read: every reason, with its place and a remedy."""

from __future__ import annotations

import io
import os

import pytest

from fieldfare.exceptions import TextFormatError
from fieldfare.kernels.text import Fault, Reason, parse_text
from fieldfare.rows import Rows
from fieldfare.sources.sparse_text import _MESSAGES, read_text

GOOD_SVM = "1 1:1\n" * 3
GOOD_FFM = "1 0:1:1\n" * 3
GOOD_QID = "1 qid:1 1:1\n" * 3

# (reason, good lines around it, bad line, column, text at fault)
FAULTS = [
    (Reason.BAD_TARGET, GOOD_SVM, "label 1:1", 1, "label"),
    (Reason.NO_COLON, GOOD_SVM, "  1,3 1:1", 5, "3"),
    (Reason.BAD_TARGET, GOOD_SVM, "1e 1:1", 1, "1e"),
    (Reason.BAD_TARGET, GOOD_SVM, "- 1:1", 1, "-"),
    (Reason.BAD_TARGET, GOOD_SVM, "0x10 1:1", 1, "0x10"),
    (Reason.NOT_FINITE, GOOD_SVM, "nan 1:1", 1, "nan"),
    (Reason.NOT_FINITE, GOOD_SVM, "-Infinity 1:1", 1, "-Infinity"),
    (Reason.OUT_OF_RANGE, GOOD_SVM, "1e39 1:1", 1, "1e39"),
    (Reason.MISSING_TARGET, GOOD_SVM, "1:1 2:1", 1, "1:1"),
    (Reason.MISSING_TARGET, GOOD_FFM, "0:1:1", 1, "0:1:1"),
    (Reason.MISSING_TARGET, GOOD_QID, "qid:1 1:1", 1, "qid:1"),
    (Reason.UNEXPECTED_TARGET, "1:1\n" * 3, "1 1:1", 1, "1"),
    (Reason.NO_COLON, GOOD_SVM, "1 1:1 7 8:1", 7, "7"),
    (Reason.NO_COLON, GOOD_SVM, "1 word", 3, "word"),
    (Reason.NO_COLON, "1:1\n" * 3, "1:1 7", 5, "7"),
    (Reason.TWO_PARTS, GOOD_FFM, "1 0:1:1 1:1", 9, "1:1"),
    (Reason.THREE_PARTS, GOOD_SVM, "1 1:1 0:1:1", 7, "0:1:1"),
    (Reason.BAD_ID, GOOD_SVM, "1 a:1", 3, "a:1"),
    (Reason.BAD_ID, GOOD_SVM, "1 :1", 3, ":1"),
    (Reason.BAD_ID, GOOD_SVM, "1 1.5:1", 3, "1.5:1"),
    (Reason.BAD_ID, GOOD_SVM, "1 +1:1", 3, "+1:1"),
    (Reason.BAD_ID, GOOD_FFM, "1 0::1", 3, "0::1"),
    (Reason.NEGATIVE_ID, GOOD_SVM, "1 -1:1", 3, "-1:1"),
    (Reason.NEGATIVE_ID, GOOD_FFM, "1 0:-1:1", 3, "0:-1:1"),
    (Reason.ID_TOO_LARGE, GOOD_SVM, "1 4294967295:1", 3, "4294967295:1"),
    (Reason.ID_TOO_LARGE, GOOD_SVM, "1 18446744073709551617:1", 3, "18446744073709551617:1"),
    (Reason.BAD_FIELD, GOOD_FFM, "1 f:1:1", 3, "f:1:1"),
    (Reason.BAD_FIELD, GOOD_FFM, "1 -1:1:1", 3, "-1:1:1"),
    (Reason.FIELD_TOO_LARGE, GOOD_FFM, "1 65535:1:1", 3, "65535:1:1"),
    (Reason.BAD_VALUE, GOOD_SVM, "1 1:x", 3, "1:x"),
    (Reason.BAD_VALUE, GOOD_SVM, "1 1:", 3, "1:"),
    (Reason.NO_COLON, GOOD_SVM, "1 1:1,5", 7, "5"),
    (Reason.BAD_VALUE, GOOD_SVM, "1 1:--1", 3, "1:--1"),
    (Reason.BAD_VALUE, GOOD_SVM, "1 1:1e+", 3, "1:1e+"),
    (Reason.BAD_VALUE, GOOD_SVM, "1 1:.", 3, "1:."),
    (Reason.BAD_VALUE, GOOD_FFM, "1 0:1:2:3", 3, "0:1:2:3"),
    (Reason.NOT_FINITE, GOOD_SVM, "1 1:NaN", 3, "1:NaN"),
    (Reason.NOT_FINITE, GOOD_FFM, "1 0:1:-inf", 3, "0:1:-inf"),
    (Reason.OUT_OF_RANGE, GOOD_SVM, "1 1:3.5e38", 3, "1:3.5e38"),
    (Reason.OUT_OF_RANGE, GOOD_SVM, "1 1:1e999999999999999999999", 3, "1:1e999999999999999999999"),
    (Reason.BAD_WEIGHT, GOOD_SVM, "1 weight:-1 1:1", 3, "weight:-1"),
    (Reason.BAD_WEIGHT, GOOD_SVM, "1 weight: 1:1", 3, "weight:"),
    (Reason.BAD_WEIGHT, GOOD_SVM, "1 weight:nan 1:1", 3, "weight:nan"),
    (Reason.BAD_GROUP, GOOD_QID, "1 qid:x 1:1", 3, "qid:x"),
    (Reason.BAD_GROUP, GOOD_QID, "1 qid:-1 1:1", 3, "qid:-1"),
    (Reason.BAD_GROUP, GOOD_QID, "1 qid:9223372036854775808", 3, "qid:9223372036854775808"),
    (Reason.MISSING_GROUP, GOOD_QID, "1 1:1", 1, "1"),
    (Reason.UNEXPECTED_GROUP, GOOD_SVM, "1 qid:1 1:1", 3, "qid:1"),
    (Reason.MISPLACED_WORD, GOOD_QID, "1 qid:1 1:1 qid:2", 13, "qid:2"),
    (Reason.MISPLACED_WORD, GOOD_SVM, "1 1:1 weight:2", 7, "weight:2"),
    (Reason.MISPLACED_WORD, GOOD_SVM, "1 weight:2 weight:2", 12, "weight:2"),
    (Reason.STRAY_RETURN, GOOD_SVM, "1 1:1\r1 1:1", 6, "\r"),
]  # fmt: skip


@pytest.mark.parametrize("after", ["", "\n", "\r\n", " # 1:1\n" + GOOD_SVM])
@pytest.mark.parametrize(("reason", "good", "bad", "column", "fault"), FAULTS)
def test_fault(reason: Reason, good: str, bad: str, column: int, fault: str, after: str) -> None:
    content = good + "# a comment\n\n" + good + bad + after
    with pytest.raises(TextFormatError) as caught:
        list(read_text(io.BytesIO(content.encode()), n_threads=1))
    error = caught.value
    assert _MESSAGES[reason] in str(error)
    assert (error.line, error.column, error.text) == (9, column, fault)
    assert error.file == "<file object>"


def test_every_reason_is_tried_and_explained() -> None:
    assert {fault[0] for fault in FAULTS} | {Reason.NO_FINAL_NEWLINE} == set(Reason)
    assert set(_MESSAGES) == set(Reason)


def test_text_of_unfinished_lines_is_refused_by_the_kernel() -> None:
    assert parse_text(b"1 1:1", has_fields=False) == Fault(Reason.NO_FINAL_NEWLINE, 5)


def test_the_first_of_several_faults_is_named() -> None:
    content = b"1 1:1\n" * 100 + b"1 1:x\n" + b"1 1:1\n" * 100 + b"1 1:y\n"
    assert parse_text(content, has_fields=False) == Fault(Reason.BAD_VALUE, 602)


def test_long_text_at_fault_is_shortened() -> None:
    with pytest.raises(TextFormatError) as caught:
        list(read_text(io.BytesIO(GOOD_SVM.encode() + b"1 1:" + b"x" * 10_000_000)))
    assert len(str(caught.value)) < 300


def assert_parsed_or_refused(content: bytes, **form: bool) -> None:
    """Either all lines are there, or the first fault is one of the text."""
    found = parse_text(content, **form)
    if isinstance(found, Fault):
        assert 0 <= found.offset <= len(content)
    else:
        assert found.n_lines == content.count(b"\n")
        assert found.rows.indptr[-1] == len(found.rows.indices)


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 1000,
        b":" * 1000 + b"\n",
        b"\0" * 1000 + b"\n",
        b"1 1:\0\n",
        b"1 1:1\0\n",
        b"\xff\xfe\n",
        b"#" * 1000 + b"\n",
        b"1 " * 1000 + b"\n",
        b"\r\r\r\n",
        b"1 1:" + b"9" * 1_000_000 + b"\n",
        b"1 1:0." + b"0" * 1_000_000 + b"1\n",
        b"1 " + b"9" * 1_000_000 + b":1\n",
        b"1 1:1e" + b"9" * 1_000_000 + b"\n",
        b"1 1:1e-" + b"9" * 1_000_000 + b"\n",
        b"q\n", b"w\n", b"1 q\n", b"1 w\n", b"1 qid\n", b"1 weight\n", b"1 qid:\n", b"-\n",
    ],
)  # fmt: skip
def test_nothing_crashes(content: bytes) -> None:
    for has_fields in (False, True):
        for has_target in (False, True):
            for has_group in (False, True):
                assert_parsed_or_refused(
                    content, has_fields=has_fields, has_target=has_target, has_group=has_group
                )


def test_line_of_ten_megabytes() -> None:
    line = b"1 " + b"1:0.5 " * 1_750_000
    (rows,) = read_text(io.BytesIO(line))
    assert rows.nnz == 1_750_000


def test_random_bytes() -> None:
    for size in (0, 1, 2, 100, 10_000):
        for _ in range(20):
            assert_parsed_or_refused(os.urandom(size) + b"\n", has_fields=bool(size % 2))


def test_numbers_at_the_edge_of_float32() -> None:
    content = b"1 1:3.4028235e38 2:-3.4028235677973367e38 3:1e-45 4:1e-46 5:0e999 6:0.71e-45\n"
    parsed = parse_text(content.replace(b"2:-3.4028235677973367e38 ", b""), has_fields=False)
    assert not isinstance(parsed, Fault)
    rows: Rows = parsed.rows
    assert rows.values is not None
    assert rows.values.tolist()[1] == rows.values.tolist()[-1] == 2.0**-149
    assert rows.values.tolist()[2:4] == [0, 0]
    assert parse_text(content, has_fields=False) == Fault(Reason.OUT_OF_RANGE, 17)
