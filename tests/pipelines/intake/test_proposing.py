"""What a sample file proves about its profile, and what is left to a person."""

import contextlib
import csv
import io

import pytest
import yaml
from hypothesis import given as generated
from hypothesis import strategies as st

from pipelines.intake.document import read_document
from pipelines.intake.profile import ImportProfile, ProfileError, load_profile
from pipelines.intake.proposing.choices import Choice, flow, shown, yaml_of
from pipelines.intake.proposing.days import readings_of
from pipelines.intake.proposing.dialect import MOST_RECORDS, sample_of, sheet_sample
from pipelines.intake.proposing.draft import Given, Proposal, proposed
from pipelines.intake.proposing.marks import marks_of
from pipelines.intake.rows import Reduction
from pipelines.intake.sheet import UnreadableFile

PLAIN = "Customer,SKU,Qty\nA,X,1\nB,X,2\n"


def proposal(text: str | bytes, encoding: str = "utf-8", **said: object) -> Proposal:
    content = text.encode(encoding) if isinstance(text, str) else text
    given = Given(**{"name": "mine", "source": "Kontor", "basis": "subscription", **said})  # type: ignore[arg-type]
    return proposed(sample_of(lambda: io.BytesIO(content)), given)


def draft(text: str | bytes, encoding: str = "utf-8", **said: object) -> str:
    return yaml_of(proposal(text, encoding, **said).choices)


def profile(text: str | bytes, encoding: str = "utf-8", **said: object) -> ImportProfile:
    return load_profile(draft(text, encoding, **said))


def choice(found: Proposal, key: str) -> Choice:
    return next(one for one in found.choices if one.key == key)


def test_a_german_file_with_preamble_and_total_is_proposed_whole() -> None:
    text = "Bericht\n\nKunde;Artikel;Menge\nMüller;A1;1.234,5\nBeck;A1;3\nSumme;;1.237,5\n"
    found = profile(text, "cp1252")
    assert (found.file.encoding, found.file.separator, found.header.row) == (("utf-8-sig", "cp1252"), ";", 3)
    assert (found.numbers.decimal, found.rows.totals is not None) == (",", True)
    assert (found.arrives and found.arrives.pattern) == "mine/{period}/*.csv"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_utf16_file_with_tabs_is_proposed_whole(encoding: str) -> None:
    found = profile("Company\tPart Number\tSeats\nNord\tX1\t4\n", encoding)
    assert (found.file.separator, found.rows.fraction) == ("\t", "reject")


def test_letters_that_are_not_utf8_are_shown_as_each_encoding_reads_them() -> None:
    file = choice(proposal("Kunde;Artikel;Menge\nMüller;A1;1\n", "cp1252"), "file")
    assert file.need == "confirm"
    assert "'Müller'" in file.reason
    assert any("cp850" in other and "M³ller" in other for other in file.alternatives)


def test_quotes_that_cannot_be_quotes_are_plain_text() -> None:
    text = 'Customer,SKU,Qty\n"A" Ltd,X,1\n'
    assert profile(text).file.quote is None
    assert choice(proposal(text), "file").need == "confirm"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("Customer,SKU,Qty\nA,X,1.234\n", ["numbers.decimal"], id="a mark that can be read in two ways"),
        pytest.param("Customer,SKU,Qty\nA,X,1\nA,X,2\n", ["aggregate.method"], id="several rows of one key"),
        pytest.param("Customer,SKU,Note\nA,X,pc\n", ["columns.quantity"], id="nothing that counts"),
        pytest.param(
            "Customer,SKU,Cost\nA,X,1.50\nB,X,2.50\n", ["columns.quantity"], id="money is never taken for a quantity"
        ),
        pytest.param(
            "Customer,SKU,Serial\nA,X,s1\nB,X,s1\n", ["columns.quantity"], id="a device that stands twice in the list"
        ),
        pytest.param(
            "Customer,SKU,Qty,Period Start\nA,X,1,01/02/2026\n", ["dates"], id="a date that is one of two days"
        ),
        pytest.param("Customer,SKU,Qty,Status\nA,X,1,Active\nB,X,1,Odd\n", ["rows.include"], id="an unknown state"),
        pytest.param("Customer,SKU,Qty\nA,X,1\nTotal,,7\n", ["rows.totals"], id="a total that does not agree"),
        pytest.param("Customer,SKU,Qty,Charge Type\nA,X,1,new\nB,X,1,odd\n", ["charges"], id="an unknown charge kind"),
    ],
)
def test_what_the_sample_does_not_prove_is_refused_until_a_person_chooses(text: str, left: list[str]) -> None:
    found = proposal(text)
    assert [one.key for one in found.left] == left
    assert all(one.alternatives or one.key == "charges" for one in found.left)
    with pytest.raises(ProfileError):
        load_profile(yaml_of(found.choices))


def test_source_and_basis_that_were_not_given_are_not_invented() -> None:
    found = proposal(PLAIN, source=None, basis=None)
    assert [one.key for one in found.left] == ["source", "basis"]
    assert "# CHOOSE: the vendor or distributor, which no file tells\n# or: give --source\nsource: null" in yaml_of(
        found.choices
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no comma, semicolon, tab or bar", id="an empty file"),
        pytest.param(b"a\n1\n", "no comma, semicolon, tab or bar", id="one column"),
        pytest.param(b"1;2\n3;4\n", "no record looks like a header", id="numbers alone"),
        pytest.param(b"Customer,SKU,Qty\n", "nothing stands below the header", id="a header alone"),
        pytest.param(b"Customer,SKU,Qty\nTotal,,0\n", "nothing stands below the header", id="a total alone"),
        pytest.param(bytes(range(256)) * 20, "the file is not text", id="bytes that are no text"),
        pytest.param(b"A,B,C\n1,\0,2\n", "holds NUL characters", id="a zero in the text"),
        pytest.param(b'Customer,SKU,Qty\n"' + b"x" * 31_000_000, "has a line of more than", id="an endless cell"),
    ],
)
def test_a_file_of_which_nothing_is_known_gets_no_profile(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        proposal(content)


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["1,234.50"], "."),
        (["1.234.567"], ","),
        (["0.125"], "."),
        (["1,5", "1.234"], ","),
        (["1,5", "2.5"], None),
        (["1,234"], None),
        (["1'234.567"], "."),
        (["7"], "."),
    ],
)
def test_a_decimal_mark_is_proposed_only_where_cells_prove_it(cells: list[str], decimal: str | None) -> None:
    assert marks_of(cells).decimal == decimal


def test_money_proves_the_marks_of_quantities_and_every_convention_that_occurs_is_declared() -> None:
    text = 'Customer,SKU,Qty,Unit Cost\nA,X,"1,234",$3.50\nB,X,(6),n/a\nC,X,7-,$1.00\n'
    numbers = profile(text).numbers
    assert (numbers.decimal, numbers.thousands, numbers.currency_symbols) == (".", ",", ("$",))
    assert (numbers.nil, numbers.negative) == (("", "n/a"), ("-1", "(1)", "1-"))


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["1'234.50", "2’500.00"], ",'’"),
        (["1\u00a0234,50"], ". "),
        (["12"], None),
    ],
)
def test_marks_that_group_digits_are_declared_where_they_occur(cells: list[str], marks: str | None) -> None:
    assert (
        profile("Customer;SKU;Qty\n" + "".join(f"A{n};X;{c}\n" for n, c in enumerate(cells))).numbers.thousands == marks
    )


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["13/11/2025", "01/12/2025"], {"day first": ("%d/%m/%Y",)}),
        (["5/20/2021", "6/1/2021"], {"month first": ("%m/%d/%Y",)}),
        (["01/02/2026"], {"day first": ("%d/%m/%Y",), "month first": ("%m/%d/%Y",)}),
        (["02/16/2026", "14/02/2026"], {}),
        (["2026-07-01T00:00:00Z", "2026-07-31"], {"day first": ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d")}),
        (["31.07.2026"], {"day first": ("%d.%m.%Y",)}),
        (["Nov 02, 2025 13:13:32"], {"day first": ("%b %d, %Y %H:%M:%S",)}),
        (["30.02.2026"], {}),
        (["2026-01-01", "soon"], {}),
    ],
)
def test_formats_fit_every_value_and_two_orders_that_both_fit_are_both_told(
    values: list[str], formats: dict[str, tuple[str, ...]]
) -> None:
    assert {order: reading.formats for order, reading in readings_of(values).items()} == formats


def test_an_ambiguous_date_that_nothing_reads_is_told_and_not_chosen() -> None:
    found = proposal("Customer,SKU,Qty,Renews\nA,X,1,01/02/2026\n")
    dates = choice(found, "dates")
    assert choice(found, "columns.charge_start").alternatives == ("Renews",)
    assert found.unused == ("Renews: dates, the same in every row, for example '01/02/2026'",)
    assert (dates.value, dates.need) == ([], "confirm")
    assert dates.alternatives == ('["%d/%m/%Y"] (day first)', '["%m/%d/%Y"] (month first)')


def test_one_row_of_each_device_is_counted() -> None:
    found = profile("Site,Device Type,Hostname\nA,laptop,h1\nA,laptop,h2\n", basis="devices")
    assert (found.method, found.columns.quantity.count) == (Reduction.COUNT, "rows")


def test_a_list_of_devices_asks_whether_one_that_is_gone_still_counts() -> None:
    found = proposal("Site,Device Type,Hostname,Last Seen\nA,laptop,h1,2026-10-01\n")
    include = choice(found, "rows.include")
    assert include.alternatives == ("[{column: Last Seen, within_days: 30}], which needs dates",)
    assert not any(one.key.startswith("numbers.") for one in found.choices)
    assert load_profile(yaml_of(found.choices)).dates == ("%Y-%m-%d",)


def test_a_row_that_has_ended_is_no_second_row_of_its_key() -> None:
    text = "Customer,SKU,Qty,Status\nA,X,1,Active\nA,X,2,Cancelled\n"
    assert choice(proposal(text), "aggregate.method").value == "none"


def test_a_column_that_says_the_same_in_every_row_names_no_customer() -> None:
    text = "Account,Site,Device Type,Hostname\n" + "".join(f"MSP,S{n},laptop,h{n}\n" for n in range(4))
    account = choice(proposal(text), "columns.account_key")
    assert account.value == "Site"
    assert "names you rather than your customers" in account.reason


def test_a_key_without_two_rows_proves_no_method_and_none_is_proposed() -> None:
    method = choice(proposal(PLAIN), "aggregate.method")
    assert (method.value, method.need) == ("none", "confirm")
    assert "every method gives the same and it proves none" in method.reason
    assert [one.partition(",")[0] for one in method.alternatives] == ["sum", "max", "last"]


def test_rows_of_one_key_in_two_spellings_are_rows_of_one_key() -> None:
    assert [one.key for one in proposal("Customer,SKU,Qty\nA\u00a0B,X,1\nA  B,X,2\n").left] == ["aggregate.method"]


def test_the_method_that_a_person_names_is_written() -> None:
    found = profile("Customer,SKU,Qty,Amount\nA,X,1,2.50\nA,X,2,-5.00\n", method=Reduction.SIGNED_SUM)
    assert (found.method, found.aggregate.sign_column and found.aggregate.sign_column.column) == (
        "signed_sum",
        "Amount",
    )


def test_subscriptions_in_rows_of_their_own_are_no_rows_of_one_key() -> None:
    text = "Customer ID,Customer,SKU,Term,Qty,Subscription ID\n7,A,X,Annual,1,s1\n7,A,X,Annual,2,s2\n"
    found = profile(text)
    assert found.method is Reduction.NONE
    assert [part.column for part in found.columns.service_key.parts] == ["SKU", "Term"]
    assert found.maps.commitment_term == {"Annual": "P1Y"}


def test_a_bill_is_proposed_with_its_kinds_and_its_inclusive_last_day() -> None:
    text = (
        "CustomerId,ProductId,SkuId,BillableQuantity,ChargeType,ChargeStartDate,ChargeEndDate,Currency,Subtotal\n"
        "c,P,1,5,cycleCharge,2026-07-01,2026-07-31,EUR,10.00\nc,P,2,5,customerCredit,2026-07-01,2026-07-31,EUR,-1.00\n"
        "d,P,1,5,CYCLE_CHARGE,2026-07-01,2026-07-31,EUR,10.00\n"
    )
    found = profile(text, basis="invoice")
    assert [part.column for part in found.columns.service_key.parts] == ["ProductId", "SkuId"]
    assert (found.charges.recurring, found.charges.credit) == (("cycleCharge",), ("customerCredit",))
    assert found.columns.charge_end
    assert found.columns.charge_end.inclusive


@pytest.mark.parametrize(
    ("spans", "is_inclusive", "words"),
    [
        (["2026-07-01,2026-08-01"], False, "end on the day a month is full"),
        (["2026-07-13,2026-08-12"], True, "end on the day before a month is full"),
        (["2026-07-01,2026-07-09"], False, "the sample does not show whether the last day is charged"),
        (["2026-07-01,"], False, "the sample does not show whether the last day is charged"),
    ],
)
def test_the_last_day_is_taken_as_charged_only_where_months_are_full_with_it(
    spans: list[str], is_inclusive: bool, words: str
) -> None:
    text = "Customer,SKU,Qty,Charge Start,Charge End\n" + "".join(f"A{n},X,1,{s}\n" for n, s in enumerate(spans))
    text += "B,X,1,2026-07-01,2026-07-04\n"
    end = choice(proposal(text), "columns.charge_end")
    assert words in end.reason
    assert isinstance(end.value, dict)
    assert end.value.get("inclusive", False) == is_inclusive


@pytest.mark.parametrize("cell", ["01.03.2022 - 31.03.2022", "2022-03-01 - 2022-03-31", "01/03/2022-31/03/2022"])
def test_two_dates_in_one_cell_are_both_read(cell: str) -> None:
    found = profile(f"Company,Product,Qty,Interval\nA,X,1,{cell}\n").columns
    assert found.charge_start
    assert found.charge_end
    assert (found.charge_start.range, found.charge_end.range, found.charge_end.inclusive) == ("start", "end", True)


def test_dates_that_no_single_order_reads_are_told_and_not_read() -> None:
    found = proposal("Customer,SKU,Qty,Charge Start\nA,X,1,02/16/2026\nB,X,1,14/02/2026\n")
    assert "no single order of day and month reads every value of 'Charge Start'" in choice(found, "dates").reason
    assert not found.left


def test_charges_of_several_months_are_not_spread_over_months_without_a_word() -> None:
    text = "Customer,SKU,Qty,Charge Start\nA,X,1,2026-07-01\nB,X,1,2026-06-01\n"
    arrives = choice(proposal(text), "arrives")
    assert (arrives.value, arrives.need) == (None, "confirm")
    assert any("from_path" in one for one in arrives.alternatives)
    assert any("from_column" in one for one in arrives.alternatives)


def test_a_column_of_months_gives_each_row_its_own() -> None:
    found = profile("Customer,SKU,Qty,Billing Month\nA,X,1,2026-07\n")
    assert found.arrives
    assert (found.arrives.period, found.arrives.pattern) == ("from_column", "mine/*.csv")


def test_the_month_in_a_files_name_becomes_the_period_of_the_pattern() -> None:
    found = profile(PLAIN, path="inbox/usage_2026-10.csv")
    assert found.arrives
    assert found.arrives.pattern == "mine/usage_{period}.csv"


def test_states_that_ended_and_footers_are_left_out_by_conditions() -> None:
    text = "Customer,SKU,Qty,Status\nA,X,1,Active\nB,X,1,Cancelled\nPage 1 of 2,,,\n"
    found = profile(text)
    assert [(one.column, one.in_) for one in found.rows.include] == [("Status", ("Active",))]
    assert [one.matches for one in found.rows.exclude] == ["^Page [0-9]+ of [0-9]+$"]


def test_trials_among_the_terms_are_left_out() -> None:
    found = proposal("Customer,SKU,Qty,Term\nA,X,1,Annual\nB,X,7,Trial\n")
    assert choice(found, "rows.exclude").value == [{"column": "Term", "in": ["Trial"]}]
    assert choice(found, "rows.exclude").reason == "1 row of 'Trial', which nobody is billed for"


def test_a_customer_whose_name_begins_with_total_is_no_total() -> None:
    assert profile("Customer,SKU,Qty\nTotal Fitness,X,1\n").rows.totals is None


@pytest.mark.parametrize(
    ("header", "cell", "currency"),
    [
        ("Unit Cost (USD)", "1.50", "USD"),
        ("Unit Cost", "€ 1.50", "EUR"),
        ("Unit Cost", "$1.50", None),
        ("Unit Cost", "1.50", None),
    ],
)
def test_a_currency_is_proposed_only_where_it_is_written(header: str, cell: str, currency: str | None) -> None:
    found = profile(f"Customer,SKU,Qty,{header}\nA,X,1,{cell}\n").columns.currency
    assert (found and found.constant) == currency


def test_a_column_of_currency_codes_is_found_by_its_cells() -> None:
    found = profile("Customer,SKU,Qty,Cur.,Unit Cost\nA,X,1,EUR,1.50\nB,X,1,USD,1.50\n").columns.currency
    assert found
    assert found.column == "Cur."


def test_a_header_of_unknown_words_leaves_columns_to_choose_with_what_they_hold() -> None:
    found = proposal("Abc,Def,Ghi\nred,blue,7\ngreen,grey,8\n")
    assert [one.key for one in found.left] == ["columns.account_key", "columns.service_key"]
    assert choice(found, "columns.quantity").value == "Ghi"
    assert any("Abc: text, 2 different in 2 rows" in one for one in found.left[0].alternatives)


def test_another_record_that_bears_names_is_told_and_guards_of_excel_are_seen_through() -> None:
    text = 'Customer,Company Name,Page\nCustomer,SKU,Qty\nA,"=""00047""",\'22.0\nB,"=""00048""",\'3.5\n'
    found = proposal(text)
    assert choice(found, "header").value == {"row": 2}
    assert choice(found, "header").alternatives[0] == "{row: 1}, which holds 'Customer', 'Company Name', 'Page'"
    assert choice(found, "numbers.decimal").reason == "proved by '3.5'"


def test_bytes_that_are_no_letters_are_shown_too_and_footers_of_one_form_are_one_condition() -> None:
    text = "Customer;SKU;Qty;Price €\nA;X;1;2,50\nPage 1;;;\nPage 2;;;\n\x1b[1m;;;\n"
    found = proposal(text, "cp1252")
    assert "reads '€'" in choice(found, "file").reason
    assert choice(found, "columns.currency").value == {"constant": "EUR"}
    assert choice(found, "rows.exclude").value == [{"column": "Customer", "matches": "^Page [0-9]+$"}]


def test_the_start_of_a_long_file_is_enough() -> None:
    found = proposal("Customer,SKU,Qty\n" + "".join(f"A{n},X,1\n" for n in range(MOST_RECORDS + 5)))
    assert (found.is_cut, found.rows, found.left) == (True, MOST_RECORDS - 1, [])


def test_a_sheet_is_named_with_the_sheets_beside_it() -> None:
    sample = sheet_sample(lambda: io.BytesIO(PLAIN.encode()), "xls", "Usage", ["Cover"])
    found = proposed(sample, Given("mine", "usage.xls", "Kontor", "subscription"))
    assert load_profile(yaml_of(found.choices)).file.sheet == "Usage"
    assert choice(found, "file").as_json()["alternatives"] == ["sheet: Cover"]


@pytest.mark.parametrize("cell", ["(" + "1" * 130_000, "1-" + " " * 130_000 + "1", "-" * 130_000, "1" * 130_000])
def test_a_page_of_signs_in_a_cell_takes_no_time(cell: str) -> None:
    header = f"Customer,SKU,Qty,Unit Cost,Charge Period,Status,Charge Type,{'x' * 130_000}\n"
    found = proposal(f"{header}A,X,1,{cell},{cell},{cell},new,{cell}\nB,X,{cell},1.50,2,Active,{cell},3\n")
    assert len(yaml_of(found.choices, "", found.unused)) < 20_000


HOSTILE = "\x1b[31m #: {x: y}\u2028key: v\u202e\x85- ='|!&*%@`\"\\"


def test_text_of_the_file_can_break_out_of_no_comment_and_no_value() -> None:
    text = f'"Customer{HOSTILE.replace(chr(34), chr(34) * 2)}",Customer,SKU,Qty\nq,"=cmd()|A\u2029x: 1",X,1\n'
    content = draft(text)
    assert not {"\x1b", "\u2028", "\u2029", "\u202e", "\x85"} & set(content)
    assert set(read_document(content)) == {
        "profile", "source", "basis", "arrives", "file", "header", "columns", "numbers", "rows", "aggregate",
    }  # fmt: skip


@generated(st.text())
def test_any_text_is_read_back_as_it_was_written_and_shown_on_one_line(text: str) -> None:
    written = yaml_of([Choice("profile", {"a": [text, None, True]}, text, (text,), "confirm")], text)
    assert read_document(written) == yaml.safe_load(written) == {"profile": {"a": [text, None, True]}}
    assert shown(text).isprintable()


@pytest.mark.parametrize(
    "word", ["yes", "No", "on", "null", "~", "1", "2026-10-01", "1e5", "", " a", "a: b", "a #b", "-"]
)
def test_a_word_that_yaml_takes_for_something_else_is_quoted(word: str) -> None:
    assert flow(word).startswith('"')


HEADERS = st.sampled_from(
    ["Customer", "SKU", "Qty", "Term", "Status", "Unit Cost", "Amount", "Currency", "Charge Type", "Period Start",
     "Period End", "Billing Month", "Subscription ID", "Hostname", "", "Qty", "#2", "no", "Total", HOSTILE]
)  # fmt: skip
CELLS = st.sampled_from(
    ["", "1", "1,5", "1.234", "-", "(3)", "$4.50", "n/a", "Total", "Active", "Odd", "new", "2026-10-01", "01/02/2026",
     "31/12/2026", "EUR", "Monthly", "A", "=1+1", "7.3E+17", "'22.0", "2026-10", HOSTILE]
)  # fmt: skip


@generated(st.lists(HEADERS, min_size=3, max_size=8), st.lists(st.lists(CELLS, min_size=1, max_size=9), max_size=6))
def test_whatever_the_cells_are_a_proposal_is_refused_with_a_reason_or_can_be_finished(
    header: list[str], rows: list[list[str]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    with contextlib.suppress(UnreadableFile):
        found = proposal(text.getvalue().encode())
        written = yaml_of(found.choices, "title", found.unused)
        assert read_document(written)["profile"] == "mine"
        assert found.left or load_profile(written).version
