"""A slow, plain reading of the demo's world, independent of the product: what a careful person with a pencil would get.

It knows the three formats by heart, so that it can judge both the world and what the product makes of it.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, NamedTuple

import yaml

from pipelines.periods import BillingPeriod
from trueup.demo.world import DemoWorld


class Row(NamedTuple):
    """One usage row. ``units`` is None where the cell is no number."""

    source: str
    account: str
    service: str
    units: Decimal | None


def records(content: bytes) -> list[list[str]]:
    """The records of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def tables(content: bytes, header: int = 0) -> list[dict[str, str]]:
    """The records below a header, by name."""
    names, *rows = records(content)[header:]
    return [dict(zip(names, row, strict=True)) for row in rows]


def files_of(world: DemoWorld, period: BillingPeriod) -> dict[str, bytes]:
    """The files of one month by their folder; a file of the same folder replaces the one before."""
    return {path.split("/")[0]: content for path, content in world.files.items() if period.key in path}


def usage(world: DemoWorld, period: BillingPeriod) -> list[Row]:
    """Every row of a month that states how many units are in use."""
    files = files_of(world, period)
    return [*_microsoft(files["microsoft-nce"]), *_pax8(files["pax8"]), *_beacon(files["beacon-rmm"])]


def _microsoft(content: bytes) -> Iterator[Row]:
    terms = {"One-Year": "P1Y", "One-Month": "P1M"}
    for row in tables(content):
        if row["ChargeType"] in {"cycleCharge", "renew", "addQuantity", "cancelImmediate"}:
            term = terms[row["TermAndBillingCycle"].split()[0]]
            key = f"{row['ProductId']}|{row['SkuId']}|{term}"
            yield Row("Microsoft", row["CustomerId"], key, Decimal(row["BillableQuantity"]))


def _pax8(content: bytes) -> Iterator[Row]:
    terms = {"Monthly": "P1M", "1-Year": "P1Y"}
    for row in tables(content):
        if row["Status"] == "Active":
            key = f"{row['SKU']}|{terms[row['Commitment Term']]}"
            yield Row("Pax8", row["Company ID"], key, _number(row["Quantity"]))


def _beacon(content: bytes) -> Iterator[Row]:
    for row in tables(content, header=2)[:-1]:
        yield Row("Beacon RMM", row["Client"], row["Device Class"], Decimal(row["Devices"]))


def _number(cell: str) -> Decimal | None:
    try:
        return Decimal(cell)
    except InvalidOperation:
        return None


class Reconciled(NamedTuple):
    """Used units by account and service, and what no mapping leads anywhere."""

    used: dict[tuple[str, str], Decimal]
    unreadable: set[tuple[str, str]]
    unmapped_accounts: set[str]
    unmapped_services: set[str]


def reconciled(world: DemoWorld, period: BillingPeriod) -> Reconciled:
    """The month's use, through the mappings."""
    mappings = yaml.safe_load(world.mappings)
    accounts = {(entry["source"], entry["key"]): entry for entry in mappings["accounts"]}
    services = {(entry["source"], entry["key"]): entry for entry in mappings["services"]}
    billed = set(billed_lines(world))
    result = Reconciled(defaultdict(Decimal), set(), set(), set())
    for row in usage(world, period):
        account = accounts.get((row.source, row.account))
        service = services.get((row.source, row.service))
        if account is None:
            result.unmapped_accounts.add(row.account)
        elif service is None:
            result.unmapped_services.add(row.service)
        elif "exclude" not in account and "exclude" not in service:
            choices = [key for key in service["services"] if (account["account"], key) in billed]
            pair = (account["account"], choices[0] if choices else service["services"][0])
            if row.units is None:
                result.unreadable.add(pair)
            else:
                result.used[pair] += row.units
    return result


def billed_lines(world: DemoWorld) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The PSA's lines by account and service."""
    account_of = {agreement["id"]: agreement["account"] for agreement in world.seed["agreements"]}
    lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in world.seed["lines"]:
        lines[account_of[line["agreement"]], line["service"]].append(line)
    return dict(lines)


def due(world: DemoWorld, line: str | None, service: str, units: Decimal) -> Decimal:
    """What is billed for units in use: less what is included, in whole blocks."""
    rules: list[dict[str, str]] = yaml.safe_load(world.mappings)["units"]
    of_line = [rule for rule in rules if rule.get("line") == line]
    chosen = [*of_line, *(rule for rule in rules if rule.get("service") == service), {}][0]
    billable = max(units - Decimal(chosen.get("included", "0")), Decimal(0))
    block = Decimal(chosen.get("block", "0"))
    return (billable / block).to_integral_value(ROUND_CEILING) * block if block else billable
