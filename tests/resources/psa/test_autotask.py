"""Autotask read whole over real HTTP, or not at all.

Belongs here: the zone, the shared allowance, paging, counting, credentials, faults while copying.
Does not belong here: what a field means (``test_autotask_records``).
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import copy_psa
from pipelines.agreements.records import CopyStatus, PsaCopy, PsaRecords
from resources.psa.autotask import Autotask, AutotaskCredentials, first_of_next_month
from resources.psa.errors import Forbidden, PsaError, Refused, Throttled, Unavailable
from tests.pipelines.agreements.test_copy import Lake, Ledger
from tests.resources.psa.autotask_contract import CONTRACT, under_contract
from tests.resources.psa.conftest import QUICK, ConnectAutotask
from tests.resources.psa.contract import ContractTransport
from tests.sandbox.autotask_seeds import KEYS, seed
from tests.sandbox.seeds import account, agreement, line, many, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)
HOST = "https://webservices2.autotask.net"


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


def _copy(psa: Autotask, ledger: Ledger | None = None) -> PsaCopy:
    return copy_psa(
        psa,
        Lake(),
        ledger or Ledger(),
        kind="autotask",
        base_url=HOST,
        company="4711",
        clock=lambda: datetime(2026, 11, 3, tzinfo=UTC),
        new_id=lambda: "copy",
        today=TODAY,
    )


def _message(copy: PsaCopy) -> str:
    assert (copy.status, copy.lake_path, copy.counts) == (CopyStatus.FAILED, None, {})
    assert copy.message is not None
    return copy.message


# --- reading everything -----------------------------------------------------------------------------------------------


def test_everything_is_read_in_our_words(autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask) -> None:
    records = connect_autotask(autotask_sandbox).read_records(TODAY)
    assert [vars(each) for each in (*records.accounts, *records.services)] == [
        {"id": "250", "name": "Acme", "is_active": True},
        {
            "id": "77",
            "code": "",
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


def test_the_client_of_production_needs_no_special_transport(autotask_sandbox: SandboxHandle) -> None:
    with Autotask(autotask_sandbox.url, AutotaskCredentials(**KEYS), allow_loopback=True) as psa:
        assert len(psa.read_records(TODAY).lines) == 1


def test_more_than_two_pages_are_read_whole_and_in_order(connect_autotask: ConnectAutotask) -> None:
    accounts = [account("250"), *many(account, 249), *(account(str(number)) for number in range(251, 1202))]
    lines = [line(str(number), start="2026-12-01", end="2027-01-01") for number in range(1, 602)]
    with running_sandbox(seed(accounts=accounts, lines=lines)) as sandbox:
        judged = under_contract()
        records = connect_autotask(sandbox, judged).read_records(TODAY)
    assert [int(each.id) for each in records.accounts] == list(range(1, 1202))
    assert [int(each.id) for each in records.lines] == list(range(1, 602))
    assert {each.quantity for each in records.lines} == {Decimal(10)}
    paths = judged.paths()
    assert paths.count("/V1.0/Companies/query") == 3
    assert paths.count("/V1.0/ContractServiceUnits/query") == 2


def test_a_list_of_exactly_one_page_ends(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(accounts=[account("250"), *many(account, 249), *_from(251, 500)])) as sandbox:
        assert len(connect_autotask(sandbox).read_records(TODAY).accounts) == 500


def _from(first: int, last: int) -> list[dict[str, Any]]:
    return [account(str(number)) for number in range(first, last + 1)]


def test_an_account_that_comes_between_two_pages_shifts_none(connect_autotask: ConnectAutotask) -> None:
    accounts = [account(str(number)) for number in range(250, 1250, 2)]
    with running_sandbox(seed(accounts=[*accounts, account("5000")])) as sandbox:

        def come(seen: int) -> None:
            if seen == 2:
                sandbox.merge({"accounts": [account("251"), account("6000")]})

        records = connect_autotask(sandbox, Between("/Companies/query", come)).read_records(TODAY)
    assert len(records.accounts) == len({each.id for each in records.accounts}) == 503


def test_an_account_that_comes_before_the_count_is_found_by_reading_again(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    def come(seen: int) -> None:
        if seen == 1:
            autotask_sandbox.merge({"accounts": [account("251")]})

    records = connect_autotask(autotask_sandbox, Between("/Companies/query/count", come)).read_records(TODAY)
    assert [each.id for each in records.accounts] == ["250", "251"]


def test_a_count_that_disagrees_twice_is_a_fault_of_the_psa(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "ContractServices/query$", "do": "empty"}]})
    message = _message(_copy(connect_autotask(autotask_sandbox)))
    assert "ContractServices: the PSA counts 1 records and gave 0, twice" in message


def test_names_of_contracts_that_are_not_active_are_read_but_their_lines_are_not(
    connect_autotask: ConnectAutotask,
) -> None:
    agreements = [
        agreement("1"),
        agreement("2", active=False),
        agreement("3", end="2026-11-03"),
        agreement("4", end="2026-11-04"),
    ]
    lines = [line(str(number), agreement=str(number)) for number in range(1, 5)]
    with running_sandbox(seed(agreements=agreements, lines=lines)) as sandbox:
        records = connect_autotask(sandbox).read_records(TODAY)
    assert [each.is_active for each in records.agreements] == [True, False, False, True]
    assert records.agreements[3].end_date == date(2026, 11, 4)
    assert [each.id for each in records.lines] == ["1", "4"]


@pytest.mark.parametrize(
    ("fields", "quantity", "start"),
    [
        pytest.param(
            {"earlier_units": [{"until": "2026-12-01", "units": "7"}]}, 10, None, id="what holds from next month on"
        ),
        pytest.param({"earlier_units": [{"until": "2027-01-01", "units": "7"}]}, 7, None, id="a later change waits"),
        pytest.param({"end": "2026-11-20"}, 10, None, id="the latest row of a line that ends before"),
        pytest.param({"start": "2026-12-01"}, 10, date(2026, 12, 1), id="a line that begins next month"),
        pytest.param({"start": "2027-02-01"}, 10, date(2027, 2, 1), id="a line that begins later still"),
    ],
)
def test_a_quantity_is_what_the_next_change_would_meet(
    connect_autotask: ConnectAutotask, fields: dict[str, Any], quantity: int, start: date | None
) -> None:
    with running_sandbox(seed(lines=[line("1", **fields), line("2")])) as sandbox:
        read, _ = connect_autotask(sandbox).read_records(TODAY).lines
    assert (read.quantity, read.start_date) == (Decimal(quantity), start)


def test_a_contract_service_without_any_row_of_units_holds_nothing(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(lines=[line("1", start="2026-11-01", end="2026-11-01"), line("2")])) as sandbox:
        read, _ = connect_autotask(sandbox).read_records(TODAY).lines
    assert read.quantity == 0


def test_units_that_are_missing_altogether_are_never_zero(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "ContractServiceUnits", "do": "empty"}]})
    message = _message(_copy(connect_autotask(autotask_sandbox)))
    assert "gives no units for any of 1 contract services: an empty answer is not taken for zero" in message


def test_a_psa_without_lines_is_not_asked_for_units(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(lines=[])) as sandbox:
        judged = under_contract()
        assert connect_autotask(sandbox, judged).read_records(TODAY).lines == ()
    assert not any("Units" in path for path in judged.paths())


def test_the_month_after_december_is_january() -> None:
    assert [first_of_next_month(date(2026, month, 1)) for month in (1, 12)] == [date(2026, 2, 1), date(2027, 1, 1)]
    assert first_of_next_month(date(2026, 1, 31)) == date(2026, 2, 1)


# --- who asks, and where ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["username", "secret", "integration_code"])
def test_wrong_credentials_are_told_as_such_though_they_come_as_a_fault_of_the_server(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, name: str
) -> None:
    connect_autotask(autotask_sandbox).check_connection()
    with pytest.raises(Forbidden, match="the PSA does not take these credentials") as caught:
        connect_autotask(autotask_sandbox, **{name: "canary-4711"}).read_records(TODAY)
    assert caught.value.would_retry_help is False
    assert "canary" not in str(caught.value)


def test_credentials_of_another_database_are_refused_with_both_numbers(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    with pytest.raises(Forbidden, match="the Autotask database 4711, and the company id names 99: set"):
        connect_autotask(autotask_sandbox, company_id="99").check_connection()


def test_the_sandbox_takes_the_company_sandbox_when_its_seed_names_none(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(credentials=None)) as sandbox:
        connect_autotask(sandbox, company_id="sandbox").check_connection()


def test_a_fault_of_the_server_without_words_of_its_own_says_nothing_about_credentials(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "Threshold", "do": "500"}]})
    with pytest.raises(Unavailable, match="HTTP 500") as caught:
        connect_autotask(autotask_sandbox).check_connection()
    assert not isinstance(caught.value, Forbidden)


def test_a_host_without_zones_is_not_autotask(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "Zone", "do": "404"}]})
    with pytest.raises(Refused, match="does not answer as Autotask does: check psa"):
        connect_autotask(autotask_sandbox).check_connection()


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        pytest.param(
            {"url": "https://webservices5.autotask.net/ATServicesRest/"},
            "set psa.base_url to https://webservices5.autotask.net. Nothing more was sent",
            id="another zone",
        ),
        pytest.param(
            {"url": "https://evil.example/ATServicesRest/"}, "'evil.example' as this tenant's zone", id="a stranger"
        ),
        pytest.param({"url": f"{HOST}.evil.example/"}, "no host of Autotask's", id="a host that looks like it"),
        pytest.param({"url": f"{HOST}:8443/"}, "set psa.base_url", id="another port"),
        pytest.param({"url": "https://x:y/"}, "no host of Autotask's", id="no address"),
        pytest.param({"url": None}, "does not answer as Autotask does", id="no host"),
        pytest.param([], "does not answer as Autotask does", id="no zone"),
    ],
)
def test_credentials_are_never_sent_to_another_host(zone: Any, words: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={**zone, "ci": 4711} if isinstance(zone, dict) else zone)

    with pytest.raises(PsaError) as caught:
        _read(answer)
    assert words in str(caught.value)
    assert {request.url.host for request in asked} == {"webservices2.autotask.net"}
    assert {request.url.path for request in asked} == {"/ATServicesRest/V1.0/ZoneInformation"}


@pytest.mark.parametrize("allow_loopback", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://evil.example", id="a stranger"),
        pytest.param(f"{HOST}.evil.example", id="a host that looks like it"),
        pytest.param("https://webservices2.notautotask.net", id="another domain with its end"),
        pytest.param("https://autotask.net", id="the domain alone"),
        pytest.param("https://8.8.8.8", id="an address"),
    ],
)
def test_nothing_is_sent_to_a_host_that_is_not_the_vendors(url: str, allow_loopback: bool) -> None:
    with pytest.raises(Refused) as caught:
        Autotask(url, AutotaskCredentials(**KEYS), allow_loopback=allow_loopback)
    assert "which is no host of Autotask's: those end with .autotask.net. Nothing was sent" in str(caught.value)
    assert "Correct psa.base_url, or psa.kind" in str(caught.value)


# --- the shared allowance ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("used", "is_taken"), [(7499, True), (7500, False), (10_000, False)])
def test_reading_stops_at_three_quarters_of_what_all_integrations_share(used: int, is_taken: bool) -> None:
    answer = _answering(ThresholdInformation=_threshold(used))
    if is_taken:
        assert len(_read(answer).accounts) == 1
        return
    with pytest.raises(Throttled, match=f"{used} of 10000 calls of the last hour are used.*TrueUp stops at 75 %"):
        _read(answer)


def test_the_allowance_is_asked_for_again_after_some_hundred_calls() -> None:
    used = [100, 100, 7500, 100]
    usual = _answering()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("ThresholdInformation"):
            return httpx.Response(200, json=_threshold(used.pop(0)))
        return usual(request)

    with _connected(answer) as psa:
        psa.check_connection()
        for _ in range(400):
            psa.read_record("Companies", "250")
        assert len(used) == 2
        with pytest.raises(Throttled):
            psa.read_record("Companies", "250")
        psa.read_record("Companies", "250")
    assert used == []


@pytest.mark.parametrize(
    "told", [{}, [], {"currentTimeframeRequestCount": "5"}, {"currentTimeframeRequestCount": True}]
)
def test_an_allowance_that_is_not_told_is_no_allowance(told: Any) -> None:
    with pytest.raises(Unavailable, match="currentTimeframeRequestCount is"):
        _read(_answering(ThresholdInformation=told))


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
def test_too_many_threads_are_told_as_such_under_whatever_status(status: int) -> None:
    refusal = httpx.Response(status, json={"errors": ["ITGENATR005: Thread threshold exceeded."]})
    if status == 200:
        refusal = httpx.Response(status, json={"errors": ["Itgenatr005: Thread threshold exceeded."]})
    with pytest.raises(Throttled, match="Itgenatr005, too many requests at once"):
        _read(lambda _: refusal)


def test_a_name_that_happens_to_hold_the_word_is_no_refusal() -> None:
    company = {"id": 250, "companyName": "Itgenatr005", "companyType": 8, "isActive": True}
    assert _read(_answering(**{"Companies/query": _items(company)})).accounts[0].name == "Itgenatr005"


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "words"),
    [
        pytest.param("500", "HTTP 500", id="500"),
        pytest.param("502_after_commit", "HTTP 502", id="502 of a gateway"),
        pytest.param("429:0s", "the PSA asks for fewer requests", id="429"),
        pytest.param("403", "check the keys", id="403"),
        pytest.param("drop", "the connection", id="a dropped connection"),
        pytest.param("cut", "was closed before the whole answer had come", id="a cut answer"),
        pytest.param("truncated", "not whole JSON", id="truncated JSON"),
        pytest.param("html", "the answer is text/html, not JSON", id="HTML under 200"),
        pytest.param("404", "HTTP 404", id="a path that went away"),
    ],
)
@pytest.mark.parametrize("match", ["Units/query$", "Contracts/query/count", "Companies/entityInformation"])
def test_any_fault_while_copying_makes_the_copy_a_failed_one(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, match: str, do: str, words: str
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": match, "do": do}]})
    assert words in _message(_copy(connect_autotask(autotask_sandbox, judges_answers=False)))


def test_a_fault_on_the_last_page_fails_the_whole_copy(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(accounts=_from(250, 1300))) as sandbox:
        rules = [{"match": "Companies/query$", "nth": nth, "do": "500"} for nth in (3, 4, 5)]
        sandbox.set_faults({"rules": rules[:2]})
        assert _copy(connect_autotask(sandbox)).status is CopyStatus.COMPLETE
        sandbox.set_faults({"rules": rules})
        assert "HTTP 500" in _message(_copy(connect_autotask(sandbox)))


def test_a_storm_of_passing_faults_does_not_change_what_is_read(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    patience = type(QUICK)(attempts=10, first_wait=0.001, max_wait=0.002, max_retry_wait=1)
    calm = connect_autotask(autotask_sandbox).read_records(TODAY)
    autotask_sandbox.set_faults({"seed": 7, "rate": {"429:0.01s": 0.1, "500": 0.1, "drop": 0.1}})
    assert connect_autotask(autotask_sandbox, patience=patience).read_records(TODAY) == calm


def test_a_psa_that_forgets_its_accounts_gives_a_failed_copy(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    ledger = Ledger()
    assert _copy(connect_autotask(autotask_sandbox), ledger).status is CopyStatus.COMPLETE
    autotask_sandbox.set_faults({"rules": [{"match": "/Companies/query", "do": "empty"}]})
    message = _message(_copy(connect_autotask(autotask_sandbox), ledger))
    assert message.startswith("the PSA answers no accounts at all, and the last complete copy had 1.")


# --- answers that cannot be whole -------------------------------------------------------------------------------------


def _items(*records: Any, following: str | None = None) -> dict[str, Any]:
    return {"items": list(records), "pageDetails": {"nextPageUrl": following}}


def _threshold(used: int) -> dict[str, int]:
    return {"externalRequestThreshold": 10_000, "currentTimeframeRequestCount": used}


def _picklist(name: str, value: Any, label: str) -> dict[str, Any]:
    return {"name": name, "picklistValues": [{"value": "0", "label": "Other"}, {"value": value, "label": label}]}


CONTRACT_FIELDS = {
    "fields": [_picklist("status", "31", "ACTIVE "), _picklist("contractType", "17", "Recurring Service")]
}
COMPANY_FIELDS = {"fields": [{"name": "id"}, _picklist("companyType", "8", "Customer")]}


def _answering(**answers: Any) -> Callable[[httpx.Request], httpx.Response]:
    """A PSA with one company and one contract, except for the answers that are given by the end of their path."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/ATServicesRest/V1.0/")
        company = {"id": 250, "companyName": "Acme", "companyType": 8, "isActive": True}
        usual = {
            "ZoneInformation": {"url": f"{HOST}/ATServicesRest/", "ci": 4711},
            "ThresholdInformation": _threshold(1),
            "Companies/entityInformation/fields": COMPANY_FIELDS,
            "Contracts/entityInformation/fields": CONTRACT_FIELDS,
            "Companies/250": {"item": company},
            "Companies/query": _items(company),
            "Companies/query/count": {"queryCount": 1},
            "Services/query": _items(),
            "Services/query/count": {"queryCount": 0},
            "Contracts/query": _items({"id": 1, "companyID": 250, "contractType": 17, "status": 31}),
            "Contracts/query/count": {"queryCount": 1},
            "ContractServices/query": _items(),
            "ContractServices/query/count": {"queryCount": 0},
        }
        return httpx.Response(200, json={**usual, **answers}[path])

    return answer


def _connected(answer: Callable[[httpx.Request], httpx.Response]) -> Autotask:
    return Autotask(HOST, AutotaskCredentials(**KEYS), transport=httpx.MockTransport(answer), patience=QUICK)


def _read(answer: Callable[[httpx.Request], httpx.Response]) -> PsaRecords:
    with _connected(answer) as psa:
        return psa.read_records(TODAY)


def test_a_psa_that_says_only_what_is_needed_is_understood_by_its_own_labels() -> None:
    records = _read(_answering())
    assert (records.accounts[0].is_active, records.agreements[0].is_active, records.lines) == (True, True, ())


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param({"Companies/query": {"errors": "x"}}, "holds no list, so nothing of it is used", id="no list"),
        pytest.param({"Companies/query": []}, "holds no list", id="a bare list"),
        pytest.param({"Companies/query": _items({"companyName": "A"})}, "has no id in the PSA's answer", id="no id"),
        pytest.param({"Companies/query": _items({"id": "250"})}, "has no id in the PSA's answer", id="an id of text"),
        pytest.param({"Companies/query": _items("Acme")}, "has no id in the PSA's answer", id="no record"),
        pytest.param({"Companies/query": _items({"id": 2}, {"id": 1})}, "out of order or repeats", id="no order"),
        pytest.param({"Companies/query": _items({"id": 2}, {"id": 2})}, "out of order or repeats", id="a record twice"),
        pytest.param({"Companies/query/count": {}}, "the PSA's answer holds no count", id="no count"),
        pytest.param({"Companies/query/count": {"queryCount": "1"}}, "holds no count", id="a count of text"),
        pytest.param({"Companies/query/count": {"queryCount": 2}}, "counts 2 records and gave 1", id="one too few"),
        pytest.param({"Companies/query/count": {"queryCount": 0}}, "counts 0 records and gave 1", id="one too many"),
        pytest.param({"Companies/entityInformation/fields": []}, "does not tell its fields", id="no fields"),
    ],
)
def test_an_answer_that_cannot_be_whole_is_no_answer(answers: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        _read(_answering(**answers))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"items": []}, "holds no item"),
        ([], "holds no item"),
        ({"item": {"id": 251}}, "is another record"),
        ({"item": {"companyName": "A"}}, "has no id"),
    ],
)
def test_another_record_than_the_one_asked_for_is_no_answer(answer: Any, words: str) -> None:
    with _connected(_answering(**{"Companies/250": answer})) as psa, pytest.raises(Unavailable, match=words):
        psa.read_record("Companies", "250")


def test_a_server_that_ignores_where_a_page_begins_does_not_send_us_in_circles() -> None:
    page = [{"id": number} for number in range(1, 501)]
    with pytest.raises(Unavailable, match="the page from id 501 on is out of order or repeats a record"):
        _read(_answering(**{"Companies/query": _items(*page)}))


def test_a_short_page_that_names_another_is_not_the_last_and_its_address_is_never_followed() -> None:
    asked: list[httpx.URL] = []
    usual = _answering(**{"Companies/query/count": {"queryCount": 2}})

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        if not request.url.path.endswith("Companies/query"):
            return usual(request)
        first = json.loads(request.content)["filter"][0]
        company = {"id": 0 if first["op"] == "gte" else 7, "companyName": "A", "companyType": 8, "isActive": True}
        following = "https://evil.example/next" if first["op"] == "gte" else ""
        return httpx.Response(200, json=_items(company, following=following))

    assert [each.id for each in _read(answer).accounts] == ["0", "7"]
    assert {url.host for url in asked} == {"webservices2.autotask.net"}


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", " ", "canary\n", "canary ", "can\x00ary", "cänary"])
@pytest.mark.parametrize("name", list(KEYS))
def test_a_credential_that_cannot_be_sent_is_named_but_not_shown(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"the credential {name} is empty or has") as caught:
        Autotask(HOST, AutotaskCredentials(**{**KEYS, name: value}))
    assert "nary" not in str(caught.value)


def test_no_credential_stands_in_what_a_program_prints_of_the_objects() -> None:
    credentials = AutotaskCredentials("4711", "canary-1", "canary-2", "canary-3")
    assert (f"{credentials} {credentials!r}".count("canary"), "4711" in repr(credentials)) == (0, True)
    with Autotask(HOST, credentials) as psa:
        assert "canary-2" not in f"{psa!r} {vars(psa)!r}"
        assert "canary-3" not in f"{psa!r} {vars(psa)!r}"


def test_a_key_that_the_psa_quotes_back_is_not_shown() -> None:
    answer = httpx.Response(400, json={"errors": [f"bad {KEYS['secret']} of {KEYS['username']}"]})
    with pytest.raises(PsaError) as caught:
        _read(lambda _: answer)
    assert "bad *** of ***" in str(caught.value)


def test_inactive_accounts_and_services_are_read_as_such(connect_autotask: ConnectAutotask) -> None:
    document = seed(accounts=[account("250", active=False)], services=[service("77", active=False)])
    with running_sandbox(document) as sandbox:
        records = connect_autotask(sandbox).read_records(TODAY)
    assert (records.accounts[0].is_active, records.services[0].is_active) == (False, False)
