"""ConnectWise as the sandbox speaks it: credentials, lists, pages, the two writes.

Belongs here: requests over HTTP and the vendor's answers, without our adapter.
Does not belong here: faults and the sandbox's own door.
"""

from typing import Any

import httpx
import pytest

from tests.sandbox.seeds import (
    ADDITION,
    ADDITIONS,
    API,
    KEYS,
    account,
    agreement,
    ask,
    headers,
    line,
    many,
    replace_quantity,
    seed,
    service,
)
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


def _get(url: str, given: dict[str, str]) -> httpx.Response:
    return httpx.get(f"{url}{API}/system/info", headers=given, trust_env=False)


def test_any_credentials_that_are_not_empty_are_taken_when_the_seed_names_none(sandbox: SandboxHandle) -> None:
    assert _get(sandbox.url, headers(company_id="any", private_key="thing")).status_code == 200
    assert _get(sandbox.url, headers(private_key="")).status_code == 404


def test_wrong_credentials_are_not_found_as_the_vendor_has_it() -> None:
    with running_sandbox(seed(credentials=KEYS)) as running:
        assert _get(running.url, headers()).status_code == 200
        wrong = [_get(running.url, headers(**{key: "wrong"})) for key in KEYS]
        assert [answer.status_code for answer in wrong] == [404] * 4
        assert wrong[0].json()["code"] == "NotFound"


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        pytest.param({}, 401, "Unauthorized", id="nothing"),
        pytest.param({"clientId": "x"}, 401, "Unauthorized", id="no credentials"),
        pytest.param({"clientId": "x", "Authorization": "Basic ***"}, 404, "NotFound", id="no base64"),
        pytest.param({"clientId": "x", "Authorization": "Bearer YStiOmM="}, 404, "NotFound", id="not Basic"),
        pytest.param({"Authorization": headers()["Authorization"]}, 400, "ClientIdMissing", id="no client id"),
    ],
)
def test_a_request_without_its_headers_is_refused(
    sandbox: SandboxHandle, given: dict[str, str], status: int, code: str
) -> None:
    answer = _get(sandbox.url, given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_records_have_the_vendor_s_shapes(sandbox: SandboxHandle) -> None:
    assert ask(sandbox.url, "/company/companies").json() == [
        {
            "id": 250,
            "identifier": "C250",
            "name": "Acme",
            "status": {"id": 1, "name": "Active"},
            "types": [{"id": 1, "name": "Customer"}],
            "deletedFlag": False,
            "_info": {},
        }
    ]
    assert ask(sandbox.url, ADDITION).json() == {
        "id": 1,
        "product": {"id": 77, "identifier": "SKU-77"},
        "quantity": 10,
        "lessIncluded": 0,
        "billedQuantity": 10,
        "billCustomer": "Billable",
        "unitPrice": 22.0,
        "unitCost": 18.0,
        "extPrice": 220.0,
        "extCost": 180.0,
        "effectiveDate": "2025-01-01T00:00:00Z",
        "agreementId": 9001,
        "agreementStatus": "Active",
        "description": "Service 77",
        "_info": {},
    }
    item = ask(sandbox.url, "/procurement/catalog/77").json()
    assert (item["identifier"], item["description"], item["inactiveFlag"]) == ("SKU-77", "Service 77", False)


def test_an_agreement_tells_its_last_day_and_whether_it_still_runs() -> None:
    agreements = [agreement("1", end="2026-11-01"), agreement("2", active=False), agreement("3", currency=None)]
    with running_sandbox(seed(agreements=agreements, lines=[])) as running:
        ends, stopped, plain = ask(running.url, "/finance/agreements").json()
    assert (ends["endDate"], ends["noEndingDateFlag"]) == ("2026-10-31T00:00:00Z", False)
    assert (ends["agreementStatus"], ends["cancelledFlag"]) == ("Active", False)
    assert (stopped["agreementStatus"], stopped["cancelledFlag"]) == ("Cancelled", True)
    assert "endDate" not in plain
    assert "currency" not in plain
    assert ends["currency"]["currencyCode"] == "USD"


def test_numbers_leave_with_every_digit() -> None:
    exact = "12345678901234567890.1234567891"
    with running_sandbox(seed(lines=[line("1", quantity=exact), line("2", quantity="0.1")])) as running:
        text = ask(running.url, ADDITIONS).text
    assert f'"quantity":{exact},' in text
    assert f'"billedQuantity":{exact},' in text
    assert '"quantity":0.1,' in text
    assert '"extPrice":271604935827160493582.7160493602,' in text


def test_lists_come_in_pages_of_25_with_a_link_to_the_next() -> None:
    with running_sandbox(seed(lines=many(line, 60))) as running:
        answer = ask(running.url, ADDITIONS)
        ids = [record["id"] for record in answer.json()]
        while "next" in answer.links:
            answer = httpx.get(answer.links["next"]["url"], headers=headers(), trust_env=False)
            ids += [record["id"] for record in answer.json()]
    assert ids == list(range(1, 61))


def test_a_page_never_holds_more_than_a_thousand() -> None:
    with running_sandbox(seed(accounts=[*many(account, 1001), account("9999")], agreements=[], lines=[])) as running:
        answer = ask(running.url, "/company/companies", {"pageSize": 5000})
        assert len(answer.json()) == 1000
        assert ask(running.url, "/company/companies/count").json() == {"count": 1002}
        assert len(ask(running.url, "/company/companies", {"pageSize": 1000, "page": 2}).json()) == 2


def test_forward_only_pages_begin_after_an_id() -> None:
    with running_sandbox(seed(lines=many(line, 5))) as running:
        query = {"pageSize": 2, "conditions": "id!=2"}
        first = ask(running.url, ADDITIONS, query, headers={"pagination-type": "forward-only"})
        assert [record["id"] for record in first.json()] == [1, 3]
        assert "pageId=3" in first.links["next"]["url"]
        last = ask(running.url, ADDITIONS, {**query, "pageId": 3})
        assert [record["id"] for record in last.json()] == [4, 5]
        assert "next" not in last.links


def test_conditions_and_order_choose_and_sort() -> None:
    agreements = [agreement("1"), agreement("2", account="251"), agreement("3", active=False)]
    document = seed(accounts=[account("250"), account("251")], agreements=agreements, lines=[])
    with running_sandbox(document) as running:
        path = "/finance/agreements"
        chosen = ask(running.url, path, {"conditions": "company/id=250 and cancelledFlag=false"}).json()
        assert [record["id"] for record in chosen] == [1]
        count = ask(running.url, f"{path}/count", {"conditions": "agreementStatus='Active'"}).json()
        assert count == {"count": 2}
        assert [record["id"] for record in ask(running.url, path, {"orderBy": "id desc"}).json()] == [3, 2, 1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"conditions": "agrementId=1"}, "InvalidConditions"),
        ({"orderBy": "id sideways"}, "InvalidConditions"),
        ({"pageSize": "0"}, "InvalidParameter"),
        ({"page": "one"}, "InvalidParameter"),
        ({"fields": "id"}, "InvalidParameter"),
    ],
)
def test_a_query_that_is_not_understood_is_refused(sandbox: SandboxHandle, query: dict[str, str], code: str) -> None:
    answer = ask(sandbox.url, ADDITIONS, query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    "path",
    [
        "/finance/agreements/9",
        "/finance/agreements/9/additions",
        "/finance/agreements/9001/additions/9",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_not_found(sandbox: SandboxHandle, path: str) -> None:
    answer = ask(sandbox.url, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


def test_a_method_that_is_not_spoken_is_refused_in_the_vendor_s_shape(sandbox: SandboxHandle) -> None:
    answer = ask(sandbox.url, ADDITION, method="PUT", json={})
    assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")


def test_a_patched_quantity_is_kept_exactly_and_listed_as_a_write(sandbox: SandboxHandle) -> None:
    body = b'[{"op": "replace", "path": "quantity", "value": 12345678901234567890.1234567891}]'
    answer = ask(sandbox.url, ADDITION, method="PATCH", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["_info"]["updatedBy"] == "pub"
    assert sandbox.quantity("1") == "12345678901234567890.1234567891"
    (write,) = sandbox.writes()
    assert write.pop("at")
    assert write == {
        "line_id": "1",
        "field": "quantity",
        "before": "10",
        "after": "12345678901234567890.1234567891",
        "effective_date": None,
        "marker": None,
    }


def test_a_value_that_is_sent_twice_is_two_writes(sandbox: SandboxHandle) -> None:
    for _ in range(2):
        ask(sandbox.url, ADDITION, method="PATCH", json=replace_quantity(15))
    assert [(write["before"], write["after"]) for write in sandbox.writes()] == [("10", "15"), ("15", "15")]


def test_a_line_can_be_ended_and_opened_again(sandbox: SandboxHandle) -> None:
    end = [{"op": "replace", "path": "cancelledDate", "value": "2026-11-30T00:00:00Z"}]
    ask(sandbox.url, ADDITION, method="PATCH", json=end)
    assert sandbox.state()["lines"][0]["end"] == "2026-11-30"
    answer = ask(sandbox.url, ADDITION, method="PATCH", json=[{"op": "remove", "path": "cancelledDate"}])
    assert "cancelledDate" not in answer.json()
    changes = [(write["field"], write["before"], write["after"]) for write in sandbox.writes()]
    assert changes == [("end", None, "2026-11-30"), ("end", "2026-11-30", None)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({}, "InvalidObject", id="an object"),
        pytest.param([], "InvalidObject", id="nothing to do"),
        pytest.param(["quantity"], "InvalidObject", id="a text"),
        pytest.param([{"op": "test", "path": "quantity", "value": 1}], "InvalidOperation", id="an undocumented op"),
        pytest.param([{"op": ["add"], "path": "quantity", "value": 1}], "InvalidOperation", id="a list of ops"),
        pytest.param([{"op": "replace", "path": "/quantity", "value": 1}], "InvalidPath", id="a slash"),
        pytest.param([{"op": "replace", "path": "unitPrice", "value": 1}], "InvalidPath", id="a price"),
        pytest.param([{"op": "replace", "path": ["quantity"], "value": 1}], "InvalidPath", id="a list of paths"),
        pytest.param([{"op": "replace", "path": "quantity"}], "InvalidObject", id="no value"),
        pytest.param([{"op": "replace", "path": "quantity", "value": 1, "x": 1}], "InvalidObject", id="more"),
        pytest.param(replace_quantity("12"), "InvalidValue", id="a number as text"),
        pytest.param(replace_quantity(True), "InvalidValue", id="a truth"),
        pytest.param(replace_quantity(None), "InvalidValue", id="null"),
        pytest.param([{"op": "remove", "path": "quantity"}], "InvalidValue", id="no quantity at all"),
        pytest.param([{"op": "replace", "path": "cancelledDate", "value": "2026-11-30"}], "InvalidValue", id="no time"),
        pytest.param([{"op": "replace", "path": "cancelledDate", "value": "TZ"}], "InvalidValue", id="no date"),
    ],
)
def test_a_patch_outside_the_documented_is_refused_and_changes_nothing(
    sandbox: SandboxHandle, body: Any, code: str
) -> None:
    answer = ask(sandbox.url, ADDITION, method="PATCH", json=body)
    error = answer.json()
    assert (answer.status_code, error["code"], error["message"]) == (400, code, "addition object is invalid")
    assert error["errors"][0]["resource"] == "addition"
    assert sandbox.writes() == []


def test_a_patch_is_taken_whole_or_not_at_all(sandbox: SandboxHandle) -> None:
    body = [*replace_quantity(15), {"op": "replace", "path": "nothing", "value": 1}]
    assert ask(sandbox.url, ADDITION, method="PATCH", json=body).status_code == 400
    assert sandbox.quantity("1") == "10"


def test_a_line_of_another_agreement_is_not_found() -> None:
    with running_sandbox(seed(agreements=[agreement("9001"), agreement("9002")])) as running:
        path = "/finance/agreements/9002/additions/1"
        assert ask(running.url, path, method="PATCH", json=replace_quantity(1)).status_code == 404


@pytest.mark.parametrize(
    ("request_parts", "status"),
    [
        pytest.param({"content": b"[]", "headers": {"Content-Type": "text/plain"}}, 415, id="not JSON by its header"),
        pytest.param({"content": b"[", "headers": {"Content-Type": "application/json"}}, 400, id="not JSON"),
        pytest.param({"content": b"[NaN]", "headers": {"Content-Type": "application/json"}}, 400, id="NaN"),
    ],
)
def test_a_body_that_is_not_json_is_refused(sandbox: SandboxHandle, request_parts: dict[str, Any], status: int) -> None:
    assert ask(sandbox.url, ADDITION, method="PATCH", **request_parts).status_code == status


def test_a_posted_line_gets_the_next_id_and_is_listed_as_a_write(sandbox: SandboxHandle) -> None:
    body = {
        "product": {"id": 77},
        "quantity": 15,
        "billCustomer": "Billable",
        "effectiveDate": "2026-12-01T00:00:00Z",
        "unitPrice": 21.5,
        "serialNumber": "trueup-7",
    }
    answer = ask(sandbox.url, ADDITIONS, method="POST", json=body)
    assert answer.status_code == 201
    assert (answer.json()["id"], answer.json()["serialNumber"]) == (2, "trueup-7")
    assert sandbox.state()["lines"][1]["unit_price"] == "21.5"
    (write,) = sandbox.writes()
    assert write.pop("at")
    assert write == {
        "line_id": "2",
        "field": "quantity",
        "before": None,
        "after": "15",
        "effective_date": "2026-12-01",
        "marker": "trueup-7",
    }


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        pytest.param({"billCustomer": "Billable"}, "MissingRequiredField", "product", id="no product"),
        pytest.param({"product": {"id": 77}}, "MissingRequiredField", "billCustomer", id="no billCustomer"),
        pytest.param({"qty": 1}, "InvalidField", "qty", id="a misspelt field"),
        pytest.param({"product": {"id": 9}, "billCustomer": "Billable"}, "InvalidReference", "product", id="unknown"),
        pytest.param({"product": 77, "billCustomer": "Billable"}, "InvalidReference", "product", id="a bare id"),
        pytest.param({"product": {"id": 77}, "billCustomer": "NoCharge"}, "InvalidValue", "billCustomer", id="free"),
        pytest.param(
            {"product": {"id": 77}, "billCustomer": "Billable", "serialNumber": "x" * 51},
            "InvalidValue",
            "serialNumber",
            id="a text too long",
        ),
        pytest.param([], "InvalidObject", "", id="a list"),
    ],
)
def test_a_posted_line_outside_the_documented_is_refused(
    sandbox: SandboxHandle, body: Any, code: str, field: str
) -> None:
    answer = ask(sandbox.url, ADDITIONS, method="POST", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["errors"][0]["field"] == field
    assert sandbox.writes() == []


def test_a_posted_line_has_the_catalogue_s_price_and_cost_where_none_are_given(sandbox: SandboxHandle) -> None:
    body = {"product": {"id": 77}, "billCustomer": "Billable", "quantity": 2}
    answer = ask(sandbox.url, ADDITIONS, method="POST", json=body).json()
    assert (answer["unitPrice"], answer["unitCost"]) == (22.0, 18.0)


def test_a_posted_line_without_a_quantity_and_with_no_price_has_none(sandbox: SandboxHandle) -> None:
    body = {"product": {"id": 77}, "billCustomer": "Billable", "unitPrice": None}
    answer = ask(sandbox.url, ADDITIONS, method="POST", json=body).json()
    assert answer["quantity"] == 0
    assert "extPrice" not in answer


def test_what_is_not_active_in_the_seed_is_inactive_in_the_vendor_s_words() -> None:
    document = seed(accounts=[account("250", active=False)], services=[service("77", active=False)])
    with running_sandbox(document) as running:
        assert ask(running.url, "/company/companies/250").json()["status"]["name"] == "Inactive"
        assert ask(running.url, "/procurement/catalog/77").json()["inactiveFlag"] is True
