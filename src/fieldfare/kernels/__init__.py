"""Kernels: the arithmetic, compiled, with a slow and obvious twin in `reference`."""
