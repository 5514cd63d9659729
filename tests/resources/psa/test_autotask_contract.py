"""Autotask's contract judges: what it must let pass and what it must stop, and that the sandbox keeps to it.

Belongs here: negative controls of the contract, and the adjustment through it.
Does not belong here: the adapter's reads; every test of them runs under the contract anyway.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.resources.psa.autotask_contract import BASE, CONTRACT, under_contract
from tests.resources.psa.contract import ContractViolation, published_contract
from tests.sandbox.autotask_seeds import ADJUSTMENTS, adjustment, headers
from trueup.sandbox.psa.running import SandboxHandle

EVERYTHING = {"op": "gte", "field": "id", "value": 0}


@pytest.fixture
def client(autotask_sandbox: SandboxHandle) -> Iterator[httpx.Client]:
    """A client of the sandbox with the contract in between."""
    with httpx.Client(
        base_url=autotask_sandbox.url, headers=headers(), transport=under_contract(), trust_env=False
    ) as opened:
        yield opened


@pytest.mark.parametrize(
    "path",
    [
        "/ZoneInformation?user=api@acme.example",
        "/ThresholdInformation",
        "/Companies/entityInformation/fields",
        "/Contracts/entityInformation/fields",
        "/Companies/250",
        "/Services/77",
        "/Contracts/9001",
        "/ContractServices/1",
        "/ContractServices/9",
    ],
)
def test_the_sandbox_reads_within_the_contract(client: httpx.Client, path: str) -> None:
    assert client.get(f"{BASE}{path}").status_code == 200


@pytest.mark.parametrize("entity", ["Companies", "Services", "Contracts", "ContractServices", "ContractServiceUnits"])
def test_the_sandbox_answers_questions_within_the_contract(client: httpx.Client, entity: str) -> None:
    asked = {"filter": [EVERYTHING], "maxRecords": 500}
    assert client.post(f"{BASE}/{entity}/query", json=asked).status_code == 200
    assert client.post(f"{BASE}/{entity}/query/count", json={"filter": [EVERYTHING]}).status_code == 200


def test_the_sandbox_adjusts_within_the_contract(client: httpx.Client) -> None:
    assert client.post(f"{BASE}{ADJUSTMENTS}", json=adjustment()).status_code == 200
    assert client.post(f"{BASE}{ADJUSTMENTS}", json=adjustment(contractServiceID=9)).status_code == 500
    created = adjustment(contractServiceID=None, serviceID=77)
    assert client.post(f"{BASE}{ADJUSTMENTS}", json=created).status_code == 200


def _question(**parts: Any) -> dict[str, Any]:
    return {"filter": [EVERYTHING], "maxRecords": 500, **parts}


def _condition(**parts: Any) -> dict[str, Any]:
    return _question(filter=[{**EVERYTHING, **parts}])


@pytest.mark.parametrize(
    ("method", "path", "parts", "words"),
    [
        pytest.param("GET", "/Company/1", {}, "there is no such endpoint", id="a wrong path"),
        pytest.param("DELETE", "/ContractServices/1", {}, "there is no such endpoint", id="a delete"),
        pytest.param("PATCH", "/Contracts/9001/Services", {}, "there is no such endpoint", id="a patch of a price"),
        pytest.param("GET", "/Companies/250?fields=id", {}, "the query fields is not known", id="a query"),
        pytest.param("GET", "/Companies/250", {"headers": {"Secret": ""}}, "header Secret is missing", id="no secret"),
        pytest.param("GET", "/Companies/250", {"json": {}}, "a body where none belongs", id="a body on a read"),
        pytest.param("POST", "/Companies/query", {"content": b"{}"}, "Content-Type is not", id="no content type"),
        pytest.param(
            "POST", "/Companies/query", {"json": _question(maxRecords=501)}, "not from 1 to 500", id="too large a page"
        ),
        pytest.param(
            "POST", "/Companies/query", {"json": _question(maxRecord=5)}, "body.maxRecord is not known", id="misspelt"
        ),
        pytest.param("POST", "/Companies/query", {"json": _question(filter=[])}, "at least 1", id="no filter"),
        pytest.param("POST", "/Companies/query", {"json": _condition(op="like")}, "not one of eq", id="an operator"),
        pytest.param("POST", "/Companies/query", {"json": _condition(field="ID")}, "not one of id", id="a field"),
        pytest.param("POST", "/Companies/query", {"json": _condition(value="5")}, "not an instant", id="a text id"),
        pytest.param(
            "POST", "/Companies/query", {"json": _condition(value=[1] * 501)}, "more than 500", id="too many values"
        ),
        pytest.param(
            "POST", "/Companies/query/count", {"json": _question()}, "maxRecords is not known", id="a page of a count"
        ),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(unitChange=2.5)}, "not a whole number", id="a fraction"),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(unitChange=5.0)}, "not a whole number", id="5.0"),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(unitChange=2**31)}, "more than 32 bits", id="33 bits"),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(unitChange=0)}, "changes nothing", id="nothing"),
        pytest.param(
            "POST", ADJUSTMENTS, {"json": adjustment(effectiveDate="2026-11-01")}, "not an instant", id="a date alone"
        ),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(quantity=5)}, "quantity is not known", id="unknown"),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(serviceID=77)}, "or neither", id="line and service"),
        pytest.param(
            "POST", ADJUSTMENTS, {"json": adjustment(contractServiceID=None)}, "or neither", id="neither of them"
        ),
        pytest.param("POST", ADJUSTMENTS, {"json": adjustment(contractID=None)}, "contractID is missing", id="half"),
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
        pytest.param(200, {"item": {"id": 1}}, "answer.item.contractID is missing", id="a missing field"),
        pytest.param(404, {"message": "x"}, "answer.errors is missing", id="an error's shape"),
        pytest.param(429, {"errors": ["x"]}, "without Retry-After", id="no time to wait"),
    ],
)
def test_the_contract_stops_a_wrong_answer(status: int, answer: Any, words: str) -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    with (
        httpx.Client(base_url="https://psa.example", headers=headers(), transport=under_contract(inner)) as client,
        pytest.raises(ContractViolation) as caught,
    ):
        client.get(f"{BASE}/ContractServices/1")
    assert words in str(caught.value)


def test_an_unknown_field_of_an_answer_passes() -> None:
    answer = {"item": {"id": 1, "contractID": 2, "serviceID": 3, "internalCurrencyUnitPrice": None, "unitPrice": None}}
    inner = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with httpx.Client(base_url="https://psa.example", headers=headers(), transport=under_contract(inner)) as client:
        assert client.get(f"{BASE}/ContractServices/1").status_code == 200


def test_the_vendor_s_published_contract_is_a_second_judge_where_it_is_at_hand() -> None:
    published = published_contract(CONTRACT)
    if published is None:
        pytest.skip("PSA_SPEC_DIR names no folder with Autotask's published contract")
    judge = published.request_problems

    def judged(method: str, path: str, **parts: Any) -> list[str]:
        return judge(httpx.Request(method, f"https://x{BASE}{path}", **{"headers": headers(), **parts}))

    assert judged("POST", ADJUSTMENTS, json=adjustment()) == []
    assert judged("GET", "/Contracts/entityInformation/fields", headers={}) == []
    assert judged("GET", "/nowhere") == ["published: there is no GET /V1.0/nowhere"]
    assert judged("GET", "/Companies/1?size=5", headers={"UserName": "x", "Secret": "y"}) == [
        "published: no query size",
        "published: the header ApiIntegrationCode is required",
    ]
    wrong = adjustment(unitChange=2.5, quantity=1)
    assert sorted(judged("POST", ADJUSTMENTS, json=wrong)) == [
        "published: body.quantity is not known",
        "published: body.unitChange is no integer",
    ]
