"""Fixtures of the PSA adapters' tests.

Belongs here: a sandbox, and ConnectWise connected to one with the contract in between.
Does not belong here: claims.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.http import Patience, Timeouts
from tests.resources.psa.connectwise_contract import under_contract
from tests.sandbox.seeds import KEYS, seed
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

QUICK = Patience(attempts=3, first_wait=0.01, max_wait=0.02, max_retry_wait=5)
"""Retries without waiting, except where the PSA names a time."""

Connect = Callable[..., ConnectWise]


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    """A sandbox with one line of ten."""
    with running_sandbox(seed()) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects to a sandbox, judged by the contract, and closes everything afterwards."""
    with ExitStack() as opened:

        def connected(
            sandbox: SandboxHandle,
            transport: httpx.BaseTransport | None = None,
            *,
            timeouts: Timeouts | None = None,
            patience: Patience = QUICK,
            judges_answers: bool = True,
            **keys: str,
        ) -> ConnectWise:
            judged = transport or under_contract(judges_answers=judges_answers)
            credentials = ConnectWiseCredentials(**{**KEYS, **keys})
            psa = ConnectWise(
                sandbox.url,
                credentials,
                allow_loopback=True,
                transport=judged,
                timeouts=timeouts,
                patience=patience,
            )
            return opened.enter_context(psa)

        yield connected
