"""The scenarios of the product guides' chapters on mapping, each as a month.

Belongs here: one test per scenario, in the guides' own products and names.
Does not belong here: rules that no guide tells of (``test_months``); reading files (``tests/pipelines/intake``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pipelines.findings import FindingKind
from pipelines.mapping.entries import AccountMapping, ServiceMapping, ServiceRule
from pipelines.reconciliation.inputs import Conservation, DoubtfulRow
from tests.dbt.builder import Line, Month, Row, Workbench, accounts, leads
from tests.dbt.reviewing import reviewed

D = Decimal


WORKSTATIONS = {"501": "Workstations", "502": "Total Workstations", "503": "Premium Workstations"}
TIERS = {"501": "Bronze", "502": "Silver", "503": "Gold"}
CUSTOMERS = {"11": "Acme", "12": "Beta", "13": "Cedar", "14": "Delta"}


def ninja(used: Mapping[str, str], lines: Sequence[Line], products: Mapping[str, str] = TIERS) -> Month:
    """A month in which NinjaOne counts workstations, and each customer is billed for one product of several."""
    return Month(
        [Row(CUSTOMERS[account], "Total Workstations", count, "NinjaOne") for account, count in used.items()],
        lines,
        accounts=accounts("NinjaOne", **{name: account for account, name in CUSTOMERS.items()}),
        services=[
            leads("Total Workstations", *products, source="NinjaOne", rule=ServiceRule.FIRST_PRESENT),
        ],
        account_names=CUSTOMERS,
        service_names=products,
    )


def test_workstations_total_workstations_and_premium_workstations_share_one_ninjaone_count(
    workbench: Workbench,
) -> None:
    lines = [Line("1", "11", "501", "20"), Line("2", "12", "502", "7"), Line("3", "13", "503", "4")]
    month = ninja({"11": "22", "12": "5", "13": "4"}, lines, WORKSTATIONS)
    assert reviewed(workbench, month).asked() == {"1": ("increase", "22"), "2": ("decrease", "5")}


def test_the_one_tier_that_is_present_takes_the_count_whichever_it_is(workbench: Workbench) -> None:
    lines = [Line("1", "11", "501", "28"), Line("2", "12", "502", "28"), Line("3", "13", "503", "28")]
    outcome = reviewed(workbench, ninja(dict.fromkeys(("11", "12", "13"), "30"), lines))
    assert outcome.asked() == dict.fromkeys(("1", "2", "3"), ("increase", "30"))
    assert outcome.findings == []


def test_no_tier_present_is_new_found_revenue_of_the_group_once(workbench: Workbench) -> None:
    outcome = reviewed(workbench, ninja({"11": "30"}, [Line("1", "12", "503", "1")]))
    assert outcome.asked() == {"11/501": ("unbilled", "30"), "1": ("vanished", "0")}
    (new,) = (change for change in outcome.plan.standing if change.line_id is None)
    assert (new.service_name, new.amount_delta, new.agreement_id) == ("Bronze", D(600), None)


def test_two_tiers_present_are_ambiguous_and_never_double(workbench: Workbench) -> None:
    lines = [Line("1", "11", "502", "28"), Line("2", "11", "503", "2")]
    outcome = reviewed(workbench, ninja({"11": "30", "12": "4"}, [*lines, Line("3", "12", "501", "3")]))
    assert outcome.asked() == {"3": ("increase", "4")}
    found = outcome.found(FindingKind.AMBIGUOUS_TARGET)
    assert [(finding.subject, finding.quantity) for finding in found] == [("1", D(30)), ("2", D(30))]
    assert found[0].message.startswith("Acme, Silver (line 1 at 28): 30 units are used, and more than one")


def test_a_tier_that_is_present_but_not_live_is_no_new_found_revenue(workbench: Workbench) -> None:
    ended = Line("1", "11", "502", "28", end=date(2026, 11, 1))
    not_begun = Line("2", "12", "503", "28", start=date(2026, 12, 1))
    outcome = reviewed(workbench, ninja({"11": "30", "12": "30"}, [ended, not_begun]))
    assert outcome.plan.standing == ()
    assert [finding.message for finding in outcome.found(FindingKind.INACTIVE_TARGET)] == [
        "Acme, Silver (no line): it is used, and line 1 of this service is not live today (from always until "
        "2026-11-01): mend that line.",
        "Beta, Gold (no line): it is used, and line 2 of this service is not live today (from 2026-12-01 until "
        "for ever): mend that line.",
    ]


def test_proofpoint_essentials_reconciles_the_managed_user_bundle(workbench: Workbench) -> None:
    month = Month(
        [
            Row("acme.example", "Active users", "41", "Proofpoint Essentials", basis="assigned"),
            Row("Acme", "M365", "55"),
        ],
        [Line("1", "11", "501", "38"), Line("2", "11", "502", "55")],
        accounts=accounts("Proofpoint Essentials", **{"acme.example": "11"}) + accounts(Acme="11"),
        services=[leads("Active users", "501", source="Proofpoint Essentials"), leads("M365", "502")],
        service_names={"501": "Managed User", "502": "M365 Business Premium"},
    )
    outcome = reviewed(workbench, month)
    assert outcome.asked() == {"1": ("increase", "41")}
    assert [(change.service_name, change.sources) for change in outcome.plan.standing] == [
        ("Managed User", ("Proofpoint Essentials",))
    ]


ENDPOINTS = Month(
    [
        Row("Acme", "Endpoint Protection", "10", "Webroot", basis="devices"),
        Row("acme", "Core", "15", "SentinelOne", basis="devices"),
        Row("Beta", "Endpoint Protection", "6", "Webroot", basis="devices"),
    ],
    [Line("1", "11", "501", "10"), Line("2", "12", "501", "9")],
    accounts=accounts("Webroot", Acme="11", Beta="12") + accounts("SentinelOne", acme="11", beta="12"),
    services=[leads("Endpoint Protection", "501", source="Webroot"), leads("Core", "501", source="SentinelOne")],
)


def test_webroot_and_sentinelone_are_one_product_and_both_are_named(workbench: Workbench) -> None:
    outcome = reviewed(workbench, ENDPOINTS)
    assert outcome.asked() == {"1": ("increase", "25"), "2": ("decrease", "6")}
    sources = {change.line_id: change.sources for change in outcome.plan.standing}
    assert sources == {"1": ("SentinelOne", "Webroot"), "2": ("Webroot",)}
    files = [record.file for change in outcome.plan.standing if change.line_id == "1" for record in change.evidence]
    assert files == ["SentinelOne.csv", "Webroot.csv"]


def test_webroot_alone_never_speaks_for_both(workbench: Workbench) -> None:
    assert reviewed(workbench, replace(ENDPOINTS, incomplete=["SentinelOne"])).plan.standing == ()


NCE = {
    "501": "Business Premium, monthly",
    "502": "Business Premium, annual by month",
    "503": "Business Premium, annual",
}
SEATS = [Line("1", "11", "501", "1"), Line("2", "11", "502", "1"), Line("3", "11", "503", "1")]


def test_the_three_terms_of_one_product_are_told_apart_by_a_suffix_of_the_key(workbench: Workbench) -> None:
    month = Month(
        [
            Row("Acme", "0001-P1M-M", "2", term="P1M", subscription="s1"),
            Row("Acme", "0001-P1Y-M", "10", term="P1Y", subscription="s2"),
            Row("Acme", "0001-P1Y-A", "40", term="P1Y", subscription="s3"),
            Row("Acme", "0001-P1Y-A", "2", term="P1Y", subscription="s4"),
        ],
        SEATS,
        services=[leads("0001-P1M-M", "501"), leads("0001-P1Y-M", "502"), leads("0001-P1Y-A", "503")],
        service_names=NCE,
    )
    outcome = reviewed(workbench, month)
    assert outcome.asked() == {"1": ("increase", "2"), "2": ("increase", "10"), "3": ("increase", "42")}
    assert outcome.findings == []


def one_key(*lines: Line) -> Month:
    """A file that names no term: three products stand on one key."""
    return Month(
        [Row("Acme", "0001", "2", subscription="s1"), Row("Acme", "0001", "40", subscription="s2")],
        lines,
        services=[leads("0001", *NCE, rule=ServiceRule.FIRST_PRESENT)],
        service_names=NCE,
    )


def test_several_products_on_a_key_without_a_term_take_its_count_where_one_is_billed(workbench: Workbench) -> None:
    assert reviewed(workbench, one_key(SEATS[2])).asked() == {"3": ("increase", "42")}


def test_several_products_on_a_key_without_a_term_are_ambiguous_where_two_are_billed(workbench: Workbench) -> None:
    outcome = reviewed(workbench, one_key(*SEATS[1:]))
    assert outcome.plan.standing == ()
    assert [finding.kind for finding in outcome.findings] == [FindingKind.AMBIGUOUS_TARGET] * 2


def test_several_products_on_one_service_are_split_by_the_term_and_billing_of_their_columns(
    workbench: Workbench,
) -> None:
    month = Month(
        [
            Row("Acme", "0001|P1M|Monthly", "2", term="P1M", by_term=True),
            Row("Acme", "0001|P1Y|Monthly", "10", term="P1Y", by_term=True),
            Row("Acme", "0001|P1Y|Annual", "42", term="P1Y", by_term=True),
            Row("Beta", "0001|P1Y|Annual", "5", term="P1Y", by_term=True),
        ],
        SEATS,
        services=[leads("0001|P1M|Monthly", "501"), leads("0001|P1Y|Monthly", "502"), leads("0001|P1Y|Annual", "503")],
        service_names=NCE,
    )
    assert reviewed(workbench, month).asked() == {
        "1": ("increase", "2"),
        "2": ("increase", "10"),
        "3": ("increase", "42"),
        "12/503": ("unbilled", "5"),
    }


def test_a_term_of_its_own_may_lead_to_several_products_again(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "0001|P1M", "2", term="P1M"), Row("Acme", "0001|P1Y", "42", term="P1Y")],
        [SEATS[0], SEATS[2]],
        services=[leads("0001|P1M", "501"), leads("0001|P1Y", "502", "503", rule=ServiceRule.FIRST_PRESENT)],
        service_names=NCE,
    )
    assert reviewed(workbench, month).asked() == {"1": ("increase", "2"), "3": ("increase", "42")}


def test_usage_of_an_unmapped_account_is_told_with_its_quantity_and_money_and_nothing_is_lost(
    workbench: Workbench,
) -> None:
    rows = [
        Row("Acme", "M365", "12", amount="216"),
        Row("Newcomer", "M365", "7", amount="126.5"),
        Row("Newcomer", "Backup", "3", amount="30"),
    ]
    month = Month(rows, [Line("1", "11", "501", "10")])
    outcome = reviewed(workbench, month)
    assert outcome.asked() == {"1": ("increase", "12")}
    (found,) = outcome.found(FindingKind.UNMAPPED_ACCOUNT)
    assert (found.subject, found.quantity, found.amount, found.currency) == ("Newcomer", D(10), D("156.5"), "USD")
    assert [record.row for record in found.evidence] == [4, 3]
    (service,) = outcome.found(FindingKind.UNMAPPED_SERVICE)
    assert (service.subject, service.quantity, service.amount) == ("Backup", D(3), D(30))
    assert outcome.figures.conservation == (Conservation("Pax8", D(22), D(12), D(10), D(0)),)


def test_usage_of_an_unmapped_account_is_told_with_money_from_a_list_that_has_only_costs_per_unit(
    workbench: Workbench,
) -> None:
    outcome = reviewed(workbench, Month([Row("Newcomer", "M365", "7", unit_cost="18.25"), Row("Other", "M365", "7")]))
    amounts = {finding.subject: finding.amount for finding in outcome.found(FindingKind.UNMAPPED_ACCOUNT)}
    assert amounts == {"Newcomer": D("127.75"), "Other": None}


IGNORED = Month(
    [Row("House", "M365", "60", amount="1080"), Row("House", "Anything", "3"), Row("Acme", "M365", "8")],
    [Line("1", "11", "501", "10"), Line("2", "12", "501", "55")],
    accounts=accounts(Acme="11", House=None),
    doubts=[DoubtfulRow("Pax8", "House", None)],
)


def test_an_ignored_account_proposes_nothing_holds_nothing_and_is_counted_as_excluded(workbench: Workbench) -> None:
    outcome = reviewed(workbench, IGNORED)
    assert outcome.asked() == {"1": ("decrease", "8")}
    assert outcome.findings == []
    assert outcome.figures.conservation == (Conservation("Pax8", D(71), D(8), D(0), D(63)),)


def test_an_account_that_is_unmapped_instead_of_ignored_holds_the_fall(workbench: Workbench) -> None:
    outcome = reviewed(workbench, replace(IGNORED, accounts=accounts(Acme="11")))
    assert outcome.plan.standing == ()
    assert {finding.kind for finding in outcome.findings} == {
        FindingKind.UNMAPPED_ACCOUNT,
        FindingKind.UNMAPPED_SERVICE,
        FindingKind.HELD,
    }


NAMED = Month(
    [Row("Acme", "M365", "12"), Row("Beta", "M365", "9"), Row("Beta", "EP", "2")],
    [Line("1", "11", "501", "10"), Line("2", "12", "501", "9")],
    services=[leads("M365", "501"), leads("EP", "502")],
)


@pytest.mark.parametrize(
    "renamed",
    [
        pytest.param({"service_names": {"501": "Business Premium (NCE)", "502": "M365"}}, id="products"),
        pytest.param({"account_names": {"11": "Beta", "12": "Acme"}}, id="two accounts that swap their names"),
    ],
)
def test_a_renamed_psa_record_changes_nothing_but_the_name_that_is_shown(
    workbench: Workbench, renamed: dict[str, Mapping[str, str]]
) -> None:
    before = reviewed(workbench, NAMED)
    assert before.asked() == {"1": ("increase", "12"), "12/502": ("unbilled", "2")}
    month = replace(NAMED, **renamed)  # type: ignore[arg-type]
    after = reviewed(workbench, month, before.plan.standing)
    assert (after.plan.insert, after.plan.supersede, after.findings) == ((), (), [])
    assert [change.change_id for change in after.plan.refresh] == [change.change_id for change in before.plan.insert]
    assert [change.revision for change in after.plan.refresh] == [1, 1]
    names = [(change.account_name, change.service_name) for change in after.plan.refresh]
    accounts_now, services_now = month.account_names, month.service_names
    assert names == [(accounts_now["11"], services_now["501"]), (accounts_now["12"], services_now["502"])]


def test_two_keys_of_a_source_on_one_account_add_up(workbench: Workbench) -> None:
    month = Month(
        [Row("Acme", "M365", "12"), Row("Acme (Leeds)", "M365", "5")],
        [Line("1", "11", "501", "10")],
        accounts=accounts(**{"Acme": "11", "Acme (Leeds)": "11"}),
    )
    outcome = reviewed(workbench, month)
    assert outcome.asked() == {"1": ("increase", "17")}
    assert [change.evidence_count for change in outcome.plan.standing] == [2]


HALVES = {
    "501": ("7.0000000001", "3.5000000001", "3.5"),
    "502": ("0.0000000001", "0.0000000001", "0"),
    "503": ("0.0000000002", "0.0000000001", "0.0000000001"),
    "504": ("123456789012.0000000003", "61728394506.0000000002", "61728394506.0000000001"),
}
"""What is used of a service, and what each of two accounts gets of it: the last one what is left."""


def test_one_key_split_over_two_accounts_is_shared_to_the_last_digit(workbench: Workbench) -> None:
    month = Month(
        [Row("Group", f"Key {service}", used) for service, (used, _, _) in HALVES.items()],
        [Line(f"{account}/{service}", account, service, "7") for account in ("11", "12") for service in HALVES],
        accounts=accounts(Group={"11": "0.5", "12": "0.5"}),
        services=[leads(f"Key {service}", service) for service in HALVES],
        service_names=dict.fromkeys(HALVES, "Shared"),
    )
    after = {change.line_id: change.quantity_after for change in reviewed(workbench, month).plan.standing}
    for service, (used, first, second) in HALVES.items():
        assert (after[f"11/{service}"], after[f"12/{service}"]) == (D(first), D(second))
        assert D(first) + D(second) == D(used)


def pair(services: ServiceMapping, used: str = "10", group: AccountMapping | None = None) -> Month:
    """A month whose one key leads to two products, on two accounts where a group is given."""
    lines = [Line(f"{account}-{service}", account, service, "1") for account in CUSTOMERS for service in ("501", "502")]
    return Month(
        [Row("Acme", "Suite", used)],
        lines if group else lines[:2],
        accounts=(group,) if group else accounts(Acme="11"),
        services=[services],
        account_names=CUSTOMERS,
    )


def test_replicated_services_each_take_the_full_count_and_it_is_counted_once(workbench: Workbench) -> None:
    month = pair(leads("Suite", "501", "502", rule=ServiceRule.REPLICATE))
    outcome = reviewed(workbench, month)
    assert outcome.asked() == {"11-501": ("increase", "10"), "11-502": ("increase", "10")}
    assert outcome.figures.conservation == (Conservation("Pax8", D(10), D(10), D(0), D(0)),)


def test_split_services_take_their_shares_and_one_without_a_line_is_new_found_revenue(workbench: Workbench) -> None:
    month = pair(leads("Suite", "501", "502", "503", rule=ServiceRule.SPLIT, shares=("0.5", "0.3", "0.2")))
    assert reviewed(workbench, month).asked() == {
        "11-501": ("increase", "5"),
        "11-502": ("increase", "3"),
        "11/503": ("unbilled", "2"),
    }


def test_a_split_account_on_split_services_loses_nothing(workbench: Workbench) -> None:
    (group,) = accounts(Acme=dict.fromkeys(("11", "12"), "0.3333333333") | {"13": "0.3333333334"})
    services = leads("Suite", "501", "502", rule=ServiceRule.SPLIT, shares=("0.7", "0.3"))
    month = pair(services, "10.0000000002", group)
    outcome = reviewed(workbench, month)
    after = {change.line_id: change.quantity_after for change in outcome.plan.standing}
    assert after == {
        "11-501": D("2.3333333332"),
        "11-502": D("0.9999999999"),
        "12-501": D("2.3333333332"),
        "12-502": D("0.9999999999"),
        "13-501": D("2.3333333338"),
        "13-502": D("1.0000000002"),
    }
    assert sum(after.values()) == D("10.0000000002")
