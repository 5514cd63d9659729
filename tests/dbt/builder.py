"""Small months, written in one line each.

Belongs here: usage rows, mappings, PSA records and inputs with everything that does not matter filled in.
Does not belong here: what must come out; each test says that.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.agreements.records import (
    Account,
    Agreement,
    AgreementLine,
    CopyStatus,
    PsaCopy,
    PsaRecords,
    Service,
)
from pipelines.identity import AccountId, AgreementId, AgreementLineId, FileId, RevisionId, ServiceId
from pipelines.intake.drops import DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.rows import Reduction, RowAccounting, RowClass
from pipelines.mapping.entries import AccountMapping, ServiceMapping, ServiceRule, Share, UnitRule
from pipelines.mapping.keys import match_key
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import Delta
from pipelines.reconciliation.inputs import DoubtfulRow, MonthFigures, MonthInputs, SourceState
from resources.warehouse.lake import USAGE_SCHEMA, Lake
from resources.warehouse.month import MonthBuild, MonthWarehouse

TENANT = "msp"
PERIOD = BillingPeriod(2026, 10)
DBT_PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TODAY = date(2026, 11, 2)


@dataclass(frozen=True)
class Row:
    """One usage row of one file; ``drop`` names the part it came in."""

    account: str
    service: str
    quantity: str | Decimal
    source: str = "Pax8"
    drop: str = ""
    subscription: str | None = None
    method: Reduction = Reduction.SUM
    basis: str = "subscription"
    term: str | None = None
    by_term: bool = False
    currency: str | None = "USD"
    amount: str | None = None
    unit_cost: str | None = None
    start: date | None = None
    end: date | None = None
    charge: RowClass = RowClass.RECURRING
    charge_kind: str | None = None
    is_negated: bool = False
    unit: str | None = None
    size: str | None = None
    is_cycle: bool = False
    is_rounded: bool = False
    row: int | None = None
    cycle: str | None = None
    term_end: date | None = None
    at_renewal: str | None = None
    period: BillingPeriod = PERIOD


@dataclass(frozen=True)
class Line:
    """One agreement line; its agreement may be given by id."""

    id: str
    account: str
    service: str
    quantity: str | Decimal
    agreement: str | None = None
    start: date | None = None
    end: date | None = None
    price: str | None = "22"
    included: str = "0"


Target = str | dict[str, str] | None
"""Where an account key leads: one account, shares of several, or nowhere (excluded)."""


def accounts(source: str = "Pax8", /, **targets: Target) -> tuple[AccountMapping, ...]:
    """Account mappings: key to one account, to shares, or to nothing (excluded)."""
    return tuple(_account(source, key, target) for key, target in targets.items())


def _account(source: str, key: str, target: Target) -> AccountMapping:
    match target:
        case None:
            return AccountMapping(source, key, exclude="our own")
        case str():
            return AccountMapping(source, key, (Share(target, Decimal(1)),))
        case _:
            shares = tuple(Share(account, Decimal(share)) for account, share in target.items())
            return AccountMapping(source, key, shares)


def leads(
    key: str,
    *services: str,
    source: str = "Pax8",
    rule: ServiceRule = ServiceRule.ONE,
    shares: Sequence[str] = (),
    percent: str = "100",
) -> ServiceMapping:
    """A service mapping; without services it is excluded."""
    return ServiceMapping(
        source,
        key,
        tuple(map(ServiceId, services)),
        rule,
        tuple(map(Decimal, shares)),
        Decimal(percent),
        exclude=None if services else "trial",
    )


def unit(
    *,
    line: str | None = None,
    account: str | None = None,
    service: str | None = None,
    included: str = "0",
    block: str | None = None,
    minimum: str | None = None,
    maximum: str | None = None,
) -> UnitRule:
    """A unit rule from texts."""
    return UnitRule(
        line=None if line is None else AgreementLineId(line),
        account=None if account is None else AccountId(account),
        service=None if service is None else ServiceId(service),
        included=Decimal(included),
        block=None if block is None else Decimal(block),
        minimum=None if minimum is None else Decimal(minimum),
        maximum=None if maximum is None else Decimal(maximum),
    )


@dataclass(frozen=True)
class Month:
    """A month to build. Accounts 11 and 12 and services 501 to 503 stand in the PSA, unless others are named."""

    rows: Sequence[Row] = ()
    lines: Sequence[Line] = ()
    accounts: Sequence[AccountMapping] = field(default_factory=lambda: accounts(Acme="11", Beta="12"))
    services: Sequence[ServiceMapping] = field(default_factory=lambda: (leads("M365", "501"),))
    units: Sequence[UnitRule] = ()
    doubts: Sequence[DoubtfulRow] = ()
    incomplete: Sequence[str] = ()
    inactive_accounts: Sequence[str] = ()
    agreements: Sequence[Agreement] = ()
    account_names: Mapping[str, str] = field(default_factory=lambda: {"11": "Acme", "12": "Beta"})
    service_names: Mapping[str, str] = field(
        default_factory=lambda: {id_: f"Service {id_}" for id_ in ("501", "502", "503")}
    )
    is_psa_copied: bool = True
    earlier: Sequence[Row] = ()
    """Rows of the months before."""

    def psa(self) -> PsaRecords:
        """The PSA's records."""
        given = {agreement.id: agreement for agreement in self.agreements}
        lines = [_agreement_line(line) for line in self.lines]
        for line in lines:
            given.setdefault(line.agreement_id, _agreement(line.agreement_id, line.account_id))
        return PsaRecords(
            accounts=tuple(
                Account(AccountId(id_), name, id_ not in self.inactive_accounts)
                for id_, name in self.account_names.items()
            ),
            services=tuple(
                Service(ServiceId(id_), f"S{id_}", name, True, Decimal(18), Decimal(20))
                for id_, name in self.service_names.items()
            ),
            agreements=tuple(given.values()),
            lines=tuple(lines),
        )

    def inputs(self, lake: Lake) -> MonthInputs:
        """The month's inputs, with its rows and PSA copy written to the lake."""
        sources = {row.source for row in self.rows} | {entry.source for entry in self.services}
        copy_id = f"copy-{abs(hash(self.psa()))}"
        return MonthInputs(
            tenant=TENANT,
            period=PERIOD,
            revisions=_revisions(lake, self.rows),
            previous_revisions=_revisions(lake, [row for row in self.earlier if row.period == PERIOD.previous]),
            earlier_revisions=_revisions(lake, [row for row in self.earlier if row.basis == "invoice"]),
            source_states=tuple(SourceState(source, source not in self.incomplete) for source in sorted(sources)),
            doubtful_rows=tuple(self.doubts),
            accounts=tuple(self.accounts),
            services=tuple(self.services),
            units=tuple(self.units),
            psa=_copy(copy_id, lake.write_psa(copy_id, self.psa())) if self.is_psa_copied else None,
            as_of_date=TODAY,
            currency="USD",
        )


def _agreement(agreement: AgreementId, account: AccountId) -> Agreement:
    return Agreement(agreement, account, "Managed", True, False, None, None, None)


def _agreement_line(line: Line) -> AgreementLine:
    return AgreementLine(
        id=AgreementLineId(line.id),
        agreement_id=AgreementId(line.agreement or f"managed-{line.account}"),
        account_id=AccountId(line.account),
        service_id=ServiceId(line.service),
        quantity=Decimal(line.quantity),
        psa_included=Decimal(line.included),
        unit_price=None if line.price is None else Decimal(line.price),
        unit_cost=None,
        start_date=line.start,
        end_date=line.end,
    )


def _copy(copy_id: str, lake_path: str) -> PsaCopy:
    return PsaCopy(copy_id, "connectwise", "http://127.0.0.1", CopyStatus.COMPLETE, NOON, NOON, lake_path, {})


def _revisions(lake: Lake, rows: Sequence[Row]) -> tuple[UsageRevision, ...]:
    drops = sorted({(row.source, row.drop, row.period) for row in rows})
    return tuple(_revision(lake, *drop, [r for r in rows if (r.source, r.drop, r.period) == drop]) for drop in drops)


@dataclass(frozen=True)
class ArrowRows:
    """Usage rows in memory that can write themselves."""

    table: pa.Table

    def write_parquet(self, file: Path) -> None:
        """The rows as a file."""
        pq.write_table(self.table, file)


def _revision(lake: Lake, source: str, part: str, period: BillingPeriod, rows: Sequence[Row]) -> UsageRevision:
    drop = DropIdentity(source, f"{source.lower()}-export", period.key, part)
    drop_id = drop.id_for(TENANT)
    table = usage_table(rows)
    revision_id = f"r-{abs(hash(tuple(rows)))}"
    return UsageRevision(
        revision_id=RevisionId(revision_id),
        drop=drop,
        revision=1,
        file_id=FileId(f"f-{drop_id}"),
        file_name=_file_name(source, part, period),
        sha256="0" * 64,
        profile_version="0123456789ab",
        basis=rows[0].basis,
        verdict=SourceVerdict.COMPLETE,
        reasons=(),
        rows=RowAccounting(header=1, valid=len(rows)),
        quantity=sum((Decimal(row.quantity) for row in rows), Decimal(0)),
        lake_path=lake.write_usage(revision_id, drop_id, ArrowRows(table)),
        overlay_hash="",
        created_at=NOON,
    )


def _file_name(source: str, part: str, period: BillingPeriod) -> str:
    return f"{source}{part}.csv" if period == PERIOD else f"{source}{part} {period.key}.csv"


def usage_table(rows: Sequence[Row]) -> pa.Table:
    """The rows of one file as intake writes them; records count from 2, after the header."""
    return pa.Table.from_pylist(
        [_usage(replace(row, row=row.row or place)) for place, row in enumerate(rows, start=2)], schema=USAGE_SCHEMA
    )


def _usage(row: Row) -> dict[str, Any]:
    drop = DropIdentity(row.source, f"{row.source.lower()}-export", row.period.key, row.drop)
    return {
        "tenant": TENANT,
        "source": row.source,
        "profile": drop.profile,
        "profile_version": "0123456789ab",
        "basis": row.basis,
        "period": row.period.key,
        "part": row.drop,
        "drop_id": drop.id_for(TENANT),
        "revision_id": "r",
        "file_id": "f",
        "file_name": _file_name(row.source, row.drop, row.period),
        "sha256": "0" * 64,
        "sheet": None,
        "row": row.row,
        "account_key": row.account.strip(),
        "account_name": f"{row.account.strip()} Inc",
        "service_key": row.service.strip(),
        "service_name": f"{row.service.strip()} plan",
        "match_account": match_key(row.account),
        "match_service": match_key(row.service),
        "quantity": Decimal(row.quantity),
        "unit_cost": None if row.unit_cost is None else Decimal(row.unit_cost),
        "amount": None if row.amount is None else Decimal(row.amount),
        "currency": row.currency,
        "commitment_term": row.term,
        "billing_cycle": row.cycle,
        "subscription_id": row.subscription,
        "charge_start": row.start,
        "charge_end": row.end,
        "term_end": row.term_end,
        "renewal_quantity": None if row.at_renewal is None else Decimal(row.at_renewal),
        "charge_kind": row.charge_kind,
        "charge_class": str(row.charge),
        "method": str(row.method),
        "is_negated": row.is_negated,
        "size_quantity": None if row.size is None else Decimal(row.size),
        "unit_key": row.unit,
        "is_cycle": row.is_cycle,
        "is_rounded": row.is_rounded,
        "key_by_term": row.by_term,
    }


def broken_project(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the dbt project in which one file says something else."""
    project = folder / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target"))
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    return project


class Workbench:
    """A lake and a warehouse in a folder of the tests' own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(folder / "lake", TENANT)
        self.warehouse = MonthWarehouse(self.lake, folder / "scratch", DBT_PROJECT)

    def build(self, month: Month) -> MonthBuild:
        """The month built; every data test must hold or warn, whatever the month."""
        build = self.warehouse.build(month.inputs(self.lake))
        red = [node for node in build.nodes if node.status not in {"success", "pass", "warn"}]
        assert not red, red
        return build

    def figures(self, month: Month) -> MonthFigures:
        """The month's figures, the scratch removed."""
        with self.build(month) as build:
            return build.figures()

    def deltas(self, month: Month) -> dict[str, Delta]:
        """The month's differences by line, or by ``account/service`` where there is none."""
        figures = self.figures(month)
        assert all(balance.holds for balance in figures.conservation)
        return {delta.line_id or f"{delta.account_id}/{delta.service_id}": delta for delta in figures.deltas}
