"""The tests themselves: they lie as the code does."""

from __future__ import annotations

from tests.architecture.sources import PACKAGE, ROOT

UNIT = ROOT / "tests" / "unit"


def test_unit_tests_lie_as_the_code_does() -> None:
    folders = {path.parent.relative_to(UNIT) for path in UNIT.rglob("test_*.py")}
    assert folders
    assert [str(folder) for folder in sorted(folders) if not (PACKAGE / folder).is_dir()] == []


def test_files_outside_any_folder_are_about_a_module_of_the_root() -> None:
    modules = {path.stem.lstrip("_") for path in PACKAGE.glob("*.py")} | {"facade"}
    assert {path.stem.removeprefix("test_") for path in UNIT.glob("test_*.py")} <= modules
