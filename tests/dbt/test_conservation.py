"""The conservation law, asked of months that nobody thought of.

Belongs here: properties over generated months, judged by a slow reader of the same rows.
Does not belong here: single cases; those are months with a name.
"""

from collections.abc import Iterable
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.mapping.entries import ServiceRule
from tests.dbt.builder import Line, Month, Row, Workbench, accounts, leads

EXCLUDED = {"own", "TRIAL"}
UNMAPPED = {"nobody", "new"}

rows = st.builds(
    Row,
    account=st.sampled_from(["Acme", "group", "own", "nobody"]),
    service=st.sampled_from(["one", "half", "split", "copied", "tiers", "TRIAL", "new"]),
    quantity=st.decimals(-50, 1000, places=10),
    drop=st.sampled_from(["", "emea"]),
    subscription=st.sampled_from([None, "s1", "s2"]),
    currency=st.sampled_from(["USD", "EUR", None]),
    term=st.sampled_from([None, "P1Y"]),
    by_term=st.just(True),
)
lines = st.lists(st.sampled_from([(account, service) for account in ("11", "12") for service in ("501", "502", "503")]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(rows, max_size=30), lines=lines, share=st.decimals("0.0000000001", "0.9999999999", places=10))
def test_what_was_read_is_mapped_unmapped_or_excluded_to_the_last_digit(
    workbench: Workbench, rows: list[Row], lines: list[tuple[str, str]], share: Decimal
) -> None:
    month = Month(
        rows,
        [Line(str(number), account, service, "3") for number, (account, service) in enumerate(lines)],
        accounts=accounts(Acme="11", group={"11": str(share), "12": str(1 - share)}, own=None),
        services=[
            leads("one", "501"),
            leads("half", "502", percent="50"),
            leads("split", "501", "503", rule=ServiceRule.SPLIT, shares=(str(share), str(1 - share))),
            leads("copied", "502", "503", rule=ServiceRule.REPLICATE),
            leads("tiers", "501", "502", "503", rule=ServiceRule.FIRST_PRESENT),
            leads("TRIAL"),
        ],
    )
    figures = workbench.figures(month)
    (balance,) = figures.conservation if rows else (None,)
    if balance:
        assert balance.holds
        assert balance.excluded == total(row for row in rows if EXCLUDED & {row.account, row.service})
        assert balance.unmapped == total(row for row in rows if is_unmapped(row))
    assert sum(usage.quantity for usage in figures.unmapped) == total(row for row in rows if is_unmapped(row))
    assert len({delta.line_id for delta in figures.deltas if delta.line_id}) == len(lines)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(rows.filter(lambda row: row.service in {"one", "half", "split"}), min_size=1, max_size=20))
def test_what_lines_get_is_what_was_used_scaled_and_shared(workbench: Workbench, rows: list[Row]) -> None:
    month = Month(
        rows,
        [Line("1", "11", "501", "3")],
        accounts=accounts(Acme="11", group={"11": "0.3333333333", "12": "0.6666666667"}, own=None),
        services=[
            leads("one", "501"),
            leads("half", "502", percent="100"),
            leads("split", "501", "503", rule=ServiceRule.SPLIT, shares=("0.3333333333", "0.6666666667")),
        ],
    )
    figures = workbench.figures(month)
    used = sum(delta.quantity_used for delta in figures.deltas)
    # Use that adds up to nothing on no line is no difference, so it is missing on both sides.
    assert used == total(row for row in rows if row.account in {"Acme", "group"})


def total(rows: Iterable[Row]) -> Decimal:
    return sum((Decimal(row.quantity) for row in rows), Decimal(0))


def is_unmapped(row: Row) -> bool:
    return not EXCLUDED & {row.account, row.service} and bool(UNMAPPED & {row.account, row.service})
