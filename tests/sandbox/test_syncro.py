"""Syncro as the sandbox speaks it: the token, pages, shapes, the two writes.

Belongs here: requests over HTTP and the vendor's answers, without our adapter.
Does not belong here: faults and the sandbox's own door.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.seeds import account, agreement, line, many, seed, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

LINE = "/schedules/9001/line_items/1"
ADD = "/schedules/9001/add_line_item"
TOKEN = {"Authorization": "Bearer T-key"}


@pytest.fixture
def syncro() -> Iterator[SandboxHandle]:
    """A sandbox that speaks Syncro, with one line of ten."""
    with running_sandbox(seed(psa="syncro")) as running:
        yield running


def ask(url: str, path: str, method: str = "GET", **request: Any) -> httpx.Response:
    """One request with a token."""
    given = {"headers": TOKEN, **request}
    return httpx.request(method, f"{url}/api/v1{path}", trust_env=False, **given)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "T-key"}, {"Authorization": "Basic T-key"}, {"api_key": "x"}]
)
def test_a_request_without_a_token_is_not_authorized(syncro: SandboxHandle, headers: dict[str, str]) -> None:
    answer = ask(syncro.url, "/customers", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "Not authorized"})


def test_only_the_token_of_the_seed_is_taken_when_it_names_one() -> None:
    with running_sandbox(seed(psa="syncro", credentials={"subdomain": "acme", "api_key": "T-other"})) as running:
        assert ask(running.url, "/customers").status_code == 401
        assert ask(running.url, "/customers", headers={"Authorization": "Bearer T-other"}).status_code == 200


def test_records_have_the_vendor_s_shapes(syncro: SandboxHandle) -> None:
    (customer,) = ask(syncro.url, "/customers").json()["customers"]
    assert (customer["id"], customer["business_name"], customer["disabled"]) == (250, "Acme", False)
    product = ask(syncro.url, "/products/77").json()["product"]
    assert (product["name"], product["upc_code"], product["price_retail"]) == ("Service 77", "SKU-77", 22.0)
    schedule = ask(syncro.url, "/schedules/9001").json()["schedule"]
    assert (schedule["customer_id"], schedule["name"], schedule["paused"]) == (250, "Managed", False)
    assert schedule["lines"] == [
        {
            "id": 1,
            "cost_cents": 1800,
            "description": "",
            "name": "Service 77",
            "product_id": 77,
            "quantity": "10.0",
            "retail_cents": 2200,
            "schedule_id": 9001,
            "taxable": False,
            "asset_type_id": None,
            "recurring_type_id": None,
            "device_ids": [],
            "one_time_charge": False,
        }
    ]


def test_lists_come_in_pages_of_25_that_count() -> None:
    with running_sandbox(seed(psa="syncro", services=many(service, 77))) as running:
        last = ask(running.url, "/products", params={"page": "4"}).json()
        assert [each["id"] for each in last["products"]] == [76, 77]
        assert last["meta"] == {"total_pages": 4, "total_entries": 77, "per_page": 25, "page": 4}
        assert ask(running.url, "/products", params={"page": "5"}).json()["products"] == []
        assert ask(running.url, "/products", params={"page": "0"}).status_code == 400
        assert ask(running.url, "/products", params={"per_page": "50"}).status_code == 400


def test_disabled_customers_are_shown_when_asked_for_and_schedules_by_customer() -> None:
    parts: dict[str, Any] = {
        "accounts": [account("250"), account("251", active=False)],
        "agreements": [agreement("9001", active=False), agreement("9002", account="251")],
    }
    with running_sandbox(seed(psa="syncro", **parts)) as running:
        assert ask(running.url, "/customers").json()["meta"]["total_entries"] == 1
        shown = ask(running.url, "/customers", params={"include_disabled": "true"}).json()["customers"]
        assert [each["disabled"] for each in shown] == [False, True]
        assert ask(running.url, "/customers/251").json()["customer"]["disabled"] is True
        of_beta = ask(running.url, "/schedules", params={"customer_id": "251"}).json()["schedules"]
        assert [each["id"] for each in of_beta] == [9002]
        assert ask(running.url, "/schedules/9001").json()["schedule"]["paused"] is True


@pytest.mark.parametrize("path", ["/customers/9", "/products/9", "/schedules/9", "/invoices"])
def test_what_is_not_there_is_not_found(syncro: SandboxHandle, path: str) -> None:
    answer = ask(syncro.url, path)
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_a_quantity_is_set_exactly_and_listed_as_a_write_each_time(syncro: SandboxHandle) -> None:
    exact = "12345678901234567890.1234567891"
    for _ in range(2):
        answer = ask(syncro.url, LINE, "PUT", json={"quantity": exact})
        assert answer.json()["schedule_line_item"]["quantity"] == exact
    assert syncro.quantity("1") == exact
    assert [(w["line_id"], w["field"], w["before"], w["after"], w["effective_date"]) for w in syncro.writes()] == [
        ("1", "quantity", "10", exact, None),
        ("1", "quantity", exact, exact, None),
    ]


def test_a_name_and_a_description_can_be_set_without_a_quantity(syncro: SandboxHandle) -> None:
    answer = ask(syncro.url, LINE, "PUT", json={"name": "Plan", "description": "Text"})
    assert (answer.json()["schedule_line_item"]["name"], syncro.writes()) == ("Plan", [])
    assert syncro.state()["lines"][0]["name"] == "Plan"


def test_a_new_line_gets_the_next_id_and_is_listed_as_a_write_with_its_marker(syncro: SandboxHandle) -> None:
    body = {"product_id": 77, "quantity": "3", "name": "Plan", "description": "TrueUp c1@1", "retail_cents": 2150}
    answer = ask(syncro.url, ADD, "POST", json=body)
    item = answer.json()["schedule_line_item"]
    assert (answer.status_code, item["id"], item["quantity"]) == (200, 2, "3.0")
    assert (item["retail_cents"], item["cost_cents"]) == (2150, 0)
    (write,) = syncro.writes()
    assert (write["line_id"], write["before"], write["after"], write["marker"]) == ("2", None, "3", "TrueUp c1@1")


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        pytest.param("PUT", LINE, {"quantity": 12}, "Quantity is not a number", id="a number"),
        pytest.param("PUT", LINE, {"quantity": "1e3"}, "Quantity is not a number", id="an exponent"),
        pytest.param("PUT", LINE, {"quantity": "٣"}, "Quantity is not a number", id="digits of another script"),
        pytest.param("PUT", LINE, {"name": " "}, "Name can't be blank", id="no name"),
        pytest.param("PUT", LINE, {"description": 5}, "Description is not a text", id="no text"),
        pytest.param("PUT", LINE, {"retail_cents": 5}, "retail_cents is not known", id="a price"),
        pytest.param("PUT", LINE, [], "The body must be an object", id="a list"),
        pytest.param("POST", ADD, {"product_id": 77, "quantity": "1"}, "Name can't be blank", id="a new one unnamed"),
        pytest.param("POST", ADD, {"product_id": 9, "name": "x"}, "Product must exist", id="an unknown product"),
        pytest.param("POST", ADD, {"product_id": True, "name": "x"}, "Product must exist", id="a truth as product"),
        pytest.param("POST", ADD, {"name": "x"}, "Product must exist", id="no product"),
        pytest.param(
            "POST",
            ADD,
            {"product_id": 77, "name": "x", "retail_cents": 1.5},
            "is not a number of cents",
            id="half a cent",
        ),
    ],
)
def test_an_edit_that_is_not_taken_is_told_in_sentences_and_changes_nothing(
    syncro: SandboxHandle, method: str, path: str, body: Any, sentence: str
) -> None:
    before = syncro.state()
    answer = ask(syncro.url, path, method, json=body)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"][0]
    assert syncro.state() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/schedules/9001/line_items/9"),
        ("PUT", "/schedules/9002/line_items/1"),
        ("POST", "/schedules/9/add_line_item"),
    ],
)
def test_a_line_that_is_not_there_or_on_another_schedule_is_not_found(method: str, path: str) -> None:
    with running_sandbox(seed(psa="syncro", agreements=[agreement("9001"), agreement("9002")])) as running:
        assert ask(running.url, path, method, json={"quantity": "1"}).status_code == 404
        assert running.writes() == []


def test_a_body_that_is_not_json_is_refused(syncro: SandboxHandle) -> None:
    assert ask(syncro.url, LINE, "PUT", content=b"[NaN").status_code == 400


def test_prices_that_are_not_whole_cents_are_shown_rounded() -> None:
    lines = [line("1", unit_price="0.125", unit_cost=None)]
    with running_sandbox(seed(psa="syncro", lines=lines)) as running:
        (item,) = ask(running.url, "/schedules/9001").json()["schedule"]["lines"]
    assert (item["retail_cents"], item["cost_cents"]) == (13, None)


def test_faults_speak_as_the_vendor_does(syncro: SandboxHandle) -> None:
    syncro.set_faults({"rules": [{"match": "products", "do": "422"}, {"match": "customers", "do": "empty"}]})
    assert ask(syncro.url, "/products").json() == {"error": ["Fault 422 on request."]}
    nothing = {"total_pages": 0, "total_entries": 0, "per_page": 25, "page": 1}
    assert ask(syncro.url, "/customers").json() == {"customers": [], "meta": nothing}
    assert ask(syncro.url, "/customers/250").json() == {"customer": None}
