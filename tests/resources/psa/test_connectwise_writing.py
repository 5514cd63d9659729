"""One ConnectWise addition looked at, set or made: what keeps it from being written, what is sent, what answers mean.

Belongs here: the adapter that write-back uses, over real HTTP against the sandbox, judged by the contract.
Does not belong here: the order of steps, what follows from an answer (``pipelines.writeback``).
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.writeback.ports import Answer, Heard, LineSeen
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.connectwise_writing import ConnectWiseBilling, quantity_patch, request_of
from resources.psa.errors import Gone, PsaError, Throttled
from resources.psa.http import Timeouts
from resources.psa.kinds import CONNECTWISE
from resources.psa.writing import FRESH_SECONDS, answer_of, marker_of
from tests.resources.psa.conftest import QUICK, Connect
from tests.resources.psa.connectwise_contract import under_contract
from tests.sandbox.seeds import ADDITION, ADDITIONS, API, KEYS, account, agreement, line, seed, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)
URL = "https://psa.example"


def change(**parts: Any) -> Change:
    """Line 1 of Acme's agreement, from ten to twelve."""
    usual: dict[str, Any] = {
        "change_id": ChangeId("c1"),
        "revision": 1,
        "period": "2026-10",
        "kind": DeltaKind.INCREASE,
        "status": ChangeStatus.APPROVED,
        "sources": ("Pax8",),
        "account_id": "250",
        "account_name": "Acme",
        "service_id": "77",
        "service_name": "M365 BP",
        "agreement_id": "9001",
        "line_id": "1",
        "quantity_before": Decimal(10),
        "quantity_after": Decimal(12),
        "unit_price": Decimal(22),
        "unit_cost": Decimal(18),
        "amount_delta": Decimal(44),
        "currency": "USD",
        "effective_date": date(2026, 11, 1),
        "when": When.NOW,
        "needs": (),
        "flags": (),
        "evidence_count": 0,
        "evidence": (),
        "provenance_hash": "rows",
        "proposed_at": datetime(2026, 11, 3, tzinfo=UTC),
    }
    return Change(**usual | parts)


def billing(psa: ConnectWise, clock: Callable[[], float] = time.monotonic) -> ConnectWiseBilling:
    """A connection as write-back sees it."""
    return ConnectWiseBilling(psa, PsaIdentity("connectwise", URL, "acme"), clock)


def quantity_of(sandbox: SandboxHandle) -> str:
    return sandbox.quantity("1")


# --- looking --------------------------------------------------------------------------------------------------------


def test_a_line_that_may_be_written_is_seen_with_every_number(sandbox: SandboxHandle, connect: Connect) -> None:
    seen = billing(connect(sandbox)).see_line(change(), TODAY)
    assert seen == LineSeen(Decimal(10), "77", Decimal("22.00"), Decimal("18.00"), obstacle=None)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            "agreement 9001 is cancelled, expired or ended",
            id="a cancelled agreement",
        ),
        pytest.param(
            {"agreements": [{"id": "9001", "end": "2026-11-03"}]},
            "agreement 9001 is cancelled, expired or ended",
            id="an agreement that ended",
        ),
        pytest.param(
            {"accounts": [{"id": "250", "active": False}]}, "account 250 is inactive in the PSA", id="an account"
        ),
        pytest.param({"lines": [{"id": "1", "end": "2026-11-03"}]}, "line 1 ended on 2026-11-03", id="an ended line"),
        pytest.param(
            {"lines": [{"id": "1", "start": "2026-11-04"}]}, "line 1 begins only on 2026-11-04", id="a future line"
        ),
        pytest.param(
            {"accounts": [account("251")], "agreements": [{"id": "9001", "account": "251"}]},
            "agreement 9001 belongs to account 251, not to 250",
            id="an agreement of another account",
        ),
    ],
)
def test_what_must_not_be_written_is_seen_with_the_reason(
    sandbox: SandboxHandle, connect: Connect, edit: dict[str, Any], words: str
) -> None:
    sandbox.merge(edit)
    seen = billing(connect(sandbox)).see_line(change(), TODAY)
    assert (seen.obstacle, seen.quantity) == (words, Decimal(10))


@pytest.mark.parametrize(
    "edit",
    [
        {"lines": [{"id": "1", "end": "2026-11-04"}]},
        {"lines": [{"id": "1", "start": "2026-11-03"}]},
        {"lines": [{"id": "1", "start": None}]},
        {"agreements": [{"id": "9001", "end": "2026-11-04"}]},
    ],
)
def test_the_last_day_and_the_first_day_are_days_on_which_a_line_may_be_written(
    sandbox: SandboxHandle, connect: Connect, edit: dict[str, Any]
) -> None:
    sandbox.merge(edit)
    assert billing(connect(sandbox)).see_line(change(), TODAY).obstacle is None


@pytest.mark.parametrize("gone", ["additions/1", "agreements/9001", "companies/250"])
def test_a_record_that_is_gone_is_an_obstacle_with_its_path(
    sandbox: SandboxHandle, connect: Connect, gone: str
) -> None:
    sandbox.set_faults({"rules": [{"match": f"{gone}$", "do": "404"}]})
    seen = billing(connect(sandbox)).see_line(change(), TODAY)
    assert (seen.quantity, seen.service_id) == (None, None)
    assert str(seen.obstacle).startswith("it is not in the PSA any more: GET ")
    assert gone in str(seen.obstacle)


def test_wrong_credentials_are_never_taken_for_a_line_that_is_gone(connect: Connect) -> None:
    with running_sandbox(seed(credentials=KEYS)) as sandbox, pytest.raises(PsaForbidden, match="check company id"):
        billing(connect(sandbox, private_key="other")).see_line(change(), TODAY)


@pytest.mark.parametrize("do", ["401", "403"])
def test_missing_rights_are_told_as_such(sandbox: SandboxHandle, connect: Connect, do: str) -> None:
    sandbox.set_faults({"rules": [{"match": "additions/1", "do": do}]})
    with pytest.raises(PsaForbidden, match="check the keys and the API member's rights"):
        billing(connect(sandbox)).see_line(change(), TODAY)


@pytest.mark.parametrize("do", ["500", "drop", "html", "truncated", "409", "400", "422", "429:0s"])
@pytest.mark.parametrize("path", ["additions/1", "agreements/9001$", "companies/250"])
def test_a_line_of_which_nothing_can_be_said_is_no_line_that_is_gone(
    sandbox: SandboxHandle, connect: Connect, path: str, do: str
) -> None:
    sandbox.set_faults({"rules": [{"match": path, "do": do}]})
    with pytest.raises(PsaUnavailable) as caught:
        billing(connect(sandbox, judges_answers=False)).see_line(change(), TODAY)
    assert not isinstance(caught.value, PsaForbidden | Gone)


def test_a_404_while_the_credentials_cannot_be_tried_says_nothing_about_the_line(
    sandbox: SandboxHandle, connect: Connect
) -> None:
    sandbox.set_faults({"rules": [{"match": "additions/1", "do": "404"}, {"match": "info", "do": "500"}]})
    with pytest.raises(PsaUnavailable, match="system/info: HTTP 500"):
        billing(connect(sandbox, judges_answers=False)).see_line(change(), TODAY)


def _billed(billed: Any, **fields: Any) -> LineSeen:
    """A line of twelve with two included, and what the PSA says of how many are billed."""
    records = {
        "agreements/9001": {"id": 9001, "company": {"id": 250}},
        "companies/250": {"id": 250, "name": "Acme"},
        "additions/1": {"id": 1, "product": {"id": 77}, "quantity": 12, "lessIncluded": 2, **fields},
    }
    if billed is not None:
        records["additions/1"]["billedQuantity"] = billed
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=records["/".join(request.url.path.rsplit("/", 2)[1:])])
    )
    with ConnectWise(URL, ConnectWiseCredentials(**KEYS), transport=transport, patience=QUICK) as psa:
        return billing(psa).see_line(change(), TODAY)


@pytest.mark.parametrize(
    ("billed", "shown"),
    [(12, "12"), (2, "2"), (0, "0"), (-10, "-10"), (10.5, "10.5"), ("10", "'10'"), ("ten", "'ten'"), (True, "True")],
)
def test_a_psa_that_counts_otherwise_is_not_understood_and_left_alone(billed: Any, shown: str) -> None:
    seen = _billed(billed)
    assert seen.quantity == Decimal(12)
    assert seen.obstacle == (
        f"line 1 holds 12 with 2 included, and the PSA says that {shown} are billed: TrueUp does not understand "
        "this line and leaves it alone"
    )


@pytest.mark.parametrize("billed", [10, 10.0, None])
def test_a_psa_that_counts_as_we_do_or_says_nothing_is_understood(billed: Any) -> None:
    assert _billed(billed).obstacle is None


def test_more_included_than_used_bills_nothing() -> None:
    assert _billed(0, lessIncluded=20).obstacle is None


def test_a_line_that_cannot_be_held_exactly_is_an_obstacle_told_by_the_line_itself() -> None:
    seen = _billed(None, quantity=0.12345678901)
    assert seen.quantity is None
    assert "quantity 0.12345678901 has more than 10 decimal places; correct it in the PSA" in str(seen.obstacle)


def test_the_line_is_always_read_anew_and_what_is_around_it_after_half_a_minute(
    sandbox: SandboxHandle, connect: Connect
) -> None:
    sandbox.merge({"lines": [line("2")]})
    judged, seconds = under_contract(), [0.0]
    psa = billing(connect(sandbox, judged), lambda: seconds[0])
    around = ["/finance/agreements/9001", "/company/companies/250"]
    for line_id in ("1", "2", "1"):
        psa.see_line(change(line_id=line_id), TODAY)
    assert judged.paths() == [*around, ADDITION, "/finance/agreements/9001/additions/2", ADDITION]
    seconds[0] = FRESH_SECONDS + 0.1
    sandbox.merge({"agreements": [{"id": "9001", "active": False}]})
    assert psa.see_line(change(), TODAY).obstacle == "agreement 9001 is cancelled, expired or ended"
    assert judged.paths()[-3:] == [*around, ADDITION]


# --- a line that is to be made --------------------------------------------------------------------------------------


def new_line(**parts: Any) -> Change:
    """Three of a service that Acme's agreement does not bill, from the first of November on."""
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


@pytest.fixture
def shop(sandbox: SandboxHandle) -> SandboxHandle:
    """The sandbox with a second service that nobody bills."""
    sandbox.merge({"services": [service("78", unit_price="36.50", unit_cost="30.00")]})
    return sandbox


def test_where_nothing_stands_the_catalogue_s_numbers_are_seen(shop: SandboxHandle, connect: Connect) -> None:
    seen = billing(connect(shop)).see_line(new_line(), TODAY)
    assert seen == LineSeen(None, "78", Decimal("36.50"), Decimal("30.00"), obstacle=None)


def test_where_one_addition_stands_its_own_numbers_are_seen(shop: SandboxHandle, connect: Connect) -> None:
    shop.merge({"lines": [line("2", service="78", quantity="3", unit_price="35.00")]})
    seen = billing(connect(shop)).see_line(new_line(), TODAY)
    assert seen == LineSeen(Decimal(3), "78", Decimal("35.00"), Decimal("18.00"), obstacle=None)


@pytest.mark.parametrize(
    ("dates", "stands"),
    [
        pytest.param({"end": "2026-11-01"}, False, id="ended before the new one begins"),
        pytest.param({"end": "2026-11-02"}, True, id="overlaps by a day"),
        pytest.param({"start": "2027-01-01"}, True, id="begins later"),
        pytest.param({"start": None}, True, id="without dates"),
    ],
)
def test_an_addition_stands_where_it_bills_a_day_of_the_new_one(
    shop: SandboxHandle, connect: Connect, dates: dict[str, Any], stands: bool
) -> None:
    shop.merge({"lines": [line("2", service="78", **dates)]})
    assert (billing(connect(shop)).see_line(new_line(), TODAY).quantity is not None) is stands


def test_where_several_additions_stand_they_are_named(shop: SandboxHandle, connect: Connect) -> None:
    shop.merge({"lines": [line("2", service="78", quantity="3"), line("3", service="78", quantity="1.5")]})
    seen = billing(connect(shop)).see_line(new_line(), TODAY)
    assert (seen.quantity, seen.obstacle) == (
        None,
        "agreement 9001 bills service 78 on several lines: 2 (3), 3 (1.5)",
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            "agreement 9001 is cancelled, expired or ended",
            id="an agreement",
        ),
        pytest.param(
            {"accounts": [{"id": "250", "active": False}]}, "account 250 is inactive in the PSA", id="an account"
        ),
        pytest.param(
            {"services": [{"id": "78", "active": False}]}, "service 78 is inactive in the PSA", id="a service"
        ),
    ],
)
def test_where_no_addition_may_be_made_the_reason_is_seen(
    shop: SandboxHandle, connect: Connect, edit: dict[str, Any], words: str
) -> None:
    shop.merge(edit)
    assert billing(connect(shop)).see_line(new_line(), TODAY).obstacle == words


def test_an_addition_without_an_agreement_stands_nowhere(shop: SandboxHandle, connect: Connect) -> None:
    seen = billing(connect(shop)).see_line(new_line(agreement_id=None), TODAY)
    assert seen.obstacle == "no agreement is named on which the line stands"


@pytest.mark.parametrize("gone", ["agreements/9001", "companies/250", "catalog/78", "additions"])
def test_a_place_that_is_gone_is_an_obstacle_with_its_path(shop: SandboxHandle, connect: Connect, gone: str) -> None:
    shop.set_faults({"rules": [{"match": f"{gone}$", "do": "404"}]})
    seen = billing(connect(shop)).see_line(new_line(), TODAY)
    assert str(seen.obstacle).startswith("it is not in the PSA any more: GET ")
    assert gone in str(seen.obstacle)


@pytest.mark.parametrize("do", ["500", "drop", "html", "truncated", "empty"])
def test_additions_that_cannot_be_read_whole_are_never_taken_for_none(
    shop: SandboxHandle, connect: Connect, do: str
) -> None:
    shop.set_faults({"rules": [{"match": "additions$", "do": do}]})
    with pytest.raises(PsaUnavailable):
        billing(connect(shop, judges_answers=False)).see_line(new_line(), TODAY)


def test_an_addition_that_is_not_understood_keeps_a_new_one_from_being_made() -> None:
    addition = {"id": 2, "product": {"id": 78}, "quantity": 3, "billedQuantity": 5}
    records = {
        "agreements/9001": {"id": 9001, "company": {"id": 250}},
        "companies/250": {"id": 250, "name": "Acme"},
        "catalog/78": {"id": 78},
        "9001/additions": [addition, {"id": 3, "product": {"id": 77}, "quantity": 0.12345678901}],
        "additions/count": {"count": 2},
    }
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=records["/".join(request.url.path.rsplit("/", 2)[1:])])
    )
    with ConnectWise(URL, ConnectWiseCredentials(**KEYS), transport=transport, patience=QUICK) as psa:
        seen = billing(psa).see_line(new_line(), TODAY)
    assert seen.quantity == Decimal(3)
    assert "the PSA says that 5 are billed" in str(seen.obstacle)


def test_one_request_makes_an_addition_from_its_day_on_with_our_marker(shop: SandboxHandle, connect: Connect) -> None:
    wanted = new_line(change_id=ChangeId("0f3a9c27d1e4"), revision=12)
    psa = billing(connect(shop))
    request = psa.request_for([wanted], psa.see_line(wanted, TODAY))
    assert request == CONNECTWISE.preview(wanted)
    assert request.as_document() == {
        "method": "POST",
        "path": f"{API}{ADDITIONS}",
        "body": (
            '{"product":{"id":78},"quantity":3,"billCustomer":"Billable",'
            '"effectiveDate":"2026-11-01T00:00:00Z","serialNumber":"TrueUp 0f3a9c27d1e4@12"}'
        ),
    }
    assert psa.send(request) == Answer(Heard.ACCEPTED, "accepted", None)
    (write,) = shop.writes()
    assert {name: write[name] for name in ("line_id", "field", "before", "after", "effective_date", "marker")} == {
        "line_id": "2",
        "field": "quantity",
        "before": None,
        "after": "3",
        "effective_date": "2026-11-01",
        "marker": "TrueUp 0f3a9c27d1e4@12",
    }
    assert psa.see_line(wanted, TODAY) == LineSeen(Decimal(3), "78", Decimal("36.50"), Decimal(30), obstacle=None)


def test_the_longest_marker_fits_a_serial_number() -> None:
    assert len(marker_of(new_line(change_id=ChangeId("f" * 12), revision=10**9))) <= 50


@pytest.mark.parametrize("quantity", ["0.1", "0.0000000001", "12345678901234567890.1234567891", "1E+3", "12.50"])
def test_a_new_addition_gets_every_digit_of_what_was_approved(
    shop: SandboxHandle, connect: Connect, quantity: str
) -> None:
    psa, approved = billing(connect(shop)), new_line(quantity_after=Decimal(quantity))
    assert psa.send(request_of(approved)).heard is Heard.ACCEPTED
    assert psa.see_line(approved, TODAY).quantity == Decimal(quantity)


@pytest.mark.parametrize("do", ["500", "drop", "commit_then_drop", "429:0s", "409", "html"])
def test_a_new_addition_is_never_asked_for_twice(shop: SandboxHandle, connect: Connect, do: str) -> None:
    shop.set_faults({"rules": [{"match": "POST", "nth": 1, "do": do}]})
    psa = billing(connect(shop, judges_answers=False))
    assert psa.send(request_of(new_line())).heard is not Heard.ACCEPTED
    assert len(shop.writes()) == (do == "commit_then_drop")


# --- sending --------------------------------------------------------------------------------------------------------


def test_one_request_sets_the_quantity_and_nothing_else(sandbox: SandboxHandle, connect: Connect) -> None:
    judged = under_contract()
    psa = billing(connect(sandbox, judged))
    request = quantity_patch(change())
    assert request.as_document() == {
        "method": "PATCH",
        "path": f"{API}{ADDITION}",
        "body": '[{"op":"replace","path":"quantity","value":12}]',
    }
    before = sandbox.state()["lines"][0]
    assert psa.send(request) == Answer(Heard.ACCEPTED, "accepted", None)
    ((sent, _),) = judged.exchanges
    assert (sent.method, sent.url.path, sent.content.decode()) == (request.method, request.path, request.body)
    after = sandbox.state()["lines"][0]
    assert {name for name in after if after[name] != before.get(name)} == {"quantity", "updated_at", "updated_by"}
    assert [(w["line_id"], w["field"], w["before"], w["after"]) for w in sandbox.writes()] == [
        ("1", "quantity", "10", "12")
    ]


@pytest.mark.parametrize(
    "quantity",
    ["0.1", "0.0000000001", "12345678901234567890.1234567891", "0", "1000000", "1E+3", "9007199254740993", "12.50"],
)
def test_the_psa_gets_every_digit_of_what_was_approved(sandbox: SandboxHandle, connect: Connect, quantity: str) -> None:
    psa = billing(connect(sandbox))
    approved = change(quantity_after=Decimal(quantity))
    request = quantity_patch(approved)
    (operation,) = json.loads(request.body, parse_float=Decimal)
    assert Decimal(operation["value"]) == Decimal(quantity)
    assert psa.send(request).heard is Heard.ACCEPTED
    assert Decimal(quantity_of(sandbox)) == Decimal(quantity)
    assert psa.see_line(approved, TODAY).quantity == Decimal(quantity)


@pytest.mark.parametrize(
    ("do", "heard", "words", "quantity"),
    [
        ("429:7s", Heard.THROTTLED, "the PSA asks for fewer requests", "10"),
        ("409", Heard.NOT_EXECUTED, "the record is in use", "10"),
        ("400", Heard.REFUSED, "HTTP 400, 'Fault 400 on request.'", "10"),
        ("415", Heard.REFUSED, "HTTP 415", "10"),
        ("422", Heard.REFUSED, "HTTP 422", "10"),
        ("401", Heard.FORBIDDEN, "check the keys and the API member's rights", "10"),
        ("403", Heard.FORBIDDEN, "check the keys and the API member's rights", "10"),
        ("404", Heard.GONE, "HTTP 404", "10"),
        ("410", Heard.GONE, "HTTP 410", "10"),
        ("408", Heard.UNKNOWN, "HTTP 408", "10"),
        ("500", Heard.UNKNOWN, "HTTP 500", "10"),
        ("503", Heard.UNKNOWN, "HTTP 503", "10"),
        ("502_after_commit", Heard.UNKNOWN, "HTTP 502", "12"),
        ("drop", Heard.UNKNOWN, "the connection", "10"),
        ("commit_then_drop", Heard.UNKNOWN, "the connection", "12"),
        ("cut", Heard.UNKNOWN, "closed before the whole answer had come", "12"),
        ("truncated", Heard.UNKNOWN, "not whole JSON", "12"),
        ("html", Heard.UNKNOWN, "text/html, not JSON", "10"),
    ],
)
def test_each_answer_says_whether_it_was_executed_and_is_asked_for_once(
    sandbox: SandboxHandle, connect: Connect, do: str, heard: Heard, words: str, quantity: str
) -> None:
    sandbox.set_faults({"rules": [{"match": "PATCH", "nth": 1, "do": do}]})
    judged = under_contract(judges_answers=False)
    psa = billing(connect(sandbox, judged))
    answer = psa.send(quantity_patch(change()))
    assert answer.heard is heard
    assert words in answer.words
    assert answer.retry_after == (timedelta(seconds=7) if heard is Heard.THROTTLED else None)
    assert quantity_of(sandbox) == quantity
    # Exchanges without an answer are not kept by the transport, so writes are counted where they arrive.
    assert len(sandbox.writes()) == (quantity == "12")
    assert sum(request.method == "PATCH" for request, _ in judged.exchanges) <= 1


def test_a_404_to_a_write_means_credentials_when_they_are_not_taken(sandbox: SandboxHandle, connect: Connect) -> None:
    psa = billing(connect(sandbox))
    sandbox.merge({"credentials": {**KEYS, "private_key": "other"}})
    answer = psa.send(quantity_patch(change()))
    assert answer.heard is Heard.FORBIDDEN
    assert "the PSA does not know these credentials" in answer.words


def test_a_404_to_a_write_is_unknown_while_the_credentials_cannot_be_tried(
    sandbox: SandboxHandle, connect: Connect
) -> None:
    sandbox.set_faults({"rules": [{"match": "PATCH", "do": "404"}, {"match": "info", "do": "500"}]})
    psa = billing(connect(sandbox, judges_answers=False))
    assert psa.send(quantity_patch(change())).heard is Heard.UNKNOWN


def test_a_psa_that_does_not_listen_surely_executed_nothing(connect: Connect) -> None:
    with running_sandbox(seed()) as sandbox:
        psa = billing(connect(sandbox))
    answer = psa.send(quantity_patch(change()))
    assert answer.heard is Heard.NOT_EXECUTED
    assert answer.words.endswith("the PSA cannot be reached: check psa.base_url and the network")


def test_an_answer_that_does_not_come_in_time_is_unknown_and_the_write_may_still_happen(
    sandbox: SandboxHandle, connect: Connect
) -> None:
    sandbox.set_faults({"rules": [{"match": "PATCH", "do": "delay:1s"}]})
    psa = billing(connect(sandbox, timeouts=Timeouts(read=0.1)))
    answer = psa.send(quantity_patch(change()))
    assert answer.heard is Heard.UNKNOWN
    assert answer.words.endswith("the PSA did not answer for 0.1 s")
    until = time.monotonic() + 30
    while quantity_of(sandbox) != "12" and time.monotonic() < until:
        time.sleep(0.05)
    assert quantity_of(sandbox) == "12"


def test_a_credential_that_the_psa_quotes_back_is_in_no_answer(sandbox: SandboxHandle) -> None:
    token = ConnectWiseCredentials(**KEYS).headers()["Authorization"].removeprefix("Basic ")
    refusal = httpx.Response(400, json={"message": f"not for {token} of {KEYS['client_id']}"})
    transport = httpx.MockTransport(lambda _: refusal)
    with ConnectWise(URL, ConnectWiseCredentials(**KEYS), transport=transport, patience=QUICK) as psa:
        answer = billing(psa).send(quantity_patch(change()))
    assert answer.heard is Heard.REFUSED
    assert "not for *** of ***" in answer.words


# --- who it is ------------------------------------------------------------------------------------------------------


def test_an_adapter_names_the_psa_it_writes_to_and_no_secret(sandbox: SandboxHandle, connect: Connect) -> None:
    psa = billing(connect(sandbox, public_key="canary-1", private_key="canary-2", client_id="canary-3"))
    assert psa.identity == PsaIdentity("connectwise", URL, "acme")
    assert "canary" not in f"{psa!r} {vars(psa)!r} {quantity_patch(change())!r}"


def test_the_connection_can_be_tried(connect: Connect) -> None:
    with running_sandbox(seed(credentials=KEYS, agreements=[agreement("9001")])) as sandbox:
        billing(connect(sandbox)).check_connection()
        with pytest.raises(PsaForbidden):
            billing(connect(sandbox, client_id="other")).check_connection()
    with pytest.raises(PsaError):
        billing(connect(sandbox)).check_connection()


def test_a_psa_that_asks_for_years_is_asked_again_tomorrow() -> None:
    assert answer_of(Throttled("slow", 1e300)).retry_after == timedelta(days=1)
