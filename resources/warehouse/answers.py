"""What the compiled expression says of each record of a file, kept in a scratch database until the rows are published.

Belongs here: running the expression, over a scan or over batches of records; the one table of its answers.
Does not belong here: what the answers are added up to (``reading``), what the lake keeps (``usage_rows``).
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.intake.compile import CompiledRows
from pipelines.intake.sheet import UnreadableFile
from pipelines.intake.sqltext import literal

MAX_MEMORY = "512MB"
"""Of DuckDB while it reads a file; what does not fit is spilled beside its database."""

SMALL = 1024 * 1024
"""Bytes of a file whose answers are kept in memory: a database file takes longer to make than they do."""

BLANK = "blank"
"""The kind of a scanned record that turned out to hold nothing."""


class Answers:
    """A scratch folder with a DuckDB that can reach this folder and one file, and the relation ``answers`` in it.

    ``answers`` has the columns of ``compile.ANSWERS``, one row per record. The folder goes with the last reference to
    this object: the rows of a reading are read from it until they are published.
    """

    def __init__(self, raw: Path, scratch_root: Path | None) -> None:
        self.folder = _new_folder(scratch_root)
        self._connection = _connected(self.folder, raw)
        self._release = weakref.finalize(self, _release, self._connection, self.folder)
        self._has_batches = False
        self._first_row = 0

    @property
    def own_file(self) -> Path:
        """Where a file may be laid out for a scan."""
        return self.folder / "records.csv"

    def query(self, sql: str) -> duckdb.DuckDBPyRelation:
        """A question to the database."""
        return self._connection.sql(sql)

    def execute(self, sql: str) -> None:
        """A statement to the database."""
        self._connection.execute(sql)

    def keep(self, name: str, table: pa.Table) -> None:
        """A small table of our own under a name."""
        self._connection.register("arriving", table)
        self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM arriving")
        self._connection.unregister("arriving")

    def scan(self, compiled: CompiledRows, records: str, first_row: int) -> None:
        """Answer for every record of a scan in one pass. DuckDB keeps their order, so a record's place is its number.

        Raises ``duckdb.Error`` when the scan or a pattern of the profile cannot be carried out; then nothing is kept.
        """
        given = f"SELECT NULL::BIGINT AS row, NULL::VARCHAR AS defect, false AS is_set_aside, * FROM ({records})"
        self.execute(f"CREATE OR REPLACE TEMP VIEW records AS {given}")
        try:
            self.execute(f"CREATE TABLE scanned AS {compiled.sql}")
        finally:
            self.execute("DROP VIEW records")
        self._first_row = first_row
        numbered = f"SELECT rowid + {first_row} AS row, * EXCLUDE (row) FROM scanned WHERE kind <> '{BLANK}'"
        self.execute(f"CREATE VIEW answers AS {numbered}")

    def forget(self) -> None:
        """Drop what a scan answered."""
        self.execute("DROP VIEW answers; DROP TABLE scanned")

    def leave_out(self, rows: Sequence[int], first_row: int) -> None:
        """Take scanned records for blank ones, which have no answer."""
        self.keep("blank_records", pa.table({"place": pa.array([row - first_row for row in rows], pa.int64())}))
        self.execute(f"UPDATE scanned SET kind = '{BLANK}' WHERE rowid IN (SELECT place FROM blank_records)")

    def reject(self, rows: Sequence[int], problem: int) -> None:
        """Take records for rejected ones, after all of them have been answered for."""
        self.keep("rejected_records", pa.table({"row": pa.array(rows, pa.int64())}))
        rejected = "(SELECT row FROM rejected_records)"
        table, row = ("answers", "row") if self._has_batches else ("scanned", f"rowid + {self._first_row}")
        self.execute(f"UPDATE {table} SET kind = 'rejected', problem = {problem} WHERE {row} IN {rejected}")

    def rename_parts(self, names: Mapping[str, str]) -> None:
        """Write these parts in another way, after all records have been answered for."""
        columns = {"written": pa.array(names.keys(), pa.string()), "name": pa.array(names.values(), pa.string())}
        self.keep("part_names", pa.table(columns))
        table = "answers" if self._has_batches else "scanned"
        self.execute(f"UPDATE {table} SET part = name FROM part_names WHERE part = written")

    def keep_one_of_rejected(self) -> None:
        """Keep one answer for each record that was rejected after all had been answered for, of those for its cells."""
        self.execute(
            "DELETE FROM answers WHERE row IN (SELECT row FROM rejected_records) "
            "AND (row, cell) NOT IN (SELECT (row, min(cell)) FROM answers GROUP BY row)"
        )

    def take(self, compiled: CompiledRows, records: pa.Table) -> None:
        """Answer for a batch of records.

        Raises ``UnreadableFile`` when a pattern of the profile cannot be used.
        """
        self._connection.register("records", records)
        into = "INSERT INTO answers" if self._has_batches else "CREATE TABLE answers AS"
        try:
            self._connection.execute(f"{into} {compiled.sql}")
        except duckdb.InvalidInputException as error:
            raise UnreadableFile(
                f"a pattern of the profile cannot be used: {' '.join(str(error).split())}", "Correct the profile"
            ) from None
        finally:
            self._connection.unregister("records")
        self._has_batches = True


@contextmanager
def scratch_folder(root: Path | None) -> Iterator[Path]:
    """A scratch folder for a while."""
    folder = _new_folder(root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _new_folder(root: Path | None) -> Path:
    if root is not None:
        root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="reading-", dir=root)).resolve()


def _connected(folder: Path, raw: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        ":memory:" if raw.stat().st_size < SMALL else str(folder / "answers.duckdb"),
        config={
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "memory_limit": MAX_MEMORY,
            "python_enable_replacements": False,
            "temp_directory": str(folder / "spill"),
        },
    )
    connection.execute(f"SET allowed_directories = [{literal(f'{folder}/')}]")
    connection.execute(f"SET allowed_paths = [{literal(str(raw.resolve()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _release(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
