"""Checks of the compiled kernels that no compiler makes: run on their objects by ``make lint``.

``python -m tools.check_kernels build/dev build/cp311-...`` reads what CMake left there.

- A kernel compiled for a newer processor must share no inline function with the rest of the core:
  the linker keeps one of two that have one name, and an older processor may then get the wrong one.
- GCC takes a function that only asks for cache lines for one that does nothing, and may drop it:
  each epoch must ask for some.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SHARED = re.compile(r"^\w* *[VWu] (?P<name>\S+)$", re.MULTILINE)
FUNCTION = re.compile(r"^\w+ <(?P<name>[^>]+)>:$", re.MULTILINE)
PREFETCH = re.compile(r"\bprefetch|\bprfm\b")


def output_of(*command: str) -> str:
    """Run a command and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def shared_symbols(kernel: Path, isa: str) -> Iterator[str]:
    """Yield the symbols that an object may share with others and that do not name its own set."""
    own = f"9fieldfare{len(isa)}{isa}"
    for symbol in SHARED.finditer(output_of("nm", "--defined-only", str(kernel))):
        if own not in symbol["name"]:
            yield f"{kernel}: {symbol['name']} is not in a namespace of {isa}"


def epochs_without_prefetch(kernel: Path) -> Iterator[str]:
    """Yield the epochs that ask for nothing ahead of its use."""
    code = output_of("objdump", "--disassemble", "--no-show-raw-insn", str(kernel))
    _, *parts = FUNCTION.split(code)
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if "5epochI" in name and not PREFETCH.search(body):
            yield f"{kernel}: {name} asks for no cache line"


def main(builds: list[str]) -> int:
    """Check the objects below some build directories; return the exit status."""
    kernels = [path for build in builds for path in Path(build).rglob("kernels_*.dir/**/*.o")]
    faults = [] if kernels else [f"no kernels below {', '.join(builds) or 'no directory'}"]
    for kernel in kernels:
        (isa,) = re.findall(r"kernels_(\w+)\.dir", str(kernel))
        faults += shared_symbols(kernel, isa)
        if kernel.name.startswith("train_"):
            faults += epochs_without_prefetch(kernel)
    print("\n".join(faults or [f"{len(kernels)} kernels checked"]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
