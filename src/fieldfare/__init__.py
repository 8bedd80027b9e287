"""Factorization machines: from raw rows to a trained model to a ranked list in production."""

from fieldfare._version import __version__

__all__ = ["__version__"]
