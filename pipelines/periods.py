"""Billing periods: calendar months, half-open, in the tenant's time zone.

Belongs here: the month as a value, its bounds, its neighbours, its key.
Does not belong here: what day it is; callers pass the instant in.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

_KEY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True, order=True)
class BillingPeriod:
    """One calendar month. Its key is ``YYYY-MM``, everywhere: store, lake, partitions, command line."""

    year: int
    month: int

    @classmethod
    def from_key(cls, key: str) -> Self:
        """The month that ``YYYY-MM`` names.

        Raises ``ValueError`` with a text for operators when the key is none.
        """
        match = _KEY.match(key)
        if not match or int(match[1]) == 0:
            raise ValueError(f"{key!r} is no billing period: write YYYY-MM, for example 2026-10")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def containing(cls, instant: datetime, zone: ZoneInfo) -> Self:
        """The month in which an aware instant falls on the tenant's own calendar."""
        local = instant.astimezone(zone)
        return cls(local.year, local.month)

    @property
    def key(self) -> str:
        """``YYYY-MM``."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def end_date(self) -> date:
        """The day after the last one: periods are half-open."""
        return self.next.first_day

    @property
    def last_day(self) -> date:
        """The last day, on which mappings and agreement lines are looked at."""
        return date.fromordinal(self.end_date.toordinal() - 1)

    @property
    def next(self) -> "BillingPeriod":
        """The following month."""
        return self.shifted(1)

    @property
    def previous(self) -> "BillingPeriod":
        """The month before."""
        return self.shifted(-1)

    def shifted(self, months: int) -> "BillingPeriod":
        """The month that many months later, or earlier when negative."""
        index = self.year * 12 + self.month - 1 + months
        return BillingPeriod(index // 12, index % 12 + 1)
