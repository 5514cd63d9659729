"""Syncro, for writing: one line of a recurring invoice looked at and its quantity set, or one line made.

Belongs here: the requests that set a quantity and make a line, what keeps a line from being written.
Does not belong here: the order of steps (``pipelines.writeback``), reading everything (``syncro``).
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import Any

from pipelines.agreements.records import Account, Service
from pipelines.quantities import PRECISION, text
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
from resources.psa.errors import Gone, PsaError, Refused
from resources.psa.fields import Record
from resources.psa.syncro import API, Syncro
from resources.psa.syncro_records import (
    account_from,
    agreement_from,
    counter_of,
    is_recurring,
    items_of,
    line_from,
    service_from,
)
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
    made_from=HoldsFrom.AT_ONCE,
    is_integer_only=False,
    # No figure is published of how long a request goes on in the server; the client's timeout decides.
    longest_run=timedelta(0),
)

_EXACT = Context(prec=PRECISION * 2)


class SyncroBilling:
    """One Syncro tenant as write-back sees it. Its quantities are absolute: setting one twice is setting it once.

    ``clock`` counts seconds for the age of accounts and services that were read.
    """

    def __init__(self, psa: Syncro, identity: PsaIdentity, clock: Callable[[], float] = time.monotonic) -> None:
        self._psa = psa
        self._accounts: Recent[Account] = Recent(clock)
        self._services: Recent[Service] = Recent(clock)
        self.identity = identity

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the token is not taken, ``PsaError`` for all else."""
        self._psa.check_connection()

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The line of a change as it stands, or the place of one that is to be made, with what is in the way.

        A record that is gone is believed only after the token was seen to work. Raises ``PsaError`` when nothing can
        be said about the line.
        """
        if change.agreement_id is None:
            return unwritable("no agreement is named on which the line stands")
        try:
            schedule = self._psa.read_record("schedules", change.agreement_id)
            account = self._account(change.account_id)
            service = self._service(change.service_id) if change.line_id is None else None
        except Gone as gone:
            self.check_connection()
            return unwritable(f"it is not in the PSA any more: {gone}")
        return _seen(change, schedule, account, service, today)

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        """The lines of several changes: one request for each recurring invoice, which holds all its lines."""
        seen: dict[ChangeName, LineSeen] = {}
        for number, of_schedule in by_agreement(changes).items():
            with suppress(Gone):
                schedule = self._psa.read_record("schedules", number)
                for change in of_schedule:
                    with suppress(Gone):
                        account = self._account(change.account_id)
                        service = self._service(change.service_id) if change.line_id is None else None
                        seen[name_of(change)] = _seen(change, schedule, account, service, today)
        return seen

    def request_for(self, changes: Sequence[Change], _: LineSeen) -> VendorRequest:
        """The one request of a change: the exact decimal that was approved, for the line or for a new one."""
        (change,) = changes
        return request_of(change)

    def send(self, request: VendorRequest) -> Answer:
        """Send a request once. What came of it is a value, never an error."""
        try:
            self._psa.write_once(request.method, request.path, request.body.encode())
        except PsaError as error:
            return answer_unless_forbidden(error, self.check_connection)
        return Answer(Heard.ACCEPTED, "accepted")

    def _account(self, number: str) -> Account:
        return self._accounts.get(number, lambda: account_from(self._psa.read_record("customers", number)))

    def _service(self, number: str) -> Service:
        return self._services.get(number, lambda: service_from(self._psa.read_record("products", number)))


def request_of(change: Change) -> VendorRequest:
    """The request of a change: it needs nothing that a look at the line would tell."""
    return _new_line(change) if change.line_id is None else _quantity_of_line(change)


def _quantity_of_line(change: Change) -> VendorRequest:
    path = f"{API}/schedules/{change.agreement_id}/line_items/{change.line_id}"
    return VendorRequest("PUT", path, _json({"quantity": text(change.quantity_after)}))


def _new_line(change: Change) -> VendorRequest:
    """The line that is made. Its prices are those that were approved: that Syncro takes the product's is not known."""
    prices = {"retail_cents": _in_cents(change.unit_price), "cost_cents": _in_cents(change.unit_cost)}
    line = {
        "product_id": int(change.service_id),
        "quantity": text(change.quantity_after),
        "name": change.service_name,
        "description": marker_of(change),
        **{field: cents for field, cents in prices.items() if cents is not None},
    }
    return VendorRequest("POST", f"{API}/schedules/{change.agreement_id}/add_line_item", _json(line))


def _seen(change: Change, schedule: Record, account: Account, service: Service | None, today: date) -> LineSeen:
    """What is seen of a change. ``service`` is what a line bills that is to be made, None for one that stands."""
    try:
        if service is None:
            return _line_seen(change, schedule, account, today)
        return _place_seen(change, schedule, account, service, today)
    except Refused as refused:
        # Only the line itself is meant: nothing is asked of the PSA here.
        return unwritable(str(refused))


def _line_seen(change: Change, schedule: Record, account: Account, today: date) -> LineSeen:
    agreement = agreement_from(schedule)
    item = next((item for item in items_of(schedule) if str(item["id"]) == change.line_id), None)
    if item is None:
        return unwritable(
            f"it is not in the PSA any more: schedule {change.agreement_id} holds no line {change.line_id}"
        )
    if not is_recurring(item):
        return unwritable(f"line {change.line_id} bills no product, or is charged only once")
    line = line_from(item, agreement)
    hindrance = obstacle(change, line, agreement, account, today) or _counted(item)
    return LineSeen(line.quantity, str(line.service_id), line.unit_price, line.unit_cost, hindrance)


def _place_seen(change: Change, schedule: Record, account: Account, service: Service, today: date) -> LineSeen:
    agreement = agreement_from(schedule)
    items = [item for item in items_of(schedule) if is_recurring(item) and _bills(item, service)]
    hindrances = (
        agreement_obstacle(change, agreement, account),
        *map(_counted, items),
        _finer_than_cents(service),
        _too_early(change, today),
    )
    hindrance = next((words for words in hindrances if words), None)
    return place_seen(service, [line_from(item, agreement) for item in items], hindrance)


def _bills(item: Record, service: Service) -> bool:
    return str(item["product_id"]) == service.id


def _counted(item: Record) -> str | None:
    counter = counter_of(item)
    if counter is None:
        return None
    return f"the quantity of line {item['id']} is counted by Syncro itself ({counter}): TrueUp leaves it alone"


def _too_early(change: Change, today: date) -> str | None:
    """A line of Syncro has no date: it would be billed before the day from which it was approved."""
    if change.effective_date <= today:
        return None
    return f"the new line is to begin on {change.effective_date}, and Syncro bills one from the moment it is made"


def _finer_than_cents(service: Service) -> str | None:
    for name, amount in (("price", service.unit_price), ("cost", service.unit_cost)):
        if amount is not None and _in_cents(amount) is None:
            return f"the {name} of service {service.id} is {text(amount)}, and a line of Syncro holds whole cents"
    return None


def _in_cents(amount: Decimal | None) -> int | None:
    """Whole cents; None for no amount, and for one that is finer."""
    cents = None if amount is None else amount.scaleb(2, context=_EXACT)
    return int(cents) if cents is not None and cents == cents.to_integral_value() else None


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))
