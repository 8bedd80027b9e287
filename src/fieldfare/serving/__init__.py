"""Serving: models and recommendations over HTTP, and a client.

Needs the extra ``serve``. The server is run by ``fieldfare serve``.
"""

from __future__ import annotations

from fieldfare._optional import require

# Comes before the other imports, so that a missing package is reported with the extra to install.
require("msgspec", "serve")
require("httpx", "serve")

from fieldfare.serving.client import Client  # noqa: E402

__all__ = ["Client"]
