"""Fixtures of the PSA adapters' tests.

Belongs here: a sandbox of each kind, and each vendor's adapter connected to one with the contract in between.
Does not belong here: claims.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.http import Patience, Timeouts
from tests.resources.psa import autotask_contract
from tests.resources.psa.connectwise_contract import under_contract
from tests.sandbox import autotask_seeds
from tests.sandbox.seeds import KEYS, seed
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

QUICK = Patience(attempts=3, first_wait=0.01, max_wait=0.02, max_retry_wait=5)
"""Retries without waiting, except where the PSA names a time."""

Connect = Callable[..., ConnectWise]
ConnectAutotask = Callable[..., Autotask]


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


@pytest.fixture
def autotask_sandbox() -> Iterator[SandboxHandle]:
    """An Autotask sandbox with one line of ten."""
    with running_sandbox(autotask_seeds.seed()) as running:
        yield running


@pytest.fixture
def connect_autotask() -> Iterator[ConnectAutotask]:
    """Connects to an Autotask sandbox, judged by its contract, and closes everything afterwards."""
    with ExitStack() as opened:

        def connected(
            sandbox: SandboxHandle,
            transport: httpx.BaseTransport | None = None,
            *,
            timeouts: Timeouts | None = None,
            patience: Patience = QUICK,
            judges_answers: bool = True,
            **keys: str,
        ) -> Autotask:
            judged = transport or autotask_contract.under_contract(judges_answers=judges_answers)
            credentials = AutotaskCredentials(**{**autotask_seeds.KEYS, **keys})
            psa = Autotask(
                sandbox.url,
                credentials,
                allow_loopback=True,
                transport=judged,
                timeouts=timeouts,
                patience=patience,
            )
            return opened.enter_context(psa)

        yield connected
