"""A sandbox PSA beside other work in one process: over real HTTP, on a thread of its own.

Belongs here: starting, stopping, and a handle on the state for those who play the human.
Does not belong here: the process of ``trueup sandbox psa`` (``server``).
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.sandbox.psa.app import sandbox_app
from trueup.sandbox.psa.faults import FaultPlan, Faults, faults_from
from trueup.sandbox.psa.seed import seed_from
from trueup.sandbox.psa.server import SandboxServer, initial_seed, listening_socket, url_of, utc_now
from trueup.sandbox.psa.state import State

START_SECONDS = 30


@dataclass(frozen=True)
class SandboxHandle:
    """A running sandbox: its address, and the human's side of it."""

    url: str
    _state: State
    _plan: FaultPlan

    def state(self) -> dict[str, Any]:
        """Everything as it stands now, in the shape of the seed, with the writes."""
        return self._state.now().as_document()

    def writes(self) -> list[dict[str, Any]]:
        """Every accepted write so far."""
        writes: list[dict[str, Any]] = self.state()["writes"]
        return writes

    def quantity(self, line_id: str) -> str:
        """The quantity of a line as it stands now. Raises ``KeyError`` when there is no such line."""
        return str(self._state.now().lines[line_id].model_dump(mode="json")["quantity"])

    def merge(self, edit: Mapping[str, Any]) -> None:
        """A human edit in the shape of the seed. Raises ``SeedError``."""
        self._state.merge(edit)

    def reset(self, seed: Mapping[str, Any]) -> None:
        """Begin anew with another seed at the same address, without faults and without writes. Raises ``SeedError``."""
        self.set_faults(None)
        self._state.reset(seed_from(seed, "seed"))

    def set_faults(self, faults: Mapping[str, Any] | None) -> None:
        """Begin anew with other faults, or with none. Raises ``SeedError``."""
        self._plan.replace(faults_from(faults or {}, "faults"))


@contextmanager
def running_sandbox(
    seed: Mapping[str, Any] | Path,
    *,
    faults: Mapping[str, Any] | None = None,
    state_path: Path | None = None,
    port: int = 0,
) -> Iterator[SandboxHandle]:
    """A sandbox that serves on loopback until the block ends, on a free port unless one is named.

    ``seed`` is a seed document or a file. A state file that exists goes before the seed. Raises ``SeedError``.
    """
    state = State(initial_seed(seed, state_path), utc_now, state_path)
    plan = FaultPlan(faults_from(faults, "faults") if faults else Faults())
    with listening_socket(port) as listener:
        handle = SandboxHandle(url_of(listener), state, plan)
        is_ready = threading.Event()
        server = SandboxServer(sandbox_app(state, plan), is_ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox-psa", daemon=True)
        thread.start()
        try:
            if not is_ready.wait(START_SECONDS):
                raise RuntimeError(f"the sandbox PSA did not start within {START_SECONDS} s")
            yield handle
        finally:
            server.should_exit = True
            thread.join()
