"""The contract judges: what it must let pass and what it must stop, and that the sandbox keeps to it.

Belongs here: negative controls of the contract, and both writes through it.
Does not belong here: the adapter's reads; every test of them runs under the contract anyway.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from resources.psa.connectwise import ACCEPT
from tests.resources.psa.connectwise_contract import BASE, CONTRACT, under_contract
from tests.resources.psa.contract import ContractViolation, published_contract
from tests.sandbox.seeds import ADDITION, ADDITIONS, headers, replace_quantity
from trueup.sandbox.psa.running import SandboxHandle


@pytest.fixture
def client(sandbox: SandboxHandle) -> Iterator[httpx.Client]:
    """A client of the sandbox with the contract in between."""
    given = {**headers(), "Accept": ACCEPT}
    with httpx.Client(base_url=sandbox.url, headers=given, transport=under_contract(), trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/system/info", {}),
        ("/company/companies", {"conditions": "id>5", "orderBy": "id", "pageSize": "1000"}),
        ("/company/companies", {"pageId": "3"}),
        ("/company/companies/count", {}),
        ("/procurement/catalog/77", {}),
        ("/finance/agreements/9001", {}),
        (ADDITIONS, {"page": "1"}),
        (f"{ADDITIONS}/count", {"conditions": "id>0"}),
        (ADDITION, {}),
    ],
)
def test_the_sandbox_reads_within_the_contract(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    assert client.get(f"{BASE}{path}", params=query).status_code == 200


def test_the_sandbox_writes_within_the_contract(client: httpx.Client) -> None:
    assert client.patch(f"{BASE}{ADDITION}", json=replace_quantity(15)).status_code == 200
    body = {"product": {"id": 77}, "quantity": 1, "billCustomer": "Billable", "effectiveDate": "2026-12-01T00:00:00Z"}
    assert client.post(f"{BASE}{ADDITIONS}", json=body).status_code == 201
    unknown = {"product": {"id": 9}, "billCustomer": "Billable"}
    assert client.post(f"{BASE}{ADDITIONS}", json=unknown).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "parts", "words"),
    [
        pytest.param("GET", "/company/company", {}, "there is no such endpoint", id="a wrong path"),
        pytest.param("PUT", ADDITION, {"json": {}}, "there is no such endpoint", id="replacing a whole line"),
        pytest.param("GET", ADDITIONS, {"params": {"pagesize": "5"}}, "pagesize is not known", id="a misspelt query"),
        pytest.param("GET", ADDITIONS, {"params": {"pageSize": "5000"}}, "from 1 to 1000", id="too large a page"),
        pytest.param("GET", ADDITIONS, {"params": {"conditions": 'name="x"'}}, "more than the id", id="a text filter"),
        pytest.param("GET", ADDITIONS, {"headers": {"clientId": ""}}, "header clientId is missing", id="no client id"),
        pytest.param("GET", ADDITIONS, {"headers": {"Accept": "*/*"}}, "does not pin the vendor's", id="no version"),
        pytest.param("GET", ADDITIONS, {"headers": {"Authorization": "Bearer x"}}, "is not Basic", id="not Basic"),
        pytest.param("GET", ADDITIONS, {"json": {}}, "a body where none belongs", id="a body on a read"),
        pytest.param("PATCH", ADDITION, {"json": {}}, "not a list of at least 1", id="a patch that is an object"),
        pytest.param("PATCH", ADDITION, {"json": replace_quantity("5")}, "not an instant", id="a quantity as text"),
        pytest.param("PATCH", ADDITION, {"content": b"[]"}, "Content-Type is not", id="no content type"),
        pytest.param("PATCH", ADDITION, {"json": [{"op": "test", "path": "quantity"}]}, "not one of", id="a test op"),
        pytest.param("POST", ADDITIONS, {"json": {"qty": 1}}, "body.qty is not known", id="a misspelt field"),
        pytest.param("POST", ADDITIONS, {"json": {"billCustomer": "Billable"}}, "body.product is missing", id="half"),
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
        pytest.param(200, {"id": 1}, "answer.product is missing", id="a missing field"),
        pytest.param(200, {"id": "1"}, "answer.id is '1', not a whole number", id="an id of text"),
        pytest.param(404, {"message": 5, "code": "x"}, "answer.message is 5, not a text", id="an error's shape"),
        pytest.param(429, {"message": "x", "code": "x"}, "without Retry-After", id="no time to wait"),
    ],
)
def test_the_contract_stops_a_wrong_answer(status: int, answer: Any, words: str) -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    given = {**headers(), "Accept": ACCEPT}
    with (
        httpx.Client(base_url="https://psa.example", headers=given, transport=under_contract(inner)) as client,
        pytest.raises(ContractViolation) as caught,
    ):
        client.get(f"{BASE}{ADDITION}")
    assert words in str(caught.value)


def test_an_unknown_field_of_an_answer_passes() -> None:
    answer = {"id": 1, "product": {"id": 7}, "billCustomer": "NoCharge", "additionStatus": "x", "cancelledDate": None}
    inner = httpx.MockTransport(lambda _: httpx.Response(200, content=json.dumps(answer), headers=_JSON))
    given = {**headers(), "Accept": ACCEPT}
    with httpx.Client(base_url="https://psa.example", headers=given, transport=under_contract(inner)) as client:
        assert client.get(f"{BASE}{ADDITION}").status_code == 200


_JSON = {"Content-Type": "application/json"}


def test_the_vendor_s_published_contract_is_a_second_judge_where_it_is_at_hand() -> None:
    published = published_contract(CONTRACT)
    if published is None:
        pytest.skip("PSA_SPEC_DIR names no folder with ConnectWise's published contract")
    judge = published.request_problems
    good = httpx.Request("GET", f"https://x{BASE}{ADDITIONS}?pageSize=5", headers=headers())
    assert judge(good) == []
    assert judge(httpx.Request("GET", f"https://x{BASE}/nowhere")) == ["published: there is no GET /nowhere"]
    assert judge(httpx.Request("GET", f"https://x{BASE}{ADDITION}?size=5")) == [
        "published: no query size",
        "published: the header clientId is required",
    ]
    made = httpx.Request("POST", f"https://x{BASE}{ADDITIONS}", headers=headers(), json={"billCustomer": "Free"})
    assert judge(made) == [
        "published: body.product is missing",
        "published: body.billCustomer is 'Free', not one of Billable, DoNotBill, NoCharge",
    ]
    answer = httpx.Response(200, json=[{"product": {"id": "7"}, "billCustomer": "Billable", "units": 1}])
    assert published.answer_problems(good, answer) == ["published: answer[0].product.id is no integer"]
    assert published.answer_problems(good, httpx.Response(404, json={"code": 1})) == []
