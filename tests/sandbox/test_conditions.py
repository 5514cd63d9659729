"""ConnectWise's conditions as the sandbox understands them.

Belongs here: the condition language and sorting, on plain records.
Does not belong here: HTTP.
"""

from decimal import Decimal
from typing import Any

import pytest

from trueup.sandbox.psa.conditions import ConditionError, predicate, sorted_by

FIELDS = frozenset({"id", "name", "company", "endDate", "isOn", "quantity", "startDate", "cancelledDate"})
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "name": "Alpha", "company": {"id": 250}, "isOn": True, "quantity": Decimal("0.1")},
    {"id": 2, "name": 'Be"ta', "company": {"id": 251}, "isOn": False, "startDate": "2026-01-01T00:00:00Z"},
    {"id": 3, "name": "gamma", "isOn": True, "cancelledDate": "2026-11-01T00:00:00Z", "quantity": 5},
]


@pytest.mark.parametrize(
    ("conditions", "ids"),
    [
        ("", [1, 2, 3]),
        ("id=2", [2]),
        ("id != 2", [1, 3]),
        ("id>1", [2, 3]),
        ("id>=2 and id<3", [2]),
        ("id<=1", [1]),
        ("id in (1, 3)", [1, 3]),
        ("company/id=250", [1]),
        ("company/id=null", [3]),
        ("company/id!=250", [2]),
        ("company/id!=null", [1, 2]),
        ("cancelledDate=null and isOn=true", [1]),
        ("cancelledDate>[2026-10-31T23:59:59Z]", [3]),
        ("startDate=[2026-01-01]", [2]),
        ("isOn = False", [2]),
        ('name="ALPHA"', [1]),
        ("name='alpha'", [1]),
        (r'name="be\"ta"', [2]),
        ("quantity=0.1", [1]),
        ("quantity>0.1", [3]),
        ("quantity>-1 AND id>1", [3]),
    ],
)
def test_conditions_choose_records(conditions: str, ids: list[int]) -> None:
    assert _chosen(conditions) == ids


def _chosen(conditions: str) -> list[int]:
    meets = predicate(conditions, FIELDS)
    return [record["id"] for record in RECORDS if meets(record)]


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        pytest.param("agrementId=55", "there is no field 'agrementId'", id="a misspelt field"),
        pytest.param("id=1 or id=2", "'or' where 'and' belongs", id="or"),
        pytest.param("id", "end too early", id="no comparison"),
        pytest.param("id=", "end too early", id="no value"),
        pytest.param("=1", "'=' where a field belongs", id="no field"),
        pytest.param("id like 1", "'like' where a comparison belongs", id="like"),
        pytest.param("id in 1", "'1' where '(' belongs", id="in without a list"),
        pytest.param("id in (1 2)", "'2' where ')' belongs", id="a list without commas"),
        pytest.param("id=name", "'name' where a value belongs", id="two fields"),
        pytest.param('name="open', "not understood from", id="an open text"),
        pytest.param("startDate=[soon]", "[soon] is no instant", id="no instant"),
        pytest.param('id="1"', "cannot be compared", id="a number with a text"),
        pytest.param("isOn=1", "cannot be compared", id="a truth with a number"),
        pytest.param("company=1", "cannot be compared", id="a reference with a number"),
    ],
)
def test_conditions_outside_the_language_are_refused_never_ignored(conditions: str, words: str) -> None:
    with pytest.raises(ConditionError) as caught:
        _chosen(conditions)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("id desc", [3, 2, 1]),
        ("id", [1, 2, 3]),
        ("isOn asc, id desc", [2, 3, 1]),
        ("company/id", [3, 1, 2]),
    ],
)
def test_records_are_sorted_by_fields(order: str, ids: list[int]) -> None:
    assert [record["id"] for record in sorted_by(order, RECORDS, FIELDS)] == ids


@pytest.mark.parametrize(
    ("order", "words"),
    [("id up", "orderBy is not understood"), ("nome", "there is no field"), ("company", "a plain field")],
)
def test_an_order_outside_the_language_is_refused(order: str, words: str) -> None:
    with pytest.raises(ConditionError, match=words):
        sorted_by(order, RECORDS, FIELDS)
