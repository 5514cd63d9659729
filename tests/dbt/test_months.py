"""Small months and what must come out of them: the rules of reconciliation, seen from outside.

Belongs here: one claim per test, told with usage rows, mappings and agreement lines.
Does not belong here: single models (unit tests stand beside them in dbt_project).
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pipelines.agreements.records import Agreement
from pipelines.identity import AccountId, AgreementId
from pipelines.intake.rows import Reduction, RowClass
from pipelines.mapping.entries import ServiceRule
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.inputs import Conservation, DoubtfulRow
from tests.dbt.builder import TODAY, Line, Month, Row, Target, Workbench, accounts, leads, unit

D = Decimal

ACME_LINE = Line("1", "11", "501", "10")
BETA_LINE = Line("2", "12", "501", "8")
TIERS = leads("Tiers", "501", "502", "503", source="RMM", rule=ServiceRule.FIRST_PRESENT)


def seen(delta: Delta) -> tuple[str, str, str]:
    """Kind, outcome and new quantity, as short as a test can say them."""
    return str(delta.kind), str(delta.outcome), f"{delta.quantity_after.normalize():f}"


def agreement(key: str) -> Agreement:
    return Agreement(AgreementId(key), AccountId("11"), "Managed", True, False, None, None, None)


def test_more_use_than_billed_is_proposed_with_its_money_and_its_row(workbench: Workbench) -> None:
    delta = workbench.deltas(Month([Row("Acme", "M365", "12")], [ACME_LINE]))["1"]
    assert seen(delta) == ("increase", "proposed", "12")
    assert (delta.quantity_before, delta.quantity_used, delta.amount_delta) == (D(10), D(12), D(44))
    assert (delta.account_name, delta.service_name, delta.agreement_id) == ("Acme", "Service 501", "managed-11")
    assert (delta.sources, delta.currency, delta.unit_price) == (("Pax8",), "USD", D(22))
    assert [(record.file, record.row) for record in delta.evidence] == [("Pax8.csv", 2)]


def test_two_subscriptions_add(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "100", subscription="s1"), Row("Acme", "M365", "50", subscription="s2")]
    delta = workbench.deltas(Month(rows, [ACME_LINE]))["1"]
    assert seen(delta) == ("increase", "proposed", "150")
    assert delta.evidence_count == 2


def test_interval_slices_of_one_subscription_do_not_add(workbench: Workbench) -> None:
    slices = [("10", date(2026, 10, 6)), ("12", date(2026, 11, 1))]
    rows = [
        Row("Acme", "M365", quantity, subscription="s1", method=Reduction.LAST_BY_PERIOD_END, end=end)
        for quantity, end in slices
    ]
    assert seen(workbench.deltas(Month(rows, [ACME_LINE]))["1"]) == ("increase", "proposed", "12")


def test_parts_of_one_source_add(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "7", drop="emea"), Row("Acme", "M365", "5", drop="apac")]
    delta = workbench.deltas(Month(rows, [ACME_LINE]))["1"]
    assert seen(delta) == ("increase", "proposed", "12")
    assert [record.file for record in delta.evidence] == ["Pax8apac.csv", "Pax8emea.csv"]


def test_a_cancelled_subscription_is_a_seen_zero_and_not_vanished(workbench: Workbench) -> None:
    cancel = Row("Acme", "M365", "10", subscription="s1", method=Reduction.RUNNING_TOTAL, charge=RowClass.CANCEL)
    delta = workbench.deltas(Month([cancel], [ACME_LINE]))["1"]
    assert seen(delta) == ("decrease", "proposed", "0")
    assert delta.amount_delta == -220


def test_a_line_that_a_complete_source_no_longer_names_has_vanished(workbench: Workbench) -> None:
    delta = workbench.deltas(Month([Row("Acme", "M365", "10")], [ACME_LINE, BETA_LINE]))["2"]
    assert seen(delta) == ("vanished", "proposed", "0")
    assert (delta.evidence_count, delta.evidence, delta.sources) == (0, (), ("Pax8",))


def test_a_row_of_quantity_zero_is_use_and_a_row_of_money_alone_is_not(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "0"), Row("Beta", "M365", "8", charge=RowClass.PRORATION)]
    deltas = workbench.deltas(Month(rows, [ACME_LINE, BETA_LINE]))
    assert seen(deltas["1"]) == ("decrease", "proposed", "0")
    assert seen(deltas["2"]) == ("vanished", "proposed", "0")


def test_equal_figures_are_settled(workbench: Workbench) -> None:
    delta = workbench.deltas(Month([Row("Acme", "M365", "10.0")], [ACME_LINE]))["1"]
    assert seen(delta) == ("matched", "settled", "10")
    assert (delta.evidence_count, delta.evidence) == (1, ())


def test_a_line_that_no_mapping_leads_to_is_never_touched(workbench: Workbench) -> None:
    lines = [ACME_LINE, Line("3", "11", "502", "4"), Line("4", "99", "501", "4")]
    month = Month([Row("Acme", "M365", "10")], lines, accounts=accounts(Acme="11"))
    assert set(workbench.deltas(month)) == {"1"}


def test_an_account_mapped_by_one_source_is_not_spoken_for_by_another(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "M365", "10")],
        [ACME_LINE, Line("3", "12", "502", "4")],
        accounts=accounts(Acme="11") + accounts("Webroot", Beta="12"),
        services=[leads("M365", "501"), leads("EDR", "502", source="Pax8"), leads("EP", "503", source="Webroot")],
    )
    assert set(workbench.deltas(month)) == {"1"}


@pytest.mark.parametrize(
    ("line", "agreement", "inactive"),
    [
        pytest.param(replace(ACME_LINE, end=date(2026, 11, 2)), None, (), id="the end of a line is exclusive"),
        pytest.param(replace(ACME_LINE, start=date(2026, 11, 3)), None, (), id="a line that starts tomorrow"),
        pytest.param(ACME_LINE, {"is_active": False}, (), id="an inactive agreement"),
        pytest.param(ACME_LINE, {"end_date": date(2026, 11, 2)}, (), id="an ended agreement"),
        pytest.param(ACME_LINE, {"start_date": date(2026, 11, 3)}, (), id="an agreement that starts tomorrow"),
        pytest.param(ACME_LINE, None, ("11",), id="an inactive account"),
    ],
)
def test_what_is_not_live_on_the_day_bills_nothing(
    workbench: Workbench, line: Line, agreement: dict[str, object] | None, inactive: tuple[str, ...]
) -> None:
    managed = Agreement(AgreementId("managed-11"), AccountId("11"), "Managed", True, False, None, None, None)
    given = [replace(managed, **agreement)] if agreement else []  # type: ignore[arg-type]
    month = Month([Row("Acme", "M365", "12")], [line], agreements=given, inactive_accounts=inactive)
    delta = workbench.deltas(month)["11/501"]
    assert seen(delta) == ("unbilled", "proposed", "12")


@pytest.mark.parametrize(
    ("agreements", "suggested"),
    [
        pytest.param([agreement("a")], "a", id="the only one"),
        pytest.param([agreement("a"), agreement("b")], None, id="a person chooses"),
        pytest.param([agreement("a"), replace(agreement("b"), is_active=False)], "a", id="the only active one"),
        pytest.param([agreement("a"), replace(agreement("b"), end_date=TODAY)], "a", id="the only live one"),
        pytest.param([replace(agreement("a"), start_date=date(2027, 1, 1))], None, id="none has begun"),
        pytest.param([], None, id="none at all"),
    ],
)
def test_new_found_revenue_goes_to_the_only_live_agreement_of_its_account(
    workbench: Workbench, agreements: list[Agreement], suggested: str | None
) -> None:
    (delta,) = workbench.deltas(Month([Row("Acme", "M365", "3")], agreements=agreements)).values()
    assert (seen(delta), delta.agreement_id) == (("unbilled", "proposed", "3"), suggested)


def test_use_without_a_line_is_unbilled_at_the_price_of_the_catalogue(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "3"), Row("Beta", "M365", "0")]
    deltas = workbench.deltas(Month(rows, []))
    assert set(deltas) == {"11/501"}  # use of nothing is nothing to bill
    delta = deltas["11/501"]
    assert seen(delta) == ("unbilled", "proposed", "3")
    assert (delta.line_id, delta.agreement_id, delta.quantity_before) == (None, None, None)
    assert (delta.amount_delta, delta.currency) == (D(60), "USD")


def test_a_minimum_is_no_reason_to_bill_what_is_not_used(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "0"), Row("Beta", "M365", "3")]
    deltas = workbench.deltas(Month(rows, [], units=[unit(service="501", included="4", minimum="5")]))
    assert {key: seen(delta) for key, delta in deltas.items()} == {"12/501": ("unbilled", "proposed", "5")}


def test_two_lines_for_one_service_are_ambiguous_and_keep_their_figures(workbench: Workbench) -> None:
    lines = [Line("1", "11", "501", "5", "A"), Line("2", "11", "501", "10", "B")]
    for used in ("20", "15"):
        deltas = workbench.deltas(Month([Row("Acme", "M365", used)], lines))
        assert [str(delta.outcome) for delta in deltas.values()] == ["ambiguous_target"] * 2
        assert [delta.quantity_after for delta in deltas.values()] == [5, 10]
        assert [delta.quantity_used for delta in deltas.values()] == [D(used)] * 2
        assert [delta.amount_delta for delta in deltas.values()] == [0, 0]


def test_two_vendors_on_one_service_add_and_both_are_named(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "EP", "10", "Webroot"), Row("Acme", "Core", "15", "SentinelOne")],
        [Line("1", "11", "501", "20")],
        accounts=accounts("Webroot", Acme="11") + accounts("SentinelOne", Acme="11"),
        services=[leads("EP", "501", source="Webroot"), leads("Core", "501", source="SentinelOne")],
    )
    delta = workbench.deltas(month)["1"]
    assert seen(delta) == ("increase", "proposed", "25")
    assert delta.sources == ("SentinelOne", "Webroot")
    assert delta.evidence_count == 2


@pytest.mark.parametrize("billed", ["20", "25"])
def test_two_bases_on_one_line_are_never_added_up(workbench: Workbench, billed: str) -> None:
    month = Month(
        [Row("Acme", "EP", "10", "Webroot"), Row("Acme", "Core", "15", "SentinelOne", basis="invoice")],
        [Line("1", "11", "501", billed)],
        accounts=accounts("Webroot", Acme="11") + accounts("SentinelOne", Acme="11"),
        services=[leads("EP", "501", source="Webroot"), leads("Core", "501", source="SentinelOne")],
    )
    delta = workbench.deltas(month)["1"]
    assert (delta.outcome, delta.quantity_after) == (DeltaOutcome.MIXED_BASIS, D(billed))


def test_a_commitment_term_in_the_key_tells_two_services_apart(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "BP|P1Y", "10", term="P1Y", by_term=True), Row("Acme", "BP|P1M", "2", term="P1M", by_term=True)],
        [Line("1", "11", "501", "9"), Line("2", "11", "502", "2")],
        services=[leads("BP|P1Y", "501"), leads("BP|P1M", "502")],
    )
    deltas = workbench.deltas(month)
    assert [seen(delta) for delta in deltas.values()] == [
        ("increase", "proposed", "10"),
        ("matched", "settled", "2"),
    ]


def tiers(*lines: Line, rows: tuple[Row, ...] = (Row("Acme", "Tiers", "30", "RMM"),)) -> Month:
    """A month of tiered bundles on one count."""
    return Month(rows, lines, accounts=accounts("RMM", Acme="11"), services=[TIERS])


def test_first_present_goes_to_the_tier_on_the_agreement(workbench: Workbench) -> None:
    deltas = workbench.deltas(tiers(Line("1", "11", "502", "28")))
    assert {line: seen(delta) for line, delta in deltas.items()} == {"1": ("increase", "proposed", "30")}


def test_first_present_with_two_present_is_ambiguous(workbench: Workbench) -> None:
    lines = Line("1", "11", "502", "28"), Line("2", "11", "503", "2")
    for month in (tiers(*lines), tiers(*lines, rows=())):
        deltas = workbench.deltas(month)
        assert {line: str(delta.outcome) for line, delta in deltas.items()} == dict.fromkeys("12", "ambiguous_target")
        assert [delta.quantity_after for delta in deltas.values()] == [28, 2]


def test_first_present_with_an_ended_line_beside_the_live_one_is_not_ambiguous(workbench: Workbench) -> None:
    ended = Line("2", "11", "503", "2", end=date(2026, 11, 1))
    assert seen(workbench.deltas(tiers(Line("1", "11", "502", "28"), ended))["1"]) == ("increase", "proposed", "30")


def test_first_present_with_none_present_is_unbilled_once(workbench: Workbench) -> None:
    deltas = workbench.deltas(tiers())
    assert {key: seen(delta) for key, delta in deltas.items()} == {"11/501": ("unbilled", "proposed", "30")}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], {"11/501": "ambiguous_target", "11/502": "ambiguous_target"}, id="two would be new"),
        pytest.param(["501"], {"501": "proposed", "11/502": "ambiguous_target"}, id="one would join another"),
        pytest.param(["502"], {"502": "proposed"}, id="both lead to the one that is there"),
    ],
)
def test_new_found_revenue_never_puts_a_second_tier_beside_another(
    workbench: Workbench, lines: list[str], expected: dict[str, str]
) -> None:
    rows = Row("Acme", "Tiers", "30", "RMM"), Row("Acme", "Silver seats", "4")
    month = tiers(*(Line(service, "11", service, "28") for service in lines), rows=rows)
    month = replace(month, accounts=accounts("RMM", Acme="11") + accounts(Acme="11"))
    deltas = workbench.deltas(replace(month, services=[TIERS, leads("Silver seats", "502")]))
    assert {key: str(delta.outcome) for key, delta in deltas.items()} == expected


def test_an_unused_tier_has_vanished(workbench: Workbench) -> None:
    deltas = workbench.deltas(tiers(Line("1", "11", "502", "28"), rows=()))
    assert {key: seen(delta) for key, delta in deltas.items()} == {"1": ("vanished", "proposed", "0")}


def test_replicate_gives_every_service_the_full_count_and_counts_the_source_once(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "Seat", "7")],
        [Line("1", "11", "501", "5"), Line("2", "11", "502", "7")],
        services=[leads("Seat", "501", "502", "503", rule=ServiceRule.REPLICATE)],
    )
    figures = workbench.figures(month)
    assert sorted(map(seen, figures.deltas)) == [
        ("increase", "proposed", "7"),
        ("matched", "settled", "7"),
        ("unbilled", "proposed", "7"),
    ]
    assert figures.conservation == (Conservation("Pax8", D(7), D(7), D(0), D(0)),)


def test_shares_add_up_to_their_whole_whatever_they_are(workbench: Workbench) -> None:
    third: Target = dict.fromkeys(("11", "12", "13"), "0.3333333333")
    month = Month(
        [Row("group-7", "Bundle", "10")],
        accounts=accounts(**{"group-7": third}),
        services=[leads("Bundle", "501", "502", rule=ServiceRule.SPLIT, shares=("0.7", "0.3"), percent="50")],
    )
    figures = workbench.figures(month)
    assert sum(delta.quantity_used for delta in figures.deltas) == 5
    assert figures.conservation == (Conservation("Pax8", D(10), D(10), D(0), D(0)),)


def test_percent_scales_before_the_unit_rule(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "M365", "12")], [ACME_LINE], services=[leads("M365", "501", percent="25")], units=[unit(line="1")]
    )
    delta = workbench.deltas(month)["1"]
    assert (delta.quantity_used, delta.quantity_after) == (D(3), D(3))


def test_a_unit_rule_applies_once_to_the_sum(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "5.2", subscription="s1"), Row("Acme", "M365", "5.2", subscription="s2")]
    month = Month(rows, [ACME_LINE], units=[unit(service="501", included="1", block="1")])
    delta = workbench.deltas(month)["1"]
    assert (delta.quantity_used, delta.quantity_after) == (D("10.4"), D(10))
    assert seen(delta) == ("matched", "settled", "10")


def test_a_minimum_is_billed_for_a_line_that_vanished(workbench: Workbench) -> None:
    lines = [ACME_LINE, Line("2", "12", "501", "5")]
    deltas = workbench.deltas(Month([], lines, units=[unit(service="501", minimum="5")]))
    assert seen(deltas["1"]) == ("vanished", "proposed", "5")
    assert seen(deltas["2"]) == ("vanished", "settled", "5")


def test_a_negative_total_is_held_and_never_written(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "-3"), Row("Beta", "M365", "-1")]
    deltas = workbench.deltas(Month(rows, [ACME_LINE], units=[unit(service="501", minimum="5")]))
    assert seen(deltas["1"]) == ("decrease", "held", "10")
    assert seen(deltas["12/501"]) == ("unbilled", "held", "0")
    assert (deltas["1"].quantity_used, deltas["1"].amount_delta) == (D(-3), D(0))


@pytest.mark.parametrize(("billed", "kind"), [("10", "increase"), ("14", "decrease")])
def test_no_line_is_billed_by_a_rounded_quantity(workbench: Workbench, billed: str, kind: str) -> None:
    rows = [Row("Acme", "M365", "11"), Row("Acme", "M365", "0.3333333333", is_rounded=True)]
    [delta] = workbench.deltas(Month(rows, [Line("1", "11", "501", billed)])).values()
    assert (*seen(delta)[:2], delta.held_by) == (kind, "held", HoldReason.ROUNDED_QUANTITY)


def test_a_rounded_quantity_of_money_or_of_another_customer_holds_nothing(workbench: Workbench) -> None:
    rows = [
        Row("Acme", "M365", "12"),
        Row("Acme", "M365", "0.3333333333", charge=RowClass.PRORATION, is_rounded=True),
        Row("Beta", "M365", "0.3333333333", is_rounded=True),
    ]
    deltas = workbench.deltas(Month(rows, [ACME_LINE]))
    assert (deltas["1"].outcome, deltas["12/501"].outcome) == ("proposed", "held")


def test_an_incomplete_source_proposes_nothing_for_any_line_it_feeds(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "EP", "10", "Webroot"), Row("Acme", "M365", "12"), Row("Beta", "EP", "3", "Webroot")],
        [ACME_LINE, Line("3", "11", "502", "4"), Line("4", "12", "501", "1")],
        accounts=accounts(Acme="11", Beta="12") + accounts("Webroot", Acme="11", Beta="12"),
        services=[leads("M365", "501"), leads("EP", "502", source="Webroot"), leads("EP", "502")],
        incomplete=["Webroot"],
    )
    deltas = workbench.deltas(month)
    outcomes = {line: str(delta.outcome) for line, delta in deltas.items()}
    assert outcomes == {"1": "proposed", "3": "incomplete_source", "4": "proposed", "12/502": "incomplete_source"}


def test_an_incomplete_source_silences_every_tier_of_its_group(workbench: Workbench) -> None:
    month = replace(tiers(Line("1", "11", "502", "28"), Line("2", "11", "503", "2")), incomplete=["RMM"])
    assert {str(delta.outcome) for delta in workbench.deltas(month).values()} == {"incomplete_source"}


def test_without_a_psa_copy_nothing_is_proposed(workbench: Workbench) -> None:
    month = Month([Row("Acme", "M365", "12")], [ACME_LINE], incomplete=["Pax8"], is_psa_copied=False)
    delta = workbench.deltas(month)["11/501"]
    assert seen(delta) == ("unbilled", "incomplete_source", "12")
    assert (delta.account_name, delta.service_name, delta.amount_delta) == ("11", "501", None)


def test_an_unmapped_account_holds_the_line_it_could_be(workbench: Workbench) -> None:
    month = Month([Row("acme corp ", "M365", "12"), Row("Beta", "M365", "9")], [ACME_LINE, BETA_LINE])
    figures = workbench.figures(month)
    deltas = {delta.line_id: delta for delta in figures.deltas}
    assert deltas["1"].kind is DeltaKind.VANISHED
    assert deltas["1"].outcome is DeltaOutcome.HELD
    assert seen(deltas["2"]) == ("increase", "proposed", "9")  # an increase is never held
    (unmapped,) = figures.unmapped
    assert (unmapped.account_key, unmapped.account_name, unmapped.quantity) == ("acme corp", "acme corp Inc", D(12))
    assert (unmapped.is_account_mapped, unmapped.is_service_mapped) == (False, True)
    assert [record.row for record in unmapped.evidence] == [2]


def test_an_unmapped_service_holds_the_lines_of_its_account_alone(workbench: Workbench) -> None:
    month = Month([Row("Acme", "M365 new", "12")], [ACME_LINE, BETA_LINE])
    figures = workbench.figures(month)
    outcomes = {delta.line_id: str(delta.outcome) for delta in figures.deltas}
    assert outcomes == {"1": "held", "2": "proposed"}
    assert [(u.service_key, u.is_account_mapped, u.is_service_mapped) for u in figures.unmapped] == [
        ("M365 new", True, False)
    ]


@pytest.mark.parametrize(
    ("doubt", "held"),
    [
        pytest.param(DoubtfulRow("Pax8", None, None), {"1", "2", "3"}, id="both unreadable: every decrease"),
        pytest.param(DoubtfulRow("Pax8", "nobody", "nothing"), {"1", "2", "3"}, id="both unmapped: every decrease"),
        pytest.param(DoubtfulRow("Pax8", "Acme", None), {"1", "3"}, id="service unreadable: that account"),
        pytest.param(DoubtfulRow("Pax8", None, " M365 "), {"1", "2"}, id="account unreadable: that service"),
        pytest.param(DoubtfulRow("Pax8", "Acme", "M365"), {"1"}, id="both known: that line"),
        pytest.param(DoubtfulRow("Pax8", "own", None), set(), id="an excluded account holds nothing"),
        pytest.param(DoubtfulRow("Pax8", None, "TRIAL"), set(), id="an excluded service holds nothing"),
        pytest.param(DoubtfulRow("Webroot", None, None), set(), id="another source holds nothing here"),
    ],
)
def test_a_rejected_row_holds_the_decreases_it_could_explain(
    workbench: Workbench, doubt: DoubtfulRow, held: set[str]
) -> None:
    month = Month(
        [Row("Acme", "M365", "9")],
        [ACME_LINE, BETA_LINE, Line("3", "11", "502", "4")],
        accounts=accounts(Acme="11", Beta="12", own=None) + accounts("Webroot", Acme="11"),
        services=[leads("M365", "501"), leads("EP", "502"), leads("TRIAL"), leads("EDR", "503", source="Webroot")],
        doubts=[doubt],
    )
    deltas = workbench.deltas(month)
    assert {line for line, delta in deltas.items() if delta.outcome is DeltaOutcome.HELD} == held
    assert {delta.outcome for delta in deltas.values()} <= {DeltaOutcome.HELD, DeltaOutcome.PROPOSED}


def test_a_row_of_unknown_class_holds_and_is_money_without_quantity(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "9"), Row("Acme", "M365", "1", charge=RowClass.UNKNOWN, charge_kind="xfer", amount="5")]
    figures = workbench.figures(Month(rows, [ACME_LINE, BETA_LINE]))
    outcomes = {delta.line_id: seen(delta) for delta in figures.deltas}
    assert outcomes == {"1": ("decrease", "held", "9"), "2": ("vanished", "proposed", "0")}
    (classed,) = figures.classed_rows
    assert (classed.charge_class, classed.charge_kind, classed.rows) == ("unknown", "xfer", 1)
    assert (classed.quantity, classed.amount, classed.currency) == (D(1), D(5), "USD")
    assert [record.row for record in classed.evidence] == [3]


def test_a_matched_line_is_settled_whatever_is_in_doubt(workbench: Workbench) -> None:
    month = Month([Row("Acme", "M365", "10")], [ACME_LINE], doubts=[DoubtfulRow("Pax8", None, None)])
    assert seen(workbench.deltas(month)["1"]) == ("matched", "settled", "10")


def test_excluded_usage_is_neither_mapped_nor_unmapped_nor_in_doubt(workbench: Workbench) -> None:
    month = Month(
        [Row("own", "New", "5"), Row("Nobody", "TRIAL", "3"), Row("Acme", "M365", "9")],
        [ACME_LINE],
        accounts=accounts(Acme="11", own=None),
        services=[leads("M365", "501"), leads("TRIAL")],
    )
    figures = workbench.figures(month)
    assert [seen(delta) for delta in figures.deltas] == [("decrease", "proposed", "9")]
    assert figures.unmapped == ()
    assert figures.conservation == (Conservation("Pax8", D(17), D(9), D(0), D(8)),)


def test_keys_compare_in_one_normal_form_and_case_counts(workbench: Workbench) -> None:
    month = Month(
        [Row("Ａcme  Corp", "M365", "12"), Row("ACME CORP", "M365", "1")],
        [ACME_LINE],
        accounts=accounts(**{" Acme Corp ": "11"}),
    )
    figures = workbench.figures(month)
    assert [(delta.line_id, delta.quantity_used) for delta in figures.deltas] == [("1", D(12))]
    assert [usage.account_key for usage in figures.unmapped] == ["ACME CORP"]


def test_an_allowance_of_the_psa_is_not_subtracted_again(workbench: Workbench) -> None:
    month = Month([Row("Acme", "M365", "12")], [replace(ACME_LINE, included="2")])
    assert seen(workbench.deltas(month)["1"]) == ("increase", "proposed", "12")


def test_money_is_rounded_half_away_from_zero_in_the_agreements_currency(workbench: Workbench) -> None:
    euro = Agreement(AgreementId("managed-11"), AccountId("11"), "Managed", True, False, None, None, "EUR")
    month = Month(
        [Row("Acme", "M365", "11"), Row("Beta", "M365", "7")],
        [replace(ACME_LINE, price="1.005"), replace(BETA_LINE, price="1.005"), Line("3", "11", "502", "1", price=None)],
        agreements=[euro],
        services=[leads("M365", "501"), leads("EP", "502")],
    )
    deltas = workbench.deltas(month)
    amounts = {line: (delta.amount_delta, delta.currency) for line, delta in deltas.items()}
    assert amounts == {"1": (D("1.01"), "EUR"), "2": (D("-1.01"), "USD"), "3": (None, "EUR")}


def test_no_more_than_twenty_records_stand_inline_and_all_are_counted(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "1", subscription=f"s{n}") for n in range(25)]
    delta = workbench.deltas(Month(rows, [ACME_LINE]))["1"]
    assert (delta.evidence_count, [record.row for record in delta.evidence]) == (25, list(range(2, 22)))


def test_small_fractions_are_kept_to_the_tenth_place(workbench: Workbench) -> None:
    rows = [Row("Acme", "M365", "0.0000000001", subscription=str(n)) for n in range(3)]
    assert workbench.deltas(Month(rows, [ACME_LINE]))["1"].quantity_after == D("0.0000000003")
