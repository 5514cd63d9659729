"""Judging every request and answer of a test by a contract: a transport that checks, and what contracts are made of.

Belongs here: shapes, endpoints, the transport, reading a vendor's published contract where it is at hand.
Does not belong here: a vendor's endpoints and fields (``connectwise_contract`` and its like); anything of the adapters
or the sandbox: a rule that only one of them knows shows up here.
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

Check = Callable[[Any, str], Iterator[str]]


class ContractViolation(AssertionError):  # noqa: N818  what it is, as the design calls it
    """A request or an answer outside the contract. No error of httpx, so that no translation can swallow it."""


class ContractTransport(httpx.BaseTransport):
    """Passes requests on to another transport, judging both directions. ``exchanges`` keeps what passed."""

    def __init__(
        self, contract: "Contract", inner: httpx.BaseTransport | None = None, *, judges_answers: bool = True
    ) -> None:
        self._contract = contract
        self._inner = inner or httpx.HTTPTransport(trust_env=False)
        self._judges_answers = judges_answers
        self._published = published_contract(contract)
        self.exchanges: list[tuple[httpx.Request, httpx.Response]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request on. Raises ``ContractViolation`` with everything that is wrong with it or its answer."""
        request.read()
        published = self._published.request_problems(request) if self._published else ()
        _raise_if_any([*self._contract.request_problems(request), *published], request)
        response = self._inner.handle_request(request)
        response.read()
        self.exchanges.append((request, response))
        if self._judges_answers:
            published = self._published.answer_problems(request, response) if self._published else ()
            _raise_if_any([*self._contract.response_problems(request, response), *published], request)
        return response

    def close(self) -> None:
        """Close the other transport."""
        self._inner.close()

    def paths(self) -> list[str]:
        """The paths that were asked for, below the base, in order."""
        return [self._contract.path_of(request) for request, _ in self.exchanges]


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


Rules = Callable[[httpx.Request], Iterator[str]]
"""What a contract asks of every request beyond its endpoint: headers, the meaning of query values."""


@dataclass(frozen=True)
class Contract:
    """What a vendor's API takes and answers, as this project understands it.

    ``base`` stands in front of every path. ``error`` is the shape of an answer under one of the ``errors``.
    ``spec_file`` is the vendor's published contract in ``PSA_SPEC_DIR``, None where there is none; ``beyond_spec`` are
    paths that it does not hold. ``is_published_for_answers`` where it describes them as they come.
    """

    base: str
    endpoints: tuple[Endpoint, ...]
    rules: Rules
    error: Check
    errors: frozenset[int]
    spec_file: str | None
    beyond_spec: tuple[str, ...] = ()
    is_published_for_answers: bool = False

    def path_of(self, request: httpx.Request) -> str:
        """The path below the base."""
        return request.url.path.removeprefix(self.base)

    def endpoint_of(self, request: httpx.Request) -> Endpoint | None:
        """The endpoint that a request is for."""
        path = self.path_of(request)
        matching = (each for each in self.endpoints if each.method == request.method and re.fullmatch(each.path, path))
        return next(matching, None)

    def request_problems(self, request: httpx.Request) -> Iterator[str]:
        """What is wrong with a request."""
        if not request.url.path.startswith(f"{self.base}/"):
            yield f"the path does not begin with {self.base}"
        endpoint = self.endpoint_of(request)
        if endpoint is None:
            yield "there is no such endpoint"
            return
        yield from self.rules(request)
        asked = dict(parse_qsl(request.url.query.decode()))
        yield from (f"the query {name} is not known" for name in asked if name not in endpoint.query)
        yield from _body_problems(request, endpoint)

    def response_problems(self, request: httpx.Request, response: httpx.Response) -> Iterator[str]:
        """What is wrong with an answer to a request that was right. Server errors may have any shape."""
        endpoint = self.endpoint_of(request)
        if endpoint is None or response.status_code >= 500:
            return
        if response.status_code not in {endpoint.success, *self.errors}:
            yield f"the status {response.status_code} is not known"
            return
        if not response.headers.get("Content-Type", "").partition(";")[0].endswith("json"):
            yield "the answer is not JSON"
            return
        check = endpoint.answer if response.status_code == endpoint.success else self.error
        yield from check(json.loads(response.content, parse_float=Decimal), "answer")
        if response.status_code == 429 and "Retry-After" not in response.headers:
            yield "too many requests without Retry-After"


def _body_problems(request: httpx.Request, endpoint: Endpoint) -> Iterator[str]:
    if endpoint.body is None:
        yield from ["a body where none belongs"] if request.content else []
        return
    if request.headers.get("Content-Type") != "application/json":
        yield "Content-Type is not application/json"
    yield from endpoint.body(json.loads(request.content, parse_float=Decimal), "body")


# The vendor's published contract, where a folder with it is at hand ---------------------------------------------------


def published_contract(contract: Contract) -> "Published | None":
    """A vendor's published contract as a second judge; None when no folder with it is named."""
    folder = os.environ.get("PSA_SPEC_DIR")
    file = Path(folder, contract.spec_file) if folder and contract.spec_file else None
    if file is None or not file.is_file():
        return None
    return Published(contract, json.loads(file.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Published:
    """A second judge: of path, query names, required headers and JSON bodies, and of answers where it is good for them.

    It is an OpenAPI ``document``; of a body it says what is required, which fields there are, their types and words.
    """

    contract: Contract
    document: dict[str, Any]

    def request_problems(self, request: httpx.Request) -> list[str]:
        """What is wrong with a request."""
        path = self.contract.path_of(request)
        if any(re.fullmatch(pattern, path) for pattern in self.contract.beyond_spec):
            return []
        operation = self._operation(request)
        if operation is None:
            return [f"published: there is no {request.method} {path}"]
        return [
            *_published_problems(request, operation.get("parameters", [])),
            *self._body_problems(operation.get("requestBody", {}), request.content, "body"),
        ]

    def answer_problems(self, request: httpx.Request, response: httpx.Response) -> list[str]:
        """What is wrong with an answer; nothing of one whose status or shape it does not tell."""
        operation = self._operation(request)
        if operation is None or not self.contract.is_published_for_answers:
            return []
        told = operation["responses"].get(str(response.status_code), {})
        # A tenant may show fields that the document does not know.
        return [each for each in self._body_problems(told, response.content, "answer") if not each.endswith(_UNKNOWN)]

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        path, method = self.contract.path_of(request), request.method.lower()
        paths: dict[str, Any] = self.document["paths"]
        return next((item[method] for each, item in paths.items() if method in item and _fits(each, path)), None)

    def _body_problems(self, part: Mapping[str, Any], content: bytes, place: str) -> list[str]:
        told = _at(part, self.document).get("content", {}).get("application/json")
        if told is None or not content:
            return []
        value = json.loads(content, parse_float=Decimal)
        return [f"published: {problem}" for problem in _misfits(told["schema"], value, place, self.document)]


def _at(part: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """What a part of a document says, its reference followed."""
    found: Any = document if "$ref" in part else part
    for step in part.get("$ref", "#").split("/")[1:]:
        found = found[step]
    return found


def _fits(pattern: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", r"\\d+", pattern), path) is not None


def _published_problems(request: httpx.Request, parameters: list[dict[str, Any]]) -> list[str]:
    known = {each["name"] for each in parameters if each["in"] == "query"}
    headers = [each["name"] for each in parameters if each["in"] == "header" and each.get("required")]
    return [
        *(f"published: no query {name}" for name, _ in parse_qsl(request.url.query.decode()) if name not in known),
        *(f"published: the header {name} is required" for name in headers if name not in request.headers),
    ]


_UNKNOWN = " is not known"

_KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "number": (int, Decimal),
    "integer": (int,),
    "string": (str,),
    "boolean": (bool,),
}


def _misfits(schema: Mapping[str, Any], value: Any, place: str, document: Mapping[str, Any]) -> Iterator[str]:
    """Values of another type or word than the schema's, fields that it does not have, required ones that are missing.

    Null may stand anywhere.
    """
    schema = _at(schema, document)
    kind = schema.get("type")
    if value is None or kind is None:
        return
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{place} is no {kind}"
        return
    if value not in schema.get("enum", [value]):
        yield f"{place} is {value!r}, not one of {', '.join(map(str, schema['enum']))}"
    parts: Any = value
    if kind == "array":
        for index, each in enumerate(parts):
            yield from _misfits(schema.get("items", {}), each, f"{place}[{index}]", document)
    elif kind == "object" and "properties" in schema:
        known = schema["properties"]
        yield from (f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in parts)
        yield from (f"{place}.{name}{_UNKNOWN}" for name in parts if name not in known)
        for name in known.keys() & parts.keys():
            yield from _misfits(known[name], parts[name], f"{place}.{name}", document)
