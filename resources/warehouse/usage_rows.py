"""The valid rows of a reading, and what the lake keeps beside each of them.

Belongs here: stamping rows with their revision, in the lake's columns; writing them as Parquet.
Does not belong here: reading files (``reading``), the folders of the lake (``lake``).
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.intake.compile import TYPED
from pipelines.intake.readings import UNSAID, RevisionStamp, Slice
from pipelines.intake.sqltext import literal
from pipelines.mapping.keys import match_key
from resources.warehouse.answers import Answers, disk_in_python_words
from resources.warehouse.lake import USAGE_SCHEMA

_MATCHED = {"match_account": "account_key", "match_service": "service_key"}


@dataclass(frozen=True)
class TypedRows:
    """Valid rows in file order, of one slice or of all; None are the rows of a file that was not read."""

    answers: Answers | None
    num_rows: int
    slice: Slice = UNSAID
    sheet: str | None = None

    @property
    def table(self) -> pa.Table:
        """The rows in memory: the columns ``row``, ``period``, ``part`` and those of ``compile.TYPED``."""
        columns = ["row", "period", "part", *TYPED]
        if self.answers is None:
            return pa.schema([USAGE_SCHEMA.field(name) for name in columns]).empty_table()
        return self.answers.query(f"SELECT {', '.join(columns)} FROM {self.relation}").to_arrow_table()

    def stamped(self, stamp: RevisionStamp) -> "StampedRows":
        """The rows with everything the lake keeps beside them."""
        return StampedRows(self, stamp)

    @property
    def relation(self) -> str:
        """The rows as a relation of the scratch database."""
        said = vars(self.slice).items()
        of_slice = "".join(f" AND {name} = {literal(value)}" for name, value in said if value is not None)
        return f"(SELECT * FROM answers WHERE kind = 'valid'{of_slice})"


@dataclass(frozen=True)
class StampedRows:
    """Valid rows in the lake's columns and their order."""

    rows: TypedRows
    stamp: RevisionStamp

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self.rows.num_rows

    def table(self) -> pa.Table:
        """The rows in memory."""
        if self.rows.answers is None:
            return USAGE_SCHEMA.empty_table()
        return self.rows.answers.query(self._sql(self.rows.answers)).to_arrow_table()

    def write_parquet(self, file: Path) -> None:
        """The rows as a file, written in the scratch folder first, which is all that the database may reach."""
        answers = self.rows.answers
        if answers is None:
            raise ValueError("a file that was not read has no rows to keep")
        written = answers.folder / "usage_rows.parquet"
        options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
        with disk_in_python_words():
            answers.execute(f"COPY ({self._sql(answers)}) TO {literal(str(written))} ({options})")
        shutil.move(written, file)

    def _sql(self, answers: Answers) -> str:
        columns = {name: f"rows.{name}" for name in ("row", *TYPED)} | self._own()
        joins = ""
        for name, key in _MATCHED.items():
            columns[name] = f"rows.{key}"
            if table := other_matches(answers, self.rows.relation, key):
                columns[name] = f"coalesce({table}.match, rows.{key})"
                joins += f" LEFT JOIN {table} ON {table}.key = rows.{key}"
        listed = ", ".join(f"{columns[name]} AS {name}" for name in USAGE_SCHEMA.names)
        return f"SELECT {listed} FROM {self.rows.relation} AS rows{joins}"

    def _own(self) -> dict[str, str]:
        """What is the same for every row of the revision."""
        stamp, profile, drop = self.stamp, self.stamp.profile, self.stamp.drop
        texts = {
            "tenant": stamp.tenant,
            "source": drop.source,
            "profile": drop.profile,
            "profile_version": profile.version,
            "basis": str(profile.basis),
            "period": drop.period,
            "part": drop.part,
            "drop_id": drop.id_for(stamp.tenant),
            "revision_id": stamp.revision_id,
            "file_id": stamp.file_id,
            "file_name": storable(stamp.file_name),
            "sha256": stamp.sha256,
        }
        # DuckDB writes an ENUM's dictionary once, where it would look up a plain text anew for every row
        own = {name: f"{literal(text)}::ENUM({literal(text)})" for name, text in texts.items()}
        if profile.part_column is not None and self.rows.slice.part is None:
            # Rows of all parts together, as a check of the profile shows them: each part is reduced by itself.
            own |= {"part": "rows.part", "drop_id": f"{literal(texts['drop_id'])} || rows.part"}
        return own | {"sheet": _text(self.rows.sheet), "key_by_term": str("term" in profile.aggregate.by).lower()}


def other_matches(answers: Answers, relation: str, key: str) -> str | None:
    """The table of keys that compare in another form than they are written in; None when there are none."""
    found = answers.query(f"SELECT DISTINCT {key} FROM {relation} WHERE {key} IS NOT NULL").fetchall()
    matches = {written: match for (written,) in found if (match := match_key(written)) != written}
    if not matches:
        return None
    columns = {"key": pa.array(matches.keys(), pa.string()), "match": pa.array(matches.values(), pa.string())}
    answers.keep(f"{key}_matches", pa.table(columns))
    return f"{key}_matches"


def _text(text: str | None) -> str:
    return "NULL::VARCHAR" if text is None else literal(text)


def storable(text_: str) -> str:
    """Text that can be kept as UTF-8; half a surrogate pair, as in a broken file name, becomes a question mark."""
    return text_.encode("utf-8", "replace").decode()
