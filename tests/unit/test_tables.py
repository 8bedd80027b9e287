"""Results that print as tables are frames and HTML, too."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

import fieldfare as ff
from fieldfare._tables import Printed
from fieldfare.retrieval.comparison import compare

TABLE = {"user": ["<b>u</b>", "v"] * 20, "item": ["a", "a", "b", "b"] * 10, "y": [0, 1, 1, 0] * 10}
RESULT = ff.train(
    TABLE, target="y", valid=TABLE, eval_metric="AUC", max_iter=3, random_state=0, n_jobs=1
)
POSTERIOR = ff.sample(TABLE, target="y", n_samples=5, n_warmup=5, random_state=0)
COMPARED = compare({}, {"user": list("aabb"), "item": list("xyxz")}, {"user": ["a"], "item": ["z"]})
MODEL = RESULT.model
RESULTS: dict[str, Any] = {
    "history": RESULT.history,
    "schema": MODEL.schema,
    "explanation": ff.explain(MODEL, TABLE),
    "features": ff.top_features(MODEL),
    "interactions": ff.top_interactions(MODEL),
    "fields": ff.top_interactions(MODEL, by="field"),
    "matrix": ff.field_interactions(MODEL),
    "trace": POSTERIOR.trace,
    "folds": ff.cross_validate(TABLE, target="y", folds=2, max_iter=1, random_state=0),
    "comparison": COMPARED,
    "evaluation": COMPARED["popularity"],
}


class _Cells(HTMLParser):
    """Collects the texts of the cells, row by row, and the tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        del attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_a_frame(name: str) -> None:
    frame = RESULTS[name].to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame)


def test_frames_hold_numbers() -> None:
    explained = RESULTS["explanation"]
    assert explained.to_frame()["term"].sum() == pytest.approx(explained.score)
    assert RESULTS["schema"].to_frame().loc[0, "features"] == 4
    matrix = RESULTS["matrix"].to_frame()
    assert matrix.loc["user", "item"] == RESULTS["matrix"].values[0, 1]
    assert RESULTS["features"].to_frame()["weight"].dtype == float
    assert list(ff.Schema.infer(TABLE, target="y").to_frame()["features"].isna()) == [True, True]


@pytest.mark.parametrize("name", sorted(RESULTS.keys() - {"evaluation"}))
def test_html_shows_what_is_printed_and_escapes_it(name: str) -> None:
    text = RESULTS[name]._repr_html_()
    found = _Cells(text)
    assert found.tags <= {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert len(found.rows) > 1
    if name != "matrix":
        printed = re.sub(r"\s+", "", str(RESULTS[name]))
        assert all(re.sub(r"\s+", "", cell) in printed for row in found.rows for cell in row)


def test_a_printed_table_may_be_only_lines() -> None:
    assert str(Printed((), (), above=("nothing",))) == "nothing"
    assert Printed((), (), above=("<",)).html() == "<div>&lt;</div>"
