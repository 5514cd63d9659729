"""HaloPSA, read whole: clients, recurring items, recurring invoices and the lines of active ones.

Belongs here: its paths, paging and the words for its oddities.
Does not belong here: its token (``halopsa_token``), its fields (``halopsa_records``), HTTP in general (``http``), what
is written (``halopsa_writing``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from pipelines.agreements.records import Agreement, AgreementLine, PsaRecords
from resources.psa.errors import Gone, Unavailable
from resources.psa.fields import Record, id_of
from resources.psa.halopsa_records import (
    account_from,
    agreement_from,
    bills_a_service,
    line_from,
    raw_lines,
    service_from,
)
from resources.psa.halopsa_token import HaloPsaCredentials, HaloToken
from resources.psa.http import Patience, PsaConnection, PsaHttp, Timeouts

API = "/api"
PAGE_SIZE = 100
"""Records asked for at once. The vendor names no maximum; a server that gives fewer is asked for more pages."""

READS = 2
"""How often a list is read before a count that disagrees is taken for a fault of the PSA."""


@dataclass(frozen=True)
class _List:
    """A list of the vendor's: its path, the name of its records in the answer, what is asked beside the pages."""

    path: str
    name: str
    query: Mapping[str, str]


CLIENTS = _List("/Client", "clients", {"includeactive": "true", "includeinactive": "true"})
ITEMS = _List("/Item", "items", {"recurringonly": "true", "includeactive": "true", "includeinactive": "true"})
INVOICES = _List("/RecurringInvoice", "invoices", {})


class HaloPsa(PsaConnection):
    """A connection to a HaloPSA tenant. All its errors are ``PsaError``.

    ``base_url`` is the host root. Raises ``Refused`` when it or the credentials cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        credentials: HaloPsaCredentials,
        *,
        allow_loopback: bool = False,
        transport: httpx.BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        token = HaloToken(credentials)
        self._http = PsaHttp(
            base_url,
            {"Accept": "application/json"},
            secrets=(credentials.client_id, credentials.client_secret),
            allow_loopback=allow_loopback,
            transport=transport,
            timeouts=timeouts,
            patience=patience,
            auth=token,
            failure=token.failure,
        )

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are wrong or may not see recurring invoices."""
        self._page(INVOICES, 1, size=1)

    def read_records(self, today: date) -> PsaRecords:
        """Everything the PSA bills and could bill, or an error: never a part.

        All recurring invoices are answered, for their names; lines only of those that are active on ``today``.
        """
        accounts = tuple(account_from(client) for client in self._read_list(CLIENTS))
        services = tuple(service_from(item) for item in self._read_list(ITEMS))
        agreements = tuple(agreement_from(invoice, today) for invoice in self._read_list(INVOICES))
        active = (agreement for agreement in agreements if agreement.is_active)
        lines = tuple(line for agreement in active for line in self._read_lines(agreement))
        return PsaRecords(accounts, services, agreements, lines)

    def read_record(self, path: str, query: Mapping[str, str] | None = None) -> Record:
        """One record by its path. Raises ``Gone`` when there is none."""
        record = self._http.read(f"{API}{path}", query)
        if not isinstance(record, dict):
            raise Unavailable(f"GET {path}: the answer is no record")
        return record

    def read_invoice(self, number: str) -> Record:
        """One recurring invoice with its lines. Raises ``Gone`` when there is none, ``Unavailable`` for another."""
        invoice = self.read_record(f"/RecurringInvoice/{number}", {"includedetails": "true"})
        found = id_of(invoice, f"recurring invoice {number}")
        if str(found) != number:
            raise Unavailable(f"GET /RecurringInvoice/{number}: the PSA answers recurring invoice {found}")
        return invoice

    def _read_lines(self, agreement: Agreement) -> list[AgreementLine]:
        # The same request that a write is made from, so that both see the same lines.
        try:
            invoice = self.read_invoice(str(agreement.id))
        except Gone as error:
            raise Unavailable(f"recurring invoice {agreement.id} was removed while it was read: run again") from error
        return [line_from(line, agreement) for line in raw_lines(invoice) if bills_a_service(line, agreement)]

    def _read_list(self, which: _List) -> list[Record]:
        """A whole list, as long as the PSA's own count, which is the same on every page.

        Records that come or go between two pages shift the rest once; a second time is a fault.
        """
        for _ in range(READS):
            records, counts = self._read_pages(which)
            ids = {id_of(record, f"a record of {which.path}") for record in records}
            if len({len(ids), len(records), *counts}) == 1:
                return records
        counted = " and ".join(str(count) for count in dict.fromkeys(counts))
        raise Unavailable(
            f"{which.path}: the PSA counts {counted} records and gave {len(records)}, of which {len(ids)} are "
            f"different, twice; a part is not used. Run again when nobody edits the PSA, and check what the "
            f"application's agent may see"
        )

    def _read_pages(self, which: _List) -> tuple[list[Record], list[int]]:
        """The records of all pages and the count beside each page; too few records when a page came empty."""
        records: list[Record] = []
        counts: list[int] = []
        while True:
            page, count = self._page(which, len(counts) + 1)
            records.extend(page)
            counts.append(count)
            # One that goes shifts another one in front of the next page: only the count then tells that it was missed.
            if not page or len(records) >= count:
                return records, counts

    def _page(self, which: _List, number: int, size: int = PAGE_SIZE) -> tuple[list[Record], int]:
        query = {"pageinate": "true", "page_no": str(number), "page_size": str(size), "order": "id", **which.query}
        answer: Any = self._http.read(f"{API}{which.path}", query)
        records = answer.get(which.name) if isinstance(answer, dict) else None
        if not isinstance(records, list):
            raise Unavailable(f"{which.path}: the PSA's answer holds no list of {which.name}, so nothing of it is used")
        total = answer.get("record_count")
        if isinstance(total, bool) or not isinstance(total, int):
            raise Unavailable(f"{which.path}: the PSA's answer holds no count")
        return records, total
