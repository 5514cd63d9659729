"""Small files that are each nasty in one way, read under their profiles the way ``profiles check`` reads a file.

Belongs here: finding a sample and its profile, reading it, what an operator is told of it in short form.
Does not belong here: assertions (``test_nastiness_of_text``, ``test_nastiness_of_rows``).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from pipelines.intake.completeness import judge_file
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.readings import ReadFile
from resources.warehouse.lake import Lake
from resources.warehouse.month import MonthWarehouse
from resources.warehouse.reading import DuckDbFileReader
from tests.dbt.builder import DBT_PROJECT

SAMPLES = Path(__file__).parents[2] / "samples" / "nastiness"


def profile_beside(name: str, old: str = "", new: str = "") -> ImportProfile:
    """The profile beside the samples, with one of its words replaced."""
    written = (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    assert old in written
    return load_profile(written.replace(old, new) if old else written)


@dataclass(frozen=True)
class Checked:
    """A file as it was read, and the verdict about it. Its rows are accounted for, or it cannot be made."""

    profile: ImportProfile
    read: ReadFile

    def __post_init__(self) -> None:
        rows = self.read.rows.as_json()
        assert rows.pop("in") == sum(rows.values())
        assert len(self.read.rejected) == rows["rejected"]
        assert self.read.table is None or len(set(self.read.table["row"].to_pylist())) == rows["valid"]

    @property
    def rows(self) -> dict[str, int]:
        """The accounting, without what there is none of."""
        return {name: count for name, count in self.read.rows.as_json().items() if count}

    @property
    def verdict(self) -> tuple[str, tuple[str, ...]]:
        """The verdict and everything that is told beside it."""
        verdict, reasons = judge_file(self.profile, self.read, None)
        return str(verdict), reasons

    @property
    def rejected(self) -> list[tuple[int, str | None, str | None, str]]:
        """The rejected records: number, column, value, reason."""
        return [(error.row, error.column, error.value, error.reason) for error in self.read.rejected]

    def valid(self, *columns: str) -> list[tuple[object, ...]]:
        """These columns of the valid rows, in the order of the file."""
        rows = sorted(self.read.table.to_pylist(), key=lambda row: int(row["row"]))
        return [tuple(row[column] for column in columns) for row in rows]

    def quantities(self, folder: Path) -> dict[tuple[str, str], Decimal]:
        """What each account and service comes to after aggregation."""
        month = MonthWarehouse(Lake(folder / "lake", "check"), folder / "scratch", DBT_PROJECT)
        found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for key in month.aggregate_preview(self.read.table):
            found[key["account_key"], key["service_key"]] += Decimal(key["quantity"])
        return dict(found)


def checked(file: str | Path, profile: str | ImportProfile | None = None, as_of: date | None = None) -> Checked:
    """A sample by its name, or a file, read under the profile beside it or another one."""
    path = SAMPLES / file
    given = profile if isinstance(profile, ImportProfile) else profile_beside(profile or path.stem)
    return Checked(given, DuckDbFileReader().read(path, given, file_name=path.name, as_of=as_of))


def altered(folder: Path, name: str, old: str, new: str) -> Path:
    """A copy of a sample in which one text is another."""
    content = (SAMPLES / name).read_bytes()
    assert old.encode() in content
    (folder / name).write_bytes(content.replace(old.encode(), new.encode()))
    return folder / name
