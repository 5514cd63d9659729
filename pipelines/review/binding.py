"""What an approval is bound to: everything that a line's new number rests on, frozen in one hash.

Belongs here: gathering what feeds one line, the hash, saying which part moved.
Does not belong here: deciding (``approval``), writing (``pipelines.writeback``).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipelines.audit import canonical_json
from pipelines.intake.drops import UsageRevision
from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, UnitRule
from pipelines.mapping.live import LiveMappings
from pipelines.mapping.writing import entry_as_document
from pipelines.quantities import text
from pipelines.review.changes import Change, When

QUANTITY_FIELD = "quantity"
"""The one field that a change writes."""

MANUAL_POLICY = "manual"
"""The policy of a tenant without one: a person decides on every change."""


@dataclass(frozen=True)
class PsaIdentity:
    """Which PSA tenant is meant. Two that differ in any part are never taken for each other."""

    kind: str
    base_url: str
    company: str


@dataclass(frozen=True)
class LinePlan:
    """What would be written to one agreement line, and all that the number rests on. Grain: one revision of a change.

    ``document`` is plain JSON, the quantities and prices as text; ``hash`` names it. Sources that do not lead to the
    line are no part of it, so that an edit elsewhere leaves the hash alone.
    """

    document: dict[str, Any]

    @property
    def hash(self) -> str:
        """64 hexadecimal digits."""
        return hashlib.sha256(canonical_json(self.document).encode()).hexdigest()


def line_plan(
    change: Change,
    tenant: str,
    psa: PsaIdentity,
    live: LiveMappings,
    readings: Iterable[UsageRevision],
    policy: str = MANUAL_POLICY,
) -> LinePlan:
    """The plan of a change as things stand: the mapping entries live in its period, the readings that speak for it.

    A roll-back rests on neither: it goes back to what the line held, and mending the mapping must not void it.
    ``policy`` is the version of the policy in force.
    """
    entries = [] if change.is_roll_back else feeding_entries(change, live)
    sources = {entry.source for entry in entries if not isinstance(entry, UnitRule)} | set(change.sources)
    spoken = [] if change.is_roll_back else [reading for reading in readings if reading.drop.source in sources]
    # Only where a reviewer picked the day: so plans that were approved before there was a choice keep their hash.
    waits = {"when": str(change.when)} if change.when is When.ON_DATE else {}
    return LinePlan(
        {
            **waits,
            "tenant": tenant,
            "psa": vars(psa),
            "change": change.change_id,
            "revision": change.revision,
            "period": change.period,
            "agreement": change.agreement_id,
            "line": change.line_id,
            "account": change.account_id,
            "service": change.service_id,
            "field": QUANTITY_FIELD,
            "before": _text(change.quantity_before),
            "after": text(change.quantity_after),
            "unit_price": _text(change.unit_price),
            "unit_cost": _text(change.unit_cost),
            "currency": change.currency,
            "effective_date": change.effective_date.isoformat(),
            "rows": change.provenance_hash,
            "mappings": sorted(canonical_json(entry_as_document(entry)) for entry in entries),
            "readings": sorted(_reading(reading) for reading in spoken),
            "policy": policy,
        }
    )


def as_bound(change: Change, plan: Mapping[str, Any]) -> Change:
    """The change with the agreement and the date that its approval is bound to, which the reviewer may have picked.

    ``plan`` is the document of the plan that was approved. Where it says so, the change waits for its date.
    """
    return replace(
        change,
        agreement_id=plan["agreement"],
        effective_date=date.fromisoformat(plan["effective_date"]),
        when=When(plan["when"]) if "when" in plan else change.when,
    )


def _text(number: Any) -> str | None:
    return None if number is None else text(number)


def _reading(reading: UsageRevision) -> str:
    """A reading by its file and profile. Row fixes are left out: those that touch the line move its rows."""
    drop = reading.drop
    return "|".join([drop.source, drop.profile, drop.part, reading.sha256, reading.profile_version])


def feeding_entries(change: Change, live: LiveMappings) -> list[MappingEntry]:
    """The mapping entries that lead to a change's line or target.

    A source leads there when one of its account keys leads to the account and one of its service keys to the service;
    with only one half mapped, nothing of it arrives.
    """
    accounts = [e for e in live.accounts if any(share.target == change.account_id for share in e.shares)]
    services = [e for e in live.services if change.service_id in e.services]
    leading = {e.source for e in accounts} & {e.source for e in services}
    keys: list[AccountMapping | ServiceMapping] = [*accounts, *services]
    return [*(e for e in keys if e.source in leading), *(u for u in live.units if _rules(u, change))]


def _rules(unit: UnitRule, change: Change) -> bool:
    if unit.line is not None:
        return unit.line == change.line_id
    return unit.service == change.service_id and unit.account in {None, change.account_id}


def moved_parts(approved: dict[str, Any], present: dict[str, Any]) -> Sequence[str]:
    """The parts of a plan that are not what was approved, by their names in the document."""
    return sorted(name for name in approved.keys() | present.keys() if approved.get(name) != present.get(name))
