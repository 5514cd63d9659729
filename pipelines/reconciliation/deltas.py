"""Deltas: the differences between what was used and what is billed, as the warehouse computed them.

Belongs here: the kinds and outcomes (their SQL twins stand in dbt_project; a test compares them) and the shape.
Does not belong here: computing them.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pipelines.findings import Evidence


class DeltaKind(StrEnum):
    """What the difference is."""

    INCREASE = "increase"
    DECREASE = "decrease"
    UNBILLED = "unbilled"
    VANISHED = "vanished"
    MATCHED = "matched"


class DeltaOutcome(StrEnum):
    """What follows from it. Only ``proposed`` becomes a change; all others but ``settled`` become findings."""

    PROPOSED = "proposed"
    SETTLED = "settled"
    HELD = "held"
    INCOMPLETE_SOURCE = "incomplete_source"
    AMBIGUOUS_TARGET = "ambiguous_target"
    MIXED_BASIS = "mixed_basis"


class HoldReason(StrEnum):
    """Why a difference is held. Where several apply, the first of them. The last four hold falls alone."""

    NEGATIVE_TOTAL = "negative_total"
    ROUNDED_QUANTITY = "rounded_quantity"
    KEY_DRIFT = "key_drift"
    DOUBTFUL_ROWS = "doubtful_rows"
    COMMITMENT = "commitment"
    PREPAID = "prepaid"


@dataclass(frozen=True)
class Delta:
    """Grain: one agreement line in scope, or one (account, service) that is used and stands on no line.

    ``quantity_before`` is None when there is no line; ``quantity_used`` is the sum over all sources before unit
    rules, with what an earlier invoice was paid for (then ``is_prepaid``); ``quantity_after`` is what the PSA's
    quantity field should hold. ``agreement_id`` is the line's; without a line, the account's if it has but one that is
    live. ``amount_delta`` is at the line's own price, None where the PSA gives none.
    ``rows_digest`` names all usage rows that feed the target, with their quantities, also those beyond the ones in
    ``evidence``; empty when none does. ``due_on`` is the day of a renewal from which it holds, None for what is due
    now.
    """

    kind: DeltaKind
    outcome: DeltaOutcome
    account_id: str
    account_name: str
    service_id: str
    service_name: str
    agreement_id: str | None
    line_id: str | None
    quantity_before: Decimal | None
    quantity_used: Decimal
    quantity_after: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None
    currency: str | None
    amount_delta: Decimal | None
    sources: tuple[str, ...]
    evidence_count: int
    evidence: tuple[Evidence, ...]
    rows_digest: str
    held_by: HoldReason | None = None
    is_prepaid: bool = False
    due_on: date | None = None
