"""Sample files opened for a proposal: plain, packed, or the sheets of a workbook.

Belongs here: unpacking, telling workbooks by their first bytes, one sheet after the other.
Does not belong here: what the records mean (``pipelines.intake.proposing``), reading under a profile (``reading``).
"""

from collections.abc import Iterator
from pathlib import Path

from pipelines.intake.layout import FileLayout
from pipelines.intake.packed import ZIP, is_packed, unpack
from pipelines.intake.proposing.dialect import sample_of, sheet_sample
from pipelines.intake.proposing.sample import Sample
from pipelines.intake.sheet import UnreadableFile
from resources.warehouse.answers import scratch_folder
from resources.warehouse.workbooks import sheet_and_names

MOST_SHEETS = 12

_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


def samples_of(raw: Path, sheet: str | None = None) -> Iterator[Sample]:
    """The tables that a file holds: one, or for a workbook one for each sheet, or the one named ``sheet``.

    Raises ``UnreadableFile`` when none can be read; an ``OSError`` is the disk's.
    """
    with scratch_folder(None) as folder:
        file = _unpacked(raw, folder)
        form = _workbook(file)
        if form is None and sheet is not None:
            raise UnreadableFile("the file is no workbook, so it has no sheets", "Leave --sheet out")
        if form is None:
            yield sample_of(lambda: file.open("rb"))
        else:
            yield from _sheets(file, form, sheet, folder / "sheet")


def _unpacked(raw: Path, folder: Path) -> Path:
    with raw.open("rb") as stream:
        if not is_packed(stream, reads_workbooks=True):
            return raw
        with (folder / "unpacked").open("wb") as target:
            unpack(stream, raw.stat().st_size, target, reads_workbooks=True)
    return folder / "unpacked"


def _workbook(file: Path) -> str | None:
    with file.open("rb") as stream:
        start = stream.read(4)
    return {ZIP: "xlsx", _OLD_WORKBOOK: "xls"}.get(start)


def _sheets(file: Path, form: str, wanted: str | None, out: Path) -> Iterator[Sample]:
    """The sheets that can be read; raises what is wrong with the first where none can."""
    first, names = sheet_and_names(file, FileLayout.model_validate({"format": form, "sheet": wanted}), out)
    failures, count = [], 0
    for name in [first] if wanted else [first, *(name for name in names[:MOST_SHEETS] if name != first)]:
        try:
            if name != first:
                sheet_and_names(file, FileLayout.model_validate({"format": form, "sheet": name}), out)
            sample = sheet_sample(lambda: out.open("rb"), form, name, [other for other in names if other != name])
        except UnreadableFile as error:
            failures.append(error)
            continue
        count += 1
        yield sample
    if not count:
        raise failures[0]
