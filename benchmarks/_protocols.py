"""What benchmarks on public data sets share: where the data are, and which protocols to run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def read_arguments(
    parser: argparse.ArgumentParser, protocols: Mapping[str, Callable[..., Any]]
) -> argparse.Namespace:
    """Return arguments of which ``protocols`` are names and ``data`` is a folder that exists."""
    parser.add_argument("protocols", nargs="*", metavar="PROTOCOL", help=", ".join(protocols))
    parser.add_argument("--data", type=Path, default=SHARED)
    arguments = parser.parse_args()
    unknown = set(arguments.protocols) - set(protocols)
    if unknown:
        parser.error(
            f"unknown protocol {', '.join(sorted(unknown))}; known: {', '.join(protocols)}"
        )
    if not arguments.data.is_dir():
        parser.error(
            f"there is no folder {arguments.data} with the data sets, which may not be "
            "redistributed; name yours with --data"
        )
    arguments.protocols = arguments.protocols or list(protocols)
    return arguments
