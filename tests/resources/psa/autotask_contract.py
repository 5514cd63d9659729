"""Autotask's contract as this project understands it from what is known of the vendor's interface.

Belongs here: endpoints, required headers, closed questions and request bodies, open answers.
Does not belong here: anything of the adapter or the sandbox, how a contract is held (``contract``).
"""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.resources.psa.contract import (
    Check,
    Contract,
    ContractTransport,
    Endpoint,
    answered,
    flag,
    instant,
    list_of,
    number,
    one_of,
    record,
    whole,
    words,
)

BASE = "/ATServicesRest/V1.0"
REQUIRED_HEADERS = ("ApiIntegrationCode", "UserName", "Secret")

COMPANY = answered({"id": whole, "companyName": words, "companyType": whole, "isActive": flag})
SERVICE = answered({"id": whole, "name": words, "isActive": flag}, unitPrice=number, unitCost=number)
CONTRACT_RECORD = answered(
    {"id": whole, "companyID": whole, "contractName": words, "contractType": whole, "status": whole},
    startDate=instant,
    endDate=instant,
)
CONTRACT_SERVICE = answered(
    {"id": whole, "contractID": whole, "serviceID": whole}, unitPrice=number, unitCost=number, internalDescription=words
)
UNITS = answered(
    {"id": whole, "contractID": whole, "contractServiceID": whole, "serviceID": whole, "units": whole}
    | {"startDate": instant, "endDate": instant},
    approveAndPostDate=instant,
    price=number,
    cost=number,
)
PAGE = answered({"count": whole, "requestCount": whole}, nextPageUrl=words, prevPageUrl=words)
COUNT = answered({"queryCount": whole})
ZONE = answered({"url": words, "ci": lambda value, place: (words if isinstance(value, str) else whole)(value, place)})
THRESHOLD = answered({"externalRequestThreshold": whole, "currentTimeframeRequestCount": whole})
PICKLIST = answered({"name": words}, picklistValues=list_of(answered({"value": words, "label": words})))
FIELDS = answered({"fields": list_of(PICKLIST)})
CREATED = answered({"itemId": whole})
ERROR = answered({"errors": list_of(words, least=1)})


def _asked(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, list):
        yield from list_of(whole, least=1)(value, place)
        yield from [f"{place} has more than 500 values"] if len(value) > 500 else []
    else:
        yield from instant(value, place) if isinstance(value, str) else whole(value, place)


CONDITION = record(
    {
        "op": one_of("eq", "gt", "gte", "lt", "lte", "in"),
        "field": one_of("id", "contractID", "serviceID", "contractServiceID", "startDate", "endDate"),
        "value": _asked,
    },
    {},
    is_closed=True,
)


def _page_size(value: Any, place: str) -> Iterator[str]:
    yield from whole(value, place)
    if isinstance(value, int) and not 1 <= value <= 500:
        yield f"{place} is not from 1 to 500"


QUESTION = record({"filter": list_of(CONDITION, least=1), "maxRecords": _page_size}, {}, is_closed=True)
COUNT_QUESTION = record({"filter": list_of(CONDITION, least=1)}, {}, is_closed=True)


def _int32(value: Any, place: str) -> Iterator[str]:
    yield from whole(value, place)
    if isinstance(value, int) and abs(value) >= 2**31:
        yield f"{place} has more than 32 bits"


_ADJUSTMENT = record(
    {"contractID": _int32, "unitChange": _int32, "effectiveDate": instant},
    {"contractServiceID": _int32, "serviceID": _int32},
    is_closed=True,
)


def adjustment(value: Any, place: str) -> Iterator[str]:
    """An adjustment names a line, or a service of which there is no line, and never both."""
    yield from _ADJUSTMENT(value, place)
    if isinstance(value, dict) and ("contractServiceID" in value) == ("serviceID" in value):
        yield f"{place} names a line and a service, or neither"
    if isinstance(value, dict) and value.get("unitChange") == 0:
        yield f"{place} changes nothing"


def _entity(name: str, answer: Check) -> list[Endpoint]:
    found = answered({"items": list_of(answer), "pageDetails": PAGE})
    return [
        Endpoint("POST", f"/{name}/query", 200, found, body=QUESTION),
        Endpoint("POST", f"/{name}/query/count", 200, COUNT, body=COUNT_QUESTION),
        Endpoint("GET", rf"/{name}/\d+", 200, answered({}, item=answer)),
    ]


ENDPOINTS = (
    Endpoint("GET", "/ZoneInformation", 200, ZONE, frozenset({"user"})),
    Endpoint("GET", "/ThresholdInformation", 200, THRESHOLD),
    Endpoint("GET", "/(Companies|Contracts)/entityInformation/fields", 200, FIELDS),
    *_entity("Companies", COMPANY),
    *_entity("Services", SERVICE),
    *_entity("Contracts", CONTRACT_RECORD),
    *_entity("ContractServices", CONTRACT_SERVICE),
    *_entity("ContractServiceUnits", UNITS),
    Endpoint("POST", "/ContractServiceAdjustments", 200, CREATED, body=adjustment),
)
ERRORS = frozenset({400, 401, 403, 404, 405, 409, 415, 429})


def _rules(request: httpx.Request) -> Iterator[str]:
    yield from (f"the header {name} is missing" for name in REQUIRED_HEADERS if not request.headers.get(name))


CONTRACT = Contract(
    base="/ATServicesRest",
    endpoints=tuple(
        Endpoint(each.method, f"/V1\\.0{each.path}", each.success, each.answer, each.query, each.body)
        for each in ENDPOINTS
    ),
    rules=_rules,
    error=ERROR,
    errors=ERRORS,
    spec_file="autotask.subset.openapi3.json",
    beyond_spec=(r"/V1\.0/\w+/entityInformation/fields",),
)


def under_contract(inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True) -> ContractTransport:
    """A transport that holds every request and answer to Autotask's contract."""
    return ContractTransport(CONTRACT, inner, judges_answers=judges_answers)
