"""Autotask PSA, read whole: companies, services, contracts, and the contract services with their units.

Belongs here: its headers, zone, paths, paging, shared allowance, and the words for its oddities.
Does not belong here: its fields (``autotask_records``), HTTP in general (``http``), what is written
(``autotask_writing``).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import httpx

from pipelines.agreements.records import PsaRecords
from resources.psa.address import checked_base_url, is_loopback_name, stranger
from resources.psa.answers import Redaction, failure_of, messages_of, retry_after
from resources.psa.autotask_allowance import Allowance
from resources.psa.autotask_records import (
    Labels,
    UnitsRow,
    account_from,
    agreement_from,
    agreement_id_of,
    copied_line,
    labels_from,
    rows_by_line,
    service_from,
)
from resources.psa.errors import Forbidden, Gone, PsaError, Refused, Throttled, ToldFault, Unavailable
from resources.psa.fields import Record, id_of, in_parts
from resources.psa.http import Patience, PsaConnection, PsaHttp, Timeouts

API = "/ATServicesRest/V1.0"
PAGE_SIZE = 500
"""The vendor's hard maximum."""

READS = 2
"""How often a list is read before a count that disagrees is taken for a fault of the PSA."""

VALUES_PER_QUESTION = 200
"""Ids in one list of a filter: well below the vendor's limit of 500 conditions."""

THREADS_EXCEEDED = "Itgenatr005"
"""The vendor's word for too many requests at once, which may come under any status."""

_DOMAIN = "autotask.net"
_WINDOW = timedelta(days=1)

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class AutotaskCredentials:
    """An API user's keys. ``company_id`` is the database's client number, which no request bears."""

    company_id: str
    username: str
    secret: str
    integration_code: str

    def __repr__(self) -> str:
        return f"AutotaskCredentials(company_id={self.company_id!r}, keys hidden)"

    def headers(self) -> dict[str, str]:
        """The headers of every request. Raises ``Refused`` when a credential cannot be sent, naming only which."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value or not value.isascii() or not value.isprintable() or value != value.strip():
                raise Refused(f"the credential {field.name} is empty or has blanks or other characters around it")
        return {"ApiIntegrationCode": self.integration_code, "UserName": self.username, "Secret": self.secret}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.username, self.secret, self.integration_code)


def autotask_failure(response: httpx.Response, what: str, redact: Redaction) -> PsaError | None:
    """What an answer of Autotask's says went wrong; None for success.

    It tells broken rules, and wrong credentials, under status 500 in its own words.
    """
    usual = failure_of(response, what, redact)
    messages = _messages(response) if usual or THREADS_EXCEEDED.encode() in response.content else []
    if any(THREADS_EXCEEDED.casefold() in message.casefold() for message in messages):
        return Throttled(f"{what}: {THREADS_EXCEEDED}, too many requests at once; try again", retry_after(response))
    if response.status_code == 500 and messages:
        return ToldFault(str(usual))
    return usual


def _messages(response: httpx.Response) -> list[str]:
    try:
        return messages_of(json.loads(response.content))
    except (ValueError, RecursionError):
        return []


class Autotask(PsaConnection):
    """A connection to an Autotask tenant. All its errors are ``PsaError``.

    ``base_url`` is the root of the tenant's zone host. Requests go one after the other, so of the three that the
    vendor allows at a time at most one is ours. Raises ``Refused`` when it or the credentials cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        credentials: AutotaskCredentials,
        *,
        allow_loopback: bool = False,
        transport: httpx.BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        headers = credentials.headers()
        host, _ = _host(checked_base_url(base_url, allow_loopback=allow_loopback))
        if not is_loopback_name(host) and not host.endswith(f".{_DOMAIN}"):
            raise stranger(host, "Autotask", (_DOMAIN,))
        self._http = PsaHttp(
            base_url,
            headers,
            secrets=credentials.secrets(),
            allow_loopback=allow_loopback,
            transport=transport,
            timeouts=timeouts,
            patience=patience,
            failure=autotask_failure,
        )
        self._base_url = base_url
        self._company_id = credentials.company_id
        self._user = credentials.username
        self._allowance = Allowance(lambda: self._http.read(f"{API}/ThresholdInformation"))
        self._labels: Labels | None = None
        self._is_checked = False

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are wrong or belong to another database than the one named.

        Autotask may tell wrong credentials as a fault of the server, so its own words on these first calls are taken
        for that. Raises ``Throttled`` when the tenant's calls are used up.
        """
        try:
            self._check_zone(self._http.read(f"{API}/ZoneInformation", {"user": self._user}))
            self._allowance.look()
        except ToldFault as fault:
            raise Forbidden(f"the PSA does not take these credentials: {fault}; check user name and secret") from fault
        except Gone as gone:
            raise Refused(f"the host does not answer as Autotask does: check psa.base_url ({gone})") from gone
        self._is_checked = True

    def check_once(self) -> None:
        """``check_connection``, unless it was passed before by this connection."""
        if not self._is_checked:
            self.check_connection()

    def read_records(self, today: date) -> PsaRecords:
        """Everything the PSA bills and could bill, or an error: never a part.

        All contracts are answered, for their names; lines only of those that are active on ``today``. A line's
        quantity is what holds on the first day of the next month: what the next change would meet.
        """
        self.check_connection()
        labels = self.labels()
        accounts = tuple(account_from(company, labels) for company in self._read_list("Companies"))
        services = tuple(service_from(item) for item in self._read_list("Services"))
        agreements = tuple(agreement_from(each, labels, today) for each in self._read_list("Contracts"))
        active = {agreement.id: agreement for agreement in agreements if agreement.is_active}
        billed = [each for each in self._read_list("ContractServices") if agreement_id_of(each) in active]
        day = first_of_next_month(today)
        rows = self._rows_at(day, [id_of(each, "a contract service") for each in billed])
        lines = (copied_line(each, active[agreement_id_of(each)], rows, day) for each in billed)
        return PsaRecords(accounts, services, agreements, tuple(lines))

    def labels(self) -> Labels:
        """What the tenant's picklists mean, read once by each connection."""
        if self._labels is None:
            self._labels = labels_from(*(self._read_fields(entity) for entity in ("Companies", "Contracts")))
        return self._labels

    def read_record(self, entity: str, number: str) -> Record:
        """One record by its id. Raises ``Gone`` when there is none, which Autotask tells as an item of null."""
        what = f"/{entity}/{number}"
        answer = self._read(what)
        if not isinstance(answer, dict) or "item" not in answer:
            raise Unavailable(f"GET {what}: the answer holds no item")
        record = answer["item"]
        if record is None:
            raise Gone(f"GET {what}: the PSA has no such record")
        if str(id_of(record, f"the answer to GET {what}")) != number:
            raise Unavailable(f"GET {what}: the answer is another record")
        return dict(record)

    def read_matching(self, entity: str, filters: Sequence[Filter]) -> list[Record]:
        """The records that meet all filters, to the last page."""
        records: list[Record] = []
        # From 0 on, itself included: the tenant's own company may bear that id.
        start: Filter = {"op": "gte", "field": "id", "value": 0}
        while True:
            page, has_more = self._read_page(entity, [start, *filters])
            records.extend(page)
            if not has_more:
                return records
            start = {"op": "gt", "field": "id", "value": id_of(page[-1], "a record")}

    def read_some(
        self, entity: str, ids: Iterable[str | int], *, field: str = "id", more: Sequence[Filter] = ()
    ) -> list[Record]:
        """The records whose ``field`` is one of these ids and that meet the other filters; none for no ids."""
        return [
            record
            for part in in_parts(ids, VALUES_PER_QUESTION)
            for record in self.read_matching(entity, [{"op": "in", "field": field, "value": part}, *more])
        ]

    def write_once(self, method: str, path: str, body: bytes) -> None:
        """Send one request, as every vendor's; it counts as a call, and the next question asks what is left."""
        self._allowance.count()
        super().write_once(method, path, body)

    def _check_zone(self, zone: Any) -> None:
        url = zone.get("url") if isinstance(zone, dict) else None
        if not isinstance(url, str) or "ci" not in zone:
            raise Unavailable("GET /ZoneInformation does not answer as Autotask does: check psa.base_url")
        if _host(url) != _host(self._base_url):
            raise Refused(_other_zone(url))
        if str(zone["ci"]) != self._company_id:
            raise Forbidden(
                f"these credentials belong to the Autotask database {zone['ci']!s:.40}, and the company id names "
                f"{self._company_id}: set the company id, or the keys of that database"
            )

    def _read(self, path: str) -> Any:
        self._allowance.spend()
        return self._http.read(f"{API}{path}")

    def _read_fields(self, entity: str) -> Any:
        try:
            return self._read(f"/{entity}/entityInformation/fields")
        except Gone as gone:
            # A path that is not there says nothing about any record.
            raise Unavailable(str(gone)) from gone

    def _ask(self, path: str, question: Mapping[str, Any]) -> Any:
        self._allowance.spend()
        try:
            return self._http.query(f"{API}{path}", json.dumps(question).encode())
        except Gone as gone:
            raise Unavailable(str(gone)) from gone

    def _read_list(self, entity: str, filters: Sequence[Filter] = ()) -> list[Record]:
        """A whole list, its length agreeing with the PSA's own count.

        Records that come or go between the pages and the count make them differ once; a second time is a fault.
        """
        for _ in range(READS):
            records = self.read_matching(entity, filters)
            total = self._count(entity, filters)
            if len(records) == total:
                return records
        raise Unavailable(
            f"{entity}: the PSA counts {total} records and gave {len(records)}, twice; a part is not used. Run again "
            f"when nobody edits the PSA, and check the API user's security level"
        )

    def _read_page(self, entity: str, filters: Sequence[Filter]) -> tuple[list[Record], bool]:
        """A page, and whether there is another one. The vendor's address of the next page is never followed."""
        answer = self._ask(f"/{entity}/query", {"filter": filters, "maxRecords": PAGE_SIZE})
        page = answer.get("items") if isinstance(answer, dict) else None
        if not isinstance(page, list):
            raise Unavailable(f"{entity}: the PSA's answer holds no list, so nothing of it is used")
        least = filters[0]["value"] + (filters[0]["op"] == "gt")
        ids = [least - 1, *(id_of(record, f"a record of {entity}") for record in page)]
        if any(left >= right for left, right in pairwise(ids)):
            raise Unavailable(f"{entity}: the page from id {least} on is out of order or repeats a record")
        details = answer.get("pageDetails")
        names_another = isinstance(details, dict) and bool(details.get("nextPageUrl"))
        return page, bool(page) and (len(page) >= PAGE_SIZE or names_another)

    def _count(self, entity: str, filters: Sequence[Filter]) -> int:
        start = {"op": "gte", "field": "id", "value": 0}
        answer = self._ask(f"/{entity}/query/count", {"filter": [start, *filters]})
        count = answer.get("queryCount") if isinstance(answer, dict) else None
        if isinstance(count, bool) or not isinstance(count, int):
            raise Unavailable(f"{entity}: the PSA's answer holds no count")
        return count

    def _rows_at(self, day: date, lines: Sequence[int]) -> dict[int, list[UnitsRow]]:
        """The rows of units around a day; of lines that have none there, all of their rows."""
        if not lines:
            return {}
        window = [
            {"op": "gte", "field": "endDate", "value": instant_of(day - _WINDOW)},
            {"op": "lte", "field": "startDate", "value": instant_of(day + _WINDOW)},
        ]
        rows = rows_by_line(self._read_list("ContractServiceUnits", window))
        bare = [line for line in lines if not any(row.covers(day) for row in rows.get(line, ()))]
        rows |= rows_by_line(self._rows_of(bare))
        if not any(rows.get(line) for line in lines):
            raise Unavailable(
                f"the PSA gives no units for any of {len(lines)} contract services: an empty answer is not taken for "
                f"zero; check the API user's security level"
            )
        return rows

    def _rows_of(self, lines: Sequence[int]) -> Iterator[Record]:
        for part in in_parts(lines, VALUES_PER_QUESTION):
            wanted = {"op": "in", "field": "contractServiceID", "value": part}
            yield from self._read_list("ContractServiceUnits", [wanted])


def first_of_next_month(day: date) -> date:
    """The first day of the calendar month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def instant_of(day: date) -> str:
    """A day as the full instant that Autotask asks for."""
    return f"{day.isoformat()}T00:00:00Z"


def _host(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None


def _other_zone(url: str) -> str:
    host, _ = _host(url)
    if host.endswith(f".{_DOMAIN}"):
        return f"this Autotask tenant is on another host: set psa.base_url to https://{host}. Nothing more was sent"
    return f"the PSA names {host!r:.60} as this tenant's zone, no host of Autotask's: check psa.base_url"
