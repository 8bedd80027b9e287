"""The whole harness, for as long as it may take, with a summary.

python -m tests.faults --seconds 3600

Half of the time goes to kills and full disks, most of the rest to mutations; all calls with bad
values are made once, however long they take.
"""

from __future__ import annotations

import argparse
import sys

from tests.faults import calls, kills, sharing
from tests.faults.formats import FUZZERS
from tests.faults.fuzzing import fuzz

_KILLS, _MUTATIONS, _SHARING = 0.5, 0.45, 0.05


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--values", type=int, default=1000, help="bad values of each parameter")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    killed = kills.run(options.seconds * _KILLS, options.seed)
    print(killed, flush=True)
    share = options.seconds * _MUTATIONS / len(FUZZERS)
    fuzzed = [fuzz(fuzzer, share, sys.maxsize, options.seed) for fuzzer in FUZZERS.values()]
    print(*fuzzed, sep="\n", flush=True)
    shared = sharing.run(options.seconds * _SHARING)
    print(shared, flush=True)
    called = calls.run(options.values, options.seed)
    print(called, flush=True)
    raw = sum(len(one.errors) for one in fuzzed) + called.raw.total()
    faults = len(killed.faults) + len(shared.faults)
    print(
        f"\n{killed.kills} kills, {killed.full_disks} full disks, "
        f"{sum(one.tried for one in fuzzed)} mutations, {called.calls} calls: "
        f"{len(called.crashes)} crashes, {raw} raw errors, {faults} lost or broken files"
    )
    sys.exit(bool(called.crashes or raw or faults))


if __name__ == "__main__":
    main()
