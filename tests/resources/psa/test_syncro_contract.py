"""Syncro's contract judges: what it must let pass and what it must stop, and that the sandbox keeps to it.

Belongs here: negative controls of the contract, and both writes through it.
Does not belong here: the adapter; every test of it runs under the contract anyway.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.resources.psa.contract import ContractViolation
from tests.resources.psa.syncro_contract import BASE, under_contract
from tests.resources.psa.syncro_tenant import URL, syncro_sandbox

LINE = "/schedules/9001/line_items/1"
ADD = "/schedules/9001/add_line_item"
HEADERS = {"Authorization": "Bearer T-key", "Accept": "application/json"}
NEW = {"product_id": 77, "quantity": "1.5", "name": "Plan"}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client of the sandbox with the contract in between."""
    with (
        syncro_sandbox() as sandbox,
        httpx.Client(base_url=sandbox.url, headers=HEADERS, transport=under_contract(), trust_env=False) as opened,
    ):
        yield opened


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/customers", {"page": "1", "include_disabled": "true"}),
        ("/customers/250", {}),
        ("/products", {"page": "9"}),
        ("/products/77", {}),
        ("/schedules", {"customer_id": "250"}),
        ("/schedules/9001", {}),
    ],
)
def test_the_sandbox_reads_within_the_contract(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    assert client.get(f"{BASE}{path}", params=query).status_code == 200


def test_the_sandbox_writes_within_the_contract(client: httpx.Client) -> None:
    assert client.put(f"{BASE}{LINE}", json={"quantity": "12"}).status_code == 200
    assert client.post(f"{BASE}{ADD}", json={**NEW, "description": "x", "retail_cents": 5}).status_code == 200
    assert client.post(f"{BASE}{ADD}", json={**NEW, "product_id": 9}).status_code == 422
    assert client.put(f"{BASE}/schedules/9001/line_items/9", json={"quantity": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "parts", "words"),
    [
        pytest.param("GET", "/customer", {}, "there is no such endpoint", id="a wrong path"),
        pytest.param("PUT", "/schedules/9001", {"json": {}}, "there is no such endpoint", id="replacing a schedule"),
        pytest.param("POST", "/schedules/9001/remove_line_item", {"json": {}}, "no such endpoint", id="removing"),
        pytest.param("GET", "/products", {"params": {"per_page": "5"}}, "per_page is not known", id="a page size"),
        pytest.param("GET", "/products", {"headers": {"Authorization": "T-key"}}, "is not Bearer", id="a bare token"),
        pytest.param("GET", "/products", {"headers": {"Accept": "*/*"}}, "Accept is not", id="any answer"),
        pytest.param("GET", "/products", {"json": {}}, "a body where none belongs", id="a body on a read"),
        pytest.param("PUT", LINE, {"json": {"quantity": 12}}, "not a decimal number in a text", id="a number"),
        pytest.param("PUT", LINE, {"json": {"quantity": "1e3"}}, "not a decimal number in a text", id="an exponent"),
        pytest.param("PUT", LINE, {"json": {"quantity": "1", "name": "x"}}, "body.name is not known", id="more"),
        pytest.param("PUT", LINE, {"json": {}}, "body.quantity is missing", id="nothing to do"),
        pytest.param("PUT", LINE, {"content": b"{}"}, "Content-Type is not", id="no content type"),
        pytest.param("POST", ADD, {"json": {"qty": 1}}, "body.qty is not known", id="a misspelt field"),
        pytest.param("POST", ADD, {"json": {"name": "x"}}, "body.product_id is missing", id="half a line"),
        pytest.param("POST", ADD, {"json": {**NEW, "retail_cents": 1.5}}, "not a whole number", id="half a cent"),
        pytest.param("POST", ADD, {"json": {**NEW, "product_id": "77"}}, "not a whole number", id="an id of text"),
    ],
)
def test_the_contract_stops_a_wrong_request(
    client: httpx.Client, method: str, path: str, parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        client.request(method, f"{BASE}{path}", **parts)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        pytest.param(201, {}, "the status 201 is not known", id="a status"),
        pytest.param(200, [], "answer is not an object", id="a list"),
        pytest.param(200, {}, "answer.product is missing", id="no record"),
        pytest.param(200, {"product": {"id": "77", "name": "x"}}, "not a whole number", id="an id of text"),
        pytest.param(404, {"error": 5}, "answer.error is 5, not a text", id="an error's shape"),
        pytest.param(422, {"error": []}, "answer.error is not a list of at least 1", id="no sentence"),
        pytest.param(429, {"error": "x"}, "without Retry-After", id="no time to wait"),
    ],
)
def test_the_contract_stops_a_wrong_answer(status: int, answer: Any, words: str) -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    with (
        httpx.Client(base_url=URL, headers=HEADERS, transport=under_contract(inner)) as client,
        pytest.raises(ContractViolation) as caught,
    ):
        client.get(f"{BASE}/products/77")
    assert words in str(caught.value)


def test_an_unknown_field_of_an_answer_passes() -> None:
    answer = {"product": {"id": 1, "name": "x", "disabled": None, "photos": []}}
    inner = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with httpx.Client(base_url=URL, headers=HEADERS, transport=under_contract(inner)) as client:
        assert client.get(f"{BASE}/products/77").status_code == 200
