"""A run of write-back as Dagster sees it: counts, checks, and refusals that no retry mechanism takes up again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.jobs import write_back
from assets.partitions import TENANTS
from assets.writeback import agreement_updates, batch_result
from pipelines.review.approval import Actor, DecisionAction, Wish, decide_named
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.ports import Cause, Lease, Outcome, Stop, StopKind
from resources.dagster_home import prepare_dagster_home
from resources.settings import create_workspace, load_settings, set_setting
from resources.store import changes, copies
from resources.wiring import Workspaces
from resources.workspace import Workspace
from sensors.approvals import approved_changes
from tests.journeys.desk import SEED
from tests.resources.store import samples
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
SEED_PRICE, SEED_COST = Decimal(22), Decimal(18)
"""What line 1 of the seed sells and costs at."""


def outcome(status: ChangeStatus, cause: Cause) -> Outcome:
    """How one change ended."""
    return Outcome(samples.change(needs=()), "batch", status, cause, "words", NOW)


def passed(batch: BatchOutcome) -> dict[str, bool]:
    """Check name to whether it is green."""
    return {str(check.check_name): check.passed for check in batch_result(batch).check_results}


def test_every_end_is_counted_even_where_there_is_none() -> None:
    batch = BatchOutcome("batch")
    batch.conclude(outcome(ChangeStatus.WRITTEN, Cause.VERIFIED))
    metadata = batch_result(batch).metadata or {}
    assert {name: metadata[name] for name in ("written", "stale", "refused", "unknown", "approved", "waiting")} == {
        "written": 1,
        "stale": 0,
        "refused": 0,
        "unknown": 0,
        "approved": 0,
        "waiting": 0,
    }


@pytest.mark.parametrize(
    ("matter", "red"),
    [
        (ChangeStatus.STALE, "no_approval_is_stale"),
        (ChangeStatus.UNKNOWN, "every_write_is_verified"),
        (ChangeStatus.SENDING, "every_write_is_verified"),
        (ChangeStatus.REFUSED, "write_back_goes_on"),
    ],
)
def test_a_matter_that_waits_for_a_person_turns_its_check_red(matter: ChangeStatus, red: str) -> None:
    batch = BatchOutcome("batch", open_matters={matter: 1})
    assert {name for name, is_green in passed(batch).items() if not is_green} == {red}


def test_a_tenant_that_stands_still_is_red() -> None:
    batch = BatchOutcome("batch", stop=Stop(StopKind.CREDENTIALS, "the keys are wrong", "write-back", NOW))
    assert {name for name, is_green in passed(batch).items() if not is_green} == {"write_back_goes_on"}


# --- the three retry mechanisms -------------------------------------------------------------------------------------


@pytest.fixture
def psa() -> Iterator[SandboxHandle]:
    """A PSA whose line 1 holds ten."""
    with running_sandbox(SEED) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path, psa: SandboxHandle) -> Iterator[Workspace]:
    """A workspace in which a change of line 1 from 10 to 12 is approved."""
    create_workspace(tmp_path, tenant="acme", created_at=NOW)
    set_setting(tmp_path, "psa.base_url", psa.url)
    set_setting(tmp_path, "psa.allow_loopback", "true")
    opened = Workspace(load_settings(tmp_path, {}))
    with opened.store.transaction() as conn:
        copies.record_copy(conn, "acme", samples.copy(base_url=psa.url, company="sandbox"))
        changes.insert_changes(conn, "acme", [samples.change(needs=(), unit_price=SEED_PRICE, unit_cost=SEED_COST)])
    wish = Wish(DecisionAction.APPROVED, Actor("dana", is_asserted=True))
    decided = decide_named(opened.decision_ledger, ["change-1@1"], wish, now=NOW, new_id=opened.new_id)
    assert len(decided.decisions) == 1
    yield opened
    opened.close()


def run_with_op_retries(workspace: Workspace) -> list[dg.DagsterEvent]:
    """The asset in a job that would start a failed step three times more; every event of the run."""
    eager = dg.define_asset_job("eager", selection="agreement_updates", op_retry_policy=dg.RetryPolicy(max_retries=3))
    folders = [str(workspace.settings.root)]
    definitions = dg.Definitions(
        assets=[dg.AssetSpec("proposed_changes"), agreement_updates],
        jobs=[eager],
        resources={"workspaces": Workspaces(folders=folders)},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(TENANTS.name), ["acme"])
        result = definitions.resolve_job_def("eager").execute_in_process(
            instance=instance, partition_key="acme", raise_on_error=False
        )
        return list(result.all_events)


def status(workspace: Workspace) -> ChangeStatus:
    """Where the change stands."""
    with workspace.store.reading() as conn:
        return changes.latest_changes(conn, "acme")[0].status


@pytest.mark.parametrize(
    ("meanwhile", "ends"),
    [
        ({"lines": [{"id": "1", "quantity": "15"}]}, ChangeStatus.STALE),
        ({"agreements": [{"id": "9001", "active": False}]}, ChangeStatus.REFUSED),
    ],
    ids=["edited by hand", "agreement cancelled"],
)
def test_a_refusal_is_permanent_for_steps_runs_and_sensor(
    workspace: Workspace, psa: SandboxHandle, meanwhile: dict[str, object], ends: ChangeStatus
) -> None:
    psa.merge(meanwhile)
    events = run_with_op_retries(workspace)
    assert status(workspace) is ends
    assert [event.event_type_value for event in events if event.is_step_event].count("STEP_START") == 1
    assert not any(event.is_step_up_for_retry for event in events)

    asked = approved_changes(workspaces=Workspaces(folders=[str(workspace.settings.root)]))
    assert isinstance(asked, dg.SensorResult)
    assert asked.run_requests == []
    assert psa.writes() == []


def test_an_approval_is_asked_for_until_it_ended(workspace: Workspace, psa: SandboxHandle) -> None:
    folders = Workspaces(folders=[str(workspace.settings.root)])
    asked = approved_changes(workspaces=folders)
    assert isinstance(asked, dg.SensorResult)
    assert [request.partition_key for request in asked.run_requests or ()] == ["acme"]
    run_with_op_retries(workspace)
    assert status(workspace) is ChangeStatus.WRITTEN
    again = approved_changes(workspaces=folders)
    assert isinstance(again, dg.SensorResult)
    assert again.run_requests == []
    assert [(write["line_id"], write["after"]) for write in psa.writes()] == [("1", "12")]


def test_nothing_is_asked_for_while_write_back_stands_still(workspace: Workspace, psa: SandboxHandle) -> None:
    ledger, now = workspace.write_ledger, workspace.clock()
    fence = ledger.take_lease("test", now, now)
    assert fence is not None
    ledger.halt(Lease(fence, now), Stop(StopKind.CREDENTIALS, "the keys are wrong", "write-back", now))
    asked = approved_changes(workspaces=Workspaces(folders=[str(workspace.settings.root)]))
    assert isinstance(asked, dg.SensorResult)
    assert asked.run_requests == []


def test_dagster_starts_no_run_of_write_back_anew(workspace: Workspace) -> None:
    assert (write_back.tags or {})["dagster/max_retries"] == "0"
    home = prepare_dagster_home(workspace.settings)
    assert yaml.safe_load((home / "dagster.yaml").read_text())["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert agreement_updates.op.retry_policy is None
    assert not any(spec.automation_condition for spec in agreement_updates.specs)
