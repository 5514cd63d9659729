"""Names are brought to one plain form, and what was left out on the way is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.mapping.domains import Domain, domains_in
from pipelines.mapping.names import LONGEST, plain_name

FORMS = ("gmbh", "co", "kg")


@pytest.mark.parametrize(
    ("name", "plain", "left_out"),
    [
        pytest.param("acme", "acme", (), id="a plain name stays"),
        pytest.param("Acme Ltd", "acme", ("letter case", 'the legal form "ltd"'), id="a legal form"),
        pytest.param(
            "ＡＣＭＥ  g.m.b.h. & Co. KG",
            "acme",
            (
                "Unicode form",
                "letter case",
                "punctuation",
                *(f'the legal form "{form}"' for form in ("gmbh", "co", "kg")),
            ),
            id="initials and several legal forms",
        ),
        pytest.param("o'brien, inc.", "obrien", ("punctuation", 'the legal form "inc"'), id="an apostrophe joins"),
        pytest.param("co", "co", (), id="a company called Co keeps its name"),
        pytest.param("ag insurance sa", "ag insurance", ('the legal form "sa"',), id="the first word stays"),
        pytest.param("smith and sons", "smith and sons", (), id="a joiner inside a name stays"),
        pytest.param("bread and", "bread and", (), id="a joiner stays where no legal form went"),
        pytest.param("smith and co", "smith", ('the legal form "co"',), id="a joiner goes with its legal form"),
        pytest.param("***", "", ("punctuation",), id="marks alone are no name"),
        pytest.param("हिन्दी", "हिन्दी", (), id="marks of a script belong to their letters"),
    ],
)
def test_a_companys_name_is_compared_without_what_says_nothing(
    name: str, plain: str, left_out: tuple[str, ...]
) -> None:
    made = plain_name(name, is_company=True)
    assert (made.text, made.left_out) == (plain, left_out)


def test_in_the_name_of_a_product_a_legal_form_is_a_word() -> None:
    assert plain_name("Windows SE", is_company=False).text == "windows se"


@given(st.text(max_size=300), st.booleans())
def test_the_plain_form_of_a_plain_form_is_itself(name: str, is_company: bool) -> None:
    plain = plain_name(name, is_company=is_company).text
    assert len(plain) <= 18 * LONGEST  # one character of Unicode stands for eighteen at most
    assert plain == " ".join(plain.split())


@pytest.mark.parametrize(
    ("text", "domains"),
    [
        pytest.param("Acme", [], id="no dot, no domain"),
        pytest.param("Contoso (billing@Contoso.com)", [("contoso.com", "contoso")], id="an e-mail address"),
        pytest.param("https://www.con-toso.co.uk/x", [("con-toso.co.uk", "contoso")], id="a country's third level"),
        pytest.param("contoso.onmicrosoft.com", [("contoso.onmicrosoft.com", "contoso")], id="a tenant of Microsoft"),
        pytest.param("shop.contoso.de mail.contoso.de", [("contoso.de", "contoso")], id="hosts of one domain"),
        pytest.param("dana@gmail.com, x@onmicrosoft.com", [], id="hosts of everybody say nothing"),
        pytest.param("Foo Co.Ltd, St. Johns, Dr.Who", [], id="abbreviations are none"),
        pytest.param("version 2.10, a..b, .com.", [], id="versions and stray dots are none"),
    ],
)
def test_a_domain_is_what_a_company_registers(text: str, domains: list[tuple[str, str]]) -> None:
    assert domains_in(text) == [Domain(*domain) for domain in domains]
