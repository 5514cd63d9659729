"""Where a file comes from and how its bytes become records, as a profile declares it.

Belongs here: arrival patterns, completeness limits, encoding, dialect, the header's place.
Does not belong here: applying them (``arrivals``, ``completeness``, ``sheet``, ``headers``).
"""

import codecs
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from pipelines.intake.columns import NotYet, Part, Text, later


class PeriodFrom(StrEnum):
    """Where a file's billing period is read."""

    PATH = "from_path"
    COLUMN = "from_column"
    ARRIVAL = "from_arrival"


class PartFrom(StrEnum):
    """Where it is read which part of a month a file or a row is for."""

    PATH = "from_path"
    COLUMN = "from_column"


def _share(value: object) -> object:
    percent = re.fullmatch(r"([0-9]{1,3})\s*%", value) if isinstance(value, str) else None
    return Decimal(percent[1]) / 100 if percent else value


def _currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"{code!r} is no currency code of three capital letters (ISO 4217)")
    return code


class Complete(Part):
    """When a file may speak for its month: enough rows, in the expected currencies, not far from a month ago."""

    min_rows: Annotated[int, Field(ge=0)] = 1
    max_drop: Annotated[Decimal, BeforeValidator(_share), Field(ge=0, le=1)] = Decimal("0.5")
    control_total: NotYet = None
    max_quantity_move: Annotated[Decimal | None, BeforeValidator(_share), Field(ge=0, le=10)] = None
    currencies: Annotated[tuple[Annotated[Text, AfterValidator(_currency)], ...], Field(min_length=1)] | None = None

    @field_validator("currencies", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Arrives(Part):
    """Which files of the inbox a profile reads, and which period and part they speak for."""

    pattern: Text
    period: PeriodFrom
    part: PartFrom | None = None
    lag: Annotated[int, Field(ge=0, le=24)] = 0
    complete: Complete = Complete()

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for name, is_wanted in (("period", self.period is PeriodFrom.PATH), ("part", self.part is PartFrom.PATH)):
            times = self.pattern.count(f"{{{name}}}")
            if is_wanted != (times == 1):
                raise ValueError(
                    f"{name} from_path and {{{name}}} in the pattern belong together, once "
                    f"(the pattern has it {times} times)"
                )
        if self.lag and self.period is not PeriodFrom.ARRIVAL:
            raise ValueError("lag counts back from the month of arrival: it belongs to period from_arrival")
        if re.search("[{}]", re.sub(r"\{(?:period|part)\}", "", self.pattern)) or {"", ".."} & {
            *self.pattern.split("/")
        }:
            raise ValueError("the pattern is a path below the inbox with *, ?, **, {period} and {part}")
        return self


_ENCODINGS = re.compile(
    r"utf-8(-sig)?|utf-(16|32)(-[lb]e)?|ascii|cp\d+|iso8859-\d+|mac-\w+|koi8-\w|shift_jis\w*|euc_\w+|gb\w+|big5\w*"
)


def _encoding(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        known = ""
    if not _ENCODINGS.fullmatch(known):
        raise ValueError(f"{name!r} is no encoding of text files (for example utf-8-sig, cp1252, utf-16)")
    return known


def _mark(value: str) -> str:
    if len(value) != 1 or value.isalnum() or value in "\r\n":
        raise ValueError(f"{value!r} is not one character that can separate cells")
    return value


class FileLayout(Part):
    """How bytes become records. Nothing is guessed: what does not fit is refused."""

    format: Annotated[Literal["csv", "tsv", "xlsx", "xls"], later("connect")] = "csv"
    encoding: Annotated[tuple[Annotated[Text, AfterValidator(_encoding)], ...], Field(min_length=1)] = ("utf-8-sig",)
    delimiter: Annotated[str, AfterValidator(_mark)] | None = None
    quote: Annotated[str, AfterValidator(_mark)] | None = '"'
    sheet: Text | None = None

    @field_validator("encoding", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if self.sheet is not None and not self.is_workbook:
            raise ValueError("sheet belongs to the formats xlsx and xls")
        if self.quote == self.separator:
            raise ValueError("delimiter and quote are the same character")
        return self

    @property
    def separator(self) -> str:
        """The character between cells."""
        return self.delimiter or ("\t" if self.format == "tsv" else ",")

    @property
    def is_workbook(self) -> bool:
        """Whether a sheet of a workbook is read."""
        return self.format in {"xlsx", "xls"}


class HeaderPlace(Part):
    """Where the header stands: in a fixed record, or in the first of ``within`` that holds every mapped header."""

    row: Annotated[int, Field(ge=1, le=10_000)] | None = None
    find: Literal[True] | None = None
    within: Annotated[int, Field(ge=1, le=10_000)] = 30

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.row is None) == (self.find is None):
            raise ValueError("say either {row: N} or {find: true, within: N}")
        return self
