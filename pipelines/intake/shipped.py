"""The import profiles that come with the product.

Belongs here: their names and texts.
Does not belong here: what a profile means (``profile``).
"""

from importlib.resources import files


def shipped_profiles() -> dict[str, str]:
    """The YAML text of every shipped profile, by its name."""
    folder = files("pipelines.intake") / "profiles"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8") for entry in found}
