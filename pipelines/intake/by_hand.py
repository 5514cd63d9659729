"""A file that a person hands in: for which month and part, and why it may be refused.

Belongs here: what has to be said beside the file, its arrival.
Does not belong here: files of the inbox (``waiting``), reading one (``tries``).
"""

import unicodedata
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipelines.identity import FileId
from pipelines.intake.arrivals import period_of_arrival
from pipelines.intake.drops import Arrival, ArrivalStatus
from pipelines.intake.layout import PartFrom
from pipelines.intake.ports import IntakePorts
from pipelines.intake.profile import ImportProfile
from pipelines.intake.take import TakenFile
from pipelines.intake.tries import BY_HAND, read_once
from pipelines.periods import BillingPeriod


class HandedInError(ValueError):
    """A file handed in by hand does not say what it is for. ``str`` says what is to be added."""


class PeriodNeededError(HandedInError):
    """Nothing says which month a file handed in by hand is for."""


def take_by_hand(
    ports: IntakePorts, file: Path, profile: ImportProfile, period: str | None, part: str | None = None
) -> TakenFile:
    """Take one file in that a person named, for the month they named or the one the profile reads from it.

    Raises ``PeriodNeededError`` when neither says which month it is for, and ``HandedInError`` when the part is missing
    or the profile is not the one that the workspace knows by its name.
    """
    now = ports.clock()
    _check_handed_in(ports, profile, part)
    arrival = _handed_in(ports, file, profile, now, period or _month_by_hand(ports, file, profile, now))
    arrival = replace(arrival, part=unicodedata.normalize("NFC", part or ""))
    ports.arrivals.record(arrival)
    return read_once(replace(ports, profiles={**ports.profiles, profile.name: profile}), arrival, period)


def _check_handed_in(ports: IntakePorts, profile: ImportProfile, part: str | None) -> None:
    if part and profile.part_column is not None:
        raise HandedInError(f"each row of {profile.name} says which part of the month it is for: leave --part out")
    has_parts = profile.arrives is not None and profile.arrives.part is PartFrom.PATH
    if has_parts and not part:
        # Beside its parts a file without one would be added to them.
        raise HandedInError(f"a month of {profile.name} comes in parts: say which one the file is, --part NAME")
    if part and not has_parts:
        raise HandedInError(f"a month of {profile.name} comes in one file: leave --part out")
    known = ports.profiles.get(profile.name, profile)
    if known.version != profile.version:
        raise HandedInError(
            f"the workspace knows another profile named {profile.name!r} and would read the file again with that one: "
            "give yours another name, or put it into the folder profiles"
        )


def _month_by_hand(ports: IntakePorts, file: Path, profile: ImportProfile, now: datetime) -> str:
    """The month that the profile reads from a file handed in now; that of today where each row has its own."""
    if profile.period_column is not None:
        return BillingPeriod.containing(now, ports.zone).key
    arrived = period_of_arrival(profile.arrives, now, ports.zone) if profile.arrives else None
    if arrived is None:
        raise PeriodNeededError(f"say which month {file.name} is for: --period YYYY-MM")
    return arrived.key


def _handed_in(ports: IntakePorts, file: Path, profile: ImportProfile, now: datetime, period: str) -> Arrival:
    sha256 = ports.archive.store(file)
    return Arrival(
        file_id=FileId(ports.new_id()),
        path=file.name,
        name=file.name,
        version=f"{BY_HAND}{sha256}",
        size_bytes=file.stat().st_size,
        sha256=sha256,
        arrived_at=now,
        status=ArrivalStatus.WAITING,
        source=profile.source,
        profile=profile.name,
        period=period,
    )
