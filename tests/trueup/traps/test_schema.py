"""A scenario file is read to the letter, or refused with the scenario and the field that is wrong."""

from decimal import Decimal
from typing import Any

import pytest

from tests.trueup.traps.scenarios import SHIPPED, document, file_of, line, row, scenario
from trueup.traps.schema import TrapFileError, read_traps


def test_the_shipped_file_holds_the_scenarios_that_must_pass() -> None:
    file = read_traps(SHIPPED.read_text(encoding="utf-8"))
    known = [f"T{number:02d}" for number in range(1, 25)]
    assert sorted(trap.id for trap in file.traps) == sorted([*known, "W1", "W2", "W3"])
    assert file.count == 27


def test_a_number_in_a_file_stands_for_its_digits() -> None:
    text = """
    schema: trueup.traps/1
    traps:
      - id: X1
        sources: {main: {kind: subscription}}
        usage: [{account: 007, service: NO, quantity: 1.50}]
        psa_lines:
          - {line: 1, account_id: 0011, account: on, agreement: 2026-01-01, product_id: 5, product: 1e3, quantity: 0.10}
        mappings: {accounts: [], services: []}
        expect: {proposals: {1: 1.10}}
    """
    trap = read_traps(text).traps[0]
    assert (trap.usage[0].account, trap.usage[0].service, trap.usage[0].quantity) == ("007", "NO", "1.50")
    billed = trap.psa_lines[0]
    assert (billed.account_id, billed.account, billed.agreement, billed.product) == ("0011", "on", "2026-01-01", "1e3")
    assert (billed.quantity, trap.expect.proposals) == (Decimal("0.10"), {"1": Decimal("1.1")})


@pytest.mark.parametrize("null", ["null", "~", ""])
def test_an_empty_cell_is_null_and_no_text(null: str) -> None:
    text = f"""
    schema: trueup.traps/1
    traps:
      - id: X1
        sources: {{main: {{kind: subscription}}}}
        usage:
          - account: Acme
            service: S
            quantity: {null}
        psa_lines: []
        mappings: {{}}
        expect: {{proposals: {{}}}}
    """
    assert read_traps(text).traps[0].usage[0].quantity is None


def test_a_file_may_carry_words_of_its_own_beside_the_scenarios() -> None:
    file = file_of(document(baselines={"vlookup": {"result": "right"}}, note="x"), baseline_totals={"vlookup": {}})
    assert file.traps[0].id == "X1"


def test_a_source_without_declared_drops_delivers_one_file_even_with_no_row() -> None:
    trap = scenario(usage=[])
    assert [(number, drop.file) for number, drop in trap.drops_of("main").items()] == [(1, "usage.csv")]
    assert trap.rows_of("main", 1) == ()


def test_drops_that_are_declared_empty_mean_that_nothing_has_arrived() -> None:
    trap = scenario(usage=[], sources={"main": {"kind": "subscription", "drops": {}}})
    assert trap.drops_of("main") == {}


def test_a_drop_that_repeats_a_content_label_needs_no_rows_of_its_own() -> None:
    drops = {2: {"file": "b.csv", "content": "A"}, 1: {"file": "a.csv", "content": "A"}}
    trap = scenario(sources={"main": {"kind": "subscription", "drops": drops}})
    assert list(trap.drops_of("main")) == [1, 2]
    assert trap.rows_of("main", 2) == trap.rows_of("main", 1) != ()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"usage": [row(qty="1")]}, "X1: usage[1].qty: Extra inputs are not permitted", id="misspelt field"
        ),
        pytest.param({"sources": {}}, "X1: sources: Dictionary should have at least 1 item", id="no source"),
        pytest.param(
            {"sources": {"main": {"kind": "guess"}}}, "X1: sources.main.kind: Input should be 'subscription'", id="kind"
        ),
        pytest.param(
            {"psa_lines": [line(quantity="ten")]},
            "X1: psa_lines[1].quantity: Input should be a valid decimal",
            id="number",
        ),
        pytest.param(
            {"options": {"aggregation": "median"}}, "X1: options.aggregation: Input should be 'sum'", id="aggregation"
        ),
        pytest.param(
            {"options": {"min_rows_ratio": "1.5"}}, "X1: options.min_rows_ratio: Input should be less", id="ratio"
        ),
        pytest.param(
            {"options": {"total_patterns": ["(total"]}},
            "X1: options.total_patterns[1]: '(total' is no regular expression",
            id="pattern",
        ),
        pytest.param({"options": {"service_key": []}}, "X1: options.service_key: name at least one", id="service key"),
        pytest.param(
            {"usage": [row(), row(source="other")]},
            "X1: usage[2].source: 'other' is none of the sources main",
            id="row of nobody",
        ),
        pytest.param(
            {"sources": {"main": {"kind": "invoice", "drops": {1: {"file": "a.csv"}}}}, "usage": [row(drop=2)]},
            "X1: usage[1].drop: the source 'main' declares no drop 2",
            id="row of no drop",
        ),
        pytest.param(
            {"usage": [row(period_end="31.12.2025")]},
            "X1: usage[1].period_end: '31.12.2025' is no date, write YYYY-MM-DD",
            id="date",
        ),
        pytest.param(
            {
                "sources": {
                    "main": {
                        "kind": "invoice",
                        "drops": {1: {"file": "a", "content": "A"}, 2: {"file": "b", "content": "A"}},
                    }
                },
                "usage": [row(drop=1), row(drop=2, quantity="13")],
            },
            "X1: sources.main.drops.2.content: it is that of drop 1, but the rows differ",
            id="one label, two contents",
        ),
        pytest.param({"psa_lines": [line(), line()]}, "X1: psa_lines[2].line: 1 stands twice", id="line twice"),
        pytest.param(
            {"psa_lines": [line(), line(line=2, api="delta")]},
            "X1: psa_lines[2].api: a scenario has one PSA, and line 1 says set",
            id="two PSAs",
        ),
        pytest.param(
            {
                "psa_lines": [line(api="delta"), line(line=2, product_id=502, api="delta")],
                "approved": [{"line": number, "before": 10, "after": 12} for number in (1, 2)],
                "write_faults": [{"line": 2, "kind": "timeout", "landed": True}],
            },
            "X1: write_faults: a delta's address names no line, so approve only the line whose answer is lost",
            id="a fault that cannot be aimed",
        ),
        pytest.param(
            {"expect": {"proposals": {9: 1}}}, "X1: expect: line 9 is none of psa_lines", id="expects an unknown line"
        ),
        pytest.param(
            {"mappings": {"services": [{"source_service": "S", "products": [{"id": 1}, {"id": 2}]}]}},
            "X1: mappings.services[1].products: mode one leads to exactly one product",
            id="one of two",
        ),
        pytest.param(
            {"mappings": {"accounts": [{"source_account": "A", "account_id": 1, "source": "x"}]}},
            "X1: mappings.accounts[1].source: 'x' is none of the sources",
            id="mapping of nobody",
        ),
        pytest.param(
            {
                "mappings": {
                    "accounts": [{"source_account": "A", "account_id": 1}, {"source_account": " A", "account_id": 2}]
                }
            },
            "X1: mappings.accounts[2]: entry 1 leads the same key of 'main' elsewhere",
            id="account decided twice",
        ),
        pytest.param(
            {
                "mappings": {
                    "services": [
                        {"source_service": "S", "term": "P1Y", "products": [{"id": 1}]},
                        {"source_service": "S", "term": "P1M", "source": "main", "products": [{"id": 2}]},
                    ]
                }
            },
            "X1: mappings.services[2]: entry 1 leads the same key of 'main' elsewhere",
            id="service decided twice, since terms are no part of the key",
        ),
        pytest.param(
            {"mappings": {"services": [{"source_service": " ", "products": [{"id": 1}]}]}},
            "X1: mappings.services[1]: its key is blank",
            id="blank key",
        ),
    ],
)
def test_an_impossible_scenario_is_named_with_its_field(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(TrapFileError) as refused:
        scenario(**fields)
    assert words in str(refused.value)


def test_every_problem_of_a_file_is_told_at_once() -> None:
    with pytest.raises(TrapFileError) as refused:
        file_of(document(id="A", psa_lines=[line(), line()]), document(id="A"), count=3)
    assert str(refused.value).split("\n") == [
        "count: it says 3, the file holds 2 scenarios",
        "A: psa_lines[2].line: 1 stands twice",
        "A: id: two scenarios bear it",
    ]


def test_a_scenario_without_an_id_is_named_by_its_place() -> None:
    nameless = document()
    del nameless["id"], nameless["usage"]
    with pytest.raises(TrapFileError) as refused:
        file_of(document(), nameless)
    assert "scenario 2: id: Field required" in str(refused.value)
    assert "scenario 2: usage: Field required" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: [", "this is no YAML", id="broken"),
        pytest.param("- 1", "the file must be a mapping with the keys schema (trueup.traps/1) and traps", id="a list"),
        pytest.param("", "the file must be a mapping", id="empty"),
        pytest.param(
            "{schema: trueup.traps/9, traps: []}", "schema: Input should be 'trueup.traps/1'", id="other schema"
        ),
        pytest.param(
            "{schema: trueup.traps/1, traps: [text]}", "scenario 1: the scenario: Input should be", id="no trap"
        ),
    ],
)
def test_a_text_that_is_no_scenario_file_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(TrapFileError) as refused:
        read_traps(text)
    assert words in str(refused.value)
