"""The runner of all benchmarks: one command measures, writes the figures and draws the report.

``python -m benchmarks`` lists them; ``python -m benchmarks speed/kernels --rows 1000`` runs one,
with options of its own (``--help``), and ``python -m benchmarks speed`` a whole folder. The figures
go to ``results/speed/kernels.json``, and tables and pictures are drawn from that file alone;
``python -m benchmarks draw`` draws all of them again.

A benchmark is a module in ``speed``, ``quality`` or ``peers`` without an underscore. Its docstring
says what it measures and how; ``TITLE`` heads its report, and ``TAKES`` says how long it takes;
``add_options(parser)`` declares its options; ``measure(options)`` returns figures that are JSON;
and ``tell(report)`` yields the text, tables and pictures that show them, some of which are also
parts of the documentation (`report.Picture`, `report.Excerpt`).
"""

from __future__ import annotations

import argparse
import ast
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common import drawing
from benchmarks.common.report import GROUPS, RESULTS, Report, benchmark, machine, names, path_of


def main(argv: Sequence[str]) -> int:
    """List, run or draw."""
    if not argv or argv[0] in ("-h", "--help", "--list", "list"):
        print(__doc__.partition("\n\n")[0])
        print(f"\n{listing()}\n\npython -m benchmarks NAME --help tells the options of one.")
        return 0
    name, rest = argv[0], argv[1:]
    if name == "draw":
        for path in [Path(file) for file in rest] or sorted(RESULTS.rglob("*.json")):
            drawing.draw(path)
        return 0
    if name in GROUPS:
        for one in names():
            if one.startswith(f"{name}/"):
                run(one, rest)
        return 0
    if name not in names():
        print(f"There is no benchmark {name!r}. There are:\n{listing()}", file=sys.stderr)
        return 2
    run(name, rest)
    return 0


def listing() -> str:
    """Return a line for each benchmark, read from its source: importing some takes seconds."""
    lines = []
    for name in names():
        tree = ast.parse(path_of(name).read_text(encoding="utf-8"))
        about = (ast.get_docstring(tree) or "").partition("\n")[0]
        lines.append(f"  {name:<30} {about}")
    return "\n".join(lines)


def run(name: str, rest: Sequence[str]) -> None:
    """Measure, write the figures, and draw the report from what was written."""
    module = benchmark(name)
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=f"{module.__doc__}\nTakes {module.TAKES}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the reports")
    parser.add_argument("--name", default=name, help="of the report, if not the benchmark's")
    module.add_options(parser)
    options = parser.parse_args(rest)
    start = time.monotonic()
    figures = module.measure(options)
    report = Report(name, machine(), settings_of(options), figures, time.monotonic() - start)
    path = report.save(options.results / f"{options.name}.json")
    print(drawing.draw(path))


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """Return the options that say what was measured; folders and programs are this machine's."""
    given = {
        name: value for name, value in vars(options).items() if name not in ("results", "name")
    }
    return {name: value for name, value in given.items() if not isinstance(value, Path)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
