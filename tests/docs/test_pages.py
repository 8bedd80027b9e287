"""The pages belong to the site, name commands that exist, and the changelog tells the version."""

from __future__ import annotations

import re
from pathlib import Path

import fieldfare

ROOT = Path(__file__).resolve().parents[2]


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(?P<version>[^\]]+)\] - (?P<date>.+)$", text, re.MULTILINE)
    assert newest is not None
    assert newest["version"] == fieldfare.__version__
    assert re.fullmatch(r"unreleased|\d{4}-\d{2}-\d{2}", newest["date"])


def block_below(heading: str) -> list[str]:
    """Return the lines of the first block below a heading of the page on architecture."""
    page = (ROOT / "docs" / "design" / "architecture.md").read_text(encoding="utf-8")
    return (
        page.partition(f"\n## {heading}\n")[2]
        .partition("```text\n")[2]
        .partition("\n```")[0]
        .split("\n")
    )


def test_the_layers_on_the_page_are_those_of_the_contract() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = re.search(r"^layers = \[\n(?P<lines>.*?)^\]", project, re.MULTILINE | re.DOTALL)
    assert contract is not None
    layers = re.findall(r'"(.+)"', contract["lines"])
    assert [re.split(r"\s{2,}", line)[0] for line in block_below("The layers")] == layers


def test_the_tree_on_the_page_is_that_of_the_sources() -> None:
    lines = [line for line in block_below("The tree") if line]
    tops = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    for top, end in zip(tops, [*tops[1:], len(lines)], strict=True):
        shown = {line.split()[0] for line in lines[top + 1 : end]}
        assert shown == {
            f"{path.name}/" if path.is_dir() else path.name
            for path in (ROOT / lines[top]).iterdir()
            if path.suffix != ".so" and path.name != "__pycache__"
        }


def test_every_page_is_in_the_navigation() -> None:
    site = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    assert [str(page) for page in pages if f": {page.as_posix()}\n" not in site] == []


def test_every_make_target_in_the_documentation_exists() -> None:
    targets = re.findall(
        r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name
        for page in pages
        if page.is_file()
        for name in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8"))
    }
    assert named <= set(targets)
