"""Plots: heat maps of field pairs, learning curves and traces (needs ``fieldfare[plot]``)."""

from __future__ import annotations

from fieldfare.report.curves import plot_history
from fieldfare.report.heatmap import plot_field_matrix
from fieldfare.report.traces import plot_trace

__all__ = ["plot_field_matrix", "plot_history", "plot_trace"]
