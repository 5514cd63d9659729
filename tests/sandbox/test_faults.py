"""Faults on real connections: what the client sees, and what the PSA did all the same.

Belongs here: each fault over TCP, and which requests meet it.
Does not belong here: how our adapter takes them.
"""

import socket
import struct
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox.seeds import ADDITION, ADDITIONS, API, ask, replace_quantity, seed
from trueup.sandbox.psa.faults import FaultPlan, faults_from
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


def _patch(running: SandboxHandle, value: int = 15) -> httpx.Response:
    return ask(running.url, ADDITION, method="PATCH", json=replace_quantity(value))


def _meets(running: SandboxHandle, do: str, match: str = ".*", **when: int) -> None:
    running.set_faults({"rules": [{"match": match, "do": do, **when}]})


@pytest.mark.parametrize(("do", "quantity"), [("drop", "10"), ("commit_then_drop", "15"), ("cut", "15")])
def test_an_answer_that_is_lost_tells_nothing_of_the_write(sandbox: SandboxHandle, do: str, quantity: str) -> None:
    _meets(sandbox, do)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        _patch(sandbox)
    assert sandbox.quantity("1") == quantity


def test_a_dropped_connection_is_closed_without_a_byte(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "drop")
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.sendall(f"GET {API}/system/info HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            received = connection.recv(100)
        except ConnectionResetError:
            received = b""
    assert received == b""


@pytest.mark.parametrize(
    ("do", "status", "quantity"),
    [
        ("400", 400, "10"),
        ("401", 401, "10"),
        ("403", 403, "10"),
        ("404", 404, "10"),
        ("409", 409, "10"),
        ("429", 429, "10"),
        ("500", 500, "10"),
        ("502_after_commit", 502, "15"),
        ("500_after_commit", 500, "15"),
    ],
)
def test_a_status_on_request_says_whether_it_was_executed(
    sandbox: SandboxHandle, do: str, status: int, quantity: str
) -> None:
    _meets(sandbox, do)
    answer = _patch(sandbox)
    assert answer.status_code == status
    assert sandbox.quantity("1") == quantity
    is_page = answer.headers["Content-Type"].startswith("text/html")
    assert is_page == (status >= 500)
    assert is_page or answer.json()["message"] == f"Fault {status} on request."


@pytest.mark.parametrize(("do", "seconds"), [("429", "1"), ("429:7s", "7"), ("429:0.2s", "0.2")])
def test_too_many_requests_come_with_a_time_to_wait(sandbox: SandboxHandle, do: str, seconds: str) -> None:
    _meets(sandbox, do)
    assert _patch(sandbox).headers["Retry-After"] == seconds


def test_a_delayed_request_is_executed_after_the_delay(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "delay:0.3s")
    began = time.monotonic()
    assert _patch(sandbox).status_code == 200
    assert time.monotonic() - began >= 0.3
    assert sandbox.quantity("1") == "15"


def test_a_delayed_request_keeps_a_body_that_came_in_pieces(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "delay:0.1s")
    pieces = iter([b'[{"op": "replace", "path": ', b'"quantity", "value": 15}]'])
    kind = {"Content-Type": "application/json"}
    assert ask(sandbox.url, ADDITION, method="PATCH", content=pieces, headers=kind).status_code == 200
    assert sandbox.quantity("1") == "15"


def test_a_client_that_gave_up_does_not_stop_a_delayed_write(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "delay:0.5s", "PATCH")
    with pytest.raises(httpx.ReadTimeout):
        ask(sandbox.url, ADDITION, method="PATCH", json=replace_quantity(15), timeout=0.1)
    assert sandbox.quantity("1") == "10"
    deadline = time.monotonic() + 10
    while sandbox.quantity("1") == "10" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sandbox.quantity("1") == "15"


def test_a_stale_read_shows_the_past_and_passes(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "stale_read:10s", "GET .*additions", nth=1)
    _patch(sandbox)
    assert [ask(sandbox.url, ADDITION).json()["quantity"] for _ in range(2)] == [10, 15]


@pytest.mark.parametrize(("do", "kind"), [("html", "text/html"), ("truncated", "application/json")])
def test_a_broken_answer_comes_under_200(sandbox: SandboxHandle, do: str, kind: str) -> None:
    _meets(sandbox, do)
    answer = ask(sandbox.url, ADDITIONS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_an_empty_answer_is_whole_json(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "empty")
    assert ask(sandbox.url, ADDITIONS).json() == []
    assert ask(sandbox.url, f"{ADDITIONS}/count").json() == {"count": 0}


def test_the_sandbox_s_own_door_meets_no_fault(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "drop")
    assert httpx.get(f"{sandbox.url}/__sandbox/state", trust_env=False).status_code == 200


def test_after_a_dropped_connection_the_sandbox_serves_on(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "drop", nth=1)
    with pytest.raises(httpx.TransportError):
        ask(sandbox.url, ADDITION)
    assert ask(sandbox.url, ADDITION).status_code == 200


def test_a_client_that_resets_its_connection_leaves_the_sandbox_serving(sandbox: SandboxHandle) -> None:
    _meets(sandbox, "delay:0.2s", "GET", nth=1)
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(f"GET {API}/system/info HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert ask(sandbox.url, ADDITION).status_code == 200


def _fates(faults: dict[str, Any], requests: list[str]) -> list[str | None]:
    plan = FaultPlan(faults_from(faults, "faults"))
    met = [plan.next_for(request) for request in requests]
    return [(str(fault.status) if fault.kind == "status" else fault.kind) if fault else None for fault in met]


READ, WRITE = f"GET {API}{ADDITION}", f"PATCH {API}{ADDITION}"


def test_the_nth_match_meets_the_fault_once() -> None:
    faults = {"rules": [{"match": "PATCH .*additions.*", "nth": 2, "do": "drop"}]}
    assert _fates(faults, [WRITE, READ, WRITE, WRITE, WRITE]) == [None, None, "drop", None, None]


def test_every_nth_match_meets_the_fault_again_and_again() -> None:
    faults = {"rules": [{"match": "PATCH", "every": 2, "do": "500"}]}
    assert _fates(faults, [WRITE] * 5) == [None, "500", None, "500", None]


def test_an_earlier_rule_goes_before_a_later_one_and_both_count() -> None:
    rules = [{"match": "PATCH", "nth": 2, "do": "drop"}, {"match": ".", "every": 2, "do": "429"}]
    assert _fates({"rules": rules}, [WRITE, WRITE, READ, READ]) == [None, "drop", None, "429"]


def test_the_dice_are_repeatable_by_their_seed() -> None:
    faults = {"seed": 7, "rate": {"429": 0.2, "drop": 0.1}}
    fates = _fates(faults, [READ] * 400)
    assert fates == _fates(faults, [READ] * 400)
    assert fates != _fates({**faults, "seed": 8}, [READ] * 400)
    assert 50 < fates.count("429") < 110
    assert 10 < fates.count("drop") < 60


def test_a_running_sandbox_may_begin_with_faults() -> None:
    with running_sandbox(seed(), faults={"rules": [{"match": "GET", "do": "403"}]}) as running:
        assert ask(running.url, ADDITION).status_code == 403
        running.set_faults(None)
        assert ask(running.url, ADDITION).status_code == 200
