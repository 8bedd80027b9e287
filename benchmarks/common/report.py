"""A report: the machine, the settings and the figures of one run of a benchmark, kept as JSON."""

from __future__ import annotations

import importlib
import json
import os
import platform
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, cast

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent
RESULTS = HERE / "results"
WORK = ROOT / "build" / "benchmarks"
GROUPS = ("speed", "quality", "peers")
Panel = Callable[[Any], None]


@dataclass(frozen=True)
class Report:
    """What one run of a benchmark found.

    Attributes
    ----------
    benchmark : str
        Name of the benchmark, such as ``speed/kernels``.
    machine : dict
        What figures depend on.
    settings : dict
        The options that it was run with.
    figures : dict
        What was measured; all that text, tables and pictures may show.
    seconds : float or None
        What the whole run took; None if it was not noted.
    """

    benchmark: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    figures: Any
    seconds: float | None

    @staticmethod
    def load(path: Path) -> Report:
        """Read a report."""
        return Report(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> Path:
        """Write the report and return where."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        return path


@dataclass(frozen=True)
class Picture:
    """Panels that are drawn into one picture, ``NAME.svg`` beside the report.

    A page of the documentation may show it too: ``shown_in`` is its folder.
    """

    name: str
    panels: Sequence[Panel]
    columns: int = 4
    shown_in: str | None = None


@dataclass(frozen=True)
class Excerpt:
    """A part of the report that a page of the documentation shows too.

    There it stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->``; drawing the report
    writes it.
    """

    name: str
    page: str
    text: str

    def shown(self) -> str:
        """Return the whole page as it should be."""
        page = (ROOT / self.page).read_text(encoding="utf-8")
        begin, end = f"<!-- {self.name} -->", f"<!-- end of {self.name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise ValueError(f"{self.page} has no place for {self.name}: {begin} ... {end}")
        before, _, rest = page.partition(begin)
        return f"{before}{begin}\n\n{self.text}\n\n{end}{rest.partition(end)[2]}"


class Benchmark(Protocol):
    """What the runner asks of a module; see ``__main__.py``."""

    TITLE: str
    TAKES: str

    def add_options(self, parser: ArgumentParser) -> None:
        """Declare options."""

    def measure(self, options: Namespace) -> Any:
        """Return the figures."""

    def tell(self, report: Report) -> Iterator[str | Picture | Excerpt]:
        """Yield text, tables and pictures."""


def names() -> list[str]:
    """Return the names of all benchmarks."""
    return [
        f"{group}/{path.stem}"
        for group in GROUPS
        for path in sorted((HERE / group).glob("[a-z]*.py"))
        if path.name != "install.py"
    ]


def path_of(name: str) -> Path:
    """Return the file of a benchmark."""
    return HERE / f"{name}.py"


def benchmark(name: str) -> Benchmark:
    """Import a benchmark."""
    return cast(Benchmark, importlib.import_module(f"benchmarks.{name.replace('/', '.')}"))


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    import numpy

    import fieldfare

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gb": round(memory / 1e9, 1),
        # Well above the cores: others were at work, and times say little.
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "fieldfare": fieldfare.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "unknown"
    )


def markdown(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table; floats with the digits that matter."""
    lines = [headers, ["---"] * len(headers), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
