"""What follows from `fieldfare.config` is generated, up to date, and says so."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.sources import PACKAGE, ROOT
from tools.estimators.parameters import annotate, describe
from tools.generate import PATHS, outputs

import fieldfare.estimators
from fieldfare._validation import NONE, AnyOf, Constraint, Flag, Number, OneOf, Several

IDS = [str(path.relative_to(ROOT)) for path in PATHS]
# One more loss and two more solvers, of which the second has a long name.
PLUG_IN = """\
import sys
from dataclasses import replace
from pathlib import Path

from fieldfare.kinds.recall_losses import recall_loss
from fieldfare.kinds.solvers import SGD, SOLVER_KINDS

recall_loss("hardest_of_all_drawn", kernel="pairwise")(lambda draws: None)
for name in sys.argv[2:]:
    SOLVER_KINDS[name] = replace(SGD, name=name)

from tools.generate import outputs

for path, text in outputs().items():
    (Path(sys.argv[1]) / path.name).write_text(text, encoding="utf-8")
"""


@pytest.fixture(scope="module")
def generated() -> dict[Path, str]:
    return outputs()


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_generated_files_are_up_to_date(generated: dict[Path, str], path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated[path], "run: make generate"


@pytest.mark.parametrize("solvers", [["momentum"], ["momentum", "momentum_with_restarts" * 2]])
def test_another_loss_and_solver_are_generated_in_the_house_style(
    tmp_path: Path, solvers: list[str]
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), str(ROOT)])}
    command = [sys.executable, "-c", PLUG_IN, str(tmp_path), *solvers]
    subprocess.run(command, env=environment, check=True)
    text = (tmp_path / "fm.py").read_text(encoding="utf-8")
    module: dict[str, Any] = {"__name__": "fieldfare.estimators.fm"}
    exec(compile(text, "fm.py", "exec"), module)
    types = [line for line in module["FMRegressor"].__doc__.splitlines() if "solver : " in line]
    assert len(types) == 1
    assert all(repr(name) in types[0] for name in solvers)
    assert "'hardest_of_all_drawn'" in module["FMRanker"].__doc__
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["format", "--check"], ["check", "--select", "D,E,I,W"]):
        command = [*ruff, *check, "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_generated_files_say_so_at_the_top(path: Path) -> None:
    assert "Written by `make generate`" in "".join(path.read_text(encoding="utf-8")[:200])


@pytest.mark.parametrize("name", fieldfare.estimators.__all__)
def test_the_classes_of_all_estimators_are_generated(name: str) -> None:
    home = Path(inspect.getfile(getattr(fieldfare.estimators, name)))
    assert PACKAGE / "estimators" / home.name in PATHS


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
