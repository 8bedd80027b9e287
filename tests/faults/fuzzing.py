"""The one loop that feeds mutated files to what reads them.

python -m tests.faults.fuzzing --seconds 60 models stores

Whatever a file holds, its reader gives an object or a FieldfareError, and so does whatever can be
done with the object.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_MAX_SHOWN = 20


@dataclass(frozen=True)
class Fuzzer:
    """A format of files.

    Parameters
    ----------
    name : str
        What the files are.
    seeds : callable
        Given a folder to work in, returns valid cases.
    mutations : tuple of callables
        From a valid case and random numbers to a case that is most likely not.
    attempt : callable
        Given a folder, a case and random numbers, writes the case, loads it, and uses what was
        loaded; returns whether it did load. Raises if an error is not a FieldfareError.
    """

    name: str
    seeds: Callable[[Path], Sequence[Any]]
    mutations: tuple[Callable[[Any, random.Random], Any], ...]
    attempt: Callable[[Path, Any, random.Random], bool]


@dataclass
class Fuzzed:
    """What came of it."""

    name: str
    tried: int = 0
    loaded: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = "".join(f"\n  {error}" for error in self.errors[:_MAX_SHOWN])
        return (
            f"{self.name}: {self.tried} mutations, of which {self.loaded} still load; "
            f"{len(self.errors)} raw errors{shown}"
        )


def fuzz(fuzzer: Fuzzer, seconds: float, n_cases: int, seed: int) -> Fuzzed:
    """Try mutated files until time or cases run out."""
    rng, result = random.Random(seed), Fuzzed(fuzzer.name)
    with (
        tempfile.TemporaryDirectory() as name,
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        folder = Path(name)
        corpus = fuzzer.seeds(folder)
        end = time.monotonic() + seconds
        while result.tried < n_cases and time.monotonic() < end:
            mutation, case = rng.choice(fuzzer.mutations), rng.choice(corpus)
            mutated = mutation(case, rng)
            try:
                result.loaded += fuzzer.attempt(folder, mutated, rng)
            except Exception as error:  # noqa: BLE001  any but ours is what is looked for
                where = traceback.extract_tb(error.__traceback__)[-1]
                result.errors.append(
                    f"case {result.tried} of seed {seed}, {mutation.__name__}: {error!r:.200} at "
                    f"{where.filename}:{where.lineno}"
                )
            result.tried += 1
    return result


def main() -> None:
    """Run from the command line."""
    from tests.faults.formats import FUZZERS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*FUZZERS, []], help="default: all")
    parser.add_argument("--seconds", type=float, default=60, help="for each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faulthandler.enable()
    results = [
        fuzz(FUZZERS[name], options.seconds, sys.maxsize, options.seed)
        for name in options.names or FUZZERS
    ]
    print(*results, sep="\n")
    sys.exit(any(result.errors for result in results))


if __name__ == "__main__":
    main()
