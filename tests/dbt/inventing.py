"""Months that nobody thought of: Hypothesis strategies for rows, decisions and what the PSA holds.

Belongs here: inventing months, small enough to be shrunk and wide enough to meet every rule.
Does not belong here: what must hold of them; each property says that.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TypeVar

from hypothesis import strategies as st

from pipelines.intake.rows import Reduction, RowClass
from pipelines.mapping.entries import AccountMapping, ServiceMapping, ServiceRule, UnitRule
from pipelines.reconciliation.inputs import DoubtfulRow
from tests.dbt.builder import PERIOD, Line, Month, Row, Target, accounts, leads, unit

T = TypeVar("T")

SOURCES = ("Pax8", "RMM")
ACCOUNT_KEYS = ("acme", "beta", "cedar", "group")
SERVICE_KEYS = ("seats", "backup", "tiers", "suite")
PSA_ACCOUNTS = {"11": "Acme", "12": "Beta", "13": "Cedar", "14": "Delta"}
PSA_SERVICES = {"501": "Bronze", "502": "Silver", "503": "Gold", "504": "Backup"}

some_accounts = st.sampled_from([*PSA_ACCOUNTS])
some_services = st.sampled_from([*PSA_SERVICES])
quantities = st.one_of(
    st.integers(1, 40).map(str),
    st.integers(1, 40).map(str),
    st.sampled_from(["-3", "0", "0.5", "7.3333333333", "12.25", "0.0000000001"]),
)


def seldom(usual: Sequence[T], rare: Sequence[T]) -> st.SearchStrategy[T]:
    """One of the usual values, seven times out of eight."""
    return st.integers(0, 7).flatmap(lambda number: st.sampled_from(rare if number == 7 else usual))


@st.composite
def shares(draw: st.DrawFn, count: int) -> tuple[str, ...]:
    """So many shares above 0 that sum to exactly 1."""
    parts = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    places = Decimal("0.0000000001")
    known = [(Decimal(part) / sum(parts)).quantize(places) for part in parts[:-1]]
    return tuple(map(str, [*known, 1 - sum(known, Decimal(0))]))


@st.composite
def account_targets(draw: st.DrawFn) -> Target:
    """One account, shares of several, an account that the PSA does not know, or an exclusion."""
    several = draw(st.lists(some_accounts, min_size=1, max_size=3, unique=True))
    if len(several) > 1 and draw(st.booleans()):
        return dict(zip(several, draw(shares(len(several))), strict=True))
    return draw(seldom(several, ["99", None]))


@st.composite
def account_mappings(draw: st.DrawFn) -> Sequence[AccountMapping]:
    """Decisions about the account keys of each source."""
    targets = st.fixed_dictionaries(dict.fromkeys(ACCOUNT_KEYS, account_targets()))
    return [entry for source in SOURCES for entry in accounts(source, **draw(targets))]


@st.composite
def service_mapping(draw: st.DrawFn, source: str, key: str) -> ServiceMapping:
    """A decision about one service key, by any rule."""
    services = draw(st.lists(some_services, min_size=1, max_size=3, unique=True))
    one = [ServiceRule.ONE, ServiceRule.ONE, ServiceRule.FIRST_PRESENT]
    several = [ServiceRule.FIRST_PRESENT, ServiceRule.FIRST_PRESENT, ServiceRule.REPLICATE, ServiceRule.SPLIT]
    rule = draw(st.sampled_from(one if len(services) == 1 else several))
    parts = draw(shares(len(services))) if rule is ServiceRule.SPLIT else ()
    percent = draw(seldom(["100"], ["50", "33.33333333", "250"]))
    entry = leads(key, *services, source=source, rule=rule, shares=parts, percent=percent)
    return draw(seldom([entry], [leads(key, source=source)]))


@st.composite
def service_mappings(draw: st.DrawFn) -> Sequence[ServiceMapping]:
    """Decisions about the service keys of each source."""
    return [draw(service_mapping(source, key)) for source in SOURCES for key in SERVICE_KEYS]


bounds = st.sampled_from([None, "0", "1", "5"])


@st.composite
def unit_rules(draw: st.DrawFn, lines: Sequence[Line]) -> Sequence[UnitRule]:
    """Unit rules, at most one for each line, account's service and service."""
    subjects: list[partial[UnitRule]] = [
        *(partial(unit, line=line.id) for line in lines),
        *(partial(unit, account=account, service=service) for account in PSA_ACCOUNTS for service in PSA_SERVICES),
        *(partial(unit, service=service) for service in PSA_SERVICES),
    ]
    chosen = draw(st.lists(st.sampled_from(range(len(subjects))), max_size=4, unique=True))
    return [draw(_ruled(subjects[number])) for number in chosen]


@st.composite
def _ruled(draw: st.DrawFn, subject: partial[UnitRule]) -> UnitRule:
    minimum = draw(bounds)
    maximum = draw(st.sampled_from([None, "5", "20"]))
    included = draw(st.sampled_from(["0", "2", "2.5"]))
    return subject(included=included, block=draw(st.sampled_from([None, "1", "10"])), minimum=minimum, maximum=maximum)


renewals = st.sampled_from([None, date(2026, 11, 20), date(2026, 11, 20), date(2026, 12, 5), date(2027, 6, 1)])
"""Ends of terms: in the month after this one, whose falls wait for it, and later."""

rows = st.builds(
    Row,
    account=seldom(ACCOUNT_KEYS, [*ACCOUNT_KEYS, "nobody"]),
    service=seldom(SERVICE_KEYS, [*SERVICE_KEYS, "new"]),
    quantity=quantities,
    source=st.sampled_from(SOURCES),
    drop=st.sampled_from(["", "emea"]),
    subscription=st.sampled_from([None, "s1", "s2"]),
    method=seldom([Reduction.SUM], [Reduction.MAX, Reduction.LAST, Reduction.RUNNING_TOTAL]),
    term=st.sampled_from([None, "P1Y"]),
    by_term=st.booleans(),
    charge=seldom([RowClass.RECURRING], [RowClass.CANCEL, RowClass.PRORATION, RowClass.UNKNOWN]),
    is_rounded=seldom([False], [False, True]),
    term_end=renewals,
    at_renewal=st.sampled_from([None, "0", "1", "3"]),
)


@st.composite
def renewing_row(draw: st.DrawFn) -> Row:
    """Seats that fall next month: only a subscription that stands under one key alone schedules a fall."""
    account, service = draw(st.sampled_from(ACCOUNT_KEYS)), draw(st.sampled_from(SERVICE_KEYS))
    return Row(
        account,
        service,
        str(draw(st.integers(4, 40))),
        source=draw(st.sampled_from(SOURCES)),
        subscription=f"{account} {service}",
        term="P1Y",
        term_end=date(2026, 11, 20),
        at_renewal=draw(st.sampled_from(["0", "1", "3"])),
    )


rows_before = st.builds(replace, st.one_of(rows, renewing_row()), period=st.just(PERIOD.previous))


@st.composite
def psa_lines(draw: st.DrawFn) -> list[Line]:
    """Agreement lines, some of them for one service twice, some not live."""
    placed = st.tuples(some_accounts, some_services, quantities, seldom(["live"], ["ended", "later"]))
    return [
        Line(
            str(number),
            account,
            service,
            quantity,
            start=date(2026, 12, 1) if state == "later" else None,
            end=date(2026, 11, 1) if state == "ended" else None,
        )
        for number, (account, service, quantity, state) in enumerate(draw(st.lists(placed, max_size=8)), start=1)
    ]


doubts = st.builds(
    DoubtfulRow,
    st.sampled_from(SOURCES),
    st.sampled_from([None, *ACCOUNT_KEYS]),
    st.sampled_from([None, *SERVICE_KEYS]),
)


@st.composite
def months(draw: st.DrawFn) -> Month:
    """A month: two sources, four customers and one that the PSA does not know, four products."""
    lines = draw(psa_lines())
    return Month(
        rows=draw(st.lists(rows, min_size=6, max_size=20)) + draw(st.lists(renewing_row(), min_size=1, max_size=4)),
        lines=lines,
        accounts=draw(account_mappings()),
        services=draw(service_mappings()),
        units=draw(unit_rules(lines)),
        earlier=draw(st.lists(rows_before, max_size=6)),
        doubts=draw(seldom([[]], [[draw(doubts)]])),
        incomplete=draw(seldom([()], [("RMM",)])),
        inactive_accounts=draw(seldom([()], [("14",)])),
        account_names=PSA_ACCOUNTS,
        service_names=PSA_SERVICES,
    )
