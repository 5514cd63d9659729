"""One try to read an archived file: may it be read, how did it end, where does the file stand then.

Belongs here: tries and their number, files that may not be read any more, the status after a reading.
Does not belong here: which files are to be read (``waiting``, ``by_hand``), what a reading is (``take``).
"""

import errno
from collections.abc import Sequence

from pipelines.intake.drops import Arrival, ArrivalStatus, Sighting, SourceVerdict
from pipelines.intake.ports import IntakePorts
from pipelines.intake.profile import ImportProfile
from pipelines.intake.take import Renewal, TakenFile, take_in

MOST_ATTEMPTS = 3
"""Tries before a file that cannot be read is quarantined for a person (contract: quarantine after N failed tries)."""

BY_HAND = "by hand, "
"""How the version of a file begins that a person handed in: it has none in the inbox."""


def is_by_hand(arrival: Arrival | Sighting) -> bool:
    """Whether a person handed the file in. It is then its command's own affair, and never taken by a run unasked."""
    return arrival.version.startswith(BY_HAND)


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class FileSetAsideError(Exception):
    """A waiting file was put into quarantine unread. ``str`` says why and what to do."""


def read_once(ports: IntakePorts, arrival: Arrival, only: str | None = None) -> TakenFile:
    """Try to read an archived file, and remember how it ended. Whatever went wrong is raised.

    ``only`` restricts a file whose rows have their own months to one of them. A file that cannot be read for another
    reason than its data is quarantined after ``MOST_ATTEMPTS`` tries. One that a full disk had no room for was not
    tried: it waits until there is room.
    """
    attempt = ports.arrivals.start_attempt(arrival.file_id, ports.clock())
    try:
        profile = _profile(ports, str(arrival.profile))
        is_by_row = profile.period_column is not None
        _check_readable(ports, arrival, attempt, is_by_row)
        taken = read_for(ports, arrival, profile, only if is_by_row else arrival.period)
    except Exception as error:
        _remember_failure(ports, arrival, attempt, error)
        raise
    ports.arrivals.finish_attempt(arrival.file_id, attempt, ports.clock(), str(taken.verdict), None)
    status, reasons = _standing(ports, arrival, taken)
    ports.arrivals.settle(arrival.file_id, status, "; ".join(reasons) or None)
    return taken


def _profile(ports: IntakePorts, name: str) -> ImportProfile:
    if name not in ports.profiles:
        raise LookupError(f"the import profile {name!r} is not there any more (trueup profiles list)")
    return ports.profiles[name]


def _check_readable(ports: IntakePorts, arrival: Arrival, attempt: int, is_by_row: bool) -> None:
    """Raises ``FileSetAsideError`` for a file that must not be read without a person's word.

    That is one whose tries all ended with the process, and one that a later arrival for the same drop has overtaken:
    old figures must not replace newer ones because an old failure was mended. A released file is a person's decision.
    """
    if arrival.attempts >= MOST_ATTEMPTS:
        raise FileSetAsideError(f"tried {arrival.attempts} times, and the process ended each time while it was read")
    later = _overtaking(ports, arrival, is_by_row)
    if later and attempt == arrival.attempts + 1:
        raise FileSetAsideError(
            f"{later.path} arrived later for the same month and was read already; "
            f"release this file to put it in its place (trueup inbox release {arrival.file_id})"
        )


def _overtaking(ports: IntakePorts, arrival: Arrival, is_by_row: bool) -> Arrival | None:
    """A later arrival for the same drop that was read before; where rows have their own months, for any month."""
    for other in ports.arrivals.read_after(arrival):
        if other.part == arrival.part and (is_by_row or other.period == arrival.period):
            return other
    return None


def _remember_failure(ports: IntakePorts, arrival: Arrival, attempt: int, error: Exception) -> None:
    if isinstance(error, OSError) and error.errno in _NO_ROOM and not is_by_hand(arrival):
        ports.arrivals.withdraw_attempt(arrival.file_id, attempt)
        return
    words = str(error) if isinstance(error, FileSetAsideError) else f"{type(error).__name__}: {error}"
    ports.arrivals.finish_attempt(arrival.file_id, attempt, ports.clock(), "failed", words)
    if isinstance(error, FileSetAsideError) or is_by_hand(arrival):
        # Who handed it in is told at once, and hands it in again.
        ports.arrivals.settle(arrival.file_id, ArrivalStatus.QUARANTINED, words)
    elif arrival.attempts + 1 >= MOST_ATTEMPTS:
        ports.arrivals.settle(arrival.file_id, ArrivalStatus.QUARANTINED, f"tried {MOST_ATTEMPTS} times: {words}")


def _standing(ports: IntakePorts, arrival: Arrival, taken: TakenFile) -> tuple[ArrivalStatus, Sequence[str]]:
    """Where a file stands once it was read.

    A duplicate of its own reading, published before the process ended or before a release, stands as that reading does.
    """
    own = [r for r in ports.arrivals.current_revisions(str(arrival.period)) if r.file_id == arrival.file_id]
    if taken.verdict is SourceVerdict.DUPLICATE and own:
        return _SETTLED[own[0].verdict], own[0].reasons
    return _SETTLED[taken.verdict], taken.reasons


_SETTLED = {
    SourceVerdict.COMPLETE: ArrivalStatus.TAKEN,
    SourceVerdict.INCOMPLETE: ArrivalStatus.TAKEN,
    SourceVerdict.EMPTY: ArrivalStatus.TAKEN,
    SourceVerdict.DUPLICATE: ArrivalStatus.DUPLICATE,
    SourceVerdict.REFUSED: ArrivalStatus.REFUSED,
}


def read_for(
    ports: IntakePorts,
    arrival: Arrival,
    profile: ImportProfile,
    period: str | None,
    renewal: Renewal | None = None,
) -> TakenFile:
    """Take an archived file in with these ports: for one month, or for those that the profile reads from it.

    ``renewal`` is what is to be made anew.
    """
    return take_in(
        arrival,
        profile,
        ports.archive.path(arrival.sha256),
        period=period,
        renewal=renewal,
        reader=ports.reader,
        lake=ports.lake,
        ledger=ports.usage,
        clock=ports.clock,
        new_id=ports.new_id,
        zone=ports.zone,
    )
