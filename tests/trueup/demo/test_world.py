"""The demo's world shows every case it promises, in any month, and agrees with what was worked out by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.findings import FindingKind
from pipelines.intake.arrivals import Assignment, assign
from pipelines.intake.profile import load_profile
from pipelines.intake.shipped import shipped_profiles
from pipelines.mapping.document import read_mappings
from pipelines.mapping.seen import targets_of
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import DeltaKind
from tests.trueup.demo import expected
from tests.trueup.demo.plain_reader import billed_lines, due, files_of, reconciled, records, tables, usage
from trueup.demo.customers import CUSTOMERS
from trueup.demo.microsoft import HEADER
from trueup.demo.world import DemoWorld, demo_world

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = BillingPeriod(2026, 10)
WORLD = demo_world(OCTOBER)


@pytest.fixture
def world() -> DemoWorld:
    """The world of October 2026."""
    return WORLD


def test_a_normal_month_is_billed_right_on_every_line(world: DemoWorld) -> None:
    month = reconciled(world, OCTOBER.previous)
    lines = billed_lines(world)
    assert set(month.used) == set(lines)
    for (account, service), held in lines.items():
        total = sum((Decimal(line["quantity"]) for line in held), Decimal(0))
        assert due(world, held[0]["id"], service, month.used[account, service]) == total, held
    assert (month.unreadable, month.unmapped_accounts, month.unmapped_services) == (set(), set(), set())


def test_this_month_differs_exactly_where_it_was_worked_out_by_hand(world: DemoWorld) -> None:
    month = reconciled(world, OCTOBER)
    moved: dict[str, tuple[Decimal, Decimal]] = {}
    ambiguous: set[str] = set()
    held: set[str] = set()
    for (account, service), lines in billed_lines(world).items():
        line = lines[0]
        before = Decimal(line["quantity"])
        after = due(world, line["id"], service, month.used.get((account, service), Decimal(0)))
        if len(lines) > 1:
            ambiguous |= {line["id"] for line in lines}
        elif after < before and (account, service) in month.unreadable:
            held.add(line["id"])
        elif after != before:
            moved[line["id"]] = (before, after)
    assert moved == {line: (change.before, change.after) for line, change in expected.CHANGES.items()}
    assert ambiguous == expected.AMBIGUOUS
    assert held == expected.HELD


def test_new_found_revenue_is_used_and_on_no_line(world: DemoWorld) -> None:
    month = reconciled(world, OCTOBER)
    lines = billed_lines(world)
    assert {pair: units for pair, units in month.used.items() if pair not in lines} == expected.UNBILLED


def test_each_change_bears_the_kind_that_its_figures_say(world: DemoWorld) -> None:
    month = reconciled(world, OCTOBER)
    used = {f"{account}{service}" for account, service in month.used}
    for line, change in expected.CHANGES.items():
        kind = "increase" if change.after > change.before else "decrease" if line in used else "vanished"
        assert DeltaKind(change.kind) == kind, line
    assert {line for line, change in expected.CHANGES.items() if change.after == 0} == expected.CONFIRM_ZERO


def test_the_money_follows_from_the_lines_own_prices(world: DemoWorld) -> None:
    prices = {line["id"]: Decimal(line["unit_price"]) for line in world.seed["lines"]}
    services = {service["id"]: Decimal(service["unit_price"]) for service in world.seed["services"]}
    assert {
        line: (change.after - change.before) * prices[line] for line, change in expected.CHANGES.items()
    } == expected.AMOUNTS
    assert {pair: units * services[pair[1]] for pair, units in expected.UNBILLED.items()} == expected.UNBILLED_AMOUNTS


def test_one_account_and_one_service_are_unmapped_this_month(world: DemoWorld) -> None:
    month = reconciled(world, OCTOBER)
    assert (len(month.unmapped_accounts), len(month.unmapped_services)) == (1, 1)
    assert month.unmapped_services == {"LDG-BOOKS-S|P1M"}


def test_what_holds_a_decrease_holds_that_one_alone(world: DemoWorld) -> None:
    # The unmapped company uses backup, the unmapped service is Maple & Main's, the unknown charge is Northstar's E3:
    # none of the decreases may stand there, or the demo would hold more than it says.
    falling = {line for line, change in expected.CHANGES.items() if change.after < change.before}
    assert not any(line.endswith("514") or line.startswith("267") or line == "273503" for line in falling)


def test_every_expected_finding_is_a_kind_of_the_product() -> None:
    assert {FindingKind(kind) for kind in expected.FINDINGS}


def test_the_microsoft_file_has_the_documented_header_and_every_charge_kind(world: DemoWorld) -> None:
    content = files_of(world, OCTOBER)["microsoft-nce"]
    assert content.startswith(b"\xef\xbb\xbfPartnerId,CustomerId,CustomerName,")
    assert len(HEADER) == len(set(HEADER)) == 47
    assert {row["ChargeType"] for row in tables(content)} == {
        *("cycleCharge", "addQuantity", "renew", "cancelImmediate", "prorateCredit", "customerCredit", "loyaltyRebate")
    }


def test_the_charge_dates_lie_in_the_month(world: DemoWorld) -> None:
    for period in (OCTOBER, OCTOBER.previous):
        rows = tables(files_of(world, period)["microsoft-nce"])
        assert {row["ChargeStartDate"][:7] for row in rows} == {period.key}
        assert {row["ChargeEndDate"] for row in rows} == {f"{period.last_day.isoformat()}T00:00:00Z"}


def test_the_same_subscriptions_arrive_again_under_another_name(world: DemoWorld) -> None:
    first, again = (path for path in world.files if path.startswith(f"pax8/{OCTOBER.key}/"))
    assert world.files[first] == world.files[again]
    assert first < again


def test_the_two_months_of_a_source_differ(world: DemoWorld) -> None:
    before, now = files_of(world, OCTOBER.previous), files_of(world, OCTOBER)
    assert set(before) == set(now) == {"microsoft-nce", "pax8", "beacon-rmm"}
    for folder in now:
        assert before[folder] != now[folder]


def test_beacons_total_agrees_with_its_rows(world: DemoWorld) -> None:
    title, blank, header, *rows, total = records(files_of(world, OCTOBER)["beacon-rmm"])
    assert (title, blank) == (["Beacon RMM: licensed agents of 2026-10"], [])
    assert header == ["Client", "Device Class", "Devices"]
    assert total[0] == "Grand total"
    assert int(total[2].replace(",", "")) == sum(int(row[2]) for row in rows)


def test_every_file_is_one_that_a_profile_waits_for(world: DemoWorld) -> None:
    profiles = [load_profile(text) for text in [*shipped_profiles().values(), *world.profiles.values()]]
    assigned = [assign(path, profiles, NOW, ZoneInfo("UTC"), lambda _: True) for path in world.files]
    names = [("microsoft-nce", "Microsoft"), ("pax8-subscriptions", "Pax8"), ("beacon-rmm", "Beacon RMM")]
    assert assigned == [
        *(Assignment(*name, OCTOBER.previous) for name in names),
        *(Assignment(*name, OCTOBER) for name in names),
        Assignment("pax8-subscriptions", "Pax8", OCTOBER),
    ]


def test_the_own_licences_are_in_every_source_and_excluded(world: DemoWorld) -> None:
    own = {
        (entry["source"], entry["key"]) for entry in yaml.safe_load(world.mappings)["accounts"] if "exclude" in entry
    }
    assert own <= {(row.source, row.account) for row in usage(world, OCTOBER)}
    assert {source for source, _ in own} == {"Microsoft", "Pax8", "Beacon RMM"}


def test_a_trial_is_in_use_and_excluded(world: DemoWorld) -> None:
    (trial,) = (entry for entry in yaml.safe_load(world.mappings)["services"] if "exclude" in entry)
    assert any(row.service == trial["key"] for row in usage(world, OCTOBER))


def test_two_vendor_keys_lead_to_one_account(world: DemoWorld) -> None:
    keys = [entry for entry in yaml.safe_load(world.mappings)["accounts"] if entry.get("account") == "271"]
    assert len({entry["key"] for entry in keys if entry["source"] == "Pax8"}) == 2


def test_every_tier_of_the_workstations_is_sold_and_each_customer_has_one(world: DemoWorld) -> None:
    tiers = {"541", "542", "543"}
    by_account: dict[str, set[str]] = {customer.id: set() for customer in CUSTOMERS}
    for account, service in billed_lines(world):
        by_account[account] |= {service} & tiers
    assert {len(held) for held in by_account.values()} == {1}
    assert set.union(*by_account.values()) == tiers


def test_the_customers_are_told_apart_and_most_lines_match(world: DemoWorld) -> None:
    assert len(CUSTOMERS) == len({customer.id for customer in CUSTOMERS}) == len({c.domain for c in CUSTOMERS}) == 24
    assert len(world.seed["lines"]) > 10 * len(expected.CHANGES)


def test_every_mapping_leads_to_a_record_of_the_psa(world: DemoWorld) -> None:
    document = read_mappings(world.mappings)
    ids = {part: {entry["id"] for entry in world.seed[part]} for part in ("accounts", "services", "lines")}
    assert {target for entry in document.accounts for target in targets_of(entry)} == ids["accounts"]
    assert {target for entry in document.services for target in targets_of(entry)} == ids["services"]
    assert {rule.line for rule in document.units if rule.line} <= ids["lines"]


def test_the_seed_hangs_together(world: DemoWorld) -> None:
    ids = {
        part: [entry["id"] for entry in world.seed[part]] for part in ("accounts", "services", "agreements", "lines")
    }
    for listed in ids.values():
        assert len(listed) == len(set(listed))
        assert all(key.isdigit() for key in listed)
    assert {agreement["account"] for agreement in world.seed["agreements"]} == set(ids["accounts"])
    assert {line["agreement"] for line in world.seed["lines"]} == set(ids["agreements"])
    assert {line["service"] for line in world.seed["lines"]} <= set(ids["services"])


@settings(max_examples=30)
@given(st.builds(BillingPeriod, st.integers(2021, 2040), st.integers(1, 12)))
def test_the_demo_works_in_any_month(period: BillingPeriod) -> None:
    world = demo_world(period)
    assert world == demo_world(period)
    assert {path.split("/")[1] for path in world.files} == {period.key, period.previous.key}
    assert reconciled(world, period) == reconciled(WORLD, OCTOBER)
    assert (world.seed, world.mappings) == (WORLD.seed, WORLD.mappings)
