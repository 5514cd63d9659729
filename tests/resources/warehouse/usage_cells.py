"""Cells of usage files as Hypothesis invents them, under several conventions and on the edges of each.

Belongs here: conventions of numbers and dates, strategies for cells.
Does not belong here: files and profiles (``usage_files``), what is right (``tests.pipelines.intake.judge``).
"""

import re
from typing import Any

from hypothesis import strategies as st

# --- conventions ------------------------------------------------------------------------------------------------------

NUMBERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "english": {
        "thousands": ",",
        "nil": ["", "-", "n/a"],
        "negative": ["-1", "(1)", "1-"],
        "currency_symbols": ["$", "US$"],
    },
    "german": {"decimal": ",", "thousands": ".", "nil": ["", "k. A."], "currency_symbols": ["€", "EUR"]},
    "swiss": {"thousands": "'", "negative": ["1-"], "currency_symbols": ["CHF"]},
    "french": {"decimal": ",", "thousands": "\u00a0", "nil": ["", "-"], "negative": ["-1", "(1)"]},
    "unsigned": {"negative": [], "nil": ["", "0"]},
}
DATES: list[list[str]] = [
    ["%Y-%m-%d"],
    ["%m/%d/%Y"],
    ["%d.%m.%Y", "%Y-%m-%d"],
    ["%m/%d/%Y", "%d/%m/%Y"],
    ["%b %d, %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
    ["%d %B %Y", "%Y-%m-%dT%H:%M:%S.%fZ", "%m/%d/%Y %I:%M:%S %p"],
    ["%Y%m%d", "%Y-%m-%d %H:%M:%S%z"],
]
CHARGES: dict[str, list[str]] = {
    "recurring": ["cycleCharge", "renew", "add-Quantity"],
    "cancel": ["cancel", "cancelImmediate"],
    "proration": ["prorate_credit"],
    "tax": ["Tax"],
    "credit": ["customer credit"],
}
TERMS = {"1-Year": "P1Y", "Monthly": "P1M", "One-Year commitment": "P1Y"}
CYCLES = {"Annual": "annual", "Month": "monthly"}

# --- cells ------------------------------------------------------------------------------------------------------------

BLANKS = ["", "", "", " ", "\u00a0", "\t", "\u200b", "\ufeff", "\u2009 "]


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


def padded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The texts with blanks around them, now and then."""
    blanks = st.sampled_from(BLANKS)
    return st.one_of(texts, st.builds(lambda before, text, after: before + text + after, blanks, texts, blanks))


def listed(texts: str) -> list[str]:
    """The texts of several lines, parted by two blanks or more; ``~`` stands for none, ``\\n`` for a line break."""
    found = re.split(r" {2,}|\n\s*", texts.strip())
    return [text.replace("~", "").replace(r"\n", "\n") for text in found]


FINE_KEYS = listed("acme  Acme Corp  bolt-7  000913  naïve Ω  CFQ7TTC0LHS9:0001  7  Zoë\u00a0GmbH  O'Neill")
NASTY_KEYS = listed(
    r"""
    ="00047"  '00012  't Hooft  '(7)  ''7  =""  ="  "quoted"  a|b  |  ||c  d\e  two\nlines  \N  =1+1
    7.3E+17  2E05  -1e3  1,5E10  12e45  7.3E+1234  E5  7.3E+  .3E+7  #N/A  #REF!  #VALUE!  #DIV/0!  #1  #n/a  a #N/A
    SEP-3  3-sep  03-Sep  sep-3-4
    Total  grand total  TOTAL  Total 7  Subtotal  Could not connect to acme  could not  ~  \u00a0  \u200b  NULL  nan
    '; DROP TABLE records; --  $1  %s  {0}  ａｃｍｅ  Ⅳ  a,b;c  Zoe\u0308
    """.replace(r"\u00a0", "\u00a0")
    .replace(r"\u200b", "\u200b")
    .replace(r"\u0308", "\u0308")
)
KEYS = padded(st.sampled_from(FINE_KEYS * 4 + NASTY_KEYS))
NAMES = padded(st.sampled_from(listed('Acme Ltd  ~  a|b  #N/A  7.3E+17  could not connect  ="x"  Bolt\\nInc')))

_DIGITS = st.text("0123456789", min_size=1, max_size=9)
_LONG = st.sampled_from(["9" * 27, "9" * 28, "1" + "0" * 28, "0" * 40 + "7", "12345678" * 3, "0", "00", "000"])
_PLACES = st.one_of(
    st.text("0123456789", min_size=1, max_size=4),
    st.sampled_from(
        ["0" * 18, "5" * 10, "1" * 11, "12345678905", "12345678904", "00000000005", "9" * 11, "9" * 9 + "50"]
    ),
)
_TAILS = ["e5", "E+3", "e-20", "E0", "e", "%", "x", ".", ",", "_0", "٣", " 1", "\n"]
_DRESSINGS = listed("""-{}  ({})  {}-  (-{})  --{}  -{}-  ({}  −{}  '{}  ="{}"  - {}  ({})-  +{}  ( {} )  {})""")
_SYMBOL_DRESSINGS = listed("S{}  {}S  S {}  {}\u00a0S  -S{}  S-{}  (S{})  ({}S)  S{}-  {}-S  SS{}  {} S-  S({})  S{}S")


@st.composite
def number_texts(draw: st.DrawFn, convention: dict[str, Any]) -> str:
    """A number written under a convention, or nearly: one mark, sign or group may be another's."""
    mark = draw(st.sampled_from([convention.get("decimal", ".")] * 6 + [".", ","]))
    text = draw(st.one_of(_DIGITS, _DIGITS, _LONG, grouped(convention.get("thousands") or ",")))
    if draw(st.booleans()):
        text += mark + draw(_PLACES)
    if draw(st.integers(0, 9)) == 0:
        text += draw(st.sampled_from([*_TAILS, mark]))
    symbol = draw(st.sampled_from([*convention.get("currency_symbols", []), "$"]))
    worn = [dressing.replace("S", symbol) for dressing in _SYMBOL_DRESSINGS]
    return draw(st.sampled_from(["{}"] * 9 + _DRESSINGS + worn)).replace("{}", text)


@st.composite
def grouped(draw: st.DrawFn, mark: str) -> str:
    """Digits in groups, mostly of three."""
    sizes = st.sampled_from([3] * 8 + [2, 4, 1])
    groups = [draw(st.text("0123456789", min_size=1, max_size=4))]
    groups += ["7" * draw(sizes) for _ in range(draw(st.integers(1, 3)))]
    marks = [draw(st.sampled_from([mark] * 9 + [",", ".", "'"])) for _ in groups[1:]]
    return groups[0] + "".join(separator + group for separator, group in zip(marks, groups[1:], strict=True))


_ODD_NUMBERS = listed(
    """
    ~  -  n/a  N/A  k. A.  0E-20  '0E-20  -0e5  0.000E+3  0,0e1  00e0  0e  1e0  NaN  inf  Infinity  -inf  1_000  0x10
    ٣  １２  ৪  ½  ²  1/2  1 2  1e3  1.2.3  .5  5.  -.5  ,5  ()  --  '22.000000000000000000  ="12"  ="1,234"  '-3  '(4)
    -0  (0)  0-  -0.00  #N/A  $  US$  $ ~  -$  US$US$5  $US$5  5 $  $ 5  5€  5 €  EUR 1.234,50  CHF 5  0,123  0.123
    1'234  1’234  1\u00a0234  1\u00a0234,5  1.234  1,234  1.234.567  1,234,56  12,34  ,123  1,,234  00,123  01,234
    """
)


def numbers(convention: dict[str, Any]) -> st.SearchStrategy[str]:
    """Cells of a column of numbers."""
    alphabet = st.text("0159.,-()$€'e \u00a0E٣_", max_size=7)
    fine = st.sampled_from(["12", "0", "7", "250", "3"])
    return padded(st.one_of(fine, fine, number_texts(convention), st.sampled_from(_ODD_NUMBERS), alphabet, ANY_TEXT))


_FINE_DATES = listed(
    """
    2026-07-01  07/31/2026  7/4/2026  31.07.2026  1.8.2026  Jul 04, 2026 13:13:32  2026-07-31T23:59:59Z  4 July 2026
    2026-07-04T00:00:00.1234567Z  07/04/2026 11:59:59 PM  20260704  2026-07-04 00:00:00+02:00
    """
)
_ODD_DATES = listed(
    """
    ~  2026-02-30  2026-02-29  2024-02-29  29.02.2023  13/13/2026  12/12/2026  13/07/2026  07/13/2026  2026-7-1
    2026-00-10  2026-13-01  2026-07-32  0001-01-01  1899-12-31  1900-01-01  2199-12-31  2200-01-01  9999-12-31
    26-07-01  31.07.26  46055  2026-07-01T  2026-07-01x  x2026-07-01  2026/07/01  soon  ２０２６-07-01  2026-07-0١
    2026-07\\n-01  jul 4, 2026 1:02:03  JUL 04, 2026 13:13:32  Jul\u00a004, 2026 13:13:32  Jul 04, 2026 24:00:00
    2026-07-31T23:60:00Z  4 july 2026  4 Jul 2026  07/04/2026 13:00:00 PM  2026074  2026-07-04 00:00:00Z
    2026-07-04 00:00:00+0200  2026-07-04T00:00:00.Z  2026-07-04T00:00:00.1234567890Z  07.2026  2026-07  202607
    07-2026  13.2026  2026-13  '2026-07-01  ="2026-07-01"
    """
)
DAYS = padded(st.one_of(st.sampled_from(_FINE_DATES * 3 + _ODD_DATES), st.sampled_from(_FINE_DATES), ANY_TEXT))
_MARKS = st.sampled_from(
    ["-", " - ", "–", " / ", "/", "..", " to ", "TO", " bis", " – ", "\u00a0-\u2009", " ", "--", "until"]
)
INTERVALS = st.one_of(
    st.builds("{}{}{}".format, st.sampled_from(_FINE_DATES), _MARKS, st.sampled_from(_FINE_DATES)),
    st.builds(lambda one, mark: f"{one}{mark}{one}", st.sampled_from(_FINE_DATES), _MARKS),
    st.builds("{}{}{}".format, DAYS, _MARKS, DAYS),
    DAYS,
)
KINDS = padded(
    st.sampled_from(
        listed(
            """
            cycleCharge  CYCLE_CHARGE  cycle charge  renew  Renew  addquantity  cancel  cancel-immediate  Prorate Credit
            tax  customercredit  fee  Seat change  ~  cycle\u00a0charge  cycleCharge2  ſ
            """
        )
    )
)
SPELLINGS = padded(st.sampled_from([*TERMS, *CYCLES, "P1Y", "monthly", "1-year", "", "3-Year", "a|b", "#N/A"]))
CURRENCIES = padded(st.sampled_from(["USD", "EUR", "USD", "", "US-Dollar"]))
STATES = padded(st.sampled_from(["Active", "Active", "active", "Trial", "", "Cancelled", "Active user", '="Active"']))

HUBS = st.sampled_from(
    [
        "EMEA",
        " EMEA ",
        "EU \u00a0West",
        "EU West",
        "eu west",
        "\uff25\uff35 West",
        "",
        "#N/A",
        "a|b",
        "E\u202eU",
        "x" * 501,
    ]
)

NUMBER_HEADERS = ("Quantity", "Extra", "Size", "Cost", "Amount")
HEADERS = {
    "Account": KEYS,
    "Account Name": NAMES,
    "SKU": KEYS,
    "Product": NAMES,
    "Currency": CURRENCIES,
    "Term": SPELLINGS,
    "Cycle": SPELLINGS,
    "Subscription": KEYS,
    "Start": DAYS,
    "End": DAYS,
    "Interval": INTERVALS,
    "Kind": KINDS,
    "State": STATES,
    "Month": DAYS,
    "Hub": HUBS,
}
"""The columns of a file with the cells they hold; cells of numbers follow the profile's convention."""

FINE = {
    "Account": "acme",
    "SKU": "M365",
    "Quantity": "12",
    "Currency": "USD",
    "Term": "1-Year",
    "Kind": "renew",
    "State": "Active",
    "Month": "2026-07",
    "Hub": "EMEA",
}
"""What makes a row valid under most profiles; other columns are blank in a fine row."""
