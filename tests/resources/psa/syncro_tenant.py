"""A Syncro tenant for the adapter's tests: a sandbox that speaks it, and a connection judged by the contract.

Belongs here: seeds, connecting.
Does not belong here: claims.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from resources.psa.http import Patience, Timeouts
from resources.psa.syncro import Syncro, SyncroCredentials
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.syncro_contract import under_contract
from tests.sandbox.seeds import seed
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

KEYS = {"subdomain": "acme", "api_key": "T-key"}
URL = "https://acme.syncromsp.com"


@contextmanager
def syncro_sandbox(**parts: Any) -> Iterator[SandboxHandle]:
    """A sandbox that speaks Syncro, with one line of ten unless parts of its seed are given."""
    with running_sandbox(seed(psa="syncro", **parts)) as running:
        yield running


def connected(
    sandbox: SandboxHandle,
    transport: httpx.BaseTransport | None = None,
    *,
    timeouts: Timeouts | None = None,
    patience: Patience = QUICK,
    judges_answers: bool = True,
    **keys: str,
) -> Syncro:
    """A connection to a sandbox, judged by the contract. Close it."""
    return Syncro(
        sandbox.url,
        SyncroCredentials(**{**KEYS, **keys}),
        allow_loopback=True,
        transport=transport or under_contract(judges_answers=judges_answers),
        timeouts=timeouts,
        patience=patience,
    )


def answering(answers: dict[str, Any]) -> Syncro:
    """A connection to a tenant that answers paths below the base as told, whatever page is asked for."""
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=answers[request.url.path.removeprefix("/api/v1/")])
    )
    return Syncro(URL, SyncroCredentials(**KEYS), transport=transport, patience=QUICK)
