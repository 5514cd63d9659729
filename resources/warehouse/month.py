"""A month computed: dbt models over a scratch database that lives as long as the build.

Belongs here: build, figures, keeping them, removing the scratch; the preview of one file's reduction.
Does not belong here: arithmetic (``dbt_project``), running dbt (``building``), the shapes (``figures``).
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from pipelines.periods import BillingPeriod
from pipelines.quantities import text
from pipelines.reconciliation.inputs import MonthFigures, MonthInputs
from resources.warehouse.building import NodeResult, run_dbt
from resources.warehouse.errors import WarehouseError
from resources.warehouse.figures import QUERIES, figures_from
from resources.warehouse.lake import Lake
from resources.warehouse.scratch import database_file, limits, write_month, write_preview

__all__ = ["MonthBuild", "MonthWarehouse", "NodeResult"]

_PREVIEW = """
    with keys as (
        select
            match_account, match_service, key_term,
            cast(sum(quantity) as decimal(38, 10)) as quantity
        from int_subscriptions_added_to_keys
        group by all
    ),
    spellings as (
        select
            match_account, match_service, key_term,
            min(account_key) as account_key,
            min(service_key) as service_key,
            case when count(distinct commitment_term) = 1 then min(commitment_term) end as commitment_term,
            list(record_number order by record_number) as rows
        from stg_lake__usage_rows
        where is_quantity_row
        group by all
    )
    select spellings.account_key, spellings.service_key, spellings.commitment_term, keys.quantity, spellings.rows
    from keys inner join spellings
        on keys.match_account = spellings.match_account
        and keys.match_service = spellings.match_service
        and keys.key_term is not distinct from spellings.key_term
    order by account_key, service_key, commitment_term nulls first
"""


@dataclass(frozen=True)
class MonthBuild:
    """A built month. Its scratch database lives until ``close``."""

    nodes: list[NodeResult]
    _period: BillingPeriod
    _scratch: Path
    _lake: Lake

    def figures(self) -> MonthFigures:
        """The warehouse's answer for the month."""
        with _reading(self._scratch) as connection:
            return figures_from(lambda name: connection.sql(QUERIES[name]).to_arrow_table())

    def checked_figures(self) -> MonthFigures:
        """The answer, where every test of the warehouse held.

        Raises ``WarehouseError`` with the names of those that did not: where Dagster would stop, nothing is told.
        """
        if not self.is_sound:
            raise WarehouseError(f"{self._period.key}: the checks {', '.join(self._red)} failed; no figure can be told")
        return self.figures()

    @property
    def is_sound(self) -> bool:
        """Whether every test of the warehouse held or only warned."""
        return not self._red

    @property
    def _red(self) -> list[str]:
        return [node.unique_id.split(".")[2] for node in self.nodes if node.status in {"fail", "error"}]

    def keep(self, figures_key: str) -> str:
        """Keep the figures and their evidence in the lake under the key of the inputs; the answer is the folder."""
        with _reading(self._scratch) as connection:
            tables = {name: connection.sql(query).to_arrow_table() for name, query in QUERIES.items()}
        return self._lake.write_month(self._period.key, figures_key, tables)

    def close(self) -> None:
        """Remove the scratch database."""
        shutil.rmtree(self._scratch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class MonthWarehouse:
    """Computes months. Every build has a scratch database of its own, so builds never wait for each other's files."""

    def __init__(self, lake: Lake, scratch_root: Path, dbt_project_dir: Path) -> None:
        self._lake = lake
        self._scratch_root = scratch_root.absolute()
        self._project_dir = dbt_project_dir.absolute()

    def build(self, inputs: MonthInputs) -> MonthBuild:
        """Run all models and then all data tests over a month's inputs.

        A red test is reported among the nodes. Raises ``WarehouseError`` when a model fails or two live mapping
        entries speak for one key.
        """
        scratch = self._new_scratch(inputs.period.key)
        with _removed_on_error(scratch):
            write_month(scratch, self._lake, inputs)
            nodes = run_dbt(self._project_dir, scratch, ["run"])
            nodes = _counted(scratch, nodes)
            nodes += run_dbt(self._project_dir, scratch, ["test", "--exclude-resource-type", "unit_test"])
        return MonthBuild(nodes, inputs.period, scratch, self._lake)

    def aggregate_preview(self, rows: pa.Table) -> list[dict[str, Any]]:
        """What one file's rows add up to, by the models of a month: ``aggregated`` of ``profiles check``.

        Grain: one account key, service key and, where the profile reduces by it, commitment term. ``rows`` are the
        record numbers of its quantity rows.
        """
        scratch = self._new_scratch("preview")
        try:
            write_preview(scratch, rows)
            run_dbt(self._project_dir, scratch, ["run", "--select", "+int_subscriptions_added_to_keys"])
            with _reading(scratch) as connection:
                keys: list[dict[str, Any]] = connection.sql(_PREVIEW).to_arrow_table().to_pylist()
        finally:
            shutil.rmtree(scratch)
        return [{**key, "quantity": text(key["quantity"])} for key in keys]

    def _new_scratch(self, name: str) -> Path:
        self._scratch_root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._scratch_root))


@contextmanager
def _removed_on_error(scratch: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(scratch)
        raise


@contextmanager
def _reading(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(database_file(scratch)), read_only=True, config=limits(scratch))
    try:
        yield connection
    finally:
        connection.close()


def _counted(scratch: Path, nodes: list[NodeResult]) -> list[NodeResult]:
    """The nodes with the row counts of their tables, which DuckDB knows without reading them; views stay uncounted."""
    with _reading(scratch) as connection:
        tables = {name for (name,) in connection.sql("select table_name from duckdb_tables()").fetchall()}
        return [replace(node, rows=_rows(connection, node.unique_id.split(".")[-1], tables)) for node in nodes]


def _rows(connection: duckdb.DuckDBPyConnection, name: str, tables: set[str]) -> int | None:
    return connection.table(name).count("*").fetchall()[0][0] if name in tables else None
