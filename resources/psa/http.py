"""HTTP as PSA adapters need it: reads retried politely, writes sent once, every failure in our words.

Belongs here: timeouts, retries, redirects, the client's life, translating what httpx raises.
Does not belong here: a vendor's paths, headers and fields; what an answer means (``answers``).
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import stamina
from stamina.instrumentation import LoggingOnRetryHook, set_on_retry_hooks

from resources.psa.address import checked_base_url, connection_guard
from resources.psa.answers import Redaction, failure_of, json_of
from resources.psa.errors import PsaError, Refused, Throttled, Unavailable, Unreachable

# By default retries are logged through structlog, whose default is stdout: there a command's JSON goes.
set_on_retry_hooks([LoggingOnRetryHook])

FailureOf = Callable[[httpx.Response, str, Redaction], PsaError | None]
"""What a vendor's failed answer stands for: see ``answers.failure_of``, which most vendors need only extend."""

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Timeouts:
    """Seconds to wait for each step of a request. ``read`` is the longest silence, not the whole answer."""

    connect: float = 10
    read: float = 60
    write: float = 30
    pool: float = 10


@dataclass(frozen=True)
class Patience:
    """How long a read is tried. A PSA that asks to wait is obeyed up to ``max_retry_wait`` seconds."""

    attempts: int = 5
    first_wait: float = 1
    max_wait: float = 30
    max_retry_wait: float = 120


class PsaHttp:
    """A client of one PSA host. One per run; not for several threads at once.

    ``auth`` fetches what a vendor wants fetched before it answers (a token); it travels through the same client.
    Raises ``Refused`` when the base URL may not be used.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        secrets: tuple[str, ...],
        allow_loopback: bool = False,
        transport: httpx.BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
        auth: httpx.Auth | None = None,
        failure: FailureOf = failure_of,
    ) -> None:
        self._redact = Redaction(secrets)
        self._failure_of = failure
        self._timeouts = timeouts or Timeouts()
        self._patience = patience or Patience()
        self._guard = connection_guard(allow_loopback=allow_loopback)
        self._client = httpx.Client(
            base_url=checked_base_url(base_url, allow_loopback=allow_loopback),
            headers=headers,
            timeout=httpx.Timeout(**vars(self._timeouts)),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
            auth=auth,
        )

    def read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON at a path, its fractions as ``Decimal``.

        Tried again where that may help; raises ``PsaError`` when it did not.
        """
        return self._read("GET", path, params=query)

    def query(self, path: str, body: bytes) -> Any:
        """The JSON that answers a question put as a POST, for vendors whose queries are one. It must change nothing.

        Tried again as ``read`` is: by what it is for, not by its verb.
        """
        return self._read("POST", path, content=body, headers=_JSON)

    def write(self, method: str, path: str, body: bytes) -> Any:
        """Send a JSON body exactly once, whatever happens, and answer with the JSON that came back.

        Raises ``PsaError``; after ``Unavailable`` (but ``Unreachable``) nobody knows whether the PSA executed it.
        """
        what = f"{method} {path}"
        return json_of(self._answer(method, path, what, content=body, headers=_JSON), what)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, method: str, path: str, **request: Any) -> Any:
        what = f"{method} {path}"
        for attempt in self._attempts():
            with attempt:
                return json_of(self._answer(method, path, what, **request), what)
        raise AssertionError("retries end with an answer or an error")

    def _attempts(self) -> Iterable[stamina.Attempt]:
        patience = self._patience
        return stamina.retry_context(
            on=self._wait_before_retry,
            attempts=patience.attempts,
            timeout=None,
            wait_initial=patience.first_wait,
            wait_max=patience.max_wait,
            wait_jitter=patience.first_wait,
        )

    def _wait_before_retry(self, error: Exception) -> bool | float:
        """Seconds to wait, True for the usual growing wait, False to give up."""
        if isinstance(error, Throttled) and error.retry_after is not None:
            return min(error.retry_after, self._patience.max_retry_wait)
        return isinstance(error, PsaError) and error.would_retry_help

    def _answer(self, method: str, path: str, what: str, **request: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, extensions={"trace": self._guard}, **request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            # "from None": a library's text may quote a header, and headers hold credentials.
            raise failure_from(error, what, self._timeouts) from None
        failure = self._failure_of(response, what, self._redact)
        if failure:
            raise failure
        return response


class PsaConnection:
    """What a connection to any vendor is beside its reads: a request sent once, and an end. It owns its client."""

    _http: PsaHttp

    def write_once(self, method: str, path: str, body: bytes) -> None:
        """Send one request. Raises ``PsaError``; see ``PsaHttp.write`` for what each says about the outcome."""
        self._http.write(method, path, body)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_Explain = Callable[[Timeouts], str]
_FAILURES: tuple[tuple[type[Exception], type[PsaError], _Explain], ...] = (
    (httpx.ConnectTimeout, Unreachable, lambda t: f"the PSA cannot be reached within {t.connect:g} s"),
    (httpx.PoolTimeout, Unreachable, lambda t: f"no connection became free within {t.pool:g} s"),
    (httpx.WriteTimeout, Unavailable, lambda t: f"the PSA took no data for {t.write:g} s"),
    (httpx.TimeoutException, Unavailable, lambda t: f"the PSA did not answer for {t.read:g} s"),
    (httpx.ConnectError, Unreachable, lambda _: "the PSA cannot be reached: check psa.base_url and the network"),
    (httpx.NetworkError, Unavailable, lambda _: "the connection broke before the whole answer had come"),
    (httpx.RemoteProtocolError, Unavailable, lambda _: "the connection was closed before the whole answer had come"),
    (httpx.ProxyError, Unavailable, lambda _: "a proxy did not let the request through"),
    (httpx.DecodingError, Unavailable, lambda _: "the answer's compression is broken"),
    (httpx.UnsupportedProtocol, Refused, lambda _: "psa.base_url must be https"),
    (httpx.InvalidURL, Refused, lambda _: "psa.base_url is no address"),
    (httpx.TooManyRedirects, Refused, lambda _: "the PSA sends in circles; set psa.base_url to the final host"),
    (httpx.LocalProtocolError, Refused, lambda _: "the request cannot be sent: a credential may hold a bad character"),
    (httpx.StreamError, Refused, lambda _: "the answer was read twice, which is a fault of TrueUp"),
)
"""What each failure of the network is in our words. The first that fits wins, so the special stand first."""


def failure_from(error: Exception, what: str, timeouts: Timeouts) -> PsaError:
    """Our error for one of httpx's. Its own text is left out: it may quote credentials."""
    if _is_about_certificate(error):
        return Refused(f"{what}: the certificate of the PSA's host is not trusted by this machine")
    for kind, ours, explain in _FAILURES:
        if isinstance(error, kind):
            return ours(f"{what}: {explain(timeouts)}")
    return Unavailable(f"{what}: the request failed ({type(error).__name__})")


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
