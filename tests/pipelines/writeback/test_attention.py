"""What write-back leaves for people is told until it is settled or its month was reconciled again."""

from datetime import timedelta

import pytest

from pipelines.findings import FindingKind
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.attention import Ending, is_unreviewed, write_back_findings
from pipelines.writeback.ports import Cause, Stop, StopKind
from tests.pipelines.months import NOW, change


def kinds(status: ChangeStatus, cause: Cause | None) -> list[tuple[FindingKind, str]]:
    """The kinds and remedies of one change that ended so."""
    made = change(status=status)
    endings: dict[tuple[str, int], Ending]
    endings = {} if cause is None else {(made.change_id, made.revision): Ending(cause, "words", NOW)}
    found = write_back_findings(made.period, [made], endings, None, NOW - timedelta(hours=1))
    return [(finding.kind, finding.remedy) for finding in found]


@pytest.mark.parametrize(
    ("status", "cause", "kind", "remedy"),
    [
        (ChangeStatus.STALE, Cause.LINE_MOVED, FindingKind.STALE_APPROVAL, "run the month again"),
        (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE, FindingKind.STALE_APPROVAL, "run the month again"),
        (ChangeStatus.REFUSED, Cause.INACTIVE_TARGET, FindingKind.INACTIVE_TARGET, "decide in the PSA"),
        (ChangeStatus.REFUSED, Cause.REFUSED_BY_PSA, FindingKind.REFUSED_WRITE, "mend in the PSA"),
        (ChangeStatus.REFUSED, Cause.OUT_OF_BOUNDS, FindingKind.REFUSED_WRITE, "raise the bound"),
        (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON, FindingKind.REFUSED_WRITE, "look at the line in the PSA"),
        (ChangeStatus.UNKNOWN, Cause.ANSWER_LOST, FindingKind.UNSETTLED_WRITE, "wait"),
        (ChangeStatus.SENDING, None, FindingKind.UNSETTLED_WRITE, "wait"),
    ],
)
def test_what_needs_a_person_is_told_with_a_remedy(
    status: ChangeStatus, cause: Cause | None, kind: FindingKind, remedy: str
) -> None:
    [(found, words)] = kinds(status, cause)
    assert found is kind
    assert remedy in words


@pytest.mark.parametrize("status", [ChangeStatus.PROPOSED, ChangeStatus.APPROVED, ChangeStatus.WRITTEN])
def test_what_goes_well_is_no_finding(status: ChangeStatus) -> None:
    assert kinds(status, Cause.VERIFIED) == []


def test_a_finding_shows_the_line_and_both_numbers() -> None:
    made = change(status=ChangeStatus.STALE)
    endings: dict[tuple[str, int], Ending] = {
        (made.change_id, made.revision): Ending(Cause.LINE_MOVED, "the line holds 15", NOW)
    }
    [finding] = write_back_findings(made.period, [made], endings, None, None)
    assert finding.message == "Acme, M365 BP (line 1, 10 → 12): the line holds 15"
    assert (finding.source, finding.quantity, finding.currency) == ("Pax8", made.quantity_after, "USD")


def test_a_reconciliation_since_then_has_looked_at_the_line_anew() -> None:
    assert is_unreviewed(NOW, None)
    assert is_unreviewed(NOW, NOW - timedelta(seconds=1))
    assert not is_unreviewed(NOW, NOW + timedelta(seconds=1))
    made = change(status=ChangeStatus.STALE)
    endings: dict[tuple[str, int], Ending] = {(made.change_id, made.revision): Ending(Cause.LINE_MOVED, "words", NOW)}
    assert write_back_findings(made.period, [made], endings, None, NOW + timedelta(seconds=1)) == []


@pytest.mark.parametrize("kind", StopKind)
def test_a_stop_is_told_with_what_lets_it_go_on(kind: StopKind) -> None:
    [finding] = write_back_findings("2026-10", [], {}, Stop(kind, "the reason", "write-back", NOW), None)
    assert finding.kind is FindingKind.WRITE_BACK_STOPPED
    assert finding.message.endswith("approvals are kept: the reason")
    assert "trueup" in finding.remedy
