"""Which marks the numbers of a sample prove: decimal and grouping, negative styles, symbols, texts for no value.

Belongs here: the evidence of single cells, what follows when they disagree or prove nothing.
Does not belong here: the number grammar (``pipelines.intake.numbers``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipelines.intake.conventions import Numbers
from pipelines.intake.numbers import number_shape
from pipelines.intake.proposing.choices import Choice, flow, listed, shown

MARKS = {".": ",", ",": "."}

NIL = (
    "-",
    "--",
    "–",
    "—",
    "n/a",
    "N/A",
    "na",
    "NA",
    "null",
    "NULL",
    "None",
    "none",
    "nil",
    "k.A.",
    "k. A.",
    "unlimited",
)
SYMBOLS = (
    "US$",
    "A$",
    "C$",
    "NZ$",
    "S$",
    "HK$",
    "R$",
    "$",
    "€",
    "£",
    "¥",
    "₹",
    "zł",
    "Kč",
    "kr",
    "CHF",
    "EUR",
    "USD",
    "GBP",
)
SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN", "Kč": "CZK", "US$": "USD", "A$": "AUD", "C$": "CAD",
         "NZ$": "NZD", "S$": "SGD", "HK$": "HKD", "R$": "BRL", "CHF": "CHF", "EUR": "EUR", "USD": "USD",
         "GBP": "GBP"}  # fmt: skip
"""Signs that name one currency. ``$``, ``¥`` and ``kr`` name several."""

LONGEST = 60
"""Characters of a number with its symbol; looking for signs in longer text takes time and finds none."""

_APOSTROPHES = "'’"
_GROUP_BLANKS = " \u00a0\u202f\u2009"


@dataclass(frozen=True)
class Marks:
    """The decimal mark, None where a person must choose, and why. ``has_marks``: whether any cell holds one."""

    decimal: str | None
    reason: str
    has_marks: bool = True


def marks_of(cells: Iterable[str]) -> Marks:
    """The decimal mark that the cells prove. ``1.234`` alone proves nothing: it is 1234 or 1 and 234 thousandths."""
    marked = [cell for cell in cells if re.search(r"[0-9][.,][0-9]", cell)]
    proofs = {mark: cell for cell in marked if (mark := _proved(cell))}
    if not marked:
        return Marks(".", "no cell has a mark, so a fraction is rejected until a file proves its mark", has_marks=False)
    if len(proofs) == 1:
        mark, cell = proofs.popitem()
        return Marks(mark, f"proved by {shown(cell)}")
    if proofs:
        return Marks(None, f"the cells contradict each other: {' and '.join(map(shown, proofs.values()))}")
    whole = re.sub("[.,]", "", marked[0])
    return Marks(None, f"{shown(marked[0])} can be read in two ways, as {shown(whole)} or as a fraction")


def _proved(cell: str) -> str | None:
    found = re.findall(r"[.,]", cell)
    last: str = found[-1]
    if len(set(found)) > 1:
        return last
    if len(found) > 1:
        return MARKS[last]
    whole, places = re.split(r"[.,]", re.sub(r"[^0-9.,]", "", cell))
    if re.search(rf"[0-9][{_APOSTROPHES}{_GROUP_BLANKS}][0-9]{{3}}[.,]", cell):
        return last
    could_group = len(places) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if could_group else last


@dataclass(frozen=True)
class NumberProposal:
    """The choices of ``numbers`` and, where the decimal mark is known, the numbers as they would be read."""

    choices: tuple[Choice, ...]
    numbers: Numbers | None
    symbols: tuple[str, ...]
    has_marks: bool

    def value(self, text: str) -> Decimal | None:
        """The number in a cell under the proposed marks; None where it is none, or the marks are not known."""
        return None if self.numbers is None else _value(text, self.numbers)

    def unfit(self, texts: Sequence[str]) -> list[str]:
        """The texts that are neither numbers nor nil under the proposed marks."""
        if self.numbers is None:
            return []
        return [text for text in texts if text not in {"", *self.numbers.nil} and _value(text, self.numbers) is None]


def numbers_of(texts: Sequence[str]) -> NumberProposal:
    """The conventions of the number columns' cells together: a profile has one for the whole file."""
    filled = [text for text in texts if 0 < len(text) <= LONGEST]
    nil = [text for text in NIL if text in filled]
    marks = marks_of(text for text in filled if text not in nil)
    symbols = tuple(_symbols(filled))
    given: dict[str, object] = {"decimal": marks.decimal}
    if marks.decimal and (groups := "".join(_groups(filled, marks))):
        given["thousands"] = groups
    given |= {"nil": ["", *nil], "negative": _styles(filled), "currency_symbols": list(symbols)}
    numbers = Numbers.model_validate(given) if marks.decimal else None
    return NumberProposal(tuple(_choices(given, marks, filled)), numbers, symbols, marks.has_marks)


def _choices(given: dict[str, object], marks: Marks, filled: Sequence[str]) -> Iterator[Choice]:
    others = (f"{flow('.')}, as in 1,234.50", f"{flow(',')}, as in 1.234,50") if marks.decimal is None else ()
    yield Choice("numbers.decimal", marks.decimal, marks.reason, others, "choose" if marks.decimal is None else None)
    if thousands := given.get("thousands"):
        seen = [text for text in filled if re.search(rf"[0-9][{re.escape(str(thousands))}][0-9]{{3}}", text)]
        why = f"seen in {shown(seen[0])}" if seen else "none is grouped here; the mark that goes with the decimal one"
        yield Choice("numbers.thousands", thousands, why)
    if len(nil := given["nil"]) > 1:  # type: ignore[arg-type]
        why = f"{listed(nil[1:])} stand in number columns: no value, which is never 0; such a quantity is rejected"  # type: ignore[index]
        yield Choice("numbers.nil", nil, why)
    if given["negative"] != ["-1"]:
        yield Choice(
            "numbers.negative", given["negative"], "the styles of negative numbers that occur, and the plain one"
        )
    if given["currency_symbols"]:
        yield Choice("numbers.currency_symbols", given["currency_symbols"], "they stand beside numbers")


def _groups(filled: Sequence[str], marks: Marks) -> Iterator[str]:
    if marks.has_marks:
        yield MARKS[str(marks.decimal)]
    for mark in _APOSTROPHES:
        if any(re.search(rf"[0-9]{mark}[0-9]{{3}}", text) for text in filled):
            yield mark
    if any(re.search(rf"[0-9][{_GROUP_BLANKS}][0-9]{{3}}", text) for text in filled):
        yield " "


def _styles(filled: Sequence[str]) -> list[str]:
    brackets = any(re.search(r"\([^()]*[0-9][^()]*\)", text) for text in filled)
    trailing = any(re.search(r"[0-9]-(?:\s*\D*)$", text) for text in filled)
    return ["-1", *(["(1)"] if brackets else []), *(["1-"] if trailing else [])]


def _symbols(filled: Sequence[str]) -> Iterator[str]:
    """The known signs that stand before or after digits; the longer one where one holds another."""
    found: set[str] = set()
    for text in filled:
        around = re.sub(r"[0-9.,()\-+'’\s]", "", text)
        if around in SYMBOLS and re.search("[0-9]", text):
            found.add(around)
    return (symbol for symbol in SYMBOLS if symbol in found)


def _value(text: str, numbers: Numbers) -> Decimal | None:
    if len(text) > LONGEST or not re.fullmatch(number_shape(numbers), text):
        return None
    digits = re.sub(f"[^0-9{re.escape(numbers.decimal)}]", "", _without(text, numbers.currency_symbols))
    value = Decimal(digits.replace(numbers.decimal, "."))
    return -value if "(" in text or "-" in text else value


def _without(text: str, symbols: Iterable[str]) -> str:
    for symbol in symbols:
        text = text.replace(symbol, "")
    return text
