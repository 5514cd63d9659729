"""Syncro, read whole: customers, products, recurring invoices and the lines of those that are not paused.

Belongs here: its headers, paths, pages, and which host belongs to which tenant.
Does not belong here: its fields (``syncro_records``), HTTP in general (``http``), what is written
(``syncro_writing``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import httpx

from pipelines.agreements.records import Agreement, AgreementLine, PsaRecords
from resources.psa.address import checked_base_url, is_loopback_name, stranger
from resources.psa.errors import Gone, Refused, Unavailable
from resources.psa.fields import Record, id_of
from resources.psa.http import Patience, PsaConnection, PsaHttp, Timeouts
from resources.psa.syncro_records import (
    account_from,
    agreement_from,
    is_recurring,
    items_of,
    line_from,
    service_from,
)

API = "/api/v1"

READS = 2
"""How often a list is read before pages that disagree are taken for a fault of the PSA."""

_DOMAINS = ("syncromsp.com", "repairshopr.com")
"""Syncro's, and that of the same system under its other name."""

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)


@dataclass(frozen=True)
class SyncroCredentials:
    """A tenant's name in the host and an API token."""

    subdomain: str
    api_key: str

    def __repr__(self) -> str:
        return f"SyncroCredentials(subdomain={self.subdomain!r}, key hidden)"

    def headers(self) -> dict[str, str]:
        """The headers of every request. Raises ``Refused`` when a credential cannot be used, naming only which."""
        if not _LABEL.fullmatch(self.subdomain):
            raise Refused("the credential subdomain is no name: it is the first part of your host, for example acme")
        if not self.api_key or not self.api_key.isascii() or not self.api_key.isprintable() or " " in self.api_key:
            raise Refused("the credential api_key is empty or has blanks or other characters around it")
        return {"Authorization": f"Bearer {self.api_key}", "Accept": "application/json"}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.api_key,)


class Syncro(PsaConnection):
    """A connection to a Syncro tenant. All its errors are ``PsaError``.

    ``base_url`` is the host root. Raises ``Refused`` when it or the credentials cannot be used at all, and when it is
    the host of another tenant.
    """

    def __init__(
        self,
        base_url: str,
        credentials: SyncroCredentials,
        *,
        allow_loopback: bool = False,
        transport: httpx.BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        headers = credentials.headers()
        host = urlsplit(checked_base_url(base_url, allow_loopback=allow_loopback)).hostname or ""
        if not is_loopback_name(host):
            _check_tenant(host, credentials.subdomain)
        self._http = PsaHttp(
            base_url,
            headers,
            secrets=credentials.secrets(),
            allow_loopback=allow_loopback,
            transport=transport,
            timeouts=timeouts,
            patience=patience,
        )

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the token is not taken, or may not list customers."""
        self._read_page("/customers", "customers", {"page": "1"})

    def read_records(self, today: date) -> PsaRecords:  # noqa: ARG002  asked of every PSA
        """Everything the PSA bills and could bill, or an error: never a part.

        Paused schedules are answered for their names; lines only of the others. Nothing in Syncro depends on
        ``today``: its schedules and their lines have no dates.
        """
        accounts = tuple(map(account_from, self._read_list("/customers", "customers", {"include_disabled": "true"})))
        services = tuple(map(service_from, self._read_list("/products", "products")))
        agreements = tuple(map(agreement_from, self._read_list("/schedules", "schedules")))
        active = (agreement for agreement in agreements if agreement.is_active)
        lines = tuple(line for agreement in active for line in self._read_lines(agreement))
        return PsaRecords(accounts, services, agreements, lines)

    def read_record(self, things: str, number: str) -> Record:
        """One record of a list such as ``schedules``, by its id. Raises ``Gone`` when there is none."""
        path = f"/{things}/{number}"
        answer = self._http.read(f"{API}{path}")
        record = answer.get(things.removesuffix("s")) if isinstance(answer, dict) else None
        if not isinstance(record, dict) or str(id_of(record, f"GET {path}")) != number:
            raise Unavailable(f"GET {path}: the answer is not that record")
        return record

    def _read_lines(self, agreement: Agreement) -> list[AgreementLine]:
        """The recurring lines of an agreement, from its own record: the list's may be shortened."""
        try:
            schedule = self.read_record("schedules", agreement.id)
        except Gone as error:
            raise Unavailable(f"schedule {agreement.id} was removed while it was read: run again") from error
        if agreement_from(schedule) != agreement:
            raise Unavailable(f"schedule {agreement.id} was changed while it was read: run again")
        return [line_from(item, agreement) for item in items_of(schedule) if is_recurring(item)]

    def _read_list(self, path: str, things: str, query: Mapping[str, str] | None = None) -> list[Record]:
        """A whole list, its pages agreeing with each other and with the PSA's own count, where it counts.

        Records that come or go between pages shift the others and make them disagree once; a second time is a fault.
        """
        for _ in range(READS):
            records, problem = self._read_pages(path, things, query or {})
            if problem is None:
                return records
        raise Unavailable(
            f"{path}: {problem}, twice; a part is not used. Run again when nobody edits the PSA, and check the rights "
            "of the API token"
        )

    def _read_pages(self, path: str, things: str, query: Mapping[str, str]) -> tuple[list[Record], str | None]:
        records: list[Record] = []
        seen: set[int] = set()
        totals: set[int | None] = set()
        for number in count(1):
            page = self._read_page(path, things, {**query, "page": str(number)})
            ids = [id_of(record, f"a record of {path}") for record in page.records]
            if len(set(ids)) != len(ids) or not seen.isdisjoint(ids):
                return [], f"page {number} repeats a record"
            records.extend(page.records)
            seen.update(ids)
            totals.add(page.total)
            if page.is_last(number):
                break
        return records, _disagreement(totals, len(records))

    def _read_page(self, path: str, things: str, query: Mapping[str, str]) -> "_Page":
        answer = self._http.read(f"{API}{path}", query)
        records = answer.get(things) if isinstance(answer, dict) else None
        if not isinstance(records, list):
            raise Unavailable(f"{path}: the answer holds no list of {things}, so nothing of it is used")
        meta = answer.get("meta")
        if meta is None:
            return _Page(records, None, None)
        return _Page(records, _whole(meta, "total_entries", path), _whole(meta, "total_pages", path))


@dataclass(frozen=True)
class _Page:
    """One page of a list. ``total`` and ``pages`` are None where the PSA does not count."""

    records: list[Record]
    total: int | None
    pages: int | None

    def is_last(self, number: int) -> bool:
        """Whether no page follows. Without a count only an empty page is known to be the last."""
        return not self.records or (self.pages is not None and number >= self.pages)


def _disagreement(totals: set[int | None], found: int) -> str | None:
    if len(totals) > 1:
        return "the number of records changed between two pages"
    (total,) = totals
    if total is not None and total != found:
        return f"the PSA counts {total} records and gave {found}"
    return None


def _whole(meta: Any, field: str, path: str) -> int:
    value = meta.get(field) if isinstance(meta, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unavailable(f"{path}: the PSA's answer counts in no whole {field}, so nothing of it is used")
    return value


def _check_tenant(host: str, subdomain: str) -> None:
    label, _, domain = host.partition(".")
    if label != subdomain.lower():
        raise Refused(
            f"psa.base_url is the host {host}, and the credential subdomain is {subdomain}: the token would go to "
            f"another tenant. Set psa.base_url to https://{subdomain.lower()}.syncromsp.com, or correct the subdomain"
        )
    if domain not in _DOMAINS:
        raise stranger(host, "Syncro", _DOMAINS)
