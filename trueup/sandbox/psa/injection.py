"""Carrying faults out on a real connection: answers that are lost, late, stale, broken or refused.

Belongs here: what each fault does to one request and its answer.
Does not belong here: which request meets which fault (``faults``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueup.sandbox.psa.asking import AGE
from trueup.sandbox.psa.dialects import Dialect
from trueup.sandbox.psa.faults import Fault, FaultPlan

ABORT = "abort"
"""Key of the connection's state: a function that closes it without another byte."""

OWN = "/__sandbox/"
"""Paths of the sandbox's own door; no fault meets them."""

_PAGE = "<html><head><title>{0}</title></head><body><h1>{0} from the gateway</h1></body></html>"


class FaultInjection:
    """An ASGI application around another that lets some requests fail."""

    def __init__(self, app: ASGIApp, plan: FaultPlan, dialect: Dialect) -> None:
        self._app = app
        self._plan = plan
        self._dialect = dialect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with the fault that it meets or without."""
        if scope["type"] != "http" or scope["path"].startswith(OWN):
            await self._app(scope, receive, send)
            return
        fault = self._plan.next_for(f"{scope['method']} {scope['path']}")
        request = _Request(self._app, self._dialect, scope, receive, send)
        await (_FAULTS[fault.kind](request, fault) if fault else request.pass_on())


@dataclass
class _Answer:
    """An answer that was caught before it left."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    async def catch(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")


@dataclass(frozen=True)
class _Request:
    app: ASGIApp
    dialect: Dialect
    scope: Scope
    receive: Receive
    send: Send

    async def pass_on(self) -> None:
        await self.app(self.scope, self.receive, self.send)

    async def arrived_whole(self) -> "_Request":
        """The request with its body already here, so that it lives on when its client gives up."""
        messages = [await self.receive()]
        while messages[-1].get("more_body"):
            messages.append(await self.receive())

        async def receive() -> Message:
            return messages.pop(0) if messages else await self.receive()

        return replace(self, receive=receive)

    async def execute(self) -> _Answer:
        answer = _Answer()
        await self.app(self.scope, self.receive, answer.catch)
        return answer

    async def answer(self, response: Response) -> None:
        await response(self.scope, self.receive, self.send)

    async def hang_up(self) -> None:
        self.scope["state"][ABORT]()
        # The server would answer 500 by itself until it has noticed that nobody is there.
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _drop(request: _Request, _: Fault) -> None:
    await request.hang_up()


async def _commit_then_drop(request: _Request, _: Fault) -> None:
    await request.execute()
    await request.hang_up()


async def _status(request: _Request, fault: Fault) -> None:
    if fault.status >= 500:
        await request.answer(_page(fault.status))
        return
    headers = {"Retry-After": f"{fault.seconds:g}"} if fault.status == 429 else None
    await request.answer(request.dialect.error(fault.status, f"Fault {fault.status} on request.", headers))


async def _status_after_commit(request: _Request, fault: Fault) -> None:
    await request.execute()
    await request.answer(_page(fault.status))


async def _delay(request: _Request, fault: Fault) -> None:
    arrived = await request.arrived_whole()
    await asyncio.sleep(fault.seconds)
    await arrived.pass_on()


async def _stale_read(request: _Request, fault: Fault) -> None:
    request.scope[AGE] = fault.seconds
    await request.pass_on()


async def _html(request: _Request, _: Fault) -> None:
    await request.answer(_page(200))


async def _truncated(request: _Request, _: Fault) -> None:
    caught = await request.execute()
    half = caught.body[: len(caught.body) // 2]
    await request.answer(Response(half, caught.start["status"], media_type="application/json"))


async def _cut(request: _Request, _: Fault) -> None:
    caught = await request.execute()
    await request.send(caught.start)
    await request.send({"type": "http.response.body", "body": caught.body[:-1], "more_body": True})
    await request.hang_up()


async def _empty(request: _Request, _: Fault) -> None:
    await request.answer(request.dialect.empty(request.scope["path"]))


def _page(status: int) -> Response:
    return HTMLResponse(_PAGE.format(status), status)


_FAULTS: dict[str, Callable[[_Request, Fault], Awaitable[Any]]] = {
    "drop": _drop,
    "commit_then_drop": _commit_then_drop,
    "status": _status,
    "status_after_commit": _status_after_commit,
    "delay": _delay,
    "stale_read": _stale_read,
    "html": _html,
    "truncated": _truncated,
    "cut": _cut,
    "empty": _empty,
}
