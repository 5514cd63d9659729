"""Names brought to one plain form, with the trail of what was left out on the way.

Belongs here: the steps (Unicode form, letter case, punctuation, legal forms), each told in words.
Does not belong here: how keys compare (``keys``: stricter, and it decides), how alike two names are (``suggesting``).
"""

import re
import unicodedata
from dataclasses import dataclass

from pipelines.mapping.keys import match_key

_FORMS = (
    "ab ag aps as asa bhd bv co company corp corporation ev gbr gmbh inc incorporated kft kg kk limited llc llp lp ltd "
    "ltda mbh nv ohg oy oyj plc pte pty pvt sa sarl sas sdn se sl slu spa sprl srl sro ug vof zrt"
)
LEGAL_FORMS = frozenset(_FORMS.split())
"""Endings of a company's name that say how it is incorporated, plain; not complete: a name with another one still
compares, only with a lower score."""

LONGEST = 200
"""Characters of a name that are compared. Bounds the time spent on a hostile cell."""

_JOINERS = frozenset({"and", "e", "et", "und", "y"})
_INITIALS = re.compile(r"(?<!\w)(?:\w\.){2,}\w?")
_APOSTROPHES = str.maketrans("", "", "'\u2018\u2019`\u00b4")


@dataclass(frozen=True)
class PlainName:
    """A name as it is compared, and in words what was left out; nothing where the name was plain already."""

    text: str
    left_out: tuple[str, ...]


class _Marks(dict[int, str]):
    """A translation that turns punctuation, symbols and control characters into blanks, learnt as they come."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "CPSZ" else character
        return self[code]


_MARKS = _Marks()


def plain_name(name: str, *, is_company: bool) -> PlainName:
    """The plain form of a name. Legal forms are left out of a company's only: in a product's they are words.

    The first word always stays, so that a company that is called Co keeps a name.
    """
    unicode_form = match_key(name[:LONGEST])
    folded = unicode_form.casefold()
    joined = _INITIALS.sub(lambda found: found[0].replace(".", ""), folded.translate(_APOSTROPHES))
    words = joined.translate(_MARKS).split()
    kept = _without_legal_forms(words) if is_company else words
    steps = {
        "Unicode form": unicode_form != name[:LONGEST],
        "letter case": folded != unicode_form,
        "punctuation": " ".join(words) != folded,
        **{f'the legal form "{word}"': True for word in words[1:] if is_company and word in LEGAL_FORMS},
    }
    return PlainName(" ".join(kept), tuple(step for step, is_taken in steps.items() if is_taken))


def _without_legal_forms(words: list[str]) -> list[str]:
    kept = words[:1] + [word for word in words[1:] if word not in LEGAL_FORMS]
    while len(kept) > 1 and len(kept) < len(words) and kept[-1] in _JOINERS:
        kept.pop()
    return kept
