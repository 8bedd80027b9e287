"""The module xlearn, by fieldfare: see `fieldfare.compat.xlearn`."""

from fieldfare.compat import install

install(force=True)
