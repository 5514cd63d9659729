"""Requests no faster than a vendor allows.

Belongs here: the spacing of requests on a clock of the test's own.
Does not belong here: a vendor's figures.
"""

import httpx

from resources.psa.pacing import PacedTransport


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
