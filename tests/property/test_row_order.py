"""What the columns of a table are does not depend on the order of its rows."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.data.loading import load
from fieldfare.exceptions import DataWarning
from fieldfare.schema import infer


def written(number: float) -> str:
    """Return a number as people write it; those below 1e-154 cannot be standardised."""
    return repr(round(number, 6))


CELLS = {
    "plain": st.floats(-1e6, 1e6).map(written),
    "whole": st.integers(0, 60).map(str),
    "odd": st.floats(0, 1).map(written) | st.sampled_from(["abc", "12 kg", "?", ""]),
    "worse": st.integers(0, 99).map(str) | st.text("abcdefgh", min_size=1, max_size=3),
    "rare": st.just("") | st.just("") | st.integers(0, 99).map(str),
    "bars": st.sampled_from(["a", "b", "c", "a|b", "NA"]),
    "flags": st.sampled_from(["true", "false", "1", "maybe"]),
}


@pytest.fixture(autouse=True)
def few_rows_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the guess come from five rows, so that it is often wrong."""
    monkeypatch.setattr(infer, "SAMPLE_ROWS", 5)


def outcome(path, rows):
    names = list(CELLS)
    lines = [",".join(names), *(",".join(row[name] for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        schema = load(str(path), labelled=False, cache=False).schema
    kinds = [(column.name, column.kind, column.separator) for column in schema.columns]
    warned = {str(w.message).split(":")[0] for w in said if issubclass(w.category, DataWarning)}
    marks = [column.na_values for column in schema.columns]
    return kinds, marks, schema.n_features, warned


@examples(60)
@given(data=st.data())
def test_any_order_of_rows_has_the_same_outcome(tmp_path_factory, data):
    rows = data.draw(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=20))
    order = data.draw(st.permutations(range(len(rows))))
    path = tmp_path_factory.mktemp("rows") / "t.csv"
    assert outcome(path, rows) == outcome(path, [rows[i] for i in order])


@pytest.mark.parametrize("at", [0, 3, 11_999])
def test_one_odd_cell_anywhere(tmp_path, at):
    cells = [f"{x:.3f}" for x in np.random.default_rng(0).random(12_000)]
    cells[at] = "12 kg"
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{cell},{i % 2}\n" for i, cell in enumerate(cells)))
    with pytest.warns(DataWarning, match=rf"'x': 1 of 12,000 cells.*'12 kg' first in .*row {at}\b"):
        schema = load(str(path), target="y", cache=False).schema
    assert schema.column("x").kind == "numeric"
    assert schema.counts[schema.fitted[0].missing] == 1


def test_the_same_in_frames_of_mixed_types():
    cells = [*np.random.default_rng(0).random(50).tolist(), "unknown"]
    for order in (cells, cells[::-1]):
        with pytest.warns(DataWarning, match="'x': 1 of 51 cells.*'unknown'"):
            schema = load({"x": order}, labelled=False).schema
        assert schema.column("x").kind == "numeric"
        assert schema.encode([{"x": "unknown"}, {"x": 0.5}]).indices.tolist() == [0, 1]
    texts = load({"x": ["1.5", "2.5", "unknown"] * 9}, labelled=False).schema
    assert texts.column("x").kind == "categorical"  # texts of a typed table stay texts
    assert pa.types.is_string(pa.array(["1.5"]).type)
