"""Autotask, for writing: one contract service looked at as of a day, one signed adjustment sent.

Belongs here: the request that adds to the units, what keeps a contract service from being adjusted.
Does not belong here: the order of steps (``pipelines.writeback``), reading everything (``autotask``).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import TypeVar

from pipelines.agreements.records import Account, Agreement, AgreementLine
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
from resources.psa.autotask import API, Autotask, instant_of
from resources.psa.autotask_records import (
    UnitsRow,
    account_from,
    agreement_from,
    agreement_id_of,
    line_from,
    row_for,
    rows_by_line,
    service_from,
    units_from,
)
from resources.psa.errors import Gone, PsaError, Refused, ToldFault
from resources.psa.fields import Record, id_of
from resources.psa.writing import Recent, agreement_obstacle, answer_of, obstacle, unwritable

TRAITS = WriteTraits(
    model=WriteModel.DELTA,
    holds_from=HoldsFrom.EFFECTIVE_DATE,
    made_from=HoldsFrom.EFFECTIVE_DATE,
    is_integer_only=True,
    # The server may go on for five minutes after its client has gone (observed), so a lost answer waits longer.
    longest_run=timedelta(minutes=6),
)

MOST_UNITS = 2**31 - 1
"""The largest number that the vendor's field holds."""

_EXACT = Context(prec=100)
"""Python rounds to 28 digits by itself, fewer than a quantity may have."""

_Known = TypeVar("_Known")


class AutotaskBilling:
    """One Autotask tenant as write-back sees it. An adjustment adds: sent twice, it is added twice.

    ``clock`` counts seconds for the age of contracts and companies that were read.
    """

    def __init__(self, psa: Autotask, identity: PsaIdentity, clock: Callable[[], float] = time.monotonic) -> None:
        self._psa = psa
        self._agreements: Recent[Agreement] = Recent(clock)
        self._accounts: Recent[Account] = Recent(clock)
        self.identity = identity

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are not taken, ``PsaError`` for all else."""
        self._psa.check_connection()

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The contract service of a change as its units stand on the change's effective date, with its obstacles.

        For a new line: what the contract has of the service already. Raises ``PsaError`` when nothing can be said.
        """
        if change.agreement_id is None:
            return unwritable("the change names no agreement, so there is nothing to look at")
        self._psa.check_once()
        try:
            return self._seen(change, str(change.agreement_id), today)
        except Gone as gone:
            return unwritable(f"it is not in the PSA any more: {gone}")
        except ToldFault:
            # It may be the way in which wrong credentials are told; then this raises ``Forbidden``.
            self._psa.check_connection()
            raise

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        """Contract services that stand: a question for all their contracts, companies, services and units each.

        Units are read from the earliest day that matters on. Left out are lines with an obstacle, since only a look at
        all of their units says what is in the way, and places of new ones: that nothing stands is asked for each.
        """
        self._psa.check_once()
        standing = [change for change in changes if change.line_id is not None and change.agreement_id is not None]
        labels = self._psa.labels()
        agreements = self._keep(
            self._agreements,
            "Contracts",
            {str(each.agreement_id) for each in standing},
            lambda record: agreement_from(record, labels, today),
        )
        accounts = self._keep(
            self._accounts,
            "Companies",
            {each.account_id for each in standing},
            lambda record: account_from(record, labels),
        )
        held = {
            str(id_of(each, "a contract service")): each
            for each in self._psa.read_some("ContractServices", {str(each.line_id) for each in standing})
        }
        since = min([today, *(change.effective_date for change in standing)])
        from_then_on = {"op": "gte", "field": "endDate", "value": instant_of(since)}
        units = rows_by_line(
            self._psa.read_some("ContractServiceUnits", held, field="contractServiceID", more=[from_then_on])
        )
        seen: dict[ChangeName, LineSeen] = {}
        for change in standing:
            agreement, account = agreements.get(str(change.agreement_id)), accounts.get(change.account_id)
            service = held.get(str(change.line_id))
            if agreement is not None and account is not None and service is not None:
                line = _standing(change, service, units.get(int(str(change.line_id)), ()), agreement, account, today)
                if line.obstacle is None:
                    seen[name_of(change)] = line
        return seen

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        """The adjustment from the units that were seen just now to those that were approved."""
        (change,) = changes
        return _adjustment(change, seen.quantity)

    def send(self, request: VendorRequest) -> Answer:
        """Send a request once. What came of it is a value, never an error."""
        try:
            self._psa.write_once(request.method, request.path, request.body.encode())
        except PsaError as error:
            return answer_of(error)
        return Answer(Heard.ACCEPTED, "accepted")

    def _seen(self, change: Change, agreement_id: str, today: date) -> LineSeen:
        agreement, account = self._agreement(agreement_id, today), self._account(change.account_id)
        if change.line_id is not None:
            held = self._psa.read_record("ContractServices", change.line_id)
            return self._with_units(change, held, agreement, account, today)
        wanted = {"contractID": int(agreement_id), "serviceID": int(change.service_id)}
        found = self._psa.read_matching(
            "ContractServices", [{"op": "eq", "field": field, "value": value} for field, value in wanted.items()]
        )
        if len(found) == 1:
            return self._with_units(change, found[0], agreement, account, today)
        if found:
            return unwritable(_several(change, found))
        return self._missing(change, agreement, account)

    def _with_units(
        self, change: Change, held: Record, agreement: Agreement, account: Account, today: date
    ) -> LineSeen:
        number = id_of(held, "a contract service")
        units = self._psa.read_matching(
            "ContractServiceUnits", [{"op": "eq", "field": "contractServiceID", "value": number}]
        )
        return _standing(change, held, [units_from(row) for row in units], agreement, account, today)

    def _missing(self, change: Change, agreement: Agreement, account: Account) -> LineSeen:
        """Nothing stands: an adjustment for the service creates the line, at the catalogue's price."""
        service = service_from(self._psa.read_record("Services", change.service_id))
        hindrance = (
            agreement_obstacle(change, agreement, account)
            or (None if service.is_active else f"service {service.id} is inactive in the PSA")
            or _outside(change, agreement)
            or objection_to(change)
        )
        return LineSeen(None, change.service_id, service.unit_price, service.unit_cost, hindrance)

    def _agreement(self, number: str, today: date) -> Agreement:
        def read() -> Agreement:
            return agreement_from(self._psa.read_record("Contracts", number), self._psa.labels(), today)

        return self._agreements.get(number, read)

    def _account(self, number: str) -> Account:
        def read() -> Account:
            return account_from(self._psa.read_record("Companies", number), self._psa.labels())

        return self._accounts.get(number, read)

    def _keep(
        self, recent: Recent[_Known], entity: str, numbers: Iterable[str], read: Callable[[Record], _Known]
    ) -> dict[str, _Known]:
        """The records with these ids that the PSA has, read anew."""
        records = self._psa.read_some(entity, numbers)
        found = {str(id_of(record, f"a record of {entity}")): read(record) for record in records}
        for number, known in found.items():
            recent.keep(number, known)
        return found


def adjustment_preview(change: Change) -> VendorRequest:
    """The adjustment of a change as it would be if the line stands as the change saw it."""
    return _adjustment(change, change.quantity_before)


def _standing(
    change: Change, held: Record, rows: Sequence[UnitsRow], agreement: Agreement, account: Account, today: date
) -> LineSeen:
    """A contract service that is there, by its rows of units."""
    try:
        row = row_for(rows, change.effective_date, f"contract service {id_of(held, 'a contract service')}")
        start = min((each.start_date for each in rows), default=None)
        line = line_from(held, agreement, row.units if row else Decimal(0), start)
    except Refused as refused:
        # Only the line itself is meant: a refused request says nothing about the line.
        return unwritable(str(refused))
    hindrance = (
        _elsewhere(held, agreement)
        or obstacle(change, line, agreement, account, today)
        or (_hindrance(change, agreement, line, rows, row))
    )
    return LineSeen(row.units if row else None, str(line.service_id), line.unit_price, line.unit_cost, hindrance)


def _adjustment(change: Change, standing: Decimal | None) -> VendorRequest:
    """The signed change. A line that is there is always named by its own id: else Autotask may create another one."""
    target = f'"contractServiceID":{change.line_id}' if change.line_id else f'"serviceID":{change.service_id}'
    units = text(_EXACT.subtract(change.quantity_after, standing or Decimal(0)))
    effective = instant_of(change.effective_date)
    body = f'{{"contractID":{change.agreement_id},{target},"unitChange":{units},"effectiveDate":"{effective}"}}'
    return VendorRequest("POST", f"{API}/ContractServiceAdjustments", body)


def _several(change: Change, found: Sequence[Record]) -> str:
    numbers = ", ".join(str(id_of(each, "a contract service")) for each in found)
    return (
        f"agreement {change.agreement_id} has {len(found)} lines of service {change.service_id} ({numbers}): a person "
        f"decides which of them is meant"
    )


def _elsewhere(held: Record, agreement: Agreement) -> str | None:
    actual = agreement_id_of(held)
    if actual == agreement.id:
        return None
    return f"line {id_of(held, 'a contract service')} stands on agreement {actual}, not on {agreement.id}"


def _hindrance(
    change: Change, agreement: Agreement, line: AgreementLine, rows: Sequence[UnitsRow], row: UnitsRow | None
) -> str | None:
    """Why the units must not be adjusted; None for a line that needs no adjustment."""
    if row is not None and row.covers(change.effective_date) and row.units == change.quantity_after:
        return None
    return _outside(change, agreement) or objection_to(change) or _periods(change, line, rows, row)


def _outside(change: Change, agreement: Agreement) -> str | None:
    day = change.effective_date
    if agreement.end_date is not None and agreement.end_date <= day:
        return f"agreement {agreement.id} ends on {agreement.end_date}, and the change holds from {day} on"
    if agreement.start_date is not None and agreement.start_date > day:
        return f"agreement {agreement.id} begins on {agreement.start_date}, and the change holds from {day} on"
    return None


def objection_to(change: Change) -> str | None:
    """Why no adjustment could ever take a line to a number; None where one can."""
    after = change.quantity_after
    if after != after.to_integral_value():
        return f"Autotask takes whole numbers only, and {text(after)} is due: a unit rule can round it"
    if after == 0:
        return "whether Autotask takes 0 units is not known: a person decides in Autotask whether the service ends"
    if not 0 < after <= MOST_UNITS:
        return f"Autotask takes 1 to {MOST_UNITS} units, and {text(after)} is due"
    return None


def _periods(change: Change, line: AgreementLine, rows: Sequence[UnitsRow], row: UnitsRow | None) -> str | None:
    """Why the billing periods from the effective date on keep an adjustment away."""
    day = change.effective_date
    if row is None:
        return f"line {line.id} has no units on {day}" + (f": it begins on {line.start_date}" if rows else " at all")
    if not row.covers(day):
        return f"the units of line {line.id} reach to {row.end_date} only: what a change from {day} on does is not seen"
    later = sorted((each for each in rows if each.end_date > day), key=lambda each: each.start_date)
    posted = next((each for each in later if each.posted_date is not None), None)
    if posted is not None:
        return (
            f"the period from {posted.start_date} to {posted.end_date} (excluded) of line {line.id} is approved and "
            f"posted, and the change holds from {day} on: correct it in Autotask, or wait for the next month"
        )
    other = next((each for each in later if each.units != row.units), None)
    if other is not None:
        return (
            f"line {line.id} holds {text(row.units)} on {day} and {text(other.units)} from {other.start_date} on: an "
            f"adjustment would be added to both, so a person decides in Autotask"
        )
    return None
