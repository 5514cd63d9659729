"""The scratch database of one build: a month's inputs, laid out as dbt's source ``lake``.

Belongs here: views over Parquet, small tables from decisions, dbt's profile.
Does not belong here: running dbt (``building``) and anything that outlives the build.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.agreements.records import NO_RECORDS
from pipelines.intake.drops import UsageRevision
from pipelines.mapping.entries import AccountMapping, ServiceMapping, ServiceRule, Share, UnitRule
from pipelines.mapping.keys import match_key
from pipelines.reconciliation.inputs import DoubtfulRow, MonthInputs
from pipelines.reconciliation.terms import TERM_POLICIES, TermPolicy
from resources.warehouse.errors import WarehouseError
from resources.warehouse.lake import EXACT, USAGE_SCHEMA, Lake, psa_tables

DATABASE_NAME = "trueup"
"""Stem of the DuckDB file. A parsed dbt manifest bakes it in, so it never changes."""

MAX_MEMORY = "1GB"
"""Beyond this DuckDB spills to the scratch folder, so that a big month does not push others out of memory."""

_SCHEMAS: Mapping[str, pa.Schema] = {
    "source_states": pa.schema({"source": pa.string(), "is_complete": pa.bool_()}),
    "doubtful_rows": pa.schema({"source": pa.string(), "match_account": pa.string(), "match_service": pa.string()}),
    "account_mappings": pa.schema(
        {
            "source": pa.string(),
            "match_account": pa.string(),
            "account_id": pa.string(),
            "position": pa.int64(),
            "share": EXACT,
            "is_last": pa.bool_(),
            "is_excluded": pa.bool_(),
            "valid_from": pa.date32(),
        }
    ),
    "service_mappings": pa.schema(
        {
            "source": pa.string(),
            "match_service": pa.string(),
            "service_id": pa.string(),
            "rule": pa.string(),
            "position": pa.int64(),
            "share": EXACT,
            "percent": EXACT,
            "is_last": pa.bool_(),
            "is_excluded": pa.bool_(),
            "valid_from": pa.date32(),
        }
    ),
    "unit_rules": pa.schema(
        {
            "scope": pa.string(),
            "line_id": pa.string(),
            "account_id": pa.string(),
            "service_id": pa.string(),
            "included": EXACT,
            "block": EXACT,
            "minimum": EXACT,
            "maximum": EXACT,
        }
    ),
    "term_policies": pa.schema(
        {
            "valid_from": pa.date32(),
            "valid_until": pa.date32(),
            "decrease_days": pa.int32(),
            "policy_source": pa.string(),
        }
    ),
    "billing_periods": pa.schema(
        {"period": pa.string(), "first_day": pa.date32(), "as_of_date": pa.date32(), "currency": pa.string()}
    ),
}

_DRIFTS = pa.schema(
    {
        **dict.fromkeys(("source", "account_before", "service_before", "match_account", "match_service"), pa.string()),
        "likeness": pa.string(),
        "seen_since": pa.date32(),
        "quantity_before": EXACT,
    }
)
"""Columns that are read of the key drifts of the month before."""


def write_profile(scratch: Path) -> None:
    """dbt's ``profiles.yml`` beside the database it names."""
    (scratch / "profiles.yml").write_text(
        "trueup:\n"
        "  target: scratch\n"
        "  outputs:\n"
        "    scratch:\n"
        "      type: duckdb\n"
        f"      path: {_yaml(str(database_file(scratch)))}\n"
        "      schema: main\n"
        "      threads: 1\n"
        "      config_options:\n"
        + "".join(f"        {option}: {_yaml(value)}\n" for option, value in limits(scratch).items()),
        encoding="utf-8",
    )


def limits(scratch: Path) -> dict[str, Any]:
    """DuckDB's options for whoever opens the scratch database: bounded memory, and spilling beside the file."""
    return {"memory_limit": MAX_MEMORY, "temp_directory": str(scratch / "spill")}


def database_file(scratch: Path) -> Path:
    """The DuckDB file of a scratch folder."""
    return scratch / f"{DATABASE_NAME}.duckdb"


def write_month(scratch: Path, lake: Lake, inputs: MonthInputs) -> None:
    """Lay out a month's inputs.

    Raises ``WarehouseError`` when two live decisions speak for one thing or a file of the lake cannot be read.
    """
    tables = _small_tables(inputs)
    psa = lake.psa_files(inputs.psa.lake_path) if inputs.psa and inputs.psa.lake_path else {}
    with _database(scratch) as connection:
        _write_usage_view(connection, "usage_rows", _usage_files(lake, inputs.revisions))
        _write_usage_view(connection, "previous_usage_rows", _usage_files(lake, inputs.previous_revisions))
        _write_usage_view(connection, "earlier_usage_rows", _usage_files(lake, inputs.earlier_revisions))
        _write_previous_drifts(connection, lake, inputs)
        if psa:
            for name, file in psa.items():
                connection.execute(f"create view lake.{name} as select * from {_parquet([file])}")
        else:
            _write_tables(connection, psa_tables(NO_RECORDS))
        _write_tables(connection, tables)


def write_preview(scratch: Path, rows: pa.Table) -> None:
    """Lay out the rows of one file alone, to look at their reduction."""
    with _database(scratch) as connection:
        _write_tables(connection, {"usage_rows": rows.cast(USAGE_SCHEMA)})


@contextmanager
def _database(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database, closed before dbt opens it."""
    connection = duckdb.connect(str(database_file(scratch)))
    try:
        connection.execute("create schema lake")
        yield connection
    except duckdb.Error as error:
        raise WarehouseError(f"the inputs cannot be laid out: {error}") from error
    finally:
        connection.close()


def _usage_files(lake: Lake, revisions: Iterable[UsageRevision]) -> list[Path]:
    return [lake.usage_file(revision.lake_path) for revision in revisions if revision.lake_path is not None]


def _write_usage_view(connection: duckdb.DuckDBPyConnection, name: str, files: list[Path]) -> None:
    if files:
        connection.execute(f"create view lake.{name} as select * from {_parquet(files)}")
    else:
        _write_tables(connection, {name: USAGE_SCHEMA.empty_table()})


def _write_previous_drifts(connection: duckdb.DuckDBPyConnection, lake: Lake, inputs: MonthInputs) -> None:
    """What the month before left undecided; nothing where it was not reconciled, or by a version that kept none."""
    key = inputs.previous_figures_key
    file = key and lake.month_table(inputs.period.previous.key, key, "key_drifts")
    if file:
        connection.execute(f"create view lake.previous_key_drifts as select * from {_parquet([file])}")
    else:
        _write_tables(connection, {"previous_key_drifts": _DRIFTS.empty_table()})


def _write_tables(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    for name, table in tables.items():
        connection.register("arriving", table)
        connection.execute(f"create table lake.{name} as select * from arriving")
        connection.unregister("arriving")


def _small_tables(inputs: MonthInputs) -> dict[str, pa.Table]:
    _refuse_doubles(inputs)
    rows: Mapping[str, Iterable[dict[str, Any]]] = {
        "source_states": ({"source": s.source, "is_complete": s.is_complete} for s in inputs.source_states),
        "doubtful_rows": map(_doubtful_row, inputs.doubtful_rows),
        "account_mappings": (row for entry in inputs.accounts for row in _account_rows(entry)),
        "service_mappings": (row for entry in inputs.services for row in _service_rows(entry)),
        "unit_rules": map(_unit_row, inputs.units),
        "term_policies": map(_policy_row, TERM_POLICIES),
        "billing_periods": [
            {
                "period": inputs.period.key,
                "first_day": inputs.period.first_day,
                "as_of_date": inputs.as_of_date,
                "currency": inputs.currency,
            }
        ],
    }
    return {name: pa.Table.from_pylist(list(rows[name]), schema=schema) for name, schema in _SCHEMAS.items()}


def _doubtful_row(row: DoubtfulRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "match_account": None if row.account_key is None else match_key(row.account_key),
        "match_service": None if row.service_key is None else match_key(row.service_key),
    }


def _account_rows(entry: AccountMapping) -> Iterator[dict[str, Any]]:
    shares = entry.shares or (Share("", Decimal(1)),)
    for position, share in enumerate(shares, start=1):
        yield {
            "source": entry.source,
            "match_account": match_key(entry.key),
            "account_id": None if entry.exclude is not None else share.target,
            "position": position,
            "share": share.share,
            "is_last": position == len(shares),
            "is_excluded": entry.exclude is not None,
            "valid_from": entry.validity.valid_from,
        }


def _service_rows(entry: ServiceMapping) -> Iterator[dict[str, Any]]:
    services = entry.services or ("",)
    shares = entry.shares if entry.rule is ServiceRule.SPLIT else (Decimal(1),) * len(services)
    for position, (service, share) in enumerate(zip(services, shares, strict=True), start=1):
        yield {
            "source": entry.source,
            "match_service": match_key(entry.key),
            "service_id": None if entry.exclude is not None else service,
            "rule": str(entry.rule),
            "position": position,
            "share": share,
            "percent": entry.percent,
            "is_last": position == len(services),
            "is_excluded": entry.exclude is not None,
            "valid_from": entry.validity.valid_from,
        }


def _unit_row(rule: UnitRule) -> dict[str, Any]:
    return {
        "scope": _scope(rule),
        "line_id": rule.line,
        "account_id": rule.account,
        "service_id": rule.service,
        "included": rule.included,
        "block": rule.block,
        "minimum": rule.minimum,
        "maximum": rule.maximum,
    }


def _policy_row(policy: TermPolicy) -> dict[str, Any]:
    return {
        "valid_from": policy.valid_from,
        "valid_until": policy.valid_until,
        "decrease_days": policy.decrease_days,
        "policy_source": policy.source,
    }


def _scope(rule: UnitRule) -> str:
    if rule.line is not None:
        return "line"
    if rule.service is None:
        raise WarehouseError(f"a unit rule names neither a line nor a service: {rule}")
    return "service" if rule.account is None else "account_service"


def _refuse_doubles(inputs: MonthInputs) -> None:
    """Two live decisions for one thing would count it twice; the store must not hold them."""
    subjects = Counter(
        [
            *(f"account {match_key(entry.key)!r} of {entry.source}" for entry in inputs.accounts),
            *(f"service {match_key(entry.key)!r} of {entry.source}" for entry in inputs.services),
            *(_unit_subject(rule) for rule in inputs.units),
        ]
    )
    doubled = sorted(subject for subject, count in subjects.items() if count > 1)
    if doubled:
        raise WarehouseError(f"more than one mapping entry is live for {'; '.join(doubled)}: end all but one")


def _unit_subject(rule: UnitRule) -> str:
    if rule.line is not None:
        return f"units of line {rule.line}"
    return f"units of service {rule.service}" + ("" if rule.account is None else f" on account {rule.account}")


def _parquet(files: list[Path]) -> str:
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{names}])"


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
