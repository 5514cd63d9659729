"""What a month asks people to look at: findings that follow from its inputs and figures.

Belongs here: one function per kind of finding, each with its words and its remedy.
Does not belong here: deciding that a number is wrong (``dbt_project``, ``pipelines.intake``).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipelines.agreements.records import NO_RECORDS, PsaCopy, PsaRecords
from pipelines.findings import MOST_EVIDENCE, Evidence, Finding, FindingKind
from pipelines.identity import RevisionId
from pipelines.intake.drops import Arrival, ArrivalStatus, SourceVerdict, UsageRevision
from pipelines.intake.profile import Basis
from pipelines.intake.rows import RowClass, RowError
from pipelines.mapping.entries import AccountMapping, KeyKind, ServiceMapping, SkippedKey
from pipelines.mapping.keys import match_key
from pipelines.periods import BillingPeriod
from pipelines.quantities import money, money_text, text
from pipelines.reconciliation.deltas import Delta, DeltaOutcome, HoldReason
from pipelines.reconciliation.expected import ExpectedDrop
from pipelines.reconciliation.inputs import ClassedRows, KeyDrift, Likeness, MonthFigures, TermEnds, UnmappedUsage


@dataclass(frozen=True)
class MonthSeen:
    """Everything findings are drawn from. ``figures`` is None when the month could not be computed at all."""

    period: str
    expected: Sequence[ExpectedDrop]
    rejected: Sequence[tuple[RevisionId, RowError]]
    arrivals: Sequence[Arrival]
    psa_copy: PsaCopy | None
    is_psa_copied: bool
    psa: PsaRecords
    accounts: Sequence[AccountMapping]
    services: Sequence[ServiceMapping]
    figures: MonthFigures | None
    psa_before: PsaRecords = NO_RECORDS
    """The PSA's records when the month before was reconciled."""
    overtaken: Sequence[Delta] = ()
    rolled_back: Sequence[Delta] = ()
    """Differences of lines for which a roll-back is open."""
    stopped: Sequence[tuple[Delta, str]] = ()
    """Differences whose target must not be billed, with the reason."""
    late_revisions: Sequence[UsageRevision] = ()
    """Readings that came after the month was frozen."""
    late_arrivals: Sequence[Arrival] = ()
    """Files that came after the month was frozen."""
    skipped: Sequence[SkippedKey] = ()
    """Keys about which somebody put the decision off: unmapped like all others, and told with the reason."""


def month_findings(seen: MonthSeen) -> list[Finding]:
    """All findings of a month, each once, in the order an operator should read them."""
    found: list[Finding] = [
        *_psa_unavailable(seen),
        *_incomplete_sources(seen),
        *_quarantined(seen),
        *_rejected(seen),
        *_control_totals(seen),
        *_unmapped(seen),
        *_amounts(seen),
        *_key_drifts(seen),
        *_vanished_subscriptions(seen),
        *_commitments(seen),
        *_renewals(seen),
        *_extended_terms(seen),
        *_price_changes(seen),
        *_currency_mismatches(seen),
        *_classed(seen),
        *_stopped_deltas(seen),
        *_overtaken(seen),
        *_rolled_back(seen),
        *_stopped_targets(seen),
        *_inactive(seen),
        *_renamed(seen),
        *_duplicates(seen),
        *_late(seen),
    ]
    return list({finding.id: finding for finding in found}.values())


def _psa_unavailable(seen: MonthSeen) -> Iterator[Finding]:
    if seen.is_psa_copied:
        return
    copy = seen.psa_copy
    if copy is None:
        message = "no PSA is configured"
    else:
        message = copy.message or f"the newest copy is of {copy.finished_at:%Y-%m-%d %H:%M} UTC, older than a day"
    yield Finding(
        seen.period,
        FindingKind.PSA_UNAVAILABLE,
        None,
        "psa",
        f"The PSA could not be copied whole: {message}. Nothing is proposed for this month.",
        "Mend the connection (trueup config get psa.base_url; the credentials stand in the environment) and run again.",
    )


_REMEDIES = {
    SourceVerdict.EMPTY: "Export the file again and drop it into the inbox; an empty file never means zero usage.",
    SourceVerdict.REFUSED: "Mend the import profile or the file's header, then drop the file again.",
    SourceVerdict.INCOMPLETE: "Drop the whole file into the inbox; until then nothing is proposed from this source.",
}
_RETIRE = "Drop the file into the inbox, or retire it: trueup inbox retire."


def _incomplete_sources(seen: MonthSeen) -> Iterator[Finding]:
    for drop in seen.expected:
        if drop.is_complete:
            continue
        revision = drop.revision
        what = f"{drop.source}: {revision.file_name} is {drop.verdict}" if revision else drop.source
        yield Finding(
            seen.period,
            FindingKind.INCOMPLETE_SOURCE,
            drop.source,
            f"{drop.profile}|{drop.part}",
            f"{what}: {'; '.join(drop.reasons)}. No line that this source speaks for gets a proposal.",
            _REMEDIES[drop.verdict] if revision else _RETIRE,
            quantity=revision.quantity if revision else None,
        )


def _quarantined(seen: MonthSeen) -> Iterator[Finding]:
    for arrival in [*seen.arrivals, *seen.late_arrivals]:
        if arrival.status is ArrivalStatus.QUARANTINED:
            yield Finding(
                seen.period,
                FindingKind.QUARANTINED_FILE,
                arrival.source,
                arrival.file_id,
                f"{arrival.path} was not taken in: {arrival.reason}.",
                f"Mend it, then: trueup inbox release {arrival.file_id}",
            )


def _rejected(seen: MonthSeen) -> Iterator[Finding]:
    source_of = {d.revision.revision_id: d.revision for d in seen.expected if d.revision}
    groups: dict[tuple[RevisionId, str | None, str], list[RowError]] = defaultdict(list)
    for revision_id, error in seen.rejected:
        groups[(revision_id, error.column, error.reason)].append(error)
    for (revision_id, column, reason), errors in groups.items():
        revision = source_of[revision_id]
        rows = ", ".join(str(error.row) for error in errors[:MOST_EVIDENCE])
        more = f" and {len(errors) - MOST_EVIDENCE} more" if len(errors) > MOST_EVIDENCE else ""
        where = f", column {column}" if column else ""
        yield Finding(
            seen.period,
            FindingKind.REJECTED_ROW,
            revision.drop.source,
            f"{revision.drop.profile}|{revision.drop.part}|{column}|{reason}",
            f"{revision.file_name}, row {rows}{more}{where}: {reason}",
            f"{errors[0].remedy} Or: trueup rows list --file {revision.file_id}",
            evidence=tuple(_evidence(revision, error) for error in errors[:MOST_EVIDENCE]),
        )


def _evidence(revision: UsageRevision, error: RowError) -> Evidence:
    return Evidence(revision.file_name, revision.sha256, error.sheet, error.row)


def _control_totals(seen: MonthSeen) -> Iterator[Finding]:
    for drop in seen.expected:
        if drop.revision and drop.revision.rows.totals:
            count = drop.revision.rows.totals
            yield Finding(
                seen.period,
                FindingKind.REJECTED_ROW,
                drop.source,
                f"{drop.profile}|{drop.part}|control totals",
                f"{drop.revision.file_name}: {count} control total{'s' if count > 1 else ''} set aside and compared "
                f"with the rows; {'they agree' if drop.is_complete else 'see the verdict of the file'}.",
                "Nothing to do while they agree.",
            )


def _unmapped(seen: MonthSeen) -> Iterator[Finding]:
    of_amounts = _sources_of_amounts(seen)
    usage = [item for item in _unmapped_usage(seen) if item.source not in of_amounts]
    accounts: dict[tuple[str, str], list[UnmappedUsage]] = defaultdict(list)
    services: dict[tuple[str, str], list[UnmappedUsage]] = defaultdict(list)
    for item in usage:
        if not item.is_account_mapped:
            accounts[(item.source, item.account_key)].append(item)
        if not item.is_service_mapped:
            services[(item.source, item.service_key)].append(item)
    skips = {(entry.kind, entry.source, match_key(entry.key)): entry for entry in seen.skipped}
    for (source, key), items in accounts.items():
        skip = skips.get((KeyKind.ACCOUNT, source, match_key(key)))
        name = f" ({items[0].account_name})" if items[0].account_name != key else ""
        yield _unmapped_finding(seen.period, FindingKind.UNMAPPED_ACCOUNT, source, key, name, items, skip)
    for (source, key), items in services.items():
        skip = skips.get((KeyKind.SERVICE, source, match_key(key)))
        name = f" ({items[0].service_name})" if items[0].service_name != key else ""
        yield _unmapped_finding(seen.period, FindingKind.UNMAPPED_SERVICE, source, key, name, items, skip)


def _unmapped_usage(seen: MonthSeen) -> Sequence[UnmappedUsage]:
    return seen.figures.unmapped if seen.figures else ()


def _sources_of_amounts(seen: MonthSeen) -> frozenset[str]:
    """Sources that know what was spent and not how many: bills whose units are their money, of which nothing is mapped.

    As soon as one service of theirs is mapped a person bills by that money, and the rest is unmapped like any usage.
    """
    billed = {d.source for d in seen.expected if d.revision and d.revision.basis == Basis.INVOICE}
    counted = {d.source for d in seen.expected if d.revision and d.revision.basis != Basis.INVOICE}
    counted |= {item.source for item in _unmapped_usage(seen) if item.amount != item.quantity}
    counted |= {service.source for service in seen.services}
    return frozenset(billed - counted)


def _amounts(seen: MonthSeen) -> Iterator[Finding]:
    of_amounts = _sources_of_amounts(seen)
    spent: dict[tuple[str, str, str | None], list[UnmappedUsage]] = defaultdict(list)
    for item in _unmapped_usage(seen):
        if item.source in of_amounts:
            spent[(item.source, item.account_key, item.currency)].append(item)
    for (source, key, currency), items in spent.items():
        total = sum((item.quantity for item in items), Decimal(0))
        name = f" ({items[0].account_name})" if items[0].account_name != key else ""
        services = f"{len(items)} service{'s' if len(items) > 1 else ''}"
        yield Finding(
            seen.period,
            FindingKind.AMOUNT_ONLY,
            source,
            f"{key}|{currency}",
            f"{source}: the account {key!r}{name} spent {money_text(total)}{f' {currency}' if currency else ''} on "
            f"{services}. The source knows amounts and no units, so no agreement line is compared with it.",
            "Hold it against what the customer is billed for it. To bill by it, map its services: a unit is then one "
            "unit of the currency.",
            amount=total,
            currency=currency,
            evidence=tuple(e for item in items for e in item.evidence)[:MOST_EVIDENCE],
        )


def _unmapped_finding(
    period: str,
    kind: FindingKind,
    source: str,
    key: str,
    name: str,
    items: Sequence[UnmappedUsage],
    skip: SkippedKey | None,
) -> Finding:
    thing = "account" if kind is FindingKind.UNMAPPED_ACCOUNT else "service"
    quantity = sum((item.quantity for item in items), Decimal(0))
    amounts = [item.amount for item in items if item.amount is not None]
    currencies = {item.currency for item in items}
    is_one_currency = len(currencies) == 1
    return Finding(
        period,
        kind,
        source,
        key,
        f"{source}: the {thing} {key!r}{name} is {_state(skip)}; {text(quantity)} units reach no agreement line.",
        f"{_wish(skip)} in a mapping file ({thing}s: source {source}, key {key!r}): trueup mappings import.",
        quantity=quantity,
        amount=sum(amounts, Decimal(0)) if amounts and is_one_currency else None,
        currency=next(iter(currencies)) if is_one_currency else None,
        evidence=tuple(e for item in items for e in item.evidence)[:MOST_EVIDENCE],
    )


def _state(skip: SkippedKey | None) -> str:
    if skip is None:
        return "not mapped"
    until = f" until {skip.validity.valid_until}" if skip.validity.valid_until else ""
    return f"skipped{until} ({skip.reason})"


def _wish(skip: SkippedKey | None) -> str:
    return "Map, exclude or skip it" if skip is None else "It still holds falls. Once it is known, map or exclude it"


_SHARED: Mapping[Likeness, str] = {
    Likeness.SUBSCRIPTION: "the same subscriptions bear it",
    Likeness.SPELLING: "only its spelling or its term differs",
    Likeness.QUANTITY: "the same account has the same quantity of it",
}


def _key_drifts(seen: MonthSeen) -> Iterator[Finding]:
    for drift in seen.figures.key_drifts if seen.figures else ():
        subject = [drift.account_before, drift.account_key, drift.service_before, drift.service_key, drift.likeness]
        things = [
            (thing, before, key)
            for thing, before, key in (
                ("account", drift.account_before, drift.account_key),
                ("service", drift.service_before, drift.service_key),
            )
            if before is not None
        ]
        yield Finding(
            seen.period,
            FindingKind.KEY_DRIFT,
            drift.source,
            "|".join(str(part or "") for part in [*subject, drift.seen_since]),
            _drift_words(drift, things),
            _drift_remedy(drift, things),
            quantity=drift.quantity_before,
            evidence=drift.evidence,
        )


_Changed = Sequence[tuple[str, str | None, str | None]]


def _drift_words(drift: KeyDrift, things: _Changed) -> str:
    gone = " and ".join(f"the {thing} {before!r}" for thing, before, _ in things)
    new = " and ".join(f"{thing} {key!r}" for thing, _, key in things)
    verb = "is" if len(things) == 1 else "are"
    where = "one account and service" if drift.pairs == 1 else f"{drift.pairs} accounts and services"
    held = (
        "the new key is excluded, so nothing is held"
        if drift.is_excluded
        else "falls of the lines that the old key leads to are held"
    )
    return (
        f"{drift.source}: {gone} {verb} gone since {drift.seen_since:%Y-%m} and {new} {verb} new; "
        f"{_SHARED[drift.likeness]}. {text(drift.quantity_before)} units of {where} were mapped; "
        f"the new key leads elsewhere or nowhere: {held}."
    )


def _drift_remedy(drift: KeyDrift, things: _Changed) -> str:
    keys = ", ".join(f"{thing}s: key {key!r}" for thing, _, key in things)
    return (
        f"Same thing: map the new key where the old one leads ({keys}). Another thing: say so with an entry "
        f"for the new key that begins then, from: {drift.seen_since:%Y-%m-%d}. After that: trueup mappings import."
    )


def _vanished_subscriptions(seen: MonthSeen) -> Iterator[Finding]:
    before = BillingPeriod.from_key(seen.period).previous.key
    for gone in seen.figures.vanished_subscriptions if seen.figures else ():
        named = ", ".join(f"{s.subscription_id!r} ({s.service_key}, {text(s.quantity)} units)" for s in gone.named)
        more = f" and {gone.count - len(gone.named)} more" if gone.count > len(gone.named) else ""
        what = "a subscription" if gone.count == 1 else f"{gone.count} subscriptions"
        yield Finding(
            seen.period,
            FindingKind.VANISHED_SUBSCRIPTION,
            gone.source,
            gone.account_key,
            f"{gone.source}: {what} of the account {gone.account_key!r} stood in {before}, and no row names it now: "
            f"{named}{more}. By itself this changes no quantity.",
            "Ask the customer or the distributor whether it ended, before a fall of this account is approved.",
            quantity=gone.quantity,
            evidence=gone.evidence,
        )


def _commitments(seen: MonthSeen) -> Iterator[Finding]:
    for falls in seen.figures.commitment_falls if seen.figures else ():
        named = "; ".join(
            f"{fall.subscription_id!r} ({fall.service_key}) from {text(fall.quantity_before)} to "
            f"{text(fall.quantity_now)}, bound {f'until {fall.term_end}' if fall.term_end else 'until a day unknown'}"
            for fall in falls.named
        )
        more = f"; and {falls.count - len(falls.named)} more" if falls.count > len(falls.named) else ""
        yield Finding(
            seen.period,
            FindingKind.COMMITMENT,
            falls.source,
            falls.account_key,
            f"{falls.source}: the account {falls.account_key!r} has fewer seats than a month ago, inside a term: "
            f"{named}{more}. Falls of the lines they lead to are held this month. {falls.policy}.",
            "Rows may be missing or wrong: compare with the vendor's portal, and drop the whole file again.",
            quantity=falls.quantity,
            evidence=falls.evidence,
        )


def _ends(terms: TermEnds, verb: str) -> str:
    named = ", ".join(
        f"{each.subscription_id!r} ({each.service_key}) {verb} {each.term_end}"
        + ("" if each.renewal_quantity is None else f", going on with {text(each.renewal_quantity)}")
        for each in terms.named
    )
    return named + (f" and {terms.count - len(terms.named)} more" if terms.count > len(terms.named) else "")


def _renewals(seen: MonthSeen) -> Iterator[Finding]:
    for renewals in seen.figures.renewals if seen.figures else ():
        yield Finding(
            seen.period,
            FindingKind.RENEWAL,
            renewals.source,
            renewals.account_key,
            f"{renewals.source}: commitments of the account {renewals.account_key!r} end: {_ends(renewals, 'on')}.",
            "Ask the customer how many seats go on; they may fall at the renewal and in the days after it.",
        )


def _extended_terms(seen: MonthSeen) -> Iterator[Finding]:
    for terms in seen.figures.extended_terms if seen.figures else ():
        yield Finding(
            seen.period,
            FindingKind.EXTENDED_TERM,
            terms.source,
            terms.account_key,
            f"{terms.source}: terms of the account {terms.account_key!r} are over, and what was bound by them goes on "
            f"month by month: {_ends(terms, 'since')}. No quantity changes by that; the vendor may charge more for it.",
            "Renew it, or cancel it at the vendor; seats may fall at any time now.",
        )


def _price_changes(seen: MonthSeen) -> Iterator[Finding]:
    for change in seen.figures.price_changes if seen.figures else ():
        accounts = "one account" if change.accounts == 1 else f"{change.accounts} accounts"
        yield Finding(
            seen.period,
            FindingKind.PRICE_CHANGE,
            change.source,
            f"{change.service_key}|{change.currency}|{text(change.cost_before)}|{text(change.cost_now)}",
            f"{change.source}: {change.service_name} costs {text(change.cost_now)} a unit instead of "
            f"{text(change.cost_before)} a month ago, for {accounts} with {text(change.quantity)} units.",
            "Look at the price that the customers' lines bill; quantities do not depend on it.",
            quantity=change.quantity,
            amount=money(change.quantity * (change.cost_now - change.cost_before)),
            currency=change.currency,
            evidence=change.evidence,
        )


def _currency_mismatches(seen: MonthSeen) -> Iterator[Finding]:
    for found in seen.figures.currency_mismatches if seen.figures else ():
        yield Finding(
            seen.period,
            FindingKind.CURRENCY_MISMATCH,
            found.source,
            f"{found.line_id}|{found.usage_currency}",
            f"{found.account_name}, {found.service_name}: {found.source} charges in {found.usage_currency}, and line "
            f"{found.line_id} bills in {found.line_currency}. Quantities are compared; money is told in "
            f"{found.line_currency} as the PSA holds it, and nothing is converted.",
            "See that the line's price covers a cost in the other currency, or bill it on an agreement of that one.",
            currency=found.usage_currency,
        )


_CLASS_FINDINGS: Mapping[str, tuple[FindingKind, str, str]] = {
    RowClass.PRORATION: (
        FindingKind.PRORATION,
        "is money for part of a month and carries no quantity",
        "Check the amount against the change it belongs to; the quantity is not touched.",
    ),
    RowClass.UNKNOWN: (
        FindingKind.UNKNOWN_CHARGE,
        "is in no list of the profile's charges; it is kept and counts no quantity, and it holds decreases",
        "Add the charge kind to the right list under charges in the import profile.",
    ),
}


def _classed(seen: MonthSeen) -> Iterator[Finding]:
    for rows in seen.figures.classed_rows if seen.figures else ():
        if rows.charge_class in _CLASS_FINDINGS:
            yield _classed_finding(seen.period, rows)


def _classed_finding(period: str, rows: ClassedRows) -> Finding:
    kind, meaning, remedy = _CLASS_FINDINGS[rows.charge_class]
    return Finding(
        period,
        kind,
        rows.source,
        f"{rows.charge_kind}|{rows.currency}",
        f"{rows.source}: the charge kind {rows.charge_kind!r} ({rows.rows} rows) {meaning}.",
        remedy,
        quantity=rows.quantity,
        amount=rows.amount,
        currency=rows.currency,
        evidence=rows.evidence[:MOST_EVIDENCE],
    )


_STOPPED: Mapping[DeltaOutcome, tuple[FindingKind, str, str]] = {
    DeltaOutcome.HELD: (
        FindingKind.HELD,
        "the fall to {after} is held: rows of the same source that could not be read, mapped or classed may explain it",
        "Mend the rejected rows, unmapped or skipped keys, and unknown charge kinds of this source; the month is "
        "computed anew.",
    ),
    DeltaOutcome.AMBIGUOUS_TARGET: (
        FindingKind.AMBIGUOUS_TARGET,
        "{used} units are used, and more than one agreement line could carry them; none is changed",
        "End the line that is not meant in the PSA, or map the service so that one line remains.",
    ),
    DeltaOutcome.MIXED_BASIS: (
        FindingKind.MIXED_BASIS,
        "sources of different basis (a subscription export and an invoice, say) lead to one line; they are never added",
        "Exclude one of the sources for this service in the mappings.",
    ),
}


_NEGATIVE = (
    "the rows add up to {used} units; a line never bills less than nothing, so it is held",
    "Look at the negative rows of this source: refunds usually belong to a charge kind that carries no quantity.",
)


_DRIFTED = (
    "the fall to {after} is held: a key that led here is gone and may go on under a new one (finding key_drift)",
    "Decide about the new key as the finding key_drift says; the month is computed anew.",
)


_COMMITTED = (
    "the fall to {after} is held: a subscription that leads here fell inside its term (finding commitment)",
    "Look at the file as the finding commitment says. What a second month's file says again is proposed.",
)


_PREPAID = (
    "the fall to {after} is held: some of the {used} units were paid upfront on an earlier invoice, and are not named "
    "this month",
    "Wait for the next invoice of it, or change the line in the PSA if the customer is to be billed less until then.",
)


_ROUNDED = (
    "{used} units are used by rows whose quantities were rounded: they had more than 10 decimal places, and no line is "
    "billed by a number that is not the file's",
    "Say round(...) for the quantity in the profile (derived), or exclude the service from the source's mappings.",
)


_HELD = {
    HoldReason.NEGATIVE_TOTAL: _NEGATIVE,
    HoldReason.KEY_DRIFT: _DRIFTED,
    HoldReason.ROUNDED_QUANTITY: _ROUNDED,
    HoldReason.COMMITMENT: _COMMITTED,
    HoldReason.PREPAID: _PREPAID,
}


def _stopped_deltas(seen: MonthSeen) -> Iterator[Finding]:
    for delta in seen.figures.deltas if seen.figures else ():
        if delta.outcome in _STOPPED:
            what, remedy = stop_in_words(delta)
            yield _delta_finding(seen.period, delta, _STOPPED[delta.outcome][0], what, remedy)


def stop_in_words(delta: Delta) -> tuple[str, str]:
    """Why a difference that is held, ambiguous or of mixed basis is not proposed, and what helps."""
    _, words, remedy = _STOPPED[delta.outcome]
    if delta.held_by in _HELD:
        words, remedy = _HELD[delta.held_by]
    return words.format(after=text(delta.quantity_after), used=text(delta.quantity_used)), remedy


def _overtaken(seen: MonthSeen) -> Iterator[Finding]:
    for delta in seen.overtaken:
        what = f"a newer month already speaks for this line; the difference of {seen.period} is not proposed"
        yield _delta_finding(seen.period, delta, FindingKind.HELD, what, "Review the newer month's change instead.")


def _rolled_back(seen: MonthSeen) -> Iterator[Finding]:
    for delta in seen.rolled_back:
        what = "a roll-back of this line is open; the difference is not proposed until it is written or declined"
        remedy = "Approve or decline the roll-back (trueup changes list), and mend what the wrong number came from."
        yield _delta_finding(seen.period, delta, FindingKind.HELD, what, remedy)


def _stopped_targets(seen: MonthSeen) -> Iterator[Finding]:
    for delta, reason in seen.stopped:
        remedy = "Mend the record in the PSA, or map the key elsewhere."
        yield _delta_finding(seen.period, delta, FindingKind.INACTIVE_TARGET, reason, remedy)


def _delta_finding(period: str, delta: Delta, kind: FindingKind, what: str, remedy: str) -> Finding:
    before = "no line" if delta.quantity_before is None else f"line {delta.line_id} at {text(delta.quantity_before)}"
    return Finding(
        period,
        kind,
        ", ".join(delta.sources) or None,
        delta.line_id or f"{delta.account_id}|{delta.service_id}",
        f"{delta.account_name}, {delta.service_name} ({before}): {what}.",
        remedy,
        quantity=delta.quantity_used,
        amount=delta.amount_delta,
        currency=delta.currency,
        evidence=delta.evidence,
    )


def _inactive(seen: MonthSeen) -> Iterator[Finding]:
    accounts = {str(account.id): account.is_active for account in seen.psa.accounts}
    services = {str(service.id): service.is_active for service in seen.psa.services}
    if not accounts and not services:
        return
    for entry in seen.accounts:
        yield from _inactive_targets(seen.period, entry, "account", (s.target for s in entry.shares), accounts)
    for service in seen.services:
        yield from _inactive_targets(seen.period, service, "service", service.services, services)


def _inactive_targets(
    period: str,
    entry: AccountMapping | ServiceMapping,
    thing: str,
    targets: Iterable[str],
    is_active: Mapping[str, bool],
) -> Iterator[Finding]:
    for target in targets:
        if not is_active.get(target, False):
            state = "inactive" if target in is_active else "not in the PSA"
            yield Finding(
                period,
                FindingKind.INACTIVE_TARGET,
                entry.source,
                f"{thing}|{entry.key}|{target}",
                f"{entry.source}: the key {entry.key!r} is mapped to {thing} {target}, which is {state}.",
                f"Map the key to another {thing}, exclude it, or end the entry with until.",
            )


def _renamed(seen: MonthSeen) -> Iterator[Finding]:
    mapped: dict[str, set[str]] = {
        "account": {share.target for entry in seen.accounts for share in entry.shares},
        "service": {service for entry in seen.services for service in entry.services},
    }
    for thing, before, now in (
        ("account", seen.psa_before.accounts, seen.psa.accounts),
        ("service", seen.psa_before.services, seen.psa.services),
    ):
        names = {str(record.id): record.name for record in before}
        for record in now:
            name = names.get(str(record.id), record.name)
            if record.id in mapped[thing] and name != record.name:
                yield Finding(
                    seen.period,
                    FindingKind.RENAMED_TARGET,
                    None,
                    f"{thing}|{record.id}",
                    f"The {thing} {record.id} is named {record.name!r} in the PSA; a month ago it was {name!r}. "
                    "Mappings go by the id, so nothing else changes.",
                    "Nothing to do if it is the same one still. A record with another use now needs other mappings.",
                )


def _duplicates(seen: MonthSeen) -> Iterator[Finding]:
    for arrival in seen.arrivals:
        if arrival.status is ArrivalStatus.DUPLICATE:
            yield Finding(
                seen.period,
                FindingKind.DUPLICATE_FILE,
                arrival.source,
                arrival.file_id,
                f"{arrival.name} has the content of the current revision: it counts once.",
                "Nothing to do.",
            )


def _late(seen: MonthSeen) -> Iterator[Finding]:
    frozen = {drop.revision.drop: drop.revision for drop in seen.expected if drop.revision}
    for reading in seen.late_revisions:
        before = frozen.get(reading.drop)
        stood = f"where the closed month has {text(before.quantity)}" if before else "and the closed month has none"
        yield Finding(
            seen.period,
            FindingKind.CLOSED_PERIOD,
            reading.drop.source,
            f"{reading.drop.profile}|{reading.drop.part}",
            f"{reading.file_name} (revision {reading.revision}) was read after {seen.period} was closed: it has "
            f"{text(reading.quantity)} units, {stood}. Nothing of it counts in {seen.period}.",
            f"Leave it, or open the month again to propose from it: trueup period reopen {seen.period} --by NAME",
            quantity=reading.quantity,
        )
