"""What a sample file proves about its profile, and what is left to a person."""

import pytest

from pipelines.intake.profile import ProfileError, load_profile
from pipelines.intake.proposing.draft import proposed, yaml_of
from pipelines.intake.proposing.marks import marks_of
from pipelines.intake.sheet import UnreadableFile


def draft(text: str, encoding: str = "utf-8", source: str | None = "Kontor") -> str:
    return yaml_of(proposed(text.encode(encoding), "mine", source, "subscription"))


def test_a_german_file_with_preamble_and_total_is_proposed_whole() -> None:
    text = "Bericht\n\nKunde;Artikel;Menge\nMüller;A1;1.234,5\nBeck;A1;3\nSumme;;1.237,5\n"
    profile = load_profile(draft(text, "cp1252"))
    assert (profile.file.encoding, profile.file.separator, profile.header.row) == (("cp1252",), ";", 3)
    assert (profile.numbers.decimal, profile.rows.totals is not None) == (",", True)


def test_a_utf16_file_with_tabs_is_proposed_whole() -> None:
    profile = load_profile(draft("Company\tPart Number\tSeats\nNord\tX1\t4\n", "utf-16"))
    assert (profile.file.separator, profile.rows.fraction) == ("\t", "reject")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("Customer,SKU,Qty\nA,X,1.234\n", "numbers.decimal", id="a mark that can be read in two ways"),
        pytest.param("Customer,SKU,Qty\nA,X,1\nA,X,2\n", "aggregate", id="several rows of one key"),
        pytest.param("Customer,SKU,Host\nA,X,pc\n", "columns.quantity", id="no known quantity column"),
    ],
)
def test_what_the_sample_does_not_prove_is_refused_until_a_person_chooses(text: str, left: str) -> None:
    assert "choose: " in draft(text)
    with pytest.raises(ProfileError, match=left):
        load_profile(draft(text))


def test_a_source_that_was_not_given_is_not_invented() -> None:
    assert "source: null  # choose: the vendor or distributor; or give --source" in draft(
        "Customer,SKU,Qty\nA,X,1\n", source=None
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a;b\n1;2\n", "no record looks like a header", id="unknown headers"),
        pytest.param("a\n1\n", "no comma, semicolon, tab or bar", id="one column"),
        pytest.param('Customer,SKU\nA,X,"Total"\n', "beyond the header", id="a total without a column"),
    ],
)
def test_a_file_of_which_nothing_is_known_gets_no_profile(text: str, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        draft(text)


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["1,234.50"], "."),
        (["1.234.567"], ","),
        (["0.125"], "."),
        (["1,5", "1.234"], ","),
        (["1,5", "2.5"], None),
        (["1,234"], None),
        (["7"], "."),
    ],
)
def test_a_decimal_mark_is_proposed_only_where_cells_prove_it(cells: list[str], decimal: str | None) -> None:
    assert marks_of(cells).decimal == decimal
