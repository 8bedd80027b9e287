"""What the machine offers: memory."""

from __future__ import annotations

from pathlib import Path

from fieldfare.exceptions import ResourceError


def available_memory() -> int | None:
    """Return the bytes that can still be used, by the system and by the container, if known."""
    return min((n for n in (_free_of_system(), _free_of_group()) if n is not None), default=None)


def _free_of_system() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _free_of_group() -> int | None:
    """Return what the limit of the control group (cgroup v2) leaves."""
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").split()
        # The page cache counts as used but gives way.
        return max(0, limit - used + int(stat[stat.index("inactive_file") + 1]))
    except (OSError, ValueError):  # no control groups, or no limit ("max")
        return None


def check_memory(needed: int, what: str, advice: str) -> None:
    """Raise ResourceError if ``needed`` bytes are more than there are, before asking for them."""
    available = available_memory()
    if available is not None and needed > available:
        raise ResourceError(
            f"{what} would take about {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB of "
            f"memory are available. {advice}"
        )
