"""ConnectWise's records in our words: its field names, dates, states and numbers.

Belongs here: one function per record, and what absent, null and unknown values mean.
Does not belong here: requests and paging (``connectwise``), reading a field of any vendor's (``fields``).
"""

from collections.abc import Mapping
from datetime import date, timedelta

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from resources.psa.errors import Unavailable
from resources.psa.fields import Record, day_in, exact_in, flag_in, id_of, money_in, text_in

_NOT_OFFERED = {"inactive", "not approved", "not-approved"}
"""Default company states that are not billed. A tenant may add states of its own; those count as active."""


def account_from(company: Record) -> Account:
    """An account. Companies in the recycle bin and of a state that is not billed are not active."""
    number = id_of(company, "a company")
    what = f"company {number}"
    status = str(_reference(company, "status", what).get("name") or "").strip().lower()
    is_active = not flag_in(company, "deletedFlag", what) and status not in _NOT_OFFERED
    return Account(AccountId(str(number)), text_in(company, "name"), is_active)


def service_from(item: Record) -> Service:
    """A catalogue item. Its prices are defaults; what is billed stands on the line."""
    number = id_of(item, "a catalogue item")
    what = f"catalogue item {number}"
    return Service(
        id=ServiceId(str(number)),
        code=text_in(item, "identifier"),
        name=text_in(item, "description") or text_in(item, "identifier"),
        is_active=not flag_in(item, "inactiveFlag", what),
        unit_cost=money_in(item, "cost", what),
        unit_price=money_in(item, "price", what),
    )


def agreement_from(agreement: Record, today: date) -> Agreement:
    """An agreement as of today: cancelled, expired or past its last day, it is not active.

    The vendor's end date is read as the last day that is billed (not verified against a live tenant), so ours, which
    is exclusive, is the day after.
    """
    number = id_of(agreement, "an agreement")
    what = f"agreement {number}"
    last_day = None if flag_in(agreement, "noEndingDateFlag", what) else day_in(agreement, "endDate", what)
    end = last_day + timedelta(days=1) if last_day else None
    is_running = not flag_in(agreement, "cancelledFlag", what) and _is_active_status(agreement)
    return Agreement(
        id=AgreementId(str(number)),
        account_id=AccountId(str(id_of(agreement.get("company"), f"the company of {what}"))),
        name=text_in(agreement, "name"),
        is_active=is_running and (end is None or end > today),
        prorates=flag_in(agreement, "prorateFlag", what),
        start_date=day_in(agreement, "startDate", what),
        end_date=end,
        currency=text_in(_reference(agreement, "currency", what), "currencyCode") or None,
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
        quantity=exact_in(addition, "quantity", what),
        psa_included=exact_in(addition, "lessIncluded", what),
        unit_price=money_in(addition, "unitPrice", what),
        unit_cost=money_in(addition, "unitCost", what),
        start_date=day_in(addition, "effectiveDate", what),
        end_date=day_in(addition, "cancelledDate", what),
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
