"""Reading a few lines of text under a profile, the way a file is read.

Belongs here: what several tests of intake start from.
Does not belong here: assertions.
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.readings import ReadFile
from pipelines.intake.rows import RowOverlay
from resources.warehouse.reading import DuckDbFileReader

PLAIN = """
profile: plain
source: Acme Distribution
basis: subscription
columns: {account_key: Account, service_key: Service, quantity: Quantity}
aggregate: {method: sum}
"""
"""The least that a profile can say."""


def profile_of(more: str = "", **replaced: str) -> ImportProfile:
    """The plain profile with keys added or, by name, replaced: ``columns="{...}"``."""
    lines = [line for line in PLAIN.strip().splitlines() if line.split(":")[0] not in replaced]
    return load_profile("\n".join([*lines, *(f"{key}: {value}" for key, value in replaced.items()), more]))


def read_text(
    folder: Path, content: str | bytes, profile: ImportProfile, overlays: Sequence[RowOverlay] = ()
) -> ReadFile:
    """What the profile makes of a file with this content."""
    file = folder / "usage.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return DuckDbFileReader().read(file, profile, file_name=file.name, overlays=overlays)
