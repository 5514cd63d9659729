"""An independent judge of row reading: what each record of a file is and says, in slow and plain Python.

Belongs here: the rules as the contract, the trap rules and the profile language word them, one cell after the other.
Does not belong here: anything of the reader that is judged, or of the product beside the profile's model.

It was not written beside the compiled expression, whose author reads the rules in his own way. Where the papers leave
something open it says so, and tests do not go there.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from pipelines.intake.columns import Column
from pipelines.intake.conditions import Condition
from pipelines.intake.conventions import Numbers
from pipelines.intake.formula import Words, is_number
from pipelines.intake.formula import cells_of as named_in
from pipelines.intake.profile import ImportProfile

Fault = str | None
"""The header of a cell that makes its record rejected; None where the record as a whole does."""

_BEYOND_UNICODE_BLANKS = "\u200b\u2060\ufeff"
_EXCEL_ERRORS = {
    f"#{name}" for name in ("N/A", "REF!", "VALUE!", "NAME?", "DIV/0!", "NUM!", "NULL!", "SPILL!", "CALC!", "FORMULA!")
}
_MARKED = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LONGEST_KEY, _LONGEST_CELL, _MOST_CELLS = 500, 131_072, 2_000
_WHOLE: frozenset[Fault] = frozenset([None])
_SAYS_HOW_MUCH = {"recurring", "cancel"}
_MAY_BE_OF_MONEY = {"proration", "one_off", "tax", "fee", "credit"}
_TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_GROUP_BLANKS = " \u00a0\u2009\u202f"
_TENTH_PLACE = Decimal("1E-10")
_TOO_LARGE = Decimal(10) ** 28


class UnreadableFileError(Exception):
    """The file as a whole cannot be read under its profile."""


class NotRead(Exception):  # noqa: N818 (it says what a cell is)
    """A cell's text is not what it should be."""


@dataclass(frozen=True)
class Judged:
    """One record. ``faults`` are all cells that a rejected record may be rejected for."""

    row: int
    kind: str
    faults: frozenset[Fault] = frozenset()
    values: dict[str, Any] = field(default_factory=dict)
    period: str | None = None
    part: str | None = None


def judge(content: bytes, profile: ImportProfile, as_of: date | None = None) -> list[Judged]:
    """Every physical record of a file in order; a valid one of a wide file once for each of its rows.

    Raises ``UnreadableFileError``.
    """
    text = _text(content, profile)
    records = _records(text, profile)
    place = _header_place(records, profile)
    if place is None:
        return [Judged(row, "blank") for row in range(1, len(records) + 1)]
    before = [Judged(row, "preamble") for row in range(1, place + 1)]
    sheet = _Sheet(profile, records[place], as_of)
    cut = len(records) if _breaks_off(text, records[-1], records[place]) else None
    after = [
        one
        for row, record in enumerate(records[place + 1 :], place + 2)
        for one in sheet.judged(row, record, is_cut=row == cut)
    ]
    after = _final(after, by_term="term" in profile.aggregate.by)
    _check_sum(after)
    return [*before, Judged(place + 1, "header"), *after]


def _breaks_off(text: str, last: list[str], header: list[str]) -> bool:
    """Whether the last record may have lost its rest, whatever it still says."""
    return len(last) < len(header) and not text.endswith(("\n", "\r"))


def _final(rows: list[Judged], *, by_term: bool) -> list[Judged]:
    """The rows; of two that are each final for one key and month nobody knows which one is right."""
    named = ["match_account", "match_service", "currency", "subscription_id", *(["commitment_term"] if by_term else [])]
    keys = [
        (row.row, (row.period, row.part, *(row.values[name] for name in named)))
        for row in rows
        if row.kind == "valid" and row.values["method"] == "none" and row.values["charge_class"] in _SAYS_HOW_MUCH
    ]
    times = Counter(key for _, key in keys)
    doubled = {row for row, key in keys if times[key] > 1}
    first = {one.row: place for place, one in reversed(list(enumerate(rows)))}
    kept = [one for place, one in enumerate(rows) if one.row not in doubled or first[one.row] == place]
    return [Judged(one.row, "rejected", _WHOLE) if one.row in doubled else one for one in kept]


def _check_sum(rows: list[Judged]) -> None:
    """The quantity of a file is a DECIMAL(38,10) like that of a row."""
    try:
        with localcontext(prec=100):
            kept(sum((row.values["quantity"] for row in rows if row.kind == "valid"), Decimal(0)))
    except NotRead:
        raise UnreadableFileError("sum") from None


# --- bytes ----------------------------------------------------------------------------------------------------------


def _text(content: bytes, profile: ImportProfile) -> str:
    marked = [name for mark, name in _MARKED if content.startswith(mark)]
    text = _decoded(content, marked[:1] or profile.file.encoding)
    if "\0" in text:
        raise UnreadableFileError("NUL")
    return text


def _records(text: str, profile: ImportProfile) -> list[list[str]]:
    records = _cut(text, profile)
    if any(len(record) > _MOST_CELLS or any(len(cell) > _LONGEST_CELL for cell in record) for record in records):
        raise UnreadableFileError("beyond all measure")
    return records


def _cut(text: str, profile: ImportProfile) -> list[list[str]]:
    layout, lines = profile.file, io.StringIO(text, newline="")
    try:
        if layout.quote is None:
            return list(csv.reader(lines, delimiter=layout.separator, quoting=csv.QUOTE_NONE, strict=True))
        return list(csv.reader(lines, delimiter=layout.separator, quotechar=layout.quote, strict=True))
    except csv.Error as error:
        raise UnreadableFileError(str(error)) from None


def _decoded(content: bytes, encodings: Iterable[str]) -> str:
    for encoding in encodings:
        try:
            return content.decode(encoding, "strict")
        except UnicodeError:
            continue
    raise UnreadableFileError("encoding")


# --- header ---------------------------------------------------------------------------------------------------------


def _same(text: str) -> str:
    """What of a header counts: NFKC, blanks collapsed, letter case folded."""
    plain = unicodedata.normalize("NFKC", text)
    for blank in _BEYOND_UNICODE_BLANKS:
        plain = plain.replace(blank, " ")
    return " ".join(plain.split()).casefold()


def _position(header: list[str], address: str) -> int | None:
    """A header's own text, ``Name#2`` for the second of that name, ``#7`` for the seventh column."""
    names = [_same(cell) for cell in header]
    if _same(address) in names:
        return names.index(_same(address))
    name, mark, number = address.rpartition("#")
    if not mark or not number.isdecimal():
        return None
    places = [place for place, own in enumerate(names) if own == _same(name)] if name else list(range(len(header)))
    return places[int(number) - 1] if 0 < int(number) <= len(places) else None


def _found(header: list[str], column: Column) -> int | None:
    return next((place for name in column.addresses if (place := _position(header, name)) is not None), None)


def _in_the_file(profile: ImportProfile, column: Column) -> Iterator[Column]:
    """A derived column is made of others."""
    for leaf in column.leaves:
        made_of = profile.formulas.get(leaf.column or "")
        yield from [leaf] if made_of is None else (Column(column=name) for name in named_in(made_of))


def _read_columns(profile: ImportProfile) -> Iterator[Column]:
    for column in _named_columns(profile):
        yield from _in_the_file(profile, column)


def _named_columns(profile: ImportProfile) -> Iterator[Column]:
    yield from profile.columns.mapped.values()
    yield from (rule.account_key for rule in profile.rekey)
    yield from (column for column in (profile.aggregate.sign_column, profile.aggregate.size_column) if column)
    named = [condition.column for condition in (*profile.rows.include, *profile.rows.exclude)]
    named += [own.where.column for own in profile.aggregate.classes]
    named += [rule.where.column for rule in profile.rekey]
    named += [profile.rows.totals.column] if profile.rows.totals else []
    yield from (Column(column=name) for name in named)


def _header_place(records: list[list[str]], profile: ImportProfile) -> int | None:
    wanted = profile.header
    places = [wanted.row - 1] if wanted.row else list(range(wanted.within))
    wide = profile.unpivot
    columns = [*_read_columns(profile), *(Column(column=name) for name in (wide.named if wide else ()))]
    made = list(wide.made) if wide else []
    for place in places:
        if place < len(records) and all(c.optional or _found([*records[place], *made], c) is not None for c in columns):
            if {_same(name) for name in made} & {_same(cell) for cell in records[place]}:
                raise UnreadableFileError("a name is taken")
            return place
    if all(is_blank(record) for record in records):
        return None
    raise UnreadableFileError("header")


# --- text -----------------------------------------------------------------------------------------------------------


def trimmed(text: str) -> str:
    """Without white space and zero-width characters around."""
    shorter = text.strip().strip(_BEYOND_UNICODE_BLANKS)
    return shorter if shorter == text else trimmed(shorter)


def is_blank(record: list[str]) -> bool:
    """Whether no cell holds anything."""
    return all(trimmed(cell) == "" for cell in record)


def unwrapped(text: str) -> str:
    """A cell without the guards of spreadsheets: ``'22.0`` and ``="00123"``."""
    cell = trimmed(text)
    if re.fullmatch(r'=".*"', cell, re.DOTALL):
        return trimmed(cell[2:-1])
    return trimmed(cell[1:]) if re.match(r"'[0-9(.,-]", cell) else cell


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def is_hidden(key: str) -> bool:
    """Whether a key holds control characters, or such as turn the direction of writing."""
    return any((ord(letter) < 32 and letter not in "\t\n\v\f\r") or ord(letter) in {0x7F, *_TURNING} for letter in key)


def is_damaged(key: str) -> bool:
    """Whether a spreadsheet has lost what this key once was: scientific notation, error values, days of a month."""
    if (
        key in _EXCEL_ERRORS
        or re.fullmatch("##+", key)
        or re.fullmatch(r"[+-]?[0-9]([.,][0-9]+)?[eE][+-]?[0-9]{1,3}", key)
    ):
        return True
    words = sorted(key.casefold().split("-"), key=str.isalpha)
    return len(words) == 2 and re.fullmatch("[0-9]{1,2}", words[0]) is not None and words[1] in _MONTHS


# --- numbers --------------------------------------------------------------------------------------------------------


def number(text: str, numbers: Numbers) -> Decimal | None:
    """The exact number under the declared marks, None for a nil token. Raises ``NotRead``."""
    if text in numbers.nil:
        return None
    mark = re.escape(numbers.decimal)
    if re.fullmatch(rf"-?0+({mark}0+)?[eE][+-]?[0-9]+", text):
        return Decimal(0)
    found = {value for sign, body in _signed(text, numbers) if (value := _plain(sign, body, numbers)) is not None}
    if len(found) != 1:
        raise NotRead(text)
    return found.pop()


def _signed(text: str, numbers: Numbers) -> Iterator[tuple[int, str]]:
    """Every way to take one currency symbol and one declared sign off, in either order."""
    for outside in _bare(text, numbers):
        yield 1, outside
        for style in numbers.negative:
            before, after = style.split("1")
            if outside.startswith(before) and outside.endswith(after):
                inside = outside[len(before) : len(outside) - len(after)]
                yield from ((-1, body) for body in ([inside] if outside != text else _bare(inside, numbers)))


def _bare(text: str, numbers: Numbers) -> Iterator[str]:
    yield text
    for symbol in numbers.currency_symbols:
        if text.startswith(symbol):
            yield re.sub(r"\A[ \u00a0]", "", text.removeprefix(symbol))
        if text.endswith(symbol):
            yield re.sub(r"[ \u00a0]\Z", "", text.removesuffix(symbol))


def _plain(sign: int, body: str, numbers: Numbers) -> Decimal | None:
    """Digits with a decimal mark and, in the whole part, groups of three behind one to three digits."""
    # One mark groups a whole number; of blanks, which look alike, any will do.
    marks = [_GROUP_BLANKS if mark in _GROUP_BLANKS else mark for mark in numbers.thousands or ""]
    grouped = "".join(f"|[1-9][0-9]{{0,2}}(?:[{re.escape(mark)}][0-9]{{3}})+" for mark in marks)
    match = re.fullmatch(f"(?P<whole>[0-9]*{grouped})(?:{re.escape(numbers.decimal)}(?P<places>[0-9]+))?", body)
    if match is None or body == "":
        return None
    whole = re.sub("[^0-9]", "", match["whole"]) or "0"
    value = Decimal(f"{whole}.{match['places'] or '0'}")
    # Signs and sums of Decimals round to the context's 28 digits where they are not watched.
    return value if sign > 0 else value.copy_negate()


def kept(value: Decimal, *, may_round: bool = False) -> Decimal:
    """The value as it is stored: ten places, 28 digits before them. Raises ``NotRead`` where it does not fit."""
    with localcontext(prec=200_000):
        stored = value.quantize(_TENTH_PLACE, rounding=ROUND_HALF_UP)
        if abs(stored) >= _TOO_LARGE or (stored != value and not may_round):
            raise NotRead(str(value))
        return stored


# --- dates ----------------------------------------------------------------------------------------------------------


def day(text: str, formats: Iterable[str]) -> date | None:
    """The one day that the listed formats read, None for a blank text. Raises ``NotRead``."""
    if text == "":
        return None
    found = {read for date_format in formats if (read := _day(text, date_format)) is not None}
    if len(found) != 1:
        raise NotRead(text)
    return found.pop()


def one_of_two_days(text: str, formats: Iterable[str], half: str) -> date | None:
    """A day of a cell that holds two, None for a blank text. Raises ``NotRead`` unless there is one way to part it."""
    if text == "":
        return None
    ways = set()
    for mark in re.finditer(r"(?=(-|–|/|\.\.|to|bis))", text, re.IGNORECASE | re.ASCII):
        halves = trimmed(text[: mark.start()]), trimmed(text[mark.start() + len(mark[1]) :])
        starts, ends = ({_day(part, date_format) for date_format in formats} - {None} for part in halves)
        ways |= {(start, end) for start in starts for end in ends}
    if len(ways) != 1:
        raise NotRead(text)
    return ways.pop()[0 if half == "start" else 1]


def _day(text: str, date_format: str) -> date | None:
    if not text.isascii() or re.findall(r"\s", text) != re.findall(r"\s", date_format):
        return None
    if "%f" in date_format:
        # Azure writes seven places, strptime takes six; a time of day is left out anyway.
        text = re.sub(r"(\.[0-9]{6})[0-9]{1,3}", r"\1", text)
    try:
        read = datetime.strptime(text, date_format).date()  # noqa: DTZ007
    except ValueError:
        return None
    return read if 1900 <= read.year < 2200 else None


def month(text: str, formats: Iterable[str]) -> str | None:
    """The month that a text names or in which its day falls. Raises ``NotRead`` where it names none."""
    for pattern in (r"(?P<y>\d{4})-?(?P<m>\d{2})", r"(?P<m>\d{2})[-.](?P<y>\d{4})"):
        match = re.fullmatch(pattern, text, re.ASCII)
        if match and 1900 <= int(match["y"]) < 2200 and 1 <= int(match["m"]) <= 12:
            return f"{match['y']}-{match['m']}"
    read = day(text, formats)
    if read is None:
        raise NotRead(text)
    return f"{read:%Y-%m}"


# --- records --------------------------------------------------------------------------------------------------------


@dataclass
class _Sheet:
    """A file whose header is known."""

    profile: ImportProfile
    header: list[str]
    as_of: date | None = None
    of_cell: int | None = None
    """The place of the cell that is read as a row of its own; its header and itself stand behind the others."""

    def judged(self, row: int, record: list[str], *, is_cut: bool) -> list[Judged]:
        if is_blank(record):
            return [Judged(row, "blank")]
        is_odd = is_cut or not is_blank(record[len(self.header) :])
        if self.profile.unpivot is None:
            return [self._judged(row, record, is_odd=is_odd)]
        padded = [*record, *[""] * len(self.header)][: len(self.header)]
        return _as_one(
            [
                replace(self, header=[*self.header, *self.profile.unpivot.made], of_cell=place)._judged(
                    row, [*padded, self._named(place), padded[place]], is_odd=is_odd
                )
                for place in self._wide_places()
            ]
        )

    def _wide_places(self) -> list[int]:
        """The columns of which each cell is a row."""
        wide = self.profile.unpivot
        named = {_position(self.header, name) for name in (wide.named if wide else ())}
        if wide and wide.columns:
            return sorted(place for place in named if place is not None)
        read = {_found(self.header, column) for column in _read_columns(self.profile)}
        found = [place for place, cell in enumerate(self.header) if _same(cell) and place not in named | read]
        if not found:
            raise UnreadableFileError("nothing to unpivot")
        return found

    def _is_blank_cell(self, record: list[str]) -> bool:
        return self.of_cell is not None and unwrapped(record[-1]) in {"", *self.profile.numbers.nil}

    def _judged(self, row: int, record: list[str], *, is_odd: bool) -> Judged:
        rules, wide = self.profile.rows, self.profile.unpivot
        says_nothing = self._is_blank_cell(record) and wide is not None and wide.blank == "ignore"
        if self._is_failure(record):
            return Judged(row, "rejected", frozenset([None]))
        if rules.totals and re.search(rules.totals.match, self._cell(record, rules.totals.column), re.ASCII):
            return Judged(row, "ignored" if says_nothing else "totals")
        if is_odd:
            # One cell too many or too few: which of them belongs to which header is not known.
            return Judged(row, "rejected", frozenset([None]))
        return Judged(row, "ignored") if says_nothing else self._data(row, record)

    def _data(self, row: int, record: list[str]) -> Judged:
        counts, doubts = self._counts(record)
        if counts is False:
            return Judged(row, "ignored")
        reading = _Reading(self, record, set(doubts))
        if self._is_blank_cell(record):
            reading.faults.add(self._named(len(self.header) - 1))
        values = reading.values()
        period, part = reading.period(), reading.part()
        if reading.faults:
            return Judged(row, "rejected", frozenset(reading.faults))
        if self.profile.rows.zero == "ignore" and values["quantity"] == 0 and not reading.is_of_money:
            return Judged(row, "ignored")
        return Judged(row, "valid", values=values, period=period, part=part)

    def _is_failure(self, record: list[str]) -> bool:
        """A collector's failure stands in an account or service cell, whatever the profile makes of the cell."""
        failures, columns = self.profile.rows.failures, self.profile.columns
        named = (columns.account_key, columns.account_name, columns.service_key, columns.service_name)
        leaves = [leaf for column in named if column for leaf in _in_the_file(self.profile, column)]
        cells = [self._raw(record, leaf) for leaf in leaves]
        return failures is not None and any(re.search(failures.match, cell, re.ASCII) for cell in cells)

    def _raw(self, record: list[str], column: Column) -> str:
        place = _found(self.header, column)
        return unwrapped(record[place]) if place is not None and place < len(record) else ""

    def _cell(self, record: list[str], address: str) -> str:
        return self._raw(record, Column(column=address))

    def shown(self, column: Column) -> Fault:
        """The header an operator is shown for a column; the first of several."""
        leaves = _in_the_file(self.profile, column)
        places = [place for leaf in leaves if (place := _found(self.header, leaf)) is not None]
        return self._named(places[0]) if places else None

    def _named(self, place: int) -> str:
        """``#7`` where a column has no name, ``Name#2`` for the second of its name; that of its cell for a made one."""
        if self.of_cell is not None and place >= len(self.header) - 2:
            place = self.of_cell
        names = [_same(cell) for cell in self.header]
        text = " ".join(trimmed(self.header[place]).split())
        earlier = names[:place].count(names[place])
        return f"#{place + 1}" if not text else f"{text}#{earlier + 1}" if earlier else text

    def text(self, record: list[str], column: Column) -> str:
        """The text of one column: cell, ``extract``, ``replace``, ``case``, in this order."""
        if column.constant is not None:
            return column.constant
        made_of = self.profile.formulas.get(column.column or "")
        text = self._raw(record, column) if made_of is None else self.made_text(record, made_of)
        if column.extract is not None:
            match = re.search(column.extract, text, re.ASCII)
            text = "" if match is None else (match[1] or "") if column.groups else match[0]
        for old, new in column.replace:
            text = text.replace(old, new)
        text = {"upper": text.upper(), "lower": text.lower(), None: text}[column.case]
        return trimmed(text)

    def made_text(self, record: list[str], formula: Any) -> str:
        """What a formula of texts says."""
        if hasattr(formula, "address"):
            return self.text(record, Column(column=formula.address))
        if hasattr(formula, "value"):
            return str(formula.value)
        first, *more = formula.arguments
        if formula.function == "coalesce":
            return next((text for one in formula.arguments if (text := self.made_text(record, one))), "")
        text = self.made_text(record, first)
        if formula.function == "extract":
            match = re.search(more[0].value, text, re.ASCII)
            return "" if match is None else trimmed((match[1] or "") if match.groups() else match[0])
        return text.lower() if formula.function == "lower" else trimmed(text)

    # --- conditions ---

    def _counts(self, record: list[str]) -> tuple[bool | None, list[Fault]]:
        """Whether the row counts, None where a cell that decides cannot be read; and the headers of such cells."""
        wishes = [(condition, True) for condition in self.profile.rows.include]
        wishes += [(condition, False) for condition in self.profile.rows.exclude]
        answers = [(self.holds(condition, record), wanted, condition.column) for condition, wanted in wishes]
        if any(holds is not None and holds is not wanted for holds, wanted, _ in answers):
            return False, []
        doubts = [self.shown(Column(column=name)) for holds, _, name in answers if holds is None]
        return (None if doubts else True), doubts

    def holds(self, condition: Condition, record: list[str]) -> bool | None:
        """Whether a condition is true of a row; None where its cell cannot be read."""
        cell = self._cell(record, condition.column)
        answers = [self._answer(name, operand, cell) for name, operand in condition if operand is not None]
        return _all(answers)

    def _answer(self, name: str, operand: Any, cell: str) -> bool | None:
        if name in {"in_", "not_in"}:
            is_one = _negated(_all(_negated(self._is_equal(cell, one)) for one in operand))
            return is_one if name == "in_" else _negated(is_one)
        if name in {"eq", "ne"}:
            equal = self._is_equal(cell, operand)
            return equal if name == "eq" else _negated(equal)
        if name in {"blank", "not_blank"}:
            return (cell == "") is (name == "blank")
        if name == "within_days":
            return self._is_near(cell, operand)
        if name == "matches":
            return re.search(operand, cell, re.ASCII) is not None
        return name == "column" or self._is_ordered(name, cell, operand)

    def _is_near(self, cell: str, days: int) -> bool | None:
        try:
            seen = day(cell, self.profile.dates)
        except NotRead:
            return None
        if self.as_of is None:
            return None
        return seen is not None and self.as_of - seen <= timedelta(days=days)

    def _is_equal(self, cell: str, operand: Any) -> bool | None:
        if isinstance(operand, str):
            return cell == trimmed(operand)
        try:
            return bool(self._meant(cell, operand) == operand)
        except NotRead:
            return None

    def _is_ordered(self, name: str, cell: str, bound: Any) -> bool | None:
        try:
            meant = self._meant(cell, bound)
        except NotRead:
            return None
        if meant is None:
            return False
        return bool({"lt": meant < bound, "le": meant <= bound, "gt": meant > bound, "ge": meant >= bound}[name])

    def _meant(self, cell: str, operand: Any) -> Any:
        """The cell as what it is compared with: a number or a day; None where it has no value."""
        if isinstance(operand, Decimal):
            value = number(cell, self.profile.numbers)
            return None if value is None else kept(value)
        return day(cell, self.profile.dates)


def _as_one(cells: list[Judged]) -> list[Judged]:
    """What the rows of one wide record make of it: one that is not understood rejects the whole."""
    of_kind = {kind: [one for one in cells if one.kind == kind] for kind in ("rejected", "totals", "valid", "ignored")}
    if rejected := of_kind["rejected"]:
        return [Judged(rejected[0].row, "rejected", frozenset().union(*(one.faults for one in rejected)))]
    return of_kind["totals"][:1] or of_kind["valid"] or of_kind["ignored"][:1]


def _all(answers: Iterable[bool | None]) -> bool | None:
    given = list(answers)
    return False if False in given else None if None in given else True


def _negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


@dataclass
class _Reading:
    """The canonical values of one row; what cannot be read is noted as a fault and goes on as None."""

    sheet: _Sheet
    record: list[str]
    faults: set[Fault]
    is_of_money: bool = False

    def values(self) -> dict[str, Any]:
        """Every field that is compared, by its name."""
        columns, aggregate = self.sheet.profile.columns, self.sheet.profile.aggregate
        account, is_rekeyed = self._account()
        service = self._key(columns.service_key)
        mapped = {name: self._mapped(name) for name in ("currency", "commitment_term", "billing_cycle", "charge_kind")}
        return {
            "account_key": account,
            "account_name": account if is_rekeyed else self._name(columns.account_name, account),
            "service_key": service,
            "service_name": self._name(columns.service_name, service),
            "quantity": self._quantity(mapped["charge_kind"]),
            "unit_cost": self._number(columns.unit_cost, may_round=True),
            "amount": self._number(columns.amount, may_round=True),
            "subscription_id": self._subscription(columns.subscription_id),
            "charge_start": self._date(columns.charge_start),
            "charge_end": self._date(columns.charge_end),
            "term_end": self._date(columns.term_end),
            "renewal_quantity": self._at_renewal(columns.renewal_quantity),
            "charge_class": self._charge_class(mapped["charge_kind"]),
            "method": self._method(),
            "is_negated": self._is_negative(aggregate.sign_column),
            "size_quantity": self._number(aggregate.size_column, may_round=self._is_bill()),
            "unit_key": self._unit(columns.quantity.count_distinct),
            "is_cycle": folded(mapped["charge_kind"] or "") in {folded(kind) for kind in aggregate.cycle},
            "is_rounded": any(self._loses_digits(column) for column in self._sizes()),
            "match_account": _match(account),
            "match_service": _match(service),
            **mapped,
        }

    def period(self) -> str | None:
        """The month of the row, where each row has its own."""
        column = self.sheet.profile.period_column
        if column is None:
            return None
        try:
            if column.range is None:
                return month(self._text(column), self.sheet.profile.dates)
            read = self._day(column)
            if read is None:
                raise NotRead("blank")
            return f"{read:%Y-%m}"
        except NotRead:
            self.faults.add(self.sheet.shown(column))
            return None

    def part(self) -> str | None:
        """The part of the month, where each row names its own: one name, however it is spaced or its letters coded."""
        arrives = self.sheet.profile.arrives
        column = self.sheet.profile.columns.part if arrives and str(arrives.part) == "from_column" else None
        return _match(self._key(column)) if column else None

    def _text(self, column: Column) -> str:
        return self.sheet.text(self.record, column)

    # --- keys ---

    def _account(self) -> tuple[str, bool]:
        """The account of the row, and whether a rule of rekey names it."""
        for rule in self.sheet.profile.rekey:
            holds = self.sheet.holds(rule.where, self.record)
            if holds is None:
                self.faults.add(self.sheet.shown(Column(column=rule.where.column)))
            if holds is not False:
                return self._key(rule.account_key), True
        return self._key(self.sheet.profile.columns.account_key), False

    def _key(self, column: Column) -> str:
        parts = self._parts(column)
        if not any(parts):
            self.faults.add(self.sheet.shown(column))
        return _joined(column, parts)

    def _subscription(self, column: Column | None) -> str | None:
        if column is None:
            return None
        parts = self._parts(column)
        return _joined(column, parts) if any(parts) else None

    def _unit(self, column: Column | None) -> str | None:
        """The value that tells units apart; a blank one tells nothing."""
        return self._key(column) if column else None

    def _parts(self, column: Column) -> list[str]:
        parts = [self._part(part) for part in column.parts or (column,)]
        damaged = [leaf for leaf, part in zip(column.parts or (column,), parts, strict=True) if self._is_no_key(part)]
        self.faults |= {self.sheet.shown(leaf) for leaf in damaged}
        return parts

    @staticmethod
    def _is_no_key(part: str) -> bool:
        return is_damaged(part) or is_hidden(part) or len(part) > _LONGEST_KEY

    def _part(self, part: Column) -> str:
        """A part that is the column of a mapped field says what that field says."""
        for name, column in self.sheet.profile.columns.mapped.items():
            meanings = getattr(self.sheet.profile.maps, name, {})
            if meanings and part.addresses and self._is_same(part, column):
                return self._meant(meanings, self._text(part))
        return self._text(part)

    def _is_same(self, part: Column, column: Column) -> bool:
        places = {_found(self.sheet.header, one) for one in (part, column)}
        same_way = (part.extract, part.replace, part.case) == (column.extract, column.replace, column.case)
        return len(places) == 1 and None not in places and same_way

    @staticmethod
    def _meant(meanings: dict[str, str], text: str) -> str:
        return {trimmed(old): new for old, new in meanings.items()}.get(text, text)

    def _name(self, column: Column | None, key: str) -> str:
        return (self._text(column) if column else "") or key

    # --- measures ---

    def _number(self, column: Column | None, *, may_round: bool = False) -> Decimal | None:
        if column is None:
            return None
        if self._is_made(column):
            return self._made(column, may_round=may_round)
        try:
            value = number(self._text(column), self.sheet.profile.numbers)
            return None if value is None else kept(value, may_round=may_round)
        except NotRead:
            self.faults.add(self.sheet.shown(column))
            return None

    def _at_renewal(self, column: Column | None) -> Decimal | None:
        """What a subscription renews with, which is never less than nothing."""
        value = self._number(column)
        if column is not None and value is not None and value < 0:
            self.faults.add(self.sheet.shown(column))
        return value

    def _is_made(self, column: Column) -> bool:
        return is_number(self.sheet.profile.formulas.get(column.column or "", Words("")))

    def _made(self, column: Column, *, may_round: bool) -> Decimal | None:
        """A derived number; every cell of it that is none is at fault, else the first one for the whole."""
        cells = _Made(self)
        value = cells.number(self.sheet.profile.formulas[column.column or ""])
        self.faults |= cells.faults
        if cells.is_impossible or (cells.is_inexact and not may_round):
            self.faults.add(self.sheet.shown(column))
        return value

    def _is_negative(self, column: Column | None) -> bool:
        """The sign of a number of whatever size; nil has none."""
        if column and self._is_made(column):
            return (self._made(column, may_round=True) or 0) < 0
        try:
            value = number(self._text(column), self.sheet.profile.numbers) if column else None
        except NotRead:
            self.faults.add(self.sheet.shown(column) if column else None)
            return False
        return value is not None and value < 0

    def _is_bill(self) -> bool:
        return str(self.sheet.profile.basis) == "invoice"

    def _sizes(self) -> list[Column]:
        """Columns that say how much is used, where digits of them may be lost."""
        column, size = self.sheet.profile.columns.quantity, self.sheet.profile.aggregate.size_column
        counted = column.count or column.count_distinct
        return [*(() if counted else column.sum or (column,)), *([size] if size else [])] if self._is_bill() else []

    def _loses_digits(self, column: Column) -> bool:
        if self._is_made(column):
            cells = _Made(self)
            return cells.number(self.sheet.profile.formulas[column.column or ""]) is not None and cells.is_inexact
        try:
            value = number(self._text(column), self.sheet.profile.numbers)
            return value is not None and kept(value, may_round=True) != value
        except NotRead:
            return False

    def _quantity(self, kind: str | None) -> Decimal:
        column = self.sheet.profile.columns.quantity
        before = set(self.faults)
        leaves = [] if column.count or column.count_distinct else list(column.sum or (column,))
        read = [self._number(leaf, may_round=self._is_bill()) for leaf in leaves]
        given = [value for value in read if value is not None]
        if str(self.sheet.profile.method) in {"count", "count_distinct"}:
            return self._fitting(Decimal(1), column)
        if not given and self.faults == before:
            self.is_of_money = self._charge_class(kind) in _MAY_BE_OF_MONEY and self._states_an_amount()
            if self.is_of_money:
                return Decimal(0)
            self.faults.add(self.sheet.shown(column))
        with localcontext(prec=100):
            return self._fitting(sum(given, Decimal(0)), column)

    def _states_an_amount(self) -> bool:
        column = self.sheet.profile.columns.amount
        return column is not None and self._number(column, may_round=True) is not None

    def _fitting(self, quantity: Decimal, column: Column) -> Decimal:
        rules = self.sheet.profile.rows
        is_refused = (rules.negative == "reject" and quantity < 0) or (
            rules.fraction == "reject" and quantity != quantity.to_integral_value()
        )
        if is_refused or abs(quantity) >= _TOO_LARGE:
            self.faults.add(self.sheet.shown(column))
        return quantity

    # --- the rest ---

    def _mapped(self, name: str) -> str | None:
        column = getattr(self.sheet.profile.columns, name)
        if column is None:
            return None
        meant = self._meant(getattr(self.sheet.profile.maps, name), self._text(column))
        return self._currency(meant, column) if name == "currency" else meant or None

    def _currency(self, code: str, column: Column) -> str | None:
        if code and not re.fullmatch("[A-Z]{3}", code.upper()):
            self.faults.add(self.sheet.shown(column))
        return code.upper() or None

    def _charge_class(self, kind: str | None) -> str:
        profile = self.sheet.profile
        if profile.columns.charge_kind is None:
            return "recurring"
        listed = {folded(one): name for name, kinds in profile.charges for one in kinds}
        return listed.get(folded(kind or ""), "unknown")

    def _method(self) -> str:
        """That of the first class the row belongs to; where a class in doubt comes first, nobody knows."""
        for own in self.sheet.profile.aggregate.classes:
            holds = self.sheet.holds(own.where, self.record)
            if holds is None:
                self.faults.add(self.sheet.shown(Column(column=own.where.column)))
            if holds is not False:
                return str(own.method)
        return str(self.sheet.profile.method)

    def _day(self, column: Column) -> date | None:
        text, formats = self._text(column), self.sheet.profile.dates
        return one_of_two_days(text, formats, column.range) if column.range else day(text, formats)

    def _date(self, column: Column | None) -> date | None:
        if column is None:
            return None
        try:
            read = self._day(column)
        except NotRead:
            self.faults.add(self.sheet.shown(column))
            return None
        return read + timedelta(days=1) if read and column.inclusive else read


@dataclass
class _Made:
    """One formula of numbers being worked out, as a person would with paper: each step to the tenth place."""

    reading: _Reading
    faults: set[Fault] = field(default_factory=set)
    is_impossible: bool = False
    is_inexact: bool = False

    def number(self, formula: Any) -> Decimal | None:
        if isinstance(getattr(formula, "value", None), Decimal):
            return Decimal(formula.value)
        if not hasattr(formula, "arguments") or formula.function in {"lower", "trim", "extract"}:
            return self._cell(formula)
        if formula.function == "coalesce" and not is_number(formula):
            return self._cell(formula)
        was_inexact = self.is_inexact
        numbers = [self.number(argument) for argument in formula.arguments]
        if formula.function == "round":
            self.is_inexact = was_inexact
        if formula.function == "coalesce":
            return next((value for value in numbers if value is not None), None)
        given = [value for value in numbers if value is not None]
        if len(given) < len(numbers):
            return None
        try:
            with localcontext(prec=200):
                return self._kept(self._worked_out(formula.function, given), formula.function)
        except (NotRead, ZeroDivisionError, InvalidOperation):
            self.is_impossible = True
            return None

    def _cell(self, formula: Any) -> Decimal | None:
        sheet, record = self.reading.sheet, self.reading.record
        try:
            value = number(sheet.made_text(record, formula), sheet.profile.numbers)
            return None if value is None else self._kept(value, "a cell")
        except NotRead:
            self.faults.add(sheet.shown(Column(column=next(iter(named_in(formula))))))
            return None

    @staticmethod
    def _worked_out(function: str, numbers: list[Decimal]) -> Decimal:
        first, last = numbers[0], numbers[-1]
        if function == "/" and not last:
            raise ZeroDivisionError
        if function == "/" and max(abs(first), abs(last)) >= Decimal(10) ** 18:
            raise NotRead(function)
        if function == "round":
            return first.quantize(Decimal(1).scaleb(-int(last)), rounding=ROUND_HALF_UP)
        if function == "negate":
            return -first
        return {"+": first + last, "-": first - last, "*": first * last, "/": first / (last or 1)}[function]

    def _kept(self, value: Decimal, function: str) -> Decimal:
        if function == "*" and abs(value) >= Decimal(10) ** 18:
            raise NotRead(function)
        stored = kept(value, may_round=True)
        self.is_inexact |= stored != value
        return stored


def folded(kind: str) -> str:
    """A charge kind without letter case, ``-``, ``_`` and blanks."""
    return re.sub(rf"[-_\s{_BEYOND_UNICODE_BLANKS}]", "", kind).lower()


def _joined(column: Column, parts: list[str]) -> str:
    """A key of one column as it stands; of several, ``|`` between them and ``\\|`` for one inside a part.

    Backslashes before a ``|`` and at the end of a part are doubled, so that no two lists of parts make one key.
    """
    told = [re.sub(r"(\\+)(\||$)", r"\1\1\2", part).replace("|", r"\|") for part in parts]
    return "|".join(told) if column.parts else parts[0]


def _match(key: str) -> str:
    """Keys compare after NFKC, trimming and collapsing blanks, case-sensitively."""
    return " ".join(unicodedata.normalize("NFKC", key).split())
