"""HTTP as the adapters get it: retries, one write, every failure in our words, no secret anywhere.

Belongs here: the client over the sandbox and over transports that misbehave.
Does not belong here: a vendor's records.
"""

import json
import logging
import ssl
import time
import traceback
from collections.abc import Callable, Iterator

import httpx
import pytest

from pipelines.agreements.copy import PsaUnavailable
from resources.psa import errors
from resources.psa.answers import Redaction, retry_after
from resources.psa.connectwise import ACCEPT
from resources.psa.errors import Conflict, Forbidden, Gone, PsaError, Refused, Throttled, Unavailable, Unreachable
from resources.psa.http import Patience, PsaHttp, Timeouts, failure_from
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.connectwise_contract import under_contract
from tests.sandbox.seeds import ADDITION, API, headers, replace_quantity
from trueup.sandbox.psa.running import SandboxHandle

SECRET = "canary-4711"
Answer = Callable[[httpx.Request], httpx.Response]


def _client(answer: Answer, patience: Patience = QUICK, timeouts: Timeouts | None = None) -> PsaHttp:
    return PsaHttp(
        "https://psa.example",
        {"Authorization": SECRET},
        secrets=(SECRET,),
        transport=httpx.MockTransport(answer),
        patience=patience,
        timeouts=timeouts,
    )


def _to(sandbox: SandboxHandle, transport: httpx.BaseTransport, patience: Patience = QUICK) -> PsaHttp:
    given = {**headers(), "Accept": ACCEPT}
    return PsaHttp(sandbox.url, given, secrets=(), allow_loopback=True, transport=transport, patience=patience)


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


HTTPX_ERRORS = sorted(
    {each for base in (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) for each in _subclasses(base)},
    key=lambda each: each.__name__,
)
GIVEN_UP = {"UnsupportedProtocol", "InvalidURL", "TooManyRedirects", "LocalProtocolError"} | {
    each.__name__ for each in _subclasses(httpx.StreamError)
}
NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout"}
"""No connection came about. Whatever else fails may have been executed by then."""


def _instance(kind: type[Exception]) -> Exception:
    request = httpx.Request("GET", "https://psa.example", headers={"Authorization": SECRET})
    for arguments in ((SECRET,), ()):
        try:
            error = kind(*arguments)
        except TypeError:
            continue
        if isinstance(error, httpx.RequestError):
            error.request = request
        return error
    return httpx.HTTPStatusError(SECRET, request=request, response=httpx.Response(500, request=request))


@pytest.mark.parametrize("kind", HTTPX_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_of_the_http_library_becomes_one_of_ours_without_its_text(kind: type[Exception]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise _instance(kind)

    with _client(fail) as client, pytest.raises(PsaError) as caught:
        client.read("/things")
    assert isinstance(caught.value, Refused if kind.__name__ in GIVEN_UP else Unavailable)
    assert isinstance(caught.value, Unreachable) == (kind.__name__ in NOT_SENT)
    assert str(caught.value).startswith("GET /things: ")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_timeouts_are_told_with_their_seconds() -> None:
    timeouts = Timeouts(connect=1, read=2.5, write=3, pool=4)
    told = [
        str(failure_from(error("x"), "GET /x", timeouts))
        for error in (httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout)
    ]
    assert told == [
        "GET /x: the PSA cannot be reached within 1 s",
        "GET /x: the PSA did not answer for 2.5 s",
        "GET /x: the PSA took no data for 3 s",
        "GET /x: no connection became free within 4 s",
    ]


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    asked: list[httpx.Request] = []

    def distrust(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("handshake") from ssl.SSLCertVerificationError("self-signed")

    with _client(distrust) as client, pytest.raises(Refused, match="the certificate of the PSA's host is not trusted"):
        client.read("/things")
    assert len(asked) == 1


def test_each_error_says_whether_a_rerun_would_help() -> None:
    helps = {kind.__name__: kind.would_retry_help for kind in _subclasses(PsaError) if issubclass(kind, PsaError)}
    assert helps == {
        "PsaError": False,
        "Refused": False,
        "Forbidden": False,
        "Gone": False,
        "Conflict": True,
        "Unavailable": True,
        "ToldFault": True,
        "Unreachable": True,
        "Throttled": True,
    }
    assert issubclass(errors.PsaError, PsaUnavailable)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (302, Refused, "the PSA sends to another address (HTTP 302)"),
        (400, Refused, "HTTP 400, 'no; not this; nor that'"),
        (401, Forbidden, "check the keys and the API member's rights"),
        (403, Forbidden, "check the keys and the API member's rights"),
        (404, Gone, "HTTP 404"),
        (405, Refused, "HTTP 405"),
        (408, Unavailable, "HTTP 408"),
        (409, Conflict, "the record is in use"),
        (410, Gone, "HTTP 410"),
        (415, Refused, "HTTP 415"),
        (422, Refused, "HTTP 422"),
        (429, Throttled, "the PSA asks for fewer requests"),
        (500, Unavailable, "HTTP 500"),
        (503, Unavailable, "HTTP 503"),
    ],
)
def test_each_status_becomes_an_error_with_the_vendor_s_words(status: int, kind: type[PsaError], words: str) -> None:
    body = {"code": "X", "message": "no", "errors": [{"message": "not this"}, "nor that", 7]}
    with _client(lambda _: httpx.Response(status, json=body)) as client, pytest.raises(PsaError) as caught:
        client.read("/things")
    assert type(caught.value) is kind
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errors": ["no such contract", "nor service"]}, "no such contract; nor service"),
        ({"error": ["Quantity is not a number"]}, "Quantity is not a number"),
        ({"error": {"message": "expired"}}, "expired"),
        ({"error": "expired", "errors": None}, "expired"),
    ],
)
def test_the_words_of_an_error_are_found_in_any_vendor_s_shape(body: object, words: str) -> None:
    with _client(lambda _: httpx.Response(422, json=body)) as client, pytest.raises(Refused) as caught:
        client.read("/things")
    assert f"{words!r}" in str(caught.value)


def test_a_question_put_as_a_post_is_asked_again_like_any_read() -> None:
    asked: list[tuple[str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.content))
        return httpx.Response(200, json={"items": []}) if len(asked) == 2 else httpx.Response(503)

    with _client(answer) as client:
        assert client.query("/things/query", b'{"filter":[]}') == {"items": []}
    assert asked == [("POST", b'{"filter":[]}')] * 2


@pytest.mark.parametrize("body", [b"<html>", b'"text"', b"[]", b'{"message": 5}', b"\xff"])
def test_an_error_without_words_is_told_by_its_status(body: bytes) -> None:
    with _client(lambda _: httpx.Response(400, content=body)) as client, pytest.raises(Refused) as caught:
        client.read("/things")
    assert str(caught.value) == "GET /things: HTTP 400"


def test_a_redirect_is_never_followed_with_credentials() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})

    with _client(answer) as client, pytest.raises(Refused, match=r"set psa\.base_url to the final host"):
        client.read("/things")
    assert asked == ["psa.example"]


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        pytest.param(b"<html></html>", "text/html", "the answer is text/html, not JSON", id="HTML"),
        pytest.param(b"", "", "of no stated kind, not JSON", id="nothing"),
        pytest.param(b"", "application/json", "not whole JSON (0 bytes)", id="no bytes"),
        pytest.param(b'[{"id": 1}, {"id"', "application/json", "not whole JSON (17 bytes)", id="cut off"),
        pytest.param(b"[NaN]", "application/json", "not whole JSON", id="NaN"),
        pytest.param(b"\xff\xfe\xfd", "application/json", "not whole JSON", id="bytes that are no text"),
        pytest.param(b"[" * 100_000, "application/vnd.x+json; version=1", "not whole JSON", id="too deep"),
    ],
)
def test_an_answer_that_is_not_whole_json_is_no_answer(content: bytes, kind: str, words: str) -> None:
    answer = httpx.Response(200, content=content, headers={"Content-Type": kind})
    with _client(lambda _: answer) as client, pytest.raises(Unavailable) as caught:
        client.read("/things")
    assert words in str(caught.value)


def test_a_read_is_tried_again_until_patience_ends(sandbox: SandboxHandle) -> None:
    judged = under_contract()
    sandbox.set_faults({"rules": [{"match": "GET", "do": "500"}]})
    with _to(sandbox, judged) as client, pytest.raises(Unavailable, match="HTTP 500"):
        client.read(f"{API}/system/info")
    assert len(judged.exchanges) == QUICK.attempts


def test_a_read_succeeds_when_the_fault_passes(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "GET", "nth": 1, "do": "drop"}, {"match": "GET", "nth": 2, "do": "500"}]})
    with _to(sandbox, under_contract()) as client:
        assert client.read(f"{API}/system/info")["version"] == "v2025.1"


@pytest.mark.parametrize("do", ["400", "401", "403", "404"])
def test_a_refusal_is_final(sandbox: SandboxHandle, do: str) -> None:
    judged = under_contract()
    sandbox.set_faults({"rules": [{"match": "GET", "do": do}]})
    with _to(sandbox, judged) as client, pytest.raises(PsaError):
        client.read(f"{API}/system/info")
    assert len(judged.exchanges) == 1


def test_the_time_that_the_psa_asks_to_wait_is_waited(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "GET", "nth": 1, "do": "429:0.6s"}]})
    began = time.monotonic()
    with _to(sandbox, under_contract()) as client:
        client.read(f"{API}/system/info")
    assert time.monotonic() - began >= 0.6


def test_a_wait_is_never_longer_than_patience(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "GET", "nth": 1, "do": "429:3600s"}]})
    began = time.monotonic()
    with _to(sandbox, under_contract(), Patience(attempts=2, max_retry_wait=0.05)) as client:
        client.read(f"{API}/system/info")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "Tue, 03 Nov 2026 10:00:30 GMT", "Date": "Tue, 03 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "Tue, 03 Nov 2026 09:00:00 GMT", "Date": "Tue, 03 Nov 2026 10:00:00 GMT"}, 0),
        ({"Retry-After": "Tue, 03 Nov 2026 10:00:30 -0000", "Date": "Tue, 03 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "Tue, 03 Nov 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "."}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_a_number_or_a_date(given: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers=given)) == seconds


def test_too_many_requests_without_a_time_are_tried_again_all_the_same() -> None:
    answers = iter([httpx.Response(429), httpx.Response(200, json={"ok": 1})])
    with _client(lambda _: next(answers)) as client:
        assert client.read("/things") == {"ok": 1}


@pytest.mark.parametrize(
    ("do", "kind", "quantity"),
    [
        ("500", Unavailable, "10"),
        ("502_after_commit", Unavailable, "15"),
        ("drop", Unavailable, "10"),
        ("commit_then_drop", Unavailable, "15"),
        ("cut", Unavailable, "15"),
        ("truncated", Unavailable, "15"),
        ("html", Unavailable, "10"),
        ("429:0s", Throttled, "10"),
        ("409", Conflict, "10"),
        ("403", Forbidden, "10"),
        ("404", Gone, "10"),
        ("400", Refused, "10"),
    ],
)
def test_a_write_is_sent_once_whatever_happens(
    sandbox: SandboxHandle, do: str, kind: type[PsaError], quantity: str
) -> None:
    sandbox.set_faults({"rules": [{"match": "PATCH", "nth": 1, "do": do}]})
    body = json.dumps(replace_quantity(15)).encode()
    with _to(sandbox, under_contract(judges_answers=False)) as client, pytest.raises(PsaError) as caught:
        client.write("PATCH", f"{API}{ADDITION}", body)
    assert type(caught.value) is kind
    assert sandbox.quantity("1") == quantity
    assert len(sandbox.writes()) == (quantity == "15")


def test_a_write_answers_with_what_came_back(sandbox: SandboxHandle) -> None:
    with _to(sandbox, under_contract()) as client:
        answer = client.write("PATCH", f"{API}{ADDITION}", json.dumps(replace_quantity(15)).encode())
    assert answer["quantity"] == 15


def test_a_vendor_s_text_that_quotes_a_credential_is_shown_without_it() -> None:
    body = {"message": f"user {SECRET} is unknown " + "x" * 1000}
    with _client(lambda _: httpx.Response(400, json=body)) as client, pytest.raises(Refused) as caught:
        client.read("/things")
    assert "user *** is unknown" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_secret_inside_another_leaves_no_rest() -> None:
    assert Redaction(["abc", "", "abcdef"])("xabcdefx abc") == "x***x ***"


def test_retries_are_logged_beside_a_command_s_output_never_into_it(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), _client(lambda _: httpx.Response(500)) as client, pytest.raises(Unavailable):
        client.read("/things")
    assert capsys.readouterr().out == ""
    assert "stamina.retry_scheduled" in caplog.text
    assert SECRET not in caplog.text


def test_the_environment_cannot_send_requests_elsewhere(
    sandbox: SandboxHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with PsaHttp(sandbox.url, headers(), secrets=(), allow_loopback=True, patience=QUICK) as client:
        assert client.read(f"{API}/system/info")["version"] == "v2025.1"
