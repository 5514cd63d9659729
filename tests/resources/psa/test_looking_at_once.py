"""Lines looked at together: each as it is seen by itself, and in how many requests.

Belongs here: claims that hold for every kind of PSA, over real HTTP against its sandbox, judged by its contract.
Does not belong here: what a look at one line says (each vendor's own ``writing`` tests).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import BilledPsa, ChangeName, LineSeen, name_of
from resources.psa.kinds import KINDS, Connection
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.contracts import CONTRACTS
from tests.resources.psa.test_connectwise_writing import change
from tests.sandbox.seeds import account, agreement, line, seed, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)
COMPANY = "sandbox"

AGREEMENTS = {
    "9001": agreement("9001"),
    "9002": agreement("9002"),
    "9003": agreement("9003", active=False),
    "9004": agreement("9004", account="251"),
}
LINES = {
    "1": line("1"),
    "2": line("2", quantity="7"),
    "3": line("3", agreement="9002", quantity="5"),
    "4": line("4", agreement="9003"),
    "5": line("5", agreement="9004"),
    "6": line("6", agreement="9002", end="2026-10-01"),
}
PLAIN = ("1", "2", "3")
"""Lines that nothing keeps from being written."""


@dataclass
class Counting(httpx.BaseTransport):
    """Counts what is asked, past what a connection asks once in its life."""

    inner: httpx.BaseTransport
    asked: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        once = ("/auth/token", "fields", "ZoneInformation", "ThresholdInformation")
        if not request.url.path.endswith(once):
            self.asked.append(f"{request.method} {request.url}")
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


@contextmanager
def looking(kind: str, sandbox: SandboxHandle, *, judges: bool = True) -> Iterator[tuple[BilledPsa, list[str]]]:
    """A kind's sandbox as write-back sees it, and all that it is asked."""
    identity = PsaIdentity(kind, sandbox.url, COMPANY)
    transport = Counting(CONTRACTS[kind](judges_answers=judges))
    secrets = dict.fromkeys(KINDS[kind].secrets, COMPANY)
    psa = KINDS[kind].open(Connection(identity, secrets, allow_loopback=True, patience=QUICK, transport=transport))
    try:
        yield psa.billing, transport.asked
    finally:
        psa.client.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of PSA."""
    return str(request.param)


@pytest.fixture
def sandbox(kind: str) -> Iterator[SandboxHandle]:
    """Agreements of two accounts, one of them ended."""
    made = seed(
        psa=kind,
        accounts=[account("250"), account("251", active=False)],
        services=[service("77"), service("78")],
        agreements=list(AGREEMENTS.values()),
        lines=[each for number, each in LINES.items() if number != "6" or kind != "autotask"],
    )
    with running_sandbox(made) as running:
        yield running


def of_line(number: str, **parts: Any) -> Change:
    """A change of a line, as a look at it would have shown it."""
    told = LINES.get(number, line(number))
    place = {"line_id": number, "agreement_id": told["agreement"], "change_id": f"c{number}"}
    return change(**{**place, "quantity_before": Decimal(told["quantity"]), "quantity_after": Decimal(40), **parts})


def new_line(agreement_id: str, service_id: str) -> Change:
    """A line that is to be made."""
    made = {"line_id": None, "quantity_before": None, "kind": DeltaKind.UNBILLED, "quantity_after": Decimal(3)}
    where = {"agreement_id": agreement_id, "service_id": service_id, "change_id": f"new-{agreement_id}-{service_id}"}
    return change(**made, **where)


CHANGES = [
    *(of_line(number) for number in ("1", "3", "2", "4", "6")),
    of_line("5", account_id="251"),
    of_line("97"),
    of_line("98", agreement_id="9999"),
    of_line("99", agreement_id=None),
    replace(of_line("2", change_id="c2-of-nobody"), account_id="8888"),
    new_line("9001", "77"),
    new_line("9002", "78"),
    new_line("9003", "78"),
    new_line("9999", "78"),
]


def test_what_is_seen_together_is_what_is_seen_by_itself(kind: str, sandbox: SandboxHandle) -> None:
    with looking(kind, sandbox) as (psa, _):
        together = psa.see_lines(CHANGES, TODAY)
    with looking(kind, sandbox) as (psa, _):
        alone = {name_of(each): psa.see_line(each, TODAY) for each in CHANGES if name_of(each) in together}
    assert dict(together) == alone
    assert {(f"c{number}", 1) for number in PLAIN} <= set(together)


@pytest.mark.parametrize("number", ["97", "98", "99"])
def test_of_a_line_that_is_not_there_nothing_is_seen_that_could_be_written(
    kind: str, sandbox: SandboxHandle, number: str
) -> None:
    with looking(kind, sandbox) as (psa, _):
        seen = psa.see_lines(CHANGES, TODAY).get((f"c{number}", 1))
        assert seen is None or seen.obstacle is not None
        assert psa.see_line(next(each for each in CHANGES if each.change_id == f"c{number}"), TODAY).obstacle


def test_a_new_line_is_not_taken_for_missing_where_its_agreement_is(kind: str, sandbox: SandboxHandle) -> None:
    with looking(kind, sandbox) as (psa, _):
        seen = psa.see_lines([new_line("9999", "78"), of_line("1")], TODAY)
    assert set(seen) == {("c1", 1)}


def test_many_lines_cost_few_requests(kind: str) -> None:
    # Beside a question for each agreement or for each sort of record: Autotask shows 520 rows of units, 500 on a page.
    most = {"connectwise": 2 + 4, "autotask": 4 + 1, "halopsa": 4 + 1, "syncro": 4 + 1}
    agreements = [agreement(str(9001 + number)) for number in range(4)]
    lines = [line(str(number), agreement=str(9001 + number % 4)) for number in range(1, 41)]
    changes = [of_line(each["id"], agreement_id=each["agreement"]) for each in lines]
    with (
        running_sandbox(seed(psa=kind, agreements=agreements, lines=lines)) as sandbox,
        looking(kind, sandbox) as (psa, asked),
    ):
        seen = psa.see_lines(changes, TODAY)
    assert len(seen) == len(changes)
    assert len(asked) == most[kind], asked


def test_more_ids_than_one_question_holds_are_asked_for_in_several(kind: str) -> None:
    lines = [line(str(number), quantity=str(number)) for number in range(1, 251)]
    changes = [of_line(each["id"], agreement_id="9001") for each in lines]
    with running_sandbox(seed(psa=kind, lines=lines)) as sandbox, looking(kind, sandbox) as (psa, _):
        seen = psa.see_lines(changes, TODAY)
    assert {name: each.quantity for name, each in seen.items()} == {
        (f"c{each['id']}", 1): Decimal(each["quantity"]) for each in lines
    }


def test_an_edit_since_the_last_look_is_seen(kind: str, sandbox: SandboxHandle) -> None:
    with looking(kind, sandbox) as (psa, _):
        before = psa.see_lines([of_line("1"), of_line("2")], TODAY)
        sandbox.merge({"lines": [{"id": "1", "quantity": "33"}]})
        after = psa.see_lines([of_line("1"), of_line("2")], TODAY)
        sandbox.merge({"agreements": [{"id": "9001", "active": False}]})
        ended = psa.see_lines([of_line("1"), of_line("2")], TODAY).get(("c1", 1))
    assert [_quantity(before), _quantity(after)] == [Decimal(10), Decimal(33)]
    assert ended is None or ended.obstacle is not None


def _quantity(seen: Any) -> Decimal | None:
    found: dict[ChangeName, LineSeen] = dict(seen)
    return found[("c1", 1)].quantity


@pytest.mark.parametrize(("status", "error"), [("401", PsaForbidden), ("503", PsaUnavailable)])
def test_when_the_psa_cannot_be_asked_nothing_is_seen(
    kind: str, sandbox: SandboxHandle, status: str, error: type[Exception]
) -> None:
    sandbox.set_faults({"rules": [{"match": ".*", "do": status}]})
    with looking(kind, sandbox, judges=False) as (psa, _), pytest.raises(error):
        psa.see_lines([of_line("1"), of_line("2")], TODAY)
