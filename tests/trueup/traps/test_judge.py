"""The judge of scenarios: exact figures first, then what had to be said, then what must not be."""

from typing import Any

import pytest

from tests.trueup.traps.scenarios import line, scenario
from trueup.traps.judge import TrapVerdict, judge, raised_flags


def change(**fields: Any) -> dict[str, Any]:
    """A proposed increase of line 1 to 12, as ``changes list --json`` shows it."""
    plain = {"status": "proposed", "kind": "increase", "line_id": "1", "quantity_after": "12", "needs": [], "flags": []}
    return plain | fields


def run(verdict: str = "complete", totals: int = 0) -> dict[str, Any]:
    """A run with one source."""
    return {"verdict": "reconciled", "sources": [{"source": "main", "verdict": verdict, "rows": {"totals": totals}}]}


def finding(kind: str) -> dict[str, Any]:
    """A finding, as ``findings --json`` shows it."""
    return {"kind": kind, "message": "…"}


def expecting(proposals: dict[Any, Any], *flags: str, forbidden: tuple[str, ...] = (), **fields: Any) -> Any:
    """A scenario with two lines and this expectation."""
    expect = {"proposals": proposals, "flags": list(flags), "flags_forbidden": list(forbidden)}
    return scenario(expect=expect, psa_lines=[line(), line(line=2, product_id=502)], **fields)


def test_the_expected_figure_alone_is_right() -> None:
    judgement = judge(expecting({1: 12}), run(), [change()], [])
    assert judgement.is_right
    assert judgement.words == "1 → 12"


def test_figures_compare_as_numbers() -> None:
    assert judge(expecting({1: "12.0"}), run(), [change(quantity_after="12.00")], []).is_right


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param([change(quantity_after="24")], "line 1 goes to 24, where 12 is due", id="another figure"),
        pytest.param([change(), change(line_id="2")], "line 2 goes to 12, where nothing is due", id="another line"),
    ],
)
def test_any_figure_that_is_not_expected_is_a_wrong_write(changes: list[dict[str, Any]], words: str) -> None:
    judgement = judge(expecting({1: 12}, "vanished"), run(), changes, [])
    assert (judgement.verdict, judgement.words) == (TrapVerdict.WRONG_WRITE, words)


def test_a_proposal_that_is_due_and_absent_is_missed() -> None:
    judgement = judge(expecting({1: 12}), run(), [], [finding("held")])
    assert (judgement.verdict, judgement.words) == (TrapVerdict.MISSED, "line 1 should go to 12, nothing stands")


def test_new_found_revenue_has_no_line_and_is_not_judged() -> None:
    assert judge(expecting({1: 12}), run(), [change(), change(kind="unbilled", line_id=None)], []).is_right


@pytest.mark.parametrize("status", ["superseded", "declined", "approved", "written", "stale"])
def test_only_proposed_changes_count_as_proposals(status: str) -> None:
    assert judge(expecting({}), run(), [change(status=status)], []).is_right


def test_in_the_write_phase_what_was_carried_out_counts() -> None:
    written = expecting({1: 12}, phase="write")
    assert judge(written, run(), [change(status="written")], []).is_right
    assert judge(written, run(), [change(status="proposed")], []).verdict is TrapVerdict.MISSED


def test_a_flag_that_was_due_and_not_raised_is_told() -> None:
    judgement = judge(expecting({1: 12}, "proration"), run(), [change()], [])
    assert (judgement.verdict, judgement.words) == (TrapVerdict.UNFLAGGED, "proration is not raised")


def test_a_forbidden_flag_is_told() -> None:
    vanished = change(kind="vanished", quantity_after="0", needs=["confirm_zero"])
    judgement = judge(expecting({1: 0}, forbidden=("vanished",)), run(), [vanished], [])
    assert (judgement.verdict, judgement.words) == (TrapVerdict.FORBIDDEN_FLAG, "vanished is raised and must not be")


def test_more_flags_than_expected_do_no_harm() -> None:
    judgement = judge(
        expecting({}, "incomplete-source"), run("empty"), [], [finding("incomplete_source"), finding("held")]
    )
    assert (judgement.is_right, judgement.words) == (True, "nothing · incomplete-source")


@pytest.mark.parametrize(
    ("flag", "document", "changes", "findings"),
    [
        pytest.param("incomplete-source", run(), [], [finding("incomplete_source")], id="incomplete by finding"),
        pytest.param("incomplete-source", run("refused"), [], [], id="incomplete by verdict"),
        pytest.param("unmapped", run(), [], [finding("unmapped_account")], id="unmapped account"),
        pytest.param("unmapped", run(), [], [finding("unmapped_service")], id="unmapped service"),
        pytest.param("ambiguous-target", run(), [], [finding("ambiguous_target")], id="ambiguous"),
        pytest.param("proration", run(), [], [finding("proration")], id="proration by finding"),
        pytest.param("proration", run(), [change(flags=["proration"])], [], id="proration on the change"),
        pytest.param("stale-approval", run(), [], [finding("stale_approval")], id="stale by finding"),
        pytest.param("stale-approval", run(), [change(status="stale")], [], id="stale by status"),
        pytest.param("rejected-row", run(), [], [finding("rejected_row")], id="rejected row"),
        pytest.param("rejected-row", run(totals=1), [], [], id="a control total set aside"),
        pytest.param("vanished", run(), [change(kind="vanished", needs=["confirm_zero"])], [], id="vanished"),
        pytest.param("mixed-basis", run(), [], [finding("mixed_basis")], id="a kind that is its own flag"),
    ],
)
def test_each_flag_is_raised_by_what_carries_it(
    flag: str, document: dict[str, Any], changes: list[dict[str, Any]], findings: list[dict[str, Any]]
) -> None:
    assert flag in raised_flags(document, changes, findings)


def test_a_vanished_change_without_its_own_tick_or_withdrawn_raises_nothing() -> None:
    loose = change(kind="vanished")
    withdrawn = change(kind="vanished", needs=["confirm_zero"], status="superseded")
    assert raised_flags(run(), [loose, withdrawn], []) == set()
