"""Kill commands that write, at random moments: no input is lost, no output is broken.

python -m tests.faults.kills --seconds 60

Commands run in forks of this process, which has imported everything, so that most kills hit them at
work rather than at their start.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet
from tests.faults.foreign import SAVED

from fieldfare import RowStore, load_model
from fieldfare._container import read as read_container
from fieldfare.cli import main as command_line
from fieldfare.persist.posterior import load_posterior

N_ROWS = 3000
QUICK = ("--target", "clicked", "-q", "--epochs", "2", "--threads", "1", "--seed", "1")
TEMPORARY = ".tmp"
_CAPABILITIES = 0x20080522  # the version of the interface that capset is called with


def _lines(path: Path) -> None:
    if len(path.read_text().splitlines()) not in (N_ROWS, N_ROWS + 1):
        raise ValueError(f"{path} is not whole")


def _index(path: Path) -> None:
    from fieldfare.retrieval import Recommender

    Recommender.load(path, load_model("r.ff"))


def _answers(path: Path) -> None:
    if len(path.read_text().splitlines()) != 1 + 10 * N_ROWS:
        raise ValueError(f"{path} is not whole")


@dataclass(frozen=True)
class Command:
    """A command, what it writes, and what reads that or raises."""

    words: tuple[str, ...]
    output: str
    check: Callable[[Path], object]
    is_new: bool = False
    """Whether the output must not exist yet."""


COMMANDS = (
    Command(("train", "d.csv", *QUICK, "-o", "o.ff"), "o.ff", load_model),
    Command(
        ("train", "d.csv", *QUICK, "-o", "n.ff", "--checkpoint", "c.ck"), "c.ck", read_container
    ),
    Command(
        ("sample", "d.csv", "--target", "clicked", "-q", "--n-samples", "3", "-o", "s.ff"),
        "s.ff",
        load_posterior,
    ),
    Command(("predict", "d.csv", "-m", "m.ff", "-o", "p.csv"), "p.csv", _lines),
    Command(
        ("predict", "d.csv", "-m", "m.ff", "-o", "p.parquet"),
        "p.parquet",
        pyarrow.parquet.read_table,
    ),
    Command(("convert", "d.csv", "v.svm", "--target", "clicked"), "v.svm", _lines),
    Command(
        ("convert", "d.csv", "v.store", "--target", "clicked"), "v.store", RowStore.open, True
    ),
    Command(("export", "m.ff", "e.json"), "e.json", lambda path: json.loads(path.read_text())),
    Command(
        ("recommend", "index", "r.ff", "--items", "items.csv", "--user", "user", "--item", "item",
         "-o", "x.index"),
        "x.index",
        _index,
    ),
    Command(
        ("recommend", "train", "d.csv", "--user", "user", "--item", "item", "-q", "--epochs", "2",
         "--threads", "1", "-o", "t.ff"),
        "t.ff",
        load_model,
    ),
    Command(
        ("recommend", "query", "x.index", "-m", "r.ff", "--requests", "d.csv", "-o", "q.csv"),
        "q.csv",
        _answers,
    ),
    Command(
        ("import", str(SAVED / "xlearn_ffm_sgd.bin"), "--from", "xlearn", "-o", "i.ff"),
        "i.ff",
        load_model,
    ),
)  # fmt: skip


@dataclass
class Counts:
    """What a run of the harness has seen."""

    kills: int = 0
    full_disks: int = 0
    closed_folders: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = "".join(f"\n  {fault}" for fault in self.faults)
        return (
            f"{self.kills} kills, {self.full_disks} full disks, {self.closed_folders} read-only "
            f"folders: {len(self.faults)} lost or broken files, leftovers and raw errors{shown}"
        )


def prepare() -> dict[str, bytes]:
    """Write the inputs into the current folder, and return their contents."""
    rows = "".join(f"u{i % 700},i{i % 500},{i * 7 % 3 % 2}\n" for i in range(N_ROWS))
    Path("d.csv").write_text("user,item,clicked\n" + rows)
    Path("items.csv").write_text("item\n" + "".join(f"i{i}\n" for i in range(500)))
    for name in ("m.ff", "r.ff"):
        if _forked(("train", "d.csv", *QUICK, "-k", "4", "-o", name))[0] != 0:
            raise RuntimeError("The first training failed.")
    return {name: Path(name).read_bytes() for name in ("d.csv", "items.csv", "m.ff", "r.ff")}


def _forked(
    words: tuple[str, ...],
    kill: tuple[int, float] | None = None,
    limit: int | None = None,
    without_rights: bool = False,
) -> tuple[int, str]:
    """Run a command in a fork; return how it ended and what it said."""
    reader, said = os.pipe()  # which no limit of the size of files concerns
    child = os.fork()
    if child == 0:
        os.dup2(said, 1)
        os.dup2(said, 2)
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        if without_rights:
            _drop_rights()
        code = 99
        try:
            code = command_line(words)
        finally:
            os._exit(code)
    os.close(said)
    if kill is not None:
        number, delay = kill
        time.sleep(delay)
        os.kill(child, number)
    with open(reader, encoding="utf-8") as file:
        text = file.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def _drop_rights() -> None:
    """Give up what lets root write where the permissions of a folder forbid it."""
    if sys.platform == "linux":
        none = (ctypes.c_uint32 * 6)()
        ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(_CAPABILITIES, 0), none)


def _check(command: Command, before: dict[str, bytes], what: str, counts: Counts) -> None:
    for name, content in before.items():
        if Path(name).read_bytes() != content:
            counts.faults.append(f"{what}: the input {name} is lost")
            Path(name).write_bytes(content)
    path = Path(command.output)
    if path.exists():
        try:
            command.check(path)
        except Exception as error:  # noqa: BLE001  whatever a reader raises counts
            counts.faults.append(f"{what}: {command.output} is broken: {error!r:.200}")
    elif not command.is_new:
        counts.faults.append(f"{what}: the old {command.output} is gone")


def run(seconds: float, seed: int, n_rounds: int = sys.maxsize) -> Counts:
    """Kill commands, fill their disks and close their folders, until time or rounds run out."""
    counts, rng = Counts(), random.Random(seed)
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, _in_folder(folder):
        before = prepare()
        took = {}
        for command in COMMANDS:
            start = time.monotonic()
            code, said = _forked(command.words)
            took[command] = time.monotonic() - start
            if code != 0:
                raise RuntimeError(f"{' '.join(command.words)}: {said}")
        for _ in range(n_rounds):
            if time.monotonic() > end:
                break
            command = rng.choice(COMMANDS)
            if command.is_new:
                shutil.rmtree(command.output, ignore_errors=True)
            kind = rng.random()
            if kind < 0.05:
                _close_folder(command, before, counts)
            elif kind < 0.2:
                _fill_disk(command, before, rng, counts)
            else:
                _kill(command, before, (took[command], rng), counts)
        _clean_run(before, counts)
    return counts


@contextmanager
def _in_folder(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _kill(
    command: Command, before: dict[str, bytes], moment: tuple[float, random.Random], counts: Counts
) -> None:
    took, rng = moment
    number = rng.choice([signal.SIGKILL, signal.SIGTERM])
    stale = set(_leftovers())
    code, said = _forked(command.words, kill=(number, rng.uniform(0, 1.2 * took)))
    what = f"{' '.join(command.words[:2])}, {number.name}"
    counts.kills += 1
    _check(command, before, what, counts)
    if number == signal.SIGTERM and set(_leftovers()) - stale:
        counts.faults.append(f"{what}: left {sorted(set(_leftovers()) - stale)}")
    if code not in (0, 143, -number) or "Traceback" in said or "unexpected" in said:
        counts.faults.append(f"{what}: ended with {code}: {said[-300:]}")


def _close_folder(command: Command, before: dict[str, bytes], counts: Counts) -> None:
    stale = set(_leftovers())
    closed = [path for path in (Path(), Path(command.output)) if path.is_dir()]
    for path in closed:
        path.chmod(0o555)
    try:
        code, said = _forked(command.words, without_rights=True)
    finally:
        for path in closed:
            path.chmod(0o755)
    what = f"{' '.join(command.words[:2])}, in a read-only folder"
    counts.closed_folders += 1
    _check(command, before, what, counts)
    if code != 1 or "[FF" not in said or "unexpected" in said or set(_leftovers()) - stale:
        counts.faults.append(f"{what}: ended with {code}: {said[-300:]}")


def _fill_disk(
    command: Command, before: dict[str, bytes], rng: random.Random, counts: Counts
) -> None:
    stale = set(_leftovers())
    limit = rng.choice([0, 1, 100, 4096, 20_000])
    code, said = _forked(command.words, limit=limit)
    what = f"{' '.join(command.words[:2])}, at most {limit} bytes"
    counts.full_disks += 1
    _check(command, before, what, counts)
    if set(_leftovers()) - stale:
        counts.faults.append(f"{what}: left {sorted(set(_leftovers()) - stale)}")
    raw = "Traceback" in said or "unexpected" in said
    if code not in (0, 1) or raw or (code == 1 and said and "[FF" not in said):
        counts.faults.append(f"{what}: ended with {code}: {said[-300:]}")


def _clean_run(before: dict[str, bytes], counts: Counts) -> None:
    """Run every command once more: what killed ones have left is removed."""
    for command in COMMANDS:
        if command.is_new:
            shutil.rmtree(command.output, ignore_errors=True)
        code, said = _forked(command.words)
        if code != 0:
            counts.faults.append(f"{' '.join(command.words[:2])}, afterwards: {said[-300:]}")
        _check(command, before, "afterwards", counts)
    left = [name for name in _leftovers() if not name.startswith(".n.ff")]
    if left:
        counts.faults.append(f"left after a clean run: {left}")


def _leftovers() -> list[str]:
    return [str(path) for path in Path().rglob("*") if path.name.endswith(TEMPORARY)]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts = run(options.seconds, options.seed)
    print(counts)
    sys.exit(1 if counts.faults else 0)


if __name__ == "__main__":
    main()
