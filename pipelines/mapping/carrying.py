"""Entries that were carried over from another PSA, as a mapping file for a person to read and import.

Belongs here: the text of the file: what stands as an entry, what as a comment with its reason.
Does not belong here: finding records (``translating``), the spelling of an entry (``writing``), importing the file.
"""

from collections.abc import Iterator, Sequence

from pipelines.mapping.comparing import subject_of
from pipelines.mapping.entries import UnitRule
from pipelines.mapping.translating import CarriedEntry
from pipelines.mapping.writing import SECTIONS, entry_as_line, on_one_line

_HEAD = """\
# Mappings of another PSA: {carried} of {entries} entries were carried over, {left} are left to a person, as comments.
# Nothing of it holds before the file is imported. Read it, then trueup mappings diff, then trueup mappings import.
"""


def carried_mappings(entries: Sequence[CarriedEntry]) -> str:
    """The YAML of a mapping file. A comment whose "# " is taken away is refused until its blank ids are filled in."""
    carried = sum(entry.why is None for entry in entries)
    lines = _HEAD.format(carried=carried, entries=len(entries), left=len(entries) - carried).splitlines()
    for section in SECTIONS:
        lines += ["", f"{section}:"]
        for entry in entries:
            if subject_of(entry.entry)[0] == section:
                lines += _lines(entry)
    return "\n".join(lines) + "\n"


def _lines(carried: CarriedEntry) -> Iterator[str]:
    line, words = entry_as_line(carried.entry), on_one_line(carried.words)
    if carried.why is None:
        yield f"  - {line}" + (f"  # {words}" if words else "")
        return
    entry = carried.entry
    about = "" if isinstance(entry, UnitRule) else on_one_line(f'{entry.source} "{entry.key}": ')
    yield f"  # {about}{words}"
    yield f"  # - {line}"
