"""Suggestions as a mapping file: exact matches of a source's first configuration ticked, all else as comments.

Belongs here: which suggestion stands as a live entry, the text of the file.
Does not belong here: ranking (``suggesting``), the spelling of an entry (``writing``), importing the file.
"""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from pipelines.identity import ServiceId
from pipelines.mapping.entries import AccountMapping, KeyKind, MappingEntry, ServiceMapping, Share
from pipelines.mapping.seen import SeenKey
from pipelines.mapping.suggestions import SuggestedKey, Suggestion
from pipelines.mapping.writing import entry_as_line, on_one_line

_HEAD = """\
# What the keys of {month} may mean. Nothing of it holds before the file is imported (trueup mappings import).
# Ticked are the exact matches of sources that have no mapping yet; to tick another one, take its "# " away.
"""


def ticked(item: SuggestedKey, first_configured: Collection[str]) -> Suggestion | None:
    """The suggestion that is offered ticked: the one target of exactly the key's name, where nobody has decided
    anything about the source yet. Later, a key without a decision was passed over or is new; that is for a person."""
    return item.only_exact if item.key.source in first_configured else None


def offered_mappings(month: str, suggested: Sequence[SuggestedKey], first_configured: Collection[str]) -> str:
    """The YAML of a mapping file that offers these suggestions. Importing it as it is records what is ticked."""
    lines = _HEAD.format(month=month).splitlines()
    for kind in KeyKind:
        lines += ["", f"{kind}s:"]
        for item in suggested:
            if item.key.kind is kind:
                lines += _lines(item, ticked(item, first_configured))
    return "\n".join(lines) + "\n"


def _lines(item: SuggestedKey, chosen: Suggestion | None) -> Iterator[str]:
    key = item.key
    named = "" if key.names == (key.key,) else f" ({', '.join(key.names)})"
    nothing = "" if item.suggestions else ": nothing in the PSA is like it"
    yield on_one_line(f'  # {key.source} "{key.key}"{named}, seen {_seen(key)}{nothing}')
    for suggestion in item.suggestions:
        tick = "" if suggestion is chosen else "# "
        reasons = f"{suggestion.score}: {'; '.join(suggestion.reasons)}"
        comment = on_one_line(f"{suggestion.target.name}, {reasons}")
        yield f"  {tick}- {entry_as_line(_entry(key, suggestion))}  # {comment}"


def _seen(key: SeenKey) -> str:
    return key.first_seen if key.first_seen == key.last_seen else f"{key.first_seen} to {key.last_seen}"


def _entry(key: SeenKey, suggestion: Suggestion) -> MappingEntry:
    if key.kind is KeyKind.ACCOUNT:
        return AccountMapping(key.source, key.key, (Share(suggestion.target.id, Decimal(1)),))
    return ServiceMapping(key.source, key.key, (ServiceId(suggestion.target.id),))
