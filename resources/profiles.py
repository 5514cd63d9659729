"""The import profiles a workspace can name: the shipped ones and its own.

Belongs here: where profiles come from, and that a workspace's own replaces a shipped one of its name.
Does not belong here: the profile language (``pipelines.intake.profile``).
"""

from dataclasses import dataclass
from pathlib import Path

from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.shipped import shipped_profiles

SHIPPED = "shipped"


@dataclass(frozen=True)
class KnownProfile:
    """A profile with the text it was read from and where that text stands: ``shipped``, or a file."""

    profile: ImportProfile
    text: str
    origin: str


def known_profiles(folder: Path | None) -> dict[str, KnownProfile]:
    """Every profile by name; one of the folder replaces a shipped one of its name.

    Raises ``ProfileError`` for the first that is wrong.
    """
    found = [(SHIPPED, text) for text in shipped_profiles().values()]
    files = sorted(folder.glob("*.yaml")) if folder else []
    found += [(str(file), file.read_text(encoding="utf-8")) for file in files]
    known = [KnownProfile(load_profile(text), text, origin) for origin, text in found]
    return {item.profile.name: item for item in known}
