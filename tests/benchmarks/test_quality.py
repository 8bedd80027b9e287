"""The benchmarks on the collection of data sets, on the sets that need no download."""

import json

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks.__main__ import main
from benchmarks.common.tables import TABLES
from benchmarks.quality import candidates, tables
from benchmarks.quality._rivals import Found


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A report on two sets, and one of a later state that keeps others' figures."""
    folder = tmp_path_factory.mktemp("tables")
    sets = ["--tables", "wine", "access", "--rows", "800", "--results", str(folder)]
    systems = ["LR", "FM", "constant", "one-hot linear"]
    assert main(["quality/tables", *sets, "--systems", *systems, "--name", "first"]) == 0
    first = str(folder / "first.json")
    later = ["--systems", "FM", "--keep", first, "--before", first, "--name", "later"]
    assert main(["quality/tables", *sets, *later]) == 0
    return folder


def test_every_system_has_figures_on_every_split(compared):
    runs = json.loads((compared / "first.json").read_text())["figures"]["runs"]
    assert {(run["table"], run["system"], run["split"]) for run in runs} == {
        (table, system, split)
        for table in ("wine", "access")
        for system in ("LR", "FM", "constant", "one-hot linear")
        for split in range(3)
    }
    for run in runs:
        assert run.keys() >= {"loss", "accuracy", "ece", "seconds"}
        assert 0 < run["loss"] < 10
        assert ("auc" in run) == (run["table"] == "access")


def test_a_later_report_keeps_others_and_shows_the_earlier_state(compared):
    figures = json.loads((compared / "later.json").read_text())["figures"]
    assert {run["system"] for run in figures["runs"]} == {"LR", "FM", "constant", "one-hot linear"}
    assert {run["system"] for run in figures["before"]} == {"LR", "FM"}
    text = (compared / "later.md").read_text()
    assert "wine, before" in text
    assert "FM before" in text


def test_a_table_is_made_in_parts(compared):
    arguments = ["--tables", "digits", "--systems", "LR", "constant", "--rows", "800"]
    arguments += ["--keep", str(compared / "first.json"), "--name", "more"]
    main(["quality/tables", *arguments, "--results", str(compared)])
    figures = json.loads((compared / "more.json").read_text())["figures"]
    assert list(figures["sizes"]) == ["wine", "digits", "access"]
    systems = {run["system"] for run in figures["runs"] if run["table"] == "digits"}
    assert systems == {"LR", "constant"}
    assert sum(run["table"] == "wine" for run in figures["runs"]) == 4 * 3


def test_figures_on_other_rows_are_not_kept(compared):
    arguments = ["--tables", "wine", "--keep", str(compared / "first.json"), "--rows", "100"]
    with pytest.raises(SystemExit, match="on 800 rows"):
        main(["quality/tables", *arguments, "--results", str(compared)])


def test_scores_of_known_predictions():
    y = np.array([0.0, 1.0, 1.0, 0.0])
    figures = tables.scores("binary", y, Found(np.array([0.5, 0.5, 0.5, 0.5])))
    assert figures["loss"] == pytest.approx(np.log(2))
    assert figures["auc"] == 0.5
    assert figures["ece"] == pytest.approx(0)
    assert tables.scores("regression", y, Found(y + 2))["loss"] == pytest.approx(2)
    assert "finite" in tables.scores("regression", y, Found(y * np.nan))["failure"]
    assert tables.scores("binary", y, Found(None, failure="why")) == {"failure": "why"}


def test_a_verdict_names_the_sets_where_a_model_loses():
    names = ("constant", "one-hot linear")
    reference = {("adult", name): loss for name, loss in zip(names, (0.5, 0.3), strict=True)}
    reference |= {("wine", name): loss for name, loss in zip(names, (1.0, 0.1), strict=True)}
    found = tables._verdict({"adult": 0.51, "wine": 0.5, "ames": None}, reference)
    assert found == [3, 1, 1, "adult", 1, "adult", pytest.approx((0.51 / 0.3 + 5) / 2)]


def test_candidates_are_compared_by_their_excess(tmp_path):
    chosen = ["the defaults", "n_factors 4", "als"]
    arguments = ["--tables", "wine", "access", "--models", "linear", "fm", "--rows", "800"]
    main(["quality/candidates", *arguments, "--splits", "1", "--candidates", *chosen,
          "--results", str(tmp_path)])  # fmt: skip
    runs = json.loads((tmp_path / "quality" / "candidates.json").read_text())["figures"]["runs"]
    # ALS takes the two classes of one of them, for models that it trains.
    assert len(runs) == 2 * 2 * 2 + 1
    assert all(run["loss"] > 0 and run["constant"] > 0 for run in runs)
    summary = candidates.summary({"runs": runs}, "fm")
    assert "| the defaults | 2 |" in summary
    assert "+" not in summary


def test_candidates_are_never_chosen_on_sets_kept_apart():
    assert candidates.CHOOSING
    assert not any(TABLES[name].apart for name in candidates.CHOOSING)
    found = list(candidates.CANDIDATES.values())
    assert all(one not in found[:place] for place, one in enumerate(found))
