"""Models in the formats of other tools: :func:`export` looks the format up in one table."""

from __future__ import annotations

from fieldfare.export.front import EXPORTERS, export
from fieldfare.export.tensorflow import export_frozen, export_keras, export_savedmodel
from fieldfare.export.text import export_text

__all__ = [
    "EXPORTERS",
    "export",
    "export_frozen",
    "export_keras",
    "export_savedmodel",
    "export_text",
]
