"""HaloPSA connected to a sandbox, or to answers that are made up, with the contract in between.

Belongs here: opening connections for the tests of the HaloPSA adapter.
Does not belong here: claims, the contract itself.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from resources.psa.halopsa import HaloPsa
from resources.psa.halopsa_token import HaloPsaCredentials
from resources.psa.http import Timeouts
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.halopsa_contract import BASE, TOKEN, under_contract
from tests.sandbox.halopsa_seeds import KEYS

URL = "https://psa.example"
JSON = {"Content-Type": "application/json"}


def connected(
    url: str,
    transport: httpx.BaseTransport | None = None,
    *,
    timeouts: Timeouts | None = None,
    judges_answers: bool = True,
) -> HaloPsa:
    """A connection to a sandbox, judged by the contract."""
    judged = transport or under_contract(judges_answers=judges_answers)
    credentials = HaloPsaCredentials(**KEYS)
    return HaloPsa(url, credentials, allow_loopback=True, transport=judged, timeouts=timeouts, patience=QUICK)


def answering(answers: Mapping[str, Any], seen: list[httpx.Request] | None = None) -> HaloPsa:
    """A connection to a PSA that gives a token, and these answers by the path below the API."""

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if request.url.path == TOKEN:
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        found = answers[request.url.path.removeprefix(BASE)]
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(200, content=found if isinstance(found, str) else json.dumps(found), headers=JSON)

    return at(answer)


def at(answer: Callable[[httpx.Request], httpx.Response]) -> HaloPsa:
    """A connection to a PSA that is made up."""
    return HaloPsa(URL, HaloPsaCredentials(**KEYS), transport=httpx.MockTransport(answer), patience=QUICK)
