"""Where files like the sample will arrive, and where their month is read.

Belongs here: a pattern from the sample's own path, months of its rows.
Does not belong here: matching paths (``pipelines.intake.arrivals``).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from pipelines.intake.proposing.choices import Choice, flow, listed
from pipelines.intake.proposing.days import Reading, day_of
from pipelines.intake.proposing.extras import Extras
from pipelines.intake.proposing.sample import Table

_YEAR, _MONTH = "(?:19|20|21)[0-9]{2}", "(?:0[1-9]|1[0-2])"
_IN_PATH = re.compile(rf"(?<![0-9])(?:{_YEAR}-?{_MONTH}|{_MONTH}[-.]{_YEAR})(?![0-9])")
_IN_CELL = re.compile(rf"{_YEAR}-?{_MONTH}|{_MONTH}[-.]{_YEAR}")


def are_months(texts: Sequence[str]) -> bool:
    """Whether every cell that says anything names a month."""
    filled = [text for text in texts if text]
    return bool(filled) and all(_IN_CELL.fullmatch(text) for text in filled)


def arrives_of(name: str, path: str, table: Table, extras: Extras, readings: Mapping[str, Reading]) -> Choice:
    """The pattern and the period. Rows of several months are never spread over months without a person's word."""
    by_path = {"pattern": _pattern(name, path, with_period=True), "period": "from_path"}
    by_column = {"pattern": _pattern(name, path, with_period=False), "period": "from_column"}
    arrival = {"pattern": _pattern(name, path, with_period=False), "period": "from_arrival"}
    others = (flow(arrival) + ": the month in which the file comes",)
    if "period" in extras.places:
        column = table.header.name(extras.places["period"])
        reason = f"each row names its own month in {listed([column])}"
        return Choice("arrives", by_column, reason, (flow(by_path), *others), "confirm")
    if "charge_start" not in extras.places:
        return Choice("arrives", by_path, "the month is taken from the folder or the name", others, "confirm")
    months = _months(extras.texts(table, "charge_start"), readings)
    each = flow(by_column) + ": each row counts for the month in which its charge starts"
    if len(months) < 2:
        reason = "the month is taken from the folder or the name; all charges of the sample start in one month"
        return Choice("arrives", by_path, reason, (each, *others), "confirm")
    reason = (
        f"charges start in {len(months)} months, {listed(months, 3)}. A bill with corrections of earlier months speaks "
        "for its own month (from_path); a file that repeats earlier months speaks for each of them (from_column). "
        "Until you say which, the inbox does not read such files by itself"
    )
    return Choice("arrives", None, reason, (flow(by_path), each, *others), "confirm")


def _months(texts: Sequence[str], readings: Mapping[str, Reading]) -> list[str]:
    if len(readings) != 1:
        return []
    ((_, reading),) = readings.items()
    days = (next((day for f in reading.formats if (day := day_of(text, f))), None) for text in texts)
    return sorted({day.strftime("%Y-%m") for day in days if day})


def _pattern(name: str, path: str, *, with_period: bool) -> str:
    """A path below the inbox: the sample's own with its month left open, else a folder with the profile's name."""
    pure = PurePath(path)
    ending = "".join(pure.suffixes[-2:] if pure.suffix in {".gz", ".zip"} else pure.suffixes[-1:]) or ".csv"
    ending = ending if re.fullmatch(r"[.A-Za-z0-9]+", ending) else ".csv"
    month = "{period}/" if with_period else ""
    found = _IN_PATH.search(pure.name)
    stem = pure.name if found and re.fullmatch(r"[\w .()+-]+", pure.name) else ""
    if not found or not stem:
        return f"{name}/{month}*{ending}"
    # Days and numbers of exports change with every file.
    before, after = (re.sub("[0-9]+", "*", piece) for piece in (stem[: found.start()], stem[found.end() :]))
    return f"{name}/{before}{'{period}' if with_period else '*'}{after}"
