"""The checked-in reports say what their figures say, and the runner knows its benchmarks."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import main
from benchmarks.common.drawing import text_of
from benchmarks.common.report import RESULTS, ROOT, Excerpt, Picture, Report, benchmark, names
from benchmarks.quality.defaults import CANDIDATES
from fieldfare.config import ModelConfig, SolverConfig

REPORTS = sorted(RESULTS.rglob("*.json"))
IDS = [str(path.relative_to(RESULTS)) for path in REPORTS]


@pytest.mark.parametrize("path", REPORTS, ids=IDS)
def test_text_is_drawn_from_the_figures_alone(path):
    report = Report.load(path)
    assert report.benchmark in names()
    assert text_of(report) == path.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", REPORTS, ids=IDS)
def test_every_picture_is_one_of_a_report(path):
    report = Report.load(path)
    parts = benchmark(report.benchmark).tell(report)
    drawn = {part.name for part in parts if isinstance(part, Picture)}
    assert {name for name in drawn if not path.with_name(f"{name}.svg").exists()} == set()


@pytest.mark.parametrize("path", REPORTS, ids=IDS)
def test_pages_of_the_documentation_show_what_the_report_says(path):
    report = Report.load(path)
    for part in benchmark(report.benchmark).tell(report):
        if isinstance(part, Excerpt):
            assert part.shown() == (ROOT / part.page).read_text(encoding="utf-8")
        if isinstance(part, Picture) and part.shown_in is not None:
            name = f"{part.name}.svg"
            assert (ROOT / part.shown_in / name).read_bytes() == path.with_name(name).read_bytes()


def test_no_picture_and_no_text_is_without_figures():
    drawn = {
        path.with_name(f"{part.name}.svg")
        for path in REPORTS
        for part in benchmark(Report.load(path).benchmark).tell(Report.load(path))
        if isinstance(part, Picture)
    }
    pictures = set(RESULTS.rglob("*.svg")) | {p.with_suffix(".svg") for p in RESULTS.rglob("*.png")}
    assert pictures == drawn
    assert {path.with_suffix(".json") for path in RESULTS.rglob("*.md")} == set(REPORTS)


@pytest.mark.parametrize("name", names())
def test_every_benchmark_has_what_the_runner_asks_for(name, capsys):
    module = benchmark(name)
    assert module.TITLE
    assert callable(module.measure)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"Takes {module.TAKES}" in capsys.readouterr().out


def test_the_runner_lists_them_and_refuses_others(capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in names())
    assert main(["speed/nothing"]) == 2
    assert "speed/kernels" in capsys.readouterr().err


def test_public_benchmarks_say_where_their_data_should_be(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["quality/public", "--data", str(tmp_path / "nowhere")])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "nowhere" in message
    assert "--data" in message


def test_no_two_candidates_for_the_defaults_are_the_same():
    defaults = vars(ModelConfig()) | vars(SolverConfig())
    found = [defaults | settings for settings in CANDIDATES.values()]
    assert all(one not in found[:place] for place, one in enumerate(found))
