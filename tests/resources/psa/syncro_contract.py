"""Syncro's contract as this project understands it from the vendor's reference.

Belongs here: endpoints, query names, the token's header, closed request bodies, open answers.
Does not belong here: anything of the adapter or the sandbox, how a contract is held (``contract``).
"""

import re
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
    list_of,
    number,
    record,
    whole,
    words,
)

BASE = "/api/v1"


def decimal_text(value: Any, place: str) -> Iterator[str]:
    """A decimal number in a text."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        yield f"{place} is {value!r}, not a decimal number in a text"


def error_words(value: Any, place: str) -> Iterator[str]:
    """One sentence, or a list of them."""
    yield from (list_of(words, least=1) if isinstance(value, list) else words)(value, place)


CUSTOMER = answered({"id": whole}, business_name=words, fullname=words, business_then_name=words, disabled=flag)
PRODUCT = answered(
    {"id": whole, "name": words}, price_cost=number, price_retail=number, disabled=flag, upc_code=words, taxable=flag
)
ITEM = answered(
    {"id": whole, "name": words, "quantity": decimal_text},
    product_id=whole,
    retail_cents=whole,
    cost_cents=whole,
    schedule_id=whole,
    description=words,
    one_time_charge=flag,
    device_ids=list_of(whole),
    recurring_type_id=whole,
    asset_type_id=whole,
)
SCHEDULE = answered({"id": whole, "customer_id": whole, "name": words, "lines": list_of(ITEM)}, paused=flag)
META = answered({"total_pages": whole, "total_entries": whole})
ERROR = answered({"error": error_words})
WRITTEN = answered({"schedule_line_item": ITEM})

QUANTITY = record({"quantity": decimal_text}, {}, is_closed=True)
NEW_LINE = record(
    {"product_id": whole, "quantity": decimal_text, "name": words},
    {"description": words, "retail_cents": whole, "cost_cents": whole},
    is_closed=True,
)


def _collection(things: str, answer: Check, *filters: str) -> list[Endpoint]:
    return [
        Endpoint(
            "GET",
            f"/{things}",
            200,
            answered({things: list_of(answer)}, meta=META),
            frozenset({"page", *filters}),
        ),
        Endpoint("GET", rf"/{things}/\d+", 200, answered({things.removesuffix("s"): answer})),
    ]


ENDPOINTS = (
    *_collection("customers", CUSTOMER, "include_disabled"),
    *_collection("products", PRODUCT),
    *_collection("schedules", SCHEDULE, "customer_id"),
    Endpoint("PUT", r"/schedules/\d+/line_items/\d+", 200, WRITTEN, body=QUANTITY),
    Endpoint("POST", r"/schedules/\d+/add_line_item", 200, WRITTEN, body=NEW_LINE),
)


def _rules(request: httpx.Request) -> Iterator[str]:
    if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
        yield "Authorization is not Bearer"
    if request.headers.get("Accept") != "application/json":
        yield "Accept is not application/json"


CONTRACT = Contract(
    base=BASE,
    endpoints=ENDPOINTS,
    rules=_rules,
    error=ERROR,
    errors=frozenset({400, 401, 403, 404, 405, 422, 429}),
    spec_file=None,
)


def under_contract(inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True) -> ContractTransport:
    """A transport that holds every request and answer to Syncro's contract."""
    return ContractTransport(CONTRACT, inner, judges_answers=judges_answers)
