"""How keys from files and keys from mappings compare: one normal form for both sides.

Belongs here: the one function that decides whether two keys are the same key.
Does not belong here: what a key leads to (``pipelines.mapping.live``), likeness, suggestions.
"""

import unicodedata


def match_key(text: str) -> str:
    """The form in which keys are compared: Unicode NFKC, no blanks at the ends, inner blanks as one space.

    Letter case stays: ``ACME`` and ``Acme`` are two keys. A key of several columns joined by ``|`` is one text.
    Blanks are what Unicode calls white space, so a no-break space from a spreadsheet counts as one.
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())
