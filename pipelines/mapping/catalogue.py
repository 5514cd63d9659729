"""The PSA's targets and people's past decisions, each by everything that a key can share with them.

Belongs here: what is looked up by equality: names in three forms, codes, ids, domains, keys decided about.
Does not belong here: what a shared thing is worth (``suggesting``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.mapping.domains import Domain, domains_in
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.keys import match_key
from pipelines.mapping.names import PlainName, plain_name
from pipelines.mapping.seen import DecidedKey
from pipelines.mapping.suggestions import Target

_SHARING = 20
"""Targets or decisions looked at behind one name, code or domain: hundreds of one name tell nobody apart."""


_ByText = dict[str, list[Target]]
PastDecisions = Mapping[tuple[str, str], Sequence[DecidedKey]]
"""What was decided about a key (``"key"``, folded) and about keys of a name (``"name"``, plain)."""


def _by_text() -> _ByText:
    return defaultdict(list)


@dataclass(frozen=True)
class Catalogue:
    """The active targets of one kind, by what a key can share with them."""

    kind: KeyKind
    by_id: dict[str, Target] = field(default_factory=dict)
    by_name: _ByText = field(default_factory=_by_text)
    by_plain: _ByText = field(default_factory=_by_text)
    by_compact: _ByText = field(default_factory=_by_text)
    by_code: _ByText = field(default_factory=_by_text)
    by_domain: _ByText = field(default_factory=_by_text)
    by_domain_word: _ByText = field(default_factory=_by_text)
    plain_of: dict[str, PlainName] = field(default_factory=dict)
    """The plain form of a target's name by the target's id."""

    def plain(self, name: str) -> PlainName:
        """The plain form of a name of this kind."""
        return plain_name(name, is_company=self.kind is KeyKind.ACCOUNT)

    def domains(self, text: str) -> list[Domain]:
        """The domains in a text; products have none, their dots are those of versions."""
        return domains_in(text) if self.kind is KeyKind.ACCOUNT else []


def catalogue_of(kind: KeyKind, targets: Iterable[Target]) -> Catalogue:
    """The targets, ready to be looked up."""
    made = Catalogue(kind)
    for target in targets:
        plain = made.plain(target.name)
        made.by_id[target.id] = target
        made.plain_of[target.id] = plain
        places = [
            (made.by_name, match_key(target.name)),
            (made.by_plain, plain.text),
            (made.by_compact, compact(plain.text)),
            (made.by_code, folded(target.code) if target.code else ""),
        ]
        for domain in made.domains(target.name):
            places += [(made.by_domain, domain.text), (made.by_domain_word, domain.word)]
        for place, text in places:
            if text and len(place[text]) < _SHARING:
                place[text].append(target)
    return made


def past_decisions(catalogue: Catalogue, decided: Iterable[DecidedKey]) -> PastDecisions:
    """The decisions, by the key they are about and by the plain names that it bore."""
    past: dict[tuple[str, str], list[DecidedKey]] = defaultdict(list)
    for item in decided:
        texts = [("key", folded(item.key)), *(("name", catalogue.plain(name).text) for name in item.names)]
        for place in dict.fromkeys(texts):
            if place[1] and len(past[place]) < _SHARING:
                past[place].append(item)
    return past


def folded(text: str) -> str:
    """A key, code or id without regard to letter case."""
    return match_key(text).casefold()


def compact(plain: str) -> str:
    """A plain name in one word, as it would stand in a domain."""
    return plain.replace(" ", "")
