"""A command in a process of its own: wall seconds, peak memory, what it printed, how it failed."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes
    ----------
    seconds : float
        Wall time.
    processor : float
        Seconds of the processor, of all threads together.
    peak_mb : float
        Peak resident memory, in megabytes (10^6 bytes).
    output : str
        Standard output and error, mixed.
    failure : str or None
        Why there are no figures, if there are none.
    """

    seconds: float
    processor: float
    peak_mb: float
    output: str
    failure: str | None = None


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    limit: float = 300,
) -> Finished:
    """Run a command in a folder, and end it after ``limit`` seconds."""
    # xLearn names its log by the user, and aborts where there is none, as in containers.
    given = {"USER": "benchmark"} | dict(os.environ) | dict(environment or {})
    late = threading.Event()
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(argv), stdout=output, stderr=output, cwd=folder, env=given, start_new_session=True
        )

        def end() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    failure = None
    if late.is_set():
        failure = f"ended after {limit:.0f} s"
    elif process.returncode != 0:
        lines = text.strip().splitlines()
        failure = f"exit code {process.returncode}: {lines[-1] if lines else ''}"
    processor = usage.ru_utime + usage.ru_stime
    return Finished(seconds, processor, usage.ru_maxrss * 1024 / 1e6, text, failure)
