"""What the machine offers: threads and memory."""

from __future__ import annotations

import os
from pathlib import Path

from fieldfare.exceptions import ResourceError

ROWS_PER_THREAD = 4096


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_threads(n_jobs: int | None, n_rows: int) -> int:
    """Turn ``n_jobs`` into a number of threads.

    ``None`` and -1 mean every core, but no more than one thread for 4096 rows: on less data
    threads get in each other's way and gain nothing. A number that is asked for is what is used.
    """
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    return max(1, min(available_cores(), n_rows // ROWS_PER_THREAD))


def available_memory() -> int | None:
    """Return the bytes that can still be used, by the system and by the container, if known."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except OSError:
        pass
    try:
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int((group / "memory.current").read_text(encoding="ascii"))
            # The page cache counts as used but gives way.
            for line in (group / "memory.stat").read_text(encoding="ascii").splitlines():
                if line.startswith("inactive_file "):
                    used -= int(line.split()[1])
            found.append(max(0, int(limit) - used))
    except (OSError, ValueError):
        pass
    return min(found, default=None)


def check_memory(needed: int, what: str, advice: str) -> None:
    """Raise ResourceError if ``needed`` bytes are more than there are, before asking for them."""
    available = available_memory()
    if available is not None and needed > available:
        raise ResourceError(
            f"{what} would take about {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB of memory "
            f"are available. {advice}"
        )
