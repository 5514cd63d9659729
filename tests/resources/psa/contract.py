"""ConnectWise's contract as this project understands it, judging every request and answer of a test.

Belongs here: endpoints, query names, required headers, closed request bodies, open answers; a transport that checks.
Does not belong here: anything of the adapter or the sandbox; a rule that only one of them knows shows up here.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

BASE = "/v4_6_release/apis/3.0"
SPEC_FILE = "connectwise.psa.2025.subset.overlay.json"
REQUIRED_HEADERS = ("Authorization", "clientId", "Accept")

Check = Callable[[Any, str], Iterator[str]]


class ContractViolation(AssertionError):  # noqa: N818  what it is, as the design calls it
    """A request or an answer outside the contract. No error of httpx, so that no translation can swallow it."""


class ContractTransport(httpx.BaseTransport):
    """Passes requests on to another transport, judging both directions. ``exchanges`` keeps what passed."""

    def __init__(self, inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True) -> None:
        self._inner = inner or httpx.HTTPTransport(trust_env=False)
        self._judges_answers = judges_answers
        self._published = published_contract()
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request on. Raises ``ContractViolation`` with everything that is wrong with it or its answer."""
        request.read()
        _raise_if_any([*request_problems(request), *(self._published(request) if self._published else ())], request)
        response = self._inner.handle_request(request)
        response.read()
        self.exchanges.append((request, response))
        if self._judges_answers:
            _raise_if_any(list(response_problems(request, response)), request)
        return response

    def close(self) -> None:
        """Close the other transport."""
        self._inner.close()

    def paths(self) -> list[str]:
        """The paths that were asked for, below the base, in order."""
        return [request.url.path.removeprefix(BASE) for request, _ in self.exchanges]


def _raise_if_any(problems: list[str], request: httpx.Request) -> None:
    if problems:
        raise ContractViolation(f"{request.method} {request.url.path}: " + "; ".join(problems))


# Shapes ---------------------------------------------------------------------------------------------------------------


def number(value: Any, place: str) -> Iterator[str]:
    """A JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        yield f"{place} is {value!r}, not a number"


def whole(value: Any, place: str) -> Iterator[str]:
    """A JSON number without a fraction."""
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{place} is {value!r}, not a whole number"


def words(value: Any, place: str) -> Iterator[str]:
    """A text."""
    if not isinstance(value, str):
        yield f"{place} is {value!r}, not a text"


def flag(value: Any, place: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield f"{place} is {value!r}, not true or false"


def instant(value: Any, place: str) -> Iterator[str]:
    """A date with a time, in UTC."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        yield f"{place} is {value!r}, not an instant like 2026-11-01T00:00:00Z"


def one_of(*values: str) -> Check:
    """One of these texts."""

    def check(value: Any, place: str) -> Iterator[str]:
        if value not in values:
            yield f"{place} is {value!r}, not one of {', '.join(values)}"

    return check


def nullable(inner: Check) -> Check:
    """That, or null."""

    def check(value: Any, place: str) -> Iterator[str]:
        if value is not None:
            yield from inner(value, place)

    return check


def list_of(inner: Check, *, least: int = 0) -> Check:
    """A list of that."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, list) or len(value) < least:
            yield f"{place} is not a list of at least {least}"
            return
        for index, each in enumerate(value):
            yield from inner(each, f"{place}[{index}]")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check], *, is_closed: bool) -> Check:
    """An object with these fields; closed, it has no others."""

    def check(value: Any, place: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{place} is not an object"
            return
        yield from (f"{place}.{name} is missing" for name in required if name not in value)
        if is_closed:
            yield from (f"{place}.{name} is not known" for name in value if name not in {*required, *optional})
        for name, inner in {**required, **optional}.items():
            if name in value:
                yield from inner(value[name], f"{place}.{name}")

    return check


def answered(required: Mapping[str, Check], **optional: Check) -> Check:
    """An object in an answer: unknown fields are allowed, optional ones may be null."""
    return record(required, {name: nullable(inner) for name, inner in optional.items()}, is_closed=False)


REFERENCE = answered({"id": whole})
STATUS = one_of("Active", "Cancelled", "Expired", "Inactive")
COMPANY = answered({"id": whole, "identifier": words, "name": words}, status=REFERENCE, deletedFlag=flag)
ITEM = answered({"id": whole, "identifier": words, "description": words}, inactiveFlag=flag, price=number, cost=number)
AGREEMENT = answered(
    {"id": whole, "name": words, "type": REFERENCE, "company": REFERENCE, "contact": REFERENCE},
    startDate=instant,
    endDate=instant,
    noEndingDateFlag=flag,
    cancelledFlag=flag,
    prorateFlag=flag,
    agreementStatus=STATUS,
    currency=REFERENCE,
)
ADDITION = answered(
    {"id": whole, "product": REFERENCE, "billCustomer": one_of("Billable", "DoNotBill", "NoCharge")},
    quantity=number,
    lessIncluded=number,
    billedQuantity=number,
    unitPrice=number,
    unitCost=number,
    effectiveDate=instant,
    cancelledDate=instant,
    agreementId=whole,
    agreementStatus=STATUS,
)
COUNT = answered({"count": whole})
INFO = answered({"version": words})
ERROR = answered({"code": words, "message": words}, errors=list_of(answered({"code": words, "message": words})))

OPERATION = record(
    {"op": one_of("replace"), "path": one_of("quantity", "cancelledDate")},
    {"value": lambda value, place: number(value, place) if not isinstance(value, str) else instant(value, place)},
    is_closed=True,
)
PATCH = list_of(OPERATION, least=1)
NEW_ADDITION = record(
    {"product": record({"id": whole}, {}, is_closed=True), "billCustomer": one_of("Billable")},
    {
        "quantity": number,
        "effectiveDate": instant,
        "unitPrice": number,
        "unitCost": number,
        "description": words,
        "invoiceDescription": words,
        "serialNumber": words,
    },
    is_closed=True,
)


# Endpoints ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """One call: its path, what may be asked, what is sent, what comes back under which status."""

    method: str
    path: str
    success: int
    answer: Check
    query: frozenset[str] = frozenset()
    body: Check | None = None


_LIST = frozenset({"conditions", "orderBy", "page", "pageSize", "pageId"})
_COUNT = frozenset({"conditions"})


def _collection(path: str, answer: Check) -> list[Endpoint]:
    return [
        Endpoint("GET", path, 200, list_of(answer), _LIST),
        Endpoint("GET", f"{path}/count", 200, COUNT, _COUNT),
        Endpoint("GET", rf"{path}/\d+", 200, answer),
    ]


ADDITIONS = r"/finance/agreements/\d+/additions"
ENDPOINTS = [
    Endpoint("GET", "/system/info", 200, INFO),
    *_collection("/company/companies", COMPANY),
    *_collection("/procurement/catalog", ITEM),
    *_collection("/finance/agreements", AGREEMENT),
    *_collection(ADDITIONS, ADDITION),
    Endpoint("PATCH", rf"{ADDITIONS}/\d+", 200, ADDITION, body=PATCH),
    Endpoint("POST", ADDITIONS, 201, ADDITION, body=NEW_ADDITION),
]
ERRORS = {400, 401, 403, 404, 405, 409, 415, 429}


def endpoint_of(request: httpx.Request) -> Endpoint | None:
    """The endpoint that a request is for."""
    path = request.url.path.removeprefix(BASE)
    matching = (each for each in ENDPOINTS if each.method == request.method and re.fullmatch(each.path, path))
    return next(matching, None)


def request_problems(request: httpx.Request) -> Iterator[str]:
    """What is wrong with a request."""
    if not request.url.path.startswith(f"{BASE}/"):
        yield f"the path does not begin with {BASE}"
    endpoint = endpoint_of(request)
    if endpoint is None:
        yield "there is no such endpoint"
        return
    yield from _header_problems(request)
    yield from _query_problems(dict(parse_qsl(request.url.query.decode())), endpoint)
    yield from _body_problems(request, endpoint)


def _header_problems(request: httpx.Request) -> Iterator[str]:
    yield from (f"the header {name} is missing" for name in REQUIRED_HEADERS if not request.headers.get(name))
    if not request.headers.get("Authorization", "").startswith("Basic "):
        yield "Authorization is not Basic"
    if "application/vnd.connectwise.com+json; version=" not in request.headers.get("Accept", ""):
        yield "Accept does not pin the vendor's version"


def _query_problems(query: Mapping[str, str], endpoint: Endpoint) -> Iterator[str]:
    yield from (f"the query {name} is not known" for name in query if name not in endpoint.query)
    if not 0 < int(query.get("pageSize", "25")) <= 1000:
        yield "pageSize is not from 1 to 1000"
    if not re.fullmatch(r"id>\d+", query.get("conditions", "id>0")):
        yield "conditions filter by more than the id"


def _body_problems(request: httpx.Request, endpoint: Endpoint) -> Iterator[str]:
    if endpoint.body is None:
        yield from ["a body where none belongs"] if request.content else []
        return
    if request.headers.get("Content-Type") != "application/json":
        yield "Content-Type is not application/json"
    yield from endpoint.body(json.loads(request.content, parse_float=Decimal), "body")


def response_problems(request: httpx.Request, response: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer to a request that was right. Server errors may have any shape."""
    endpoint = endpoint_of(request)
    if endpoint is None or response.status_code >= 500:
        return
    if response.status_code not in {endpoint.success, *ERRORS}:
        yield f"the status {response.status_code} is not known"
        return
    if not response.headers.get("Content-Type", "").partition(";")[0].endswith("json"):
        yield "the answer is not JSON"
        return
    check = endpoint.answer if response.status_code == endpoint.success else ERROR
    yield from check(json.loads(response.content, parse_float=Decimal), "answer")
    if response.status_code == 429 and "Retry-After" not in response.headers:
        yield "too many requests without Retry-After"


# The vendor's published contract, where a folder with it is at hand ---------------------------------------------------


def published_contract() -> Callable[[httpx.Request], list[str]] | None:
    """A second judge of requests: path, query names and required headers; None when no folder is named."""
    folder = os.environ.get("PSA_SPEC_DIR")
    file = Path(folder, SPEC_FILE) if folder else None
    if file is None or not file.is_file():
        return None
    paths: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["paths"]

    def judge(request: httpx.Request) -> list[str]:
        path = request.url.path.removeprefix(BASE)
        operations = [item[request.method.lower()] for pattern, item in paths.items() if _fits(pattern, item, request)]
        if not operations:
            return [f"published: there is no {request.method} {path}"]
        return _published_problems(request, operations[0]["parameters"])

    return judge


def _fits(pattern: str, item: Mapping[str, Any], request: httpx.Request) -> bool:
    path = request.url.path.removeprefix(BASE)
    is_named = request.method.lower() in item
    return is_named and re.fullmatch(re.sub(r"\{\w+\}", r"\\d+", pattern), path) is not None


def _published_problems(request: httpx.Request, parameters: list[dict[str, Any]]) -> list[str]:
    known = {each["name"] for each in parameters if each["in"] == "query"}
    headers = [each["name"] for each in parameters if each["in"] == "header" and each.get("required")]
    return [
        *(f"published: no query {name}" for name, _ in parse_qsl(request.url.query.decode()) if name not in known),
        *(f"published: the header {name} is required" for name in headers if name not in request.headers),
    ]
