"""Install what PyPI has of the peers into ``build/peers``, and say what does not install.

``python -m benchmarks.peers.install`` does it once; packages that failed are tried again only with
``--again``. pywFM and wpyfm wrap libFM's program and code: they are installed to be reported, and
libFM is measured itself, where FIELDFARE_BENCH_LIBFM names it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common.report import ROOT

FOLDER = ROOT / "build" / "peers"
WORKERS = Path(__file__).resolve().parent / "workers"
NOT_INSTALLED = "not installed: run python -m benchmarks.peers.install"
PACKAGES = (
    "scikit-learn", "xlearn", "pylibffm", "wpyfm", "pywfm", "myfm", "modern-fm", "vowpalwabbit",
    "implicit", "cornac", "lightgbm",
)  # fmt: skip
LIMIT = 600  # seconds a package: xLearn's sdist is compiled


@dataclass
class Peers:
    """The environment of the peers: versions of what is there, last words of what is not."""

    python: Path
    versions: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def installed(folder: Path = FOLDER) -> Peers:
    """Return what an earlier `install` left; an empty environment if there was none."""
    report = folder / "peers.json"
    if not report.exists():
        return Peers(folder / "bin" / "python")
    saved = json.loads(report.read_text())
    return Peers(folder / "bin" / "python", saved["versions"], saved["failures"])


def add_peers(parser: argparse.ArgumentParser, packages: str) -> None:
    """Declare ``--peers``, the Python that has some packages."""
    parser.add_argument(
        "--peers", type=Path, default=installed().python, metavar="PYTHON",
        help=f"one that imports {packages} (by default what benchmarks.peers.install made)",
    )  # fmt: skip


def install(
    folder: Path = FOLDER, packages: Sequence[str] = PACKAGES, *, again: bool = False
) -> Peers:
    """Install every one of the packages that is not there yet."""
    peers = installed(folder)
    if not peers.python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for package in packages:
        if package in peers.versions or (package in peers.failures and not again):
            continue
        print(f"installing {package}", flush=True)
        failure = _install(peers.python, package)
        peers.failures.pop(package, None)
        if failure is None:
            peers.versions[package] = _version(peers.python, package)
        else:
            peers.failures[package] = failure
    report = {"versions": peers.versions, "failures": peers.failures}
    (folder / "peers.json").write_text(json.dumps(report, indent=2) + "\n")
    return peers


def _install(python: Path, package: str) -> str | None:
    """Return None, or the last line of what pip said."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"not installed within {LIMIT} s"
    if done.returncode == 0:
        return None
    said = (done.stdout + done.stderr).splitlines()
    # The compiler's word, where there is one, says more than pip's last line.
    errors = [line.strip() for line in said if re.match(r"\s*[\w/.+-]+:\d+:.* error: ", line)]
    return errors[0] if errors else next((line for line in reversed(said) if line), "pip failed")


def _version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="try again what failed")
    parser.add_argument(
        "--only", nargs="+", choices=PACKAGES, default=PACKAGES, metavar="PACKAGE",
        help=f"some of {', '.join(PACKAGES)}; by default all",
    )  # fmt: skip
    options = parser.parse_args()
    peers = install(packages=options.only, again=options.again)
    for package, version in peers.versions.items():
        print(f"{package} {version}")
    for package, reason in peers.failures.items():
        print(f"{package}: {reason}")


if __name__ == "__main__":
    main()
