"""What the compiled expression says of each record of a file, kept in a scratch database until the rows are published.

Belongs here: running the expression, over a scan or over batches of records; the one table of its answers.
Does not belong here: what the answers are added up to (``reading``), what the lake keeps (``usage_rows``).
"""

import errno
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

MAX_MEMORY = "768MB"
"""Of DuckDB while it reads a file; with 512 MB it takes twice as long. The rest is spilled beside its database."""

SMALL = 4 * 1024 * 1024
"""Bytes of a file whose answers are kept in memory: a database file takes longer to make than they do."""


_AS_PARQUET = "FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE 32768"
"""Small groups of rows, since all columns of a group are held until it is full."""


class Answers:
    """A scratch folder with a DuckDB that can reach this folder and one file, and the relation ``answers`` in it.

    ``answers`` has the columns of ``compile.ANSWERS``, one row per record. The folder goes with the last reference to
    this object: the rows of a reading are read from it until they are published.
    """

    def __init__(self, raw: Path, scratch_root: Path | None) -> None:
        self.folder = _new_folder(scratch_root)
        self._is_small = raw.stat().st_size < SMALL
        self._connection = _connected(self.folder, raw)
        self._release = weakref.finalize(self, _release, self._connection, self.folder)
        self._is_table = False

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
            kept, place = self._kept(compiled.sql)
        finally:
            self.execute("DROP VIEW records")
        self.execute(f"CREATE VIEW answers AS SELECT {place} + {first_row} AS row, * EXCLUDE (row) FROM {kept}")

    def _kept(self, answers: str) -> tuple[str, str]:
        """The answers in their order as a relation, and what in it says the place of each, from zero.

        Many are kept as Parquet: most columns say the same of every record, and a table takes half as long again.
        """
        if self._is_small:
            self.execute(f"CREATE TABLE scanned AS {answers}")
            return "scanned", "rowid"
        file = literal(str(self.folder / "answers.parquet"))
        self.execute(f"COPY ({answers}) TO {file} ({_AS_PARQUET})")
        return f"read_parquet({file}, file_row_number = true)", "file_row_number"

    def forget(self) -> None:
        """Drop what a scan answered."""
        self.execute("DROP VIEW answers")

    def leave_out(self, rows: Sequence[int]) -> None:
        """Take scanned records for blank ones, which have no answer."""
        self._make_changeable()
        self.keep("blank_records", pa.table({"row": pa.array(rows, pa.int64())}))
        self.execute("DELETE FROM answers WHERE row IN (SELECT row FROM blank_records)")

    def reject(self, rows: Sequence[int], problem: int) -> None:
        """Take records for rejected ones, after all of them have been answered for."""
        self._make_changeable()
        self.keep("rejected_records", pa.table({"row": pa.array(rows, pa.int64())}))
        rejected = "(SELECT row FROM rejected_records)"
        self.execute(f"UPDATE answers SET kind = 'rejected', problem = {problem} WHERE row IN {rejected}")

    def _make_changeable(self) -> None:
        """Answers to a scan as a table, for files of which some have to be changed afterwards."""
        if not self._is_table:
            self.execute("CREATE TABLE changed AS FROM answers; DROP VIEW answers")
            self.execute("ALTER TABLE changed RENAME TO answers")
            self._is_table = True

    def rename_parts(self, names: Mapping[str, str]) -> None:
        """Write these parts in another way, after all records have been answered for."""
        self._make_changeable()
        columns = {"written": pa.array(names.keys(), pa.string()), "name": pa.array(names.values(), pa.string())}
        self.keep("part_names", pa.table(columns))
        self.execute("UPDATE answers SET part = name FROM part_names WHERE part = written")

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
        into = "INSERT INTO answers" if self._is_table else "CREATE TABLE answers AS"
        try:
            self._connection.execute(f"{into} {compiled.sql}")
        except duckdb.InvalidInputException as error:
            raise UnreadableFile(
                f"a pattern of the profile cannot be used: {' '.join(str(error).split())}", "Correct the profile"
            ) from None
        finally:
            self._connection.unregister("records")
        self._is_table = True


@contextmanager
def disk_in_python_words() -> Iterator[None]:
    """Turn what DuckDB says of a failing disk into the ``OSError`` that Python would raise."""
    try:
        yield
    except duckdb.IOException as error:
        is_full = "No space left on device" in str(error)
        raise OSError(errno.ENOSPC if is_full else errno.EIO, str(error)) from error


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
