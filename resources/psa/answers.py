"""From an HTTP answer to exact JSON: numbers stay decimals, and whatever is not the PSA's own words is an error.

Belongs here: status codes and bodies in general, the errors they stand for, the vendor's words inside them.
Does not belong here: fields of a vendor's records (the adapters), sending (``http``).
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx

from resources.psa.errors import Conflict, Forbidden, Gone, PsaError, Refused, Throttled, Unavailable

MOST_WORDS = 300
"""Characters of a vendor's text that are shown: enough for its errors, too few for a page of HTML."""

HIDDEN = "***"


class Redaction:
    """Takes credentials out of texts that came from outside."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: a short secret may be part of a longer one.
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without any of the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


def failure_of(response: httpx.Response, what: str, redact: Redaction) -> PsaError | None:
    """The error that an answer's status stands for, with the vendor's own words; None for success."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Refused(f"{what}: the PSA sends to another address (HTTP {status}); set psa.base_url to the final host")
    said = f"{what}: HTTP {status}{_vendor_words(response, redact)}"
    if status == 429:
        return Throttled(f"{said}; the PSA asks for fewer requests", retry_after(response))
    return _error_class(status)(f"{said}{_ADVICE.get(status, '')}")


_ADVICE = {
    401: "; check the keys and the API member's rights",
    403: "; check the keys and the API member's rights",
    409: "; the record is in use, try again",
}
_CLASSES: dict[int, type[PsaError]] = {
    401: Forbidden,
    403: Forbidden,
    404: Gone,
    408: Unavailable,
    409: Conflict,
    410: Gone,
}


def _error_class(status: int) -> type[PsaError]:
    return Unavailable if status >= 500 else _CLASSES.get(status, Refused)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the PSA asks to wait: from a number, or from a date beside the answer's own; else None."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    until, now = _instant(text), _instant(response.headers.get("Date", ""))
    return max((until - now).total_seconds(), 0.0) if until and now else None


def _instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def json_of(response: httpx.Response, what: str) -> Any:
    """The body as JSON, its fractions as ``Decimal``, never a float.

    Raises ``Unavailable`` for HTML, a body that ends early, NaN, nothing at all: a gateway's page or a broken answer.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Unavailable(f"{what}: the answer is {kind or 'of no stated kind'}, not JSON; is a gateway in between?")
    try:
        return json.loads(response.content, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        size = len(response.content)
        raise Unavailable(f"{what}: the answer is not whole JSON ({size} bytes); it may be cut off") from None


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _vendor_words(response: httpx.Response, redact: Redaction) -> str:
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    words = "; ".join(messages_of(body))
    return f", {redact(words)[:MOST_WORDS]!r}" if words else ""


def messages_of(body: Any) -> list[str]:
    """The texts of an error body: ``{message, errors: [{message}]}``, ``{errors: ["…"]}`` or ``{error: …}``."""
    if not isinstance(body, dict):
        return []
    parts = [part for name in ("error", "errors") for part in _listed(body.get(name))]
    texts = [part.get("message") if isinstance(part, dict) else part for part in (body, *parts)]
    return [text for text in texts if isinstance(text, str) and text]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
