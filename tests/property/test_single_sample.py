"""One sample through dictionaries has the features that it has as a table of one row."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import pickle
import warnings
import zoneinfo
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError, DataWarning, FieldfareError, SchemaError
from fieldfare.models.registry import build
from fieldfare.schema.calendar import PARTS
from fieldfare.schema.schema import Column, Schema
from fieldfare.schema.vocabulary import Vocabulary, hash64, hash_text

pa = pytest.importorskip("pyarrow")

N = 60
WORDS = ["red", "blue", "5", "true", "0.5", "2020-01-01", "a b", " pad ", "Großes ß"]
COLUMNS = (
    Column("colour"),
    Column("hashed", hash_buckets=7),
    Column("number", kind="numeric"),
    Column("raw", kind="numeric", transform="none"),
    Column("bins", kind="numeric", transform="quantile", n_bins=4),
    Column("log", kind="numeric", transform="log2"),
    Column("log_hashed", kind="numeric", transform="log2", hash_buckets=5),
    Column("tags", kind="multi", separator="|"),
    Column("weighted", kind="multi", separator="|", weight_separator=":"),
    Column("list", kind="multi"),
    Column("words", kind="text"),
    Column("shared", field="colour"),
    Column("day", kind="datetime", parts=tuple(PARTS), date_format="dmy"),
    Column("stamp", kind="datetime", date_format="ms"),
    Column("left_out", kind="ignore"),
)


@pytest.fixture(scope="module")
def schema():
    rng = np.random.default_rng(0)

    def words():
        return rng.choice(WORDS, N).tolist()

    table = {
        "colour": words(),
        "hashed": words(),
        "number": rng.normal(5, 3, N).tolist(),
        "raw": rng.normal(size=N).tolist(),
        "bins": rng.normal(size=N).tolist(),
        "log": rng.lognormal(2, 2, N).tolist(),
        "log_hashed": rng.lognormal(2, 2, N).tolist(),
        "tags": ["|".join(rng.choice(WORDS, 3)) for _ in range(N)],
        "weighted": ["|".join(f"{word}:{x}" for word, x in zip(WORDS, (1, 0.5), strict=False))] * N,
        "list": [list(rng.choice(WORDS, 2)) for _ in range(N)],
        "words": [" ".join(rng.choice(WORDS, 3)) for _ in range(N)],
        "shared": words(),
        "day": [f"{1 + i % 28}.{1 + i % 12}.2020 {i % 24}:00" for i in range(N)],
        "stamp": [i * 10**10 for i in range(N)],
        "left_out": [1] * N,
    }
    return Schema(COLUMNS).fit(table)


TEXTS = st.one_of(st.sampled_from([*WORDS, "True", "1.0", "-3.0", "x.0", "", " "]), st.text())
NUMBERS = st.one_of(
    st.integers(-(2**62), 2**62),
    st.floats(allow_infinity=False, width=64, min_value=-1e300, max_value=1e300),
    st.sampled_from([0, 0.0, -0.0, 2, 2.0, 1e-50, 1e30, 5.0, "5", " 7 ", "NA", "", "1e3", "2_0"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS)
JOINED = st.lists(TEXTS, max_size=4).map("|".join)
WEIGHTED = st.lists(
    st.tuples(TEXTS, st.sampled_from(["", ":", ":1", ":0.1", ":0", ":-2.5e1", ":x", ":1e39"])),
    max_size=3,
).map(lambda parts: "|".join(a + b for a, b in parts))
DAYS = st.sampled_from(["31.12.2020", "2020-02-29", "30/2/2019", "3-Mar-2021", "1.2.20"])
HOURS = st.sampled_from(["", " 7:05", "T23:59:59.1234567Z", " 12:00 AM", " 13:00 pm", "T6"])
ZONES = [zoneinfo.ZoneInfo("Europe/Berlin"), datetime.timezone(datetime.timedelta(hours=-5))]
DATES = st.one_of(
    st.tuples(DAYS, HOURS, st.sampled_from(["", "+02:00", " UTC", " then"])).map("".join),
    st.sampled_from(["7:05", "11:59:00.5 PM", "NaT", "?"]),
    st.datetimes(timezones=st.one_of(st.none(), st.sampled_from(ZONES))),
    st.dates(),
    st.times(),
)
VALUES = {
    "colour": SCALARS,
    "hashed": SCALARS,
    "number": st.one_of(st.none(), NUMBERS, st.booleans()),
    "raw": st.one_of(st.none(), NUMBERS),
    "bins": st.one_of(st.none(), NUMBERS),
    "log": st.one_of(st.none(), NUMBERS),
    "log_hashed": st.one_of(st.none(), NUMBERS),
    "tags": st.one_of(st.none(), JOINED, st.integers(0, 9)),
    "weighted": st.one_of(st.none(), WEIGHTED),
    "list": st.one_of(st.none(), TEXTS, st.lists(TEXTS, max_size=3)),
    "words": st.one_of(st.none(), st.lists(TEXTS, max_size=3).map(" ".join)),
    "shared": SCALARS,
    "day": st.one_of(st.none(), DATES, TEXTS),
    "stamp": st.one_of(st.none(), DATES, NUMBERS.filter(lambda x: x != "")),
}
USUAL = dict.fromkeys(VALUES)


def outcome(encode):
    """Return the features, or the error, and whether there was a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        try:
            return encode(), bool(caught)
        except FieldfareError as error:
            return type(error), str(error)


def single(schema, sample):
    ids, values, fields = schema.sample_encoder().encode(sample)
    return ids, np.array(values, np.float32).tolist(), fields


def batch(schema, sample):
    rows = schema.encode([sample], labelled=False)
    ones = np.ones(rows.nnz, np.float32)
    values = ones if rows.values is None else rows.values
    return rows.indices.tolist(), values.tolist(), rows.fields.tolist()


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
@examples(40)
def test_features_are_those_of_a_table(schema, name, data):
    sample = USUAL | {name: data.draw(VALUES[name])}
    assert outcome(lambda: single(schema, sample)) == outcome(lambda: batch(schema, sample))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", datetime.date(2020, 1, 1)),
        ("colour", np.int64(5)),
        ("colour", np.float32(0.5)),
        ("colour", 2**63),
        ("colour", float("inf")),
        ("number", "many"),
        ("number", float("inf")),
        ("raw", 1e39),
        ("raw", 1e-46),
        ("tags", "a\u2003| b\x1f"),
        ("weighted", "red:1e39"),
        ("list", [1, 2]),
        ("list", []),
        ("list", ("red", "blue")),
        ("list", [None, "red"]),
        ("words", "GROẞ red"),
    ],
)
def test_unusual_values_are_read_or_refused_as_in_tables(schema, name, value):
    sample = USUAL | {name: value}
    assert outcome(lambda: single(schema, sample)) == outcome(lambda: batch(schema, sample))


def test_a_vocabulary_with_texts_that_mean_something_else_is_read_as_in_tables(schema):
    position = [column.name for column in schema.columns].index("colour")
    fitted = list(schema.fitted)
    words = ["True", "NA", "5.0", "red", "true"]
    ids = [1] * len(words)
    vocabulary = Vocabulary.build(words, ids, fitted[position].first)
    fitted[position] = dataclasses.replace(fitted[position], vocabulary=vocabulary)
    odd = dataclasses.replace(schema, fitted=tuple(fitted))
    for word in (*words, "5", 5, True, " NA "):
        sample = USUAL | {"colour": word}
        assert outcome(partial(single, odd, sample)) == outcome(partial(batch, odd, sample))


def test_a_missing_column_is_named(schema):
    with pytest.raises(SchemaError, match="needs a value of 'hashed'"):
        schema.sample_encoder().encode({"colour": "red"})


@given(text=st.text())
@example(text="")
def test_hash_of_one_text(text):
    assert hash_text(text) == int(hash64(pa.array([text], pa.large_string()))[0])


@pytest.fixture(scope="module", params=["linear", "fm", "ffm"])
def model(request, schema):
    sizes = {"n_features": schema.n_features, "n_fields": schema.n_fields}
    config = ModelConfig(model=request.param, task="binary", init_scale=0.3)
    model = build(config, **sizes, schema=schema, classes=["no", "yes"])
    model.linear[:] = np.random.default_rng(0).normal(size=model.linear.shape)
    return model


SAMPLE = {
    **USUAL,
    "colour": "red",
    "number": 3,
    "tags": "red|blue",
    "weighted": "red:0.5",
    "list": ["blue"],
    "left_out": 1,
}


@given(data=st.data())
@examples(40)
def test_predict_one_is_the_prediction_of_a_table_of_one_row_to_the_last_bit(model, data):
    drawn = {name: data.draw(VALUES[name]) for name in ("colour", "number", "bins", "tags")}
    for task, outputs in (("binary", 1), ("regression", 1), ("multiclass", 3)):
        sizes = {"n_features": model.n_features, "n_fields": model.schema.n_fields}
        config = ModelConfig(model=model.kind, task=task, init_scale=0.3)
        other = build(config, **sizes, n_outputs=outputs, schema=model.schema)
        other.linear[:] = np.random.default_rng(0).normal(0, 2, other.linear.shape)
        try:
            rows = other.schema.encode([SAMPLE | drawn], labelled=False)
        except FieldfareError:
            continue  # what is refused is compared above
        expected = other.predict(rows)[0]
        np.testing.assert_array_equal(other.predict_one(SAMPLE | drawn), expected)


def test_candidates_of_a_table(model):
    items = {"colour": ["red", "blue", None], "number": [1.0, 2.0, None], "left_out": [0, 0, 0]}
    context = {name: value for name, value in SAMPLE.items() if name not in items}
    table = [
        SAMPLE | {"colour": colour, "number": number}
        for colour, number in zip(items["colour"], items["number"], strict=True)
    ]
    expected = model.predict(model.schema.encode(table, labelled=False))
    found = model.predict_candidates(context, items)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    encoded = model.schema.encode(items, labelled=False, columns=["colour", "number"])
    np.testing.assert_array_equal(model.predict_candidates(context, encoded), found)
    with pytest.raises(SchemaError, match="'number'"):
        model.predict_candidates(context, {"colour": ["red"]})


def test_predictions_follow_the_parameters(model):
    other = copy.copy(model)
    before = other.predict_one(SAMPLE)
    other.bias = other.bias + np.float32(1)
    assert other.predict_one(SAMPLE) > before
    assert model.predict_one(SAMPLE) == before
    again = pickle.loads(pickle.dumps(other))
    assert again.predict_one(SAMPLE) == other.predict_one(SAMPLE)


def test_models_without_columns_say_so():
    model = build(ModelConfig(), n_features=3, schema=Schema.indexed(3, 0))
    with pytest.raises(SchemaError, match="numbered"):
        model.predict_one({"a": 1})
    with pytest.raises(DataError, match="has no schema"):
        build(ModelConfig(), n_features=3).predict_one({"a": 1})
