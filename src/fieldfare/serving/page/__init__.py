"""The page for people at ``/``: files that a browser reads, without a step that builds them."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
}
# Nothing of other servers, and nothing that another page could put around it.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class Part(NamedTuple):
    """A file of the page."""

    content: bytes
    media_type: str


def read_parts() -> dict[str, Part]:
    """Return all files of the page by their name."""
    folder = files(__name__)
    return {name: Part((folder / name).read_bytes(), kind) for name, kind in _TYPES.items()}
