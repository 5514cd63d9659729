"""HaloPSA, for writing: a recurring invoice looked at, and all its lines sent back with some of them changed.

Belongs here: the request that replaces the lines, what keeps one from being written, whether the others came through.
Does not belong here: the order of steps (``pipelines.writeback``), reading everything (``halopsa``).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

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
from resources.psa.errors import Gone, PsaError, Refused, Unavailable
from resources.psa.fields import Record, id_of
from resources.psa.halopsa import API, HaloPsa
from resources.psa.halopsa_records import (
    account_from,
    agreement_from,
    bills_a_service,
    counted_by_psa,
    is_inactive,
    line_from,
    raw_lines,
    service_from,
)
from resources.psa.writing import (
    Recent,
    agreement_obstacle,
    answer_of,
    by_agreement,
    marker_of,
    obstacle,
    place_seen,
    unwritable,
)

TRAITS = WriteTraits(
    model=WriteModel.REPLACE_LINES,
    holds_from=HoldsFrom.AT_ONCE,
    made_from=HoldsFrom.EFFECTIVE_DATE,
    is_integer_only=False,
    # No figure is published of how long a request goes on in the server; the client's timeout decides.
    longest_run=timedelta(0),
)

OTHER_LINES = (
    "(all other lines, as they are read just before; those of other changes that share the request as approved)"
)
"""What stands in a preview for the lines that only a fresh look can tell."""

_BILLED = {
    "_itemid": "item",
    "qty_order": "quantity",
    "unit_price": "price",
    "unit_cost": "cost",
    "isinactive": "inactive",
}
"""The fields of a line by which an invoice becomes another one, and their names for an operator."""

_MOST_ZEROS = 60


@dataclass(frozen=True)
class InvoiceSeen:
    """A recurring invoice as it was read just before a write.

    ``lines`` are all its lines, exactly as shown; ``last_modified`` is the vendor's stamp, None where it shows none.
    """

    lines: tuple[Record, ...]
    last_modified: str | None


@dataclass(frozen=True)
class _Sent:
    """The lines of a recurring invoice around a request of ours: as they were read, and as they were sent."""

    before: Sequence[Record]
    after: Sequence[Record]


@dataclass(frozen=True)
class _Around:
    """What stands around a line. ``service`` is what one bills that is to be made, None for one that stands."""

    account: Account
    service: Service | None


@dataclass(frozen=True)
class _Frame:
    """A recurring invoice of one look, the same for all changes that were looked at with it."""

    agreement: Agreement
    invoice: InvoiceSeen
    damage: str | None


class HaloPsaBilling:
    """One HaloPSA tenant as write-back sees it. A request holds all lines of a recurring invoice.

    After a request every look at its invoice compares the other lines with what was sent, until one look has found
    all that was sent and nothing else moved. ``clock`` counts seconds for the age of accounts that were read.
    """

    def __init__(self, psa: HaloPsa, identity: PsaIdentity, clock: Callable[[], float] = time.monotonic) -> None:
        self._psa = psa
        self._accounts: Recent[Account] = Recent(clock)
        self._looked_at: dict[str, tuple[Record, ...]] = {}
        self._sent: dict[str, _Sent] = {}
        self.identity = identity

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are not taken, ``PsaError`` for all else."""
        self._psa.check_connection()

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The line of a change, or the place of a new one, with what keeps it from being written.

        Raises ``PsaError`` when nothing can be said about it.
        """
        if change.agreement_id is None:
            return unwritable("it names no agreement, so there is no recurring invoice to write to")
        try:
            around = self._around(change)
            invoice = self._psa.read_invoice(change.agreement_id)
            return _seen_on(self._frame_of(change.agreement_id, invoice, today), change, around, today)
        except Gone as gone:
            return unwritable(f"it is not in the PSA any more: {gone}")

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        """The lines of several changes: one request for each recurring invoice."""
        seen: dict[ChangeName, LineSeen] = {}
        for number, of_invoice in by_agreement(changes).items():
            around = {name_of(each): found for each in of_invoice if (found := self._around_or_none(each)) is not None}
            with suppress(Gone):
                invoice = self._psa.read_invoice(number)
                # What cannot be read of it is left out; each of its changes is told why by itself.
                with suppress(Unavailable):
                    seen |= _all_on(self._frame_of(number, invoice, today), of_invoice, around, today)
        return seen

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        """The request that sends all lines back as they were seen, some with approved quantities or one more."""
        lines, wanted = seen.record.lines, {change.line_id: change for change in changes}
        if None in wanted:
            return _replacing(wanted[None], [*lines, _new_line(wanted[None])])
        sent = [_set(line, wanted[number]) if (number := str(line["id"])) in wanted else line for line in lines]
        return _replacing(changes[0], sent)

    def send(self, request: VendorRequest) -> Answer:
        """Send a request once. What came of it is a value, never an error."""
        try:
            self._psa.write_once(request.method, request.path, request.body.encode())
        except PsaError as error:
            answer = answer_of(error)
        else:
            answer = Answer(Heard.ACCEPTED, "accepted")
        self._remember(request, answer)
        return answer

    def _around(self, change: Change) -> _Around:
        """What stands around a line. Read before its invoice: the lines must be fresh when they are sent back."""
        service = service_from(self._psa.read_record(f"/Item/{change.service_id}")) if change.line_id is None else None
        return _Around(self._account(change.account_id), service)

    def _around_or_none(self, change: Change) -> _Around | None:
        try:
            return self._around(change)
        except Gone:
            return None

    def _frame_of(self, number: str, invoice: Record, today: date) -> _Frame:
        """An invoice as it was just read, with what an earlier request of ours did to its lines."""
        agreement, lines = agreement_from(invoice, today), tuple(raw_lines(invoice))
        self._looked_at[number] = lines
        sent = self._sent.get(number)
        damage = None if sent is None else _damage(number, sent, lines)
        if sent is not None and damage is None and _is_as_sent(sent, lines):
            self._sent.pop(number)
        stamp = invoice.get("last_modified")
        return _Frame(agreement, InvoiceSeen(lines, None if stamp is None else str(stamp)), damage)

    def _account(self, number: str) -> Account:
        path = f"/Client/{number}"
        return self._accounts.get(path, lambda: account_from(self._psa.read_record(path)))

    def _remember(self, request: VendorRequest, answer: Answer) -> None:
        (invoice,) = json.loads(request.body, parse_float=Decimal)
        number = str(invoice["id"])
        self._sent.pop(number, None)
        if answer.heard in (Heard.ACCEPTED, Heard.UNKNOWN) and number in self._looked_at:
            self._sent[number] = _Sent(self._looked_at[number], invoice["lines"])


def preview(change: Change) -> VendorRequest:
    """The request of a change as far as it is known without a look at its invoice: the one line that moves."""
    line = _new_line(change) if change.line_id is None else _set({"id": int(change.line_id)}, change)
    return _replacing(change, [OTHER_LINES, line])


def _replacing(change: Change, lines: Sequence[Any]) -> VendorRequest:
    body = [{"id": int(str(change.agreement_id)), "lines": lines}]
    return VendorRequest("POST", f"{API}/RecurringInvoice", _exact_json(body))


def _set(line: Record, change: Change) -> Record:
    return {**line, "qty_order": Decimal(text(change.quantity_after))}


def _new_line(change: Change) -> Record:
    made = {
        "_itemid": int(change.service_id),
        "item_shortdescription": change.service_name,
        "qty_order": Decimal(text(change.quantity_after)),
        "unit_price": change.unit_price,
        "unit_cost": change.unit_cost,
        "startdate": f"{change.effective_date.isoformat()}T00:00:00",
        "comment_1": marker_of(change),
    }
    return {name: value for name, value in made.items() if value is not None}


def _all_on(
    frame: _Frame, changes: Sequence[Change], around: Mapping[ChangeName, _Around], today: date
) -> dict[ChangeName, LineSeen]:
    seen = {}
    for change in changes:
        if (found := around.get(name_of(change))) is not None:
            # A line that cannot be read is left out, and keeps none of the others waiting.
            with suppress(Unavailable):
                seen[name_of(change)] = _seen_on(frame, change, found, today)
    return seen


def _seen_on(frame: _Frame, change: Change, around: _Around, today: date) -> LineSeen:
    seen = _line_on(frame.invoice.lines, change, frame.agreement, around, today)
    return replace(seen, record=frame.invoice, damage=frame.damage)


def _line_on(lines: Sequence[Record], change: Change, agreement: Agreement, around: _Around, today: date) -> LineSeen:
    if around.service is not None:
        return _place(change, lines, agreement, around.account, around.service, today)
    found = next((line for line in lines if str(line["id"]) == change.line_id), None)
    if found is None:
        return unwritable(f"it is not in the PSA any more: recurring invoice {agreement.id} has no such line")
    return _line_seen(change, found, agreement, around.account, today)


def _place(
    change: Change,
    lines: Sequence[Record],
    agreement: Agreement,
    account: Account,
    service: Service,
    today: date,
) -> LineSeen:
    try:
        standing = [each for each in _services(lines, agreement) if _is_live(each, change.service_id, today)]
    except Refused as refused:
        return unwritable(str(refused))
    return place_seen(service, standing, agreement_obstacle(change, agreement, account))


def _line_seen(change: Change, raw: Record, agreement: Agreement, account: Account, today: date) -> LineSeen:
    what = f"line {raw['id']}"
    is_off = is_inactive(raw, what)
    if not is_off and not bills_a_service(raw, agreement):
        return unwritable(f"{what} bills no item of the catalogue any more")
    try:
        line = line_from(raw, agreement)
    except Refused as refused:
        # Only the line itself is meant: a refused request says nothing about the line.
        return unwritable(str(refused))
    hindrance = obstacle(change, line, agreement, account, today)
    hindrance = hindrance or (f"{what} is inactive in the PSA" if is_off else _counted(raw, what))
    return LineSeen(line.quantity, str(line.service_id), line.unit_price, line.unit_cost, hindrance)


def _counted(raw: Record, what: str) -> str | None:
    counted = counted_by_psa(raw)
    return counted and f"{what} is counted by the PSA ({counted}), which would not keep another quantity"


def _services(lines: Sequence[Record], agreement: Agreement) -> Iterator[AgreementLine]:
    return (line_from(line, agreement) for line in lines if bills_a_service(line, agreement))


def _is_live(line: AgreementLine, service_id: str, today: date) -> bool:
    return str(line.service_id) == service_id and (line.end_date is None or line.end_date > today)


# --- whether the other lines came through ---------------------------------------------------------------------------


def _damage(number: str, sent: _Sent, lines: Sequence[Record]) -> str | None:
    """What is neither as it was read nor as it was sent; None when there is nothing of the kind."""
    before, after, now = (_by_id(each) for each in (sent.before, sent.after, lines))
    moved = [words for key in after for words in _differences(key, before.get(key), after[key], now.get(key))]
    come = [key for key in now if key not in after]
    if len(come) > len(sent.after) - len(after):
        moved.append(f"line {' and '.join(str(key) for key in come)} came unasked")
    return f"recurring invoice {number} is not as it was sent: {'; '.join(moved)}" if moved else None


def _is_as_sent(sent: _Sent, lines: Sequence[Record]) -> bool:
    """Whether every quantity that was sent stands: then nothing of that request is still to come."""
    now = _by_id(lines)
    are_there = len(now) >= len(sent.after)
    return are_there and all(
        now[number].get("qty_order") == line.get("qty_order") or counted_by_psa(line)
        for number, line in _by_id(sent.after).items()
    )


def _by_id(lines: Sequence[Record]) -> dict[int, Record]:
    return {id_of(line, "a line"): line for line in lines if "id" in line}


def _differences(key: int, before: Record | None, after: Record, now: Record | None) -> Iterator[str]:
    if now is None:
        yield f"line {key} is gone"
        return
    for field, name in _BILLED.items():
        if field == "qty_order" and counted_by_psa(after):
            continue
        shown, sent = now.get(field), after.get(field)
        if shown != sent and (before is None or shown != before.get(field)) and (shown or sent):
            yield f"line {key} has {name} {_shown(shown)} where {_shown(sent)} was sent"


def _shown(value: Any) -> str:
    return text(value) if isinstance(value, Decimal) else json.dumps(value)


# --- exact JSON -----------------------------------------------------------------------------------------------------


def _exact_json(value: Any) -> str:
    """The JSON text of what was read from JSON: every number with the digits that it came with."""
    if isinstance(value, Decimal):
        return str(value) if abs(value.adjusted()) > _MOST_ZEROS else f"{value:f}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_exact_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_exact_json(each) for each in value) + "]"
    return json.dumps(value)
