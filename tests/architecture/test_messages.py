"""Every message of the sources is on the page of messages, once, under its code."""

from __future__ import annotations

import re

import pytest
from tests.architecture.sources import ROOT
from tools import messages

PAGE = ROOT / "docs" / "reference" / "messages.md"
# What hands on a message that is listed where it is made.
HANDED_ON = re.compile(r"\.(warning\b|args\[0\])")


@pytest.fixture(scope="module")
def found() -> list[messages.Message]:
    return messages.messages()


def listed() -> dict[str, list[str]]:
    """Return the messages of the page, by section."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0].partition("]")[0].lstrip("["): re.findall(
            r"^- (.*)$", section, re.MULTILINE
        )
        for section in sections
    }


def test_every_message_is_listed_under_its_code(found: list[messages.Message]) -> None:
    page = listed()
    lacking = [one.place for one in found if one.words not in page[one.section]]
    assert lacking == [], "run: make generate"


def test_no_message_is_listed_twice() -> None:
    for section, lines in listed().items():
        assert len(set(lines)) == len(lines), section


def test_the_words_of_every_message_are_found() -> None:
    assert [text for text in messages.unread() if not HANDED_ON.search(text)] == []


def test_messages_of_known_kinds_are_found(found: list[messages.Message]) -> None:
    """Of each way in which a message is put together, one that is sure to exist."""
    words: dict[str, str] = {}
    for one in found:
        words[one.section] = f"{words.get(one.section, '')}\n{one.words}"
    for section, text in {
        "FF100 ConfigError": "There is no parameter *name* of *owner*. The parameters are *names*.",
        "FF200 DataError": "A feature occurs both in a side table and elsewhere",
        "FF210 TextFormatError": "The value of a feature must be a number.",
        "FF700 OutputError": "What was there before is unchanged.",
        "FF910 DataWarning": "one value only: ignore= leaves such columns out.",
        "FF920 ConvergenceWarning": "the validation loss was still falling",
        "FF930 ModelWarning": "The model is worse than",
        "Notes": "identifies rows",
        "Progress": "rows written to *output*",
        "How a command ends": "nothing was saved to *output*",
        "Wrong usage": "unrecognized arguments",
    }.items():
        assert text in words[section], section


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("len(self.name_of)", "name of"),
        ("', '.join(map(repr, names))", "names"),
        ("type(x).__name__", "x"),
        ("values[0]", "values"),
        ("1 + 2", "..."),
    ],
)
def test_values_are_called_by_a_name(code: str, words: str) -> None:
    import ast

    assert messages.short(ast.parse(code, mode="eval").body) == words
