"""Claims about values: what goes in comes out, or is refused in words."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any

import pytest

from resources.store import changes, inbox, usage
from resources.store.engine import Store
from resources.store.errors import StoreError
from tests.resources.store import samples

WIDEST = Decimal("9999999999999999999999999999.9999999999")


@pytest.mark.parametrize(
    "quantity",
    [
        pytest.param(WIDEST, id="28 digits before and 10 after the point"),
        pytest.param(WIDEST.copy_negate(), id="as wide below zero"),
        pytest.param(Decimal("0.0000000001"), id="the smallest step"),
        pytest.param(Decimal("1234567890123456789012345678.0123456789"), id="every digit its own"),
        pytest.param(Decimal("12"), id="a plain count"),
        pytest.param(Decimal(0), id="zero"),
    ],
)
def test_a_quantity_comes_back_to_its_last_digit(store: Store, quantity: Decimal) -> None:
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [samples.change(quantity_after=quantity, quantity_before=None)])
    with localcontext(prec=6), store.reading() as conn:  # a caller's own context must not round
        kept = changes.latest_changes(conn, store.tenant)[0]
    assert format(kept.quantity_after, "f") == format(quantity, "f")
    assert kept.quantity_before is None


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        pytest.param(Decimal("12.5000"), "12.5", id="trailing zeros"),
        pytest.param(Decimal("1E+3"), "1000", id="an exponent"),
        pytest.param(Decimal("-0"), "0", id="a negative zero"),
    ],
)
def test_a_quantity_comes_back_in_its_plain_form_on_both_databases(store: Store, given: Decimal, plain: str) -> None:
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [samples.change(amount_delta=given)])
    with store.reading() as conn:
        assert str(changes.latest_changes(conn, store.tenant)[0].amount_delta) == plain


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(Decimal("0.00000000001"), "does not fit 28 digits before and 10 after", id="an eleventh place"),
        pytest.param(Decimal("1E+28"), "does not fit 28 digits before and 10 after", id="a 29th digit"),
        pytest.param(Decimal("NaN"), "NaN does not fit", id="not a number"),
        pytest.param(Decimal("Infinity"), "Infinity does not fit", id="no end"),
        pytest.param(12.5, "12.5 is no exact decimal", id="a float"),
    ],
)
def test_a_quantity_that_would_be_rounded_is_refused_in_words(store: Store, given: Any, words: str) -> None:
    with pytest.raises(StoreError, match=words) as refused, store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [samples.change(quantity_after=given)])
    assert not refused.value.would_retry_help


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(datetime(2026, 10, 25, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=2))), id="another zone"),
        pytest.param(datetime(2026, 10, 25, 0, 30, 0, 1, tzinfo=UTC), id="utc, to the microsecond"),
    ],
)
def test_an_instant_comes_back_as_the_same_instant_in_utc(store: Store, given: datetime) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival(arrived_at=given))
    with store.reading() as conn:
        kept = inbox.arrivals(conn, store.tenant)[0].arrived_at
    assert kept.isoformat() == "2026-10-25T00:30:00.000001+00:00"


def test_an_instant_without_a_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001  the point of the test
    with pytest.raises(StoreError, match="2026-10-25T02:30:00 has no time zone"), store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival(arrived_at=naive))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("a\x00b", id="a NUL, which PostgreSQL cannot store"),
        pytest.param("a\udce9b", id="half a surrogate pair, as in a file name that is no UTF-8"),
        pytest.param("\x1a0000", id="a text that looks like our own escape"),
        pytest.param("Zürich 漢字 😀 %s :name '; --", id="anything else"),
    ],
)
def test_text_from_outside_comes_back_as_it_was(store: Store, value: str) -> None:
    error = samples.row_error(value=value, account=value)
    with store.transaction() as conn:
        samples.publish(conn, store.tenant, samples.revision(reasons=(value,)), [error])
        inbox.record_arrival(conn, store.tenant, samples.arrival(file_id="other", path=value))
    with store.reading() as conn:
        found = inbox.arrival_of_object(conn, store.tenant, value, samples.arrival().version)
        current = usage.current_revision(conn, store.tenant, samples.DROP)
        assert usage.rejected_rows(conn, store.tenant, [samples.revision().revision_id])[0][1] == error
    assert found
    assert found.path == value
    assert current
    assert current.reasons == (value,)


def test_files_of_one_instant_are_in_one_order_on_both_databases(store: Store) -> None:
    paths = ["Zoo.csv", "a-b.csv", "ab.csv", "Ärger.csv", "B.csv", "_x.csv"]
    with store.transaction() as conn:
        for path in paths:
            inbox.record_arrival(conn, store.tenant, samples.arrival(file_id=path, path=path))
    with store.reading() as conn:
        assert [file.path for file in inbox.arrivals(conn, store.tenant)] == sorted(paths)


def test_a_file_of_more_than_two_gibibytes_can_be_recorded(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival(size_bytes=2**40))
    with store.reading() as conn:
        assert inbox.arrivals(conn, store.tenant)[0].size_bytes == 2**40
