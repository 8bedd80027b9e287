"""What follows from `fieldfare.config` is generated, up to date, and says so."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.architecture.sources import PACKAGE, ROOT
from tools.estimators.parameters import annotate, describe
from tools.generate import outputs

import fieldfare.estimators
from fieldfare._validation import NONE, AnyOf, Constraint, Flag, Number, OneOf, Several

OUTPUTS = outputs()
IDS = [str(path.relative_to(ROOT)) for path in OUTPUTS]


@pytest.mark.parametrize("path", OUTPUTS, ids=IDS)
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == OUTPUTS[path], "run: make generate"


@pytest.mark.parametrize("path", OUTPUTS, ids=IDS)
def test_generated_files_say_so_at_the_top(path: Path) -> None:
    assert "Written by `make generate`" in "".join(path.read_text(encoding="utf-8")[:200])


@pytest.mark.parametrize("name", fieldfare.estimators.__all__)
def test_the_classes_of_all_estimators_are_generated(name: str) -> None:
    home = Path(inspect.getfile(getattr(fieldfare.estimators, name)))
    assert PACKAGE / "estimators" / home.name in OUTPUTS


def test_type_checkers_know_the_parameters(tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        "import fieldfare\n"
        "fieldfare.FMClassifier(n_factors=3, solver='als', early_stopping='auto')\n"
        "fieldfare.FMClassifier(n_factor=3)\n"
        "fieldfare.FMRegressor(solver='adagard')\n"
        "fieldfare.HOFMClassifier(n_factors=[3, 2])\n"
        "fieldfare.FMClassifier(n_factors=[3, 2])\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.devnull, str(code)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert [line.split(":")[1] for line in errors] == ["3", "4", "6"], said
    assert 'Unexpected keyword argument "n_factor"' in errors[0]
    assert "adagard" in errors[1]
    assert 'incompatible type "list[int]"' in errors[2]


@pytest.mark.parametrize(
    ("constraint", "annotation", "words"),
    [
        (Number(1, 256, integer=True), "int", "int in [1, 256]"),
        (Number(0, 1, low_open=True, high_open=True), "float", "float in (0, 1)"),
        (Number(0, low_open=True), "float", "float > 0"),
        (Number(), "float", "float"),
        (OneOf(("a", "b")), 'Literal["a", "b"]', "{'a', 'b'}"),
        (AnyOf((Flag(), OneOf(("auto",)))), 'bool | Literal["auto"]', "bool or 'auto'"),
        (
            AnyOf((Number(1, integer=True), OneOf((-1,)), NONE)),
            "int | None",
            "int >= 1, -1 or None",
        ),
        (AnyOf((Number(0, integer=True), Flag())), "int", "int >= 0 or bool"),
        (
            AnyOf((Number(0), Several(Number(0)))),
            "float | Sequence[float]",
            "float >= 0 or sequence of float >= 0",
        ),
        (AnyOf((NONE, Flag())), "bool | None", "None or bool"),
    ],
)
def test_types_follow_from_constraints(constraint: Constraint, annotation: str, words: str) -> None:
    assert annotate(constraint) == annotation
    assert describe(constraint) == words
