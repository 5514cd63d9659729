"""Mapping files as commands take them: read whole, and held against the newest PSA copy.

Belongs here: what importing a mapping file and looking at one have in common.
Does not belong here: the file's language (``pipelines.mapping.document``), recording anything.
"""

from pathlib import Path

from pipelines.agreements.records import PsaRecords
from pipelines.mapping.checking import check_against_psa
from pipelines.mapping.document import MappingDocument, read_mappings
from resources.store import copies
from resources.workspace import Workspace
from trueup.cli.printing import CommandError, Exit


def mapping_file(file: Path) -> MappingDocument:
    """The decisions of a mapping file. Raises ``CommandError`` or ``MappingError`` (input refused)."""
    try:
        return read_mappings(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as UTF-8 text: {error}", Exit.REFUSED) from error


def newest_records(opened: Workspace) -> PsaRecords | None:
    """The records of the newest complete PSA copy; None while there is none."""
    with opened.store.reading() as conn:
        copy = copies.newest_complete_copy(conn, opened.tenant.id)
    return opened.lake.read_psa(copy.lake_path) if copy and copy.lake_path else None


def checked_document(opened: Workspace, document: MappingDocument) -> list[str]:
    """Refuse ids that the newest PSA copy does not know; warn of inactive ones. Without a copy nothing is known."""
    records = newest_records(opened)
    if records is None:
        return ["the PSA has not been copied yet, so the ids could not be checked; trueup run copies it"]
    report = check_against_psa(document, records.accounts, records.services, records.lines, today=opened.today)
    if report.refused:
        raise CommandError("\n".join(str(problem) for problem in report.refused), Exit.REFUSED)
    return [str(problem) for problem in report.warnings]
