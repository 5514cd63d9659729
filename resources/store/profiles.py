"""The contents of import profiles that files were read with.

Belongs here: keeping each version's text, so that a reading can be explained after the profile was edited.
Does not belong here: what a profile means (``pipelines.intake.profile``).
"""

from datetime import datetime

from sqlalchemy import Connection, select

from resources.store.statements import insert_unless_present
from resources.store.tables import profile_versions


def record_profile_version(
    conn: Connection, tenant: str, profile: str, version: str, content: str, at: datetime
) -> None:
    """Keep a version's text. Known already, it stays as it was first recorded."""
    values = {"tenant": tenant, "profile": profile, "version": version, "content": content, "first_used_at": at}
    insert_unless_present(conn, profile_versions, [values])


def profile_content(conn: Connection, tenant: str, profile: str, version: str) -> str | None:
    """The text of a version, None when no file was read with it."""
    table = profile_versions.c
    query = select(table.content).where(table.tenant == tenant, table.profile == profile, table.version == version)
    return conn.execute(query).scalar_one_or_none()
