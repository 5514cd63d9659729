"""Autotask as the sandbox speaks it: zone, credentials, queries, units, the adjustment.

Belongs here: requests over HTTP and the vendor's answers, without our adapter.
Does not belong here: faults and the sandbox's own door.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.autotask_seeds import ADJUSTMENTS, API, KEYS, adjustment, ask, headers, query, seed, units
from tests.sandbox.seeds import account, agreement, line, many, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    """An Autotask sandbox with one line of ten."""
    with running_sandbox(seed()) as running:
        yield running


def _ids(answer: httpx.Response) -> list[int]:
    return [each["id"] for each in answer.json()["items"]]


def _edge(day: str) -> dict[str, Any]:
    return {"op": "gte", "field": "endDate", "value": f"{day}T00:00:00Z"}


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_the_zone_needs_no_credentials_and_names_its_host_and_the_database(sandbox: SandboxHandle) -> None:
    told = httpx.get(f"{sandbox.url}{API}/ZoneInformation", params={"user": KEYS["username"]}, trust_env=False).json()
    assert (told["url"], told["ci"]) == (f"{sandbox.url}/ATServicesRest/", 4711)
    with running_sandbox(seed(credentials=None)) as free:
        assert ask(free.url, "/ZoneInformation?user=anybody").json()["ci"] == "sandbox"


@pytest.mark.parametrize("path", ["/ZoneInformation", "/ZoneInformation?user=stranger"])
def test_a_user_without_a_zone_is_a_fault_of_the_server(sandbox: SandboxHandle, path: str) -> None:
    answer = ask(sandbox.url, path)
    assert (answer.status_code, answer.json()["errors"]) == (
        500,
        ["Zone information could not be determined for this user."],
    )


def test_missing_headers_are_401_and_wrong_credentials_500(sandbox: SandboxHandle) -> None:
    assert ask(sandbox.url, "/Companies/250", headers={}).status_code == 401
    wrong = [
        ask(sandbox.url, "/Companies/250", headers=headers(**{name: "other"})).status_code
        for name in ("username", "secret", "integration_code")
    ]
    assert wrong == [500] * 3
    with running_sandbox(seed(credentials=None)) as free:
        assert ask(free.url, "/Companies/250", headers=headers(secret="anything")).status_code == 200


def test_every_call_with_credentials_counts_against_the_threshold(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, "/Companies/250")
    told = ask(sandbox.url, "/ThresholdInformation").json()
    assert told == {
        "externalRequestThreshold": 10_000,
        "requestThresholdTimeframe": 60,
        "currentTimeframeRequestCount": 2,
    }


# --- reading ----------------------------------------------------------------------------------------------------------


def test_records_have_the_vendor_s_shapes(sandbox: SandboxHandle) -> None:
    assert ask(sandbox.url, "/Companies/250").json()["item"] == {
        "id": 250,
        "companyName": "Acme",
        "companyNumber": "C250",
        "companyType": 1,
        "isActive": True,
        "parentCompanyID": None,
    }
    contract = ask(sandbox.url, "/Contracts/9001").json()["item"]
    assert (contract["companyID"], contract["contractType"], contract["status"]) == (250, 7, 1)
    assert (contract["startDate"], contract["endDate"]) == ("2025-01-01T00:00:00Z", None)
    held = ask(sandbox.url, "/ContractServices/1").json()["item"]
    assert (held["contractID"], held["serviceID"], held["unitPrice"], held["unitCost"]) == (9001, 77, 22, 18)
    assert "units" not in held
    fields = ask(sandbox.url, "/Contracts/entityInformation/fields").json()["fields"]
    assert {field["name"]: field["picklistValues"][-1]["label"] for field in fields} == {
        "status": "Active",
        "contractType": "Recurring Service",
    }


def test_a_record_that_is_not_there_is_an_item_of_null(sandbox: SandboxHandle) -> None:
    answer = ask(sandbox.url, "/ContractServices/9")
    assert (answer.status_code, answer.json()) == (200, {"item": None})


def test_a_contract_s_last_day_is_the_one_before_ours() -> None:
    with running_sandbox(seed(agreements=[agreement("9001", end="2027-01-01")])) as sandbox:
        assert ask(sandbox.url, "/Contracts/9001").json()["item"]["endDate"] == "2026-12-31T00:00:00Z"
        assert units(sandbox.url)[-1] == ("2026-12-01", "2026-12-31", 10)


def test_pages_lead_to_the_next_one_and_the_last_to_none() -> None:
    with running_sandbox(seed(accounts=[account("250"), *many(account, 6)])) as sandbox:
        first = query(sandbox.url, "Companies", maxRecords=5)
        assert _ids(first) == [1, 2, 3, 4, 5]
        details = first.json()["pageDetails"]
        assert (details["count"], details["requestCount"]) == (5, 5)
        assert details["nextPageUrl"] == f"{sandbox.url}{API}/Companies/query/next?after=5"
        asked = {"filter": [{"op": "exist", "field": "id"}], "maxRecords": 5}
        second = httpx.post(details["nextPageUrl"], json=asked, headers=headers(), trust_env=False)
        assert _ids(second) == [6, 250]
        assert second.json()["pageDetails"]["nextPageUrl"] is None


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"op": "eq", "field": "id", "value": 2}, [2]),
        ({"op": "noteq", "field": "id", "value": 2}, [1, 3]),
        ({"op": "gt", "field": "id", "value": 2}, [3]),
        ({"op": "gte", "field": "id", "value": 2}, [2, 3]),
        ({"op": "lt", "field": "id", "value": 2}, [1]),
        ({"op": "lte", "field": "id", "value": 2}, [1, 2]),
        ({"op": "in", "field": "id", "value": [1, 3, 9]}, [1, 3]),
        ({"op": "notIn", "field": "id", "value": [1, 3]}, [2]),
        ({"op": "eq", "field": "companyName", "value": "account 2"}, [2]),
        ({"op": "beginsWith", "field": "companyName", "value": "ACC"}, [1, 2, 3]),
        ({"op": "endsWith", "field": "companyName", "value": "3"}, [3]),
        ({"op": "contains", "field": "companyName", "value": "nt 1"}, [1]),
        ({"op": "eq", "field": "isActive", "value": False}, [3]),
        ({"op": "exist", "field": "parentCompanyID"}, []),
        ({"op": "notExist", "field": "parentCompanyID"}, [1, 2, 3]),
        ({"op": "eq", "field": "parentCompanyID", "value": 1}, []),
        ({"op": "or", "items": [{"op": "eq", "field": "id", "value": n} for n in (1, 3)]}, [1, 3]),
        ({"op": "and", "items": [{"op": op, "field": "id", "value": 2} for op in ("gte", "lte")]}, [2]),
    ],
)
def test_a_filter_lets_through_what_it_says(condition: dict[str, Any], found: list[int]) -> None:
    accounts = [account("1"), account("2"), account("3", active=False)]
    with running_sandbox(seed(accounts=accounts, agreements=[], lines=[])) as sandbox:
        assert _ids(query(sandbox.url, "Companies", condition)) == found
        counted = ask(sandbox.url, "/Companies/query/count", {"filter": [condition]}).json()
        assert counted == {"queryCount": len(found)}


def test_instants_are_compared_as_such(sandbox: SandboxHandle) -> None:
    until = {"op": "lte", "field": "startDate", "value": "2025-02-01T01:00:00+01:00"}
    found = query(sandbox.url, "ContractServiceUnits", until).json()["items"]
    assert [row["startDate"] for row in found] == ["2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"]
    assert query(sandbox.url, "ContractServiceUnits", _edge("2999-01-01")).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({}, "A query needs a filter", id="nothing"),
        pytest.param({"filter": []}, "A query needs a filter", id="no condition"),
        pytest.param({"filter": ["id"]}, "A condition is an object", id="a text"),
        pytest.param(
            {"filter": [{"op": "eq", "field": "id", "value": 1, "udf": True}]}, "A condition is", id="a field of users"
        ),
        pytest.param(
            {"filter": [{"op": "eq", "field": "name", "value": 1}]}, "Unable to find name", id="an unknown field"
        ),
        pytest.param({"filter": [{"op": "like", "field": "id", "value": 1}]}, "operator like is not", id="an operator"),
        pytest.param({"filter": [{"op": "in", "field": "id", "value": 1}]}, "needs a list", id="no list"),
        pytest.param({"filter": [{"op": "gt", "field": "id", "value": "x"}]}, "cannot be compared", id="a text id"),
        pytest.param(
            {"filter": [{"op": "exist", "field": "id"}], "maxRecords": 501}, "from 1 to 500", id="too large a page"
        ),
    ],
)
def test_a_question_that_is_not_understood_is_told(sandbox: SandboxHandle, body: Any, words: str) -> None:
    answer = ask(sandbox.url, "/Companies/query", body)
    assert answer.status_code == 500
    assert words in answer.json()["errors"][0]


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"content": b"{}", "headers": headers()}, 415),
        ({"content": b"{", "headers": {**headers(), "Content-Type": "application/json"}}, 400),
        ({"content": b"[]", "headers": {**headers(), "Content-Type": "application/json"}}, 400),
    ],
)
def test_a_body_that_is_no_object_of_json_is_refused(sandbox: SandboxHandle, parts: Any, status: int) -> None:
    assert ask(sandbox.url, "/Companies/query", method="POST", **parts).status_code == status


def test_what_a_user_without_rights_sees_is_empty_and_no_error(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "ContractServiceUnits", "do": "empty"}]})
    answer = query(sandbox.url, "ContractServiceUnits")
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    counted = ask(sandbox.url, "/ContractServiceUnits/query/count", {"filter": []})
    assert (counted.status_code, counted.json()) == (200, {"queryCount": 0})


def test_a_path_that_is_not_there_is_told_in_the_vendor_s_words(sandbox: SandboxHandle) -> None:
    answer = ask(sandbox.url, "/Nothing")
    assert (answer.status_code, list(answer.json())) == (404, ["errors"])


# --- units ------------------------------------------------------------------------------------------------------------

AUTUMN = [("2026-10-01", "2026-10-31"), ("2026-11-01", "2026-11-30"), ("2026-12-01", "2026-12-31")]


def _autumn(*held: int) -> list[tuple[str, str, int]]:
    return [(*days, units) for days, units in zip(AUTUMN, held, strict=True)]


def test_a_line_has_a_row_for_each_month_up_to_its_end() -> None:
    lines = [line("1"), line("2", start="2026-10-15", end="2026-12-10")]
    with running_sandbox(seed(lines=lines)) as sandbox:
        assert units(sandbox.url) == _autumn(10, 10, 10)
        assert units(sandbox.url, 2) == [
            ("2026-10-15", "2026-10-31", 10),
            ("2026-11-01", "2026-11-30", 10),
            ("2026-12-01", "2026-12-09", 10),
        ]


def test_what_held_earlier_and_what_is_posted_stands_in_the_seed() -> None:
    steps = [{"until": "2026-11-16", "units": "6"}, {"until": "2026-11-01", "units": "4"}]
    posted = line("1", earlier_units=steps, posted_until="2026-11-01")
    with running_sandbox(seed(lines=[posted])) as sandbox:
        assert units(sandbox.url) == [
            ("2026-10-01", "2026-10-31", 4),
            ("2026-11-01", "2026-11-15", 6),
            ("2026-11-16", "2026-11-30", 10),
            ("2026-12-01", "2026-12-31", 10),
        ]
        rows = query(sandbox.url, "ContractServiceUnits", _edge("2026-10-01")).json()["items"]
        assert [row["approveAndPostDate"] for row in rows[:2]] == ["2026-11-01T00:00:00Z", None]


def test_a_line_without_a_start_begins_with_its_agreement_or_a_year_ago() -> None:
    with running_sandbox(seed(lines=[line("1", start=None)])) as sandbox:
        first = query(sandbox.url, "ContractServiceUnits").json()["items"][0]
        assert first["startDate"] == "2025-01-01T00:00:00Z"
        sandbox.merge({"agreements": [{"id": "9001", "start": None}]})
        assert len(query(sandbox.url, "ContractServiceUnits").json()["items"]) == 25


# --- writing ----------------------------------------------------------------------------------------------------------


def test_an_adjustment_adds_to_every_row_from_its_day_on(sandbox: SandboxHandle) -> None:
    answer = ask(sandbox.url, ADJUSTMENTS, adjustment())
    assert (answer.status_code, answer.json()) == (200, {"itemId": 1})
    assert units(sandbox.url) == _autumn(10, 12, 12)
    assert sandbox.quantity("1") == "12"
    (write,) = sandbox.writes()
    assert {name: write[name] for name in ("line_id", "field", "before", "after", "effective_date", "marker")} == {
        "line_id": "1",
        "field": "quantity",
        "before": "10",
        "after": "12",
        "effective_date": "2026-11-01",
        "marker": None,
    }


def test_the_same_adjustment_sent_twice_is_added_twice(sandbox: SandboxHandle) -> None:
    for _ in range(2):
        ask(sandbox.url, ADJUSTMENTS, adjustment())
    assert units(sandbox.url) == _autumn(10, 14, 14)
    assert [(each["before"], each["after"]) for each in sandbox.writes()] == [("10", "12"), ("12", "14")]


def test_an_adjustment_inside_a_period_splits_its_row(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADJUSTMENTS, adjustment(effectiveDate="2026-11-16T00:00:00Z", unitChange=-3))
    assert units(sandbox.url) == [
        ("2026-10-01", "2026-10-31", 10),
        ("2026-11-01", "2026-11-15", 10),
        ("2026-11-16", "2026-11-30", 7),
        ("2026-12-01", "2026-12-31", 7),
    ]


def test_an_earlier_adjustment_is_added_below_a_later_one(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADJUSTMENTS, adjustment(effectiveDate="2026-12-01T00:00:00Z", unitChange=5))
    ask(sandbox.url, ADJUSTMENTS, adjustment(effectiveDate="2026-11-01T00:00:00Z", unitChange=1))
    assert units(sandbox.url) == _autumn(10, 11, 16)
    assert sandbox.quantity("1") == "16"


def test_a_person_s_edit_of_the_quantity_leaves_the_past_as_it_was(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADJUSTMENTS, adjustment())
    sandbox.merge({"lines": [{"id": "1", "quantity": "15"}]})
    assert units(sandbox.url) == _autumn(10, 15, 15)


def test_a_service_that_the_contract_does_not_have_is_created_without_a_word() -> None:
    with running_sandbox(seed(services=[service("77"), service("78")])) as sandbox:
        answer = ask(sandbox.url, ADJUSTMENTS, adjustment(contractServiceID=None, serviceID=78, unitChange=3))
        assert answer.json() == {"itemId": 2}
        assert units(sandbox.url, 2) == [("2026-11-01", "2026-11-30", 3), ("2026-12-01", "2026-12-31", 3)]
        created = ask(sandbox.url, "/ContractServices/2").json()["item"]
        assert (created["serviceID"], created["unitPrice"]) == (78, 22)
        (write,) = sandbox.writes()
        assert (write["before"], write["after"], write["effective_date"]) == (None, "3", "2026-11-01")


def test_a_service_that_is_there_is_adjusted_unless_a_second_one_is_asked_for(sandbox: SandboxHandle) -> None:
    by_service = adjustment(contractServiceID=None, serviceID=77)
    assert ask(sandbox.url, ADJUSTMENTS, by_service).json() == {"itemId": 1}
    assert sandbox.quantity("1") == "12"
    ask(sandbox.url, ADJUSTMENTS, {**by_service, "allowRepeatService": True})
    assert [each["quantity"] for each in sandbox.state()["lines"]] == ["12", "2"]


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        pytest.param({"unitChange": 2.5}, 400, "unitChange must be a 32-bit integer", id="a fraction"),
        pytest.param({"unitChange": 5.0}, 400, "unitChange must be a 32-bit integer", id="a fraction of zero"),
        pytest.param({"unitChange": 2**31}, 400, "unitChange must be a 32-bit integer", id="33 bits"),
        pytest.param({"unitChange": None}, 400, "unitChange must be", id="no change"),
        pytest.param({"effectiveDate": "2026-11-01"}, 400, "a full instant with an offset", id="a date alone"),
        pytest.param({"effectiveDate": "2026-11-01T00:00:00"}, 400, "a full instant", id="no offset"),
        pytest.param({"effectiveDate": "soon"}, 400, "a full instant", id="no date"),
        pytest.param({"quantity": 5}, 400, "There is no field quantity", id="an unknown field"),
        pytest.param({"contractServiceID": 9}, 500, "Contract service 9 does not exist", id="no such line"),
        pytest.param({"contractID": 9}, 500, "Contract service 1 does not exist", id="a line of another contract"),
        pytest.param({"contractServiceID": None}, 500, "must name what exists", id="neither line nor service"),
        pytest.param({"contractServiceID": None, "serviceID": 9}, 500, "must name what exists", id="no such service"),
        pytest.param({"unitChange": -11}, 500, "fewer than 0 units", id="below nothing"),
        pytest.param({"effectiveDate": "2024-12-31T00:00:00Z"}, 500, "outside of the contract's", id="too early"),
        pytest.param({"effectiveDate": "2026-09-30T00:00:00Z"}, 500, "approved and posted", id="a posted period"),
    ],
)
def test_what_is_not_taken_is_told_and_changes_nothing(parts: dict[str, Any], status: int, words: str) -> None:
    with running_sandbox(seed(lines=[line("1", posted_until="2026-10-01")])) as sandbox:
        answer = ask(sandbox.url, ADJUSTMENTS, adjustment(**parts))
        assert answer.status_code == status
        assert words in answer.json()["errors"][0]
        assert (sandbox.quantity("1"), sandbox.writes()) == ("10", [])


def test_a_new_line_of_nothing_is_not_taken() -> None:
    with running_sandbox(seed(services=[service("77"), service("78")])) as sandbox:
        body = adjustment(contractServiceID=None, serviceID=78, unitChange=0)
        assert ask(sandbox.url, ADJUSTMENTS, body).status_code == 500
