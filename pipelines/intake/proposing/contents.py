"""What the cells of a column look like, whatever its header says.

Belongs here: ids, currency codes, whole numbers and other numbers, dates, text: told from all cells of a column.
Does not belong here: which column is which field (``keys``, ``extras``), the formats of dates (``days``).
"""

import re
from collections.abc import Iterable

from pipelines.intake.proposing.choices import shown
from pipelines.intake.proposing.sample import Table

_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_WHOLE = re.compile(r"\(?-?[0-9]{1,9}-?\)?|-?[0-9]{1,3}(?:[.,' \u00a0\u202f][0-9]{3})+")
_NUMBER = re.compile(r"[^\w\s]{0,2} ?[(-]?[0-9][0-9.,'’ \u00a0\u202f]*[)-]? ?[^\w\s]?")
_DATE = re.compile(
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}|"
    r"[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}|[0-9]{1,2}[ -][A-Za-z]{3,9}[ -][0-9]{4})(?:[ T].*)?"
)

_CURRENCIES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ "
    "GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR "
    "LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN "
    "PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS "
    "TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL "
)
CURRENCIES = frozenset(re.findall(r"\w+", _CURRENCIES))
"""ISO 4217."""

WHOLE = "whole numbers"


MOST_WORDS = 60
"""Different texts of a column that says of each row which of a few kinds it is."""

_LONGEST_WORD = 100


def are_words(table: Table, place: int) -> bool:
    """Whether a column could say of each row which of a few kinds it is."""
    values = table.values(place)
    return 0 < len(values) <= MOST_WORDS and all(len(text) <= _LONGEST_WORD for text in values)


def kind_of(texts: Iterable[str]) -> str:
    """What all cells of a column are, in words; ``text`` where they are nothing in particular."""
    filled = [text for text in texts if text]
    if not filled:
        return "blank"
    kinds = (
        ("GUIDs", _GUID),
        (WHOLE, _WHOLE),
        ("dates", _DATE),
        ("numbers", _NUMBER),
    )
    if all(text.upper() in CURRENCIES for text in filled):
        return "currency codes"
    return next((name for name, shape in kinds if all(map(shape.fullmatch, filled))), "text")


def described(table: Table, place: int) -> str:
    """A column in a few words: its name, what its cells are, how many different ones."""
    values = table.values(place)
    count = f"{len(values)} different in {len(table.rows)} rows" if len(values) > 1 else "the same in every row"
    first = f", for example {shown(next(iter(values)))}" if values else ""
    return f"{kind_of(table.texts(place))}, {count}{first}"


def is_currency(table: Table, place: int) -> bool:
    """Whether every cell that says anything names a currency."""
    return kind_of(table.texts(place)) == "currency codes"


def is_dates(table: Table, place: int) -> bool:
    """Whether every cell that says anything looks like a date."""
    return kind_of(table.texts(place)) == "dates"


def could_count(table: Table, place: int) -> bool:
    """Whether a column could be a quantity by its cells: whole, not all of them long or led by zeros as ids are."""
    filled = table.filled(place)
    if kind_of(filled) != WHOLE:
        return False
    are_ids = all(re.fullmatch(r"[0-9]{5,}", text) for text in filled)
    has_zeros = any(re.fullmatch(r"0[0-9]+", text) for text in filled)
    return not are_ids and not has_zeros
