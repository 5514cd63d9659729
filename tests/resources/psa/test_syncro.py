"""Syncro read whole over real HTTP, or not at all.

Belongs here: paging, counting, the token, hosts, pace, faults while copying.
Does not belong here: what a field means (``test_syncro_records``).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import copy_psa
from pipelines.agreements.records import CopyStatus, PsaCopy
from resources.psa.errors import Forbidden, PsaError, Refused, Unavailable
from resources.psa.http import Patience
from resources.psa.syncro import Syncro, SyncroCredentials
from tests.pipelines.agreements.test_copy import Lake, Ledger
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.contract import ContractTransport
from tests.resources.psa.syncro_contract import CONTRACT, under_contract
from tests.resources.psa.syncro_tenant import KEYS, URL, answering, connected, syncro_sandbox
from tests.sandbox.seeds import account, agreement, line, many, service

TODAY = date(2026, 11, 3)


class Between(ContractTransport):
    """A contract transport that lets something happen before a page of a list is asked for."""

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


def _copy(psa: Syncro, ledger: Ledger | None = None) -> PsaCopy:
    return copy_psa(
        psa,
        Lake(),
        ledger or Ledger(),
        kind="syncro",
        base_url=URL,
        company="acme",
        clock=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        new_id=lambda: "copy",
        today=TODAY,
    )


def test_everything_is_read_in_our_words() -> None:
    with syncro_sandbox() as sandbox, connected(sandbox) as psa:
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
            "start_date": None,
            "end_date": None,
            "currency": None,
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
            "start_date": None,
            "end_date": None,
        },
    ]


def test_the_client_of_production_needs_no_special_transport() -> None:
    with (
        syncro_sandbox() as sandbox,
        Syncro(sandbox.url, SyncroCredentials(**KEYS), allow_loopback=True) as psa,
    ):
        assert len(psa.read_records(TODAY).lines) == 1


@pytest.mark.parametrize("number", [24, 25, 26, 50, 51, 130])
def test_lists_are_read_to_their_last_page(number: int) -> None:
    parts: dict[str, Any] = {
        "accounts": [account(str(n)) for n in range(250, 250 + number)],
        "services": [service(str(n)) for n in range(77, 77 + number)],
        "agreements": [agreement(str(n)) for n in range(9001, 9001 + number)],
        "lines": many(line, number),
    }
    with syncro_sandbox(**parts) as sandbox:
        judged = under_contract()
        with connected(sandbox, judged) as psa:
            records = psa.read_records(TODAY)
    assert [len(each) for each in vars(records).values()] == [number] * 4
    assert [each.id for each in records.lines] == [str(n) for n in range(1, number + 1)]
    assert judged.paths().count("/customers") == -(-number // 25)


def test_nothing_at_all_is_read_as_such() -> None:
    with (
        syncro_sandbox(accounts=[], services=[], agreements=[], lines=[]) as sandbox,
        connected(sandbox) as psa,
    ):
        assert [len(each) for each in vars(psa.read_records(TODAY)).values()] == [0] * 4


def test_disabled_customers_and_paused_schedules_are_read_but_not_their_lines() -> None:
    parts: dict[str, Any] = {
        "accounts": [account("250"), account("251", active=False)],
        "agreements": [agreement("9001", active=False), agreement("9002", account="251")],
        "lines": [line("1"), line("2", agreement="9002")],
    }
    with syncro_sandbox(**parts) as sandbox:
        judged = under_contract()
        with connected(sandbox, judged) as psa:
            records = psa.read_records(TODAY)
    assert [each.is_active for each in records.accounts] == [True, False]
    assert [each.is_active for each in records.agreements] == [False, True]
    assert [each.id for each in records.lines] == ["2"]
    assert "/schedules/9001" not in judged.paths()


@pytest.mark.parametrize("quantity", ["0.1", "12345678901234567890.1234567891", "0", "0.0000000001", "1000000"])
def test_quantities_arrive_with_every_digit(quantity: str) -> None:
    with syncro_sandbox(lines=[line("1", quantity=quantity)]) as sandbox, connected(sandbox) as psa:
        assert psa.read_records(TODAY).lines[0].quantity == Decimal(quantity)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"accounts": [account("1000")]}, id="one comes"),
        pytest.param({"accounts": [{"id": "1", "removed": True}]}, id="one goes"),
    ],
)
def test_a_record_that_comes_or_goes_between_pages_makes_the_list_be_read_again(edit: dict[str, Any]) -> None:
    parts: dict[str, Any] = {"accounts": [*many(account, 60), account("250")]}
    with syncro_sandbox(**parts) as sandbox:

        def happen(seen: int) -> None:
            if seen == 2:
                sandbox.merge(edit)

        between = Between("/customers", happen)
        with connected(sandbox, between) as psa:
            records = psa.read_records(TODAY)
        assert {each.id for each in records.accounts} == {each["id"] for each in sandbox.state()["accounts"]}
    assert between.paths().count("/customers") == 6


def test_pages_that_move_every_time_are_never_used() -> None:
    with syncro_sandbox(accounts=[*many(account, 60), account("250")]) as sandbox:
        between = Between("/customers", lambda seen: sandbox.merge({"accounts": [account(str(1000 + seen))]}))
        with connected(sandbox, between) as psa:
            copy = _copy(psa)
    assert copy.status is CopyStatus.FAILED
    assert copy.message is not None
    assert "/customers: the number of records changed between two pages, twice; a part is not used" in copy.message


def test_a_schedule_that_moves_while_it_is_read_fails_the_copy() -> None:
    with syncro_sandbox(accounts=[account("250"), account("251")]) as sandbox:
        between = Between(
            "/schedules/9001", lambda _: sandbox.merge({"agreements": [agreement("9001", account="251")]})
        )
        with connected(sandbox, between) as psa, pytest.raises(Unavailable, match="9001 was changed while it was read"):
            psa.read_records(TODAY)


def test_a_wrong_token_is_told_as_such_and_not_shown() -> None:
    with syncro_sandbox(credentials=KEYS) as sandbox:
        with connected(sandbox) as psa:
            psa.check_connection()
        with connected(sandbox, api_key="canary-4711") as psa, pytest.raises(Forbidden) as caught:
            psa.read_records(TODAY)
    assert caught.value.would_retry_help is False
    assert "check the keys" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        pytest.param("500", "HTTP 500", id="500"),
        pytest.param("429:0s", "the PSA asks for fewer requests", id="429"),
        pytest.param("403", "check the keys", id="403"),
        pytest.param("drop", "the connection", id="a dropped connection"),
        pytest.param("cut", "was closed before the whole answer had come", id="a cut answer"),
        pytest.param("truncated", "not whole JSON", id="truncated JSON"),
        pytest.param("html", "the answer is text/html, not JSON", id="HTML under 200"),
        pytest.param("404", "was removed while it was read", id="a schedule that went away"),
        pytest.param("empty", "the answer is not that record", id="no record"),
    ],
)
def test_any_fault_while_copying_makes_the_copy_a_failed_one(do: str, words: str) -> None:
    with syncro_sandbox() as sandbox:
        sandbox.set_faults({"rules": [{"match": "GET .*schedules/9001$", "do": do}]})
        with connected(sandbox, judges_answers=False) as psa:
            copy = _copy(psa)
    assert (copy.status, copy.lake_path, copy.counts) == (CopyStatus.FAILED, None, {})
    assert copy.message is not None
    assert words in copy.message


def test_a_fault_on_the_last_page_fails_the_whole_copy_when_it_stays() -> None:
    with syncro_sandbox(accounts=[*many(account, 60), account("250")]) as sandbox, connected(sandbox) as psa:
        for failures in (QUICK.attempts - 1, QUICK.attempts):
            rules = [{"match": "customers$", "nth": 3 + n, "do": "500"} for n in range(failures)]
            sandbox.set_faults({"rules": rules})
            assert (_copy(psa).status is CopyStatus.FAILED) == (failures == QUICK.attempts)


def test_an_empty_page_in_the_middle_is_not_taken_for_the_end() -> None:
    with syncro_sandbox(accounts=[*many(account, 60), account("250")]) as sandbox, connected(sandbox) as psa:
        sandbox.set_faults({"rules": [{"match": "customers$", "nth": n, "do": "empty"} for n in (2, 4)]})
        with pytest.raises(Unavailable, match="changed between two pages, twice"):
            psa.read_records(TODAY)


def test_a_psa_that_forgets_its_schedules_gives_a_failed_copy() -> None:
    ledger = Ledger()
    with syncro_sandbox() as sandbox, connected(sandbox) as psa:
        assert _copy(psa, ledger).status is CopyStatus.COMPLETE
        sandbox.set_faults({"rules": [{"match": "/schedules$", "do": "empty"}]})
        copy = _copy(psa, ledger)
    assert copy.message is not None
    assert copy.message.startswith("the PSA answers no agreements at all, and the last complete copy had 1.")


def test_a_storm_of_passing_faults_does_not_change_what_is_read() -> None:
    parts: dict[str, Any] = {
        "agreements": many(agreement, 30),
        "lines": [line(str(n), agreement=str(n)) for n in range(1, 31)],
    }
    patience = Patience(attempts=10, first_wait=0.001, max_wait=0.002, max_retry_wait=1)
    with syncro_sandbox(**parts) as sandbox, connected(sandbox, patience=patience) as psa:
        calm = psa.read_records(TODAY)
        sandbox.set_faults({"seed": 7, "rate": {"429:0.01s": 0.1, "500": 0.1, "drop": 0.1}})
        assert psa.read_records(TODAY) == calm


# --- answers of another kind ------------------------------------------------------------------------------------------


def _answers(**answers: Any) -> dict[str, Any]:
    counted = {"meta": {"total_entries": 1, "total_pages": 1}}
    return {
        "customers": {"customers": [{"id": 250, "business_name": "Acme"}], **counted},
        "products": {"products": [{"id": 77, "name": "Plan"}], **counted},
        "schedules": {"schedules": [{"id": 9001, "customer_id": 250}], **counted},
        "schedules/9001": {"schedule": {"id": 9001, "customer_id": 250, "lines": []}},
        **answers,
    }


def test_texts_and_single_charges_bill_no_service_and_are_left_out() -> None:
    lines = [
        {"id": 1, "product_id": None, "quantity": "1.0"},
        {"id": 2, "product_id": 77, "quantity": "1.0", "one_time_charge": True},
        {"id": 3, "product_id": 77, "quantity": "4.0", "recurring_type_id": 5},
    ]
    detail = {"schedule": {"id": 9001, "customer_id": 250, "lines": lines}}
    with answering(_answers(**{"schedules/9001": detail})) as psa:
        assert [(each.id, each.quantity) for each in psa.read_records(TODAY).lines] == [("3", Decimal(4))]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param({"customers": []}, "holds no list of customers, so nothing of it is used", id="a bare list"),
        pytest.param({"customers": {"error": "x"}}, "holds no list of customers", id="an error under 200"),
        pytest.param({"products": {"products": None}}, "holds no list of products", id="null"),
        pytest.param({"products": {"products": [{}]}}, "a record of /products has no id", id="no id"),
        pytest.param({"products": {"products": [], "meta": []}}, "counts in no whole total_entries", id="a bare meta"),
        pytest.param(
            {"products": {"products": [], "meta": {"total_entries": "0"}}},
            "no whole total_entries",
            id="a count of text",
        ),
        pytest.param(
            {"products": {"products": [], "meta": {"total_entries": 0, "total_pages": None}}},
            "no whole total_pages",
            id="no number of pages",
        ),
        pytest.param(
            {"products": {"products": [], "meta": {"total_entries": 2, "total_pages": 1}}},
            "the PSA counts 2 records and gave 0, twice",
            id="fewer than counted",
        ),
        pytest.param(
            {"products": {"products": [{"id": 1}], "meta": {"total_entries": 1, "total_pages": 2}}},
            "/products: page 2 repeats a record, twice",
            id="a page that comes again",
        ),
        pytest.param(
            {"products": {"products": [{"id": 1}]}},
            "/products: page 2 repeats a record, twice",
            id="no end without count",
        ),
        pytest.param(
            {"schedules/9001": {"schedule": {"id": 9002, "customer_id": 250, "lines": []}}},
            "GET /schedules/9001: the answer is not that record",
            id="another record",
        ),
        pytest.param({"schedules/9001": []}, "the answer is not that record", id="a list as a record"),
        pytest.param(
            {"schedules/9001": {"schedule": {"id": 9001, "customer_id": 250}}},
            "schedule 9001 comes without one list of its lines",
            id="no lines",
        ),
    ],
)
def test_an_answer_that_cannot_be_whole_is_no_answer(answers: dict[str, Any], words: str) -> None:
    with answering(_answers(**answers)) as psa, pytest.raises(Unavailable) as caught:
        psa.read_records(TODAY)
    assert words in str(caught.value)


def test_a_list_without_a_count_is_read_until_a_page_is_empty() -> None:
    pages = {"1": [{"id": 1}, {"id": 2}], "2": [{"id": 3}], "3": []}

    def answer(request: httpx.Request) -> httpx.Response:
        things = request.url.path.rpartition("/")[2]
        page = pages[request.url.params["page"]] if things == "products" else []
        return httpx.Response(200, json={things: page})

    psa = Syncro(URL, SyncroCredentials(**KEYS), transport=httpx.MockTransport(answer))
    with psa:
        assert [each.id for each in psa.read_records(TODAY).services] == ["1", "2", "3"]


# --- hosts, credentials, pace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [URL, "https://ACME.syncromsp.com/", "https://acme.repairshopr.com"])
def test_the_host_of_the_tenant_is_taken(url: str) -> None:
    Syncro(url, SyncroCredentials(subdomain="Acme", api_key="T-key")).close()


@pytest.mark.parametrize("allow_loopback", [False, True])
@pytest.mark.parametrize("url", ["https://beta.syncromsp.com", "https://syncromsp.com", "https://acme-2.syncromsp.com"])
def test_the_token_never_goes_to_the_host_of_another_tenant(url: str, allow_loopback: bool) -> None:
    with pytest.raises(Refused) as caught:
        Syncro(url, SyncroCredentials(**KEYS), allow_loopback=allow_loopback)
    assert "the credential subdomain is acme: the token would go to another tenant" in str(caught.value)
    assert "https://acme.syncromsp.com" in str(caught.value)


@pytest.mark.parametrize("allow_loopback", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://acme.evil.example", id="a stranger"),
        pytest.param("https://acme.syncromsp.com.evil.example", id="a host that looks like it"),
        pytest.param("https://acme.notsyncromsp.com", id="another domain with its end"),
        pytest.param("https://acme.x.syncromsp.com", id="two labels"),
        pytest.param("https://acme", id="no domain"),
    ],
)
def test_the_token_never_goes_to_a_host_that_is_not_the_vendors(url: str, allow_loopback: bool) -> None:
    with pytest.raises(Refused) as caught:
        Syncro(url, SyncroCredentials(**KEYS), allow_loopback=allow_loopback)
    assert "no host of Syncro's: those end with .syncromsp.com or .repairshopr.com. Nothing was sent" in str(
        caught.value
    )
    assert "Correct psa.base_url, or psa.kind" in str(caught.value)


@pytest.mark.parametrize("url", ["http://acme.syncromsp.com", "https://127.0.0.1", "https://10.0.0.8"])
def test_an_address_that_may_not_be_used_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Syncro(url, SyncroCredentials(**KEYS))


def test_an_answer_that_sends_elsewhere_is_not_followed() -> None:
    away = httpx.Response(302, headers={"Location": "https://beta.syncromsp.com/api/v1/customers"})
    with (
        Syncro(URL, SyncroCredentials(**KEYS), transport=httpx.MockTransport(lambda _: away)) as psa,
        pytest.raises(Refused, match="sends to another address"),
    ):
        psa.check_connection()


@pytest.mark.parametrize("value", ["", " ", "canary\n", "canary key", "can\x00ary", "cänary"])
@pytest.mark.parametrize("name", list(KEYS))
def test_a_credential_that_cannot_be_used_is_named_but_not_shown(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"the credential {name} is ") as caught:
        Syncro(URL, SyncroCredentials(**{**KEYS, name: value}))
    assert "nary" not in str(caught.value)


@pytest.mark.parametrize("subdomain", ["acme.syncromsp.com", "https://acme", "-acme", "acme_x"])
def test_a_subdomain_is_the_first_part_of_the_host_and_nothing_more(subdomain: str) -> None:
    with pytest.raises(Refused, match="it is the first part of your host"):
        Syncro(URL, SyncroCredentials(subdomain=subdomain, api_key="T-key"))


def test_no_token_stands_in_what_a_program_prints_of_the_objects() -> None:
    credentials = SyncroCredentials(subdomain="acme", api_key="canary-1")
    with Syncro(URL, credentials) as psa:
        shown = f"{credentials} {credentials!r} {psa!r} {vars(psa)!r}"
    assert "canary" not in shown
    assert "acme" in shown


def test_a_token_that_the_psa_quotes_back_is_not_shown() -> None:
    said = httpx.MockTransport(lambda _: httpx.Response(400, json={"error": ["bad token T-key"]}))
    with (
        Syncro(URL, SyncroCredentials(**KEYS), transport=said) as psa,
        pytest.raises(PsaError, match=r"bad token \*\*\*"),
    ):
        psa.check_connection()


def test_a_psa_that_does_not_listen_cannot_be_reached() -> None:
    with syncro_sandbox() as sandbox:
        psa = connected(sandbox)
    with psa:
        copy = _copy(psa)
    assert copy.message is not None
    assert copy.message.endswith("the PSA cannot be reached: check psa.base_url and the network")
