"""The judge of the row rules: a slow reader of plain Python, written from the contract and not from the compiler.

Belongs here: the same rules said a second time, cell by cell, with ``decimal``, ``datetime`` and ``re``.
Does not belong here: anything that the product imports; it shares the profile's model with it and nothing else.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from pipelines.intake.columns import Column
from pipelines.intake.conditions import Condition
from pipelines.intake.conventions import Numbers
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import Reduction

ZERO_WIDTH = "\u200b\u2060\ufeff"
GROUP_BLANKS = " \u00a0\u202f\u2009"
EXCEL_ERRORS = {
    f"#{name}" for name in ["N/A", "REF!", "VALUE!", "NAME?", "DIV/0!", "NUM!", "NULL!", "SPILL!", "CALC!", "FORMULA!"]
}
STEP = Decimal("0.0000000001")


class Rejected(Exception):  # noqa: N818
    """A row is not understood; the column's header says where."""


@dataclass
class PlainRow:
    """What a record is, and what it says where it is valid."""

    row: int
    kind: str
    column: str | None = None
    values: dict[str, Any] = field(default_factory=dict)


def trimmed(text: str) -> str:
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or text[start] in ZERO_WIDTH):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in ZERO_WIDTH):
        end -= 1
    return text[start:end]


def unguarded(text: str) -> str:
    text = trimmed(text)
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return trimmed(text[2:-1])
    if text[:1] == "'" and text[1:2] and text[1] in "0123456789(.,-":
        return trimmed(text[1:])
    return text


# --- numbers --------------------------------------------------------------------------------------------------------


def is_digits(text: str) -> bool:
    return bool(text) and all(character in "0123456789" for character in text)


def plain_number(text: str, numbers: Numbers) -> Decimal | None:
    """The exact number in a cell's text, None for nil; ``ValueError`` where it is none."""
    if text == "" or text in numbers.nil:
        return None
    if _is_zero_with_exponent(text, numbers.decimal):
        return Decimal(0)
    for sign, body in _bodies(text, numbers):
        value = _unsigned(body, numbers)
        if value is not None:
            return sign * value
    raise ValueError(text)


def _is_zero_with_exponent(text: str, mark: str) -> bool:
    mantissa, letter, exponent = text.replace("E", "e").partition("e")
    if not letter or not is_digits(exponent[1:] if exponent[:1] in {"+", "-"} else exponent):
        return False
    whole, point, places = mantissa.removeprefix("-").partition(mark)
    return set(whole) == {"0"} and (not point or set(places) == {"0"})


def _bodies(text: str, numbers: Numbers) -> Iterator[tuple[int, str]]:
    yield 1, text
    for inner in _without_symbol(text, numbers):
        yield 1, inner
    for style in numbers.negative:
        left, right = style.split("1")
        for outer in [text, *_without_symbol(text, numbers)]:
            if outer.startswith(left) and outer.endswith(right) and len(outer) > len(left + right):
                inner = outer[len(left) : len(outer) - len(right)]
                yield -1, inner
                if outer == text:
                    for innermost in _without_symbol(inner, numbers):
                        yield -1, innermost


def _without_symbol(text: str, numbers: Numbers) -> Iterator[str]:
    for symbol in numbers.currency_symbols:
        if text.startswith(symbol):
            rest = text[len(symbol) :]
            yield rest
            if rest[:1] in {" ", "\u00a0"}:
                yield rest[1:]
        if text.endswith(symbol):
            rest = text[: -len(symbol)]
            yield rest
            if rest[-1:] in {" ", "\u00a0"}:
                yield rest[:-1]


def _unsigned(body: str, numbers: Numbers) -> Decimal | None:
    whole, point, places = body.partition(numbers.decimal)
    if point and not is_digits(places):
        return None
    if whole == "":
        return Decimal(f"0.{places}") if point else None
    marks = set(numbers.thousands or "")
    if marks & set(GROUP_BLANKS):
        marks |= set(GROUP_BLANKS)
    used = {character for character in whole if character in marks}
    if not (len(used) <= 1 or used <= set(GROUP_BLANKS)):
        return None
    groups = re.split("[" + re.escape("".join(sorted(used))) + "]", whole) if used else [whole]
    if not all(is_digits(group) for group in groups):
        return None
    if len(groups) > 1 and (
        len(groups[0]) > 3 or groups[0].startswith("0") or any(len(group) != 3 for group in groups[1:])
    ):
        return None
    return Decimal("".join(groups) + (f".{places}" if point else ""))


def stored(value: Decimal, *, may_round: bool) -> Decimal:
    """The value as DECIMAL(38,10); ``ValueError`` where it does not fit."""
    with localcontext(prec=300_000):
        kept = value.quantize(STEP, rounding=ROUND_HALF_UP)
        if (kept != value and not may_round) or abs(kept) >= Decimal(10) ** 28:
            raise ValueError(value)
        return kept


# --- dates ----------------------------------------------------------------------------------------------------------


def plain_date(text: str, formats: tuple[str, ...]) -> date | None:
    """The day in a cell's text, None for blank; ``ValueError`` where no format fits or two read different days."""
    if text == "":
        return None
    found = {day for date_format in formats if (day := _parsed(text, date_format)) is not None}
    if len(found) != 1:
        raise ValueError(text)
    return found.pop()


def plain_half(text: str, formats: tuple[str, ...], half: str) -> date | None:
    """One of the two days in a cell, None for blank; ``ValueError`` unless it can be parted in exactly one way."""
    found = set()
    for place in range(len(text)):
        for mark in ("-", "–", "/", "..", "to", "bis"):
            if text[place : place + len(mark)].lower() == mark:
                before, after = trimmed(text[:place]), trimmed(text[place + len(mark) :])
                for one in formats:
                    for other in formats:
                        found.add((_parsed(before, one), _parsed(after, other)))
    whole = {days for days in found if None not in days}
    if text and len(whole) != 1:
        raise ValueError(text)
    return whole.pop()[half == "end"] if text else None


def _parsed(text: str, date_format: str) -> date | None:
    if not text.isascii() or text.count(" ") != date_format.count(" ") or "\n" in text or "\t" in text:
        return None
    try:
        day = datetime.strptime(text, date_format).date()  # noqa: DTZ007
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2199 else None


def plain_period(text: str, formats: tuple[str, ...]) -> str | None:
    for pattern, order in ((r"(\d{4})-?(\d\d)", (1, 2)), (r"(\d\d)[-.](\d{4})", (2, 1))):
        match = re.fullmatch(pattern, text, re.ASCII)
        if match:
            year, month = int(match[order[0]]), int(match[order[1]])
            if 1900 <= year <= 2199 and 1 <= month <= 12:
                return f"{year:04d}-{month:02d}"
    try:
        day = plain_date(text, formats)
    except ValueError:
        return None
    return None if day is None else f"{day:%Y-%m}"


# --- rows -----------------------------------------------------------------------------------------------------------


class PlainReader:
    """Reads the rows of one file, one after the other."""

    def __init__(self, profile: ImportProfile, header: list[str]) -> None:
        self.profile = profile
        self.header = header

    def place(self, column: Column) -> int | None:
        wanted = [" ".join(name.split()).casefold() for name in column.addresses]
        headers = [" ".join(cell.split()).casefold() for cell in self.header]
        return next((headers.index(name) for name in wanted if name in headers), None)

    def text(self, column: Column, record: list[str]) -> str:
        if column.constant is not None:
            return column.constant
        place = self.place(column)
        if place is None or place >= len(record):
            return ""
        text = unguarded(record[place])
        if column.extract is not None:
            match = re.search(column.extract, text, re.ASCII)
            text = "" if match is None else (match.group(1) or "" if match.groups() else match.group())
        for old, new in column.replace:
            text = text.replace(old, new)
        if column.case is not None:
            text = text.upper() if column.case == "upper" else text.lower()
        return trimmed(text)

    def row(self, number: int, record: list[str]) -> PlainRow:
        if not any(trimmed(cell) for cell in record):
            return PlainRow(number, "blank")
        rules = self.profile.rows
        if rules.failures and any(re.search(rules.failures.match, cell) for cell in self._named_cells(record)):
            return PlainRow(number, "rejected")
        if rules.totals and re.search(rules.totals.match, self.text(Column(column=rules.totals.column), record)):
            return PlainRow(number, "totals")
        if any(trimmed(cell) for cell in record[len(self.header) :]):
            return PlainRow(number, "rejected")
        try:
            if not self._passes(record):
                return PlainRow(number, "ignored")
            values = self._period(record) | self._values(record)
        except Rejected as rejected:
            return PlainRow(number, "rejected", str(rejected))
        if rules.zero == "ignore" and values["quantity"] == 0:
            return PlainRow(number, "ignored")
        return PlainRow(number, "valid", values=values)

    def _named_cells(self, record: list[str]) -> Iterator[str]:
        columns = self.profile.columns
        for column in (columns.account_key, columns.account_name, columns.service_key, columns.service_name):
            for leaf in column.leaves if column else ():
                place = self.place(leaf)
                if place is not None and place < len(record):
                    yield unguarded(record[place])

    def _passes(self, record: list[str]) -> bool:
        """Certain answers outweigh uncertain ones; a row that only uncertain ones decide is rejected."""
        answers: list[tuple[bool | None, str]] = []
        for conditions, wanted in ((self.profile.rows.include, True), (self.profile.rows.exclude, False)):
            for condition in conditions:
                holds = self._holds(condition, self.text(Column(column=condition.column), record))
                answers.append((None if holds is None else holds is wanted, condition.column))
        if any(answer is False for answer, _ in answers):
            return False
        for answer, column in answers:
            if answer is None:
                self._period(record)
                raise Rejected(column)
        return True

    def _holds(self, condition: Condition, cell: str) -> bool | None:
        results: list[bool | None] = []
        for name, value in condition:
            if value is None or name == "column":
                continue
            if name in {"in_", "not_in"}:
                compared = [self._compared("eq", cell, operand) for operand in value]
                found = True if True in compared else None if None in compared else False
                results.append(found if name == "in_" or found is None else not found)
            elif name == "ne":
                equal = self._compared("eq", cell, value)
                results.append(None if equal is None else not equal)
            elif name == "matches":
                results.append(re.search(value, cell) is not None)
            elif name in {"blank", "not_blank"}:
                results.append((cell == "") is (name == "blank"))
            else:
                results.append(self._compared(name, cell, value))
        return False if False in results else None if None in results else True

    def _compared(self, operator: str, cell: str, operand: Any) -> bool | None:
        mine: Any
        try:
            if isinstance(operand, Decimal):
                number = plain_number(cell, self.profile.numbers)
                mine = None if number is None else stored(number, may_round=False)
            elif isinstance(operand, date):
                mine = plain_date(cell, self.profile.dates)
            else:
                return cell == trimmed(operand)
        except ValueError:
            return None
        if mine is None:
            return False
        return bool(
            {
                "eq": mine == operand,
                "lt": mine < operand,
                "le": mine <= operand,
                "gt": mine > operand,
                "ge": mine >= operand,
            }[operator]
        )

    # The order of the checks decides which column an operator is shown.

    def _values(self, record: list[str]) -> dict[str, Any]:
        columns = self.profile.columns
        values: dict[str, Any] = {}
        values["account_key"] = self._key(columns.account_key, record)
        values["service_key"] = self._key(columns.service_key, record)
        values["subscription_id"] = columns.subscription_id and (
            self._key(columns.subscription_id, record, may_be_blank=True) or None
        )
        unit = columns.quantity.count_distinct
        values["unit_key"] = None if unit is None else self._key(unit, record)
        values["quantity"] = self._quantity(record)
        self._check_policies(values["quantity"])
        for name in ("unit_cost", "amount"):
            values[name] = self._number(getattr(columns, name), record, may_round=True)
        values["size_quantity"] = self._number(self.profile.aggregate.size_column, record)
        values["is_negated"] = self._is_negative(self.profile.aggregate.sign_column, record)
        for name in ("commitment_term", "billing_cycle", "currency", "charge_kind"):
            values[name] = self._mapped(name, record)
        currency = values["currency"]
        if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
            raise Rejected(self._shown(columns.currency))
        values["charge_class"] = self._charge_class(values["charge_kind"])
        for name in ("charge_start", "charge_end"):
            values[name] = self._day(getattr(columns, name), record)
        values["method"] = self._method(record)
        return values

    def _method(self, record: list[str]) -> str:
        for own in self.profile.aggregate.classes:
            holds = self._holds(own.where, self.text(Column(column=own.where.column), record))
            if holds is None:
                raise Rejected(own.where.column)
            if holds:
                return str(own.method)
        return str(self.profile.method)

    def _period(self, record: list[str]) -> dict[str, Any]:
        column = self.profile.period_column
        if column is None:
            return {"period": None}
        period = plain_period(self.text(column, record), self.profile.dates)
        if period is None:
            raise Rejected(self._shown(column))
        return {"period": period}

    def _shown(self, column: Column | None) -> str:
        assert column is not None
        places = [place for leaf in column.leaves if (place := self.place(leaf)) is not None]
        return self.header[places[0]] if places else ""

    def _key(self, column: Column, record: list[str], *, may_be_blank: bool = False) -> str:
        parts = [self._part(part, record) for part in column.parts or (column,)]
        for part, leaf in zip(parts, column.parts or (column,), strict=True):
            if self._is_damaged(part) or len(part) > 500:
                raise Rejected(self._shown(leaf))
        if not any(parts):
            if may_be_blank:
                return ""
            raise Rejected(self._shown(column))
        return "|".join(map(_escaped, parts)) if column.parts else parts[0]

    def _part(self, part: Column, record: list[str]) -> str:
        text = self.text(part, record)
        for name, meanings in self.profile.maps:
            mapped = getattr(self.profile.columns, name)
            if mapped is None or not meanings or self.place(part) is None:
                continue
            same = (part.extract, part.replace, part.case) == (mapped.extract, mapped.replace, mapped.case)
            if same and self.place(part) == self.place(mapped):
                return str({trimmed(old): new for old, new in meanings.items()}.get(text, text))
        return text

    @staticmethod
    def _is_damaged(part: str) -> bool:
        if part in EXCEL_ERRORS or (len(part) > 1 and set(part) == {"#"}):
            return True
        if any(
            (ord(c) < 32 and c not in "\t\n\r\v\f") or c == "\x7f" or c in "\u202a\u202b\u202c\u202d\u202e"
            for c in part
        ):
            return True
        if any(c in "\u2066\u2067\u2068\u2069" for c in part):
            return True
        mantissa, letter, exponent = part.replace("E", "e").partition("e")
        unsigned = mantissa[1:] if mantissa[:1] in {"+", "-"} else mantissa
        whole, point, places = unsigned.replace(",", ".").partition(".")
        digits = exponent[1:] if exponent[:1] in {"+", "-"} else exponent
        is_mantissa = is_digits(whole) and len(whole) == 1 and (not point or is_digits(places))
        return bool(letter) and is_mantissa and is_digits(digits) and len(digits) <= 3

    def _quantity(self, record: list[str]) -> Decimal:
        column, is_counted = self.profile.columns.quantity, self.profile.method is Reduction.COUNT
        if column.count or column.count_distinct:
            return Decimal(1)
        values = [self._number(leaf, record) for leaf in column.sum or (column,)]
        known = [value for value in values if value is not None]
        if not known and not is_counted:
            raise Rejected(self._shown(column))
        try:
            total = stored(sum(known, Decimal(0)), may_round=False)
        except ValueError:
            raise Rejected(self._shown(column)) from None
        return Decimal(1) if is_counted else total

    def _check_policies(self, quantity: Decimal) -> None:
        rules = self.profile.rows
        if (rules.negative == "reject" and quantity < 0) or (rules.fraction == "reject" and quantity % 1 != 0):
            raise Rejected(self._shown(self.profile.columns.quantity))

    def _number(self, column: Column | None, record: list[str], *, may_round: bool = False) -> Decimal | None:
        if column is None:
            return None
        try:
            value = plain_number(self.text(column, record), self.profile.numbers)
            return None if value is None else stored(value, may_round=may_round)
        except ValueError:
            raise Rejected(self._shown(column)) from None

    def _is_negative(self, column: Column | None, record: list[str]) -> bool:
        if column is None:
            return False
        try:
            value = plain_number(self.text(column, record), self.profile.numbers)
        except ValueError:
            raise Rejected(self._shown(column)) from None
        return value is not None and value < 0

    def _mapped(self, name: str, record: list[str]) -> str | None:
        column = getattr(self.profile.columns, name)
        if column is None:
            return None
        text = self.text(column, record)
        meanings = {trimmed(old): new for old, new in getattr(self.profile.maps, name).items()}
        text = meanings.get(text, text)
        return (text.upper() if name == "currency" else text) or None

    def _charge_class(self, kind: str | None) -> str:
        if self.profile.columns.charge_kind is None:
            return "recurring"
        folded = _folded(kind or "")
        for name, kinds in self.profile.charges:
            if kind and folded in {_folded(listed) for listed in kinds}:
                return str(name)
        return "unknown"

    def _day(self, column: Column | None, record: list[str]) -> date | None:
        if column is None:
            return None
        try:
            text, formats = self.text(column, record), self.profile.dates
            day = plain_half(text, formats, column.range) if column.range else plain_date(text, formats)
        except ValueError:
            raise Rejected(self._shown(column)) from None
        return day + timedelta(days=1) if day and column.inclusive else day


def _folded(kind: str) -> str:
    return "".join(c for c in kind if c not in "-_" and not c.isspace() and c not in ZERO_WIDTH).casefold()


def _escaped(part: str) -> str:
    """``|`` becomes ``\\|``; a run of backslashes before one, or at the end, is doubled."""
    out = ""
    for place, character in enumerate(part):
        rest = part[place:].lstrip("\\")
        if character == "\\" and (rest == "" or rest[0] == "|"):
            out += "\\\\"
        else:
            out += "\\|" if character == "|" else character
    return out


def read_plainly(content: bytes, profile: ImportProfile) -> list[PlainRow]:
    """Every record after the header in record 1."""
    text = content.decode("utf-8-sig")
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=profile.file.separator, strict=True))
    reader = PlainReader(profile, records[0])
    return [reader.row(number, record) for number, record in enumerate(records[1:], 2)]
