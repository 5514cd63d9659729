"""Web and e-mail domains that stand in a key or a name: two that share one are likely the same company.

Belongs here: finding domains in text, the part of one that a company registers, those that belong to everybody.
Does not belong here: what follows from a shared domain (``suggesting``).
"""

import re
from dataclasses import dataclass

from pipelines.mapping.keys import match_key
from pipelines.mapping.names import LEGAL_FORMS, LONGEST

_HOSTS = (
    "163 aol gmail gmx googlemail hotmail icloud live mail me msn onmicrosoft outlook proton protonmail qq t-online"
)
_PUBLIC = frozenset([*_HOSTS.split(), "web", "yahoo", "yandex"])
"""Mail hosts of everybody, and the host of Microsoft's tenants: an address there says nothing about its company."""

_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "ltd", "ne", "net", "or", "org", "plc"})
"""What stands before a country's ending where companies register the third level: contoso.co.uk."""

_SHORTEST = 3


@dataclass(frozen=True)
class Domain:
    """A domain that one company registered: ``contoso.co.uk``, whose own word is ``contoso``."""

    text: str
    word: str


def domains_in(text: str) -> list[Domain]:
    """The domains that stand in a text, each once, without those of public mail hosts.

    A tenant's ``contoso.onmicrosoft.com`` counts as its own. Abbreviations such as ``Co.Ltd`` are none.
    """
    if "." not in text:
        return []
    pieces = re.split(r"[^\w.-]+", match_key(text[:LONGEST]).casefold())
    found = [domain for piece in pieces if (domain := _domain(piece.strip(".-").split("."))) is not None]
    return list(dict.fromkeys(found))


def _domain(labels: list[str]) -> Domain | None:
    ending = labels[-1]
    if len(labels) < 2 or not all(labels) or not (ending.isalpha() and len(ending) >= 2):
        return None
    registered = labels[-3:] if len(labels) > 2 and _is_third_level(labels) else labels[-2:]
    word = registered[0]
    if len(word) < _SHORTEST or word in _PUBLIC or word in LEGAL_FORMS:
        return None
    return Domain(".".join(registered), word.replace("-", ""))


def _is_third_level(labels: list[str]) -> bool:
    *_, second, ending = labels
    return (second, ending) == ("onmicrosoft", "com") or (len(ending) == 2 and second in _SECOND_LEVEL)
