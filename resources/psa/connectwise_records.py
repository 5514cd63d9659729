"""ConnectWise's records in our words: its field names, dates, states and numbers.

Belongs here: one function per record, and what absent, null and unknown values mean.
Does not belong here: requests and paging (``connectwise``).
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from pipelines.quantities import PRECISION, SCALE, rounded
from resources.psa.errors import Refused, Unavailable

Record = Mapping[str, Any]

_NOT_OFFERED = {"inactive", "not approved", "not-approved"}
"""Default company states that are not billed. A tenant may add states of its own; those count as active."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d(T|\Z)")
_WHOLE_DIGITS = PRECISION - SCALE


def id_of(record: object, what: str) -> int:
    """The id of a record or of a reference to one. Raises ``Unavailable`` when there is none."""
    number = record.get("id") if isinstance(record, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise Unavailable(f"{what} has no id in the PSA's answer, so the answer cannot be used")
    return number


def account_from(company: Record) -> Account:
    """An account. Companies in the recycle bin and of a state that is not billed are not active."""
    number = id_of(company, "a company")
    what = f"company {number}"
    status = str(_reference(company, "status", what).get("name") or "").strip().lower()
    is_active = not _flag(company, "deletedFlag", what) and status not in _NOT_OFFERED
    return Account(AccountId(str(number)), _text(company, "name"), is_active)


def service_from(item: Record) -> Service:
    """A catalogue item. Its prices are defaults; what is billed stands on the line."""
    number = id_of(item, "a catalogue item")
    what = f"catalogue item {number}"
    return Service(
        id=ServiceId(str(number)),
        code=_text(item, "identifier"),
        name=_text(item, "description") or _text(item, "identifier"),
        is_active=not _flag(item, "inactiveFlag", what),
        unit_cost=_money(item, "cost", what),
        unit_price=_money(item, "price", what),
    )


def agreement_from(agreement: Record, today: date) -> Agreement:
    """An agreement as of today: cancelled, expired or past its last day, it is not active.

    The vendor's end date is read as the last day that is billed (not verified against a live tenant), so ours, which
    is exclusive, is the day after.
    """
    number = id_of(agreement, "an agreement")
    what = f"agreement {number}"
    last_day = None if _flag(agreement, "noEndingDateFlag", what) else _date(agreement, "endDate", what)
    end = last_day + timedelta(days=1) if last_day else None
    is_running = not _flag(agreement, "cancelledFlag", what) and _is_active_status(agreement)
    return Agreement(
        id=AgreementId(str(number)),
        account_id=AccountId(str(id_of(agreement.get("company"), f"the company of {what}"))),
        name=_text(agreement, "name"),
        is_active=is_running and (end is None or end > today),
        prorates=_flag(agreement, "prorateFlag", what),
        start_date=_date(agreement, "startDate", what),
        end_date=end,
        currency=_text(_reference(agreement, "currency", what), "currencyCode") or None,
    )


def line_from(addition: Record, agreement: Agreement) -> AgreementLine:
    """An addition of an agreement. ``cancelledDate`` is the first day that is not billed any more.

    A quantity of null is none; a quantity that is not in the answer at all is not taken for zero.
    """
    number = id_of(addition, f"an addition of agreement {agreement.id}")
    what = f"addition {number} of agreement {agreement.id}"
    if "quantity" not in addition:
        raise Unavailable(f"{what} comes without its quantity, which is not taken for zero")
    return AgreementLine(
        id=AgreementLineId(str(number)),
        agreement_id=agreement.id,
        account_id=agreement.account_id,
        service_id=ServiceId(str(id_of(addition.get("product"), f"the product of {what}"))),
        quantity=_exact(addition, "quantity", what),
        psa_included=_exact(addition, "lessIncluded", what),
        unit_price=_money(addition, "unitPrice", what),
        unit_cost=_money(addition, "unitCost", what),
        start_date=_date(addition, "effectiveDate", what),
        end_date=_date(addition, "cancelledDate", what),
    )


def _is_active_status(agreement: Record) -> bool:
    return agreement.get("agreementStatus") in (None, "Active")


def _reference(record: Record, field: str, what: str) -> Record:
    value = record.get(field)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not a reference, so the answer cannot be used")
    return value


def _text(record: Record, field: str) -> str:
    value = record.get(field)
    return "" if value is None else str(value).strip()


def _flag(record: Record, field: str, what: str) -> bool:
    value = record.get(field)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not true or false, so the answer cannot be used")
    return value


def _date(record: Record, field: str, what: str) -> date | None:
    value = record.get(field)
    if value is None or value == "":
        return None
    try:
        if not _DAY.match(value):
            raise ValueError(value)
        # A calendar day that the vendor writes as midnight "Z": moving it to a time zone would move the day.
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not a date, so the answer cannot be used") from None


def _number(record: Record, field: str, what: str) -> Decimal | None:
    value = record.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not a number, so the answer cannot be used")
    number = Decimal(value)
    if number and number.adjusted() >= _WHOLE_DIGITS:
        raise Refused(f"{what}: {field} has more than {_WHOLE_DIGITS} digits before the point; correct it in the PSA")
    return number


def _exact(record: Record, field: str, what: str) -> Decimal:
    number = _number(record, field, what) or Decimal(0)
    if number != rounded(number):
        raise Refused(f"{what}: {field} {number} has more than {SCALE} decimal places; correct it in the PSA")
    return number


def _money(record: Record, field: str, what: str) -> Decimal | None:
    number = _number(record, field, what)
    return None if number is None else rounded(number)
