"""Servers that tests talk to: started for them on loopback, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

_POSTGRES = "usr/lib/postgresql/*/bin/pg_ctl"
_PATIENCE = 30.0


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run Redis and yield its address; skip the test where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: redis-server)")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until(lambda: _listens(port), process)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """Run PostgreSQL and yield its address; skip the test where it is not installed."""
    found = [shutil.which("pg_ctl"), *sorted(map(str, Path("/").glob(_POSTGRES)), reverse=True)]
    programs = [Path(name).resolve().parent for name in found if name is not None]
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    data, port, be = folder / "postgres", free_port(), _unprivileged()
    data.mkdir()
    if be:
        # The server refuses to run as root, and its user must reach the folder.
        shutil.chown(data, "postgres")
        for parent in data.parents:
            if parent.stat().st_uid == 0 and parent != Path("/") and parent != Path("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)
    initdb, server = programs[0] / "initdb", programs[0] / "postgres"
    _run([*be, str(initdb), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8"])
    command = [*be, str(server), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-F"]
    with subprocess.Popen([*command, "-k", str(data)], stderr=subprocess.DEVNULL) as process:
        try:
            ready = [str(programs[0] / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
            _wait_until(lambda: not subprocess.run(ready, check=False).returncode, process)
            yield f"postgresql://tests@127.0.0.1:{port}/postgres"
        finally:
            _run([*be, str(programs[0] / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"])


def _unprivileged() -> list[str]:
    """Return the start of a command that does not run as root; empty if nothing does."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd="/")


def _listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} does not answer: {process.poll()}")
        time.sleep(0.02)
