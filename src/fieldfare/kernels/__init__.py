"""Kernels: the arithmetic, in the compiled core. Only this package imports that."""
