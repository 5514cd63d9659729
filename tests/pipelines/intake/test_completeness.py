"""A file speaks for its month only when it is whole; an empty one never means zero usage (R2, R3)."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.completeness import judge, judge_file
from pipelines.intake.drops import SourceVerdict
from pipelines.intake.profile import ImportProfile
from tests.pipelines.intake.reading import profile_of, read_text

TOTALS = 'totals: {column: Account, match: "(?i)^(grand )?total$"}'
HEADER = "Account,Service,Quantity\n"


def judged(
    folder: Path, content: str, profile: ImportProfile, previous: int | None = None
) -> tuple[SourceVerdict, tuple[str, ...]]:
    return judge_file(profile, read_text(folder, content, profile), previous)


def test_a_whole_file_is_complete_without_a_reason(tmp_path: Path) -> None:
    assert judged(tmp_path, HEADER + "Acme,M365,12\n", profile_of()) == (SourceVerdict.COMPLETE, ())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "the file has no bytes: an empty file never means zero usage", id="no bytes"),
        pytest.param(HEADER, "the file has no data rows; this never means zero usage", id="a header alone"),
        pytest.param("\n\n", "the file has no data rows; this never means zero usage", id="blank lines alone"),
        pytest.param(
            HEADER + "Acme,Trial,1\nBolt,Trial,1\n",
            "the file has no data rows: 2 records were filtered or ignored; this never means zero usage",
            id="everything filtered",
        ),
    ],
)
def test_an_empty_file_is_never_zero_usage(tmp_path: Path, content: str, words: str) -> None:
    profile = profile_of(rows="{exclude: [{column: Service, eq: Trial}]}")
    assert judged(tmp_path, content, profile) == (SourceVerdict.EMPTY, (words,))


def test_a_file_with_nothing_but_a_total_is_empty_and_the_total_is_told(tmp_path: Path) -> None:
    verdict, reasons = judged(tmp_path, HEADER + "Total,,12\n", profile_of(rows=f"{{{TOTALS}}}"))
    assert verdict is SourceVerdict.EMPTY
    assert reasons[1] == "the control total of record 2 says 12, all data rows add up to 0"


def test_fewer_rows_than_expected_are_incomplete(tmp_path: Path) -> None:
    profile = profile_of(arrives='{pattern: "{period}/x", period: from_path, complete: {min_rows: 3}}')
    verdict, reasons = judged(tmp_path, HEADER + "Acme,M365,1\nAcme,Visio,1\n", profile)
    assert verdict is SourceVerdict.INCOMPLETE
    assert reasons == ("the file has 2 data rows, at least 3 are expected (arrives.complete.min_rows)",)


@pytest.mark.parametrize(
    ("previous", "verdict"),
    [(200, SourceVerdict.INCOMPLETE), (5, SourceVerdict.INCOMPLETE), (4, SourceVerdict.COMPLETE), (None, "complete")],
)
def test_a_drop_of_more_than_half_against_the_month_before_is_incomplete(
    tmp_path: Path, previous: int | None, verdict: SourceVerdict
) -> None:
    found, reasons = judged(tmp_path, HEADER + "Acme,M365,12\nBolt,M365,1\n", profile_of(), previous)
    assert found == verdict
    if found is SourceVerdict.INCOMPLETE:
        assert reasons == (f"the file has 2 data rows, the month before had {previous}: a drop of more than 50 %",)


def test_rejected_rows_are_data_rows_and_all_rejected_is_incomplete(tmp_path: Path) -> None:
    verdict, reasons = judged(tmp_path, HEADER + "Acme,M365,x\nBolt,M365,\n", profile_of(), 4)
    assert verdict is SourceVerdict.INCOMPLETE
    assert reasons == ("all 2 data rows were rejected",)


def test_a_few_rejected_rows_leave_the_file_complete(tmp_path: Path) -> None:
    assert judged(tmp_path, HEADER + "Acme,M365,x\nBolt,M365,1\n", profile_of())[0] is SourceVerdict.COMPLETE


def test_a_collector_s_failure_makes_the_file_incomplete_whatever_its_quantity_says(tmp_path: Path) -> None:
    profile = profile_of(rows='{failures: {match: "(?i)could not connect"}}')
    content = HEADER + "Acme,M365,12\nBolt,Could not connect to client,0\n"
    verdict, reasons = judged(tmp_path, content, profile)
    assert verdict is SourceVerdict.INCOMPLETE
    assert reasons == ("the collector reports a failure in record 3: its counts are only a part",)


@pytest.mark.parametrize(
    ("rows", "stated", "reason"),
    [
        pytest.param("Acme,M365,12\n", "Grand Total,,12", None, id="it agrees"),
        pytest.param("Acme,M365,12\n", "total,,13", "says 13, all data rows add up to 12", id="it disagrees"),
        pytest.param("Acme,M365,12\n", "Total,,n/a", "cannot be read, so nobody knows", id="it cannot be read"),
        pytest.param("Acme,M365,12\nBolt,Visio,5\n", "Total,Visio,5", None, id="one service, it agrees"),
        pytest.param(
            "Acme,M365,12\nBolt,Visio,5\n",
            "Total,Visio,17",
            "says 17, the rows of 'Visio' add up to 5",
            id="one service, it disagrees",
        ),
        pytest.param("Acme,M365,12\nBolt,Trial,5\n", "Total,,17", None, id="filtered rows are part of it"),
        pytest.param("Acme,M365,12\n,M365,5\n", "Total,,17", None, id="rejected rows are part of it"),
        pytest.param("Acme,M365,12\nBolt,M365,x\n", "Total,,12", None, id="unreadable quantities are not"),
        pytest.param("Acme,M365,0.1\nBolt,M365,0.2\n", "Total,,0.3", None, id="sums are exact"),
    ],
)
def test_a_control_total_is_set_aside_and_compared(tmp_path: Path, rows: str, stated: str, reason: str | None) -> None:
    profile = profile_of(rows=f"{{exclude: [{{column: Service, eq: Trial}}], {TOTALS}}}")
    content = f"{HEADER}{rows}{stated}\n"
    verdict, reasons = judged(tmp_path, content, profile)
    assert read_text(tmp_path, content, profile).rows.totals == 1
    if reason is None:
        assert (verdict, reasons) == (SourceVerdict.COMPLETE, ())
    else:
        record = content.count("\n")
        assert verdict is SourceVerdict.INCOMPLETE
        assert reasons[0].startswith(f"the control total of record {record} {reason}")


@pytest.mark.parametrize(
    ("rows", "stated", "reason"),
    [
        pytest.param("Acme,M365,12,20.10\nBolt,M365,5,-0.20\n", "Total,,99,19.90", None, id="it agrees"),
        pytest.param("Acme,M365,12,20\n", "Total,,12,21", "says 21, all data rows add up to 20", id="it disagrees"),
        pytest.param("Acme,M365,12,20\n", "Total,,12,", "cannot be read, so nobody knows", id="it states no amount"),
        pytest.param("Acme,M365,12,20\nBolt,Visio,1,\n", "Total,,,20", None, id="a row without an amount adds nothing"),
        pytest.param("Acme,M365,12,20\nBolt,Visio,x,7\n", "Total,,,27", None, id="rejected rows are part of it"),
        pytest.param("Acme,M365,1,2\nBolt,Visio,1,7\n", "Total,Visio,,7", None, id="one service, it agrees"),
    ],
)
def test_a_control_total_of_amounts_looks_at_no_quantity(
    tmp_path: Path, rows: str, stated: str, reason: str | None
) -> None:
    profile = profile_of(
        columns="{account_key: Account, service_key: Service, quantity: Quantity, amount: Amount}",
        rows=f"{{{TOTALS[:-1]}, of: amount}}}}",
    )
    content = f"Account,Service,Quantity,Amount\n{rows}{stated}\n"
    verdict, reasons = judged(tmp_path, content, profile)
    if reason is None:
        assert (verdict, reasons) == (SourceVerdict.COMPLETE, ())
    else:
        assert verdict is SourceVerdict.INCOMPLETE
        assert reasons[0].startswith(f"the control total of record 3 {reason}")


def test_a_total_in_the_service_column_names_no_service(tmp_path: Path) -> None:
    profile = profile_of(
        columns="{account_key: Account, service_key: [Service, Term], quantity: Quantity}",
        rows='{totals: {column: Service, match: "^Total"}}',
    )
    content = "Account,Service,Term,Quantity\nAcme,M365,P1Y,12\nAcme,M365,P1M,5\nAcme,Total,,17\n,Total,P1M,5\n"
    assert judged(tmp_path, content, profile) == (SourceVerdict.COMPLETE, ())


def test_sums_beyond_the_stored_type_are_compared_exactly(tmp_path: Path) -> None:
    huge = "9" * 28
    content = HEADER + f"A,S,{huge}\n" * 30 + f"A,S,-{huge}\n" * 30 + "Total,,0\n"
    assert judged(tmp_path, content, profile_of(rows=f"{{{TOTALS}}}"))[0] is SourceVerdict.COMPLETE


def test_quantities_that_add_up_beyond_the_stored_type_are_refused(tmp_path: Path) -> None:
    verdict, reasons = judged(tmp_path, HEADER + f"A,S,{'9' * 28}\n" * 2, profile_of())
    assert verdict is SourceVerdict.REFUSED
    assert "its quantities add up to more than 28 digits" in reasons[0]


def test_what_was_kept_is_told_beside_the_verdict(tmp_path: Path) -> None:
    profile = profile_of(
        columns="{account_key: Account, service_key: Service, quantity: Quantity, amount: Amount, charge_kind: Kind,"
        " commitment_term: Term}",
        rows="{negative: flag, zero: flag, fraction: flag}",
        charges="{recurring: [new]}",
        maps="{commitment_term: {Monthly: P1M}}",
    )
    content = "Account,Service,Quantity,Amount,Kind,Term,Kind\n" + "".join(
        f"Acme,M365,{quantity},{amount},{kind},{term},\n"
        for quantity, amount, kind, term in [
            ("-1", "1.00000000001", "new", "Monthly"),
            ("0", "1", "rebate", "P1M"),
            ("0.5", "", "", "Weekly"),
            *[("0", "1", "N-E W", "")] * 11,
        ]
    )
    verdict, reasons = judged(tmp_path, content, profile)
    assert verdict is SourceVerdict.COMPLETE
    assert reasons == (
        "1 row without a charge kind: kept, never counted",
        "1 row with the charge kind 'rebate', which no list of charges names: kept, never counted",
        "1 row with the commitment term 'Weekly', which the profile does not map: kept as is",
        "1 row with a fractional quantity: record 4",
        "1 row with a negative quantity: record 2",
        "12 rows with a zero quantity: records 3, 5, 6, 7, 8, 9, 10, 11, 12, 13 ...",
        "the header 'Kind' stands more than once; the first such column is read",
        "1 amounts had more than 10 decimal places and were rounded",
    )


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        pytest.param(
            ["726700000012345000", "726700000012346000", "Acme"],
            "account key: all 2 ids of more than 15 digits end in zeros after the 15th digit, as Excel leaves them: "
            "different ids may have become one; export again without opening the file in Excel",
            id="cut",
        ),
        pytest.param(
            ["726700000012345000"],
            "account key: 1 id ends in zeros after the 15th digit, as Excel leaves them: "
            "different ids may have become one; export again without opening the file in Excel",
            id="one alone",
        ),
        pytest.param(["726700000012345000", "726700000012346789"], None, id="one id is whole"),
        pytest.param(["7267000000123450", "7267000000123460"], None, id="too few zeros to tell"),
        pytest.param(["726700000012345", "A-726700000012345000", "000000000000000000"], None, id="no long id"),
    ],
)
def test_ids_that_excel_may_have_cut_are_told(tmp_path: Path, ids: list[str], words: str | None) -> None:
    content = HEADER + "".join(f"{account},M365,1\n" for account in ids)
    expected = (words,) if words else ()
    assert judged(tmp_path, content, profile_of()) == (SourceVerdict.COMPLETE, expected)


def test_the_drop_is_the_profile_s_own(tmp_path: Path) -> None:
    profile = profile_of(arrives='{pattern: "{period}/x", period: from_path, complete: {max_drop: 0.1}}')
    assert profile.complete.max_drop == Decimal("0.1")
    read = read_text(tmp_path, HEADER + "A,S,1\n" * 9, profile)
    assert judge_file(profile, read, 10)[0] is SourceVerdict.COMPLETE
    assert judge_file(profile, read, 11)[0] is SourceVerdict.INCOMPLETE
    assert judge_file(profile, replace(read, refusal="broken"), 10) == (SourceVerdict.REFUSED, ("broken",))


MOVES = '{pattern: "{period}/x", period: from_path, complete: {max_quantity_move: 50%}}'


@pytest.mark.parametrize(
    ("quantity", "previous", "verdict"),
    [
        pytest.param("15", "10", SourceVerdict.COMPLETE, id="a rise up to the limit"),
        pytest.param("5", "10", SourceVerdict.COMPLETE, id="a fall down to the limit"),
        pytest.param("12000", "12", SourceVerdict.INCOMPLETE, id="a count times a thousand"),
        pytest.param("4", "10", SourceVerdict.INCOMPLETE, id="a fall beyond the limit"),
        pytest.param("1", "0", SourceVerdict.INCOMPLETE, id="something after a zero"),
        pytest.param("0", "0", SourceVerdict.COMPLETE, id="zero after zero"),
        pytest.param("-4", "-10", SourceVerdict.INCOMPLETE, id="a negative sum that shrank"),
        pytest.param("12000", None, SourceVerdict.COMPLETE, id="no month before"),
    ],
)
def test_quantities_that_moved_too_far_in_either_direction_may_not_speak(
    tmp_path: Path, quantity: str, previous: str | None, verdict: SourceVerdict
) -> None:
    profile = profile_of(arrives=MOVES)
    read = read_text(tmp_path, f"{HEADER}Acme,M365,{quantity}\n", profile)
    before = None if previous is None else Decimal(previous)
    found, reasons = judge(profile, read, read.whole, 1, before)
    assert found is verdict
    if verdict is SourceVerdict.INCOMPLETE:
        assert reasons[0] == (
            f"the quantities add up to {quantity}, those of the month before to {previous}: "
            "a move of more than 50 % (arrives.complete.max_quantity_move)"
        )


def test_a_profile_that_sets_no_limit_lets_quantities_move(tmp_path: Path) -> None:
    profile = profile_of()
    read = read_text(tmp_path, HEADER + "Acme,M365,12000\n", profile)
    assert judge(profile, read, read.whole, 1, Decimal(12)) == (SourceVerdict.COMPLETE, ())


EUROS = '{pattern: "{period}/x", period: from_path, complete: {currencies: [EUR, CHF]}}'
BY_CURRENCY = "{account_key: Account, service_key: Service, quantity: Quantity, currency: Currency}"


def test_another_currency_than_expected_may_not_speak_and_its_records_are_named(tmp_path: Path) -> None:
    profile = profile_of(columns=BY_CURRENCY, arrives=EUROS)
    rows = "Acme,M365,1,eur\nAcme,M365,1,USD\nBolt,M365,1,CHF\nBolt,M365,1,USD\nBolt,M365,1,\n"
    verdict, reasons = judged(tmp_path, "Account,Service,Quantity,Currency\n" + rows, profile)
    assert verdict is SourceVerdict.INCOMPLETE
    remedy = "drop a file in EUR or CHF, or let a person add the currency to arrives.complete.currencies"
    assert reasons == (
        f"no currency in record 6, expected is EUR or CHF: {remedy}",
        f"the currency USD in records 3, 5, expected is EUR or CHF: {remedy}",
    )


def test_ten_records_of_a_foreign_currency_are_named_and_more_are_hinted_at(tmp_path: Path) -> None:
    profile = profile_of(columns=BY_CURRENCY, arrives=EUROS)
    _, reasons = judged(tmp_path, "Account,Service,Quantity,Currency\n" + "Acme,M365,1,USD\n" * 12, profile)
    assert "in records 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 ..., expected" in reasons[0]


def test_expected_currencies_and_rejected_or_filtered_rows_in_another_let_a_file_speak(tmp_path: Path) -> None:
    profile = profile_of(columns=BY_CURRENCY, arrives=EUROS, rows="{exclude: [{column: Service, eq: Trial}]}")
    rows = "Acme,M365,1,EUR\nAcme,M365,1,CHF\nAcme,M365,x,USD\nAcme,Trial,1,USD\n"
    assert judged(tmp_path, "Account,Service,Quantity,Currency\n" + rows, profile)[0] is SourceVerdict.COMPLETE


def test_a_foreign_currency_silences_only_the_month_whose_rows_bear_it(tmp_path: Path) -> None:
    profile = profile_of(
        'dates: ["%Y-%m-%d"]',
        columns=BY_CURRENCY.replace("}", ", period: Day}"),
        arrives='{pattern: "x", period: from_column, complete: {currencies: EUR}}',
    )
    header = "Account,Service,Quantity,Currency,Day\n"
    rows = "Acme,M365,1,EUR,2026-09-01\nAcme,M365,1,USD,2026-10-01\n"
    read = read_text(tmp_path, header + rows, profile)
    verdicts = {of.period: judge(profile, read, reading, None)[0] for of, reading in read.slices.items()}
    assert verdicts == {"2026-09": SourceVerdict.COMPLETE, "2026-10": SourceVerdict.INCOMPLETE}
    assert judge_file(profile, read, None)[0] is SourceVerdict.INCOMPLETE
