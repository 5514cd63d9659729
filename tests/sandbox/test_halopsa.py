"""HaloPSA as the sandbox speaks it: tokens, lists, pages, and the write that replaces lines.

Belongs here: requests over HTTP and the vendor's answers, without our adapter.
Does not belong here: faults and the sandbox's own door.
"""

import time
from typing import Any

import httpx
import pytest

from tests.sandbox.halopsa_seeds import (
    API,
    INVOICE,
    INVOICES,
    KEYS,
    ask,
    ask_token,
    form,
    lines_of,
    replace_lines,
    seed,
)
from tests.sandbox.seeds import account, agreement, line, many, service
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


@pytest.fixture
def halo() -> Any:
    """A sandbox with a recurring invoice of three lines of ten."""
    with running_sandbox(seed(lines=many(line, 3))) as running:
        yield running


def test_any_credentials_that_are_not_empty_are_given_a_token_when_the_seed_names_none(halo: SandboxHandle) -> None:
    assert ask_token(halo.url, client_secret="any").json()["expires_in"] == 3600
    assert ask_token(halo.url, client_secret="").status_code == 400


def test_wrong_credentials_are_given_no_token() -> None:
    with running_sandbox(seed(credentials=KEYS)) as running:
        assert ask_token(running.url).status_code == 200
        wrong = [ask_token(running.url, **{key: "wrong"}) for key in KEYS]
    assert [(answer.status_code, answer.json()) for answer in wrong] == [(400, {"error": "invalid_client"})] * 3


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        pytest.param({"json": form()}, "invalid_request", id="JSON"),
        pytest.param({"data": {**form(), "grant_type": "password"}}, "unsupported_grant_type", id="another grant"),
        pytest.param({"data": {**form(), "scope": ""}}, "unsupported_grant_type", id="no scope"),
    ],
)
def test_a_token_is_asked_for_by_a_form(halo: SandboxHandle, parts: dict[str, Any], error: str) -> None:
    answer = httpx.post(f"{halo.url}/auth/token?tenant=acme", trust_env=False, **parts)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic x"}])
def test_a_request_without_a_token_that_lives_is_answered_401(halo: SandboxHandle, given: dict[str, str]) -> None:
    assert httpx.get(f"{halo.url}{API}/Client", headers=given, trust_env=False).status_code == 401


def test_a_token_expires() -> None:
    with running_sandbox(seed(token_seconds=1)) as running:
        given = {"Authorization": f"Bearer {ask_token(running.url).json()['access_token']}"}
        assert httpx.get(f"{running.url}{API}/Client", headers=given, trust_env=False).status_code == 200
        until = time.monotonic() + 30
        while httpx.get(f"{running.url}{API}/Client", headers=given, trust_env=False).status_code != 401:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert running.state()["token_seconds"] == 1


def test_records_have_the_vendor_s_shapes(halo: SandboxHandle) -> None:
    assert ask(halo.url, "/Client/250").json() == {"id": 250, "name": "Acme", "inactive": False}
    item = ask(halo.url, "/Item/77").json()
    assert (item["internalreference"], item["name"], item["recurringprice"]) == ("SKU-77", "Service 77", 22)
    invoice = ask(halo.url, INVOICE, {"includedetails": "true"}).json()
    assert (invoice["client_id"], invoice["disabled"], invoice["last_modified"]) == (250, False, None)
    assert invoice["lines"][0] == {
        "id": 1,
        "ihid": 9001,
        "_itemid": 77,
        "item_code": "SKU-77",
        "item_shortdescription": "Service 77",
        "comment_1": None,
        "qty_order": 10,
        "unit_price": 22,
        "unit_cost": 18,
        "net_amount": 220,
        "startdate": "2025-01-01T00:00:00",
        "enddate": None,
        "isinactive": False,
        "isgroupdesc": False,
        "_is_calculated_line": False,
        "recurring_invoice_quantity_type": 0,
        "quantity_licences": [],
        "quantity_subscriptions": [],
        "quantity_users": [],
        "quantity_assets": [],
        "prorata_data": [],
    }


def test_a_list_shows_lines_only_when_asked_and_the_last_day_of_an_invoice() -> None:
    with running_sandbox(seed(agreements=[agreement("9001", end="2026-11-01", active=False)])) as running:
        (plain,) = ask(running.url, INVOICES).json()["invoices"]
        (full,) = ask(running.url, INVOICES, {"includelines": "true"}).json()["invoices"]
    assert ("lines" in plain, len(full["lines"])) == (False, 1)
    assert (plain["enddate"], plain["disabled"]) == ("2026-10-31T00:00:00", True)


def test_pages_come_only_where_they_are_asked_for_by_the_vendor_s_spelling() -> None:
    with running_sandbox(seed(accounts=many(account, 250), agreements=[], lines=[])) as running:
        second = ask(running.url, "/Client", {"pageinate": "true", "page_no": "2", "page_size": "500"}).json()
        unasked = ask(running.url, "/Client", {"paginate": "true", "page_no": "2"}).json()
        assert ask(running.url, "/Client", {"page_size": "none"}).status_code == 400
    assert [record["id"] for record in second["clients"]] == list(range(101, 201))
    assert [record["id"] for record in unasked["clients"]] == list(range(1, 51))
    assert second["record_count"] == unasked["record_count"] == 250


def test_inactive_records_are_shown_when_they_are_asked_for() -> None:
    document = seed(accounts=[account("250", active=False)], services=[service("77", active=False)])
    with running_sandbox(document) as running:
        counts = [
            ask(running.url, path, query).json()["record_count"]
            for path in ("/Client", "/Item")
            for query in ({}, {"includeinactive": "true"})
        ]
        assert ask(running.url, "/Client/250").json()["inactive"] is True
    assert counts == [0, 1, 0, 1]


def test_what_does_not_exist_is_not_found(halo: SandboxHandle) -> None:
    assert ask(halo.url, "/RecurringInvoice/1").json() == {"message": "/RecurringInvoice 1 does not exist."}
    assert ask(halo.url, "/Nothing").status_code == 404


def test_an_array_replaces_what_stands(halo: SandboxHandle) -> None:
    first, _, third = lines_of(halo.url)
    made = {"_itemid": 77, "qty_order": 2.5, "comment_1": "mark", "startdate": "2026-12-01T00:00:00"}
    answer = replace_lines(halo.url, [{**first, "qty_order": 12}, third, made])
    assert answer.status_code == 201
    assert [each["id"] for each in answer.json()["lines"]] == [1, 3, 4]
    assert answer.json()["last_modified"] is not None
    writes = [(w["line_id"], w["before"], w["after"], w["effective_date"], w["marker"]) for w in halo.writes()]
    assert writes == [
        ("1", "10", "12", None, None),
        ("2", "10", None, None, None),
        ("4", None, "2.5", "2026-12-01", "mark"),
    ]
    state = {each["id"]: each for each in halo.state()["lines"]}
    assert (state["1"]["quantity"], state["1"]["unit_price"], "description" in state["1"]) == ("12", "22.00", False)
    assert "updated_at" not in state["3"]


def test_lines_of_other_invoices_stay(halo: SandboxHandle) -> None:
    halo.merge({"agreements": [agreement("9002")], "lines": [line("7", agreement="9002")]})
    replace_lines(halo.url, lines_of(halo.url)[:1])
    assert [each["id"] for each in halo.state()["lines"]] == ["7", "1"]


def test_a_line_that_counts_itself_keeps_its_quantity() -> None:
    kinds = ({"_is_calculated_line": True}, {"recurring_invoice_quantity_type": 3}, {"quantity_users": [{"id": 5}]})
    lines = [line(str(number), vendor_fields=fields) for number, fields in enumerate(kinds, 1)]
    with running_sandbox(seed(lines=lines)) as running:
        shown = lines_of(running.url)
        replace_lines(running.url, [{**each, "qty_order": 99} for each in shown])
        assert (running.writes(), lines_of(running.url)) == ([], shown)
        assert ask(running.url, INVOICE).json()["contains_calculated_quantity"] is True


def test_a_field_that_is_left_out_is_gone_and_one_that_is_sent_is_kept(halo: SandboxHandle) -> None:
    first = lines_of(halo.url)[0]
    replace_lines(
        halo.url, [{**first, "sequenceid": 4, "item_shortdescription": "Seats", "enddate": "2026-12-31T00:00:00"}]
    )
    kept = lines_of(halo.url)[0]
    assert (kept["sequenceid"], kept["item_shortdescription"], kept["enddate"]) == (4, "Seats", "2026-12-31T00:00:00")
    assert halo.state()["lines"][0]["vendor_fields"] == {"sequenceid": 4}
    replace_lines(halo.url, [{"id": 1, "_itemid": 77, "qty_order": 10}])
    bare = lines_of(halo.url)[0]
    assert ("sequenceid" in bare, bare["unit_price"], bare["item_shortdescription"]) == (False, None, "Service 77")


LINE = {"id": 1, "_itemid": 77, "qty_order": 12}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({}, "must be an array of recurring invoices", id="no array"),
        pytest.param([{"id": 9001}], "an object of id and lines, and nothing else", id="no lines"),
        pytest.param([{"id": 9001, "lines": [], "name": "x"}], "and nothing else", id="a header field"),
        pytest.param([{"id": 1, "lines": []}], "Recurring invoice 1 does not exist", id="another invoice"),
        pytest.param([{"id": 9001, "lines": ["(others)"]}], "A line must be an object", id="a text"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "id": 8}]}], "has no line 8", id="another line"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "id": "1"}]}], "has no line '1'", id="an id of text"),
        pytest.param([{"id": 9001, "lines": [LINE, LINE]}], "A line was sent twice", id="a line twice"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "_itemid": 9}]}], "Item 9 does not exist", id="another item"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "qty_order": "1"}]}], "qty_order must be a number", id="text"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "comment_1": 1}]}], "comment_1 must be a text", id="a number"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "startdate": "2026"}]}], "startdate must be like", id="a date"),
        pytest.param([{"id": 9001, "lines": [{**LINE, "enddate": "xT"}]}], "enddate must be like", id="no date"),
    ],
)
def test_what_is_not_understood_is_refused_and_changes_nothing(halo: SandboxHandle, body: Any, words: str) -> None:
    before = halo.state()
    answer = ask(halo.url, INVOICES, method="POST", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert halo.state() == before


def test_a_body_that_is_no_json_is_refused(halo: SandboxHandle) -> None:
    json_type = {"Content-Type": "application/json"}
    for content, kind, status in ((b"{", json_type, 400), (b"[]", {}, 415)):
        token = ask_token(halo.url).json()["access_token"]
        given = {"Authorization": f"Bearer {token}", **kind}
        answer = httpx.post(f"{halo.url}{API}{INVOICES}", content=content, headers=given, trust_env=False)
        assert answer.status_code == status


def test_nothing_to_show_is_an_empty_list_or_an_empty_record(halo: SandboxHandle) -> None:
    halo.set_faults({"rules": [{"match": "GET ", "do": "empty"}]})
    assert ask(halo.url, INVOICES).json() == {"record_count": 0, "invoices": []}
    assert ask(halo.url, INVOICE).json() == {}
