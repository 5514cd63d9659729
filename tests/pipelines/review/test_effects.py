"""Where two outcomes of a month differ, told change by change and currency by currency."""

from decimal import Decimal

import pytest

from pipelines.identity import ChangeId
from pipelines.review.changes import Change
from pipelines.review.effects import Difference, Effect, moved_money
from tests.pipelines.months import change

ACME = change(change_id=ChangeId("c1"))


def test_a_difference_says_what_becomes_of_its_change() -> None:
    sides: list[tuple[Change | None, Change | None]] = [(None, ACME), (ACME, None), (ACME, ACME)]
    assert [Difference(*pair).effect for pair in sides] == [Effect.APPEARS, Effect.DISAPPEARS, Effect.ALTERS]
    assert [Difference(*pair).item for pair in sides] == [ACME, ACME, ACME]


def test_a_difference_of_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="at least one side"):
        _ = Difference[Change](None, None).item


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
