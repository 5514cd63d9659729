"""Taking one file in: read, judge, keep, publish a revision for each period it speaks for.

Belongs here: the use case and its Protocols, what a duplicate is, which decisions of people apply.
Does not belong here: reading (``resources.warehouse.reading``), verdicts (``completeness``), the inbox (``waiting``).
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pipelines.identity import FileId, RevisionId
from pipelines.intake.arrivals import period_of_arrival
from pipelines.intake.completeness import judge, judge_file
from pipelines.intake.drops import Arrival, DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.profile import ImportProfile
from pipelines.intake.readings import ReadFile, Reading, RevisionStamp, Slice
from pipelines.intake.rows import RowAccounting, RowError, RowOverlay
from pipelines.periods import BillingPeriod


class FileReader(Protocol):
    """Reads files under profiles."""

    def read(
        self,
        raw: Path,
        profile: ImportProfile,
        *,
        file_name: str,
        overlays: Sequence[RowOverlay],
        as_of: date | None = None,
    ) -> ReadFile:
        """Everything the file says; what is wrong with it is part of the answer. A failing disk is an ``OSError``.

        ``as_of`` is the day for which the file speaks.
        """
        ...

    def fits(self, raw: Path, profile: ImportProfile) -> bool:
        """Whether the file has the header that the profile maps."""
        ...


class UsageLake(Protocol):
    """Keeps the rows of revisions."""

    @property
    def tenant(self) -> str:
        """Whose lake it is."""
        ...

    def write_usage(self, revision_id: str, drop_id: str, rows: Any) -> str:
        """Keep the rows of a revision; the answer is their folder, relative to the lake."""
        ...


class UsageLedger(Protocol):
    """Remembers drops, their revisions and what people decided about records."""

    def current_revision(self, drop: DropIdentity) -> UsageRevision | None:
        """The reading that speaks for a drop now."""
        ...

    def overlays(self, drop: DropIdentity) -> tuple[RowOverlay, ...]:
        """The decisions about a drop's records that hold."""
        ...

    def publish(self, revision: UsageRevision, rejected: Sequence[RowError]) -> None:
        """Let a reading speak for its drop."""
        ...

    def record_profile(self, profile: ImportProfile, at: datetime) -> None:
        """Keep the content that a file is read with."""
        ...

    def recorded_profile(self, name: str, version: str) -> ImportProfile | None:
        """The profile that a file was read with, as it was then; None when no file was."""
        ...


@dataclass(frozen=True)
class TakenFile:
    """How taking a file in ended: ``rows`` and ``quantity`` of the whole file. A duplicate has no revision."""

    file_id: FileId
    name: str
    verdict: SourceVerdict
    reasons: tuple[str, ...]
    revisions: tuple[UsageRevision, ...]
    rows: RowAccounting
    quantity: Decimal
    rounded_amounts: int = 0

    @property
    def is_accounted_for(self) -> bool:
        """Whether every revision accounts for every physical record of the file, those of other months too."""
        return all(revision.rows.total == self.rows.total for revision in self.revisions)


@dataclass(frozen=True)
class Renewal:
    """A drop that a file speaks for and whose reading is made anew, even when no row is for it any more.

    Of what its rows are for besides, only what ``is_free`` is published: old rows never replace those of a later file.
    """

    drop: DropIdentity
    is_free: Callable[[DropIdentity], bool]


def overlay_hash(overlays: Iterable[RowOverlay]) -> str:
    """Names the decisions that a file is read with, in whatever order they were made; empty for none."""
    lines = sorted("\x1f".join([str(o.row), o.record_hash, o.action, o.column or "", o.value or ""]) for o in overlays)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:16] if lines else ""


def take_in(
    arrival: Arrival,
    profile: ImportProfile,
    raw: Path,
    *,
    period: str | None,
    renewal: "Renewal | None" = None,
    reader: FileReader,
    lake: UsageLake,
    ledger: UsageLedger,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    zone: ZoneInfo,
) -> TakenFile:
    """Read a file and publish a revision for each month, and each part of one, that it speaks for.

    ``period`` restricts it to one month; without it the profile says (the rows' own column, or the month of arrival).
    ``renewal`` is what is made anew. A file that speaks for no known month or part is read and judged, and nothing
    is published. Content that is the drop's current revision, read with the same profile and decisions, is a duplicate.
    """
    arrived_on = arrival.arrived_at.astimezone(zone).date()
    taking = _Taking(arrival, profile, raw, reader, lake, ledger, clock, new_id, arrived_on)
    month = period if profile.period_column else period or _month_of_arrival(arrival, profile, zone)
    if profile.is_by_row and (month or profile.period_column):
        return taking.drops_of_rows(month, renewal)
    return taking.one_drop(month, renewal)


def _month_of_arrival(arrival: Arrival, profile: ImportProfile, zone: ZoneInfo) -> str | None:
    month = profile.arrives and period_of_arrival(profile.arrives, arrival.arrived_at, zone)
    return month.key if month else None


_NO_PERIOD = "nothing says which billing period the file is for"

_GRAVEST = (
    SourceVerdict.REFUSED,
    SourceVerdict.EMPTY,
    SourceVerdict.INCOMPLETE,
    SourceVerdict.COMPLETE,
    SourceVerdict.DUPLICATE,
)


_LEFT = (
    SourceVerdict.COMPLETE,
    ("no row of the file counts for this part any more: what it says of the month stands under others",),
)


def _has_data(read: ReadFile, said: Slice) -> bool:
    """Whether rows that count, or a total, may be of a slice."""
    reading = read.reading_of(said)
    return reading.rows.data_rows > 0 or any(total.slice == said for total in reading.totals)


def _label(drop: DropIdentity) -> str:
    return f"{drop.period}, part {drop.part}" if drop.part else drop.period


@dataclass(frozen=True)
class _Taking:
    """One file on its way in, with everything it needs."""

    arrival: Arrival
    profile: ImportProfile
    raw: Path
    reader: FileReader
    lake: UsageLake
    ledger: UsageLedger
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    arrived_on: date

    def one_drop(self, period: str | None, renewal: Renewal | None) -> TakenFile:
        """A file that has one month and one part for all its rows."""
        if period is None:
            return self._without_drop(self._read((), self.arrived_on), _NO_PERIOD)
        drop = self._drop(period)
        if renewal and renewal.drop != drop:
            return self._made_whole(drop, renewal)
        overlays = self.ledger.overlays(drop)
        current = self.ledger.current_revision(drop)
        if current is not None and self._is_duplicate(current, overlay_hash(overlays)):
            return self._duplicate([current])
        read = self._read(overlays, self._as_of(period))
        return self._taken(read, [self._published(drop, current, read, read.whole, overlays)])

    def _made_whole(self, drop: DropIdentity, renewal: Renewal) -> TakenFile:
        """A file that spoke for parts of its month, and by its profile has none any more."""
        read = self._read(self.ledger.overlays(drop), self._as_of(drop.period))
        left = renewal.drop
        drops = {left: read.reading_of(Slice(left.period, left.part))}
        if renewal.is_free(drop):
            drops = {drop: read.whole} | drops
        return self._all_taken(read, drops, set() if read.refusal else {left})

    def drops_of_rows(self, month: str | None, renewal: Renewal | None) -> TakenFile:
        """A file whose rows have months or parts of their own. Decisions about any of its drops apply to all of it.

        ``month`` is the only one that is published, or that of the whole file where rows have none of their own.
        """
        as_of = self._as_of(month) if self.profile.period_column is None and month else None
        raw = read = self._read((), as_of)
        if overlays := self._overlays(self._wanted(read, month, renewal)):
            read = self._read(overlays, as_of)
        wanted = self._wanted(read, month, renewal)
        if not wanted:
            return self._without_drop(read, self._unknown(month))
        drops = {drop: read.reading_of(said) for drop, said in wanted.items()}
        left = {drop for drop, said in wanted.items() if self._is_left(said, raw, read)}
        return self._all_taken(read, drops, left)

    def _wanted(self, read: ReadFile, month: str | None, renewal: Renewal | None) -> dict[DropIdentity, Slice]:
        """The drops to publish, with what their rows say. A month that was asked for is one, and what is renewed."""
        file = self._drop(month or "")
        if month and self.profile.part_column is None and renewal is None:
            return {file: Slice(month)}
        borne = {said.drop(file): said for said in read.slices if month is None or said.period in {month, None}}
        if self.profile.part_column is not None:
            # Any text is a part: one that only rows bear that do not count is news of a part that is known.
            borne = {d: s for d, s in borne.items() if _has_data(read, s) or self.ledger.current_revision(d)}
        if renewal is None:
            return borne
        free = {drop: said for drop, said in borne.items() if renewal.is_free(drop)}
        return free | {renewal.drop: self._said(renewal.drop)}

    def _said(self, drop: DropIdentity) -> Slice:
        """What the rows of a drop say."""
        profile = self.profile
        return Slice(drop.period if profile.period_column else None, drop.part if profile.part_column else None)

    def _is_left(self, said: Slice, raw: ReadFile, read: ReadFile) -> bool:
        """Whether no row counts for a part any more while others of its month have rows, and nobody doubts it.

        That is so where a changed profile gives the rows to other parts, or people gave them away or disregard them.
        """
        if self.profile.part_column is None or _has_data(read, said):
            return False
        are_others = any(of.period == said.period and reading.rows.valid for of, reading in read.slices.items())
        return are_others and (said not in read.slices or _has_data(raw, said))

    def _unknown(self, month: str | None) -> str:
        if self.profile.part_column is None:
            return _NO_PERIOD
        return f"no row names a part of {month}" if month else "no row names a month and a part of it"

    def _all_taken(
        self, read: ReadFile, drops: Mapping[DropIdentity, Reading], left: Collection[DropIdentity]
    ) -> TakenFile:
        """Publish what is new. ``left`` are drops for which no row counts any more, published last."""
        decided = {drop: self.ledger.overlays(drop) for drop in drops}
        current = {drop: self.ledger.current_revision(drop) for drop in drops}
        known = {
            drop: revision
            for drop, revision in current.items()
            if revision is not None
            and self._is_duplicate(revision, overlay_hash(decided[drop]))
            # A decision about a row of another drop may have brought it here.
            and (revision.rows, revision.quantity) == (drops[drop].rows, drops[drop].quantity)
        }
        new = [
            self._published(drop, current[drop], read, drops[drop], decided[drop], is_left=drop in left)
            for drop in sorted(drops, key=lambda drop: drop in left)
            if drop not in known
        ]
        return self._taken(read, new) if new else self._duplicate(list(known.values()))

    def _overlays(self, drops: Iterable[DropIdentity]) -> tuple[RowOverlay, ...]:
        decided = (overlay for drop in drops for overlay in self.ledger.overlays(drop))
        return tuple(dict.fromkeys(decided))

    def _as_of(self, period: str) -> date:
        # A list of today says nothing of the days after the month, nor one of the past of the days after it came.
        return min(self.arrived_on, BillingPeriod.from_key(period).last_day)

    def _read(self, overlays: Sequence[RowOverlay], as_of: date | None = None) -> ReadFile:
        return self.reader.read(self.raw, self.profile, file_name=self.arrival.name, overlays=overlays, as_of=as_of)

    def _drop(self, period: str) -> DropIdentity:
        return DropIdentity(self.profile.source, self.profile.name, period, self.arrival.part or "")

    def _is_duplicate(self, current: UsageRevision, overlays: str) -> bool:
        same = (current.sha256, current.profile_version, current.overlay_hash)
        return same == (self.arrival.sha256, self.profile.version, overlays)

    def _month_before(self, drop: DropIdentity) -> tuple[int | None, Decimal | None]:
        """The data rows and the quantity a month before. Without valid rows the quantity is unknown, not zero."""
        month = BillingPeriod.from_key(drop.period).previous.key
        previous = self.ledger.current_revision(DropIdentity(drop.source, drop.profile, month, drop.part))
        if previous is None:
            return None, None
        return previous.rows.data_rows, previous.quantity if previous.rows.valid else None

    def _published(
        self,
        drop: DropIdentity,
        current: UsageRevision | None,
        read: ReadFile,
        reading: Reading,
        overlays: Sequence[RowOverlay],
        *,
        is_left: bool = False,
    ) -> UsageRevision:
        """The revision of one drop, its rows in the lake before anything points to them.

        It is the next one after ``current``, which it was held against: another run may have published since, perhaps
        the same content, and then this one must not.
        """
        verdict, reasons = _LEFT if is_left else judge(self.profile, read, reading, *self._month_before(drop))
        revision_id, now = RevisionId(self.new_id()), self.clock()
        revision = UsageRevision(
            revision_id=revision_id,
            drop=drop,
            revision=current.revision + 1 if current else 1,
            file_id=self.arrival.file_id,
            file_name=self.arrival.name,
            sha256=self.arrival.sha256,
            profile_version=self.profile.version,
            basis=self.profile.basis,
            verdict=verdict,
            reasons=reasons,
            rows=reading.rows,
            quantity=reading.quantity,
            lake_path=self._kept(drop, reading, revision_id),
            overlay_hash=overlay_hash(overlays),
            created_at=now,
        )
        self.ledger.record_profile(self.profile, now)
        self.ledger.publish(revision, reading.rejected)
        return revision

    def _kept(self, drop: DropIdentity, reading: Reading, revision_id: RevisionId) -> str | None:
        if reading.usage.num_rows == 0:
            return None
        arrival = self.arrival
        stamp = RevisionStamp(
            self.lake.tenant, drop, self.profile, revision_id, arrival.file_id, arrival.name, arrival.sha256
        )
        return self.lake.write_usage(revision_id, drop.id_for(self.lake.tenant), reading.usage.stamped(stamp))

    def _taken(self, read: ReadFile, revisions: list[UsageRevision]) -> TakenFile:
        verdict = min((revision.verdict for revision in revisions), key=_GRAVEST.index)
        several = len(revisions) > 1
        reasons = [
            f"{_label(revision.drop)}: {reason}" if several else reason
            for revision in revisions
            for reason in revision.reasons
        ]
        return self._ended(read, verdict, tuple(dict.fromkeys(reasons)), tuple(revisions))

    def _without_drop(self, read: ReadFile, why: str) -> TakenFile:
        verdict, reasons = judge_file(self.profile, read, None)
        if verdict is not SourceVerdict.EMPTY:
            # What is published nowhere was not taken in.
            verdict = SourceVerdict.REFUSED
        return self._ended(read, verdict, (*reasons, f"{why}, so nothing is published"), ())

    def _ended(
        self,
        read: ReadFile,
        verdict: SourceVerdict,
        reasons: tuple[str, ...],
        revisions: tuple[UsageRevision, ...],
    ) -> TakenFile:
        arrival, rounded = self.arrival, read.rounded_amounts
        return TakenFile(arrival.file_id, arrival.name, verdict, reasons, revisions, read.rows, read.quantity, rounded)

    def _duplicate(self, current: list[UsageRevision]) -> TakenFile:
        reasons = tuple(
            f"the same content is revision {revision.revision} of {_label(revision.drop)} already"
            for revision in current
        )
        quantity = sum((revision.quantity for revision in current), Decimal(0))
        arrival = self.arrival
        return TakenFile(arrival.file_id, arrival.name, SourceVerdict.DUPLICATE, reasons, (), current[0].rows, quantity)
