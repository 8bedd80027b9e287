"""Pictures: heat maps of field pairs and learning curves (needs ``fieldfare[plot]``)."""

from __future__ import annotations

from fieldfare.report.curves import plot_history
from fieldfare.report.heatmap import plot_field_matrix

__all__ = ["plot_field_matrix", "plot_history"]
