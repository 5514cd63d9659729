"""A file becomes a revision of each drop it speaks for; a duplicate changes nothing, a refusal is published too."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from pipelines.identity import FileId
from pipelines.intake.drops import Arrival, ArrivalStatus, DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import OverlayAction, RowAccounting, RowError, RowOverlay
from pipelines.intake.take import TakenFile, overlay_hash, take_in
from resources.warehouse.lake import USAGE_SCHEMA, Lake
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)
"""Already August in Berlin."""

HEADER = "Account,Service,Quantity\n"
BY_ROW = profile_of(
    columns="{account_key: Account, service_key: Service, quantity: Quantity, period: Month}",
    arrives='{pattern: "x/*", period: from_column}',
    rows='{totals: {column: Account, match: "^Total$"}}',
)
BY_ROW_HEADER = "Account,Service,Quantity,Month\n"


@dataclass
class Ledger:
    """Remembers in memory what the store remembers on disk."""

    revisions: list[UsageRevision] = field(default_factory=list)
    rejected: dict[str, Sequence[RowError]] = field(default_factory=dict)
    decided: dict[DropIdentity, tuple[RowOverlay, ...]] = field(default_factory=dict)
    profiles: set[str] = field(default_factory=set)

    def current_revision(self, drop: DropIdentity) -> UsageRevision | None:
        return next((revision for revision in reversed(self.revisions) if revision.drop == drop), None)

    def overlays(self, drop: DropIdentity) -> tuple[RowOverlay, ...]:
        return self.decided.get(drop, ())

    def publish(self, revision: UsageRevision, rejected: Sequence[RowError]) -> None:
        self.revisions.append(revision)
        self.rejected[revision.revision_id] = rejected

    def record_profile(self, profile: ImportProfile, at: datetime) -> None:
        self.profiles.add(profile.version)

    def recorded_profile(self, name: str, version: str) -> ImportProfile | None:
        raise AssertionError("taking a file in never asks for an older profile")


@dataclass
class Desk:
    """One place to take files in at."""

    folder: Path
    ledger: Ledger = field(default_factory=Ledger)
    _ids: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.lake = Lake(self.folder / "lake", "msp")

    def take(
        self, content: str, profile: ImportProfile, period: str | None = "2026-07", part: str | None = None
    ) -> TakenFile:
        raw = self.folder / "raw.csv"
        raw.write_text(content, newline="")
        digest = hashlib.sha256(content.encode()).hexdigest()
        arrival = Arrival(
            file_id=FileId(f"file{next(self._ids)}"),
            path="x/raw.csv",
            name="raw.csv",
            version="1",
            size_bytes=len(content),
            sha256=digest,
            arrived_at=NOW,
            status=ArrivalStatus.WAITING,
            part=part,
        )
        return take_in(
            arrival,
            profile,
            raw,
            period=period,
            reader=DuckDbFileReader(),
            lake=self.lake,
            ledger=self.ledger,
            clock=lambda: NOW,
            new_id=lambda: f"rev{next(self._ids)}",
            zone=ZONE,
        )

    def rows(self, revision: UsageRevision) -> list[tuple[str, Decimal]]:
        assert revision.lake_path is not None
        kept = pq.read_table(self.lake.usage_file(revision.lake_path)).to_pylist()
        return [(row["account_key"], row["quantity"]) for row in kept]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("profile", "content"),
    [(profile_of(), HEADER + "Acme,M365,12\n"), (BY_ROW, BY_ROW_HEADER + "Acme,M365,12,2026-07\n")],
    ids=["one month for all rows", "months of rows"],
)
def test_what_another_run_published_meanwhile_is_not_followed_by_the_same_content(
    desk: Desk, profile: ImportProfile, content: str
) -> None:
    class Overtaken(Ledger):
        """Another run takes the same file in just before this one publishes."""

        def record_profile(self, profile: ImportProfile, at: datetime) -> None:
            if not self.profiles:
                super().record_profile(profile, at)
                desk.take(content, profile)

    desk.ledger = Overtaken()
    desk.take(content, profile)
    # The store takes only the next number: the second of these is refused, and read again it is a duplicate.
    assert [revision.revision for revision in desk.ledger.revisions] == [1, 1]


@pytest.mark.parametrize(
    ("period", "counted"),
    [
        pytest.param("2026-06", ["today", "near", "at the end of June"], id="the last day of a month that is over"),
        pytest.param("2026-08", ["today", "near"], id="the day the file came, before the month is over"),
    ],
)
def test_rows_are_near_the_day_for_which_the_file_speaks(desk: Desk, period: str, counted: list[str]) -> None:
    profile = profile_of(rows="{include: [{column: Seen, within_days: 30}]}", dates='["%Y-%m-%d"]')
    rows = "today,M,1,2026-08-01\nnear,M,1,2026-07-02\nat the end of June,M,1,2026-05-31\nlong ago,M,1,2026-05-30\n"
    taken = desk.take("Account,Service,Quantity,Seen\n" + rows + "never,M,1,\n", profile, period)
    assert [account for account, _ in desk.rows(taken.revisions[0])] == counted
    assert taken.rows.ignored == 5 - len(counted)


def test_a_whole_file_becomes_the_drop_s_first_revision(desk: Desk) -> None:
    profile = profile_of()
    taken = desk.take(HEADER + "Acme,M365,12\nBolt,M365,x\n", profile)
    (revision,) = taken.revisions
    assert (taken.verdict, taken.reasons, taken.quantity) == (SourceVerdict.COMPLETE, (), Decimal(12))
    assert taken.rows.as_json()["in"] == 3
    assert revision.drop == DropIdentity("Acme Distribution", "plain", "2026-07", "")
    assert (revision.revision, revision.file_id, revision.basis) == (1, taken.file_id, "subscription")
    assert (revision.profile_version, revision.overlay_hash, revision.created_at) == (profile.version, "", NOW)
    assert desk.rows(revision) == [("Acme", Decimal(12))]
    assert [error.row for error in desk.ledger.rejected[revision.revision_id]] == [3]
    assert desk.ledger.profiles == {profile.version}


def test_the_lake_keeps_every_column_of_a_row(desk: Desk) -> None:
    profile = profile_of(aggregate="{method: max, by: [account, service, term]}")
    (revision,) = desk.take(HEADER + "Acme\u00a0 Corp ,M365,12\n", profile, part="north").revisions
    assert revision.lake_path is not None
    kept = pq.read_table(desk.lake.usage_file(revision.lake_path))
    assert kept.schema.names == USAGE_SCHEMA.names
    (row,) = kept.to_pylist()
    expected = {
        "tenant": "msp",
        "source": "Acme Distribution",
        "profile": "plain",
        "profile_version": profile.version,
        "basis": "subscription",
        "period": "2026-07",
        "part": "north",
        "drop_id": revision.drop.id_for("msp"),
        "revision_id": revision.revision_id,
        "file_id": revision.file_id,
        "file_name": "raw.csv",
        "sha256": revision.sha256,
        "sheet": None,
        "row": 2,
        "account_key": "Acme\u00a0 Corp",
        "account_name": "Acme\u00a0 Corp",
        "service_key": "M365",
        "service_name": "M365",
        "match_account": "Acme Corp",
        "match_service": "M365",
        "quantity": Decimal(12),
        "charge_class": "recurring",
        "method": "max",
        "is_negated": False,
        "is_cycle": False,
        "is_rounded": False,
        "key_by_term": True,
    }
    assert {name: value for name, value in row.items() if name in expected} == expected
    assert {value for name, value in row.items() if name not in expected} == {None}


def test_the_same_content_is_a_duplicate_under_whatever_name(desk: Desk) -> None:
    desk.take(HEADER + "Acme,M365,12\n", profile_of())
    again = desk.take(HEADER + "Acme,M365,12\n", profile_of())
    assert (again.verdict, again.revisions, again.quantity) == (SourceVerdict.DUPLICATE, (), Decimal(12))
    assert again.reasons == ("the same content is revision 1 of 2026-07 already",)
    assert again.rows.valid == 1
    assert len(desk.ledger.revisions) == 1


def test_other_content_is_a_new_revision_and_so_is_an_older_one_put_back(desk: Desk) -> None:
    first, second = HEADER + "Acme,M365,12\n", HEADER + "Acme,M365,13\n"
    taken = [desk.take(content, profile_of()) for content in (first, second, first)]
    assert [file.revisions[0].revision for file in taken] == [1, 2, 3]
    assert taken[2].revisions[0].quantity == Decimal(12)


def test_a_changed_profile_reads_the_same_content_again(desk: Desk) -> None:
    content = HEADER + "Acme,M365,12\n"
    desk.take(content, profile_of())
    changed = desk.take(content, profile_of(rows="{zero: flag}"))
    assert changed.revisions[0].revision == 2


def test_parts_are_drops_of_their_own(desk: Desk) -> None:
    content = HEADER + "Acme,M365,12\n"
    north, south = desk.take(content, profile_of(), part="north"), desk.take(content, profile_of(), part="south")
    assert [file.revisions[0].revision for file in (north, south)] == [1, 1]


@pytest.mark.parametrize(
    ("content", "verdict", "reason"),
    [
        pytest.param("", SourceVerdict.EMPTY, "the file has no bytes", id="empty"),
        pytest.param(
            "Account,Service\n", SourceVerdict.REFUSED, "'Quantity' is missing in record 1", id="a lost column"
        ),
        pytest.param(HEADER + '"A,M,1\n', SourceVerdict.REFUSED, "record 2 opens a quote", id="an open quote"),
        pytest.param(HEADER + "A,M,x\n", SourceVerdict.INCOMPLETE, "all 1 data rows were rejected", id="all rejected"),
    ],
)
def test_a_file_that_cannot_speak_supersedes_without_rows(
    desk: Desk, content: str, verdict: SourceVerdict, reason: str
) -> None:
    desk.take(HEADER + "Acme,M365,12\n", profile_of())
    taken = desk.take(content, profile_of())
    (revision,) = taken.revisions
    assert (taken.verdict, revision.verdict, revision.revision, revision.lake_path) == (verdict, verdict, 2, None)
    assert any(reason in words for words in revision.reasons)
    assert revision.quantity == 0


def test_the_month_before_is_what_a_drop_is_measured_against(desk: Desk) -> None:
    desk.take(HEADER + "Acme,M365,12\n" * 5, profile_of(), "2026-06")
    assert desk.take(HEADER + "Acme,M365,12\n" * 2, profile_of(), "2026-07").verdict is SourceVerdict.INCOMPLETE
    assert desk.take(HEADER + "Acme,M365,12\n" * 2, profile_of(), "2026-07", "north").verdict is SourceVerdict.COMPLETE


@pytest.mark.parametrize("silent", ["", "Acme,M365,x\n"], ids=["empty", "all rejected"])
def test_quantities_are_measured_against_the_month_before_unless_it_had_no_valid_row(desk: Desk, silent: str) -> None:
    bounded = profile_of(arrives='{pattern: "{period}/x", period: from_path, complete: {max_quantity_move: 50%}}')
    assert desk.take(HEADER + silent, bounded, "2026-05").verdict is not SourceVerdict.COMPLETE
    assert desk.take(HEADER + "Acme,M365,10\n", bounded, "2026-06").verdict is SourceVerdict.COMPLETE
    taken = desk.take(HEADER + "Acme,M365,10000\n", bounded, "2026-07")
    assert taken.verdict is SourceVerdict.INCOMPLETE
    assert "those of the month before to 10:" in taken.reasons[0]


# --- months -----------------------------------------------------------------------------------------------------------


def test_a_file_without_a_month_is_read_and_nothing_is_published(desk: Desk) -> None:
    taken = desk.take(HEADER + "Acme,M365,12\n", profile_of(), None)
    assert (taken.verdict, taken.revisions, taken.quantity) == (SourceVerdict.REFUSED, (), Decimal(12))
    assert taken.reasons == ("nothing says which billing period the file is for, so nothing is published",)
    assert desk.ledger.revisions == []


def test_an_empty_file_without_a_month_stays_empty(desk: Desk) -> None:
    assert desk.take("", BY_ROW, None).verdict is SourceVerdict.EMPTY


def test_the_month_of_arrival_is_the_tenant_s_own(desk: Desk) -> None:
    profile = profile_of(arrives='{pattern: "x/*", period: from_arrival}')
    assert desk.take(HEADER + "Acme,M365,12\n", profile, None).revisions[0].drop.period == "2026-08"


def test_rows_of_two_months_become_two_revisions(desk: Desk) -> None:
    content = BY_ROW_HEADER + (
        "Acme,M365,12,2026-07\nAcme,M365,13,08.2026\nBolt,M365,x,2026-08\nBolt,M365,1,soon\n\nTotal,,26,\n"
    )
    taken = desk.take(content, BY_ROW, None)
    july, august = taken.revisions
    assert [revision.drop.period for revision in taken.revisions] == ["2026-07", "2026-08"]
    assert july.rows == RowAccounting(header=1, blank=1, ignored=2, totals=1, rejected=1, valid=1)
    assert august.rows.as_json()["ignored"] == 1
    assert august.rows.rejected == 2
    assert (desk.rows(july), desk.rows(august)) == ([("Acme", Decimal(12))], [("Acme", Decimal(13))])
    assert [error.row for error in desk.ledger.rejected[july.revision_id]] == [5]
    assert taken.rows.total == july.rows.total == august.rows.total
    assert (taken.verdict, taken.reasons) == (SourceVerdict.COMPLETE, ())


def test_a_total_that_names_its_month_is_compared_with_that_month(desk: Desk) -> None:
    content = BY_ROW_HEADER + "Acme,M365,12,2026-07\nAcme,M365,13,2026-08\nTotal,,12,2026-07\nTotal,,14,2026-08\n"
    taken = desk.take(content, BY_ROW, None)
    assert [revision.verdict for revision in taken.revisions] == [SourceVerdict.COMPLETE, SourceVerdict.INCOMPLETE]
    assert taken.verdict is SourceVerdict.INCOMPLETE
    assert taken.reasons == ("2026-08: the control total of record 5 says 14, all data rows add up to 13",)


def test_only_the_month_that_was_asked_for_is_published(desk: Desk) -> None:
    content = BY_ROW_HEADER + "Acme,M365,12,2026-07\nAcme,M365,13,2026-08\n"
    assert [r.drop.period for r in desk.take(content, BY_ROW, "2026-08").revisions] == ["2026-08"]
    nothing = desk.take(content, BY_ROW, "2026-09")
    assert nothing.verdict is SourceVerdict.EMPTY
    assert nothing.revisions[0].rows.ignored == 2


def test_a_file_of_several_months_is_a_duplicate_only_where_nothing_changed(desk: Desk) -> None:
    content = BY_ROW_HEADER + "Acme,M365,12,2026-07\nAcme,M365,13,2026-08\n"
    desk.take(content, BY_ROW, "2026-07")
    both = desk.take(content, BY_ROW, None)
    assert [revision.drop.period for revision in both.revisions] == ["2026-08"]
    again = desk.take(content, BY_ROW, None)
    assert (again.verdict, again.quantity) == (SourceVerdict.DUPLICATE, Decimal(25))


# --- decisions of people ----------------------------------------------------------------------------------------------


def decide(desk: Desk, drop: DropIdentity, error: RowError, **decision: str) -> RowOverlay:
    action = OverlayAction.FIX if "column" in decision else OverlayAction.IGNORE
    overlay = RowOverlay(
        row=error.row,
        record_hash=error.record_hash,
        action=action,
        column=decision.get("column"),
        value=decision.get("value"),
        reason=decision.get("reason"),
        decided_by="dana",
    )
    desk.ledger.decided[drop] = (*desk.ledger.decided.get(drop, ()), overlay)
    return overlay


def rejected(desk: Desk, content: str, profile: ImportProfile, period: str | None = "2026-07") -> UsageRevision:
    return desk.take(content, profile, period).revisions[0]


def test_a_fixed_cell_is_read_anew_and_the_reading_is_a_new_revision(desk: Desk) -> None:
    content = HEADER + "Acme,M365,12\nBolt,M365,1.2.3\n"
    first = rejected(desk, content, profile_of())
    overlay = decide(desk, first.drop, desk.ledger.rejected[first.revision_id][0], column="quantity ", value="3")
    second = desk.take(content, profile_of()).revisions[0]
    assert (second.revision, second.rows.rejected, second.quantity) == (2, 0, Decimal(15))
    assert second.overlay_hash == overlay_hash([overlay])
    assert desk.take(content, profile_of()).verdict is SourceVerdict.DUPLICATE


def test_a_disregarded_row_is_ignored_and_no_longer_fails_the_file(desk: Desk) -> None:
    profile = profile_of(rows="{failures: {match: could not}}")
    content = HEADER + "Acme,M365,12\nBolt,could not connect,0\n"
    first = rejected(desk, content, profile)
    assert first.verdict is SourceVerdict.INCOMPLETE
    decide(desk, first.drop, desk.ledger.rejected[first.revision_id][0], reason="retired")
    second = desk.take(content, profile).revisions[0]
    assert (second.verdict, second.rows.ignored, second.rows.rejected) == (SourceVerdict.COMPLETE, 1, 0)


def test_a_fix_applies_only_where_row_and_content_are_the_same(desk: Desk) -> None:
    first = rejected(desk, HEADER + "Bolt,M365,x\n", profile_of())
    decide(desk, first.drop, desk.ledger.rejected[first.revision_id][0], column="Quantity", value="3")
    moved = desk.take(HEADER + "Acme,M365,12\nBolt,M365,x\n", profile_of()).revisions[0]
    changed = desk.take(HEADER + "Bolt,M365,y\n", profile_of()).revisions[0]
    assert (moved.rows.rejected, changed.rows.rejected) == (1, 1)


def test_a_fix_that_cannot_be_stored_leaves_the_row_rejected(desk: Desk) -> None:
    content = HEADER + "Acme,M365,12\nBolt,M365,x\n"
    first = rejected(desk, content, profile_of())
    error = desk.ledger.rejected[first.revision_id][0]
    decide(desk, first.drop, error, column="Quantity", value="\udcff")
    decide(desk, first.drop, error, column="Gone", value="3")
    assert desk.take(content, profile_of()).revisions[0].rows.rejected == 1


def test_a_short_record_can_be_fixed_where_it_has_no_cell(desk: Desk) -> None:
    content = HEADER + "Acme,M365\nBolt,M365,1\n"
    first = rejected(desk, content, profile_of())
    decide(desk, first.drop, desk.ledger.rejected[first.revision_id][0], column="Quantity", value="3")
    assert desk.take(content, profile_of()).revisions[0].quantity == Decimal(4)


def test_a_fixed_month_moves_the_row_to_its_month(desk: Desk) -> None:
    content = BY_ROW_HEADER + "Acme,M365,12,2026-07\nBolt,M365,5,soon\n"
    july = rejected(desk, content, BY_ROW, None)
    decide(desk, july.drop, desk.ledger.rejected[july.revision_id][0], column="Month", value="2026-08")
    after = desk.take(content, BY_ROW, None).revisions
    assert [(revision.drop.period, revision.quantity, revision.rows.rejected) for revision in after] == [
        ("2026-07", Decimal(12), 0),
        ("2026-08", Decimal(5), 0),
    ]
    assert desk.take(content, BY_ROW, None).verdict is SourceVerdict.DUPLICATE


def test_the_name_of_decisions_does_not_depend_on_their_order() -> None:
    one = RowOverlay(2, "a", OverlayAction.FIX, "Quantity", "3", None, "dana")
    other = replace(one, row=3, action=OverlayAction.IGNORE, column=None, value=None, reason="test")
    assert overlay_hash([one, other]) == overlay_hash([other, one])
    assert overlay_hash([one]) != overlay_hash([replace(one, value="4")])
    assert overlay_hash([replace(one, decided_by="kim")]) == overlay_hash([one])
    assert overlay_hash([]) == ""
