"""What the PSA subtracts by itself is shown where it subtracts something."""

from decimal import Decimal

import pytest

from pipelines.agreements.allowances import shown_allowance


@pytest.mark.parametrize("included", [None, Decimal(0), Decimal("0E-10")])
def test_nothing_is_shown_where_nothing_is_subtracted(included: Decimal | None) -> None:
    assert shown_allowance(included) is None


def test_an_allowance_is_shown_with_its_meaning() -> None:
    words = "the PSA subtracts 2.5 by itself when it bills; the quantity is the whole count"
    assert shown_allowance(Decimal("2.5000000000")) == {"quantity": "2.5", "words": words}
