"""Which profile, period and part a file of the inbox belongs to, by its path and, in doubt, its header.

Belongs here: arrival patterns, temporary names, the month of a path or of an arrival.
Does not belong here: looking at the inbox and taking files in (``waiting``).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from pipelines.intake.layout import Arrives, PeriodFrom
from pipelines.intake.profile import ImportProfile
from pipelines.periods import BillingPeriod

TEMPORARY = (".part", ".tmp", ".filepart", ".crdownload", "~")
"""Endings under which uploading programs write before they rename."""


@dataclass(frozen=True)
class InboxFile:
    """A file as one look saw it. ``version`` changes whenever the file is written again."""

    path: str
    size_bytes: int
    version: str


@dataclass(frozen=True)
class Assignment:
    """What a file speaks for. ``period`` is None where each row has its own (``from_column``)."""

    profile: str
    source: str
    period: BillingPeriod | None
    part: str = ""


@dataclass(frozen=True)
class Unassigned:
    """Why a file goes into quarantine, in an operator's words."""

    reason: str


def is_temporary(path: str) -> bool:
    """Whether a name says that the file is not finished or not meant: uploads in progress and hidden files."""
    return any(piece.startswith(".") for piece in path.split("/")) or path.lower().endswith(TEMPORARY)


def changes(known: Mapping[str, str], seen: Iterable[InboxFile]) -> list[InboxFile]:
    """The files that are new or were written again: their version is not the known one of their path."""
    return [file for file in seen if known.get(file.path) != file.version]


def assign(
    path: str,
    profiles: Iterable[ImportProfile],
    arrived_at: datetime,
    zone: ZoneInfo,
    header_fits: Callable[[ImportProfile], bool],
) -> Assignment | Unassigned:
    """The one profile that a path fits, with the month and part it names.

    When several fit, the header decides (``header_fits`` opens the file); when none or still several fit, a person
    must.
    """
    fitting = [fit for profile in profiles if (fit := _fit(path, profile)) is not None]
    if len(fitting) > 1:
        by_path = [profile.name for profile, _, _ in fitting]
        fitting = [fit for fit in fitting if header_fits(fit[0])]
        if len(fitting) != 1:
            return _undecided(by_path, [profile.name for profile, _, _ in fitting])
    if not fitting:
        return Unassigned("no import profile has a pattern that fits its path (trueup profiles list)")
    return _assignment(*fitting[0], arrived_at, zone)


def _undecided(by_path: list[str], by_header: list[str]) -> Unassigned:
    if by_header:
        return Unassigned(
            f"the profiles {', '.join(by_header)} fit its path and its header: make their patterns differ"
        )
    return Unassigned(f"the profiles {', '.join(by_path)} fit its path, and its header fits none of them")


def _fit(path: str, profile: ImportProfile) -> tuple[ImportProfile, Arrives, re.Match[str]] | None:
    """How a path fits a profile: with a month, or with something in its place that deserves an explanation."""
    if profile.arrives is None:
        return None
    pattern = profile.arrives.pattern
    match = _pattern(pattern, _MONTH).fullmatch(path) or _pattern(pattern, _NO_MONTH).fullmatch(path)
    return (profile, profile.arrives, match) if match else None


def _assignment(
    profile: ImportProfile, arrives: Arrives, match: re.Match[str], arrived_at: datetime, zone: ZoneInfo
) -> Assignment | Unassigned:
    named = match.groupdict()
    period: BillingPeriod | None = None
    if "period" in named:
        period = period_of_text(named["period"])
        if period is None:
            return Unassigned(
                f"{named['period']!r} in its path is no month: write YYYY-MM, YYYYMM, MM-YYYY or MM.YYYY "
                f"(pattern {arrives.pattern})"
            )
        nearest = _pattern(arrives.pattern, _MONTH, "?").fullmatch(match.string)
        if nearest and nearest["period"] != named["period"]:
            return Unassigned(f"its path names two months, {nearest['period']!r} and {named['period']!r}")
    else:
        period = period_of_arrival(arrives, arrived_at, zone)
    return Assignment(profile.name, profile.source, period, named.get("part") or "")


def period_of_arrival(arrives: Arrives, arrived_at: datetime, zone: ZoneInfo) -> BillingPeriod | None:
    """The month a file speaks for by the day it came, less the profile's lag; None unless the profile says so."""
    if arrives.period is not PeriodFrom.ARRIVAL:
        return None
    return BillingPeriod.containing(arrived_at, zone).shifted(-arrives.lag)


_MONTH_TEXTS = (
    re.compile(r"(?P<year>\d{4})-?(?P<month>\d{2})", re.ASCII),
    re.compile(r"(?P<month>\d{2})[-.](?P<year>\d{4})", re.ASCII),
)


def period_of_text(text: str) -> BillingPeriod | None:
    """The month that a piece of a path names: YYYY-MM, YYYYMM, MM-YYYY or MM.YYYY; None when it is none."""
    for spelling in _MONTH_TEXTS:
        match = spelling.fullmatch(text)
        if match and 1 <= int(match["month"]) <= 12 and int(match["year"]) > 0:
            return BillingPeriod(int(match["year"]), int(match["month"]))
    return None


_YEAR = "(?:19|20|21)[0-9]{2}"
_MONTH = rf"(?P<period>(?<![0-9])(?:{_YEAR}-?(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[-.]{_YEAR}))"
_NO_MONTH = r"(?P<period>(?<![0-9])[0-9][0-9.\-]{5,7})"
"""What looks like a month and is none: a typing error is quarantined with its reason."""

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\{period\}|\{part\}")
_MEANINGS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]", "{part}": "(?P<part>[^/]+)"}


@cache
def _pattern(pattern: str, month: str, reach: str = "") -> re.Pattern[str]:
    """The regular expression of an arrival pattern. ``reach`` ``?`` lets stars take as little as they can."""
    compiled, at = "", 0
    for token in _TOKENS.finditer(pattern):
        meaning = month if token[0] == "{period}" else _MEANINGS[token[0]]
        compiled += re.escape(pattern[at : token.start()]) + meaning + (reach if "*" in token[0] else "")
        at = token.end()
    return re.compile(compiled + re.escape(pattern[at:]), re.DOTALL)
