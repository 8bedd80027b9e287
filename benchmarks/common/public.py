"""What benchmarks on public data sets share: where the data are, and which protocols to run."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.report import ROOT

SHARED = ROOT.parent / "shared" / "data"


def add_data(parser: ArgumentParser) -> None:
    """Declare ``--data``, the folder of the data sets."""
    # As text, so that argparse checks the default as well.
    parser.add_argument("--data", type=_folder, default=str(SHARED), help="folder of the data sets")


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise ArgumentTypeError(
            f"there is no folder {folder} with the data sets, which may not be redistributed; name "
            "yours with --data"
        )
    return folder


def add_protocols(parser: ArgumentParser, protocols: Mapping[str, Callable[..., Any]]) -> None:
    """Declare ``--data``, and the names of the protocols to run: all of them by default."""
    add_data(parser)
    parser.add_argument(
        "--protocols", nargs="+", choices=list(protocols), default=list(protocols), metavar="NAME",
        help=f"some of {', '.join(protocols)}; by default all",
    )  # fmt: skip
