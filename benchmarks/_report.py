"""What every benchmark report says: the machine, the figures, their medians; Markdown and JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


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


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def markdown(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table; floats with the digits that matter."""
    lines = [headers, ["---"] * len(headers), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def write(
    name: str, title: str, parts: Sequence[str], figures: dict[str, Any], folder: Path = RESULTS
) -> None:
    """Write ``NAME.md`` and ``NAME.json`` into a folder and print the former."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = machine()
    about = ", ".join(f"{key} {value}" for key, value in facts.items())
    text = "\n\n".join([f"# {title}", about, *parts]) + "\n"
    (folder / f"{name}.md").write_text(text)
    (folder / f"{name}.json").write_text(
        json.dumps({"machine": facts, "figures": figures}, indent=2) + "\n"
    )
    print(text)
