"""A scenario becomes profiles, files, mappings and a seed that say the same as the scenario."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.intake.arrivals import Assignment, assign
from pipelines.intake.profile import load_profile
from pipelines.mapping.document import read_mappings
from pipelines.mapping.keys import match_key
from pipelines.mapping.seen import targets_of
from tests.trueup.traps.scenarios import SHIPPED, line, row, scenario
from trueup.traps.schema import Scenario, read_traps
from trueup.traps.world import World, build_world

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TRAPS = {trap.id: trap for trap in read_traps(SHIPPED.read_text(encoding="utf-8")).traps}


def world(**fields: Any) -> World:
    """The world of a scenario."""
    return build_world(scenario(**fields))


def profile(made: World, name: str = "trap-main") -> dict[str, Any]:
    """A profile of a world, read back."""
    read: dict[str, Any] = yaml.safe_load(made.profiles[name])
    return read


def records(content: bytes) -> list[list[str]]:
    """The records of a file, read by a plain reader."""
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))


def test_a_plain_month_is_one_file_one_profile_and_the_lines_as_they_stand() -> None:
    made = build_world(TRAPS["T01"])
    assert [(file.inbox_path, file.content) for file in made.files] == [
        ("trap-main/2025-12/0001/usage.csv", b"Account,Service,Quantity\nAcme,M365 BP,12\n")
    ]
    assert profile(made) == {
        "profile": "trap-main",
        "source": "main",
        "basis": "subscription",
        "arrives": {
            "pattern": "trap-main/{period}/*/*",
            "period": "from_path",
            "complete": {"min_rows": 1, "max_drop": "50%"},
        },
        "file": {"format": "csv", "encoding": ["utf-8-sig"], "delimiter": ",", "quote": '"'},
        "header": {"row": 1},
        "columns": {"account_key": "Account", "service_key": "Service", "quantity": "Quantity"},
        "numbers": {"decimal": ".", "thousands": ","},
        "dates": ["%Y-%m-%d"],
        "aggregate": {"method": "sum", "by": ["account", "service"]},
    }
    assert yaml.safe_load(made.mappings) == {
        "accounts": [
            {"source": "main", "key": "Acme", "account": "11"},
            {"source": "main", "key": "Beta", "account": "12"},
        ],
        "services": [{"source": "main", "key": "M365 BP", "services": ["501"]}],
        "units": [],
    }
    assert made.seed["lines"] == [
        {
            "id": "1",
            "agreement": "9001",
            "service": "501",
            "quantity": "10",
            "psa_included": "0",
            "start": "2020-01-01",
            "end": None,
            "unit_price": "10.00",
            "unit_cost": "8.00",
        }
    ]


def test_an_empty_month_still_sends_its_header() -> None:
    made = build_world(TRAPS["T04"])
    assert [file.content for file in made.files] == [b"Account,Service,Quantity\n"]


def test_the_month_before_arrives_first_with_as_many_rows_as_it_had() -> None:
    made = build_world(TRAPS["T05"])
    before, now = made.files
    assert (before.period.key, before.inbox_path) == ("2025-11", "trap-main/2025-11/0000/last-period.csv")
    assert len(records(before.content)) == 1 + 200
    assert now.period == made.period


def test_drops_of_one_content_are_the_same_bytes_under_two_names() -> None:
    made = build_world(TRAPS["T06"])
    assert [file.name for file in made.files] == ["usage.csv", "usage (1).csv"]
    assert made.files[0].content == made.files[1].content


def test_the_declared_marks_reach_the_profile_and_the_cell_stays_as_it_is() -> None:
    made = build_world(TRAPS["T07"])
    assert profile(made)["numbers"] == {"decimal": ",", "thousands": "."}
    assert records(made.files[0].content)[1] == ["Acme", "M365 BP", "1.234,00"]


def test_a_mark_that_is_the_decimal_mark_groups_nothing() -> None:
    assert profile(world(options={"decimal_mark": ","}))["numbers"] == {"decimal": ",", "thousands": None}


def test_a_key_with_a_term_is_one_key_on_both_sides() -> None:
    made = build_world(TRAPS["T12"])
    assert profile(made)["columns"]["service_key"] == ["Service", "Term"]
    assert [entry["key"] for entry in yaml.safe_load(made.mappings)["services"]] == ["M365 BP|P1Y", "M365 BP|P1M"]


@pytest.mark.parametrize(
    ("service", "term", "key"),
    [
        pytest.param("A|B", "P1Y", r"A\|B|P1Y", id="a bar inside a part is escaped"),
        pytest.param("A\\", "P1Y", r"A\\|P1Y", id="a backslash at the end is doubled"),
        pytest.param("A\\|B", "P1Y", r"A\\\|B|P1Y", id="and one before a bar"),
        pytest.param("A\\B", "P1Y", r"A\B|P1Y", id="any other stays"),
        pytest.param("A", None, "A|", id="an empty part stays"),
        pytest.param(" A ", " P1Y", "A|P1Y", id="blanks around a part are none of it"),
    ],
)
def test_parts_of_a_key_join_as_the_profile_joins_them(service: str, term: str | None, key: str) -> None:
    entry = {"source_service": service, "term": term, "products": [{"id": 501}]}
    made = world(options={"service_key": ["service", "term"]}, mappings={"services": [entry]})
    assert [entry["key"] for entry in yaml.safe_load(made.mappings)["services"]] == [key]


def test_tiers_on_one_count_need_the_rule_first_present() -> None:
    (entry,) = yaml.safe_load(build_world(TRAPS["T10"]).mappings)["services"]
    assert entry == {
        "source": "main",
        "key": "Total Workstations",
        "services": ["511", "512", "513"],
        "rule": "first_present",
    }


def test_every_product_that_a_mapping_names_exists_in_the_psa() -> None:
    seed = build_world(TRAPS["T10"]).seed
    assert {service["id"]: service["name"] for service in seed["services"]} == {
        "511": "Bronze",
        "512": "Silver",
        "513": "Gold",
    }


def test_a_mapping_of_one_source_is_not_given_to_another() -> None:
    made = build_world(TRAPS["T11"])
    mappings = yaml.safe_load(made.mappings)
    assert [(entry["source"], entry["key"]) for entry in mappings["services"]] == [
        ("webroot", "Webroot"),
        ("sentinelone", "SentinelOne"),
    ]
    assert [entry["source"] for entry in mappings["accounts"] if entry["key"] == "Acme"] == ["webroot", "sentinelone"]
    assert [file.profile for file in made.files] == ["trap-webroot", "trap-sentinelone"]


def test_a_decision_written_twice_is_recorded_once() -> None:
    twice = [{"source_account": spelling, "account_id": 11} for spelling in ("Acme", "Acme ", " Acme")]
    made = world(mappings={"accounts": twice})
    assert yaml.safe_load(made.mappings)["accounts"] == [{"source": "main", "key": "Acme", "account": "11"}]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        pytest.param({"included": 2}, {"line": "1", "included": "2"}, id="included"),
        pytest.param({"minimum": "5"}, {"line": "1", "minimum": "5"}, id="minimum"),
        pytest.param(
            {"rounding": {"mode": "ceil", "block": 25}}, {"line": "1", "round": "up", "block": "25"}, id="block"
        ),
    ],
)
def test_unit_rules_stand_on_their_line(fields: dict[str, Any], rule: dict[str, str]) -> None:
    assert yaml.safe_load(world(psa_lines=[line(**fields)]).mappings)["units"] == [rule]


def test_a_renamed_product_bears_todays_name_and_its_old_id() -> None:
    (service,) = build_world(TRAPS["T15"]).seed["services"]
    assert (service["id"], service["name"]) == ("501", "M365 Business Premium (2026)")


def test_charge_classes_reach_the_profile_only_where_rows_carry_them() -> None:
    made = build_world(TRAPS["T17"])
    assert profile(made)["charges"] == {"recurring": ["cycleFee"], "proration": ["prorateCredit"]}
    assert profile(made)["columns"]["charge_kind"] == "Charge"
    unused = world(options={"quantity_charges": ["cycleFee"]})
    assert "charges" not in profile(unused)


def test_slices_of_a_period_end_inclusive() -> None:
    made = build_world(TRAPS["T24"])
    assert profile(made)["columns"]["charge_end"] == {"column": "Period End", "inclusive": True}
    assert profile(made)["aggregate"]["method"] == "last_by_period_end"
    assert made.period.key == "2025-12"


@pytest.mark.parametrize(
    ("ends", "key"),
    [
        pytest.param([], "2025-12", id="no date"),
        pytest.param(["2026-02-15", "2026-02-28"], "2026-02", id="another month"),
        pytest.param(["2025-12-31", "2026-11-30"], "2025-12", id="terms that end later"),
        pytest.param(["2026-03-31", "2026-04-30"], "2026-04", id="the last of several"),
    ],
)
def test_the_month_is_december_unless_the_rows_say_otherwise(ends: list[str], key: str) -> None:
    made = world(usage=[row(period_end=end) for end in ends])
    assert made.period.key == key
    assert made.previous == made.period.previous


@pytest.mark.parametrize(
    ("patterns", "match"),
    [
        pytest.param(["^total$"], "(?i)^total$", id="one"),
        pytest.param(["(?i)^total$"], "(?i)^total$", id="one that says its flag"),
        pytest.param(["^total$", "(?i)sum|all"], "(?i)(?:^total$)|(?:sum|all)", id="several"),
    ],
)
def test_patterns_are_one_expression_of_any_letter_case(patterns: list[str], match: str) -> None:
    made = world(options={"total_patterns": patterns, "failure_patterns": patterns})
    assert profile(made)["rows"] == {
        "totals": {"column": "Account", "match": match, "of": "quantity"},
        "failures": {"match": match},
    }


@pytest.mark.parametrize(("ratio", "drop"), [("0.5", "50%"), ("0.333", "0.667"), ("1", "0%"), ("0", "100%")])
def test_the_least_share_of_rows_is_the_largest_drop(ratio: str, drop: str) -> None:
    assert profile(world(options={"min_rows_ratio": ratio}))["arrives"]["complete"]["max_drop"] == drop


def test_spellings_of_one_charge_kind_are_named_once() -> None:
    made = world(options={"quantity_charges": ["cycleFee", "Cycle_Fee", "renew"]}, usage=[row(charge="cycleFee")])
    assert profile(made)["charges"]["recurring"] == ["Cycle_Fee", "renew"]


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_the_product_takes_the_profiles_and_mappings_of_every_shipped_scenario(trap: Scenario) -> None:
    made = build_world(trap)
    for name, text in made.profiles.items():
        assert load_profile(text).name == name
    assert read_mappings(made.mappings).services


def test_a_source_that_sent_nothing_has_a_profile_and_no_file() -> None:
    made = world(usage=[], sources={"main": {"kind": "invoice", "drops": {}}})
    assert (list(made.profiles), made.files) == (["trap-main"], ())


def test_sources_whose_names_differ_in_signs_alone_get_folders_of_their_own() -> None:
    made = world(usage=[], sources={name: {"kind": "invoice"} for name in ("R&D", "r d", "日本", "R/D")})
    assert list(made.profiles) == ["trap-r-d", "trap-r-d-2", "trap-source", "trap-r-d-3"]
    assert [profile(made, name)["source"] for name in made.profiles] == ["R&D", "r d", "日本", "R/D"]


def test_a_source_whose_name_has_blanks_around_it_goes_by_its_name() -> None:
    made = world(
        usage=[], sources={" Pax8 ": {"kind": "invoice"}, "Pax8": {"kind": "invoice"}, " ": {"kind": "invoice"}}
    )
    assert [load_profile(text).source for text in made.profiles.values()] == ["Pax8", "Pax8-2", "source"]
    assert {entry.source for entry in read_mappings(made.mappings).services} == {"Pax8", "Pax8-2", "source"}


def test_files_sort_by_path_in_order_of_arrival_within_a_source() -> None:
    drops = {number: {"file": name} for number, name in [(1, "z.csv"), (2, "a.csv"), (10, "a.csv"), (11, "../b.csv")]}
    made = world(usage=[], sources={"main": {"kind": "subscription", "rows_last_period": 3, "drops": drops}})
    paths = [file.inbox_path for file in made.files]
    assert paths == sorted(paths)
    assert paths[-1] == "trap-main/2025-12/0011/file .._b.csv.csv"


def test_a_rerun_is_seeded_with_the_lines_as_they_stood_then() -> None:
    lines = [
        line(quantity=15, as_of_period_quantity=12),
        line(line=2, product_id=502, quantity=7, included=1, as_of_period_quantity=None),
        line(line=3, product_id=503, quantity=9),
    ]
    made = world(phase="rerun", psa_lines=lines)
    assert [(entry["id"], entry["quantity"]) for entry in made.seed["lines"]] == [("1", "12"), ("3", "9")]
    assert yaml.safe_load(made.mappings)["units"] == []
    today = world(psa_lines=lines)
    assert [(entry["id"], entry["quantity"]) for entry in today.seed["lines"]] == [("1", "15"), ("2", "7"), ("3", "9")]


@pytest.mark.parametrize(("api", "kind"), [("set", "connectwise"), ("delta", "autotask")])
def test_the_psa_that_is_played_takes_changes_as_the_lines_say(api: str, kind: str) -> None:
    made = world(psa_lines=[line(api=api)])
    assert (made.psa_kind, made.seed["psa"]) == (kind, kind)
    assert world(psa_lines=[], expect={"proposals": {}}).psa_kind == "connectwise"


def test_agreements_are_told_apart_by_account_and_name() -> None:
    lines = [
        line(line="a", agreement="M"),
        line(line="b", agreement="N"),
        line(line="c", agreement="M", account_id=12),
        line(line="d", agreement="M"),
    ]
    seed = world(psa_lines=lines, expect={"proposals": {}}).seed
    assert [entry["agreement"] for entry in seed["lines"]] == ["9001", "9002", "9003", "9001"]
    assert [(entry["id"], entry["account"], entry["name"]) for entry in seed["agreements"]] == [
        ("9001", "11", "M"),
        ("9002", "11", "N"),
        ("9003", "12", "M"),
    ]


# A name that anybody may have given: quotes, commas, breaks, blanks at the ends, other scripts; no surrogates, no
# control characters (no YAML text and no cell of a real export holds them).
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12) | st.sampled_from(
    [
        "Acme, Inc.",
        '"Quoted"',
        " leading",
        "trailing ",
        "Ünïçø∂é",
        "a\nb",
        "null",
        "007",
        "=1+1",
        "a|b",
        "#x: [y",
        "NO",
        "1e3",
    ]
)
KEYS = st.lists(NAMES.filter(match_key), max_size=3, unique_by=match_key)
CELLS = st.none() | NAMES
ROWS = st.fixed_dictionaries(
    {"account": CELLS, "service": CELLS, "quantity": CELLS, "drop": st.integers(1, 3)},
    optional={"term": CELLS, "subscription": CELLS, "charge": CELLS},
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Scenarios with awkward names, several sources and several drops each."""
    sources = draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=lambda name: match_key(name) or "source"))
    usage = [one | {"source": draw(st.sampled_from(sources))} for one in draw(st.lists(ROWS, max_size=6))]
    accounts = [{"source_account": key, "account_id": number} for number, key in enumerate(draw(KEYS))]
    services = [{"source_service": key, "products": [{"id": 501}]} for key in draw(KEYS)]
    quantity = draw(st.decimals(0, 10**6, places=2))
    kinds = st.sampled_from(["subscription", "invoice", "assigned"])
    return scenario(
        sources={
            name: {"kind": draw(kinds), "rows_last_period": draw(st.none() | st.integers(0, 5))} for name in sources
        },
        usage=usage,
        psa_lines=[line(quantity=str(quantity), product=draw(NAMES), agreement=draw(NAMES), account=draw(NAMES))],
        mappings={"accounts": accounts, "services": services},
    )


@given(scenarios())
def test_every_cell_reaches_its_file_as_it_stands(trap: Scenario) -> None:
    headers = {"Account": "account", "Service": "service", "Quantity": "quantity", "Term": "term"}
    headers |= {"Subscription": "subscription", "Charge": "charge"}
    made = build_world(trap)
    expected: list[tuple[str, int, list[str | None]]] = []
    found: list[tuple[str, int, list[str | None]]] = []
    for one in trap.usage:
        expected.append(
            (match_key(one.source) or "source", one.drop, [getattr(one, field) for field in headers.values()])
        )
    for file in (file for file in made.files if file.period == made.period):
        header, *rows = records(file.content)
        for row_cells in rows:
            by_name = dict(zip(header, row_cells, strict=True))
            found.append(
                (file.source, int(file.inbox_path.split("/")[2]), [by_name.get(name) or None for name in headers])
            )
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@given(scenarios())
def test_a_world_hangs_together(trap: Scenario) -> None:
    made = build_world(trap)
    assert made == build_world(trap)
    paths = [file.inbox_path for file in made.files]
    assert len(set(paths)) == len(paths)
    assert {load_profile(text).source for text in made.profiles.values()} == {
        match_key(source) or "source" for source in trap.sources
    }
    profiles = [load_profile(text) for text in made.profiles.values()]
    for file in made.files:
        assert assign(file.inbox_path, profiles, NOW, ZoneInfo("UTC"), lambda _: True) == Assignment(
            file.profile, file.source, file.period
        )
        read = profile(made, file.profile)
        header = set(records(file.content)[0])
        named = read["columns"].values()
        assert {name for column in named for name in ([column] if isinstance(column, str) else column)} <= header
    mappings = read_mappings(made.mappings)
    known_services = {service["id"] for service in made.seed["services"]}
    agreements = {agreement["id"]: agreement["account"] for agreement in made.seed["agreements"]}
    known_accounts = {account["id"] for account in made.seed["accounts"]}
    assert {target for entry in mappings.accounts for target in targets_of(entry)} <= known_accounts
    assert {target for entry in mappings.services for target in targets_of(entry)} <= known_services
    assert {entry["service"] for entry in made.seed["lines"]} <= known_services
    assert {agreements[entry["agreement"]] for entry in made.seed["lines"]} <= known_accounts
