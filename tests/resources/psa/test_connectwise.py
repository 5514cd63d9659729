"""ConnectWise read whole over real HTTP, or not at all.

Belongs here: paging, counting, credentials, faults while copying, timing out.
Does not belong here: what a field means (``test_connectwise_records``).
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import copy_psa
from pipelines.agreements.records import CopyStatus, PsaCopy, PsaRecords
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.errors import Forbidden, PsaError, Refused, Unavailable
from resources.psa.http import Timeouts
from tests.pipelines.agreements.test_copy import Lake, Ledger
from tests.resources.psa.conftest import QUICK, Connect
from tests.resources.psa.connectwise_contract import CONTRACT, under_contract
from tests.resources.psa.contract import ContractTransport
from tests.sandbox.seeds import KEYS, account, agreement, line, many, seed, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)


class Between(ContractTransport):
    """A contract transport that lets something happen before a request to a path is sent."""

    def __init__(self, path: str, happen: Callable[[int], None]) -> None:
        super().__init__(CONTRACT)
        self._path = path
        self._happen = happen
        self._seen = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(self._path):
            self._seen += 1
            self._happen(self._seen)
        return super().handle_request(request)


def _copy(psa: ConnectWise, ledger: Ledger | None = None) -> PsaCopy:
    return copy_psa(
        psa,
        Lake(),
        ledger or Ledger(),
        kind="connectwise",
        base_url="https://psa.example",
        company="acme",
        clock=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        new_id=lambda: "copy",
        today=TODAY,
    )


def test_everything_is_read_in_our_words(sandbox: SandboxHandle, connect: Connect) -> None:
    records = connect(sandbox).read_records(TODAY)
    assert [vars(each) for each in (*records.accounts, *records.services)] == [
        {"id": "250", "name": "Acme", "is_active": True},
        {
            "id": "77",
            "code": "SKU-77",
            "name": "Service 77",
            "is_active": True,
            "unit_cost": Decimal(18),
            "unit_price": Decimal(22),
        },
    ]
    assert [vars(each) for each in (*records.agreements, *records.lines)] == [
        {
            "id": "9001",
            "account_id": "250",
            "name": "Managed",
            "is_active": True,
            "prorates": True,
            "start_date": date(2025, 1, 1),
            "end_date": None,
            "currency": "USD",
        },
        {
            "id": "1",
            "agreement_id": "9001",
            "account_id": "250",
            "service_id": "77",
            "quantity": Decimal(10),
            "psa_included": Decimal(0),
            "unit_price": Decimal(22),
            "unit_cost": Decimal(18),
            "start_date": date(2025, 1, 1),
            "end_date": None,
        },
    ]


def test_the_client_of_production_needs_no_special_transport(sandbox: SandboxHandle) -> None:
    with ConnectWise(sandbox.url, ConnectWiseCredentials(**KEYS), allow_loopback=True) as psa:
        assert len(psa.read_records(TODAY).lines) == 1


def test_more_than_two_pages_of_lines_and_companies_are_read_whole_and_in_order(connect: Connect) -> None:
    document = seed(accounts=[account("250"), *many(account, 249), *_from(251, 2500)], lines=many(line, 2500))
    with running_sandbox(document) as sandbox:
        judged = under_contract()
        records = connect(sandbox, judged).read_records(TODAY)
    assert [int(each.id) for each in records.accounts] == list(range(1, 2501))
    assert [int(each.id) for each in records.lines] == list(range(1, 2501))
    assert judged.paths().count("/company/companies") == 3
    assert judged.paths().count("/finance/agreements/9001/additions") == 3


def _from(first: int, last: int) -> list[dict[str, Any]]:
    return [account(str(number)) for number in range(first, last + 1)]


def test_a_list_of_exactly_one_page_ends(connect: Connect) -> None:
    with running_sandbox(seed(lines=many(line, 1000))) as sandbox:
        assert len(connect(sandbox).read_records(TODAY).lines) == 1000


def test_ids_with_gaps_and_in_any_order_are_read_whole(connect: Connect) -> None:
    numbers = [str(number) for number in range(2_000_000_000, 2_000_000_000 - 7 * 1500, -7)]
    with running_sandbox(seed(lines=[line(number) for number in numbers])) as sandbox:
        records = connect(sandbox).read_records(TODAY)
    assert [each.id for each in records.lines] == sorted(numbers)


def test_lines_that_come_between_two_pages_shift_none(connect: Connect) -> None:
    with running_sandbox(seed(lines=[line(str(number)) for number in range(2, 5002, 2)])) as sandbox:
        # Before each page one that belongs to a page already read and one that belongs to a later one.
        def come(seen: int) -> None:
            if 1 < seen <= 3:
                sandbox.merge({"lines": [line(str(2 * seen + 1)), line(str(10_000 + seen))]})

        records = connect(sandbox, Between("/additions", come)).read_records(TODAY)
    ids = [int(each.id) for each in records.lines]
    assert len(ids) == len(set(ids)) == 2504
    assert {10_002, 10_003, 5, 7} <= set(ids)


def test_a_line_that_comes_before_the_count_is_found_by_reading_again(sandbox: SandboxHandle, connect: Connect) -> None:
    def come(seen: int) -> None:
        if seen == 1:
            sandbox.merge({"lines": [line("2")]})

    between = Between("/additions/count", come)
    records = connect(sandbox, between).read_records(TODAY)
    assert [each.id for each in records.lines] == ["1", "2"]
    assert between.paths().count("/finance/agreements/9001/additions") == 2


def test_a_count_that_disagrees_twice_is_a_fault_of_the_psa(sandbox: SandboxHandle, connect: Connect) -> None:
    sandbox.set_faults({"rules": [{"match": "additions$", "do": "empty"}]})
    copy = _copy(connect(sandbox))
    assert copy.status is CopyStatus.FAILED
    assert copy.message is not None
    assert "/finance/agreements/9001/additions: the PSA counts 1 records and gave 0, twice" in copy.message


def test_names_of_ended_agreements_are_read_but_their_lines_are_not(connect: Connect) -> None:
    agreements = [
        agreement("1"),
        agreement("2", active=False),
        agreement("3", end="2026-11-03"),
        agreement("4", end="2026-11-04"),
        agreement("5", start="2027-01-01"),
    ]
    lines = [line(str(number), agreement=str(number)) for number in range(1, 6)]
    with running_sandbox(seed(agreements=agreements, lines=lines)) as sandbox:
        judged = under_contract()
        records = connect(sandbox, judged).read_records(TODAY)
    assert [each.is_active for each in records.agreements] == [True, False, False, True, True]
    assert [each.end_date for each in records.agreements[2:4]] == [date(2026, 11, 3), date(2026, 11, 4)]
    assert [each.id for each in records.lines] == ["1", "4", "5"]
    assert "/finance/agreements/2/additions" not in judged.paths()


def test_cancelled_and_future_lines_are_read_with_their_dates(connect: Connect) -> None:
    lines = [line("1", end="2026-11-01"), line("2", start="2027-01-01"), line("3", start=None)]
    with running_sandbox(seed(lines=lines)) as sandbox:
        records = connect(sandbox).read_records(TODAY)
    assert [(each.start_date, each.end_date) for each in records.lines] == [
        (date(2025, 1, 1), date(2026, 11, 1)),
        (date(2027, 1, 1), None),
        (None, None),
    ]


@pytest.mark.parametrize("quantity", ["0.1", "12345678901234567890.1234567891", "0", "0.0000000001", "1000000"])
def test_quantities_arrive_with_every_digit(connect: Connect, quantity: str) -> None:
    with running_sandbox(seed(lines=[line("1", quantity=quantity, psa_included=quantity)])) as sandbox:
        (read,) = connect(sandbox).read_records(TODAY).lines
    assert (read.quantity, read.psa_included) == (Decimal(quantity), Decimal(quantity))


def test_inactive_accounts_and_services_are_read_as_such(connect: Connect) -> None:
    document = seed(accounts=[account("250", active=False)], services=[service("77", active=False)])
    with running_sandbox(document) as sandbox:
        records = connect(sandbox).read_records(TODAY)
    assert (records.accounts[0].is_active, records.services[0].is_active) == (False, False)


def test_wrong_credentials_are_told_as_such_though_the_psa_says_not_found(connect: Connect) -> None:
    with running_sandbox(seed(credentials=KEYS)) as sandbox:
        connect(sandbox).check_connection()
        with pytest.raises(Forbidden, match="check company id and keys") as caught:
            connect(sandbox, private_key="canary-4711").read_records(TODAY)
    assert caught.value.would_retry_help is False
    assert "canary-4711" not in str(caught.value)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        pytest.param("500", "HTTP 500", id="500"),
        pytest.param("502_after_commit", "HTTP 502", id="502 of a gateway"),
        pytest.param("429:0s", "the PSA asks for fewer requests", id="429"),
        pytest.param("403", "check the keys and the API member's rights", id="403"),
        pytest.param("drop", "the connection", id="a dropped connection"),
        pytest.param("cut", "was closed before the whole answer had come", id="a cut answer"),
        pytest.param("truncated", "not whole JSON", id="truncated JSON"),
        pytest.param("html", "the answer is text/html, not JSON", id="HTML under 200"),
        pytest.param("404", "was removed while it was read", id="an agreement that went away"),
    ],
)
def test_any_fault_while_copying_makes_the_copy_a_failed_one(
    sandbox: SandboxHandle, connect: Connect, do: str, words: str
) -> None:
    sandbox.set_faults({"rules": [{"match": "GET .*additions$", "do": do}]})
    copy = _copy(connect(sandbox, judges_answers=False))
    assert (copy.status, copy.lake_path, copy.counts) == (CopyStatus.FAILED, None, {})
    assert copy.message is not None
    assert words in copy.message


def test_a_fault_on_the_last_of_many_pages_fails_the_whole_copy(connect: Connect) -> None:
    with running_sandbox(seed(lines=many(line, 2500))) as sandbox:
        for nth in (3, 4, 5):  # QUICK.attempts of the third page
            assert QUICK.attempts == 3
            sandbox.set_faults({"rules": [{"match": "additions$", "nth": n, "do": "500"} for n in range(3, nth + 1)]})
            copy = _copy(connect(sandbox))
            assert copy.status is (CopyStatus.FAILED if nth == 5 else CopyStatus.COMPLETE)


def test_a_storm_of_passing_faults_does_not_change_what_is_read(connect: Connect) -> None:
    faults = {"seed": 7, "rate": {"429:0.01s": 0.1, "500": 0.1, "drop": 0.1}}
    agreements = many(agreement, 20)
    lines = [line(str(number), agreement=str(number)) for number in range(1, 21)]
    patience = type(QUICK)(attempts=10, first_wait=0.001, max_wait=0.002, max_retry_wait=1)
    with running_sandbox(seed(agreements=agreements, lines=lines)) as sandbox:
        calm = connect(sandbox).read_records(TODAY)
        sandbox.set_faults(faults)
        assert connect(sandbox, patience=patience).read_records(TODAY) == calm


def test_a_psa_that_forgets_its_accounts_gives_a_failed_copy(sandbox: SandboxHandle, connect: Connect) -> None:
    ledger = Ledger()
    assert _copy(connect(sandbox), ledger).status is CopyStatus.COMPLETE
    sandbox.set_faults({"rules": [{"match": "/company/companies", "do": "empty"}]})
    copy = _copy(connect(sandbox), ledger)
    assert copy.message is not None
    assert copy.message.startswith("the PSA answers no accounts at all, and the last complete copy had 1.")


def test_an_answer_that_is_too_slow_times_out(sandbox: SandboxHandle, connect: Connect) -> None:
    sandbox.set_faults({"rules": [{"match": "companies", "do": "delay:60s"}]})
    began = time.monotonic()
    copy = _copy(connect(sandbox, timeouts=Timeouts(read=0.2)))
    assert copy.message == "GET /v4_6_release/apis/3.0/company/companies: the PSA did not answer for 0.2 s"
    assert time.monotonic() - began < 30


def test_a_psa_that_does_not_listen_cannot_be_reached(connect: Connect) -> None:
    with running_sandbox(seed()) as sandbox:
        pass
    copy = _copy(connect(sandbox))
    assert copy.message is not None
    assert copy.message.endswith("the PSA cannot be reached: check psa.base_url and the network")


def _answering(**answers: Any) -> Callable[[httpx.Request], httpx.Response]:
    """A PSA with one company and one agreement, except for the answers that are given by the end of their path."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v4_6_release/apis/3.0/")
        usual = {
            "system/info": {"version": "v1"},
            "company/companies": [{"id": 250, "name": "Acme"}],
            "company/companies/count": {"count": 1},
            "procurement/catalog": [],
            "procurement/catalog/count": {"count": 0},
            "finance/agreements": [{"id": 1, "company": {"id": 250}}],
            "finance/agreements/count": {"count": 1},
            "finance/agreements/1/additions": [],
            "finance/agreements/1/additions/count": {"count": 0},
        }
        body = json.dumps({**usual, **answers}[path])
        return httpx.Response(200, content=body, headers={"Content-Type": "application/json"})

    return answer


def _read(answer: Callable[[httpx.Request], httpx.Response]) -> PsaRecords:
    transport = httpx.MockTransport(answer)
    credentials = ConnectWiseCredentials(**KEYS)
    with ConnectWise("https://psa.example", credentials, transport=transport, patience=QUICK) as psa:
        return psa.read_records(TODAY)


def test_a_psa_that_says_only_what_is_needed_is_understood() -> None:
    records = _read(_answering())
    assert (len(records.accounts), len(records.agreements), records.lines) == (1, 1, ())


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param({"system/info": {}}, "does not answer as ConnectWise does", id="another system"),
        pytest.param({"system/info": []}, "does not answer as ConnectWise does", id="a list as its info"),
        pytest.param({"company/companies": {"error": 1}}, "is no list, so nothing of it is used", id="no list"),
        pytest.param({"company/companies": None}, "is no list", id="null"),
        pytest.param({"company/companies": [{"name": "A"}]}, "has no id in the PSA's answer", id="no id"),
        pytest.param({"company/companies": [{"id": "250"}]}, "has no id in the PSA's answer", id="an id of text"),
        pytest.param({"company/companies": [{"id": True}]}, "has no id in the PSA's answer", id="an id of truth"),
        pytest.param({"company/companies": ["Acme"]}, "has no id in the PSA's answer", id="no record"),
        pytest.param({"company/companies": [{"id": 2}, {"id": 1}]}, "out of order or repeats", id="no order"),
        pytest.param({"company/companies": [{"id": 2}, {"id": 2}]}, "out of order or repeats", id="a record twice"),
        pytest.param({"company/companies/count": {}}, "the PSA's answer holds no count", id="no count"),
        pytest.param({"company/companies/count": {"count": "1"}}, "holds no count", id="a count of text"),
        pytest.param({"company/companies/count": []}, "holds no count", id="a count that is a list"),
        pytest.param({"company/companies/count": {"count": 2}}, "counts 2 records and gave 1", id="one too few"),
        pytest.param({"company/companies/count": {"count": 0}}, "counts 0 records and gave 1", id="one too many"),
        pytest.param({"finance/agreements": [{"id": 1}]}, "the company of agreement 1 has no id", id="no company"),
    ],
)
def test_an_answer_that_cannot_be_whole_is_no_answer(answers: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        _read(_answering(**answers))
    assert words in str(caught.value)


def test_a_server_that_ignores_where_a_page_begins_does_not_send_us_in_circles() -> None:
    page = [{"id": number, "name": "A"} for number in range(1, 1001)]
    with pytest.raises(Unavailable, match="the page after id 1000 is out of order or repeats a record"):
        _read(_answering(**{"company/companies": page}))


@pytest.mark.parametrize("value", ["", " ", "canary\n", "canary ", "can\x00ary", "cänary"])
@pytest.mark.parametrize("name", list(KEYS))
def test_a_credential_that_cannot_be_sent_is_named_but_not_shown(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"the credential {name} is empty or has") as caught:
        ConnectWise("https://psa.example", ConnectWiseCredentials(**{**KEYS, name: value}))
    assert "nary" not in str(caught.value)


def test_no_credential_stands_in_what_a_program_prints_of_the_objects() -> None:
    keys = {**KEYS, "public_key": "canary-1", "private_key": "canary-2", "client_id": "canary-3"}
    credentials = ConnectWiseCredentials(**keys)
    with ConnectWise("https://psa.example", credentials) as psa:
        shown = f"{credentials} {credentials!r} {psa!r} {vars(psa)!r}"
    assert "canary" not in shown
    assert "acme" in shown


def test_a_key_that_the_psa_quotes_back_is_not_shown(sandbox: SandboxHandle) -> None:
    token = ConnectWiseCredentials(**KEYS).headers()["Authorization"].removeprefix("Basic ")
    answer = httpx.Response(400, json={"message": f"bad token {token} of {KEYS['client_id']}"})
    with pytest.raises(PsaError) as caught:
        _read(lambda _: answer)
    assert "bad token *** of ***" in str(caught.value)
