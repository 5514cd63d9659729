"""Which profile, period and part a file of the inbox belongs to, by its path and, in doubt, its header.

Belongs here: arrival patterns, temporary names, the month of a path or of an arrival.
Does not belong here: looking at the inbox and taking files in (``waiting``).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
    """A file as one look saw it. ``version`` changes whenever the file is written again.

    ``written_ns`` puts files of one look in order: when each was written, as far as the inbox knows (0: it does not).
    """

    path: str
    size_bytes: int
    version: str
    written_ns: int = field(default=0, compare=False)


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
        by_path = [fit.profile.name for fit in fitting]
        fitting = [fit for fit in fitting if header_fits(fit.profile)]
        if len(fitting) != 1:
            return _undecided(by_path, [fit.profile.name for fit in fitting])
    if not fitting:
        return Unassigned("no import profile has a pattern that fits its path (trueup profiles list)")
    return _assignment(fitting[0], arrived_at, zone)


def _undecided(by_path: list[str], by_header: list[str]) -> Unassigned:
    if by_header:
        return Unassigned(
            f"the profiles {', '.join(by_header)} fit its path and its header: make their patterns differ"
        )
    return Unassigned(f"the profiles {', '.join(by_path)} fit its path, and its header fits none of them")


@dataclass(frozen=True)
class _Fit:
    """How a path fits a profile's pattern: what it names when stars take all they can, and when as little."""

    profile: ImportProfile
    arrives: Arrives
    named: Mapping[str, str]
    named_nearest: Mapping[str, str]


def _fit(path: str, profile: ImportProfile) -> _Fit | None:
    """How a path fits a profile: with a month, or with something in its place that deserves an explanation."""
    arrives = profile.arrives
    if arrives is None:
        return None
    for month in (_MONTH, _NO_MONTH):
        if match := _pattern(arrives.pattern, month).fullmatch(path):
            nearest = _pattern(arrives.pattern, month, "?").fullmatch(path) or match
            return _Fit(profile, arrives, match.groupdict(), nearest.groupdict())
    return None


def _assignment(fit: _Fit, arrived_at: datetime, zone: ZoneInfo) -> Assignment | Unassigned:
    written = fit.named.get("period")
    period = period_of_arrival(fit.arrives, arrived_at, zone) if written is None else period_of_text(written)
    if written is not None and period is None:
        return Unassigned(
            f"{written!r} in its path is no month: write YYYY-MM, YYYYMM, MM-YYYY or MM.YYYY "
            f"(pattern {fit.arrives.pattern})"
        )
    for name, what in (("period", "months"), ("part", "parts")):
        nearest, farthest = fit.named_nearest.get(name), fit.named.get(name)
        if nearest != farthest:
            return Unassigned(
                f"its path names two {what}, {nearest!r} and {farthest!r} (pattern {fit.arrives.pattern})"
            )
    # One part under two spellings of one character would count twice.
    part = unicodedata.normalize("NFC", fit.named.get("part", ""))
    return Assignment(fit.profile.name, fit.profile.source, period, part)


def period_of_arrival(arrives: Arrives, arrived_at: datetime, zone: ZoneInfo) -> BillingPeriod | None:
    """The month a file speaks for by the day it came, less the profile's lag; None unless the profile says so."""
    if arrives.period is not PeriodFrom.ARRIVAL:
        return None
    return BillingPeriod.containing(arrived_at, zone).shifted(-arrives.lag)


_YEAR = "(?:19|20|21)[0-9]{2}"
_MONTH_TEXTS = (
    re.compile(rf"(?P<year>{_YEAR})-?(?P<month>0[1-9]|1[0-2])"),
    re.compile(rf"(?P<month>0[1-9]|1[0-2])[-.](?P<year>{_YEAR})"),
)


def period_of_text(text: str) -> BillingPeriod | None:
    """The month that a piece of a path names: YYYY-MM, YYYYMM, MM-YYYY or MM.YYYY; None when it is none.

    A year outside 1900 to 2199 is a typing error: ``1026-07`` would be filed where nobody ever looks.
    """
    for spelling in _MONTH_TEXTS:
        if match := spelling.fullmatch(text):
            return BillingPeriod(int(match["year"]), int(match["month"]))
    return None


_MONTH = rf"(?P<period>(?<![0-9])(?:{_YEAR}-?(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])[-.]{_YEAR}))"
_NO_MONTH = r"(?P<period>(?<![0-9])[0-9][0-9.\-]{5,7})"
"""What looks like a month and is none: a typing error is quarantined with its reason."""

_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\{period\}|\{part\}")
_MEANINGS = {
    "**/": "(?:[^/]+/)*{reach}",
    "**": ".*{reach}",
    "*": "[^/]*{reach}",
    "?": "[^/]",
    "{part}": "(?P<part>[^/]+{reach})",
}


@cache
def _pattern(pattern: str, month: str, reach: str = "") -> re.Pattern[str]:
    """The regular expression of an arrival pattern. ``reach`` ``?``: stars and parts take as little as they can."""
    compiled, at = "", 0
    for token in _TOKENS.finditer(pattern):
        meaning = month if token[0] == "{period}" else _MEANINGS[token[0]].format(reach=reach)
        compiled += re.escape(pattern[at : token.start()]) + meaning
        at = token.end()
    return re.compile(compiled + re.escape(pattern[at:]), re.DOTALL)
