"""The sandbox speaks Syncro: paths, the API token, pages of 25, and the two writes to a recurring invoice.

Belongs here: requests and answers of Syncro's REST interface, its error bodies, its oddities.
Does not belong here: records and their fields (``syncro_shapes``), faults.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trueup.sandbox.psa import syncro_shapes as shapes
from trueup.sandbox.psa.asking import moment_for
from trueup.sandbox.psa.exact import exact_json, from_json
from trueup.sandbox.psa.seed import Line
from trueup.sandbox.psa.state import Moment, State

API = "/api/v1"
PAGE = 25
"""Records of a page; it cannot be chosen."""

AUTHOR = "API token"
"""Who wrote a line through the interface: a token says no name."""

_Handler = Callable[[Request], Awaitable[Response]]


class Failure(Exception):  # noqa: N818  an answer, raised where it is found out
    """An answer that is an error: one sentence, or for an edit that is not taken a list of them."""

    def __init__(self, status: int, said: str | list[str]) -> None:
        super().__init__(str(said))
        self.status, self.said = status, said

    def as_response(self) -> Response:
        """The answer that says it."""
        return _answer({"error": self.said}, self.status)


class SyncroProtocol:
    """Syncro's interface over a state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[BaseRoute]:
        """All paths that are served."""
        schedule = "/schedules/{schedule:int}"
        return [
            *self._collection("customers", self._customers, {"include_disabled"}),
            *self._collection("products", self._products, set()),
            *self._collection("schedules", self._schedules, {"customer_id"}),
            self._route(f"{schedule}/line_items/{{id:int}}", self._put, "PUT"),
            self._route(f"{schedule}/add_line_item", self._add, "POST"),
        ]

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """A failure in the vendor's shape."""
        return _answer({"error": [message] if status == 422 else message}, status, headers)

    def empty(self, path: str) -> Response:
        """A list of none that counts none, or no record."""
        things = path.removeprefix(f"{API}/")
        if "/" in things:
            return _answer({things.partition("/")[0].removesuffix("s"): None})
        return _answer({things: [], "meta": _meta(0, 1)})

    def _route(self, path: str, handler: _Handler, method: str = "GET") -> Route:
        async def guarded(request: Request) -> Response:
            try:
                _authorise(request, self._state.now().credentials)
                return await handler(request)
            except Failure as failure:
                return failure.as_response()

        return Route(API + path, guarded, methods=[method])

    def _collection(
        self, things: str, records_of: Callable[[Request], list[shapes.Record]], filters: set[str]
    ) -> list[Route]:
        async def listed(request: Request) -> Response:
            unknown = set(request.query_params) - filters - {"page"}
            if unknown:
                raise Failure(400, f"The sandbox does not know {', '.join(sorted(unknown))}.")
            return _page(request, things, records_of(request))

        async def single(request: Request) -> Response:
            number = request.path_params["id"]
            for record in records_of(request):
                if record["id"] == number:
                    return _answer({things.removesuffix("s"): record})
            raise Failure(404, "Not found")

        return [self._route(f"/{things}", listed), self._route(f"/{things}/{{id:int}}", single)]

    def _customers(self, request: Request) -> list[shapes.Record]:
        accounts = self._moment(request).accounts.values()
        is_single = "id" in request.path_params
        shows_all = is_single or request.query_params.get("include_disabled") == "true"
        return [shapes.customer(account) for account in accounts if account.active or shows_all]

    def _products(self, request: Request) -> list[shapes.Record]:
        return [shapes.product(service) for service in self._moment(request).services.values()]

    def _schedules(self, request: Request) -> list[shapes.Record]:
        moment = self._moment(request)
        wanted = request.query_params.get("customer_id")
        agreements = (each for each in moment.agreements.values() if wanted in (None, each.account))
        return [shapes.schedule(agreement, moment) for agreement in agreements]

    async def _put(self, request: Request) -> Response:
        body = await _json_body(request)
        moment = self._state.now()
        line = self._line(request, moment)
        try:
            kept = self._state.change_line(line.id, partial(shapes.edited, body), AUTHOR)
        except shapes.Invalid as invalid:
            raise Failure(422, invalid.sentences) from None
        return _answer({"schedule_line_item": shapes.item(kept, moment)})

    async def _add(self, request: Request) -> Response:
        body = await _json_body(request)
        moment = self._state.now()
        schedule = str(request.path_params["schedule"])
        if schedule not in moment.agreements:
            raise Failure(404, "Not found")
        try:
            line = shapes.added(body, schedule, moment)
        except shapes.Invalid as invalid:
            raise Failure(422, invalid.sentences) from None
        return _answer({"schedule_line_item": shapes.item(self._state.add_line(line, AUTHOR), moment)})

    def _moment(self, request: Request) -> Moment:
        return moment_for(request, self._state)

    def _line(self, request: Request, moment: Moment) -> Line:
        line = moment.lines.get(str(request.path_params["id"]))
        if line is None or line.agreement != str(request.path_params["schedule"]):
            raise Failure(404, "Not found")
        return line


def _authorise(request: Request, accepted: Mapping[str, str] | None) -> None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not token or (accepted and accepted["api_key"] != token):
        raise Failure(401, "Not authorized")


async def _json_body(request: Request) -> Any:
    try:
        return from_json(await request.body())
    except (ValueError, RecursionError):
        raise Failure(400, "The body is not JSON") from None


def _page(request: Request, things: str, records: list[shapes.Record]) -> Response:
    number = request.query_params.get("page", "1")
    if not number.isascii() or not number.isdigit() or int(number) < 1:
        raise Failure(400, "page must be a whole number from 1")
    shown = records[(int(number) - 1) * PAGE : int(number) * PAGE]
    return _answer({things: shown, "meta": _meta(len(records), int(number))})


def _meta(total: int, page: int) -> dict[str, int]:
    return {"total_pages": -(-total // PAGE), "total_entries": total, "per_page": PAGE, "page": page}


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(exact_json(body), status, headers, media_type="application/json")
