"""One Autotask contract service looked at and adjusted: what keeps it from that, what is sent, what an answer means.

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
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, Heard, LineSeen
from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.autotask_writing import TRAITS, AutotaskBilling, adjustment_preview
from resources.psa.errors import Gone
from resources.psa.http import Timeouts
from resources.psa.writing import FRESH_SECONDS
from tests.resources.psa.autotask_contract import under_contract
from tests.resources.psa.conftest import ConnectAutotask
from tests.resources.psa.test_connectwise_writing import change as line_change
from tests.sandbox.autotask_seeds import KEYS, seed, units
from tests.sandbox.seeds import account, agreement, line, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)
URL = "https://webservices2.autotask.net"
PATH = "/ATServicesRest/V1.0/ContractServiceAdjustments"


def change(**parts: Any) -> Change:
    """Line 1 of Acme's agreement, from ten to twelve from November on."""
    return line_change(**parts)


def new_line(**parts: Any) -> Change:
    """Three of service 78, which stands on no line of the agreement."""
    return change(
        **{"line_id": None, "service_id": "78", "quantity_before": None, "quantity_after": Decimal(3), **parts}
    )


def billing(psa: Autotask, clock: Callable[[], float] = time.monotonic) -> AutotaskBilling:
    """A connection as write-back sees it."""
    return AutotaskBilling(psa, PsaIdentity("autotask", URL, "4711"), clock)


def test_an_adjustment_is_a_delta_of_whole_numbers_whose_lost_answer_waits_longer_than_the_server_works() -> None:
    assert (str(TRAITS.model), str(TRAITS.holds_from), TRAITS.is_integer_only) == ("delta", "effective_date", True)
    assert TRAITS.longest_run > timedelta(minutes=5)


# --- looking ----------------------------------------------------------------------------------------------------------


def test_a_line_that_may_be_adjusted_is_seen_with_every_number(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert seen == LineSeen(Decimal(10), "77", Decimal(22), Decimal(18), obstacle=None)


@pytest.mark.parametrize(
    ("day", "quantity"),
    [("2026-10-31", 7), ("2026-11-01", 8), ("2026-11-15", 8), ("2026-11-16", 9), ("2026-12-01", 10)],
)
def test_the_units_are_those_of_the_effective_date(connect_autotask: ConnectAutotask, day: str, quantity: int) -> None:
    steps = [("2026-11-01", "7"), ("2026-11-16", "8"), ("2026-12-01", "9")]
    held = line("1", earlier_units=[{"until": until, "units": units} for until, units in steps])
    with running_sandbox(seed(lines=[held])) as sandbox:
        seen = billing(connect_autotask(sandbox)).see_line(change(effective_date=date.fromisoformat(day)), TODAY)
    assert seen.quantity == quantity


@pytest.mark.parametrize(
    ("edit", "parts", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            {},
            "agreement 9001 is cancelled, expired or ended",
            id="a contract that is not active",
        ),
        pytest.param(
            {"agreements": [{"id": "9001", "end": "2026-12-01"}]},
            {"effective_date": date(2026, 12, 1)},
            "agreement 9001 ends on 2026-12-01, and the change holds from 2026-12-01 on",
            id="a contract that ends before",
        ),
        pytest.param(
            {"agreements": [{"id": "9001", "start": "2026-11-02"}]},
            {},
            "agreement 9001 begins on 2026-11-02, and the change holds from 2026-11-01 on",
            id="a contract that begins later",
        ),
        pytest.param(
            {"accounts": [{"id": "250", "active": False}]}, {}, "account 250 is inactive in the PSA", id="an account"
        ),
        pytest.param(
            {"accounts": [account("251")], "agreements": [{"id": "9001", "account": "251"}]},
            {},
            "agreement 9001 belongs to account 251, not to 250",
            id="a contract of another account",
        ),
        pytest.param(
            {"agreements": [agreement("9002")], "lines": [{"id": "1", "agreement": "9002"}]},
            {},
            "line 1 stands on agreement 9002, not on 9001",
            id="a line of another contract",
        ),
        pytest.param(
            {},
            {"quantity_after": Decimal("12.5")},
            "Autotask takes whole numbers only, and 12.5 is due: a unit rule can round it",
            id="a fraction",
        ),
        pytest.param(
            {},
            {"quantity_after": Decimal(0)},
            "whether Autotask takes 0 units is not known: a person decides in Autotask whether the service ends",
            id="nothing at all",
        ),
        pytest.param(
            {},
            {"quantity_after": Decimal(2**31)},
            "Autotask takes 1 to 2147483647 units, and 2147483648 is due",
            id="too many",
        ),
        pytest.param(
            {"lines": [{"id": "1", "posted_until": "2026-12-01"}]},
            {},
            "the period from 2026-11-01 to 2026-12-01 (excluded) of line 1 is approved and posted, and the change "
            "holds from 2026-11-01 on: correct it in Autotask, or wait for the next month",
            id="a posted period",
        ),
        pytest.param(
            {"lines": [{"id": "1", "quantity": "15", "earlier_units": [{"until": "2027-01-01", "units": "10"}]}]},
            {},
            "line 1 holds 10 on 2026-11-01 and 15 from 2027-01-01 on: an adjustment would be added to both, so a "
            "person decides in Autotask",
            id="a later change that stands already",
        ),
        pytest.param(
            {"lines": [{"id": "1", "end": "2026-11-15"}]},
            {"effective_date": date(2026, 12, 1)},
            "the units of line 1 reach to 2026-11-15 only: what a change from 2026-12-01 on does is not seen",
            id="no units on the day",
        ),
    ],
)
def test_what_must_not_be_adjusted_is_seen_with_the_reason(
    autotask_sandbox: SandboxHandle,
    connect_autotask: ConnectAutotask,
    edit: dict[str, Any],
    parts: dict[str, Any],
    words: str,
) -> None:
    autotask_sandbox.merge(edit)
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(**parts), TODAY)
    assert (seen.obstacle, seen.quantity) == (words, Decimal(10))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"start": "2026-11-02"}, "line 1 has no units on 2026-11-01: it begins on 2026-11-02", id="it begins later"
        ),
        pytest.param(
            {"start": "2026-11-02", "end": "2026-11-02"}, "line 1 has no units on 2026-11-01 at all", id="no row"
        ),
        pytest.param({"start": "2026-12-01"}, "line 1 begins only on 2026-12-01", id="it begins after today"),
    ],
)
def test_a_line_without_units_on_the_day_holds_no_quantity(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, edit: dict[str, Any], words: str
) -> None:
    autotask_sandbox.merge({"lines": [{"id": "1", **edit}]})
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert (seen.quantity, seen.obstacle) == (None, words)


@pytest.mark.parametrize(
    "edit",
    [
        {"posted_until": "2026-11-01"},
        {"start": "2026-11-01"},
        {"earlier_units": [{"until": "2026-11-01", "units": "3"}]},
    ],
)
def test_the_past_of_a_line_keeps_nothing_from_being_adjusted(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, edit: dict[str, Any]
) -> None:
    autotask_sandbox.merge({"lines": [{"id": "1", **edit}]})
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert (seen.quantity, seen.obstacle) == (Decimal(10), None)


def test_what_stands_already_needs_no_adjustment_so_nothing_is_in_its_way(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.merge({"lines": [{"id": "1", "quantity": "12", "posted_until": "2026-12-01"}]})
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert (seen.quantity, seen.obstacle) == (Decimal(12), None)


def test_two_rows_for_one_day_are_an_obstacle_of_that_line_alone(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    judged = under_contract(_Doubling(), judges_answers=False)
    seen = billing(connect_autotask(autotask_sandbox, judged)).see_line(change(), TODAY)
    assert (seen.quantity, seen.obstacle) == (
        None,
        "contract service 1 has 2 rows of units for 2026-11-01: TrueUp does not understand this line",
    )


class _Doubling(httpx.HTTPTransport):
    """A network in which the last row of units covers everything."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if not request.url.path.endswith("ContractServiceUnits/query"):
            return response
        response.read()
        told = json.loads(response.content)
        told["items"][-1]["startDate"] = "2025-01-01T00:00:00Z"
        return httpx.Response(200, json=told)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"lines": [{"id": "1", "removed": True}]}, "GET /ContractServices/1: the PSA has no such record"),
        (
            {"lines": [{"id": "1", "removed": True}], "agreements": [{"id": "9001", "removed": True}]},
            "GET /Contracts/9001: the PSA has no such record",
        ),
    ],
)
def test_a_record_that_is_gone_is_an_obstacle_with_its_path(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, edit: dict[str, Any], words: str
) -> None:
    autotask_sandbox.merge(edit)
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert (seen.quantity, seen.obstacle) == (None, f"it is not in the PSA any more: {words}")


def test_a_404_is_a_record_that_is_gone_as_well(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "ContractServices/1", "do": "404"}]})
    seen = billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)
    assert "it is not in the PSA any more" in str(seen.obstacle)


@pytest.mark.parametrize("do", ["500", "drop", "html", "truncated", "409", "400", "422", "429:0s"])
@pytest.mark.parametrize("path", ["ContractServices/1", "Units/query", "Contracts/9001$", "Companies/250", "Threshold"])
def test_a_line_of_which_nothing_can_be_said_is_no_line_that_is_gone(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, path: str, do: str
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": path, "do": do}]})
    with pytest.raises(PsaUnavailable) as caught:
        billing(connect_autotask(autotask_sandbox, judges_answers=False)).see_line(change(), TODAY)
    assert not isinstance(caught.value, PsaForbidden | Gone)


@pytest.mark.parametrize("path", ["Units/query", "entityInformation", "Zone", "Threshold"])
def test_a_path_that_is_not_there_says_nothing_about_the_line(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, path: str
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": path, "do": "404"}]})
    with pytest.raises(PsaUnavailable, match="HTTP 404"):
        billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)


@pytest.mark.parametrize("do", ["401", "403"])
def test_missing_rights_are_told_as_such(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, do: str
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "ContractServices/1", "do": do}]})
    with pytest.raises(PsaForbidden, match="check the keys and the API member's rights"):
        billing(connect_autotask(autotask_sandbox)).see_line(change(), TODAY)


def test_the_database_is_checked_before_the_first_line_and_then_no_more(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    with pytest.raises(PsaForbidden, match="the Autotask database 4711"):
        billing(connect_autotask(autotask_sandbox, company_id="99")).see_line(change(), TODAY)
    judged = under_contract()
    psa = billing(connect_autotask(autotask_sandbox, judged))
    for _ in range(2):
        psa.see_line(change(), TODAY)
    assert judged.paths().count("/V1.0/ZoneInformation") == 1


def test_credentials_that_are_changed_under_way_are_told_as_such_and_not_as_a_fault(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    psa = billing(connect_autotask(autotask_sandbox))
    psa.see_line(change(), TODAY)
    autotask_sandbox.merge({"credentials": {**KEYS, "secret": "other"}})
    with pytest.raises(PsaForbidden, match="does not take these credentials"):
        psa.see_line(change(), TODAY)


def test_the_line_is_always_read_anew_and_what_is_around_it_after_half_a_minute(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    judged, seconds = under_contract(), [0.0]
    psa = billing(connect_autotask(autotask_sandbox, judged), lambda: seconds[0])
    psa.see_line(change(), TODAY)
    looked = len(judged.paths())
    psa.see_line(change(), TODAY)
    own = ["/V1.0/ContractServices/1", "/V1.0/ContractServiceUnits/query"]
    assert judged.paths()[looked:] == own
    seconds[0] = FRESH_SECONDS + 0.1
    autotask_sandbox.merge({"agreements": [{"id": "9001", "active": False}]})
    assert psa.see_line(change(), TODAY).obstacle == "agreement 9001 is cancelled, expired or ended"
    assert judged.paths()[looked + 2 :] == ["/V1.0/Contracts/9001", "/V1.0/Companies/250", *own]


# --- new lines --------------------------------------------------------------------------------------------------------


SERVICES = [service("77"), service("78", unit_price="36.00", unit_cost="30.00")]


def _target(connect_autotask: ConnectAutotask, wanted: Change, **parts: Any) -> LineSeen:
    with running_sandbox(seed(**{"services": SERVICES, **parts})) as sandbox:
        return billing(connect_autotask(sandbox)).see_line(wanted, TODAY)


def test_a_service_that_the_agreement_does_not_have_may_be_added_at_the_catalogue_s_price(
    connect_autotask: ConnectAutotask,
) -> None:
    seen = _target(connect_autotask, new_line())
    assert seen == LineSeen(None, "78", Decimal(36), Decimal(30), obstacle=None)


def test_a_line_of_the_service_that_is_there_already_is_seen_as_it_stands(connect_autotask: ConnectAutotask) -> None:
    lines = [line("1"), line("2", service="78", quantity="3", unit_price="35.00")]
    seen = _target(connect_autotask, new_line(), lines=lines)
    assert seen == LineSeen(Decimal(3), "78", Decimal(35), Decimal(18), obstacle=None)


def test_of_several_lines_of_the_service_a_person_decides(connect_autotask: ConnectAutotask) -> None:
    seen = _target(connect_autotask, new_line(), lines=[line("4", service="78"), line("7", service="78")])
    assert (seen.quantity, seen.obstacle) == (
        None,
        "agreement 9001 has 2 lines of service 78 (4, 7): a person decides which of them is meant",
    )


@pytest.mark.parametrize(
    ("parts", "changed", "words"),
    [
        pytest.param({}, {"agreement_id": None}, "the change names no agreement", id="no agreement"),
        pytest.param({}, {"quantity_after": Decimal("2.5")}, "whole numbers only, and 2.5", id="a fraction"),
        pytest.param({}, {"quantity_after": Decimal(0)}, "0 units is not known", id="nothing"),
        pytest.param(
            {"services": [service("77"), service("78", active=False)]}, {}, "service 78 is inactive", id="a service"
        ),
        pytest.param({"services": [service("77")]}, {}, "it is not in the PSA any more: GET /Services/78", id="gone"),
        pytest.param({"accounts": [account("250", active=False)]}, {}, "account 250 is inactive", id="an account"),
        pytest.param(
            {"agreements": [agreement("9001", active=False)]}, {}, "is cancelled, expired or ended", id="an agreement"
        ),
        pytest.param(
            {"agreements": [agreement("9001", end="2027-01-01")]},
            {"effective_date": date(2027, 1, 1)},
            "agreement 9001 ends on 2027-01-01",
            id="a day after the end",
        ),
    ],
)
def test_what_keeps_a_new_line_from_being_added_is_told(
    connect_autotask: ConnectAutotask, parts: dict[str, Any], changed: dict[str, Any], words: str
) -> None:
    seen = _target(connect_autotask, new_line(**changed), **parts)
    assert seen.quantity is None
    assert words in str(seen.obstacle)


def test_one_request_adds_the_line_and_it_is_known_again_by_standing_there(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed(services=SERVICES)) as sandbox:
        psa = billing(connect_autotask(sandbox))
        request = psa.request_for([new_line()], psa.see_line(new_line(), TODAY))
        assert request == adjustment_preview(new_line())
        assert request.body == (
            '{"contractID":9001,"serviceID":78,"unitChange":3,"effectiveDate":"2026-11-01T00:00:00Z"}'
        )
        assert psa.send(request).heard is Heard.ACCEPTED
        assert psa.see_line(new_line(), TODAY) == LineSeen(Decimal(3), "78", Decimal(36), Decimal(30), obstacle=None)
        (write,) = sandbox.writes()
    assert (write["line_id"], write["before"], write["after"], write["effective_date"]) == (
        "2",
        None,
        "3",
        "2026-11-01",
    )


# --- sending ----------------------------------------------------------------------------------------------------------


def test_one_request_adds_the_difference_and_changes_nothing_else(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    judged = under_contract()
    psa = billing(connect_autotask(autotask_sandbox, judged))
    request = psa.request_for([change()], psa.see_line(change(), TODAY))
    assert request.as_document() == {
        "method": "POST",
        "path": PATH,
        "body": '{"contractID":9001,"contractServiceID":1,"unitChange":2,"effectiveDate":"2026-11-01T00:00:00Z"}',
    }
    looked, before = len(judged.exchanges), autotask_sandbox.state()["lines"][0]
    assert psa.send(request) == Answer(Heard.ACCEPTED, "accepted", None)
    ((sent, _),) = judged.exchanges[looked:]
    assert (sent.method, sent.url.path, sent.content.decode()) == (request.method, request.path, request.body)
    after = autotask_sandbox.state()["lines"][0]
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"quantity", "earlier_units", "updated_at", "updated_by"}
    assert units(autotask_sandbox.url)[:2] == [("2026-10-01", "2026-10-31", 10), ("2026-11-01", "2026-11-30", 12)]
    (write,) = autotask_sandbox.writes()
    assert (write["before"], write["after"], write["effective_date"]) == ("10", "12", "2026-11-01")
    assert psa.see_line(change(), TODAY).quantity == Decimal(12)


def test_the_difference_is_taken_from_what_was_seen_and_never_from_what_was_planned() -> None:
    seen = LineSeen(Decimal(15), "77", None, None)
    with Autotask(URL, AutotaskCredentials(**KEYS)) as psa:
        assert '"unitChange":-3,' in billing(psa).request_for([change()], seen).body
    assert '"unitChange":2,' in adjustment_preview(change()).body


def test_a_fraction_is_shown_as_it_is_and_never_rounded() -> None:
    tiny = Decimal("12.0000000001")
    assert '"unitChange":2.0000000001,' in adjustment_preview(change(quantity_after=tiny)).body
    large = Decimal("1234567890123456789012345678.1234567891")
    assert '"unitChange":1234567890123456789012345668.1234567891,' in (
        adjustment_preview(change(quantity_after=large)).body
    )


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
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask, do: str, heard: Heard, words: str, quantity: str
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "Adjustments", "nth": 1, "do": do}]})
    answer = billing(connect_autotask(autotask_sandbox, judges_answers=False)).send(adjustment_preview(change()))
    assert answer.heard is heard
    assert words in answer.words
    assert answer.retry_after == (timedelta(seconds=7) if heard is Heard.THROTTLED else None)
    # Only the first request meets the fault, so a second one would show.
    assert autotask_sandbox.quantity("1") == quantity
    assert len(autotask_sandbox.writes()) == (quantity == "12")


@pytest.mark.parametrize(
    ("status", "message", "heard"),
    [
        pytest.param(500, "Itgenatr005 Thread Threshold Exceeded", Heard.THROTTLED, id="too many threads under 500"),
        pytest.param(403, "Itgenatr005 Thread Threshold Exceeded", Heard.THROTTLED, id="too many threads under 403"),
        pytest.param(500, "The period is approved and posted.", Heard.UNKNOWN, id="a rule under 500"),
    ],
)
def test_the_vendor_s_words_decide_where_its_status_does_not(status: int, message: str, heard: Heard) -> None:
    refusal = httpx.Response(status, json={"errors": [message]})
    transport = httpx.MockTransport(lambda _: refusal)
    with Autotask(URL, AutotaskCredentials(**KEYS), transport=transport) as psa:
        assert billing(psa).send(adjustment_preview(change())).heard is heard


@pytest.mark.parametrize("answer", [{"itemId": 5}, {"item": {"id": 5}}, {"id": 5}, {}])
def test_whatever_a_success_answers_is_taken_and_the_units_decide(answer: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with Autotask(URL, AutotaskCredentials(**KEYS), transport=transport) as psa:
        assert billing(psa).send(adjustment_preview(change())).heard is Heard.ACCEPTED


def test_a_psa_that_does_not_listen_surely_executed_nothing(connect_autotask: ConnectAutotask) -> None:
    with running_sandbox(seed()) as sandbox:
        psa = billing(connect_autotask(sandbox))
    answer = psa.send(adjustment_preview(change()))
    assert answer.heard is Heard.NOT_EXECUTED
    assert answer.words.endswith("the PSA cannot be reached: check psa.base_url and the network")


def test_an_answer_that_does_not_come_in_time_is_unknown_and_the_write_may_still_happen(
    autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask
) -> None:
    autotask_sandbox.set_faults({"rules": [{"match": "Adjustments", "do": "delay:1s"}]})
    psa = billing(connect_autotask(autotask_sandbox, timeouts=Timeouts(read=0.1)))
    answer = psa.send(adjustment_preview(change()))
    assert answer.heard is Heard.UNKNOWN
    assert answer.words.endswith("the PSA did not answer for 0.1 s")
    until = time.monotonic() + 30
    while autotask_sandbox.quantity("1") != "12" and time.monotonic() < until:
        time.sleep(0.05)
    assert autotask_sandbox.quantity("1") == "12"


def test_a_credential_that_the_psa_quotes_back_is_in_no_answer() -> None:
    refusal = httpx.Response(400, json={"errors": [f"not for {KEYS['secret']} of {KEYS['integration_code']}"]})
    transport = httpx.MockTransport(lambda _: refusal)
    with Autotask(URL, AutotaskCredentials(**KEYS), transport=transport) as psa:
        answer = billing(psa).send(adjustment_preview(change()))
    assert answer.heard is Heard.REFUSED
    assert "not for *** of ***" in answer.words


# --- who it is --------------------------------------------------------------------------------------------------------


def test_an_adapter_names_the_psa_it_writes_to_and_no_secret() -> None:
    with Autotask(URL, AutotaskCredentials("4711", "canary-1", "canary-2", "canary-3")) as client:
        psa = billing(client)
        assert psa.identity == PsaIdentity("autotask", URL, "4711")
        assert "canary" not in f"{psa!r} {vars(psa)!r} {adjustment_preview(change())!r}"


def test_the_connection_can_be_tried(autotask_sandbox: SandboxHandle, connect_autotask: ConnectAutotask) -> None:
    billing(connect_autotask(autotask_sandbox)).check_connection()
    with pytest.raises(PsaForbidden):
        billing(connect_autotask(autotask_sandbox, secret="other")).check_connection()
