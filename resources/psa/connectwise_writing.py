"""ConnectWise, for writing: one addition looked at and its quantity set, or one addition made.

Belongs here: the requests that set a quantity and make an addition, what keeps one from being written, what an answer
means.
Does not belong here: the order of steps (``pipelines.writeback``), reading everything (``connectwise``).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.quantities import text
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import (
    Answer,
    ChangeName,
    Heard,
    HoldsFrom,
    LineSeen,
    VendorRequest,
    WriteModel,
    WriteTraits,
    name_of,
)
from resources.psa.connectwise import API, ConnectWise
from resources.psa.connectwise_records import account_from, agreement_from, line_from, service_from
from resources.psa.errors import Gone, PsaError, Refused
from resources.psa.fields import Record, id_of
from resources.psa.writing import (
    Recent,
    agreement_obstacle,
    answer_unless_forbidden,
    by_agreement,
    marker_of,
    obstacle,
    place_seen,
    unwritable,
)

TRAITS = WriteTraits(
    model=WriteModel.ABSOLUTE,
    holds_from=HoldsFrom.AT_ONCE,
    made_from=HoldsFrom.EFFECTIVE_DATE,
    is_integer_only=False,
    # No figure is published of how long a request goes on in the server; the client's timeout decides.
    longest_run=timedelta(0),
)


AGREEMENTS, COMPANIES, CATALOG = "/finance/agreements", "/company/companies", "/procurement/catalog"

_Known = TypeVar("_Known")


class ConnectWiseBilling:
    """One ConnectWise tenant as write-back sees it. Its quantities are absolute: setting one twice is setting it once.

    Making an addition is not: two requests make two. ``clock`` counts seconds for the age of agreements, accounts and
    services that were read.
    """

    def __init__(self, psa: ConnectWise, identity: PsaIdentity, clock: Callable[[], float] = time.monotonic) -> None:
        self._psa = psa
        self._agreements: Recent[Agreement] = Recent(clock)
        self._accounts: Recent[Account] = Recent(clock)
        self._services: Recent[Service] = Recent(clock)
        self.identity = identity

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are not taken, ``PsaError`` for all else."""
        self._psa.check_connection()

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The addition of a change as it stands, or the place of one that is to be made, with what is in the way.

        Wrong credentials often look like "not found" here, so a line that is gone is believed only after the
        credentials were seen to work. Raises ``PsaError`` when nothing can be said about the line.
        """
        if change.agreement_id is None:
            return unwritable("no agreement is named on which the line stands")
        try:
            agreement = self._agreement(change.agreement_id, today)
            account = self._account(change.account_id)
            if change.line_id is None:
                service, additions = self._service(change.service_id), self._psa.read_additions(change.agreement_id)
            else:
                service, additions = None, [self._psa.read_record(_path(change))]
        except Gone as gone:
            self.check_connection()
            return unwritable(f"it is not in the PSA any more: {gone}")
        return _seen(change, additions, _Around(agreement, account, service), today)

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        """The additions of several changes: one request for each agreement, and one for all that stands around them.

        An agreement on which a line is to be made is read whole, and counted. What is not in the answers is left out.
        """
        of_agreement = by_agreement(changes)
        agreements = self._keep(self._agreements, AGREEMENTS, of_agreement, lambda each: agreement_from(each, today))
        accounts = self._keep(self._accounts, COMPANIES, {each.account_id for each in changes}, account_from)
        services = self._keep(
            self._services, CATALOG, {each.service_id for each in changes if each.line_id is None}, service_from
        )
        seen: dict[ChangeName, LineSeen] = {}
        for number, agreement in agreements.items():
            additions = self._additions(number, of_agreement[number])
            for change in of_agreement[number]:
                shown = [each for each in additions or () if change.line_id in (None, str(each["id"]))]
                service = services.get(change.service_id) if change.line_id is None else None
                is_known = shown if change.line_id is not None else service and additions is not None
                if is_known and change.account_id in accounts:
                    around = _Around(agreement, accounts[change.account_id], service)
                    seen[name_of(change)] = _seen(change, shown, around, today)
        return seen

    def _additions(self, number: str, of_agreement: Sequence[Change]) -> list[Record] | None:
        """All that the changes of an agreement need; None when there is no such agreement."""
        try:
            if any(change.line_id is None for change in of_agreement):
                return self._psa.read_additions(number)
            lines = [str(change.line_id) for change in of_agreement]
            return self._psa.read_some(f"{AGREEMENTS}/{number}/additions", lines)
        except Gone:
            return None

    def _keep(
        self, recent: Recent[_Known], path: str, ids: Iterable[str], read: Callable[[Record], _Known]
    ) -> dict[str, _Known]:
        """The records with these ids that the PSA has, read anew; one that says nothing of use is left out."""
        found: dict[str, _Known] = {}
        for record in self._psa.read_some(path, ids):
            number = str(id_of(record, f"a record of {path}"))
            with suppress(Refused):
                found[number] = read(record)
                recent.keep(f"{path}/{number}", found[number])
        return found

    def request_for(self, changes: Sequence[Change], _: LineSeen) -> VendorRequest:
        """The one request of a change: the exact decimal that was approved, for the addition or for a new one."""
        (change,) = changes
        return request_of(change)

    def send(self, request: VendorRequest) -> Answer:
        """Send a request once. What came of it is a value, never an error."""
        try:
            self._psa.write_once(request.method, request.path, request.body.encode())
        except PsaError as error:
            return answer_unless_forbidden(error, self.check_connection)
        return Answer(Heard.ACCEPTED, "accepted")

    def _agreement(self, number: str, today: date) -> Agreement:
        path = f"{AGREEMENTS}/{number}"
        return self._agreements.get(path, lambda: agreement_from(self._psa.read_record(path), today))

    def _account(self, number: str) -> Account:
        path = f"{COMPANIES}/{number}"
        return self._accounts.get(path, lambda: account_from(self._psa.read_record(path)))

    def _service(self, number: str) -> Service:
        path = f"{CATALOG}/{number}"
        return self._services.get(path, lambda: service_from(self._psa.read_record(path)))


@dataclass(frozen=True)
class _Around:
    """What stands around an addition. ``service`` is what one bills that is to be made, None for one that stands."""

    agreement: Agreement
    account: Account
    service: Service | None


def request_of(change: Change) -> VendorRequest:
    """The request of a change: it needs nothing that a look at the line would tell."""
    return _new_addition(change) if change.line_id is None else quantity_patch(change)


def quantity_patch(change: Change) -> VendorRequest:
    """The patch of a change. The path of an operation bears no slash in front: the vendor's own way."""
    value = text(change.quantity_after)
    return VendorRequest("PATCH", f"{API}{_path(change)}", f'[{{"op":"replace","path":"quantity","value":{value}}}]')


def _new_addition(change: Change) -> VendorRequest:
    """The addition that is made. ConnectWise gives it the catalogue's price and cost."""
    parts = (
        f'"product":{{"id":{int(change.service_id)}}}',
        f'"quantity":{text(change.quantity_after)}',
        '"billCustomer":"Billable"',
        f'"effectiveDate":"{change.effective_date.isoformat()}T00:00:00Z"',
        f'"serialNumber":{json.dumps(marker_of(change))}',
    )
    return VendorRequest("POST", f"{API}{AGREEMENTS}/{change.agreement_id}/additions", "{" + ",".join(parts) + "}")


def _seen(change: Change, additions: Sequence[Record], around: _Around, today: date) -> LineSeen:
    """What is seen of a change; ``additions`` are its own, or all of the agreement where one is to be made."""
    try:
        if around.service is None:
            return _line_seen(change, additions[0], around.agreement, around.account, today)
        return _place_seen(change, additions, around.agreement, around.account, around.service)
    except Refused as refused:
        # Only the line itself is meant: a refused request says nothing about the line.
        return unwritable(str(refused))


def _line_seen(change: Change, addition: Record, agreement: Agreement, account: Account, today: date) -> LineSeen:
    line = line_from(addition, agreement)
    hindrance = obstacle(change, line, agreement, account, today) or _disagreement(addition, line)
    return LineSeen(line.quantity, str(line.service_id), line.unit_price, line.unit_cost, hindrance)


def _place_seen(
    change: Change, additions: Sequence[Record], agreement: Agreement, account: Account, service: Service
) -> LineSeen:
    """What bills the service already on the day from which the new addition would hold, or later."""
    of_service = [(addition, line_from(addition, agreement)) for addition in additions if _bills(addition, service)]
    standing = [
        (addition, line)
        for addition, line in of_service
        if line.end_date is None or line.end_date > change.effective_date
    ]
    hindrances = (
        agreement_obstacle(change, agreement, account),
        *(_disagreement(addition, line) for addition, line in standing),
    )
    hindrance = next((words for words in hindrances if words), None)
    return place_seen(service, [line for _, line in standing], hindrance)


def _bills(addition: Record, service: Service) -> bool:
    what = f"the product of addition {id_of(addition, 'an addition')}"
    return str(id_of(addition.get("product"), what)) == service.id


def _path(change: Change) -> str:
    return f"{AGREEMENTS}/{change.agreement_id}/additions/{change.line_id}"


def _disagreement(addition: Record, line: AgreementLine) -> str | None:
    """Billed is what is left after the allowance; a PSA that counts otherwise is not understood, so not written to."""
    billed = addition.get("billedQuantity")
    is_number = isinstance(billed, int | Decimal) and not isinstance(billed, bool)
    due = max(line.quantity - line.psa_included, Decimal(0))
    if billed is None or (is_number and billed == due):
        return None
    shown = text(Decimal(billed)) if is_number else f"{billed!r:.60}"
    return (
        f"line {line.id} holds {text(line.quantity)} with {text(line.psa_included)} included, and the PSA says that "
        f"{shown} are billed: TrueUp does not understand this line and leaves it alone"
    )
