"""HaloPSA's records in our words: its field names, dates, states and numbers.

Belongs here: one function per record, what absent, null and unknown values mean, which lines it counts by itself.
Does not belong here: requests and paging (``halopsa``), reading a field of any vendor's (``fields``).
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from resources.psa.errors import Unavailable
from resources.psa.fields import Record, day_in, exact_in, flag_in, id_of, money_in, number_in, text_in

_CODES = ("internalreference", "supplier_part_code", "externalreference")
"""Where an item's code may stand: the first that is filled."""

_COUNTED_FROM = ("quantity_licences", "quantity_subscriptions", "quantity_users", "quantity_assets")
_YEARS = range(1902, 9999)
"""Dates of other years stand for none: the vendor's platform writes 0001, 1900 or 9999 where nothing is set."""


def account_from(client: Record) -> Account:
    """An account."""
    number = id_of(client, "a client")
    return Account(AccountId(str(number)), text_in(client, "name"), not flag_in(client, "inactive", f"client {number}"))


def service_from(item: Record) -> Service:
    """A recurring item. Its prices are defaults; what is billed stands on the line."""
    number = id_of(item, "an item")
    what = f"item {number}"
    cost, price = money_in(item, "recurringcost", what), money_in(item, "recurringprice", what)
    return Service(
        id=ServiceId(str(number)),
        code=next((code for code in (text_in(item, field) for field in _CODES) if code), ""),
        name=text_in(item, "name"),
        is_active=not flag_in(item, "inactive", what),
        unit_cost=money_in(item, "costprice", what) if cost is None else cost,
        unit_price=money_in(item, "baseprice", what) if price is None else price,
    )


def agreement_from(invoice: Record, today: date) -> Agreement:
    """An agreement as of today: disabled or past its last day, a recurring invoice is not active.

    The vendor's end date is read as the last day that is billed (not verified against a live tenant), so ours, which
    is exclusive, is the day after.
    """
    number = id_of(invoice, "a recurring invoice")
    what = f"recurring invoice {number}"
    end = _end(invoice, what)
    return Agreement(
        id=AgreementId(str(number)),
        account_id=AccountId(str(id_of(invoice, what, "client_id"))),
        name=text_in(invoice, "name"),
        is_active=not flag_in(invoice, "disabled", what) and (end is None or end > today),
        prorates=False,
        start_date=_day(invoice, "startdate", what),
        end_date=end,
        currency=text_in(invoice, "currency") or text_in(invoice, "currency_code_name") or None,
    )


def raw_lines(invoice: Record) -> list[Record]:
    """All lines of a recurring invoice as the PSA shows them, each with an id of its own.

    Raises ``Unavailable`` when they are not there, which is never taken for none.
    """
    number = id_of(invoice, "a recurring invoice")
    lines = invoice.get("lines")
    if not isinstance(lines, list):
        raise Unavailable(f"recurring invoice {number} comes without its lines, which are not taken for none")
    ids = [id_of(line, f"a line of recurring invoice {number}") for line in lines]
    if len(set(ids)) < len(ids):
        raise Unavailable(f"recurring invoice {number} shows a line twice, so its lines cannot be used")
    return lines


def bills_a_service(line: Record, agreement: Agreement) -> bool:
    """Whether a line bills an item of the catalogue at all: texts, group headings and inactive lines do not."""
    what = _name_of(line, agreement)
    if "_itemid" not in line:
        raise Unavailable(f"{what} comes without its item, so it cannot be told what it bills")
    has_item = number_in(line, "_itemid", what) not in (None, 0)
    return has_item and not flag_in(line, "isgroupdesc", what) and not is_inactive(line, what)


def is_inactive(line: Record, what: str) -> bool:
    """Whether a line is switched off."""
    return flag_in(line, "isinactive", what)


def line_from(line: Record, agreement: Agreement) -> AgreementLine:
    """A line of a recurring invoice. A quantity of null is none; one that is not in the answer is not taken for zero.

    Its last day is read as the recurring invoice's is.
    """
    number = id_of(line, f"a line of recurring invoice {agreement.id}")
    what = _name_of(line, agreement)
    header = line.get("ihid")
    if header is not None and str(header) != str(agreement.id):
        raise Unavailable(f"{what} says that it belongs to {header!r:.60}, so the answer cannot be used")
    if "qty_order" not in line:
        raise Unavailable(f"{what} comes without its quantity, which is not taken for zero")
    return AgreementLine(
        id=AgreementLineId(str(number)),
        agreement_id=agreement.id,
        account_id=agreement.account_id,
        service_id=ServiceId(str(id_of(line, what, "_itemid"))),
        quantity=exact_in(line, "qty_order", what),
        psa_included=Decimal(0),
        unit_price=money_in(line, "unit_price", what),
        unit_cost=money_in(line, "unit_cost", what),
        start_date=_day(line, "startdate", what),
        end_date=_end(line, what),
    )


def counted_by_psa(line: Record) -> str | None:
    """Why a line's quantity is the PSA's own business: it counts it from something. None for one that people enter.

    Which number means "entered" is not known, so only none and 0 are taken for it.
    """
    kind = line.get("recurring_invoice_quantity_type")
    if kind not in (None, 0) or isinstance(kind, bool):
        return f"its quantity is of type {kind!s:.60}"
    if line.get("_is_calculated_line") not in (None, False):
        return "it is a calculated line"
    found = [name.removeprefix("quantity_") for name in _COUNTED_FROM if line.get(name)]
    return f"its quantity is counted from {' and '.join(found)}" if found else None


def _name_of(line: Mapping[str, object], agreement: Agreement) -> str:
    return f"line {line.get('id')} of recurring invoice {agreement.id}"


def _day(record: Record, field: str, what: str) -> date | None:
    day = day_in(record, field, what)
    return day if day is not None and day.year in _YEARS else None


def _end(record: Record, what: str) -> date | None:
    last_day = _day(record, "enddate", what)
    return last_day + timedelta(days=1) if last_day else None
