"""HaloPSA's contract judges: what it must let pass and what it must stop, and that the sandbox keeps to it.

Belongs here: negative controls of the contract, and the write through it.
Does not belong here: the adapter; every test of it runs under the contract anyway.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.resources.psa.contract import ContractViolation, published_contract
from tests.resources.psa.halopsa_contract import BASE, CONTRACT, TOKEN, under_contract
from tests.sandbox.halopsa_seeds import form, seed, token
from trueup.sandbox.psa.running import running_sandbox

LIST, SINGLE = "/RecurringInvoice", "/RecurringInvoice/9001"
KEPT = {"id": 1, "_itemid": 77, "qty_order": 12}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client of a sandbox with the contract in between."""
    with running_sandbox(seed()) as sandbox:
        given = {"Authorization": f"Bearer {token(sandbox.url)}", "Accept": "application/json"}
        with httpx.Client(base_url=sandbox.url, headers=given, transport=under_contract(), trust_env=False) as opened:
            yield opened


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/Client", {"pageinate": "true", "page_no": "1", "page_size": "2", "order": "id", "includeinactive": "true"}),
        ("/Client/250", {}),
        ("/Item", {"recurringonly": "true"}),
        ("/Item/77", {}),
        (LIST, {"includelines": "true"}),
        (SINGLE, {"includedetails": "true"}),
    ],
)
def test_the_sandbox_reads_within_the_contract(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    assert client.get(f"{BASE}{path}", params=query).status_code == 200


def test_the_sandbox_writes_within_the_contract(client: httpx.Client) -> None:
    lines = client.get(f"{BASE}{SINGLE}").json()["lines"]
    made = {"_itemid": 77, "qty_order": 1, "comment_1": "mark", "startdate": "2026-12-01T00:00:00"}
    assert client.post(f"{BASE}{LIST}", json=[{"id": 9001, "lines": [*lines, made]}]).status_code == 201
    assert client.post(f"{BASE}{LIST}", json=[{"id": 9, "lines": lines}]).status_code == 400


def test_the_sandbox_gives_tokens_within_the_contract(client: httpx.Client) -> None:
    assert client.post(TOKEN, params={"tenant": "acme"}, data=form()).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "parts", "words"),
    [
        pytest.param("GET", "/Clients", {}, "there is no such endpoint", id="a wrong path"),
        pytest.param("POST", f"{LIST}/updatelines", {"json": []}, "no such endpoint", id="writing single lines"),
        pytest.param("POST", f"{LIST}/process", {"json": [1]}, "no such endpoint", id="making invoices"),
        pytest.param("GET", LIST, {"params": {"paginate": "true"}}, "paginate is not known", id="a misspelt query"),
        pytest.param("GET", LIST, {"params": {"page_no": "2"}}, "pages are not asked for", id="a page without pages"),
        pytest.param("GET", LIST, {"headers": {"Authorization": "Basic x"}}, "is not Bearer", id="no token"),
        pytest.param("GET", LIST, {"headers": {"Accept": "*/*"}}, "Accept is not", id="any answer"),
        pytest.param("GET", LIST, {"json": {}}, "a body where none belongs", id="a body on a read"),
        pytest.param("POST", LIST, {"json": [{"id": 9001}]}, "lines is missing", id="no lines"),
        pytest.param("POST", LIST, {"json": [{"id": 9001, "lines": []}]}, "at least 1", id="no line"),
        pytest.param("POST", LIST, {"json": [{"id": 1, "lines": [KEPT, KEPT]}]}, "in the request twice", id="twice"),
        pytest.param("POST", LIST, {"json": [{"id": 1, "lines": [KEPT]}] * 2}, "more than one", id="two invoices"),
        pytest.param(
            "POST", LIST, {"json": [{"id": 1, "lines": [KEPT], "name": "x"}]}, "name is not known", id="a header field"
        ),
        pytest.param(
            "POST", LIST, {"json": [{"id": 1, "lines": [{**KEPT, "qty_order": "12"}]}]}, "not a number", id="text"
        ),
        pytest.param(
            "POST", LIST, {"json": [{"id": 1, "lines": [{"_itemid": 7, "qty_order": 1, "qty": 1}]}]}, "qty is not known"
        ),
        pytest.param("POST", LIST, {"json": [{"id": 1, "lines": ["(others)"]}]}, "is not an object", id="a preview"),
    ],
)
def test_the_contract_stops_a_wrong_request(
    client: httpx.Client, method: str, path: str, parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        client.request(method, f"{BASE}{path}", **parts)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("method", "parts", "words"),
    [
        pytest.param("GET", {}, "asked for by POST", id="a read"),
        pytest.param("POST", {"json": form()}, "not that of a form", id="JSON"),
        pytest.param("POST", {"data": {**form(), "username": "x"}}, "the form holds", id="more than is needed"),
        pytest.param("POST", {"data": {**form(), "grant_type": "password"}}, "not client_credentials", id="a grant"),
        pytest.param("POST", {"data": form(), "params": {"secret": "x"}}, "more than the tenant", id="in the query"),
    ],
)
def test_the_contract_stops_a_wrong_question_for_a_token(
    client: httpx.Client, method: str, parts: dict[str, Any], words: str
) -> None:
    with pytest.raises(ContractViolation) as caught:
        client.request(method, TOKEN, **parts)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        pytest.param(204, {}, "the status 204 is not known", id="a status"),
        pytest.param(200, [], "answer is not an object", id="a list"),
        pytest.param(200, {"id": 1, "client_id": 2}, "answer.lines is missing", id="no lines"),
        pytest.param(200, {"id": "1", "client_id": 2, "lines": []}, "not a whole number", id="an id of text"),
        pytest.param(429, {"message": "x"}, "without Retry-After", id="no time to wait"),
    ],
)
def test_the_contract_stops_a_wrong_answer(status: int, answer: Any, words: str) -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    given = {"Authorization": "Bearer x", "Accept": "application/json"}
    with (
        httpx.Client(base_url="https://psa.example", headers=given, transport=under_contract(inner)) as client,
        pytest.raises(ContractViolation) as caught,
    ):
        client.get(f"{BASE}{SINGLE}")
    assert words in str(caught.value)


def test_the_vendor_s_published_contract_is_a_second_judge_where_it_is_at_hand() -> None:
    published = published_contract(CONTRACT)
    if published is None:
        pytest.skip("PSA_SPEC_DIR names no folder with HaloPSA's published contract")
    judge = published.request_problems
    url = f"https://x{BASE}{LIST}"
    assert judge(httpx.Request("GET", f"{url}?pageinate=true")) == []
    assert judge(httpx.Request("GET", f"{url}?paginate=true")) == ["published: no query paginate"]
    assert judge(httpx.Request("GET", f"https://x{BASE}/nowhere")) == ["published: there is no GET /nowhere"]
    good = [{"id": 9001, "lines": [{**KEPT, "quantity_licences": [], "startdate": None}]}]
    assert judge(httpx.Request("POST", url, json=good)) == []
    wrong = [{"id": 9001, "lines": [{**KEPT, "qty_order": "12", "qty": 1}, "others"]}]
    assert judge(httpx.Request("POST", url, json=wrong)) == [
        "published: body[0].lines[0].qty is not known",
        "published: body[0].lines[0].qty_order is no number",
        "published: body[0].lines[1] is no object",
    ]
