"""One line of Syncro looked at, set or made: what keeps it from being written, what is sent, what an answer means.

Belongs here: the adapter that write-back uses, over real HTTP against the sandbox, judged by the contract.
Does not belong here: the order of steps, what follows from an answer (``pipelines.writeback``).
"""

import json
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, Heard, LineSeen
from resources.psa.errors import Gone
from resources.psa.http import Timeouts
from resources.psa.kinds import SYNCRO
from resources.psa.syncro import Syncro, SyncroCredentials
from resources.psa.syncro_writing import SyncroBilling, request_of
from resources.psa.writing import FRESH_SECONDS
from tests.resources.psa.conftest import QUICK
from tests.resources.psa.syncro_contract import under_contract
from tests.resources.psa.syncro_tenant import KEYS, URL, answering, connected, syncro_sandbox
from tests.resources.psa.test_connectwise_writing import change
from tests.sandbox.seeds import account, agreement, line, service
from trueup.sandbox.psa.running import SandboxHandle

TODAY = date(2026, 11, 3)
LINE = "/schedules/9001/line_items/1"


@pytest.fixture
def sandbox() -> Any:
    """A tenant with one line of ten, and a second service that nobody bills."""
    with syncro_sandbox(services=[service("77"), service("78", unit_price="36.50", unit_cost="30.00")]) as running:
        yield running


def billing(psa: Syncro, clock: Callable[[], float] = time.monotonic) -> SyncroBilling:
    """A connection as write-back sees it."""
    return SyncroBilling(psa, PsaIdentity("syncro", URL, "acme"), clock)


def new_line(**parts: Any) -> Change:
    """Three of a service that Acme's agreement does not bill."""
    usual: dict[str, Any] = {
        "kind": DeltaKind.UNBILLED,
        "service_id": "78",
        "service_name": "M365 E3",
        "line_id": None,
        "quantity_before": None,
        "quantity_after": Decimal(3),
        "unit_price": Decimal("36.50"),
        "unit_cost": Decimal("30.00"),
    }
    return change(**usual | parts)


def seen_on(sandbox: SandboxHandle, wanted: Change) -> LineSeen:
    with connected(sandbox) as psa:
        return billing(psa).see_line(wanted, TODAY)


# --- looking at a line ------------------------------------------------------------------------------------------------


def test_a_line_that_may_be_written_is_seen_with_every_number(sandbox: SandboxHandle) -> None:
    assert seen_on(sandbox, change()) == LineSeen(Decimal(10), "77", Decimal("22.00"), Decimal("18.00"), obstacle=None)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            "agreement 9001 is cancelled, expired or ended",
            id="a paused schedule",
        ),
        pytest.param(
            {"accounts": [{"id": "250", "active": False}]}, "account 250 is inactive in the PSA", id="an account"
        ),
        pytest.param(
            {"accounts": [account("251")], "agreements": [{"id": "9001", "account": "251"}]},
            "agreement 9001 belongs to account 251, not to 250",
            id="a schedule of another account",
        ),
    ],
)
def test_what_must_not_be_written_is_seen_with_the_reason(
    sandbox: SandboxHandle, edit: dict[str, Any], words: str
) -> None:
    sandbox.merge(edit)
    seen = seen_on(sandbox, change())
    assert (seen.obstacle, seen.quantity) == (words, Decimal(10))
    assert seen_on(sandbox, new_line()).obstacle == words


def test_a_line_that_left_its_schedule_is_gone(sandbox: SandboxHandle) -> None:
    sandbox.merge({"agreements": [agreement("9002")], "lines": [{"id": "1", "agreement": "9002"}]})
    seen = seen_on(sandbox, change())
    assert (seen.quantity, seen.obstacle) == (
        None,
        "it is not in the PSA any more: schedule 9001 holds no line 1",
    )


@pytest.mark.parametrize("gone", ["schedules/9001", "customers/250", "products/78"])
def test_a_record_that_is_gone_is_an_obstacle_with_its_path(sandbox: SandboxHandle, gone: str) -> None:
    sandbox.set_faults({"rules": [{"match": f"{gone}$", "do": "404"}]})
    seen = seen_on(sandbox, new_line())
    assert (seen.quantity, seen.service_id) == (None, None)
    assert str(seen.obstacle).startswith("it is not in the PSA any more: GET ")
    assert gone in str(seen.obstacle)


def test_a_404_while_the_token_cannot_be_tried_says_nothing_about_the_line(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "9001", "do": "404"}, {"match": "customers$", "do": "500"}]})
    with connected(sandbox, judges_answers=False) as psa, pytest.raises(PsaUnavailable, match="customers: HTTP 500"):
        billing(psa).see_line(change(), TODAY)


@pytest.mark.parametrize("do", ["401", "403"])
def test_missing_rights_are_told_as_such(sandbox: SandboxHandle, do: str) -> None:
    sandbox.set_faults({"rules": [{"match": "schedules", "do": do}]})
    with pytest.raises(PsaForbidden, match="check the keys"):
        seen_on(sandbox, change())


@pytest.mark.parametrize("do", ["500", "drop", "html", "truncated", "400", "422", "429:0s", "empty"])
@pytest.mark.parametrize("path", ["schedules/9001", "customers/250", "products/78"])
def test_a_line_of_which_nothing_can_be_said_is_no_line_that_is_gone(
    sandbox: SandboxHandle, path: str, do: str
) -> None:
    sandbox.set_faults({"rules": [{"match": path, "do": do}]})
    with connected(sandbox, judges_answers=False) as psa, pytest.raises(PsaUnavailable) as caught:
        billing(psa).see_line(new_line(), TODAY)
    assert not isinstance(caught.value, PsaForbidden | Gone)


def _with_item(wanted: Change, *items: dict[str, Any]) -> LineSeen:
    """What is seen when the schedule holds these lines."""
    usual = {"product_id": 77, "quantity": "10.0", "retail_cents": 2200, "cost_cents": 1800}
    answers = {
        "schedules/9001": {
            "schedule": {"id": 9001, "customer_id": 250, "lines": [{**usual, **item} for item in items]}
        },
        "customers/250": {"customer": {"id": 250, "business_name": "Acme"}},
        "products/77": {"product": {"id": 77, "name": "Plan", "price_retail": 22, "price_cost": 18}},
    }
    with answering(answers) as psa:
        return billing(psa).see_line(wanted, TODAY)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        pytest.param(
            {"recurring_type_id": 4},
            "the quantity of line 1 is counted by Syncro itself (recurring_type_id): TrueUp leaves it alone",
            id="counted",
        ),
        pytest.param(
            {"device_ids": [8]},
            "the quantity of line 1 is counted by Syncro itself (device_ids): TrueUp leaves it alone",
            id="counted from devices",
        ),
        pytest.param({"one_time_charge": True}, "line 1 bills no product, or is charged only once", id="once"),
        pytest.param({"product_id": None}, "line 1 bills no product, or is charged only once", id="a text"),
        pytest.param(
            {"quantity": "0.12345678901"},
            "line 1 of schedule 9001: quantity 0.12345678901 has more than 10 decimal places; correct it in the PSA",
            id="too fine",
        ),
    ],
)
def test_a_line_that_trueup_does_not_understand_is_left_alone(item: dict[str, Any], words: str) -> None:
    assert _with_item(change(), {"id": 1, **item}).obstacle == words


def test_another_line_in_strange_words_does_not_keep_this_one_from_being_written() -> None:
    assert _with_item(change(), {"id": 1}, {"id": 2, "quantity": None}).obstacle is None


def test_the_schedule_is_always_read_anew_and_its_account_after_half_a_minute(sandbox: SandboxHandle) -> None:
    judged, seconds = under_contract(), [0.0]
    with connected(sandbox, judged) as opened:
        psa = billing(opened, lambda: seconds[0])
        psa.see_line(change(), TODAY)
        psa.see_line(change(), TODAY)
        assert judged.paths() == ["/schedules/9001", "/customers/250", "/schedules/9001"]
        seconds[0] = FRESH_SECONDS + 0.1
        sandbox.merge({"accounts": [{"id": "250", "active": False}]})
        assert psa.see_line(change(), TODAY).obstacle == "account 250 is inactive in the PSA"


# --- looking where a line is to be made -------------------------------------------------------------------------------


def test_where_nothing_stands_the_catalogue_s_numbers_are_seen(sandbox: SandboxHandle) -> None:
    seen = seen_on(sandbox, new_line())
    assert seen == LineSeen(None, "78", Decimal("36.50"), Decimal("30.00"), obstacle=None)


def test_where_one_line_stands_its_own_numbers_are_seen(sandbox: SandboxHandle) -> None:
    sandbox.merge({"lines": [line("2", service="78", quantity="3", unit_price="35.00", unit_cost="29.00")]})
    assert seen_on(sandbox, new_line()) == LineSeen(Decimal(3), "78", Decimal(35), Decimal(29), obstacle=None)


def test_where_several_lines_stand_they_are_named(sandbox: SandboxHandle) -> None:
    sandbox.merge({"lines": [line("2", service="78", quantity="3"), line("3", service="78", quantity="1.5")]})
    seen = seen_on(sandbox, new_line())
    assert seen.quantity is None
    assert seen.obstacle == "agreement 9001 bills service 78 on several lines: 2 (3), 3 (1.5)"


def test_a_line_on_another_agreement_is_none_here(sandbox: SandboxHandle) -> None:
    sandbox.merge({"agreements": [agreement("9002")], "lines": [line("2", agreement="9002", service="78")]})
    assert seen_on(sandbox, new_line()).quantity is None


def test_a_new_line_without_an_agreement_stands_nowhere(sandbox: SandboxHandle) -> None:
    seen = seen_on(sandbox, new_line(agreement_id=None))
    assert seen.obstacle == "no agreement is named on which the line stands"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param({"active": False}, "service 78 is inactive in the PSA", id="disabled"),
        pytest.param(
            {"unit_price": "36.505"},
            "the price of service 78 is 36.505, and a line of Syncro holds whole cents",
            id="a price finer than a cent",
        ),
        pytest.param(
            {"unit_cost": "0.001"},
            "the cost of service 78 is 0.001, and a line of Syncro holds whole cents",
            id="a cost finer than a cent",
        ),
    ],
)
def test_a_service_that_cannot_be_billed_as_it_is_makes_no_line(
    sandbox: SandboxHandle, edit: dict[str, Any], words: str
) -> None:
    sandbox.merge({"services": [{"id": "78", **edit}]})
    assert seen_on(sandbox, new_line()).obstacle == words


def test_a_new_line_is_not_made_before_its_day(sandbox: SandboxHandle) -> None:
    with connected(sandbox) as psa:
        early = billing(psa).see_line(new_line(effective_date=date(2026, 11, 4)), TODAY)
        due = billing(psa).see_line(new_line(effective_date=TODAY), TODAY)
    assert early.obstacle == "the new line is to begin on 2026-11-04, and Syncro bills one from the moment it is made"
    assert due.obstacle is None


def test_a_standing_line_that_syncro_counts_is_an_obstacle_to_a_new_one() -> None:
    wanted = new_line(service_id="77")
    seen = _with_item(wanted, {"id": 1, "asset_type_id": 2}, {"id": 2, "one_time_charge": True})
    assert seen.quantity == Decimal(10)
    assert "is counted by Syncro itself (asset_type_id)" in str(seen.obstacle)


# --- sending ----------------------------------------------------------------------------------------------------------


def test_one_request_sets_the_quantity_and_nothing_else(sandbox: SandboxHandle) -> None:
    request = request_of(change())
    assert request.as_document() == {"method": "PUT", "path": f"/api/v1{LINE}", "body": '{"quantity":"12"}'}
    assert SYNCRO.preview(change()) == request
    judged, before = under_contract(), sandbox.state()["lines"][0]
    with connected(sandbox, judged) as psa:
        assert billing(psa).send(request) == Answer(Heard.ACCEPTED, "accepted", None)
    ((sent, _),) = judged.exchanges
    assert (sent.method, sent.url.path, sent.content.decode()) == (request.method, request.path, request.body)
    after = sandbox.state()["lines"][0]
    assert {name for name in after if after[name] != before.get(name)} == {"quantity", "updated_at", "updated_by"}
    assert [(w["line_id"], w["before"], w["after"]) for w in sandbox.writes()] == [("1", "10", "12")]


def test_one_request_makes_a_line_at_the_approved_price_with_our_marker(sandbox: SandboxHandle) -> None:
    wanted = new_line(service_name='M365 "E3" – ä')
    with connected(sandbox) as opened:
        psa = billing(opened)
        request = psa.request_for([wanted], psa.see_line(wanted, TODAY))
        assert (request.method, request.path) == ("POST", "/api/v1/schedules/9001/add_line_item")
        assert json.loads(request.body) == {
            "product_id": 78,
            "quantity": "3",
            "name": 'M365 "E3" – ä',
            "description": "TrueUp c1@1",
            "retail_cents": 3650,
            "cost_cents": 3000,
        }
        assert psa.send(request).heard is Heard.ACCEPTED
        assert psa.see_line(wanted, TODAY) == LineSeen(Decimal(3), "78", Decimal("36.5"), Decimal(30), obstacle=None)
    (write,) = sandbox.writes()
    assert (write["line_id"], write["before"], write["after"], write["marker"]) == ("2", None, "3", "TrueUp c1@1")
    assert sandbox.state()["lines"][1]["name"] == 'M365 "E3" – ä'


@pytest.mark.parametrize("price", [None, Decimal("36.505")])
def test_a_price_that_is_unknown_or_finer_than_a_cent_is_not_made_up(price: Decimal | None) -> None:
    body = json.loads(request_of(new_line(unit_price=price, unit_cost=None)).body)
    assert {"retail_cents", "cost_cents"}.isdisjoint(body)


@pytest.mark.parametrize(
    "quantity",
    ["0.1", "0.0000000001", "12345678901234567890.1234567891", "0", "1000000", "1E+3", "9007199254740993", "12.50"],
)
@pytest.mark.parametrize("make", [change, new_line], ids=["set", "made"])
def test_the_psa_gets_every_digit_of_what_was_approved(
    sandbox: SandboxHandle, make: Callable[..., Change], quantity: str
) -> None:
    approved = make(quantity_after=Decimal(quantity))
    with connected(sandbox) as opened:
        psa = billing(opened)
        assert psa.send(request_of(approved)).heard is Heard.ACCEPTED
        assert psa.see_line(approved, TODAY).quantity == Decimal(quantity)


@pytest.mark.parametrize(
    ("do", "heard", "words", "quantity"),
    [
        ("429:7s", Heard.THROTTLED, "the PSA asks for fewer requests", "10"),
        ("409", Heard.NOT_EXECUTED, "the record is in use", "10"),
        ("400", Heard.REFUSED, "HTTP 400, 'Fault 400 on request.'", "10"),
        ("422", Heard.REFUSED, "HTTP 422, 'Fault 422 on request.'", "10"),
        ("401", Heard.FORBIDDEN, "check the keys", "10"),
        ("403", Heard.FORBIDDEN, "check the keys", "10"),
        ("404", Heard.GONE, "HTTP 404", "10"),
        ("408", Heard.UNKNOWN, "HTTP 408", "10"),
        ("500", Heard.UNKNOWN, "HTTP 500", "10"),
        ("502_after_commit", Heard.UNKNOWN, "HTTP 502", "12"),
        ("drop", Heard.UNKNOWN, "the connection", "10"),
        ("commit_then_drop", Heard.UNKNOWN, "the connection", "12"),
        ("cut", Heard.UNKNOWN, "closed before the whole answer had come", "12"),
        ("truncated", Heard.UNKNOWN, "not whole JSON", "12"),
        ("html", Heard.UNKNOWN, "text/html, not JSON", "10"),
    ],
)
def test_each_answer_says_whether_it_was_executed_and_is_asked_for_once(
    sandbox: SandboxHandle, do: str, heard: Heard, words: str, quantity: str
) -> None:
    sandbox.set_faults({"rules": [{"match": "PUT", "nth": 1, "do": do}]})
    with connected(sandbox, judges_answers=False) as psa:
        answer = billing(psa).send(request_of(change()))
    assert answer.heard is heard
    assert words in answer.words
    assert answer.retry_after == (timedelta(seconds=7) if heard is Heard.THROTTLED else None)
    assert sandbox.quantity("1") == quantity
    assert len(sandbox.writes()) == (quantity == "12")


@pytest.mark.parametrize("do", ["500", "drop", "commit_then_drop", "429:0s", "html"])
def test_a_new_line_is_never_asked_for_twice(sandbox: SandboxHandle, do: str) -> None:
    sandbox.set_faults({"rules": [{"match": "POST", "nth": 1, "do": do}]})
    with connected(sandbox, judges_answers=False) as psa:
        assert billing(psa).send(request_of(new_line())).heard is not Heard.ACCEPTED
    assert len(sandbox.writes()) == (do == "commit_then_drop")


def test_a_refusal_is_told_in_the_psa_s_words(sandbox: SandboxHandle) -> None:
    with connected(sandbox) as psa:
        answer = billing(psa).send(request_of(new_line(service_name=" ")))
    assert answer.heard is Heard.REFUSED
    assert 'HTTP 422, "Name can\'t be blank"' in answer.words
    assert sandbox.writes() == []


def test_a_404_to_a_write_means_credentials_when_the_token_is_not_taken() -> None:
    answers = {"/api/v1/customers": 401}
    transport = httpx.MockTransport(lambda request: httpx.Response(answers.get(request.url.path, 404)))
    with Syncro(URL, SyncroCredentials(**KEYS), transport=transport, patience=QUICK) as psa:
        assert billing(psa).send(request_of(change())).heard is Heard.FORBIDDEN


def test_a_404_to_a_write_is_unknown_while_the_token_cannot_be_tried(sandbox: SandboxHandle) -> None:
    sandbox.set_faults({"rules": [{"match": "PUT", "do": "404"}, {"match": "customers", "do": "500"}]})
    with connected(sandbox, judges_answers=False) as psa:
        assert billing(psa).send(request_of(change())).heard is Heard.UNKNOWN


def test_a_psa_that_does_not_listen_surely_executed_nothing() -> None:
    with syncro_sandbox() as running:
        opened = connected(running)
    with opened as psa:
        assert billing(psa).send(request_of(change())).heard is Heard.NOT_EXECUTED


def test_an_answer_that_does_not_come_in_time_is_unknown_and_the_write_may_still_happen(
    sandbox: SandboxHandle,
) -> None:
    sandbox.set_faults({"rules": [{"match": "PUT", "do": "delay:1s"}]})
    with connected(sandbox, timeouts=Timeouts(read=0.1)) as psa:
        assert billing(psa).send(request_of(change())).heard is Heard.UNKNOWN
    until = time.monotonic() + 30
    while sandbox.quantity("1") != "12" and time.monotonic() < until:
        time.sleep(0.05)
    assert sandbox.quantity("1") == "12"


def test_an_adapter_names_the_psa_it_writes_to_and_no_secret(sandbox: SandboxHandle) -> None:
    with connected(sandbox, api_key="canary-1") as opened:
        psa = billing(opened)
        assert psa.identity == PsaIdentity("syncro", URL, "acme")
        assert "canary" not in f"{psa!r} {vars(psa)!r} {request_of(change())!r}"


def test_the_connection_can_be_tried() -> None:
    with syncro_sandbox(credentials=KEYS) as running:
        with connected(running) as psa:
            billing(psa).check_connection()
        with connected(running, api_key="other") as psa, pytest.raises(PsaForbidden):
            billing(psa).check_connection()
