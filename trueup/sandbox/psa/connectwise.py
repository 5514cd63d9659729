"""The sandbox speaks ConnectWise: paths, credentials, conditions, pages, and the two writes.

Belongs here: requests and answers of ConnectWise's REST interface, its error bodies, its oddities.
Does not belong here: records and their fields (``connectwise_shapes``), faults.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trueup.sandbox.psa import connectwise_shapes as shapes
from trueup.sandbox.psa.asking import moment_for
from trueup.sandbox.psa.conditions import ConditionError, predicate, sorted_by
from trueup.sandbox.psa.exact import exact_json, from_json
from trueup.sandbox.psa.seed import Line
from trueup.sandbox.psa.state import Moment, State

API = "/v4_6_release/apis/3.0"
MEDIA_TYPE = "application/vnd.connectwise.com+json; version=2025.1"
DEFAULT_PAGE, LARGEST_PAGE = 25, 1000

_Handler = Callable[[Request], Awaitable[Response]]
_CODES = {404: "NotFound", 405: "MethodNotAllowed"}
_UNSUPPORTED = ("childConditions", "customFieldConditions", "fields")


class Failure(Exception):  # noqa: N818  an answer, raised where it is found out
    """An answer that is an error, in the vendor's shape."""

    def __init__(self, status: int, code: str, message: str, problems: Iterable[shapes.Problem] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.problems = status, code, tuple(problems)

    def as_response(self) -> Response:
        """The answer that says it."""
        return error_response(self.status, self.code, str(self), self.problems)


def error_response(
    status: int,
    code: str,
    message: str,
    problems: Iterable[shapes.Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """ConnectWise's error body under a status."""
    errors = [{**vars(problem), "resource": "addition"} for problem in problems]
    body = {"code": code, "message": message, "errors": errors or None}
    return Response(exact_json(body), status, headers, media_type=MEDIA_TYPE)


@dataclass(frozen=True)
class _Member:
    """Who asks: the API member whose keys came with the request."""

    company_id: str
    public_key: str
    private_key: str


class ConnectWiseProtocol:
    """ConnectWise's interface over a state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        """All paths that are served."""
        additions = "/finance/agreements/{agreement:int}/additions"
        return [
            self._route("/system/info", self._info),
            *self._collection("/company/companies", self._companies, shapes.COMPANY_FIELDS),
            *self._collection("/procurement/catalog", self._items, shapes.ITEM_FIELDS),
            *self._collection("/finance/agreements", self._agreements, shapes.AGREEMENT_FIELDS),
            self._route(f"{additions}/{{id:int}}", self._patch, "PATCH"),
            self._route(additions, self._post, "POST"),
            *self._collection(additions, self._additions, shapes.ADDITION_FIELDS),
        ]

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """A failure in the vendor's shape."""
        return error_response(status, _CODES.get(status, "Error"), message, headers=headers)

    def empty(self, path: str) -> Response:
        """No records, or a count of none."""
        return _answer({"count": 0} if path.endswith("/count") else [])

    def _route(self, path: str, handler: _Handler, method: str = "GET") -> Route:
        async def guarded(request: Request) -> Response:
            try:
                request.state.member = _authorised(request, self._state.now().credentials)
                return await handler(request)
            except ConditionError as error:
                return error_response(400, "InvalidConditions", str(error))
            except Failure as failure:
                return failure.as_response()

        return Route(API + path, guarded, methods=[method])

    def _collection(
        self, path: str, records_of: Callable[[Request], list[dict[str, Any]]], fields: frozenset[str]
    ) -> list[Route]:
        async def listed(request: Request) -> Response:
            return _page(request, _matching(request, records_of(request), fields), fields)

        async def counted(request: Request) -> Response:
            return _answer({"count": len(_matching(request, records_of(request), fields))})

        async def single(request: Request) -> Response:
            number = request.path_params["id"]
            for record in records_of(request):
                if record["id"] == number:
                    return _answer(record)
            raise _not_found(request)

        return [
            self._route(f"{path}/count", counted),
            self._route(f"{path}/{{id:int}}", single),
            self._route(path, listed),
        ]

    async def _info(self, _: Request) -> Response:
        return _answer({"version": "v2025.1", "isCloud": False, "serverTimeZone": "UTC", "licenseBits": []})

    def _companies(self, request: Request) -> list[dict[str, Any]]:
        return [shapes.company(account) for account in self._moment(request).accounts.values()]

    def _items(self, request: Request) -> list[dict[str, Any]]:
        return [shapes.item(service) for service in self._moment(request).services.values()]

    def _agreements(self, request: Request) -> list[dict[str, Any]]:
        moment = self._moment(request)
        return [shapes.agreement(agreement, moment) for agreement in moment.agreements.values()]

    def _additions(self, request: Request) -> list[dict[str, Any]]:
        moment = self._moment(request)
        agreement = self._agreement_id(request, moment)
        return [shapes.addition(line, moment) for line in moment.lines.values() if line.agreement == agreement]

    async def _patch(self, request: Request) -> Response:
        body = await _json_body(request)
        moment = self._state.now()
        line = self._line(request, moment)
        try:
            kept = self._state.change_line(line.id, partial(shapes.patched, body), request.state.member.public_key)
        except shapes.Invalid as invalid:
            raise _refused(invalid) from None
        return _answer(shapes.addition(kept, moment))

    async def _post(self, request: Request) -> Response:
        body = await _json_body(request)
        moment = self._state.now()
        agreement = self._agreement_id(request, moment)
        try:
            line = shapes.posted(body, agreement, moment)
        except shapes.Invalid as invalid:
            raise _refused(invalid) from None
        kept = self._state.add_line(line, request.state.member.public_key)
        return _answer(shapes.addition(kept, moment), 201)

    def _moment(self, request: Request) -> Moment:
        return moment_for(request, self._state)

    def _agreement_id(self, request: Request, moment: Moment) -> str:
        agreement = str(request.path_params["agreement"])
        if agreement not in moment.agreements:
            raise _not_found(request)
        return agreement

    def _line(self, request: Request, moment: Moment) -> Line:
        line = moment.lines.get(str(request.path_params["id"]))
        if line is None or line.agreement != str(request.path_params["agreement"]):
            raise _not_found(request)
        return line


def _authorised(request: Request, accepted: Mapping[str, str] | None) -> _Member:
    member = _member(request.headers.get("Authorization"))
    client_id = request.headers.get("clientId", "")
    if not client_id:
        raise Failure(400, "ClientIdMissing", "Every call needs the header clientId.")
    if "" in vars(member).values() or (accepted and accepted != {**vars(member), "client_id": client_id}):
        # The vendor's oddity: wrong credentials are often "not found".
        raise _not_found(request)
    return member


def _member(header: str | None) -> _Member:
    if header is None:
        raise Failure(401, "Unauthorized", "Authorization is required.")
    kind, _, token = header.partition(" ")
    try:
        name, _, private_key = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        name, private_key = "", ""
    company_id, _, public_key = name.partition("+")
    return _Member(company_id, public_key, private_key) if kind.lower() == "basic" else _Member("", "", "")


async def _json_body(request: Request) -> Any:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Failure(415, "UnsupportedMediaType", "The body must be application/json.")
    try:
        return from_json(await request.body())
    except (ValueError, RecursionError):
        raise Failure(400, "InvalidObject", "The body is not JSON.") from None


def _refused(invalid: shapes.Invalid) -> Failure:
    return Failure(400, invalid.problems[0].code, "addition object is invalid", invalid.problems)


def _not_found(request: Request) -> Failure:
    return Failure(404, "NotFound", f"{request.url.path.removeprefix(API)} not found")


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(exact_json(body), status, headers, media_type=MEDIA_TYPE)


def _matching(request: Request, records: list[dict[str, Any]], fields: frozenset[str]) -> list[dict[str, Any]]:
    for name in _UNSUPPORTED:
        if request.query_params.get(name):
            raise Failure(400, "InvalidParameter", f"The sandbox does not know {name}.")
    meets = predicate(request.query_params.get("conditions", ""), fields)
    return [record for record in records if meets(record)]


def _page(request: Request, records: list[dict[str, Any]], fields: frozenset[str]) -> Response:
    size = min(_number(request, "pageSize", DEFAULT_PAGE), LARGEST_PAGE)
    if "pageId" in request.query_params or request.headers.get("pagination-type", "").lower() == "forward-only":
        return _forward_page(request, records, size)
    page = _number(request, "page", 1)
    ordered = sorted_by(request.query_params.get("orderBy") or "id", records, fields)
    shown = ordered[(page - 1) * size : page * size]
    return _linked(request, shown, {"page": str(page + 1)} if len(ordered) > page * size else None)


def _forward_page(request: Request, records: list[dict[str, Any]], size: int) -> Response:
    after = _number(request, "pageId", 0, least=0)
    ordered = sorted((record for record in records if record["id"] > after), key=lambda record: record["id"])
    shown = ordered[:size]
    return _linked(request, shown, {"pageId": str(shown[-1]["id"])} if len(ordered) > size else None)


def _linked(request: Request, shown: list[Any], following: Mapping[str, str] | None) -> Response:
    if following is None:
        return _answer(shown)
    query = urlencode({**request.query_params, **following})
    return _answer(shown, headers={"Link": f'<{request.url.replace(query=query)}>; rel="next"'})


def _number(request: Request, name: str, default: int, *, least: int = 1) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise Failure(400, "InvalidParameter", f"{name} must be a whole number from {least}.")
    return int(value)
