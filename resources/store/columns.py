"""Column types that keep a value exactly, on SQLite and PostgreSQL alike.

Belongs here: exact decimals, instants in UTC, text as it came from outside.
Does not belong here: tables.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Numeric, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from pipelines import quantities

_LIMIT = Decimal(10) ** (quantities.PRECISION - quantities.SCALE)
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


class ExactDecimal(TypeDecorator[Decimal]):
    """A quantity or an amount, DECIMAL(38,10). It comes back in its plain form on both databases.

    SQLite has no exact decimal type, so it holds the plain text there: never compare or add one in SQL. A value that
    does not fit is refused, since PostgreSQL would round it without a word.
    """

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC(38,10), or text on SQLite."""
        if dialect.name == "sqlite":
            return Text()
        return Numeric(quantities.PRECISION, quantities.SCALE)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Refuse what would not come back as it went in."""
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is no exact decimal")
        if not _fits(value):
            raise ValueError(f"{value} does not fit 28 digits before and 10 after the decimal point")
        return quantities.text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | str | None, _dialect: Dialect) -> Decimal | None:
        """The plain form: no trailing zeros, no exponent."""
        if value is None:
            return None
        return Decimal(value if isinstance(value, str) else quantities.text(value))


def _fits(value: Decimal) -> bool:
    # copy_abs, since abs() rounds to the caller's context.
    return value.is_finite() and value.copy_abs() < _LIMIT and quantities.rounded(value) == value


class Instant(TypeDecorator[datetime]):
    """An instant, aware and in UTC on the way in and out. SQLite holds it without the zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """TIMESTAMP WITH TIME ZONE where there is one."""
        return DateTime(timezone=dialect.name != "sqlite")

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a zone: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """The same instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class OutsideText(TypeDecorator[str]):
    """Any text at all, ordered by its code points on both databases.

    Files, file names and PSA records may hold NUL (which PostgreSQL cannot store) and halves of surrogate pairs (which
    no database can). Each becomes U+001A and four hex digits in the table, and itself again outside.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Text; in PostgreSQL under the collation that SQLite has anyway, so that lists are in one order."""
        return Text() if dialect.name == "sqlite" else Text(collation="C")

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        """Escape what no database keeps. A member of a ``StrEnum`` is stored as its value."""
        if value is None:
            return None
        return _UNSTORABLE.sub(lambda found: f"\x1a{ord(found[0]):04x}", str(value))

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        """The text as it was given."""
        if value is None or "\x1a" not in value:
            return value
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
