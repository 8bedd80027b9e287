"""Models in the formats of other tools: :func:`export` looks the format up in one table."""

from __future__ import annotations

from fieldfare.export.front import EXPORTERS, SUFFIXES, Exported, export

__all__ = ["EXPORTERS", "Exported", "SUFFIXES", "export"]
