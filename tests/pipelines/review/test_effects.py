"""Where two outcomes of a month differ, told change by change and currency by currency."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.identity import AgreementId, ChangeId
from pipelines.review.changes import Change, When
from pipelines.review.effects import Difference, Effect, differing_changes, moved_money
from tests.pipelines.months import change

ACME = change(change_id=ChangeId("c1"))


def test_a_difference_says_what_becomes_of_its_change() -> None:
    sides: list[tuple[Change | None, Change | None]] = [(None, ACME), (ACME, None), (ACME, ACME)]
    assert [Difference(*pair).effect for pair in sides] == [Effect.APPEARS, Effect.DISAPPEARS, Effect.ALTERS]
    assert [Difference(*pair).item for pair in sides] == [ACME, ACME, ACME]


def test_a_difference_of_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="at least one side"):
        _ = Difference[Change](None, None).item


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"quantity_after": Decimal(99)}, id="another number"),
        pytest.param({"agreement_id": AgreementId("9009")}, id="another place"),
        pytest.param({"when": When.AT_RENEWAL}, id="due at the renewal"),
        pytest.param({"effective_date": date(2027, 1, 1)}, id="from another day on"),
    ],
)
def test_a_change_with_other_numbers_or_due_at_another_time_is_told(other: dict[str, Any]) -> None:
    altered = replace(ACME, **other)
    assert differing_changes([ACME], [altered]) == [Difference(ACME, altered)]


def test_a_change_that_only_was_proposed_anew_is_not_told() -> None:
    assert (
        differing_changes([ACME], [replace(ACME, revision=2, proposed_at=ACME.proposed_at + timedelta(days=1))]) == []
    )


def test_money_moves_in_each_currency_by_itself_and_what_is_level_is_left_out() -> None:
    euro = change(change_id=ChangeId("c2"), currency="EUR", amount_delta=Decimal("7.50"))
    priceless = change(change_id=ChangeId("c3"), amount_delta=None)
    differences = [
        Difference(ACME, change(change_id=ChangeId("c1"), amount_delta=Decimal(66))),
        Difference(None, euro),
        Difference(priceless, priceless),
    ]
    assert moved_money(differences) == {"USD": Decimal(22), "EUR": Decimal("7.50")}
    assert moved_money([Difference(ACME, ACME)]) == {}
