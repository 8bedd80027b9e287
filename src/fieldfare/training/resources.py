"""What the machine offers: memory."""

from __future__ import annotations

from pathlib import Path

from fieldfare.exceptions import ResourceError


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
            f"{what} would take about {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB of "
            f"memory are available. {advice}"
        )
