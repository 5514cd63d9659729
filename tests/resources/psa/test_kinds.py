"""The table of PSA kinds keeps step with settings and sandbox.

Belongs here: claims over all kinds.
Does not belong here: any vendor's protocol.
"""

import time

import httpx
import pytest

from pipelines.review.binding import PsaIdentity
from resources.psa.kinds import KINDS, Connection
from resources.settings import PSA_KINDS
from tests.resources.psa.conftest import QUICK
from tests.sandbox.seeds import seed
from trueup.sandbox.psa.dialects import DIALECTS
from trueup.sandbox.psa.running import running_sandbox
from trueup.sandbox.psa.seed import CREDENTIALS


def test_every_kind_can_be_set_and_is_spoken_by_the_sandbox() -> None:
    assert list(KINDS) == list(PSA_KINDS) == list(DIALECTS) == list(CREDENTIALS)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_bears_its_own_name_and_asks_for_secrets(name: str) -> None:
    assert KINDS[name].name == name
    assert len(set(KINDS[name].secrets)) == len(KINDS[name].secrets) > 0


@pytest.mark.parametrize("name", KINDS)
def test_a_connection_keeps_to_its_rate(name: str) -> None:
    """Checking Autotask's connection takes two requests, HaloPSA's the first time a token as well."""
    sent: list[float] = []

    class Watched(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            sent.append(time.monotonic())
            return super().handle_request(request)

    with running_sandbox(seed(psa=name)) as sandbox:
        connection = Connection(
            PsaIdentity(name, sandbox.url, "sandbox"),
            dict.fromkeys(KINDS[name].secrets, "sandbox"),
            allow_loopback=True,
            patience=QUICK,
            requests_per_minute=600,
            transport=Watched(),
        )
        psa = KINDS[name].open(connection)
        for _ in range(4):
            psa.billing.check_connection()
        psa.client.close()
    # Ten a second, less what the machine may have been late with the first.
    assert sent[-1] - sent[0] > 0.1 * (len(sent) - 1) - 0.1


def test_rates_stay_below_the_vendors_own() -> None:
    rates = {name: kind.requests_per_minute for name, kind in KINDS.items()}
    assert rates == {"connectwise": None, "autotask": 79, "halopsa": None, "syncro": 171}
