"""The compiled reader and an independent one of plain Python say the same of every record of every file."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.readings import ReadFile
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.judge import Judged, UnreadableFileError, judge
from tests.resources.warehouse.agreement import assert_agreement, assert_slices
from tests.resources.warehouse.usage_cells import NUMBERS
from tests.resources.warehouse.usage_files import InventedFile, dense_files, usage_files

AS_OF = date(2026, 7, 31)


def judged(file: InventedFile) -> list[Judged] | None:
    """What the judge says of every record; None when the file cannot be read."""
    try:
        return judge(file.content, file.profile, AS_OF)
    except UnreadableFileError:
        return None


def read(folder: Path, file: InventedFile) -> ReadFile:
    """What the reader says."""
    raw = folder / "usage.csv"
    raw.write_bytes(file.content)
    return DuckDbFileReader().read(raw, file.profile, file_name="usage.csv", overlays=(), as_of=AS_OF)


def compare(folder: Path, file: InventedFile) -> None:
    """Ask both, and hold one against the other."""
    records, said = judged(file), read(folder, file)
    assert (said.refusal is None) == (records is not None)
    if records is not None:
        assert_agreement(said, records)
        assert_slices(said, records)


# One set of examples for everybody: a difference that shows up shows up again.
unhurried = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@given(file=usage_files())
@settings(unhurried, max_examples=160)
def test_the_reader_and_the_judge_say_the_same_of_every_record(file: InventedFile, tmp_path: Path) -> None:
    compare(tmp_path, file)


@pytest.mark.parametrize("convention", NUMBERS)
@given(data=st.data())
@settings(unhurried, max_examples=14)
def test_the_reader_and_the_judge_read_every_cell_alike(convention: str, data: st.DataObject, tmp_path: Path) -> None:
    compare(tmp_path, data.draw(dense_files(convention)))
