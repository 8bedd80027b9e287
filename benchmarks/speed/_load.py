"""Load on a server: wrk, or a slower client of our own where it is not installed."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass

import httpx
import numpy as np

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
# Bodies are made anew for each request, so that no two in a row ask the same.
_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Timeout-Ms"] = "{timeout}"
local c = 0
request = function()
  c = c + 1
  local body = string.gsub([==[{body}]==], "@USER@", (c * 37) % {users} + 1)
  return wrk.format("POST", nil, nil, body)
end
"""


@dataclass(frozen=True)
class Load:
    """What one run came to: requests per second, percentiles in ms, and what failed."""

    requests_s: float
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Ask:
    """A body in which ``@USER@`` stands for an id from 1 to ``users``."""

    body: str
    users: int
    timeout_ms: int = 60_000

    def run(self, url: str, connections: int, seconds: float) -> Load:
        """Ask from so many connections for a while."""
        wrk = shutil.which("wrk")
        if wrk is None:
            return asyncio.run(self._ours(url, connections, seconds))
        script = _SCRIPT.format(body=self.body, users=self.users, timeout=self.timeout_ms)
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
            file.write(script)
            file.flush()
            done = subprocess.run(
                [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}", "--latency", "--timeout",
                 "60", "-s", file.name, url],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
        return _read(done.stdout)

    async def _ours(self, url: str, connections: int, seconds: float) -> Load:
        taken: list[float] = []
        failed = 0
        end = time.perf_counter() + seconds

        async def ask(client: httpx.AsyncClient, first: int) -> None:
            nonlocal failed
            number = first
            while time.perf_counter() < end:
                number += connections
                body = self.body.replace("@USER@", str(number * 37 % self.users + 1))
                start = time.perf_counter()
                answer = await client.post(url, content=body)
                taken.append(time.perf_counter() - start)
                failed += answer.status_code != 200

        headers = {"Content-Type": "application/json", "X-Timeout-Ms": str(self.timeout_ms)}
        limits = httpx.Limits(max_connections=connections)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as client:
            await asyncio.gather(*(ask(client, i) for i in range(connections)))
        p50, p99 = np.percentile(taken, [50, 99]) * 1000
        return Load(len(taken) / seconds, float(p50), float(p99), failed)


def _read(text: str) -> Load:
    def milliseconds(percent: int) -> float:
        found = re.search(rf"^ +{percent}% +([\d.]+)(us|ms|s|m) *$", text, re.MULTILINE)
        assert found is not None, text
        return float(found[1]) * _UNITS[found[2]]

    rate = re.search(r"Requests/sec: +([\d.]+)", text)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    assert rate is not None, text
    n_failed = 0 if failed is None else int(failed[1])
    n_failed += 0 if errors is None else sum(map(int, errors.groups()))
    return Load(float(rate[1]), milliseconds(50), milliseconds(99), n_failed)


def wait_until_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    """Wait until a server answers at all."""
    last = time.monotonic() + seconds
    while time.monotonic() < last and process.poll() is None:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")
