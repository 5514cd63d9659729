"""HaloPSA's contract as this project understands it from the vendor's documentation.

Belongs here: endpoints, query names, required headers, closed request bodies, open answers, asking for a token.
Does not belong here: anything of the adapter or the sandbox, how a contract is held (``contract``).
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx

from tests.resources.psa.contract import (
    Check,
    Contract,
    ContractTransport,
    ContractViolation,
    Endpoint,
    answered,
    flag,
    list_of,
    number,
    record,
    whole,
    words,
)

BASE = "/api"
TOKEN = "/auth/token"

CLIENT = answered({"id": whole, "name": words}, inactive=flag)
ITEM = answered({"id": whole, "name": words}, recurringprice=number, recurringcost=number)
LINE = answered(
    {"id": whole, "_itemid": whole},
    ihid=whole,
    item_code=words,
    item_shortdescription=words,
    qty_order=number,
    unit_price=number,
    unit_cost=number,
    startdate=words,
    enddate=words,
    isinactive=flag,
    _is_calculated_line=flag,
    recurring_invoice_quantity_type=whole,
    quantity_licences=list_of(answered({})),
)
HEADER = answered({"id": whole, "client_id": whole}, name=words, disabled=flag, startdate=words, enddate=words)
INVOICE = answered({"id": whole, "client_id": whole, "lines": list_of(LINE)}, last_modified=words)
ERROR = answered({})

MADE = record(
    {"_itemid": whole, "qty_order": number},
    {
        "item_shortdescription": words,
        "unit_price": number,
        "unit_cost": number,
        "startdate": words,
        "comment_1": words,
    },
    is_closed=True,
)
KEPT = record({"id": whole, "_itemid": whole, "qty_order": number}, {}, is_closed=False)


def _sent_line(value: Any, place: str) -> Iterator[str]:
    """A line that stands, open as it was shown, or a new one, closed."""
    yield from (KEPT if isinstance(value, dict) and "id" in value else MADE)(value, place)


REPLACEMENT = list_of(record({"id": whole, "lines": list_of(_sent_line, least=1)}, {}, is_closed=True), least=1)

_PAGES = frozenset({"pageinate", "page_no", "page_size", "order"})
_ACTIVE = frozenset({"includeactive", "includeinactive"})


def _list(name: str, answer: Check) -> Check:
    return answered({"record_count": whole, name: list_of(answer)})


ENDPOINTS = (
    Endpoint("GET", "/Client", 200, _list("clients", CLIENT), _PAGES | _ACTIVE),
    Endpoint("GET", r"/Client/\d+", 200, CLIENT),
    Endpoint("GET", "/Item", 200, _list("items", ITEM), _PAGES | _ACTIVE | {"recurringonly"}),
    Endpoint("GET", r"/Item/\d+", 200, ITEM),
    Endpoint("GET", "/RecurringInvoice", 200, _list("invoices", HEADER), _PAGES | {"includelines"}),
    Endpoint("GET", r"/RecurringInvoice/\d+", 200, INVOICE, frozenset({"includedetails"})),
    Endpoint("POST", "/RecurringInvoice", 201, INVOICE, body=REPLACEMENT),
)
"""What is never asked for is no endpoint: single lines, ``updatelines``, and ``process``, which makes invoices."""


def _rules(request: httpx.Request) -> Iterator[str]:
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        yield "Authorization is not Bearer"
    if request.headers.get("Accept") != "application/json":
        yield "Accept is not application/json"
    query = dict(parse_qsl(request.url.query.decode()))
    if "page_no" in query and query.get("pageinate") != "true":
        yield "a page is named, and pages are not asked for"
    if request.method == "POST":
        (invoice, *more) = json.loads(request.content)
        if more:
            yield "more than one recurring invoice in a request"
        ids = [line.get("id") for line in invoice.get("lines", []) if isinstance(line, dict) and "id" in line]
        if len(ids) != len(set(ids)):
            yield "a line stands in the request twice"


CONTRACT = Contract(
    base=BASE,
    endpoints=ENDPOINTS,
    rules=_rules,
    error=ERROR,
    errors=frozenset({400, 401, 403, 404, 405, 409, 415, 422, 429}),
    spec_file="halopsa.subset.overlay.json",
)

_FORM = {"grant_type", "client_id", "client_secret", "scope"}


class HaloPsaTransport(ContractTransport):
    """The contract of the API, and that of asking for a token, which stands beside it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request on. Raises ``ContractViolation`` with everything that is wrong with it or its answer."""
        if request.url.path != TOKEN:
            return super().handle_request(request)
        request.read()
        problems = list(_token_problems(request))
        if problems:
            raise ContractViolation(f"{request.method} {request.url.path}: " + "; ".join(problems))
        response = self._inner.handle_request(request)
        response.read()
        self.exchanges.append((request, response))
        return response


def _token_problems(request: httpx.Request) -> Iterator[str]:
    if request.method != "POST":
        yield "a token is asked for by POST"
    if request.headers.get("Content-Type") != "application/x-www-form-urlencoded":
        yield "Content-Type is not that of a form"
    form = dict(parse_qsl(request.content.decode()))
    if set(form) != _FORM:
        yield f"the form holds {', '.join(sorted(form))}"
    if form.get("grant_type") != "client_credentials":
        yield "the grant is not client_credentials"
    if set(dict(parse_qsl(request.url.query.decode()))) - {"tenant"}:
        yield "the query holds more than the tenant"


def under_contract(inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True) -> HaloPsaTransport:
    """A transport that holds every request and answer to HaloPSA's contract."""
    return HaloPsaTransport(CONTRACT, inner, judges_answers=judges_answers)
