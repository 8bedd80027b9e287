"""Measurements of speed and quality, alone and beside other systems; ``python -m benchmarks``."""
