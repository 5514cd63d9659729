"""Spellings whose meaning is known: charge kinds, terms, and words for subscriptions that count or do not.

Belongs here: the tables, and what they make of the values of a column.
Does not belong here: which column holds them (``extras``, ``filters``).
"""

import re
from collections.abc import Iterable

from pipelines.intake.conventions import folded_kind

CHARGES: dict[str, tuple[str, ...]] = {
    "recurring": (
        "cycleCharge", "new", "newSubscription", "renew", "renewal", "addQuantity", "removeQuantity", "convert",
        "subscription", "recurring", "cycle", "cycle fee", "cycle instance prorate", "renew fee", "add", "remove",
        "prorate fee when purchase", "prorate fee when renew", "prorate fee when convert to",
        "prorate fee when activation",
    ),
    "cancel": (
        "cancel", "cancelImmediate", "cancelSubscription", "cancellation", "cancel fee", "prorate fee when cancel",
        "kündigung",
    ),
    "proration": ("prorate", "prorated", "proration", "prorateCredit", "prorata"),
    "one_off": ("one-time", "setup", "setup fee", "einmalig"),
    "tax": ("tax", "vat", "mwst", "ust", "gst"),
    "fee": ("fee", "purchaseFee", "activation fee", "service-charge", "service charge", "handling fee"),
    "credit": (
        "credit", "customerCredit", "service-credit", "invoice-credit", "payment-credit", "rebate", "refund",
        "discount", "offset line item", "gutschrift",
    ),
}  # fmt: skip

_CLASS = {folded_kind(kind): name for name, kinds in CHARGES.items() for kind in kinds}

TERMS: dict[str, tuple[str, ...]] = {
    "P1M": (
        "monthly", "month", "1 month", "one month", "1-month", "p1m", "monatlich", "1 monat", "m", "30 days",
        "One-Month commitment for monthly billing", "Monthly term, Monthly billing", "1 month, monthly",
    ),
    "P1Y": (
        "annual", "annually", "yearly", "year", "1 year", "one year", "1-year", "12 months", "p1y", "jährlich",
        "1 jahr", "12 monate", "One-Year commitment for monthly/yearly billing",
        "One-Year commitment for yearly billing", "Annual term, Monthly billing", "Annual term, Annual billing",
        "1 year, monthly",
    ),
    "P2Y": ("2 year", "2 years", "2-year", "24 months", "p2y", "2 jahre"),
    "P3Y": ("triennial", "3 year", "3 years", "3-year", "three year", "36 months", "p3y", "3 jahre"),
}  # fmt: skip

_TERM = {folded_kind(text): term for term, texts in TERMS.items() for text in texts}

TRIALS = frozenset({"trial", "freetrial", "nfr", "notforresale"})
"""Folded words for terms of what is free."""

_LIVE = "activated active aktiv current enabled inuse live provisioned suspended "
LIVE = frozenset(re.findall(r"\w+", _LIVE))
"""Folded words for what is billed. A suspended subscription is still charged."""

_ENDED = (
    "beendet canceled cancelled converted deleted deprovisioned disabled expired free gekündigt inactive "
    "inaktiv pendingactivation pendingautomated pendingmanual removed terminated trial trialing "
    "waitingfordetails "
)
ENDED = frozenset(re.findall(r"\w+", _ENDED))


def class_of(kind: str) -> str | None:
    """The class of a charge kind whose meaning is known."""
    return _CLASS.get(folded_kind(kind))


def sorted_kinds(kinds: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Known kinds by class, one spelling of each, and the unknown ones."""
    known: dict[str, list[str]] = {name: [] for name in CHARGES}
    unknown: list[str] = []
    seen: set[str] = set()
    for kind in kinds:
        folded = folded_kind(kind)
        if folded in seen:
            continue
        seen.add(folded)
        (known[name] if (name := class_of(kind)) else unknown).append(kind)
    return {name: found for name, found in known.items() if found}, unknown


def term_of(text: str) -> str | None:
    """The ISO 8601 duration of a term whose spelling is known."""
    return _TERM.get(folded_kind(text))
