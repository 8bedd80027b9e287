"""All code in README.md and docs/ runs.

The blocks of one page run in order, in one temporary folder; Python blocks share one namespace, so
that a page reads as one session. ``python`` and ``pycon`` run here (the latter with its output
compared), ``bash``, ``sh``, ``shell`` and ``console`` in bash; of ``console`` only the lines after
a ``$``. ``c`` is a program, compiled and run where there is a compiler. On the pages in
``COMPARED``, ``text`` right behind a block is what that block prints; ``...`` stands for any lines.
A block that must not run has ``<!-- not run: reason -->`` right above it.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import fieldfare

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for page in (ROOT / "README.md",) if page.is_file()]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
COMPARED = ("data", "exporting", "files", "predicting")
SHELLS = ("bash", "sh", "shell", "console")
SHOWN = ("text", "toml", "json", "yaml", "csv", "html", "cpp", "ini", "diff", "makefile")
EXCUSE = re.compile(r"<!-- *not run: *(?P<reason>\S.*?) *-->")
FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<tag>[\w+-]*)(?P<more>.*)$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, with the number of its first line of code."""

    tag: str
    code: str
    line: int
    excuse: str | None


def blocks(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    found: list[Block] = []
    lines = text.splitlines()
    excuse: str | None = None
    at = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence is None:
            if lines[at].strip():
                match = EXCUSE.search(lines[at])
                excuse = match["reason"] if match else None
            at += 1
            continue
        end = next(
            (n for n in range(at + 1, len(lines)) if lines[n].strip() == fence["marks"]), None
        )
        if end is None:
            raise ValueError(f"the block that begins in line {at + 1} never ends")
        code = dedent("\n".join(lines[at + 1 : end])) + "\n"
        found.append(Block(fence["tag"], code, at + 2, excuse))
        excuse, at = None, end + 1
    return found


def commands(block: Block) -> str:
    """Shell code of a block; of a console session, what was typed."""
    if block.tag != "console":
        return block.code
    typed: list[str] = []
    for line in block.code.splitlines():
        if line.startswith("$ ") or (line.startswith("> ") and typed):
            typed.append(line[2:])
    return "\n".join(typed) + "\n"


def check_shell(block: Block, folder: Path, where: str) -> str:
    """Run shell code with the tools of this environment, and the package that is under test.

    Returns
    -------
    str
        What it prints.
    """
    tools = Path(sys.executable).parent
    package = Path(fieldfare.__file__).resolve().parents[1]
    # What `fieldfare` means here, also where the package is used in place and not installed.
    command = f'fieldfare() {{ "{sys.executable}" -m fieldfare "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command + commands(block)],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(package),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{where}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_printed(block: Block, printed: str, where: str) -> None:
    """Compare what a page shows with what the block before it printed."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not doctest.OutputChecker().check_output(block.code, printed, flags):
        pytest.fail(f"{where} shows\n{block.code}\nand the code prints\n{printed}")


def check_session(block: Block, names: dict[str, Any], where: str) -> None:
    """Run a Python session with prompts, comparing its output."""
    test = doctest.DocTestParser().get_doctest(block.code, names, where, None, None)
    report: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    if runner.run(test, out=report.append, clear_globs=False).failed:
        pytest.fail(f"{where}:\n{''.join(report)}")
    names.update(test.globs)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_code_of_a_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    printed: str | None = None
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.tag == "text" and printed and page.stem in COMPARED:
            check_printed(block, printed, where)
        printed = None
        if block.excuse:
            continue
        if block.tag == "python" and not block.code.lstrip().startswith(">>>"):
            # Empty lines in front make tracebacks show the line of the page.
            source = "\n" * (block.line - 1) + block.code
            capsys.readouterr()
            exec(compile(source, str(page), "exec"), names)
            printed = capsys.readouterr().out
        elif block.tag in ("python", "pycon"):
            check_session(block, names, where)
        elif block.tag in SHELLS:
            printed = check_shell(block, tmp_path, where)
        elif block.tag == "c" and shutil.which("cc"):
            (tmp_path / "main.c").write_text(block.code, encoding="utf-8")
            command = "cc -std=c99 -Wall -Werror -o main main.c -lm && ./main"
            check_shell(replace(block, tag="bash", code=command), tmp_path, where)


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_block_says_what_it_is(page: Path) -> None:
    """A block without a tag, or with a misspelt one, would quietly not run."""
    known = ("python", "pycon", "c", *SHELLS, *SHOWN)
    strange = [
        (b.line, b.tag) for b in blocks(page.read_text(encoding="utf-8")) if b.tag not in known
    ]
    assert strange == []


PAGE = """\
Text.

```python
x = 1
```

- a list

  ```bash
  echo one > a.txt
  ```

<!-- not run: it takes an hour -->
```python
forever()
```

```console
$ cat a.txt \\
>   | wc -l
1
```
"""


def test_blocks_are_found_with_tag_line_and_excuse() -> None:
    found = blocks(PAGE)
    assert [(b.tag, b.line, b.excuse) for b in found] == [
        ("python", 4, None),
        ("bash", 10, None),
        ("python", 15, "it takes an hour"),
        ("console", 19, None),
    ]
    assert found[1].code == "echo one > a.txt\n"
    assert commands(found[3]) == "cat a.txt \\\n  | wc -l\n"


def test_an_excuse_needs_a_reason_and_serves_one_block() -> None:
    block = "```python\n```\n"
    page = f"<!-- not run: -->\n{block}<!-- not run: slow -->\n{block}{block}"
    assert [b.excuse for b in blocks(page)] == [None, "slow", None]


def test_a_failing_shell_block_fails_the_page(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="exit code 1"):
        check_shell(Block("bash", "false | cat\n", 1, None), tmp_path, "page.md:1")


def test_a_stale_output_fails_the_page() -> None:
    check_printed(Block("text", "a  1\n...\nz\n", 1, None), "a 1\nb\nz\n", "page.md:1")
    with pytest.raises(pytest.fail.Exception, match="page.md:1 shows"):
        check_printed(Block("text", "score 0.46\n", 1, None), "score 0.3\n", "page.md:1")


def test_a_wrong_output_fails_the_page() -> None:
    check_session(Block("pycon", ">>> 1 + 1\n2\n", 1, None), {}, "page.md:1")
    with pytest.raises(pytest.fail.Exception, match="Expected"):
        check_session(Block("pycon", ">>> 1 + 1\n3\n", 1, None), {}, "page.md:1")
