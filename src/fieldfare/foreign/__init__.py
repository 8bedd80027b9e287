"""Models that other programs saved: one table of formats, and the door to it."""

from __future__ import annotations

from fieldfare.foreign.front import FORMATS, load_foreign

__all__ = ["FORMATS", "load_foreign"]
