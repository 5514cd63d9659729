"""The lake: immutable Parquet files of usage revisions, PSA copies and computed months, one folder each.

Belongs here: the layout of the folders, their columns, writing so that a reader never meets half a file.
Does not belong here: which revision is current (``resources.store``) and what a month's figures are (``figures``).
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.agreements.records import Account, Agreement, AgreementLine, PsaRecords, Service
from pipelines.reconciliation.inputs import MonthFigures
from resources.durable import sync
from resources.warehouse.errors import WarehouseError
from resources.warehouse.figures import evidence_from, figures_from

EXACT = pa.decimal128(38, 10)
"""Quantities and money: the scale of ``pipelines.quantities``."""

USAGE_FILE = "usage_rows.parquet"
USAGE_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string(), nullable=False)
            for name in ("tenant", "source", "profile", "profile_version", "basis", "period", "part")
        ),
        *(pa.field(name, pa.string(), nullable=False) for name in ("drop_id", "revision_id", "file_id", "file_name")),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("sheet", pa.string()),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("account_key", pa.string(), nullable=False),
        pa.field("account_name", pa.string()),
        pa.field("service_key", pa.string(), nullable=False),
        pa.field("service_name", pa.string()),
        pa.field("match_account", pa.string(), nullable=False),
        pa.field("match_service", pa.string(), nullable=False),
        pa.field("quantity", EXACT, nullable=False),
        pa.field("unit_cost", EXACT),
        pa.field("amount", EXACT),
        *(pa.field(name, pa.string()) for name in ("currency", "commitment_term", "billing_cycle", "subscription_id")),
        pa.field("charge_start", pa.date32()),
        pa.field("charge_end", pa.date32()),
        pa.field("term_end", pa.date32()),
        pa.field("renewal_quantity", EXACT),
        pa.field("charge_kind", pa.string()),
        pa.field("charge_class", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("is_negated", pa.bool_(), nullable=False),
        pa.field("size_quantity", EXACT),
        pa.field("unit_key", pa.string()),
        pa.field("is_cycle", pa.bool_(), nullable=False),
        pa.field("is_rounded", pa.bool_(), nullable=False),
        pa.field("key_by_term", pa.bool_(), nullable=False),
    ]
)
"""Columns of a revision's rows. Ends are exclusive; the words are those of ``RowClass`` and ``Reduction``."""

PSA_SCHEMAS: Mapping[str, pa.Schema] = {
    "psa_accounts": pa.schema({"id": pa.string(), "name": pa.string(), "is_active": pa.bool_()}),
    "psa_services": pa.schema(
        {
            "id": pa.string(),
            "code": pa.string(),
            "name": pa.string(),
            "is_active": pa.bool_(),
            "unit_cost": EXACT,
            "unit_price": EXACT,
        }
    ),
    "psa_agreements": pa.schema(
        {
            "id": pa.string(),
            "account_id": pa.string(),
            "name": pa.string(),
            "is_active": pa.bool_(),
            "prorates": pa.bool_(),
            "start_date": pa.date32(),
            "end_date": pa.date32(),
            "currency": pa.string(),
        }
    ),
    "psa_lines": pa.schema(
        {
            "id": pa.string(),
            "agreement_id": pa.string(),
            "account_id": pa.string(),
            "service_id": pa.string(),
            "quantity": EXACT,
            "psa_included": EXACT,
            "unit_price": EXACT,
            "unit_cost": EXACT,
            "start_date": pa.date32(),
            "end_date": pa.date32(),
        }
    ),
}
"""Columns of a PSA copy, the fields of ``pipelines.agreements.records``."""

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


class ParquetRows(Protocol):
    """Usage rows that can write themselves."""

    def write_parquet(self, file: Path) -> None:
        """The rows in the columns of ``USAGE_SCHEMA``, as a file at this path."""
        ...


class Lake:
    """One tenant's part of the lake. Files appear whole or not at all, and are never changed."""

    def __init__(self, root: Path, tenant: str) -> None:
        self._root = root.absolute()
        self._tenant = _segment(tenant)

    @property
    def tenant(self) -> str:
        """Whose part of the lake it is."""
        return self._tenant

    def write_usage(self, revision_id: str, drop_id: str, rows: ParquetRows) -> str:
        """Keep a revision's valid rows; the answer is its folder, relative to the lake.

        Raises ``WarehouseError`` when the columns are not those of ``USAGE_SCHEMA``.
        """
        folder = self._folder("usage", drop_id, revision_id)
        with self._written(folder) as temporary:
            file = temporary / USAGE_FILE
            rows.write_parquet(file)
            _check_schema(file)
            sync(file)
        return folder

    def usage_file(self, lake_path: str) -> Path:
        """The Parquet file of a revision."""
        return self._inside(lake_path) / USAGE_FILE

    def write_psa(self, copy_id: str, records: PsaRecords) -> str:
        """Keep a copy of the PSA; the answer is its folder, relative to the lake."""
        folder = self._folder("psa", copy_id)
        with self._written(folder) as temporary:
            for name, table in psa_tables(records).items():
                _write(temporary / f"{name}.parquet", table)
        return folder

    def psa_files(self, lake_path: str) -> dict[str, Path]:
        """The Parquet files of a PSA copy, by table name (``psa_accounts``, ``psa_services`` ...)."""
        folder = self._inside(lake_path)
        return {name: folder / f"{name}.parquet" for name in PSA_SCHEMAS}

    def read_psa(self, lake_path: str) -> PsaRecords:
        """The records of a PSA copy."""
        rows = {name: pq.read_table(file).to_pylist() for name, file in self.psa_files(lake_path).items()}
        return PsaRecords(
            accounts=tuple(Account(**row) for row in rows["psa_accounts"]),
            services=tuple(Service(**row) for row in rows["psa_services"]),
            agreements=tuple(Agreement(**row) for row in rows["psa_agreements"]),
            lines=tuple(AgreementLine(**row) for row in rows["psa_lines"]),
        )

    def read_allowances(self, lake_path: str) -> dict[str, Decimal]:
        """What the PSA subtracts from its lines by itself, by line id; lines with nothing of it are left out."""
        file = self.psa_files(lake_path)["psa_lines"]
        rows = pq.read_table(file, columns=["id", "psa_included"]).to_pylist()
        return {row["id"]: row["psa_included"] for row in rows if row["psa_included"]}

    def write_month(self, period: str, figures_key: str, tables: Mapping[str, pa.Table]) -> str:
        """Keep a computed month under the key of its inputs, in place of an earlier one; the answer is its folder."""
        folder = self._folder("months", period, figures_key)
        with self._written(folder) as temporary:
            for name, table in tables.items():
                _write(temporary / f"{name}.parquet", table)
        return folder

    def read_figures(self, period: str, figures_key: str) -> MonthFigures:
        """The figures that were computed under this key. Raises ``LookupError`` when there are none."""
        folder = self._month(period, figures_key)
        return figures_from(lambda name: pq.read_table(folder / f"{name}.parquet"))

    def read_evidence(self, period: str, figures_key: str, account_id: str, service_id: str) -> list[dict[str, Any]]:
        """Every usage row behind an unsettled difference, in file order, ready for JSON.

        Raises ``LookupError`` when no figures were computed under this key.
        """
        file = self._month(period, figures_key) / "evidence.parquet"
        is_asked_for = [("account_id", "=", account_id), ("service_id", "=", service_id)]
        return evidence_from(pq.read_table(file, filters=is_asked_for))

    def month_table(self, period: str, figures_key: str, name: str) -> Path | None:
        """The Parquet file of one table of a computed month; None where there is none."""
        file = self._root / self._folder("months", period, figures_key) / f"{name}.parquet"
        return file if file.is_file() else None

    def _month(self, period: str, figures_key: str) -> Path:
        folder = self._root / self._folder("months", period, figures_key)
        if not folder.is_dir():
            raise LookupError(f"no figures of {period} were computed under {figures_key}")
        return folder

    def _folder(self, *segments: str) -> str:
        return "/".join([self._tenant, *map(_segment, segments)])

    def _inside(self, lake_path: str) -> Path:
        segments = lake_path.split("/")
        if segments[0] != self._tenant or not all(_SEGMENT.match(segment) for segment in segments):
            raise WarehouseError(f"{lake_path!r} is no folder of {self._tenant!r} in the lake")
        return self._root.joinpath(*segments)

    @contextmanager
    def _written(self, folder: str) -> Iterator[Path]:
        """A folder to write into that takes its place in the lake when everything is on the disk."""
        target = self._root / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
        try:
            new = temporary / "new"
            new.mkdir()
            yield new
            sync(new)
            if target.exists():
                target.rename(temporary / "old")
            new.rename(target)
            sync(target.parent)
        finally:
            shutil.rmtree(temporary)


def psa_tables(records: PsaRecords) -> dict[str, pa.Table]:
    """The tables of a PSA copy by name. Raises ``WarehouseError`` when a figure cannot be kept exactly."""
    things: Mapping[str, Sequence[Any]] = {
        "psa_accounts": records.accounts,
        "psa_services": records.services,
        "psa_agreements": records.agreements,
        "psa_lines": records.lines,
    }
    return {name: _psa_table(name, things[name]) for name in PSA_SCHEMAS}


def _psa_table(name: str, things: Sequence[Any]) -> pa.Table:
    try:
        return pa.Table.from_pylist([asdict(thing) for thing in things], schema=PSA_SCHEMAS[name])
    except pa.ArrowInvalid as error:
        raise WarehouseError(f"{name} do not fit the lake: {error}") from error


def _segment(text: str) -> str:
    if not _SEGMENT.match(text):
        raise WarehouseError(f"{text!r} cannot name a folder of the lake")
    return text


def _check_schema(file: Path) -> None:
    """Raises ``WarehouseError`` when a file has not the columns of ``USAGE_SCHEMA``, or blanks where none may be."""
    with pq.ParquetFile(file) as written:
        schema, metadata = written.schema_arrow, written.metadata
    if schema.names != USAGE_SCHEMA.names:
        raise WarehouseError(f"usage rows have the columns {schema.names}, not {USAGE_SCHEMA.names}")
    for place, (field, wanted) in enumerate(zip(schema, USAGE_SCHEMA, strict=True)):
        blanks = sum(
            metadata.row_group(group).column(place).statistics.null_count for group in range(metadata.num_row_groups)
        )
        if field.type != wanted.type or (blanks and not wanted.nullable):
            raise WarehouseError(
                f"usage rows do not fit the lake: {wanted.name} is {field.type}, {blanks} of them blank"
            )


def _write(file: Path, table: pa.Table) -> None:
    with file.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd", compression_level=1)
        stream.flush()
        os.fsync(stream.fileno())
