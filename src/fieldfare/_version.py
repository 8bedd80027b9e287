"""The version, in one place: packaging, file headers and ``fieldfare.__version__`` read it here."""

__version__ = "0.1.0"
