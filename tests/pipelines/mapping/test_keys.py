"""Keys compare by one normal form, and by nothing looser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mapping.keys import match_key


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        pytest.param("  acme-001\t", "acme-001", id="blanks at the ends do not count"),
        pytest.param("Acme   Corp", "Acme Corp", id="several blanks are one"),
        pytest.param("Acme\u00a0Corp", "Acme Corp", id="a no-break space is a blank"),
        pytest.param("Acme\r\nCorp", "Acme Corp", id="a line break inside a cell is a blank"),
        pytest.param("Ｍ３６５", "M365", id="full-width letters are the plain ones"),
        pytest.param("Cafe\u0301", "Caf\u00e9", id="a composed accent equals a combining one"),
        pytest.param("M365-BP|P1Y", "M365-BP|P1Y", id="a joined key is one text"),
        pytest.param("   ", "", id="a blank cell is the empty key"),
    ],
)
def test_two_spellings_of_one_key_compare_equal(written: str, compared: str) -> None:
    assert match_key(written) == compared


def test_letter_case_tells_keys_apart() -> None:
    assert match_key("acme corp") != match_key("Acme Corp")


@given(st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert match_key(match_key(text)) == match_key(text)
