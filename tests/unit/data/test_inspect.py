"""inspect: what a file holds and what looks wrong with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.data import inspect as module
from fieldfare.data import leaks
from fieldfare.data.inspect import inspect


def frame(n: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, n)
    return pd.DataFrame(
        {
            "user_id": random.integers(0, 40, n),
            "price": random.normal(size=n),
            "seen": np.where(y == 1, "yes", "no"),
            "shop": "the only one",
            "city": random.choice(["a", "b", None], n),
            "y": y,
        }
    )


def test_a_table_with_faults():
    data = frame()
    data = pd.concat([data, data[:3].assign(y=1 - data[:3].y)])
    found = inspect(data, target="y", against=frame().assign(city="new"))
    text = str(found)
    assert found.n_rows == 403
    assert found.duplicates == 3
    assert any("another target" in finding for finding in found.findings)
    assert any("'shop' has one value" in finding for finding in found.findings)
    assert any("'seen' alone all but determines" in finding for finding in found.findings)
    assert not any("'user_id'" in finding for finding in found.findings)
    assert 0.2 < found.missing["city"] < 0.5
    assert found.unseen["city"] == 1
    assert found.unseen["user_id"] == 0
    assert "memory" not in text
    assert "column" in text


def test_a_numeric_leak_in_regression():
    data = frame().assign(y=lambda f: f.price * 3 + 1)
    assert any("'price'" in finding for finding in inspect(data, target="y").findings)


def test_libffm_with_a_feature_in_two_fields(tmp_path):
    path = tmp_path / "a"
    path.write_text("1 0:1:1 1:2:1\n0 0:1:1 1:1:1\n1 0:1:1 1:2:1\n")
    (tmp_path / "b").write_text("1 0:1:1 1:9:1\n")
    found = inspect(path, against=tmp_path / "b")
    assert found.format == "libffm"
    assert any("more than one field, such as 1" in finding for finding in found.findings)
    assert found.target == {"classes": {"0": 1, "1": 2}}
    assert found.duplicates == 1
    assert found.unseen == {"all": 0.5}


def test_a_feature_that_is_the_target(tmp_path):
    lines = [f"{i % 2} {'7' if i % 2 else '8'}:1 {10 + i % 5}:1" for i in range(200)]
    (tmp_path / "a").write_text("\n".join(lines))
    assert any("'7'" in finding for finding in inspect(tmp_path / "a").findings)


def test_a_sound_source_has_no_findings():
    found = inspect(frame().drop(columns=["seen", "shop"]), target="y")
    assert found.findings == ()
    assert "Nothing looks wrong" in str(found)


def test_of_a_large_source_a_sample_is_looked_at(monkeypatch):
    data = frame(4000)
    data = pd.concat([data, data])
    whole = inspect(data, target="y")
    monkeypatch.setattr(module, "_SAMPLE_ENTRIES", 6400)
    monkeypatch.setattr(leaks, "BLOCK_ROWS", 100)
    found = inspect(data, target="y", against=frame().assign(city="new"))
    assert found.n_sampled == 6400 // 5
    assert found.target == whole.target
    assert found.missing == whole.missing
    assert (found.n_rows, found.n_entries) == (whole.n_rows, whole.n_entries)
    # Both halves are the same, and so are the stretches taken of them.
    assert found.duplicates == 640
    assert found.findings == whole.findings
    assert found.unseen["city"] == 1
    assert "are of 1280 rows only" in str(found)
    assert "rows only" not in str(whole)


def test_numbers_as_the_target_are_summed_up_block_by_block(monkeypatch):
    data = frame().assign(y=lambda f: np.round(f.price, 3))
    monkeypatch.setattr(leaks, "BLOCK_ROWS", 7)
    found = inspect(data, target="y").target
    assert found["mean"] == pytest.approx(data.y.mean())
    assert found["std"] == pytest.approx(data.y.std(ddof=0))


def test_numbers_of_unequal_size_are_found_in_numbered_data():
    rng = np.random.default_rng(0)
    n = 200
    ids = np.column_stack([np.ones(n), rng.integers(0, 2, n)])
    found = inspect(np.column_stack([ids, 9e8 + rng.normal(0, 1e6, n)]))
    (said,) = [text for text in found.findings if "size" in text]
    assert "feature '2' is about 9e+08" in said
    assert "about 1." in said
    assert not [t for t in inspect(ids).findings + inspect(frame()).findings if "size" in t]


def test_an_inspection_is_a_frame_of_columns_and_html() -> None:
    table = pd.DataFrame({"city": ["<a>", "b", None] * 40, "age": range(120), "y": [0, 1] * 60})
    found = inspect(table, "y")
    frame = found.to_frame().set_index("column")
    assert frame.loc["city", "taken for"] == "categorical"
    assert frame.loc["city", "missing"] == pytest.approx(1 / 3)
    assert frame["unseen"].isna().all()
    assert found._repr_html_().startswith("<pre>format ")
