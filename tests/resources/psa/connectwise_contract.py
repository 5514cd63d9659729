"""ConnectWise's contract as this project understands it from the vendor's documentation.

Belongs here: endpoints, query names, required headers, closed request bodies, open answers.
Does not belong here: anything of the adapter or the sandbox, how a contract is held (``contract``).
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

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

BASE = "/v4_6_release/apis/3.0"
REQUIRED_HEADERS = ("Authorization", "clientId", "Accept")

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

_LIST = frozenset({"conditions", "orderBy", "page", "pageSize", "pageId"})
_COUNT = frozenset({"conditions"})


def _collection(path: str, answer: Check) -> list[Endpoint]:
    return [
        Endpoint("GET", path, 200, list_of(answer), _LIST),
        Endpoint("GET", f"{path}/count", 200, COUNT, _COUNT),
        Endpoint("GET", rf"{path}/\d+", 200, answer),
    ]


ADDITIONS = r"/finance/agreements/\d+/additions"
ENDPOINTS = (
    Endpoint("GET", "/system/info", 200, INFO),
    *_collection("/company/companies", COMPANY),
    *_collection("/procurement/catalog", ITEM),
    *_collection("/finance/agreements", AGREEMENT),
    *_collection(ADDITIONS, ADDITION),
    Endpoint("PATCH", rf"{ADDITIONS}/\d+", 200, ADDITION, body=PATCH),
    Endpoint("POST", ADDITIONS, 201, ADDITION, body=NEW_ADDITION),
)
ERRORS = frozenset({400, 401, 403, 404, 405, 409, 415, 429})


MOST_CHARACTERS = 2000
"""Of an address; servers of the vendor's kind refuse more than about 2,048."""


def _rules(request: httpx.Request) -> Iterator[str]:
    yield from (f"the header {name} is missing" for name in REQUIRED_HEADERS if not request.headers.get(name))
    if not request.headers.get("Authorization", "").startswith("Basic "):
        yield "Authorization is not Basic"
    if "application/vnd.connectwise.com+json; version=" not in request.headers.get("Accept", ""):
        yield "Accept does not pin the vendor's version"
    query = dict(parse_qsl(request.url.query.decode()))
    if not 0 < int(query.get("pageSize", "25")) <= 1000:
        yield "pageSize is not from 1 to 1000"
    if not re.fullmatch(r"id>\d+( and id in \(\d+(,\d+)*\))?", query.get("conditions", "id>0")):
        yield "conditions filter by more than the id"
    if len(str(request.url)) > MOST_CHARACTERS:
        yield f"the address is longer than {MOST_CHARACTERS} characters"


CONTRACT = Contract(
    base=BASE,
    endpoints=ENDPOINTS,
    rules=_rules,
    error=ERROR,
    errors=ERRORS,
    spec_file="connectwise.psa.2025.subset.overlay.json",
    is_published_for_answers=True,
)


def under_contract(inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True) -> ContractTransport:
    """A transport that holds every request and answer to ConnectWise's contract."""
    return ContractTransport(CONTRACT, inner, judges_answers=judges_answers)
