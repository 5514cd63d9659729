"""ConnectWise PSA, read whole: companies, catalogue, agreements and the additions of active agreements.

Belongs here: its headers, paths, paging and the words for its oddities.
Does not belong here: its fields (``connectwise_records``), HTTP in general (``http``), what is written
(``connectwise_writing``).
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from typing import Any

import httpx

from pipelines.agreements.records import Agreement, AgreementLine, PsaRecords
from resources.psa.connectwise_records import account_from, agreement_from, line_from, service_from
from resources.psa.errors import Forbidden, Gone, Refused, Unavailable
from resources.psa.fields import Record, id_of, in_parts
from resources.psa.http import Patience, PsaConnection, PsaHttp, Timeouts

API = "/v4_6_release/apis/3.0"
PAGE_SIZE = 1000
"""The vendor's hard maximum."""

IDS_PER_QUESTION = 100
"""Ids named in one condition; a condition is part of the address, and an address has a length."""

READS = 2
"""How often a list is read before a count that disagrees is taken for a fault of the PSA."""

ACCEPT = "application/vnd.connectwise.com+json; version=2025.1, application/json"
"""Pins the version of the answers' shape."""


@dataclass(frozen=True)
class ConnectWiseCredentials:
    """An API member's keys. ``client_id`` names the integration and is asked for with every call."""

    company_id: str
    public_key: str
    private_key: str
    client_id: str

    def __repr__(self) -> str:
        return f"ConnectWiseCredentials(company_id={self.company_id!r}, keys hidden)"

    def headers(self) -> dict[str, str]:
        """The headers of every request. Raises ``Refused`` when a credential cannot be sent, naming only which."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value or not value.isascii() or not value.isprintable() or value != value.strip():
                raise Refused(f"the credential {field.name} is empty or has blanks or other characters around it")
        return {"Authorization": f"Basic {self._token()}", "clientId": self.client_id, "Accept": ACCEPT}

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.public_key, self.private_key, self.client_id, self._token())

    def _token(self) -> str:
        plain = f"{self.company_id}+{self.public_key}:{self.private_key}"
        return base64.b64encode(plain.encode()).decode()


class ConnectWise(PsaConnection):
    """A connection to a ConnectWise tenant. All its errors are ``PsaError``.

    ``base_url`` is the host root. Raises ``Refused`` when it or the credentials cannot be used at all.
    """

    def __init__(
        self,
        base_url: str,
        credentials: ConnectWiseCredentials,
        *,
        allow_loopback: bool = False,
        transport: httpx.BaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._http = PsaHttp(
            base_url,
            credentials.headers(),
            secrets=credentials.secrets(),
            allow_loopback=allow_loopback,
            transport=transport,
            timeouts=timeouts,
            patience=patience,
        )

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are wrong, which ConnectWise often tells as "not found"."""
        try:
            answer = self._http.read(f"{API}/system/info")
        except Gone as error:
            raise Forbidden(
                "the PSA does not know these credentials (it answers 404): check company id and keys, and that "
                "psa.base_url is the host of this company"
            ) from error
        if not isinstance(answer, dict) or "version" not in answer:
            raise Unavailable("GET /system/info does not answer as ConnectWise does: check psa.base_url")

    def read_records(self, today: date) -> PsaRecords:
        """Everything the PSA bills and could bill, or an error: never a part.

        All agreements are answered, for their names; lines only of those that are active on ``today``.
        """
        self.check_connection()
        accounts = tuple(account_from(company) for company in self._read_list("/company/companies"))
        services = tuple(service_from(item) for item in self._read_list("/procurement/catalog"))
        agreements = tuple(agreement_from(each, today) for each in self._read_list("/finance/agreements"))
        active = (agreement for agreement in agreements if agreement.is_active)
        lines = tuple(line for agreement in active for line in self._read_lines(agreement))
        return PsaRecords(accounts, services, agreements, lines)

    def read_record(self, path: str) -> Record:
        """One record by its path. Raises ``Gone`` when there is none."""
        record = self._http.read(f"{API}{path}")
        if not isinstance(record, dict):
            raise Unavailable(f"GET {path}: the answer is no record")
        return record

    def read_additions(self, agreement_id: str) -> list[Record]:
        """All additions of an agreement, whatever their dates. Raises ``Gone`` when there is no such agreement."""
        return self._read_list(f"/finance/agreements/{agreement_id}/additions")

    def read_some(self, path: str, ids: Iterable[str]) -> list[Record]:
        """Those of the records with these ids that the list has; nothing for an empty list of ids.

        Raises ``Gone`` when there is no such list.
        """
        return [
            record
            for part in in_parts(ids, IDS_PER_QUESTION)
            for record in self._read_pages(path, f" and id in ({','.join(map(str, part))})")
        ]

    def _read_lines(self, agreement: Agreement) -> list[AgreementLine]:
        # The vendor has no list of all additions: one call per agreement.
        try:
            additions = self.read_additions(agreement.id)
        except Gone as error:
            raise Unavailable(f"agreement {agreement.id} was removed while it was read: run again") from error
        return [line_from(addition, agreement) for addition in additions]

    def _read_list(self, path: str) -> list[Record]:
        """A whole list, its length agreeing with the PSA's own count.

        Records that come or go between the pages and the count make them differ once; a second time is a fault.
        """
        for _ in range(READS):
            records = self._read_pages(path)
            total = self._count(path)
            if len(records) == total:
                return records
        raise Unavailable(
            f"{path}: the PSA counts {total} records and gave {len(records)}, twice; a part is not used. Run again "
            f"when nobody edits the PSA, and check the API member's rights"
        )

    def _read_pages(self, path: str, which: str = "") -> list[Record]:
        """All records by ascending id. Each page begins after the last id, so one that comes meanwhile shifts none.

        ``which`` is a further condition in the vendor's language.
        """
        records: list[Record] = []
        last = 0
        while True:
            page = self._read_page(path, last, which)
            records.extend(page)
            if len(page) < PAGE_SIZE:
                return records
            last = id_of(page[-1], "a record")

    def _read_page(self, path: str, after: int, which: str) -> list[Record]:
        query = {"conditions": f"id>{after}{which}", "orderBy": "id", "pageSize": str(PAGE_SIZE)}
        page = self._http.read(f"{API}{path}", query)
        if not isinstance(page, list):
            raise Unavailable(f"{path}: the PSA's answer is no list, so nothing of it is used")
        ids = [after, *(id_of(record, f"a record of {path}") for record in page)]
        if any(left >= right for left, right in pairwise(ids)):
            raise Unavailable(f"{path}: the page after id {after} is out of order or repeats a record; it is not used")
        return page

    def _count(self, path: str) -> int:
        answer: Any = self._http.read(f"{API}{path}/count")
        count = answer.get("count") if isinstance(answer, dict) else None
        if isinstance(count, bool) or not isinstance(count, int):
            raise Unavailable(f"{path}/count: the PSA's answer holds no count")
        return count
