"""HaloPSA read whole over real HTTP, or not at all; its token.

Belongs here: paging, counting, credentials, tokens, faults while copying.
Does not belong here: what a field means (``test_halopsa_records``).
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from pipelines.agreements.copy import copy_psa
from pipelines.agreements.records import CopyStatus, PsaCopy
from resources.psa.errors import Forbidden, PsaError, Refused, Throttled, Unavailable
from resources.psa.halopsa import HaloPsa
from resources.psa.halopsa_token import ASSUMED_SECONDS, TOKEN_PATH, HaloPsaCredentials, HaloToken
from tests.pipelines.agreements.test_copy import Lake, Ledger
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.halopsa_connection import URL, answering, at, connected
from tests.resources.psa.halopsa_contract import CONTRACT, HaloPsaTransport, under_contract
from tests.sandbox.halopsa_seeds import KEYS, seed
from tests.sandbox.seeds import account, agreement, line, many, service
from trueup.sandbox.psa.running import running_sandbox

TODAY = date(2026, 11, 3)


class Between(HaloPsaTransport):
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


def _copy(psa: HaloPsa) -> PsaCopy:
    return copy_psa(
        psa,
        Lake(),
        Ledger(),
        kind="halopsa",
        base_url="https://psa.example",
        company="acme",
        clock=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        new_id=lambda: "copy",
        today=TODAY,
    )


# --- reading --------------------------------------------------------------------------------------------------------


def test_everything_is_read_in_our_words() -> None:
    with running_sandbox(seed()) as sandbox, connected(sandbox.url) as psa:
        records = psa.read_records(TODAY)
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
            "prorates": False,
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


def test_the_client_of_production_needs_no_special_transport() -> None:
    credentials = HaloPsaCredentials(**KEYS)
    with running_sandbox(seed()) as sandbox, HaloPsa(sandbox.url, credentials, allow_loopback=True) as psa:
        assert len(psa.read_records(TODAY).lines) == 1


def test_more_than_two_pages_are_read_whole_and_in_order() -> None:
    with running_sandbox(seed(accounts=[*many(account, 249), account("250")])) as sandbox:
        judged = under_contract()
        with connected(sandbox.url, judged) as psa:
            records = psa.read_records(TODAY)
    assert [int(each.id) for each in records.accounts] == list(range(1, 251))
    assert judged.paths().count("/Client") == 3


@pytest.mark.parametrize("count", [100, 0])
def test_a_list_of_exactly_one_page_or_of_nothing_ends(count: int) -> None:
    with running_sandbox(seed(services=many(service, count), lines=[])) as sandbox:
        judged = under_contract()
        with connected(sandbox.url, judged) as psa:
            assert len(psa.read_records(TODAY).services) == count
    assert judged.paths().count("/Item") == 1


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"accounts": [{"id": "10", "removed": True}]}, id="one that went"),
        pytest.param({"accounts": [account("5")]}, id="one that came in front"),
        pytest.param({"accounts": [account("500")]}, id="one that came behind"),
    ],
)
def test_a_record_that_shifts_the_pages_makes_the_list_be_read_again(edit: dict[str, Any]) -> None:
    accounts = [account(str(number)) for number in range(10, 270)]
    with running_sandbox(seed(accounts=accounts)) as sandbox:

        def shift(seen: int) -> None:
            if seen == 2:
                sandbox.merge(edit)

        between = Between("/Client", shift)
        with connected(sandbox.url, between) as psa:
            read = [int(each.id) for each in psa.read_records(TODAY).accounts]
        assert read == sorted(int(each["id"]) for each in sandbox.state()["accounts"])
    assert between.paths().count("/Client") in {5, 6}


def test_a_list_that_stays_shorter_than_its_count_is_a_fault_of_the_psa() -> None:
    record = {"id": 1, "name": "Acme"}
    answers = {"/Client": {"record_count": 2, "clients": [record]}}
    with answering(answers) as psa, pytest.raises(Unavailable) as caught:
        psa.read_records(TODAY)
    # Each page shows the same record: as many as counted, and not as many different ones.
    assert "/Client: the PSA counts 2 records and gave 2, of which 1 are different, twice" in str(caught.value)


def test_names_of_ended_agreements_are_read_but_their_lines_are_not() -> None:
    agreements = [
        agreement("1"),
        agreement("2", active=False),
        agreement("3", end="2026-11-03"),
        agreement("4", end="2026-11-04"),
    ]
    lines = [line(str(number), agreement=str(number)) for number in range(1, 5)]
    with running_sandbox(seed(agreements=agreements, lines=lines)) as sandbox:
        judged = under_contract()
        with connected(sandbox.url, judged) as psa:
            records = psa.read_records(TODAY)
    assert [each.is_active for each in records.agreements] == [True, False, False, True]
    assert [each.id for each in records.lines] == ["1", "4"]
    assert "/RecurringInvoice/2" not in judged.paths()


def test_counted_lines_are_read_and_inactive_ones_and_texts_are_not() -> None:
    lines = [
        line("1", vendor_fields={"quantity_licences": [{"id": 1}]}),
        line("2", vendor_fields={"isinactive": True}),
        line("3", vendor_fields={"isgroupdesc": True}),
    ]
    with running_sandbox(seed(lines=lines)) as sandbox, connected(sandbox.url) as psa:
        assert [each.id for each in psa.read_records(TODAY).lines] == ["1"]


@pytest.mark.parametrize("quantity", ["0.1", "12345678901234567890.1234567891", "0", "0.0000000001", "1000000"])
def test_quantities_arrive_with_every_digit(quantity: str) -> None:
    with running_sandbox(seed(lines=[line("1", quantity=quantity)])) as sandbox, connected(sandbox.url) as psa:
        (read,) = psa.read_records(TODAY).lines
    assert read.quantity == Decimal(quantity)


def test_inactive_accounts_and_services_are_read_as_such() -> None:
    document = seed(accounts=[account("250", active=False)], services=[service("77", active=False)])
    with running_sandbox(document) as sandbox, connected(sandbox.url) as psa:
        records = psa.read_records(TODAY)
    assert (records.accounts[0].is_active, records.services[0].is_active) == (False, False)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        pytest.param("500", "HTTP 500", id="500"),
        pytest.param("429:0s", "the PSA asks for fewer requests", id="429"),
        pytest.param("403", "HTTP 403", id="403"),
        pytest.param("401", "HTTP 401", id="401"),
        pytest.param("drop", "the connection", id="a dropped connection"),
        pytest.param("cut", "was closed before the whole answer had come", id="a cut answer"),
        pytest.param("truncated", "not whole JSON", id="truncated JSON"),
        pytest.param("html", "the answer is text/html, not JSON", id="HTML under 200"),
        pytest.param("404", "was removed while it was read", id="an invoice that went away"),
        pytest.param("empty", "recurring invoice 9001 has no id", id="a record that holds nothing"),
    ],
)
def test_any_fault_while_copying_makes_the_copy_a_failed_one(do: str, words: str) -> None:
    with running_sandbox(seed()) as sandbox, connected(sandbox.url, judges_answers=False) as psa:
        sandbox.set_faults({"rules": [{"match": "GET .*RecurringInvoice/9001", "do": do}]})
        copy = _copy(psa)
    assert (copy.status, copy.lake_path, copy.counts) == (CopyStatus.FAILED, None, {})
    assert copy.message is not None
    assert words in copy.message


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param({"/Client": []}, "holds no list of clients", id="a bare list"),
        pytest.param({"/Client": {"record_count": 0}}, "holds no list of clients", id="no list"),
        pytest.param({"/Client": {"clients": []}}, "holds no count", id="no count"),
        pytest.param({"/Client": {"clients": [], "record_count": "0"}}, "holds no count", id="a count of text"),
        pytest.param({"/Client": {"clients": [], "record_count": 1}}, "counts 1 records and gave 0", id="too few"),
        pytest.param({"/Client": {"clients": [{"id": 1}], "record_count": 0}}, "counts 0 records", id="too many"),
        pytest.param({"/Client": {"clients": [{}], "record_count": 1}}, "a record of /Client has no id", id="no id"),
        pytest.param({"/RecurringInvoice/1": []}, "the answer is no record", id="an invoice that is a list"),
        pytest.param(
            {"/RecurringInvoice/1": {"id": 2, "lines": []}}, "the PSA answers recurring invoice 2", id="another invoice"
        ),
        pytest.param({"/RecurringInvoice/1": {"id": 1}}, "comes without its lines", id="no lines"),
    ],
)
def test_an_answer_that_cannot_be_whole_is_no_answer(answers: dict[str, Any], words: str) -> None:
    usual = {
        "/Client": {"record_count": 1, "clients": [{"id": 250}]},
        "/Item": {"record_count": 0, "items": []},
        "/RecurringInvoice": {"record_count": 1, "invoices": [{"id": 1, "client_id": 250}]},
        "/RecurringInvoice/1": {"id": 1, "lines": []},
    }
    with answering(usual) as psa:
        assert psa.read_records(TODAY).lines == ()
    with answering({**usual, **answers}) as psa, pytest.raises(Unavailable) as caught:
        psa.read_records(TODAY)
    assert words in str(caught.value)


# --- the token ------------------------------------------------------------------------------------------------------


def _tokens(exchanged: HaloPsaTransport) -> int:
    return sum(request.url.path == TOKEN_PATH for request, _ in exchanged.exchanges)


def test_one_token_serves_a_whole_copy_and_is_asked_for_by_a_form() -> None:
    with running_sandbox(seed(credentials=KEYS)) as sandbox:
        judged = under_contract()
        with connected(sandbox.url, judged) as psa:
            psa.read_records(TODAY)
    assert _tokens(judged) == 1
    asked = judged.exchanges[0][0]
    assert (asked.method, asked.url.query.decode()) == ("POST", "tenant=acme")
    assert dict(parse_qsl(asked.content.decode()))["client_secret"] == "hidden"
    assert "Authorization" not in asked.headers


def test_asking_for_a_token_is_bound_by_the_timeouts_and_the_guard_of_the_address() -> None:
    seen: list[httpx.Request] = []
    with answering({"/RecurringInvoice": {"record_count": 0, "invoices": []}}, seen) as psa:
        psa.check_connection()
    asked, read = seen
    assert (asked.url.path, asked.url.host) == (TOKEN_PATH, "psa.example")
    assert asked.extensions == read.extensions
    assert {"timeout", "trace"} <= set(asked.extensions)


@pytest.mark.parametrize("key", KEYS)
def test_wrong_credentials_are_told_as_such(key: str) -> None:
    credentials = HaloPsaCredentials(**{**KEYS, key: "canary-4711"})
    with (
        running_sandbox(seed(credentials=KEYS)) as sandbox,
        HaloPsa(sandbox.url, credentials, allow_loopback=True, transport=under_contract()) as psa,
        pytest.raises(Forbidden, match="check tenant, client id and secret") as caught,
    ):
        psa.check_connection()
    assert "canary-4711" not in str(caught.value)
    assert caught.value.would_retry_help is False


def test_rights_that_are_missing_are_told_as_such() -> None:
    with running_sandbox(seed()) as sandbox, connected(sandbox.url) as psa:
        psa.check_connection()
        sandbox.set_faults({"rules": [{"match": "GET .*RecurringInvoice", "do": "403"}]})
        with pytest.raises(Forbidden):
            psa.check_connection()


def test_a_token_that_expires_during_a_copy_is_renewed_without_a_fault() -> None:
    with running_sandbox(seed()) as sandbox:
        judged = under_contract()
        with connected(sandbox.url, judged) as psa:
            sandbox.set_faults({"rules": [{"match": "GET .*Item", "nth": 1, "do": "401"}]})
            assert len(psa.read_records(TODAY).services) == 1
    assert _tokens(judged) == 2
    assert judged.paths().count("/Item") == 2


def test_a_token_that_is_refused_again_is_not_renewed_again() -> None:
    with running_sandbox(seed()) as sandbox:
        judged = under_contract()
        sandbox.set_faults({"rules": [{"match": "GET ", "do": "401"}]})
        with connected(sandbox.url, judged) as psa, pytest.raises(Forbidden):
            psa.check_connection()
    assert (_tokens(judged), judged.paths().count("/RecurringInvoice")) == (2, 2)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("told", "lives"),
    [
        pytest.param({"expires_in": 3600}, 3540, id="an hour, less a minute"),
        pytest.param({"expires_in": 20}, 10, id="a short one, to its middle"),
        pytest.param({}, ASSUMED_SECONDS - 60, id="nothing told"),
        pytest.param({"expires_in": "soon"}, ASSUMED_SECONDS - 60, id="no number"),
        pytest.param({"expires_in": 0}, ASSUMED_SECONDS - 60, id="no life at all"),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(told: dict[str, Any], lives: float) -> None:
    clock, asked = _Clock(), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"access_token": f"t{len(asked)}", **told})

    auth = HaloToken(HaloPsaCredentials(**KEYS), clock)
    with httpx.Client(transport=httpx.MockTransport(answer), auth=auth) as client:
        for moment in (0.0, lives - 1, lives):
            clock.now = moment
            client.get(f"{URL}/api/Client")
    assert asked == [TOKEN_PATH, "/api/Client", "/api/Client", TOKEN_PATH, "/api/Client"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        pytest.param(httpx.Response(400, json={"error": "invalid_client"}), Forbidden, "'invalid_client'", id="400"),
        pytest.param(httpx.Response(401), Forbidden, "gives no token", id="401"),
        pytest.param(httpx.Response(404), Forbidden, "and psa.base_url", id="another system"),
        pytest.param(httpx.Response(500), Unavailable, "POST /auth/token: HTTP 500", id="500"),
        pytest.param(httpx.Response(429, headers={"Retry-After": "0"}), Throttled, "fewer requests", id="429"),
        pytest.param(
            httpx.Response(302, headers={"Location": "https://elsewhere.example/auth/token"}),
            Refused,
            "sends to another address",
            id="a redirect",
        ),
        pytest.param(httpx.Response(200, text="<html>"), Unavailable, "not JSON", id="HTML"),
        pytest.param(httpx.Response(200, json=[]), Unavailable, "answers no token", id="a list"),
        pytest.param(httpx.Response(200, json={"access_token": 5}), Unavailable, "answers no token", id="a number"),
        pytest.param(httpx.Response(200, json={"access_token": " \n"}), Unavailable, "answers no token", id="blanks"),
    ],
)
def test_no_token_means_no_request(answer: httpx.Response, kind: type[PsaError], words: str) -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.url.host}{request.url.path}")
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    with at(answers) as psa, pytest.raises(kind) as caught:
        psa.check_connection()
    assert words in str(caught.value)
    assert set(seen) == {f"psa.example{TOKEN_PATH}"}
    assert len(seen) == (QUICK.attempts if kind in (Unavailable, Throttled) else 1)


def test_credentials_and_tokens_that_the_psa_quotes_back_are_not_shown() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == TOKEN_PATH:
            return httpx.Response(200, json={"access_token": "canary-token", "expires_in": 60})
        told = f"bad {request.headers['Authorization']} of {KEYS['client_id']} and {KEYS['client_secret']}"
        return httpx.Response(400, content=json.dumps({"message": told}))

    with at(answer) as psa, pytest.raises(Refused) as caught:
        psa.check_connection()
    assert "bad Bearer *** of *** and ***" in str(caught.value)


@pytest.mark.parametrize("value", ["", " ", "canary\n", "can\x00ary", "cänary"])
@pytest.mark.parametrize("name", KEYS)
def test_a_credential_that_cannot_be_sent_is_named_but_not_shown(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"the credential {name} is empty or has") as caught:
        HaloPsa(URL, HaloPsaCredentials(**{**KEYS, name: value}))
    assert "nary" not in str(caught.value)


def test_no_credential_stands_in_what_a_program_prints_of_the_objects() -> None:
    credentials = HaloPsaCredentials(tenant="acme", client_id="canary-1", client_secret="canary-2")
    with HaloPsa(URL, credentials) as psa:
        shown = f"{credentials} {credentials!r} {psa!r} {vars(psa)!r} {HaloToken(credentials)!r}"
    assert "canary" not in shown
    assert "acme" in shown
