"""The systems that are compared, and which of them are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.install import Peers
from benchmarks.peers.systems.base import Data, System
from benchmarks.peers.systems.libffm import LibFFM
from benchmarks.peers.systems.libfm import LibFM
from benchmarks.peers.systems.ours import Fieldfare
from benchmarks.peers.systems.packages import PACKAGES, Package
from benchmarks.peers.systems.wabbit import Fwumious, VowpalWabbit
from benchmarks.peers.systems.xlearn import XLearn

# Programs that are built elsewhere, by the variable that says where.
BUILT = {
    "xlearn": "FIELDFARE_BENCH_XLEARN",
    "libffm": "FIELDFARE_BENCH_LIBFFM",
    "libfm": "FIELDFARE_BENCH_LIBFM",
    "fwumious": "FIELDFARE_BENCH_FWUMIOUS",
}
FROM_PYPI = ("xlearn", "vowpalwabbit", *PACKAGES)
NAMES = tuple(dict.fromkeys(("fieldfare", *BUILT, *FROM_PYPI)))


@dataclass
class Found:
    """The systems that can be run, and why the others cannot."""

    systems: list[System] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def find(names: Iterable[str], work: Path, data: Data, few: Data, peers: Peers) -> Found:
    """Return the systems of the given names; slow ones get the few rows."""
    found = Found()
    for name in names:
        reason = _absent(name, peers)
        if reason is None:
            found.systems.append(_make(name, work / name, data, few, peers))
        else:
            found.absent[name] = reason
    return found


def _absent(name: str, peers: Peers) -> str | None:
    if name == "fieldfare" or (name in BUILT and BUILT[name] in os.environ):
        return None
    if name in FROM_PYPI:
        return None if name in peers.versions else peers.failures.get(name, "not installed")
    return f"not on PyPI; build it and set {BUILT[name]}"


def _make(name: str, work: Path, data: Data, few: Data, peers: Peers) -> System:
    python = peers.python
    makers: dict[str, Callable[[], System]] = {
        "fieldfare": lambda: Fieldfare(work, data),
        "xlearn": lambda: XLearn(work, data, python),
        "libffm": lambda: LibFFM(work, data),
        "libfm": lambda: LibFM(work, data),
        "fwumious": lambda: Fwumious(work, data),
        "vowpalwabbit": lambda: VowpalWabbit(work, data, python, peers.versions[name]),
    }
    if name in makers:
        return makers[name]()
    return Package(name, work, few, python, peers.versions[name])
