"""Running a server until it is told to stop: in one process, or several that share the models."""

from __future__ import annotations

import ipaddress
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TYPE_CHECKING, Any

from fieldfare._optional import require

require("uvicorn", "serve")

import uvicorn  # noqa: E402 - if it is missing, the line above says what to install

from fieldfare.exceptions import ConfigError, OutputError  # noqa: E402
from fieldfare.serving import logs  # noqa: E402
from fieldfare.serving.settings import Settings  # noqa: E402
from fieldfare.serving.tokens import Right, Tokens, read_tokens  # noqa: E402

if TYPE_CHECKING:
    from fieldfare.serving.service import Service

# How long load balancers have to notice that the server is not ready any more.
_NOTICE_S = 1.0
_RESTART_S = 1.0
_BACKLOG = 2048
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    settings : Settings
    ready : function of str
        Called with the address once the models are loaded and it is open.

    Raises
    ------
    FieldfareError
        If a model cannot be loaded, or the address cannot be opened.
    """
    tokens = _tokens_of(settings)
    logs.to_standard_error()
    if settings.workers == 1:
        _serve(settings, tokens, ready)
        return
    if not hasattr(os, "fork"):
        raise ConfigError(f"Several workers need fork, which {os.name} lacks. Use workers = 1.")
    # Read by prometheus-client when it is imported; values are then shared in this folder.
    with tempfile.TemporaryDirectory(prefix="fieldfare-metrics-") as folder:
        os.environ[_METRICS_FOLDER] = folder
        try:
            _serve(settings, tokens, ready)
        finally:
            del os.environ[_METRICS_FOLDER]


def _serve(settings: Settings, tokens: Tokens, ready: Callable[[str], None]) -> None:
    from fieldfare.serving.service import Service

    service = Service(settings)
    service.load()
    with _listening(settings) as listener:
        server = server_of(service, tokens)
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if settings.workers == 1:
            server.begun = lambda: ready(address)
            server.run(sockets=[listener])
        else:
            workers = _Workers(settings.workers, lambda: server.run(sockets=[listener]))
            workers.run(lambda: ready(address))


def server_of(service: Service, tokens: Tokens) -> Server:
    """Return a server for this process; its models are loaded."""
    from fieldfare.serving.app import make_app

    config = uvicorn.Config(
        make_app(service, tokens),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=service.settings.limits.drain_s,
    )
    return Server(config, service)


class Server(uvicorn.Server):
    """A server that first says that it will stop, then answers what it has, and ends well.

    Attributes
    ----------
    begun : function
        Called once it answers, and signals are heard.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._stops_at: float | None = None
        self.begun: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun()

    def handle_exit(self, sig: int, _: FrameType | None) -> None:
        """Begin to stop; a second signal ends the notice, and a third does not wait for answers."""
        if self.should_exit:
            self.force_exit = True
        elif self._stops_at is not None or sig == signal.SIGINT:
            self.should_exit = True
        self._service.is_stopping = True
        self._stops_at = time.monotonic() + _NOTICE_S

    async def on_tick(self, counter: int) -> bool:
        if self._stops_at is not None and time.monotonic() >= self._stops_at:
            self.should_exit = True
        return await super().on_tick(counter)


class _Workers:
    """Forked processes that serve; one that ends unasked is replaced.

    What is in memory before the fork is shared, since nothing writes to it: arrays are not copied
    before they are changed.
    """

    def __init__(self, n: int, work: Callable[[], None]) -> None:
        self._n, self._work = n, work
        self._context: Any = multiprocessing.get_context("fork")
        self._processes: list[BaseProcess] = []
        self._is_stopping = False

    def run(self, begun: Callable[[], None]) -> None:
        """Start all, and wait until they have been told to stop and have ended."""
        before = {sig: signal.signal(sig, self._stop) for sig in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._processes = [self._start() for _ in range(self._n)]
            begun()
            while self._processes:
                wait([process.sentinel for process in self._processes])
                self._processes = [self._after(process) for process in self._processes]
                self._processes = [process for process in self._processes if process is not None]
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)
            for process in self._processes:
                process.kill()

    def _start(self) -> BaseProcess:
        process: BaseProcess = self._context.Process(target=self._work, name="fieldfare-worker")
        process.start()
        return process

    def _after(self, process: BaseProcess) -> Any:
        """Return a process that runs, or the one in place of one that has ended, or None."""
        if process.is_alive():
            return process
        _forget_values(process.pid)
        if self._is_stopping:
            return None
        logs.event("worker ended", level=40, pid=process.pid, exit=process.exitcode)
        time.sleep(_RESTART_S)
        return None if self._is_stopping else self._start()

    def _stop(self, sig: int, _: FrameType | None) -> None:
        self._is_stopping = True
        for process in self._processes:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, sig)


def _forget_values(pid: int | None) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _listening(settings: Settings) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    OutputError
        If the address cannot be opened.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (settings.host, settings.port), family=family, backlog=_BACKLOG
        )
    except OSError as error:
        raise OutputError(
            f"{settings.host}:{settings.port} cannot be opened: {error.strerror or error}. Choose "
            "another --port or --host."
        ) from error
    listener.setblocking(False)
    return listener


def _tokens_of(settings: Settings) -> Tokens:
    """Return the tokens of a server.

    Raises
    ------
    ConfigError
        If there are none although others than this machine can reach it.
    """
    if settings.tokens is not None:
        return read_tokens(settings.tokens)
    if _is_loopback(settings.host):
        return Tokens({}, without=Right.ADMIN)
    if settings.without_tokens:
        return Tokens({}, without=Right.READ)
    raise ConfigError(
        f"Others can reach {settings.host}, so tokens are needed: --tokens FILE, with lines "
        "such as 'read TOKEN' and 'admin TOKEN'. If something else keeps strangers out, "
        "--without-tokens lets anyone who gets there read."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
