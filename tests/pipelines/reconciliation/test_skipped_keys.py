"""A skipped key is no mapping: a month is computed as if nothing had been decided about it."""

from dataclasses import replace
from datetime import UTC, date
from decimal import Decimal

import pytest

from pipelines.identity import ServiceId
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    MappingEntry,
    RecordedEntry,
    ServiceMapping,
    Share,
    SkippedKey,
    Validity,
)
from pipelines.reconciliation.month import MonthRecords, MonthView, Tenant, month_inputs, month_view
from tests.pipelines.months import NOW, OCTOBER, revision

TENANT = Tenant("acme", "USD", UTC)
ACCOUNT = AccountMapping("Pax8", "acme", (Share("250", Decimal(1)),))
SERVICE = ServiceMapping("Pax8", "M365", (ServiceId("77"),))
SKIPS = (SkippedKey(KeyKind.ACCOUNT, "Pax8", "new", "waiting"), SkippedKey(KeyKind.SERVICE, "Webroot", "EP", "waiting"))


def month(*entries: MappingEntry) -> MonthView:
    """October with these decisions and a file of Pax8."""
    recorded = [RecordedEntry(f"e{number}", entry, "dana", NOW) for number, entry in enumerate(entries)]
    return month_view(OCTOBER, MonthRecords((revision(),), (), (), (), recorded, None), NOW)


def test_the_warehouse_computes_a_month_with_skips_as_one_without() -> None:
    with_skips, without = month(ACCOUNT, SERVICE, *SKIPS), month(ACCOUNT, SERVICE)
    assert month_inputs(TENANT, OCTOBER, with_skips) == month_inputs(TENANT, OCTOBER, without)
    assert with_skips.live.skipped == SKIPS


def test_a_mapped_key_that_is_skipped_leads_nowhere_any_more() -> None:
    skips = [
        SkippedKey(KeyKind.ACCOUNT, "Pax8", "acme", "waiting"),
        SkippedKey(KeyKind.SERVICE, "Pax8", "M365", "who?"),
    ]
    inputs = month_inputs(TENANT, OCTOBER, month(ACCOUNT, SERVICE, *skips))
    assert (inputs.accounts, inputs.services) == ((), ())


def test_a_skip_alone_makes_no_source_expected() -> None:
    assert [drop.source for drop in month(*SKIPS).expected] == ["Pax8"]
    mapped = ServiceMapping("Webroot", "EP", (ServiceId("77"),))
    assert [drop.source for drop in month(mapped).expected] == ["Pax8", "Webroot"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(SKIPS[0], reason="they are leaving"), id="another reason"),
        pytest.param(replace(SKIPS[0], validity=Validity(None, date(2027, 1, 1))), id="another end"),
        pytest.param(replace(SKIPS[0], validity=Validity(None, date(2026, 10, 31))), id="it has ended"),
    ],
)
def test_a_month_is_looked_at_again_when_the_words_about_a_skip_move(other: SkippedKey) -> None:
    assert month(SKIPS[0]).input_hash != month(other).input_hash
