"""Every finding names what is wrong, where, and what to do."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.agreements.records import NO_RECORDS, Account, CopyStatus, PsaCopy, PsaRecords, Service
from pipelines.findings import Finding, FindingKind
from pipelines.identity import AccountId, ServiceId
from pipelines.intake.drops import ArrivalStatus, DropIdentity, SourceVerdict
from pipelines.intake.rows import RowAccounting, RowError
from pipelines.mapping.entries import AccountMapping, KeyKind, ServiceMapping, Share, SkippedKey, Validity
from pipelines.reconciliation.attention import MonthSeen, month_findings
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.expected import expected_drops
from pipelines.reconciliation.inputs import (
    ClassedRows,
    CommitmentFall,
    CommitmentFalls,
    KeyDrift,
    Likeness,
    MonthFigures,
    UnmappedUsage,
    VanishedSubscription,
    VanishedSubscriptions,
)
from tests.pipelines.months import NOW, ROW, arrival, delta, revision

COPY = PsaCopy("copy-1", "connectwise", "https://psa.example", CopyStatus.COMPLETE, NOW, NOW, "psa/1", {})
PSA = PsaRecords(
    (Account(AccountId("250"), "Acme", True), Account(AccountId("251"), "Beta", False)),
    (Service(ServiceId("77"), "M365-BP", "M365 BP", True, None, None),),
    (),
    (),
)
NO_FIGURES = MonthFigures((), (), (), ())


def seen(**fields: Any) -> MonthSeen:
    """A month without anything to complain about."""
    made = MonthSeen("2026-10", expected_drops([revision()], [], []), (), (), COPY, True, PSA, (), (), NO_FIGURES)
    return replace(made, **fields)


def only(month: MonthSeen) -> Finding:
    """The single finding of a month."""
    (finding,) = month_findings(month)
    return finding


def unmapped(**fields: Any) -> UnmappedUsage:
    """Twelve units of an account nobody mapped."""
    made = UnmappedUsage(
        source="Pax8",
        account_key="c-9",
        account_name="Acme Corp",
        service_key="M365-BP",
        service_name="M365-BP",
        is_account_mapped=False,
        is_service_mapped=True,
        quantity=Decimal(12),
        amount=Decimal("264.00"),
        currency="USD",
        evidence=(ROW,),
    )
    return replace(made, **fields)


def test_a_month_without_trouble_has_no_findings() -> None:
    assert month_findings(seen()) == []
    assert month_findings(seen(figures=None)) == []


def test_a_psa_that_could_not_be_copied_says_that_nothing_is_proposed() -> None:
    failed = replace(COPY, status=CopyStatus.FAILED, message="the PSA answers 500")
    finding = only(seen(psa_copy=failed, is_psa_copied=False))
    assert finding.kind is FindingKind.PSA_UNAVAILABLE
    assert "the PSA answers 500. Nothing is proposed" in finding.message
    assert "no PSA is configured" in only(seen(psa_copy=None, is_psa_copied=False)).message
    old = replace(COPY, finished_at=NOW - timedelta(days=3))
    assert "2026-10-30 09:00 UTC, older than a day" in only(seen(psa_copy=old, is_psa_copied=False)).message


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (SourceVerdict.EMPTY, "never means zero usage"),
        (SourceVerdict.REFUSED, "Mend the import profile"),
        (SourceVerdict.INCOMPLETE, "Drop the whole file"),
    ],
)
def test_a_source_that_may_not_speak_says_why_and_what_to_do(verdict: SourceVerdict, words: str) -> None:
    broken = revision(verdict=verdict, reasons=("it has 2 rows, 200 the month before",))
    finding = only(seen(expected=expected_drops([broken], [], [])))
    assert finding.kind is FindingKind.INCOMPLETE_SOURCE
    assert f"pax8.csv is {verdict}: it has 2 rows, 200 the month before" in finding.message
    assert words in finding.remedy


def test_a_file_that_did_not_arrive_can_be_retired() -> None:
    missing = expected_drops([], [DropIdentity("Pax8", "pax8-subscriptions", "2026-09")], [])
    finding = only(seen(expected=missing))
    assert "has arrived for this month" in finding.message
    assert "trueup inbox retire" in finding.remedy


def test_a_quarantined_file_can_be_released_by_its_id() -> None:
    finding = only(seen(arrivals=[arrival(ArrivalStatus.QUARANTINED, reason="two profiles fit")]))
    assert finding.kind is FindingKind.QUARANTINED_FILE
    assert "two profiles fit" in finding.message
    assert "trueup inbox release file-1" in finding.remedy


def test_a_duplicate_counts_once() -> None:
    finding = only(seen(arrivals=[arrival(ArrivalStatus.DUPLICATE), arrival(ArrivalStatus.TAKEN)]))
    assert finding.kind is FindingKind.DUPLICATE_FILE


def error(row: int, **fields: Any) -> RowError:
    """A quantity that is no number."""
    made = RowError("pax8.csv", None, row, "Quantity", "1.2.3", "'1.2.3' is no number", "Correct the cell.")
    return replace(made, **fields)


def test_rejected_rows_of_one_cause_are_one_finding_that_names_the_rows() -> None:
    current = revision()
    rejected = [(current.revision_id, error(row)) for row in range(5, 30)]
    rejected.append((current.revision_id, error(99, column=None, reason="too many cells")))
    first, second = month_findings(seen(rejected=rejected))
    assert first.kind is FindingKind.REJECTED_ROW
    assert first.message.startswith("pax8.csv, row 5, 6, 7")
    assert "and 5 more, column Quantity: '1.2.3' is no number" in first.message
    assert "trueup rows list --file file-Pax8" in first.remedy
    assert len(first.evidence) == 20
    assert second.message == "pax8.csv, row 99: too many cells"


def test_control_totals_set_aside_are_told() -> None:
    one = expected_drops([revision(rows=RowAccounting(valid=2, totals=1))], [], [])
    assert "1 control total set aside and compared with the rows; they agree" in only(seen(expected=one)).message
    broken = revision(rows=RowAccounting(valid=2, totals=2), verdict=SourceVerdict.INCOMPLETE, reasons=("x",))
    findings = month_findings(seen(expected=expected_drops([broken], [], [])))
    assert "2 control totals set aside" in findings[1].message
    assert "see the verdict of the file" in findings[1].message


def test_unmapped_usage_is_listed_with_its_money_by_account_and_by_service() -> None:
    both = unmapped(account_key="c-8", account_name="c-8", service_key="X", service_name="New", is_service_mapped=False)
    figures = replace(NO_FIGURES, unmapped=(unmapped(), unmapped(service_key="E3"), both))
    findings = month_findings(seen(figures=figures))
    assert [(f.kind, f.subject, f.quantity, f.amount) for f in findings] == [
        (FindingKind.UNMAPPED_ACCOUNT, "c-9", Decimal(24), Decimal("528.00")),
        (FindingKind.UNMAPPED_ACCOUNT, "c-8", Decimal(12), Decimal("264.00")),
        (FindingKind.UNMAPPED_SERVICE, "X", Decimal(12), Decimal("264.00")),
    ]
    assert "the account 'c-9' (Acme Corp) is not mapped; 24 units" in findings[0].message
    assert "the service 'X' (New) is not mapped" in findings[2].message


def test_a_key_that_was_skipped_is_told_so_with_its_reason_and_still_with_its_money() -> None:
    new_service = unmapped(account_key="c-8", account_name="c-8", service_key="c-9", is_service_mapped=False)
    until = Validity(None, date(2027, 1, 1))
    skips = (
        SkippedKey(KeyKind.ACCOUNT, "Pax8", " c-9 ", "waiting for the contract", until),
        SkippedKey(KeyKind.ACCOUNT, "Webroot", "c-8", "of another source"),
        SkippedKey(KeyKind.SERVICE, "Pax8", "c-9", "who sells it?"),
    )
    figures = replace(NO_FIGURES, unmapped=(unmapped(), new_service))
    before, after = (month_findings(seen(figures=figures, skipped=skipped)) for skipped in ((), skips))
    assert [(each.id, each.amount) for each in after] == [(each.id, each.amount) for each in before]
    account, other, service = after
    assert account.message == (
        "Pax8: the account 'c-9' (Acme Corp) is skipped until 2027-01-01 (waiting for the contract); "
        "12 units reach no agreement line."
    )
    assert "It still holds falls. Once it is known, map or exclude it" in account.remedy
    assert "is not mapped; 12 units" in other.message
    assert "Map, exclude or skip it in a mapping file" in other.remedy
    assert "the service 'c-9' (M365-BP) is skipped (who sells it?); 12 units" in service.message


def test_amounts_of_two_currencies_are_never_added() -> None:
    figures = replace(NO_FIGURES, unmapped=(unmapped(), unmapped(service_key="E3", currency="EUR")))
    finding = only(seen(figures=figures))
    assert (finding.amount, finding.currency) == (None, None)
    without = replace(NO_FIGURES, unmapped=(unmapped(amount=None),))
    assert only(seen(figures=without)).amount is None


def classed(charge_class: str) -> ClassedRows:
    """Two rows of one charge kind."""
    return ClassedRows("Microsoft", charge_class, "prorateCredit", 2, Decimal(-2), Decimal(-8), "USD", (ROW,))


def test_proration_and_unknown_charges_are_told_and_taxes_are_not() -> None:
    figures = replace(NO_FIGURES, classed_rows=(classed("proration"), classed("tax")))
    finding = only(seen(figures=figures))
    assert (finding.kind, finding.amount) == (FindingKind.PRORATION, Decimal(-8))
    unknown = only(seen(figures=replace(NO_FIGURES, classed_rows=(classed("unknown"),))))
    assert unknown.kind is FindingKind.UNKNOWN_CHARGE
    assert "in no list of the profile's charges" in unknown.message


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (DeltaOutcome.HELD, FindingKind.HELD, "the fall to 8 is held"),
        (DeltaOutcome.AMBIGUOUS_TARGET, FindingKind.AMBIGUOUS_TARGET, "more than one agreement line"),
        (DeltaOutcome.MIXED_BASIS, FindingKind.MIXED_BASIS, "different basis"),
    ],
)
def test_a_stopped_difference_names_account_service_and_line(
    outcome: DeltaOutcome, kind: FindingKind, words: str
) -> None:
    stopped = delta(DeltaKind.DECREASE, outcome=outcome, quantity_after=Decimal(8))
    finding = only(seen(figures=replace(NO_FIGURES, deltas=(stopped, delta()))))
    assert finding.kind is kind
    assert finding.message.startswith("Acme, M365 BP (line 1 at 10): ")
    assert words in finding.message


def test_a_stopped_difference_without_a_line_is_known_by_account_and_service() -> None:
    stopped = delta(
        DeltaKind.UNBILLED, outcome=DeltaOutcome.MIXED_BASIS, line_id=None, quantity_before=None, sources=()
    )
    finding = only(seen(figures=replace(NO_FIGURES, deltas=(stopped,))))
    assert (finding.subject, finding.source) == ("250|77", None)
    assert "(no line)" in finding.message


def test_a_difference_that_a_newer_month_speaks_for_is_told() -> None:
    finding = only(seen(overtaken=(delta(),)))
    assert "a newer month already speaks for this line" in finding.message


def test_a_difference_whose_line_waits_for_a_roll_back_is_told() -> None:
    finding = only(seen(rolled_back=(delta(),)))
    assert "a roll-back of this line is open" in finding.message
    assert "Approve or decline the roll-back" in finding.remedy


def test_a_negative_total_is_held_in_its_own_words() -> None:
    negative = delta(
        DeltaKind.DECREASE,
        outcome=DeltaOutcome.HELD,
        held_by=HoldReason.NEGATIVE_TOTAL,
        quantity_used=Decimal(-3),
    )
    finding = only(seen(figures=replace(NO_FIGURES, deltas=(negative,))))
    assert "the rows add up to -3 units" in finding.message
    assert "refunds" in finding.remedy


def test_a_use_without_anybody_to_bill_is_told_with_its_reason() -> None:
    finding = only(seen(stopped=((delta(), "the account 250 is inactive in the PSA"),)))
    assert finding.kind is FindingKind.INACTIVE_TARGET
    assert "the account 250 is inactive in the PSA" in finding.message


def test_a_mapping_to_an_inactive_or_missing_target_is_told() -> None:
    accounts = (
        AccountMapping("Pax8", "a", (Share("250", Decimal(1)),)),
        AccountMapping("Pax8", "b", (Share("251", Decimal(1)),)),
    )
    services = (ServiceMapping("Pax8", "s", (ServiceId("99"),)),)
    first, second = month_findings(seen(accounts=accounts, services=services))
    assert "'b' is mapped to account 251, which is inactive" in first.message
    assert "'s' is mapped to service 99, which is not in the PSA" in second.message
    assert month_findings(seen(accounts=accounts, psa=NO_RECORDS)) == []


def test_the_same_finding_is_found_again_and_not_added() -> None:
    assert only(seen(psa_copy=None, is_psa_copied=False)).id == only(seen(psa_copy=None, is_psa_copied=False)).id
    assert ROW.as_json() == {"file": "pax8.csv", "sha256": "ab" * 32, "sheet": None, "row": 17}


def drift(**fields: Any) -> KeyDrift:
    """The service key of two accounts is spelled otherwise."""
    made = KeyDrift(
        source="Pax8",
        account_before=None,
        account_key=None,
        service_before="M365-BP",
        service_key="M365BP",
        likeness=Likeness.SPELLING,
        seen_since=date(2026, 10, 1),
        is_excluded=False,
        pairs=2,
        quantity_before=Decimal(18),
        evidence=(ROW,),
    )
    return replace(made, **fields)


def test_a_drifted_key_names_both_keys_what_is_held_and_the_two_ways_to_decide() -> None:
    finding = only(seen(figures=replace(NO_FIGURES, key_drifts=(drift(),))))
    assert (finding.kind, finding.source, finding.quantity) == (FindingKind.KEY_DRIFT, "Pax8", Decimal(18))
    assert finding.message == (
        "Pax8: the service 'M365-BP' is gone since 2026-10 and service 'M365BP' is new; only its spelling or its term "
        "differs. 18 units of 2 accounts and services were mapped; the new key leads elsewhere or nowhere: falls of "
        "the lines that the old key leads to are held."
    )
    assert finding.remedy == (
        "Same thing: map the new key where the old one leads (services: key 'M365BP'). Another thing: say so with an "
        "entry for the new key that begins then, from: 2026-10-01. After that: trueup mappings import."
    )
    assert finding.evidence == (ROW,)


def test_a_drift_of_both_keys_of_one_pair_names_all_four() -> None:
    both = drift(account_before="acme", account_key="ACME", pairs=1, is_excluded=True)
    finding = only(seen(figures=replace(NO_FIGURES, key_drifts=(both,))))
    assert "the account 'acme' and the service 'M365-BP' are gone" in finding.message
    assert "account 'ACME' and service 'M365BP' are new" in finding.message
    assert "one account and service were mapped" in finding.message
    assert finding.message.endswith("the new key is excluded, so nothing is held.")
    assert "accounts: key 'ACME', services: key 'M365BP'" in finding.remedy


def test_a_fall_that_a_drift_holds_leads_to_the_finding_about_the_keys() -> None:
    held = delta(
        DeltaKind.VANISHED,
        outcome=DeltaOutcome.HELD,
        held_by=HoldReason.KEY_DRIFT,
        quantity_used=Decimal(0),
        quantity_after=Decimal(0),
    )
    finding = only(seen(figures=replace(NO_FIGURES, deltas=(held,))))
    assert "the fall to 0 is held: a key that led here is gone and may go on under a new one" in finding.message
    assert "as the finding key_drift says" in finding.remedy


def test_vanished_subscriptions_are_told_by_account_the_first_of_them_by_name() -> None:
    named = tuple(VanishedSubscription(f"s{n}", "M365-BP", Decimal(n)) for n in (1, 2))
    gone = VanishedSubscriptions("Pax8", "acme", 3, Decimal(10), named, (ROW,))
    finding = only(seen(figures=replace(NO_FIGURES, vanished_subscriptions=(gone,))))
    assert (finding.kind, finding.source, finding.quantity) == (
        FindingKind.VANISHED_SUBSCRIPTION,
        "Pax8",
        Decimal(10),
    )
    assert finding.message == (
        "Pax8: 3 subscriptions of the account 'acme' stood in 2026-09, and no row names it now: "
        "'s1' (M365-BP, 1 units), 's2' (M365-BP, 2 units) and 1 more. By itself this changes no quantity."
    )
    assert "whether it ended, before a fall of this account is approved" in finding.remedy
    assert finding.evidence == (ROW,)


def test_falls_inside_a_term_count_the_units_of_those_that_are_not_named_too() -> None:
    named = (CommitmentFall("s1", "M365-BP", Decimal(12), Decimal(10), None),)
    falls = CommitmentFalls("Pax8", "acme", 21, Decimal(42), "Seven days", named, (ROW,))
    finding = only(seen(figures=replace(NO_FIGURES, commitment_falls=(falls,))))
    assert (finding.kind, finding.quantity) == (FindingKind.COMMITMENT, Decimal(42))
    assert "'s1' (M365-BP) from 12 to 10, bound until a day unknown; and 20 more." in finding.message


SPENT = unmapped(
    service_key="AmazonEC2", is_service_mapped=False, quantity=Decimal("264.005"), amount=Decimal("264.005")
)
"""A bill of a cloud: a unit is a unit of the currency."""


def bill(*usage: UnmappedUsage, basis: str = "invoice", **fields: Any) -> MonthSeen:
    """A month in which one source's usage is unmapped."""
    expected = expected_drops([revision(basis=basis)], [], [])
    return seen(expected=expected, figures=replace(NO_FIGURES, unmapped=usage), **fields)


def test_a_source_that_knows_amounts_alone_is_told_by_account_and_currency() -> None:
    other = replace(SPENT, service_key="AmazonS3", quantity=Decimal("0.25"), amount=Decimal("0.25"))
    euros = replace(SPENT, currency="EUR")
    first, second = month_findings(bill(SPENT, other, euros))
    assert (first.kind, first.amount, first.currency, first.quantity) == (
        FindingKind.AMOUNT_ONLY,
        Decimal("264.255"),
        "USD",
        None,
    )
    assert "the account 'c-9' (Acme Corp) spent 264.26 USD on 2 services" in first.message
    assert (second.amount, second.currency) == (Decimal("264.005"), "EUR")


@pytest.mark.parametrize(
    "month",
    [
        pytest.param(bill(SPENT, basis="subscription"), id="a list of seats"),
        pytest.param(bill(SPENT, replace(SPENT, amount=Decimal(5))), id="one service has units that are not its money"),
        pytest.param(bill(SPENT, replace(SPENT, amount=None)), id="one service has no money"),
        pytest.param(
            bill(SPENT, services=[ServiceMapping("Pax8", "AmazonS3", (ServiceId("77"),))]), id="somebody bills by it"
        ),
    ],
)
def test_what_has_units_or_is_billed_by_is_unmapped_as_ever(month: MonthSeen) -> None:
    kinds = {finding.kind for finding in month_findings(month)}
    assert FindingKind.AMOUNT_ONLY not in kinds
    assert FindingKind.UNMAPPED_SERVICE in kinds
