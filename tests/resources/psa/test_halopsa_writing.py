"""A recurring invoice looked at and sent back with one line changed: what keeps it, what is sent, what came through.

Belongs here: the adapter that write-back uses, over real HTTP against the sandbox, judged by the contract.
Does not belong here: the order of steps, what follows from an answer (``pipelines.writeback``).
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, Heard, LineSeen, VendorRequest, name_of
from resources.psa.errors import Gone
from resources.psa.halopsa import API, HaloPsa
from resources.psa.halopsa_token import TOKEN_PATH, HaloPsaCredentials
from resources.psa.halopsa_writing import OTHER_LINES, HaloPsaBilling, preview
from resources.psa.http import Timeouts
from resources.psa.writing import FRESH_SECONDS
from tests.resources.psa import test_connectwise_writing
from tests.resources.psa.halopsa_connection import JSON, URL, at, connected
from tests.resources.psa.halopsa_contract import under_contract
from tests.sandbox.halopsa_seeds import KEYS, seed
from tests.sandbox.seeds import account, agreement, line, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

TODAY = date(2026, 11, 3)
IDENTITY = PsaIdentity("halopsa", URL, "acme")
LINES = [line("1"), line("2", quantity="8", unit_price="21.50"), line("3", service="78", quantity="2.25")]
SERVICES = [service("77"), service("78")]

change = test_connectwise_writing.change
"""Line 1 of Acme's agreement, from ten to twelve."""


def new_line(**parts: Any) -> Change:
    """A line of service 79 that recurring invoice 9001 does not bill yet: three from December on."""
    usual: dict[str, Any] = {
        "service_id": "79",
        "service_name": "Backup",
        "line_id": None,
        "quantity_before": None,
        "quantity_after": Decimal(3),
        "unit_price": Decimal("5.50"),
        "unit_cost": Decimal(3),
        "effective_date": date(2026, 12, 1),
    }
    return change(**usual | parts)


Open = Callable[..., HaloPsaBilling]


@pytest.fixture
def halo() -> Iterator[SandboxHandle]:
    """A recurring invoice with three lines, of ten, eight and two and a quarter."""
    services = [*SERVICES, service("79", unit_price="5.50", unit_cost="3")]
    with running_sandbox(seed(lines=LINES, services=services)) as running:
        yield running


@pytest.fixture
def opened(halo: SandboxHandle) -> Iterator[Open]:
    """The sandbox as write-back sees it."""
    with ExitStack() as stack:

        def open_billing(
            transport: httpx.BaseTransport | None = None,
            *,
            clock: Callable[[], float] = time.monotonic,
            timeouts: Timeouts | None = None,
        ) -> HaloPsaBilling:
            judged = transport or under_contract()
            return HaloPsaBilling(stack.enter_context(connected(halo.url, judged, timeouts=timeouts)), IDENTITY, clock)

        yield open_billing


def sent(psa: HaloPsaBilling, wanted: Change) -> Answer:
    """Look at a line and send its change, as write-back does."""
    return psa.send(psa.request_for([wanted], psa.see_line(wanted, TODAY)))


def quantities(halo: SandboxHandle) -> dict[str, str]:
    return {each["id"]: each["quantity"] for each in halo.state()["lines"]}


# --- looking --------------------------------------------------------------------------------------------------------


def test_a_line_that_may_be_written_is_seen_with_every_number_and_all_lines_beside_it(opened: Open) -> None:
    seen = opened().see_line(change(), TODAY)
    assert (seen.quantity, seen.service_id) == (Decimal(10), "77")
    assert (seen.unit_price, seen.unit_cost) == (Decimal(22), Decimal(18))
    assert (seen.obstacle, seen.damage) == (None, None)
    assert [each["id"] for each in seen.record.lines] == [1, 2, 3]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            "agreement 9001 is cancelled, expired or ended",
            id="a disabled invoice",
        ),
        pytest.param(
            {"agreements": [{"id": "9001", "end": "2026-11-03"}]},
            "agreement 9001 is cancelled, expired or ended",
            id="an invoice that ended",
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
            id="an invoice of another account",
        ),
        pytest.param(
            {"lines": [{"id": "1", "vendor_fields": {"isinactive": True}}]},
            "line 1 is inactive in the PSA",
            id="an inactive line",
        ),
        pytest.param(
            {"lines": [{"id": "1", "vendor_fields": {"quantity_licences": [{"id": 4}]}}]},
            "line 1 is counted by the PSA (its quantity is counted from licences), "
            "which would not keep another quantity",
            id="a counted line",
        ),
        pytest.param(
            {"lines": [{"id": "1", "vendor_fields": {"recurring_invoice_quantity_type": 2}}]},
            "line 1 is counted by the PSA (its quantity is of type 2), which would not keep another quantity",
            id="an unknown kind of quantity",
        ),
    ],
)
def test_what_must_not_be_written_is_seen_with_the_reason(
    halo: SandboxHandle, opened: Open, edit: dict[str, Any], words: str
) -> None:
    halo.merge(edit)
    seen = opened().see_line(change(), TODAY)
    assert (seen.obstacle, seen.quantity) == (words, Decimal(10))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"lines": [{"id": "1", "removed": True}]}, "recurring invoice 9001 has no such line"),
        ({"lines": [{"id": "1", "vendor_fields": {"isgroupdesc": True}}]}, "line 1 bills no item of the catalogue"),
        ({"lines": [{"id": "1", "quantity": "0.12345678901"}]}, "more than 10 decimal places; correct it in the PSA"),
    ],
)
def test_a_line_that_is_no_line_any_more_is_an_obstacle(
    halo: SandboxHandle, opened: Open, edit: dict[str, Any], words: str
) -> None:
    halo.merge(edit)
    seen = opened().see_line(change(), TODAY)
    assert seen.quantity is None
    assert words in str(seen.obstacle)


@pytest.mark.parametrize("gone", ["RecurringInvoice/9001", "Client/250"])
def test_a_record_that_is_gone_is_an_obstacle_with_its_path(halo: SandboxHandle, opened: Open, gone: str) -> None:
    halo.set_faults({"rules": [{"match": f"{gone}$", "do": "404"}]})
    seen = opened().see_line(change(), TODAY)
    assert str(seen.obstacle).startswith(f"it is not in the PSA any more: GET /api/{gone}")


@pytest.mark.parametrize("do", ["500", "drop", "html", "truncated", "409", "400", "429:0s", "empty"])
@pytest.mark.parametrize("path", ["RecurringInvoice/9001", "Client/250"])
def test_a_line_of_which_nothing_can_be_said_is_no_line_that_is_gone(
    halo: SandboxHandle, opened: Open, path: str, do: str
) -> None:
    halo.set_faults({"rules": [{"match": f"GET .*{path}", "do": do}]})
    is_still_an_answer = do not in {"html", "truncated", "empty"}
    psa = opened(under_contract(judges_answers=is_still_an_answer))
    with pytest.raises(PsaUnavailable) as caught:
        psa.see_line(change(), TODAY)
    assert not isinstance(caught.value, PsaForbidden | Gone)


def test_wrong_credentials_are_never_taken_for_a_line_that_is_gone(halo: SandboxHandle, opened: Open) -> None:
    halo.merge({"credentials": {**KEYS, "client_secret": "other"}})
    with pytest.raises(PsaForbidden, match="check tenant, client id and secret"):
        opened().see_line(change(), TODAY)


def test_the_invoice_is_always_read_anew_and_the_account_after_half_a_minute(opened: Open) -> None:
    judged, seconds = under_contract(), [0.0]
    psa = opened(judged, clock=lambda: seconds[0])
    for line_id in ("1", "2"):
        psa.see_line(change(line_id=line_id), TODAY)
    seconds[0] = FRESH_SECONDS + 0.1
    psa.see_line(change(), TODAY)
    invoice, client = "/RecurringInvoice/9001", "/Client/250"
    assert judged.paths() == [TOKEN_PATH, client, invoice, invoice, client, invoice]


# --- sending --------------------------------------------------------------------------------------------------------


def test_one_request_sends_every_line_back_and_changes_one_quantity(halo: SandboxHandle, opened: Open) -> None:
    judged = under_contract()
    psa = opened(judged)
    before = halo.state()["lines"]
    seen = psa.see_line(change(), TODAY)
    request = psa.request_for([change()], seen)
    assert (request.method, request.path) == ("POST", f"{API}/RecurringInvoice")
    (invoice,) = json.loads(request.body, parse_float=Decimal)
    assert invoice == {"id": 9001, "lines": [{**seen.record.lines[0], "qty_order": 12}, *seen.record.lines[1:]]}
    assert psa.send(request) == Answer(Heard.ACCEPTED, "accepted", None)
    posts = [made for made, _ in judged.exchanges if made.method == "POST" and made.url.path != TOKEN_PATH]
    assert [made.content.decode() for made in posts] == [request.body]
    after = halo.state()["lines"]
    assert after[1:] == before[1:]
    assert {name for name in after[0] if after[0][name] != before[0].get(name)} == {
        "quantity",
        "updated_at",
        "updated_by",
    }
    assert [(w["line_id"], w["before"], w["after"]) for w in halo.writes()] == [("1", "10", "12")]
    again = psa.see_line(change(), TODAY)
    assert (again.quantity, again.damage) == (Decimal(12), None)


def test_changes_of_one_look_share_a_request_that_changes_their_quantities_alone(
    halo: SandboxHandle, opened: Open
) -> None:
    psa = opened()
    wanted = [change(), change(change_id="c3", line_id="3", service_id="78", quantity_before=Decimal("2.25"))]
    seen = psa.see_lines(wanted, TODAY)
    request = psa.request_for(wanted, seen[name_of(wanted[1])])
    (invoice,) = json.loads(request.body, parse_float=Decimal)
    first, second, third = seen[name_of(wanted[0])].record.lines
    assert invoice["lines"] == [{**first, "qty_order": 12}, second, {**third, "qty_order": 12}]
    assert psa.send(request).heard is Heard.ACCEPTED
    assert quantities(halo) == {"1": "12", "2": "8", "3": "12"}
    again = psa.see_lines(wanted, TODAY).values()
    assert [(each.quantity, each.damage) for each in again] == [(Decimal(12), None)] * 2


def test_what_a_shared_request_did_to_other_lines_is_told_of_each_of_its_changes(
    halo: SandboxHandle, opened: Open
) -> None:
    psa = opened()
    wanted = [change(), change(change_id="c3", line_id="3", service_id="78", quantity_before=Decimal("2.25"))]
    seen = psa.see_lines(wanted, TODAY)
    psa.send(psa.request_for(wanted, seen[name_of(wanted[0])]))
    halo.merge({"lines": [{"id": "2", "quantity": "0"}]})
    again = psa.see_lines(wanted, TODAY).values()
    assert {each.damage for each in again} == {
        "recurring invoice 9001 is not as it was sent: line 2 has quantity 0 where 8 was sent"
    }


RAW = (
    '{"id":9001,"client_id":250,"last_modified":"2026-11-01T08:00:00Z","lines":['
    '{"id":1,"_itemid":77,"qty_order":10.50,"unit_price":22.00,"unit_cost":18,"nested":{"a":[1.10,null,true]}},'
    '{"id":2,"qty_order":1E-7,"x":12345678901234567890.123456789,"big":1E+300,"text":"\\u00e9 \\ud83d\\ude00 \\"q\\"",'
    '"lone":"\\ud800","zero":0.00,"_itemid":0}]}'
)
"""Lines as no sandbox shows them: unknown fields, digits that a float would lose, a lone surrogate, a text line."""


def test_every_field_and_every_digit_goes_back_as_it_came() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == TOKEN_PATH:
            return httpx.Response(200, json={"access_token": "t"})
        body = RAW if "Recurring" in request.url.path else '{"id":250}'
        return httpx.Response(200, content=body, headers=JSON)

    wanted = change(quantity_before=Decimal("10.5"), quantity_after=Decimal("12.250"))
    with at(answer) as connection:
        psa = HaloPsaBilling(connection, IDENTITY)
        seen = psa.see_line(wanted, TODAY)
        request = psa.request_for([wanted], seen)
        assert psa.send(request).heard is Heard.ACCEPTED
    assert (seen.quantity, seen.obstacle, seen.record.last_modified) == (Decimal("10.5"), None, "2026-11-01T08:00:00Z")
    exact = {"parse_float": str, "parse_int": str}
    (invoice,) = json.loads(request.body, **exact)  # type: ignore[arg-type]
    wanted_lines = json.loads(RAW, **exact)["lines"]  # type: ignore[arg-type]
    wanted_lines[0]["qty_order"] = "12.25"
    wanted_lines[1]["qty_order"] = "0.0000001"
    assert invoice["lines"] == wanted_lines


@pytest.mark.parametrize(
    "quantity", ["0.1", "0.0000000001", "12345678901234567890.1234567891", "0", "1000000", "1E+3", "12.50"]
)
def test_the_psa_gets_every_digit_of_what_was_approved(halo: SandboxHandle, opened: Open, quantity: str) -> None:
    psa, approved = opened(), change(quantity_after=Decimal(quantity))
    assert sent(psa, approved).heard is Heard.ACCEPTED
    assert Decimal(halo.quantity("1")) == Decimal(quantity)
    seen = psa.see_line(approved, TODAY)
    assert (seen.quantity, seen.damage) == (Decimal(quantity), None)


def test_an_edit_of_another_line_before_the_look_is_sent_back_as_it_is(halo: SandboxHandle, opened: Open) -> None:
    psa = opened()
    psa.see_line(change(), TODAY)
    halo.merge({"lines": [{"id": "2", "quantity": "9"}, line("7", service="78", quantity="4")]})
    assert sent(psa, change()).heard is Heard.ACCEPTED
    assert quantities(halo) == {"1": "12", "2": "9", "3": "2.25", "7": "4"}


@pytest.mark.parametrize(
    ("do", "heard", "words", "quantity"),
    [
        ("429:7s", Heard.THROTTLED, "the PSA asks for fewer requests", "10"),
        ("409", Heard.NOT_EXECUTED, "the record is in use", "10"),
        ("400", Heard.REFUSED, "HTTP 400, 'Fault 400 on request.'", "10"),
        ("422", Heard.REFUSED, "HTTP 422", "10"),
        ("401", Heard.FORBIDDEN, "HTTP 401", "10"),
        ("403", Heard.FORBIDDEN, "HTTP 403", "10"),
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
    halo: SandboxHandle, opened: Open, do: str, heard: Heard, words: str, quantity: str
) -> None:
    halo.set_faults({"rules": [{"match": "POST /api/RecurringInvoice", "nth": 1, "do": do}]})
    judged = under_contract(judges_answers=do not in {"408", "truncated", "html"})
    answer = sent(opened(judged), change())
    assert answer.heard is heard
    assert words in answer.words
    assert answer.retry_after == (timedelta(seconds=7) if heard is Heard.THROTTLED else None)
    assert halo.quantity("1") == quantity
    assert len(halo.writes()) == (quantity == "12")
    assert sum(path == "/RecurringInvoice" for path in judged.paths()) <= 1


def test_after_a_401_to_a_write_the_next_read_renews_the_token(halo: SandboxHandle, opened: Open) -> None:
    judged = under_contract()
    psa = opened(judged)
    halo.set_faults({"rules": [{"match": "POST /api/RecurringInvoice", "nth": 1, "do": "401"}]})
    assert sent(psa, change()).heard is Heard.FORBIDDEN
    assert judged.paths().count(TOKEN_PATH) == 1
    psa.check_connection()
    assert judged.paths().count(TOKEN_PATH) == 2
    assert sent(psa, change()).heard is Heard.ACCEPTED


def test_a_psa_that_does_not_listen_surely_executed_nothing() -> None:
    with running_sandbox(seed()) as sandbox:
        psa = HaloPsaBilling(connected(sandbox.url), IDENTITY)
        request = psa.request_for([change()], psa.see_line(change(), TODAY))
    assert psa.send(request).heard is Heard.NOT_EXECUTED


def test_an_answer_that_does_not_come_in_time_is_unknown(halo: SandboxHandle, opened: Open) -> None:
    psa = opened(timeouts=Timeouts(read=0.5))
    request = psa.request_for([change()], psa.see_line(change(), TODAY))
    halo.set_faults({"rules": [{"match": "POST /api", "do": "delay:60s"}]})
    assert psa.send(request).heard is Heard.UNKNOWN


# --- whether the other lines came through ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param({"lines": [{"id": "2", "removed": True}]}, "line 2 is gone", id="a line that went"),
        pytest.param(
            {"lines": [{"id": "2", "quantity": "5"}]}, "line 2 has quantity 5 where 8 was sent", id="a quantity"
        ),
        pytest.param({"lines": [{"id": "3", "unit_price": "1"}]}, "line 3 has price 1 where 22 was sent", id="a price"),
        pytest.param({"lines": [{"id": "2", "unit_cost": None}]}, "line 2 has cost null where 18 was", id="a cost"),
        pytest.param({"lines": [{"id": "3", "service": "77"}]}, "line 3 has item 77 where 78 was sent", id="an item"),
        pytest.param(
            {"lines": [{"id": "2", "vendor_fields": {"isinactive": True}}]},
            "line 2 has inactive true where false was sent",
            id="switched off",
        ),
        pytest.param({"lines": [{"id": "1", "unit_price": "20"}]}, "line 1 has price 20 where 22", id="its own price"),
        pytest.param({"lines": [line("9"), line("8")]}, "line 9 and 8 came unasked", id="lines that came"),
    ],
)
@pytest.mark.parametrize("do", ["", "commit_then_drop"])
def test_damage_to_another_line_is_seen_at_every_look_after_the_request(
    halo: SandboxHandle, opened: Open, edit: dict[str, Any], words: str, do: str
) -> None:
    psa = opened()
    if do:
        halo.set_faults({"rules": [{"match": "POST /api", "do": do}]})
    sent(psa, change())
    halo.merge(edit)
    for _ in range(2):
        seen = psa.see_line(change(), TODAY)
        assert seen.quantity == Decimal(12)
        assert str(seen.damage).startswith("recurring invoice 9001 is not as it was sent: ")
        assert words in str(seen.damage)
    assert seen.obstacle is None


def test_what_people_do_after_the_read_back_is_no_damage(halo: SandboxHandle, opened: Open) -> None:
    psa = opened()
    sent(psa, change())
    assert psa.see_line(change(), TODAY).damage is None
    halo.merge({"lines": [{"id": "2", "quantity": "5"}]})
    assert psa.see_line(change(), TODAY).damage is None


@pytest.mark.parametrize("do", ["429:0s", "409", "400"])
def test_what_people_do_after_a_request_that_was_not_executed_is_no_damage(
    halo: SandboxHandle, opened: Open, do: str
) -> None:
    psa = opened()
    halo.set_faults({"rules": [{"match": "POST /api", "nth": 1, "do": do}]})
    sent(psa, change())
    halo.merge({"lines": [{"id": "2", "quantity": "5"}]})
    assert psa.see_line(change(), TODAY).damage is None


def test_a_line_that_still_shows_the_old_quantity_is_no_damage_and_stays_watched(
    halo: SandboxHandle, opened: Open
) -> None:
    psa = opened()
    halo.set_faults({"rules": [{"match": "POST /api", "nth": 1, "do": "drop"}]})
    assert sent(psa, change()).heard is Heard.UNKNOWN
    seen = psa.see_line(change(), TODAY)
    assert (seen.quantity, seen.damage) == (Decimal(10), None)
    halo.merge({"lines": [{"id": "2", "removed": True}]})
    assert "line 2 is gone" in str(psa.see_line(change(), TODAY).damage)


def test_a_neighbour_that_counts_itself_may_show_another_quantity(halo: SandboxHandle, opened: Open) -> None:
    fields = {"quantity_users": [{"id": 1}]}
    halo.merge({"lines": [{"id": "2", "vendor_fields": fields}]})
    psa = opened()
    sent(psa, change())
    halo.merge({"lines": [{"id": "2", "quantity": "30"}]})
    assert psa.see_line(change(), TODAY).damage is None


# --- a new line -----------------------------------------------------------------------------------------------------


def test_where_no_line_of_the_service_stands_one_may_be_made(opened: Open) -> None:
    seen = opened().see_line(new_line(), TODAY)
    assert (seen.quantity, seen.service_id) == (None, "79")
    assert (seen.unit_price, seen.unit_cost) == (Decimal("5.5"), Decimal(3))
    assert (seen.obstacle, len(seen.record.lines)) == (None, 3)


def test_one_request_makes_the_line_and_sends_all_others_back(halo: SandboxHandle, opened: Open) -> None:
    psa, before = opened(), halo.state()["lines"]
    request = psa.request_for([new_line()], psa.see_line(new_line(), TODAY))
    assert json.loads(request.body, parse_float=Decimal)[0]["lines"][3] == {
        "_itemid": 79,
        "item_shortdescription": "Backup",
        "qty_order": 3,
        "unit_price": Decimal("5.50"),
        "unit_cost": 3,
        "startdate": "2026-12-01T00:00:00",
        "comment_1": "TrueUp c1@1",
    }
    assert psa.send(request).heard is Heard.ACCEPTED
    (write,) = halo.writes()
    made = (write["line_id"], write["before"], write["after"], write["effective_date"], write["marker"])
    assert made == ("4", None, "3", "2026-12-01", "TrueUp c1@1")
    assert halo.state()["lines"][:3] == before
    seen = psa.see_line(new_line(), TODAY)
    assert (seen.quantity, seen.unit_price, seen.unit_cost) == (Decimal(3), Decimal("5.5"), Decimal(3))
    assert (seen.obstacle, seen.damage) == (None, None)


def test_a_line_that_comes_twice_is_named_as_an_obstacle_and_as_damage(halo: SandboxHandle, opened: Open) -> None:
    psa = opened()
    sent(psa, new_line())
    halo.merge({"lines": [line("9", service="79", quantity="3")]})
    seen = psa.see_line(new_line(), TODAY)
    assert seen.obstacle == "agreement 9001 bills service 79 on several lines: 4 (3), 9 (3)"
    assert "line 4 and 9 came unasked" in str(seen.damage)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        pytest.param([line("9", service="79", quantity="3", unit_price="4")], (Decimal(3), Decimal(4)), id="one"),
        pytest.param([line("9", service="79", end="2026-11-03")], (None, Decimal("5.5")), id="one that ended"),
        pytest.param([line("9", service="79", start="2027-01-01")], (Decimal(10), Decimal(22)), id="a future one"),
        pytest.param(
            [line("9", service="79", vendor_fields={"isinactive": True})], (None, Decimal("5.5")), id="an inactive one"
        ),
    ],
)
def test_a_live_line_of_the_service_is_taken_for_the_one_that_was_to_be_made(
    halo: SandboxHandle, opened: Open, edit: list[dict[str, Any]], expected: tuple[Decimal | None, Decimal]
) -> None:
    halo.merge({"lines": edit})
    seen = opened().see_line(new_line(), TODAY)
    assert (seen.quantity, seen.unit_price, seen.obstacle) == (*expected, None)


@pytest.mark.parametrize(
    ("edit", "parts", "words"),
    [
        pytest.param({}, {"agreement_id": None}, "it names no agreement", id="no agreement"),
        pytest.param({}, {"service_id": "5"}, "it is not in the PSA any more: GET /api/Item/5", id="no such service"),
        pytest.param(
            {"services": [{"id": "79", "active": False}]}, {}, "service 79 is inactive in the PSA", id="inactive"
        ),
        pytest.param(
            {"agreements": [{"id": "9001", "active": False}]},
            {},
            "agreement 9001 is cancelled",
            id="a disabled invoice",
        ),
        pytest.param(
            {"lines": [line("9", service="79", quantity="0.12345678901")]}, {}, "decimal places", id="a line too fine"
        ),
        pytest.param(
            {"agreements": [agreement("9002")]}, {"account_id": "251"}, "GET /api/Client/251", id="no such account"
        ),
    ],
)
def test_where_no_line_may_be_made_the_reason_is_told(
    halo: SandboxHandle, opened: Open, edit: dict[str, Any], parts: dict[str, Any], words: str
) -> None:
    halo.merge(edit)
    assert words in str(opened().see_line(new_line(**parts), TODAY).obstacle)


# --- without a look -------------------------------------------------------------------------------------------------


def test_a_preview_says_that_it_knows_one_line_only() -> None:
    assert preview(change()) == VendorRequest(
        "POST", "/api/RecurringInvoice", f'[{{"id":9001,"lines":["{OTHER_LINES}",{{"id":1,"qty_order":12}}]}}]'
    )
    shown = json.loads(preview(new_line(unit_cost=None)).body)[0]["lines"]
    assert (shown[0], shown[1]["_itemid"], "unit_cost" in shown[1], "id" in shown[1]) == (OTHER_LINES, 79, False, False)


def test_a_preview_would_be_refused_if_it_were_sent(halo: SandboxHandle) -> None:
    with HaloPsa(halo.url, HaloPsaCredentials(**KEYS), allow_loopback=True) as psa:
        assert HaloPsaBilling(psa, IDENTITY).send(preview(change())).heard is Heard.REFUSED
    assert halo.writes() == []


def test_an_adapter_names_the_psa_it_writes_to(opened: Open) -> None:
    psa = opened()
    assert psa.identity == IDENTITY
    psa.check_connection()
    assert isinstance(psa.see_line(change(), TODAY), LineSeen)
