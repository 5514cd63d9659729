"""Why something is not there: a line without a change, a key of a file that leads to none.

Belongs here: the reasons in the order in which the rules decide, each in a sentence.
Does not belong here: what is there (changes and findings tell that themselves).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.agreements.records import AgreementLine, PsaRecords
from pipelines.mapping.entries import AccountMapping, KeyEntry, KeyKind, ServiceMapping, SkippedKey
from pipelines.mapping.keys import match_key
from pipelines.mapping.seen import targets_of
from pipelines.quantities import text
from pipelines.reconciliation.attention import stop_in_words
from pipelines.reconciliation.deltas import Delta, DeltaOutcome
from pipelines.reconciliation.inputs import MonthFigures
from pipelines.reconciliation.month import MonthView


@dataclass(frozen=True)
class KnownMonth:
    """A month as it was last reconciled: what it was computed from, what it came to, the PSA it was compared with."""

    view: MonthView
    figures: MonthFigures
    psa: PsaRecords
    today: date
    """The day on which lines had to be live."""


def about_line(month: KnownMonth, line_id: str) -> list[str]:
    """What became of an agreement line in the month, or why nothing did."""
    if not month.view.is_psa_copied:
        return ["The PSA was not copied whole, so no line is compared."]
    delta = next((delta for delta in month.figures.deltas if delta.line_id == line_id), None)
    if delta is not None:
        return list(_about_delta(month, delta))
    line = next((line for line in month.psa.lines if line.id == line_id), None)
    if line is None:
        return [f"The PSA's copy has no line {line_id}."]
    return [f"Line {line_id} bills {text(line.quantity)} units.", *_out_of_scope(month, line)]


def about_key(month: KnownMonth, source: str, account_key: str, service_key: str) -> list[str]:
    """What became of a source's account and service key in the month, or why nothing did."""
    accounts = [entry for entry in month.view.live.accounts if _is_about(entry, source, account_key)]
    services = [entry for entry in month.view.live.services if _is_about(entry, source, service_key)]
    return [
        *_silent(month, {source}),
        *_decision("account", account_key, [*accounts, *_skips(month, KeyKind.ACCOUNT, source, account_key)]),
        *_decision("service", service_key, [*services, *_skips(month, KeyKind.SERVICE, source, service_key)]),
        *_unmapped(month, source, account_key, service_key),
        *_targets(month, accounts, services),
    ]


def _skips(month: KnownMonth, kind: KeyKind, source: str, key: str) -> list[SkippedKey]:
    return [entry for entry in month.view.live.skipped if entry.kind is kind and _is_about(entry, source, key)]


def _is_about(entry: KeyEntry, source: str, key: str) -> bool:
    return entry.source == source and match_key(entry.key) == match_key(key)


def _decision(thing: str, key: str, entries: Sequence[KeyEntry]) -> Iterator[str]:
    if not entries:
        yield f"The {thing} {key!r} is not mapped: what is used under it reaches no line."
    for entry in entries:
        until = f" until {entry.validity.valid_until}" if entry.validity.valid_until else ""
        if isinstance(entry, SkippedKey):
            yield f"The {thing} {key!r} is skipped{until}: {entry.reason}. What is used under it reaches no line."
        elif entry.exclude is not None:
            yield f"The {thing} {key!r} is excluded{until}: {entry.exclude}."
        else:
            yield f"The {thing} {key!r} leads to {', '.join(targets_of(entry))}{until}."


def _unmapped(month: KnownMonth, source: str, account_key: str, service_key: str) -> Iterator[str]:
    wanted = (source, match_key(account_key), match_key(service_key))
    for usage in month.figures.unmapped:
        if (usage.source, match_key(usage.account_key), match_key(usage.service_key)) == wanted:
            yield f"{text(usage.quantity)} units of it are used."


def _targets(
    month: KnownMonth, accounts: Sequence[AccountMapping], services: Sequence[ServiceMapping]
) -> Iterator[str]:
    reached = {
        (account, service)
        for mapped in accounts
        for account in targets_of(mapped)
        for entry in services
        for service in targets_of(entry)
    }
    deltas = [delta for delta in month.figures.deltas if (delta.account_id, delta.service_id) in reached]
    for delta in deltas:
        yield from _about_delta(month, delta)
    if reached and not deltas:
        yield "Nothing is used there and nothing billed."


def _about_delta(month: KnownMonth, delta: Delta) -> Iterator[str]:
    where = f"Line {delta.line_id}" if delta.line_id else "No line"
    bills = f" bills {text(delta.quantity_before)}" if delta.quantity_before is not None else " bills it"
    yield (
        f"{delta.account_name}, {delta.service_name}: {text(delta.quantity_used)} units are used. {where}{bills}, "
        f"{text(delta.quantity_after)} are due."
    )
    match delta.outcome:
        case DeltaOutcome.PROPOSED:
            yield f"That is a difference of kind {delta.kind}: see trueup changes list, or the finding of it."
        case DeltaOutcome.SETTLED:
            yield "They agree, so nothing is proposed."
        case DeltaOutcome.INCOMPLETE_SOURCE:
            yield from _silent(month, _sources_of(month, delta.service_id))
        case _:
            what, remedy = stop_in_words(delta)
            yield f"Nothing is proposed: {what}. {remedy}"


def _sources_of(month: KnownMonth, service_id: str) -> set[str]:
    return {entry.source for entry in month.view.live.services if service_id in entry.services}


def _silent(month: KnownMonth, sources: Iterable[str]) -> Iterator[str]:
    """Which files keep a source from speaking."""
    wanted = set(sources)
    for drop in month.view.expected:
        if drop.source in wanted and not drop.is_complete:
            file = drop.revision.file_name if drop.revision else "its file"
            yield f"{drop.source} may not speak: {file}: {'; '.join(drop.reasons) or drop.verdict}."


def _out_of_scope(month: KnownMonth, line: AgreementLine) -> Iterator[str]:
    sources = _sources_of(month, line.service_id)
    if not sources:
        yield f"No mapping of any source leads to the service {line.service_id}: its lines are never touched."
        return
    reaching = {
        entry.source
        for entry in month.view.live.accounts
        if entry.source in sources and any(share.target == line.account_id for share in entry.shares)
    }
    if not reaching:
        yield (
            f"The service {line.service_id} is mapped ({', '.join(sorted(sources))}), and no account key of that "
            f"source leads to the account {line.account_id}."
        )
        return
    begins, ends = line.start_date or "always", line.end_date or "for ever"
    yield (
        f"It is not live on {month.today}: the line runs from {begins} until {ends}; its agreement and account must be "
        "active."
    )
