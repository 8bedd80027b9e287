"""The table of habits: what users of other libraries type first does what the page says."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.docs.test_code_blocks import ROOT, blocks

from fieldfare.cli import main

PAGE = ROOT / "docs" / "guide" / "habits.md"
LIBRARIES = [
    "scikit-learn",
    "xgboost",
    "LightGBM",
    "CatBoost",
    "polars",
    "xLearn",
    "libFM",
    "Spark",
]
JOBS = 15
_ROW = re.compile(r"^\| `(?P<code>[^`]+)` \| (?P<user>[^|]+) \| (?P<before>.+) \| (?P<now>.+) \|$")
_LISTS = re.compile(
    r" (The (parameters|columns|metrics) are|Samples can be) .*$| \(choose from .*\)"
)
_LONGEST = 260


@dataclass(frozen=True)
class Habit:
    """A row of the page."""

    job: str
    code: str
    user: str
    now: str


def habits() -> list[Habit]:
    """Return the rows of the page, under their jobs."""
    found, job = [], ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            job = line[3:]
        elif row := _ROW.match(line):
            found.append(Habit(job, row["code"], row["user"], row["now"]))
    return found


def shortened(code: str, text: str) -> str:
    """Return a message as the page has it: its code first, and no list of all the names."""
    text = _LISTS.sub("", re.sub(r" \[FF\d+\]$", "", text.replace("\n", " ")))
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return f"`{code}: {text}`".replace("|", "/")


def ran(habit: Habit, names: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]) -> str:
    """Return what happens: "works", or the message."""
    if habit.code.startswith("$ fieldfare "):
        capfdbinary.readouterr()
        code = main(shlex.split(habit.code)[2:])
        *_, said = [
            line
            for line in ["", *capfdbinary.readouterr().err.decode().splitlines()]
            if not line.startswith(("See 'fieldfare", "warning: "))
        ]
        return "works" if code == 0 else shortened(f"exit {code}", re.sub("^[a-z ]+: ", "", said))
    try:
        eval(habit.code, names)
    except Exception as error:  # noqa: BLE001 - whatever there is, the page shows it
        return shortened(getattr(error, "code", type(error).__name__), str(error))
    return "works"


@pytest.mark.filterwarnings("ignore")
def test_what_users_type_first_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIELDFARE_CACHE", str(tmp_path / "cache"))
    names: dict[str, Any] = {}
    first = next(block for block in blocks(PAGE.read_text(encoding="utf-8")))
    exec(first.code, names)
    wrong = {
        habit.code: (habit.now, found)
        for habit in habits()
        if (found := ran(habit, names, capfdbinary)) != habit.now
    }
    assert wrong == {}


def test_there_are_fifteen_jobs_and_every_library_has_its_habits() -> None:
    found = habits()
    assert len({habit.job for habit in found}) == JOBS
    assert {habit.user for habit in found} == set(LIBRARIES)
    assert len({habit.code for habit in found}) == len(found)


def test_no_habit_ends_in_an_error_that_is_not_ours() -> None:
    """What does not work is answered by a coded message, or by an attribute that there is."""
    ours = re.compile(r"works$|`FF\d+: |`exit \d: |`AttributeError: .* attribute '\w+'\. ")
    assert [habit.code for habit in habits() if not ours.match(habit.now)] == []
