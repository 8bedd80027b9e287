"""Call every door with bad values in place of each argument: a coded error, or success.

python -m tests.faults.calls --values 4
python -m tests.faults.calls --match '^FMRanker'

Each door is tried in a fork of its own, so that a crash is counted and ends nothing else. What
takes longer than a few seconds has been accepted: a number of epochs may be large.
"""

from __future__ import annotations

import argparse
import inspect
import os
import pickle
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bad_values import BAD_TEXTS, BAD_VALUES
from tests.faults.doors import Door, doors, flags
from tests.faults.sound import Sound

from fieldfare import FieldfareError
from fieldfare.cli import main as command_line
from fieldfare.settings import SAMPLED, TRAINED

SECONDS = 2.0
MEMORY = 8 << 30
_KEYWORDS = {"train": TRAINED, "cross_validate": TRAINED, "sample": SAMPLED}
"""What functions take by ``**parameters``."""


@dataclass
class Counts:
    """What calls have come to."""

    calls: int = 0
    slow: int = 0
    crashes: list[str] = field(default_factory=list)
    raw: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def brief(self) -> str:
        """Return the numbers."""
        return (
            f"{self.calls} calls with bad values ({self.slow} cut short): {len(self.crashes)} "
            f"crashes, {self.raw.total()} raw errors"
        )

    def __str__(self) -> str:
        lines = [self.brief()]
        lines += [f"  crash: {crash}" for crash in self.crashes]
        lines += [f"  {n} x {what}: {self.examples[what]}" for what, n in self.raw.most_common()]
        return "\n".join(lines)


class _Slow(BaseException):
    """A call took its time; no `except Exception` may take this for an error."""


def _stop(*_: object) -> None:
    raise _Slow


def _outcome(call: Callable[[], object]) -> str | None:
    """Return None for success and errors of ours, "slow", or what was raised and where."""
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            result = call()
            if inspect.isgenerator(result):
                list(result)
        finally:  # in which the alarm may still go off
            signal.setitimer(signal.ITIMER_REAL, 0)
    except FieldfareError as error:
        str(error)
    except _Slow:
        return "slow"
    except (Exception, SystemExit) as error:  # noqa: BLE001  any but ours is what is looked for
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame)]
        if own and own[-1].filename.endswith("bad_values.py"):
            return None  # what a caller's own function raises is the caller's
        where = f"{own[-1].filename.rpartition('/fieldfare/')[2]}:{own[-1].lineno}" if own else "?"
        said = str(error).encode("utf-8", "replace").decode()
        return f"{type(error).__name__} at {where}\n{said:.150}"
    return None


def _is_own(frame: traceback.FrameSummary) -> bool:
    return "/fieldfare/" in frame.filename or frame.filename.endswith("bad_values.py")


# --- functions, constructors and methods --------------------------------------------------------


def _call(sound: Sound, door: Door, parameter: str, value: Any) -> object:
    given = {**sound.arguments(door), parameter: value}
    if door.of is not None:
        static = inspect.getattr_static(door.of, door.attribute)
        bound = isinstance(static, (classmethod, staticmethod))
        return getattr(door.of if bound else sound.instance(door.of), door.attribute)(**given)
    made = door.function(**given)
    if inspect.isclass(door.function) and hasattr(made, "fit"):  # whose parameters fit checks
        sound.quick(made, except_for=parameter)
        return made.fit(sound.features, sound.y, **sound.fit_arguments(made))
    return made


def _door_calls(sound: Sound, door: Door, n_values: int, rng: random.Random) -> Iterator[Any]:
    parameters = dict.fromkeys((*door.parameters, *_KEYWORDS.get(door.name, ())))
    for parameter in parameters:
        for label in _some(list(BAD_VALUES), n_values, rng):
            yield (
                f"{door.name}({parameter}={label})",
                lambda p=parameter, v=label: _call(sound, door, p, BAD_VALUES[v]()),
            )


# --- flags of the command line ------------------------------------------------------------------


def _run(words: list[str]) -> None:
    """Run a command; what it says must have a code, or be about usage."""
    reader, said = os.pipe()
    kept = os.dup(1), os.dup(2)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        code = command_line(words)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)
        os.close(said)
        with os.fdopen(reader, "rb") as file:
            text = file.read(1 << 16).decode(errors="replace")
    if "unexpected" in text or "Traceback" in text or code not in (0, 1, 2):
        raise AssertionError(f"exit {code}: {text[-300:]}")


def _flag_calls(n_values: int, rng: random.Random) -> Iterator[Any]:
    for name, words in flags():
        for text in _some(list(BAD_TEXTS), n_values, rng):
            filled = [text if word is None else word for word in words]
            yield f"fieldfare {name} with {text!r:.60}", lambda w=filled: _run(w)


# --- the loop -----------------------------------------------------------------------------------


def _some(options: list[str], n: int, rng: random.Random) -> list[str]:
    return options if n >= len(options) else rng.sample(options, n)


def _in_fork(calls: Iterator[Any], what: str, counts: Counts) -> None:
    """Make the calls in a fork, which says before each what it is about to do."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _report(calls, writer)
            os._exit(0)
        finally:  # whatever happens: the folder that the parent works in is its to remove
            os._exit(1)
    os.close(writer)
    label, outcome = what, None
    with os.fdopen(reader, "rb") as file:
        while True:
            try:
                label, outcome = pickle.load(file)
            except EOFError:
                break
            if outcome == "crash":
                continue
            counts.calls += 1
            counts.slow += outcome == "slow"
            if outcome not in (None, "slow"):
                kind, _, said = outcome.partition("\n")
                counts.raw[kind] += 1
                counts.examples.setdefault(kind, f"{label}: {said}")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        counts.crashes.append(f"{label} ended with {code}")


def _report(calls: Iterator[Any], writer: int) -> None:
    """Make the calls, and write what each is, and then what has come of it."""
    signal.signal(signal.SIGALRM, _stop)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with os.fdopen(writer, "wb") as file:
        for label, call in calls:
            pickle.dump((label, "crash"), file)
            file.flush()
            pickle.dump((label, _outcome(call)), file)


def run(n_values: int, seed: int, match: str = "") -> Counts:
    """Try up to ``n_values`` bad values for each parameter and each flag."""
    counts, rng = Counts(), random.Random(seed)
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        os.environ["FIELDFARE_CACHE"] = os.path.join(folder, "cache")
        try:
            sound = Sound()
            for door in doors():
                if re.search(match, door.name):
                    sound.check(door)
                    _in_fork(_door_calls(sound, door, n_values, rng), door.name, counts)
                    print(f"{door.name}: {counts.brief()}", file=sys.stderr, flush=True)
            if re.search(match, "fieldfare"):
                _in_fork(_flag_calls(n_values, rng), "flags", counts)
        finally:
            os.chdir(before)
    return counts


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=1000, help="of each parameter")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--match", default="", help="pattern of names; 'fieldfare': flags")
    options = parser.parse_args()
    counts = run(options.values, options.seed, options.match)
    print(counts)
    sys.exit(bool(counts.crashes or counts.raw))


if __name__ == "__main__":
    main()
