"""Encoding: what each kind of cell becomes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fieldfare.exceptions import SchemaError
from fieldfare.schema.canonical import texts
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.schema.vocabulary import hash64


def encode(column: Column, fit: list, cells: list):
    schema = Schema([column]).fit({column.name: fit})
    rows = schema.encode({column.name: cells})
    names = [schema.feature_name(int(i)) for i in rows.indices]
    values = [1.0] * rows.nnz if rows.values is None else rows.values.tolist()
    entries = list(zip(names, values, strict=True))
    return [entries[a:b] for a, b in zip(rows.indptr[:-1], rows.indptr[1:], strict=True)]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([5, None]), ["5", None]),
        (pa.array([2.0, 0.5, float("nan"), 1e16, -0.0]), ["2", "0.5", None, "1e+16", "0"]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([True, False]), ["true", "false"]),
        (
            pa.array(["True", "2.0", "x.0", "", "1.10", " a"]),
            ["true", "2", "x.0", None, "1.10", " a"],
        ),
        (pa.array([b"ab"], pa.binary()), ["ab"]),
        (pa.array(["b", "a"]).dictionary_encode(), ["b", "a"]),
        (pa.array([0], pa.timestamp("ns")), ["1970-01-01 00:00:00"]),
    ],
)
def test_canonical_text(array, expected):
    assert texts(array).to_pylist() == expected


def test_missing_and_unknown_are_distinct():
    assert encode(Column("c"), ["a"], ["a", None, "z", ""]) == [
        [("c=a", 1)],
        [("c=<missing>", 1)],
        [("c=<unknown>", 1)],
        [("c=<missing>", 1)],
    ]


def test_standardisation_drops_exact_zeros_and_marks_missing():
    got = encode(Column("x", "numeric"), [1.0, 3.0, None], [1.0, 2.0, None, 5.0])
    assert got == [[("x", -1)], [], [("x=<missing>", 1)], [("x", 3)]]


def test_constant_and_empty_numeric_columns_are_harmless():
    assert encode(Column("x", "numeric"), [4.0, 4.0], [4.0, 5.0]) == [[], [("x", 1)]]
    assert encode(Column("x", "numeric"), [None], [2.0]) == [[("x", 2)]]


def test_log2_buckets_follow_the_recipe():
    got = encode(
        Column("x", "numeric", transform="log2"),
        [0, 1, 2, 3, 100, -1, None],
        [0, 2, 3, 100, -1, None],
    )
    # floor(ln(3)^2) = 1, floor(ln(100)^2) = 21
    assert [row[0][0] for row in got] == ["x=SP0", "x=SP2", "x=1", "x=21", "x=SP-1", "x=<missing>"]


def test_quantile_bins():
    got = encode(
        Column("x", "numeric", transform="quantile", n_bins=2),
        [1.0, 2.0, 3.0],
        [0.0, 2.0, 9.0, None],
    )
    assert [row[0][0] for row in got] == ["x=(-inf, 2)", "x=[2, inf)", "x=[2, inf)", "x=<missing>"]


def test_extreme_numbers_are_clipped_unless_the_column_says_otherwise():
    x = [-1.0, 1.0] * 50
    assert encode(Column("x", "numeric"), x, [3.0, 1e9, -1e9]) == [
        [("x", 3)], [("x", 4)], [("x", -4)],
    ]  # fmt: skip
    assert encode(Column("x", "numeric", clip=2.5), x, [1e9]) == [[("x", 2.5)]]
    assert encode(Column("x", "numeric", clip=None), x, [1e9]) == [[("x", 1e9)]]
    assert "clip 2.5" in str(Schema([Column("x", "numeric", clip=2.5)]))


def test_no_transform_keeps_the_number():
    assert encode(Column("x", "numeric", transform="none"), [1.0], [2.5, 0.0]) == [[("x", 2.5)], []]


def test_multi_valued_lists_and_texts_agree():
    column = Column("m", "multi", separator="|")
    texts_given = encode(column, ["a|b", "a"], ["a| b", "", None, "z|a"])
    lists_given = encode(
        Column("m", "multi"), [["a", "b"], ["a"]], [["a", "b"], [], None, ["z", "a"]]
    )
    assert texts_given == lists_given == [
        [("m=a", 1), ("m=b", 1)],
        [("m=<missing>", 1)],
        [("m=<missing>", 1)],
        [("m=<unknown>", 1), ("m=a", 1)],
    ]  # fmt: skip


def test_weights_of_values():
    column = Column("m", "multi", separator=";", weight_separator=":")
    assert encode(column, ["a:2;b"], ["a:0.5;b", "", "b:-1"]) == [
        [("m=a", 0.5), ("m=b", 1)],
        [("m=<missing>", 1)],
        [("m=b", -1)],
    ]
    with pytest.raises(SchemaError, match=r"Row 1, column 'm'.*weight.*'b:x'"):
        encode(column, ["a"], ["a", "b:x"])


def test_text_becomes_lower_case_words():
    got = encode(
        Column("t", "text", norm="none"),
        ["The cat, the DOG", "über"],
        ["Über the CAT!", "  ", None],
    )
    assert got == [
        [("t=über", 1), ("t=the", 1), ("t=cat", 1)],
        [("t=<missing>", 1)],
        [("t=<missing>", 1)],
    ]


def test_words_of_a_text_weigh_as_much_as_one_value_together():
    [long, short, empty] = encode(Column("t", "text"), ["a b c d"], ["a b c d", "a", ""])
    assert long == [(f"t={word}", 0.5) for word in "abcd"]
    assert short == [("t=a", 1)] and empty == [("t=<missing>", 1)]


def test_a_word_counts_once_and_so_do_unknown_words():
    [once, unknown] = encode(Column("t", "text"), ["a b"], ["a b a a", "x y a z"])
    assert once == [("t=a", np.float32(0.5**0.5)), ("t=b", np.float32(0.5**0.5))]
    assert [name for name, _ in unknown] == ["t=<unknown>", "t=a"]


def test_weighted_values_of_a_cell_are_scaled_to_unit_length():
    column = Column("m", "multi", separator=";", weight_separator=":", norm="l2")
    [both, none] = encode(column, ["a:3;b:4"], ["a:3;b:4", "a:0"])
    assert both == [("m=a", np.float32(0.6)), ("m=b", np.float32(0.8))]
    assert none == [("m=a", 0)]


@pytest.mark.parametrize("norm", [None, "none", "l2"])
@pytest.mark.parametrize("kind", ["text", "multi"])
def test_one_sample_is_scaled_as_a_table_is(kind, norm):
    weights = None if kind == "text" else ":"
    column = Column("m", kind, separator=";", weight_separator=weights, norm=norm)
    cells = ["a:3;b:4;c", "b", "a:0", "x:-2;y:7;y:1", ""]
    schema = Schema([column]).fit({"m": cells})
    rows = schema.encode({"m": cells})
    for i, cell in enumerate(cells):
        of = rows.take(np.array([i]))
        ids, values, _ = schema.sample_encoder().encode({"m": cell})
        assert ids == of.indices.tolist()
        expected = np.ones(of.nnz) if of.values is None else of.values
        np.testing.assert_array_equal(np.float32(values), expected)


def test_hashing_needs_no_vocabulary():
    schema = Schema([Column("c", hash_buckets=8)]).fit({"c": ["a", "b"]})
    assert schema.n_features == 9
    rows = schema.encode({"c": ["a", "never seen", None]})
    assert rows.indices[2] == 0
    assert set(rows.indices[:2].tolist()) <= set(range(1, 9))
    assert schema.counts.sum() == 2


def test_the_hash_is_fixed():
    # The published FNV-1a values of these words, and MurmurHash3's finaliser.
    def mixed(h: int) -> int:
        for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            h = ((h ^ (h >> 33)) * multiplier) % 2**64
        return h ^ (h >> 33)

    words = pa.array(["", "a", None, "foobar"], pa.large_string())
    expected = [0xCBF29CE484222325, 0xAF63DC4C8601EC8C, 0xCBF29CE484222325, 0x85944171F73967E8]
    assert hash64(words).tolist() == [mixed(h) for h in expected]
    assert hash64(words.slice(1, 1)).tolist() == [mixed(expected[1])]


def test_values_are_none_when_all_are_one():
    schema = Schema([Column("c"), Column("d")]).fit({"c": ["a"], "d": ["b"]})
    rows = schema.encode({"c": ["a", "a"], "d": ["b", "x"]})
    assert rows.values is None
    assert rows.fields.tolist() == [0, 1, 0, 1]


def test_rows_without_a_group_are_one_group():
    schema = Schema([Column("c")], group="g")
    table = {"c": ["a"] * 5, "g": ["7", None, "x", "", None]}
    group = schema.fit(table).encode(table).group
    assert group[0] == 7
    assert group[1] == group[4]
    assert len(set(group[[0, 1, 2]].tolist())) == 3
    assert (group >= 0).all()
    empty = {"c": ["a", "b"], "g": [None, None]}
    assert len(set(schema.fit(empty).encode(empty).group.tolist())) == 1


def test_targets_weights_and_groups():
    schema = Schema([Column("c")], target="y", weight="w", group="g")
    table = {"c": ["a", "b"], "y": ["no", "yes"], "w": [0.5, 2.0], "g": ["7", "x"]}
    schema = schema.fit(table)
    rows = schema.encode(table)
    assert schema.target_classes == ("no", "yes")
    assert rows.target.tolist() == [0, 1]
    assert rows.weight.tolist() == [0.5, 2]
    assert rows.group[0] == 7
    assert rows.group[1] >= 0
    blind = schema.encode({"c": ["a"]}, labelled=False)
    assert (blind.target, blind.weight, blind.group) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["no", "maybe"]}, r"Row 1, column 'y'.*one of the classes.*'no', 'yes'.*'maybe'"),
        ({"y": ["no", None]}, r"Row 1, column 'y'.*must not be missing"),
        ({"w": [1.0, -2.0]}, r"Row 1, column 'w'.*not be negative"),
        ({"w": [None, 2.0]}, r"Row 0, column 'w'.*missing"),
        ({"x": [1.0, float("inf")]}, r"Row 1, column 'x'.*finite"),
        ({"x": [1e300, 1.0]}, r"Row 0, column 'x'.*float32"),
        ({"x": ["1", "abc"]}, r"Row 1, column 'x'.*number.*'abc'"),
        ({"c": [["a"], ["b"]]}, r"cannot be used as one category"),
    ],
)
def test_bad_cells_are_named(change, message):
    table = {"c": ["a", "b"], "x": [0.0, 1.0], "y": ["no", "yes"], "w": [0.5, 2.0], "g": [1, 2]}
    columns = [Column("c"), Column("x", "numeric", transform="none")]
    schema = Schema(columns, target="y", weight="w", group="g").fit(table)
    with pytest.raises(SchemaError, match=message):
        schema.encode({**table, **change})


def test_numeric_targets_stay_numbers():
    schema = Schema([Column("c")], target="y").fit({"c": ["a", "b"], "y": ["1", "2.5"]})
    assert schema.target_classes is None
    assert schema.encode({"c": ["a"], "y": ["2.5"]}).target.tolist() == [2.5]


def test_a_lacking_column_is_named():
    schema = Schema([Column("city")]).fit({"city": ["a"]})
    with pytest.raises(SchemaError, match="Did you mean 'cty'"):
        schema.encode({"cty": ["a"]})


def test_missing_words_in_numeric_text():
    schema = Schema([Column("x", "numeric", transform="none")]).fit(
        {"x": ["1", "NA", " 3 ", "n/a"]}
    )
    assert schema.counts.tolist() == [2, 2]
    assert schema.encode({"x": ["null", "2"]}).indices.tolist() == [0, 1]


def test_quantiles_of_many_rows_use_a_fixed_sample(monkeypatch):
    monkeypatch.setattr("fieldfare.schema.fit._QUANTILE_SAMPLE", 500)
    x = np.random.default_rng(0).normal(size=4000)
    column = Column("x", "numeric", transform="quantile", n_bins=4)
    whole = Schema([column]).fit({"x": x})
    pieces = (pa.table({"x": x[a:b]}) for a, b in ((0, 7), (7, 3000), (3000, 4000)))
    parts = Schema([column]).fit(pieces)
    assert whole.digest == parts.digest
    edges = whole.fitted[0].edges
    assert np.abs(edges - np.quantile(x, [0.25, 0.5, 0.75])).max() < 0.2


def test_cells_that_are_not_canonical_are_found_all_the_same():
    column = Column("c")
    given = ["5.0", "5", "True", "true", "", None, "5.00", "never seen"]
    names = ["c=5", "c=5", "c=true", "c=true", "c=<missing>", "c=<missing>", "c=<unknown>",
             "c=<unknown>"]  # fmt: skip
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())):
        cells = pa.array(["x", *given], pa.string()).cast(kind).slice(1)
        schema = Schema([column]).fit(pa.table({"c": ["5", "true", "5", "a"]}))
        rows = schema.encode(pa.table({"c": cells}))
        assert [schema.feature_name(i) for i in rows.indices.tolist()] == names


def test_a_table_without_features():
    table = {"y": [1.0, 2.0], "x": ["a", "b"]}
    schema = Schema([Column("x", "ignore")], target="y").fit(table)
    rows = schema.encode(table)
    assert rows.indptr.tolist() == [0, 0, 0]
    assert rows.target.tolist() == [1, 2]
