"""Solvers: how parameters move."""
