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
