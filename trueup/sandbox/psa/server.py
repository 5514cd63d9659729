"""The sandbox PSA as a process: a socket on loopback, one line when it serves, a clean end on a signal.

Belongs here: sockets, uvicorn's settings, signals.
Does not belong here: what is served (``app``), serving beside other work in one process (``running``).
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from trueup.sandbox.psa.app import sandbox_app
from trueup.sandbox.psa.faults import FaultPlan, read_faults
from trueup.sandbox.psa.injection import ABORT
from trueup.sandbox.psa.seed import Seed, SeedError, check_kind, read_document, seed_from
from trueup.sandbox.psa.state import State

__all__ = ["SandboxServer", "SeedError", "initial_seed", "listening_socket", "serve"]

HOST = "127.0.0.1"
"""Loopback only: anybody who reaches a sandbox may change what it says."""

GRACE_SECONDS = 1
"""How long a stop waits for answers that are under way, delayed ones among them."""


def serve(
    kind: str, seed_path: Path, port: int, state_path: Path | None = None, faults_path: Path | None = None
) -> None:
    """Serve a PSA until SIGTERM or SIGINT; print ``ready http://127.0.0.1:PORT`` once it serves.

    Port 0 takes a free one. The state file is loaded if it exists and written after each change.
    Raises ``SeedError`` when the seed, the kept state, the faults or the port cannot be used.
    """
    check_kind(kind)
    seed = initial_seed(seed_path, state_path)
    if seed.psa != kind:
        raise SeedError(f"{seed_path} is a seed for {seed.psa}, not for {kind}")
    state = State(seed, utc_now, state_path)
    app = sandbox_app(state, FaultPlan(read_faults(faults_path)))
    with listening_socket(port) as listener:
        url = url_of(listener)
        server = SandboxServer(app, lambda: print(f"ready {url}", flush=True))  # noqa: T201  the contract's words
        with _stopped_by_signals(server):
            server.run(sockets=[listener])


def initial_seed(seed: Mapping[str, Any] | Path, state_path: Path | None) -> Seed:
    """What to start from: the kept state if there is one, else the seed. Raises ``SeedError``."""
    source = state_path if state_path and state_path.exists() else seed
    if isinstance(source, Path):
        return seed_from(read_document(source), str(source))
    return seed_from(source, "seed")


def utc_now() -> datetime:
    """The clock of a running sandbox."""
    return datetime.now(UTC)


def listening_socket(port: int) -> socket.socket:
    """A socket that is bound on loopback. Raises ``SeedError`` when the port is taken."""
    # With the protocol named, asyncio switches Nagle's algorithm off: else every answer waits 40 ms (measured).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise SeedError(f"port {port} on {HOST} cannot be used: {error}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


class SandboxServer(uvicorn.Server):
    """A quiet uvicorn that says when it serves and whose connections can be cut by the application."""

    def __init__(self, app: ASGIApp, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_AbortableProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then tell."""
        await super().startup(sockets)
        self._on_ready()


class _AbortableProtocol(H11Protocol):
    """HTTP whose requests carry a way to close their connection without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, ABORT: transport.abort}


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """SIGTERM and SIGINT stop the server, also before it has begun; after it ended they find nothing to kill.

    Uvicorn raises a signal once more when it has stopped: with the default handlers that would end in a traceback or
    an exit code of failure.
    """

    def stop(*_: object) -> None:
        server.should_exit = True

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
