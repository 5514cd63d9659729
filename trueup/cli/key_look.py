"""The keys that files bear, as the commands about mappings look at them.

Belongs here: gathering a month's keys with those of all other months, and every mapping decision.
Does not belong here: what is told of them (``keys``, ``suggesting``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.mapping.entries import RecordedEntry
from pipelines.mapping.seen import SeenKey, sources_without_mappings
from pipelines.periods import BillingPeriod
from resources.store import mappings, usage
from resources.warehouse.seen_keys import seen_keys
from resources.workspace import Workspace


@dataclass(frozen=True)
class KeyLook:
    """A month's keys with those of all other months, and every mapping entry ever recorded."""

    month: BillingPeriod
    seen: Sequence[SeenKey]
    recorded: Sequence[RecordedEntry]

    @property
    def first_configured(self) -> set[str]:
        """The sources that nobody ever recorded an entry for."""
        return sources_without_mappings(self.seen, self.recorded)


def look_at_keys(opened: Workspace, month: BillingPeriod) -> KeyLook:
    """The keys of every reading that speaks now."""
    with opened.store.reading() as conn:
        readings = usage.speaking_revisions(conn, opened.tenant.id)
        recorded = mappings.recorded_entries(conn, opened.tenant.id)
    files = [opened.lake.usage_file(reading.lake_path) for reading in readings if reading.lake_path is not None]
    return KeyLook(month, seen_keys(files, month.key, opened.settings.folder("scratch")), recorded)
