"""Mapping files as commands take them: read whole, and held against the newest PSA copy.

Belongs here: what importing a mapping file, looking at one and writing one have in common.
Does not belong here: the file's language (``pipelines.mapping.document``), recording anything.
"""

from pathlib import Path

from pipelines.agreements.records import PsaRecords
from pipelines.mapping.checking import check_against_psa
from pipelines.mapping.document import LARGEST, MappingDocument, read_mappings
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.naming import RecordName
from resources.store import copies
from resources.workspace import Workspace
from trueup.cli.printing import CommandError, Exit


def mapping_file(file: Path) -> MappingDocument:
    """The decisions of a mapping file. Raises ``CommandError`` or ``MappingError`` (input refused)."""
    try:
        return read_mappings(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as UTF-8 text: {error}", Exit.REFUSED) from error


def write_mapping_file(file: Path, text: str) -> None:
    """Write a mapping file. Raises ``CommandError`` when it cannot be, or when no import would take it."""
    if len(text.encode()) > LARGEST:
        raise CommandError(f"the file would be larger than an import takes ({LARGEST} bytes)")
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


def newest_names(opened: Workspace) -> list[RecordName]:
    """Every account and service of the newest complete PSA copy, by name. Raises ``CommandError`` without a copy."""
    records = newest_records(opened)
    if records is None:
        raise CommandError("the PSA has not been copied yet; trueup run copies it", Exit.NOT_RECONCILED)
    return [
        *(RecordName(KeyKind.ACCOUNT, each.id, each.name, "", each.is_active) for each in records.accounts),
        *(RecordName(KeyKind.SERVICE, each.id, each.name, each.code, each.is_active) for each in records.services),
    ]


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
