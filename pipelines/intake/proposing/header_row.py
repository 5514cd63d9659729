"""Which record of a sample is its header.

Belongs here: finding it by the names it bears, else by what stands below it, and why.
Does not belong here: the names (``synonyms``).
"""

import re
from collections import Counter
from collections.abc import Sequence

from pipelines.intake.headers import Header
from pipelines.intake.proposing.choices import Choice, flow, listed
from pipelines.intake.proposing.sample import Record, cell_text, folded_header
from pipelines.intake.proposing.synonyms import REQUIRED, fields_named
from pipelines.intake.sheet import UnreadableFile, is_blank

WITHIN = 30


def header_of(records: Sequence[Record]) -> tuple[Header, Choice]:
    """The header of a sample among its first thirty records, and the choice of its place.

    Raises ``UnreadableFile`` when no record looks like one.
    """
    named = [(row, fields) for row, record in enumerate(records[:WITHIN], 1) if len(fields := _fields(record)) > 1]
    if named:
        row, fields = max(named, key=lambda one: (len(one[1]), -one[0]))
        others = tuple(_place(other, records) for other, _ in named if other != row)
        reason = f"of the first {min(len(records), WITHIN)} records this one bears the most known names"
        return Header(row, records[row - 1]), _choice(
            row, f"{reason}: it names {_told(fields)}", others, sure=not others
        )
    row = _by_shape(records)
    reason = "no record bears known names; this is the first whose cells are all different texts, above rows as wide"
    return Header(row, records[row - 1]), _choice(row, reason, (), sure=False)


def _fields(record: Record) -> set[str]:
    found = fields_named(tuple(map(folded_header, record))) - {"device"}
    return found if found & {*REQUIRED, "account_name", "service_name"} else set()


def _told(fields: set[str]) -> str:
    return ", ".join(field.replace("_", " ") for field in sorted(fields))


def _place(row: int, records: Sequence[Record]) -> str:
    return f"{{row: {row}}}, which holds {listed([cell for cell in records[row - 1] if cell], 3)}"


def _choice(row: int, reason: str, others: tuple[str, ...], *, sure: bool) -> Choice:
    finding = f"{flow({'find': True, 'within': WITHIN})}: the first record that holds every mapped column"
    return Choice("header", {"row": row}, reason, (*others, finding), None if sure else "confirm")


def _by_shape(records: Sequence[Record]) -> int:
    widths = Counter(len(record) for record in records if not is_blank(record))
    width = max(widths, key=lambda one: (widths[one], one), default=0)
    for row, record in enumerate(records[:WITHIN], 1):
        cells = [cell_text(cell) for cell in record]
        is_text = all(re.search(r"[^\W\d_]", cell) for cell in cells if cell)
        if len(record) == width > 1 and is_text and cells.count("") <= width // 3 and len(set(cells)) > width // 2:
            return row
    raise UnreadableFile(
        "no record looks like a header: none names two of customer, service and quantity",
        "Write the profile by hand; docs/profiles.md has one to copy",
    )
