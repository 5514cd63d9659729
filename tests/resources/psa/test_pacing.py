"""Requests no faster than a vendor allows.

Belongs here: the spacing of requests on a clock of the test's own, and among real processes.
Does not belong here: a vendor's figures.
"""

import multiprocessing
import time
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import pytest

from resources.psa.errors import Unreachable
from resources.psa.pacing import PacedTransport, SharedTurns

INTERVAL = 0.1
ANSWER = 0.15


class Watch:
    """A clock that only moves when somebody sleeps or the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_requests_are_spread_evenly_and_nobody_waits_who_comes_late() -> None:
    watch, sent = Watch(), list[float]()

    def answer(_: httpx.Request) -> httpx.Response:
        sent.append(watch.now)
        return httpx.Response(200)

    paced = PacedTransport(httpx.MockTransport(answer), 0.5, clock=lambda: watch.now, sleep=watch.sleep)
    with httpx.Client(transport=paced, base_url="https://psa.example") as client:
        client.get("/1")
        client.get("/2")
        watch.now += 0.125
        client.get("/3")
        watch.now += 60
        client.get("/4")
    assert sent == [100.0, 100.5, 101.0, 161.0]
    assert watch.slept == [0.5, 0.375]


def test_who_comes_late_makes_up_for_as_much_as_is_allowed() -> None:
    watch, sent = Watch(), list[float]()

    def answer(_: httpx.Request) -> httpx.Response:
        sent.append(watch.now)
        return httpx.Response(200)

    inner = httpx.MockTransport(answer)
    paced = PacedTransport(inner, 0.5, clock=lambda: watch.now, sleep=watch.sleep, slack=1)
    with httpx.Client(transport=paced, base_url="https://psa.example") as client:
        client.get("/1")
        watch.now += 60
        for number in range(2, 7):
            client.get(f"/{number}")
    assert sent == [100.0, 160.0, 160.0, 160.0, 160.5, 161.0]


def test_closing_closes_the_transport_inside() -> None:
    class Inner(httpx.MockTransport):
        closed = False

        def close(self) -> None:
            self.closed = True

    inner = Inner(lambda _: httpx.Response(200))
    PacedTransport(inner, 1, clock=lambda: 0.0, sleep=lambda _: None).close()
    assert inner.closed


def ask(file: Path, noted: Path, requests: int, answer_seconds: float, is_one_in_flight: bool) -> None:
    """What a process does that asks a PSA: each of its requests is noted with the instants of sending and answer."""

    def answer(_: httpx.Request) -> httpx.Response:
        sent_at = time.time()
        (noted / "begun").touch()
        time.sleep(answer_seconds)
        with (noted / "requests").open("a") as notes:
            notes.write(f"{sent_at} {time.time()}\n")
        return httpx.Response(200)

    turns = SharedTurns(file, is_one_in_flight=is_one_in_flight)
    inner = httpx.MockTransport(answer)
    paced = PacedTransport(inner, INTERVAL, clock=time.time, sleep=time.sleep, turns=turns)
    with httpx.Client(transport=paced, base_url="https://psa.example") as client:
        for number in range(requests):
            client.get(f"/{number}")


def started(*arguments: object) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=ask, args=arguments)
    process.start()
    return process


@pytest.mark.parametrize("is_one_in_flight", [False, True], ids=["some in flight", "one in flight"])
def test_two_processes_of_a_tenant_keep_one_pace(tmp_path: Path, is_one_in_flight: bool) -> None:
    file, each = tmp_path / "pace" / "acme.turn", 8
    noted = [tmp_path / "copy", tmp_path / "writeback"]
    for folder in noted:
        folder.mkdir()
    processes = [started(file, folder, each, ANSWER, is_one_in_flight) for folder in noted]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    by_process = [[line.split() for line in (folder / "requests").read_text().splitlines()] for folder in noted]
    requests = sorted((float(sent), float(answered)) for lines in by_process for sent, answered in lines)
    assert len(requests) == 2 * each
    # Less what the machine may be late with a request that had its turn.
    assert requests[-1][0] - requests[0][0] > INTERVAL * (len(requests) - 1) - INTERVAL
    overlaps = [after for before, after in pairwise(requests) if after[0] < before[1]]
    assert not is_one_in_flight or not overlaps


def test_the_turn_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    file = tmp_path / "acme.turn"
    process = started(file, tmp_path, 1, 600, True)
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    waiting = SharedTurns(file, is_one_in_flight=True, longest_wait=0.1)
    with pytest.raises(Unreachable) as caught, waiting.taken(lambda _: 0, INTERVAL):
        pass
    assert "another run of this machine kept its turn to ask the PSA for 0.1 s" in str(caught.value)
    process.kill()
    process.join()
    with waiting.taken(lambda _: 7, INTERVAL) as turn:
        assert turn == 7


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\x00{}", id="bytes"),
        pytest.param(b"nan", id="no number"),
        pytest.param(b"9e99", id="an instant that never comes"),
        pytest.param(b"3700.0", id="an hour ahead, of a clock that was set back"),
    ],
)
def test_a_file_that_holds_rubbish_is_begun_anew(tmp_path: Path, rubbish: bytes) -> None:
    file, watch = tmp_path / "acme.turn", Watch()
    file.write_bytes(rubbish)
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    turns = SharedTurns(file)
    paced = PacedTransport(inner, 0.5, clock=lambda: watch.now, sleep=watch.sleep, turns=turns)
    with httpx.Client(transport=paced, base_url="https://psa.example") as client:
        client.get("/1")
        assert (watch.slept, file.read_text()) == ([], "100.500000\n")
        client.get("/2")
    assert watch.slept == [0.5]


def test_nothing_is_sent_where_turns_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "pace").touch()
    with pytest.raises(Unreachable, match="cannot be used"), SharedTurns(tmp_path / "pace" / "x").taken(lambda _: 0, 1):
        pass
