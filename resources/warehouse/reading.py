"""Files read under profiles: Python finds encoding, dialect and header, DuckDB types the rows by one expression.

Belongs here: choosing who cuts the records, running what ``pipelines.intake`` compiles, adding up what it answers.
Does not belong here: any rule of a row or a file (``pipelines.intake``), the scratch database (``answers``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.identity import FileId, RevisionId
from pipelines.intake.compile import TYPED, CompiledRows, compile_rows, second_rows
from pipelines.intake.drops import DropIdentity
from pipelines.intake.headers import Header, find_header, mapped_columns, unpivoted_places
from pipelines.intake.key_rules import columns_of_cut_ids, count_of_cut_ids
from pipelines.intake.layout import FileLayout
from pipelines.intake.packed import is_packed, unpack
from pipelines.intake.profile import ImportProfile, read_columns
from pipelines.intake.readings import (
    MOST_RECORDS,
    UNSAID,
    Observations,
    ReadFile,
    Reading,
    RevisionStamp,
    ServiceParts,
    Slice,
    TotalRow,
)
from pipelines.intake.rows import OverlayAction, Reduction, RowAccounting, RowError, RowOverlay
from pipelines.intake.schema import validated
from pipelines.intake.sheet import Records, UnreadableFile, is_blank, record_hash
from pipelines.intake.text_rules import MAPPED
from pipelines.mapping.keys import match_key
from pipelines.quantities import text
from resources.warehouse.answers import Answers, disk_in_python_words, scratch_folder
from resources.warehouse.plain_csv import PlainCsv, plain_csv
from resources.warehouse.usage_rows import TypedRows, other_matches, storable
from resources.warehouse.workbooks import SHEET, sheet_as_csv

BATCH_RECORDS = 32_768
BATCH_CHARACTERS = 64 * 1024 * 1024
"""One batch is held as text at a time: whichever bound is met first."""

VALIDATED_AT_ONCE = 131_072
"""Typed rows that the contract looks at together: with each batch come the same hundred questions."""

MOST_BARE = 100_000
"""Scanned records without a mapped cell that are looked at singly."""

LARGEST_SUM = Decimal(10) ** 28
"""DECIMAL(38,10) ends here; quantities that add up to more are no quantities."""

_SHOWN = 1_000
"""Characters of a cell that an error shows."""

MOST_SLICES = 1_000
"""Months and parts together that one file may speak for; a column that names more is not one of parts."""

_PREVIEW_ROWS = 5

_IDS = ("account_key", "service_key", "subscription_id")


@dataclass(frozen=True)
class _Table:
    """Text whose records are read, and the sheet it stands on in a workbook."""

    file: Path
    layout: FileLayout
    sheet: str | None = None

    @contextmanager
    def records(self) -> Iterator[Records]:
        """The records as Python cuts them."""
        with self.file.open("rb") as stream, closing(Records(stream, self.layout)) as records:
            yield records


class DuckDbFileReader:
    """Reads files with a DuckDB of its own for each, which can reach nothing but the file and a scratch folder."""

    def __init__(self, scratch_root: Path | None = None) -> None:
        """``scratch_root`` holds the scratch folders; without it they are in the system's temporary folder."""
        self._scratch_root = scratch_root

    def read(
        self,
        raw: Path,
        profile: ImportProfile,
        *,
        file_name: str,
        overlays: Sequence[RowOverlay] = (),
        as_of: date | None = None,
    ) -> ReadFile:
        """Everything the file says under the profile, with every record accounted for.

        What is wrong with the file is part of the answer, ``refusal`` or rejected rows. ``as_of`` is the day for which
        the file speaks. A failing disk is an ``OSError``.
        """
        try:
            with disk_in_python_words(), self._laid_out(raw, profile) as table, table.records() as records:
                header, rest = find_header(iter(records), profile)
                if header is None:
                    return _nothing_read(blank=records.count)
                compiled = compile_rows(profile, header, as_of)
                answers = Answers(table.file, self._scratch_root)
                engine = _Engine(answers, profile, header, compiled, table, file_name, overlays)
                if overlays or not engine.scan(records.encoding):
                    engine.take(_batches(records, rest, header))
                return engine.result()
        except UnreadableFile as error:
            return _nothing_read(refusal=f"{error.reason}. {error.remedy}")

    def fits(self, raw: Path, profile: ImportProfile) -> bool:
        """Whether the file has a header that holds every column the profile maps."""
        try:
            with self._laid_out(raw, profile) as table, table.records() as records:
                return find_header(iter(records), profile)[0] is not None
        except UnreadableFile:
            return False

    @contextmanager
    def _laid_out(self, raw: Path, profile: ImportProfile) -> Iterator[_Table]:
        """The file's text: its own, or for as long as it is read that of a sheet or of what an archive holds."""
        layout = profile.file
        with raw.open("rb") as stream:
            packed = is_packed(stream, reads_workbooks=layout.is_workbook)
            if not packed and not layout.is_workbook:
                yield _Table(raw, layout)
                return
            with scratch_folder(self._scratch_root) as folder:
                file = raw
                if packed:
                    file = folder / "unpacked"
                    with file.open("wb") as target:
                        unpack(stream, raw.stat().st_size, target, reads_workbooks=layout.is_workbook)
                yield _sheet(file, layout, folder) if layout.is_workbook else _Table(file, layout)


def _sheet(file: Path, layout: FileLayout, folder: Path) -> _Table:
    as_csv = folder / "sheet"
    return _Table(as_csv, SHEET, sheet_as_csv(file, layout, as_csv))


def _nothing_read(*, blank: int = 0, refusal: str | None = None) -> ReadFile:
    return ReadFile(Reading(RowAccounting(blank=blank), Decimal(0), (), TypedRows(None, 0)), refusal=refusal)


@dataclass(frozen=True)
class _Batch:
    """Consecutive records. ``is_cut``: the file ends with the last of them, without a line end."""

    first_row: int
    records: list[Sequence[str]]
    is_cut: bool

    def records_at(self, rows: Iterable[int]) -> Iterator[Sequence[str]]:
        """The records of these numbers."""
        return (self.records[row - self.first_row] for row in rows)


def _batches(records: Records, rest: Iterator[Sequence[str]], header: Header) -> Iterator[_Batch]:
    batch: list[Sequence[str]] = []
    first, characters = header.row + 1, records.characters
    for record in rest:
        batch.append(record)
        if len(batch) == BATCH_RECORDS or records.characters - characters > BATCH_CHARACTERS:
            yield _Batch(first, batch, records.is_cut)
            first, characters = first + len(batch), records.characters
            batch = []
    if batch:
        yield _Batch(first, batch, records.is_cut)


def _or_empty(batches: Iterator[_Batch], first_row: int) -> Iterator[_Batch]:
    """The batches; an empty one where there are none, so that there is an answer for nothing as well."""
    yield next(batches, _Batch(first_row, [], is_cut=False))
    yield from batches


@dataclass
class _Sums:
    """Numbers added up by what rows say they are for."""

    kinds: Counter[tuple[Slice, str]] = field(default_factory=Counter)
    valid_rows: dict[Slice, int] = field(default_factory=dict)
    quantity: dict[Slice, Decimal] = field(default_factory=dict)
    added: dict[tuple[Slice, ServiceParts], Decimal] = field(default_factory=dict)
    totals: list[TotalRow] = field(default_factory=list)
    currencies: dict[tuple[Slice, str | None], tuple[int, ...]] = field(default_factory=dict)
    rejected: list[tuple[Slice, RowError]] = field(default_factory=list)
    blank: int = 0

    @property
    def said(self) -> set[Slice]:
        """Everything that rows say they are for."""
        return {said for said, _ in self.kinds}


class _Engine:
    """One file being read: the compiled expression answers for each record, the answers are added up."""

    def __init__(
        self,
        answers: Answers,
        profile: ImportProfile,
        header: Header,
        compiled: CompiledRows,
        table: _Table,
        file_name: str,
        overlays: Sequence[RowOverlay],
    ) -> None:
        self._answers = answers
        self._table = table
        self._profile = profile
        self._header = header
        self._file_name = storable(file_name)
        self._compiled = compiled
        self._overlays = _by_record(overlays)
        self._sums = _Sums()
        self._observed = Observations(doubled=_doubled(profile, header))

    # --- cutting the records ----------------------------------------------------------------------------------------

    def scan(self, encoding: str) -> bool:
        """Let DuckDB cut the file, if it is one that it cuts as we do; whether it was, and every record is there."""
        plain = plain_csv(self._table.file, encoding, self._table.layout, self._answers.own_file)
        if plain is None or not self._compiled.positions or self._compiled.is_unpivoted:
            return False
        first_row = self._header.row + 1
        records = plain.scan(self._header.row, len(self._header.cells), self._compiled.positions)
        try:
            self._answers.scan(self._compiled, records, first_row)
        except duckdb.Error:
            return False
        if not self._is_whole(plain) or not self._leave_out_blanks(plain):
            self._answers.forget()
            return False
        self._collect_rejected(self._rejected("true"), plain.records_at)
        return True

    def _is_whole(self, plain: PlainCsv) -> bool:
        """Whether DuckDB found as many records as the file has lines after its header."""
        [(count,)] = self._answers.query("SELECT count(*) FROM answers").fetchall()
        return bool(count == plain.records - self._header.row)

    def _leave_out_blanks(self, plain: PlainCsv) -> bool:
        """Take records without anything in any cell for blank ones; False when too many would have to be looked at."""
        bare = self._answers.query(f"SELECT row FROM answers WHERE is_bare ORDER BY row LIMIT {MOST_BARE}").fetchall()
        rows = [row for (row,) in bare]
        blank = [row for row, record in zip(rows, plain.records_at(rows), strict=True) if is_blank(record)]
        if blank:
            self._answers.leave_out(blank)
            self._sums.blank = len(blank)
        return len(bare) < MOST_BARE

    def take(self, batches: Iterator[_Batch]) -> None:
        """Answer for records that Python cut, batch by batch."""
        for batch in _or_empty(batches, self._header.row + 1):
            relation, blank = self._relation(batch)
            self._sums.blank += blank
            self._answers.take(self._compiled, relation)
            last = batch.first_row + len(batch.records) - 1
            self._collect_rejected(self._rejected(f"row BETWEEN {batch.first_row} AND {last}"), batch.records_at)

    def _relation(self, batch: _Batch) -> tuple[pa.Table, int]:
        """The batch as Arrow text, blank records left out, decisions of people applied."""
        width, last = len(self._header.cells), len(batch.records) - 1
        rows, defects, set_aside, kept = [], [], [], []
        for place, record in enumerate(batch.records):
            if is_blank(record):
                continue
            decided, is_ignored = self._decided(batch.first_row + place, record)
            rows.append(batch.first_row + place)
            defects.append(_defect(record, width, is_last_and_cut=batch.is_cut and place == last))
            set_aside.append(is_ignored)
            kept.append(decided)
        columns = {
            f"c{place}": pa.array([record[place] if place < len(record) else "" for record in kept], pa.string())
            for place in self._compiled.positions
        }
        own = {
            "row": pa.array(rows, pa.int64()),
            "defect": pa.array(defects, pa.string()),
            "is_set_aside": pa.array(set_aside, pa.bool_()),
        }
        # Small pieces, so that DuckDB's threads share the batch.
        table = pa.table(own | columns)
        pieces = pa.Table.from_batches(table.to_batches(max_chunksize=8_192), table.schema)
        return pieces, len(batch.records) - len(kept)

    def _decided(self, row: int, record: Sequence[str]) -> tuple[Sequence[str], bool]:
        """The record as people corrected it, and whether they disregard it; only where its content is the same."""
        if row not in self._overlays:
            return record, False
        decisions = self._overlays[row].get(record_hash(record), [])
        cells = [*record, *[""] * (len(self._header.cells) - len(record))]
        for decision in decisions:
            position = self._header.position(decision.column or "")
            if decision.action is OverlayAction.FIX and position is not None and position < len(cells):
                cells[position] = storable(decision.value or "")
        return cells, any(decision.action is OverlayAction.IGNORE for decision in decisions)

    def _match_parts(self) -> None:
        """Write each part as it compares, so that one part under two spellings is one."""
        if self._profile.part_column is None:
            return
        found = self._answers.query("SELECT DISTINCT part FROM answers WHERE part IS NOT NULL").fetchall()
        names = {written: match for (written,) in found if (match := match_key(written)) != written}
        if names:
            self._answers.rename_parts(names)

    def _reject_second_rows(self) -> None:
        """Reject all rows of a key where each should be the only one."""
        if Reduction.NONE not in self._profile.methods:
            return
        matched = {}
        for key in ("account_key", "service_key"):
            table = other_matches(self._answers, "answers", key)
            match = f"(SELECT match FROM {table} WHERE key = answers.{key})"
            matched[key] = f"coalesce({match}, {key})" if table else key
        sql = second_rows(*matched.values(), by_term="term" in self._profile.aggregate.by)
        rows = [row for (row,) in self._answers.query(sql).fetchall()]
        if rows:
            self._answers.reject(rows, self._compiled.second_row)
            if self._compiled.is_unpivoted:
                self._answers.keep_one_of_rejected()
            which = f"problem = {self._compiled.second_row}"
            self._collect_rejected(self._rejected(which), self._records_again)
            self._sums.rejected.sort(key=lambda found: found[1].row)

    def _records_again(self, rows: Iterable[int]) -> Iterator[Sequence[str]]:
        """The records of these numbers, which must ascend, cut once more from the start of the file."""
        with self._table.records() as records:
            at = 0
            for row in rows:
                yield next(islice(iter(records), row - at - 1, None))
                at = row

    # --- adding up the answers --------------------------------------------------------------------------------------

    def _rejected(self, which: str) -> list[tuple[Any, ...]]:
        cell = "cell" if self._compiled.is_unpivoted else "NULL"
        columns = f"row, {cell} AS cell, period, part, problem, problem_value, is_failure, read_account, read_service"
        rejected = f"SELECT {columns} FROM answers WHERE kind = 'rejected' AND {which} ORDER BY row"
        return self._answers.query(rejected).fetchall()

    def _collect_rejected(
        self, rejected: list[tuple[Any, ...]], records_at: Callable[[Iterable[int]], Iterator[Sequence[str]]]
    ) -> None:
        records = records_at([row for row, *_ in rejected])
        for answer, record in zip(rejected, records, strict=True):
            row, cell, period, part, problem, value, is_failure, account, service = answer
            check = self._compiled.checks[problem]
            error = RowError(
                file=self._file_name,
                sheet=self._table.sheet,
                row=row,
                column=self._header_at(check.position, cell),
                value=None if value is None else value[:_SHOWN],
                reason=check.reason,
                remedy=check.remedy,
                account=account,
                service=service,
                record_hash=record_hash(record),
                is_failure=is_failure,
            )
            self._sums.rejected.append((Slice(period, part and match_key(part)), error))

    def _header_at(self, position: int | None, cell: int | None) -> str | None:
        """The header of the column at fault; where that is one the profile makes, of the cell it is made of."""
        if position is None:
            return None
        return self._header.name(position if cell is None or position < len(self._header.cells) else cell)

    def _count(self) -> None:
        records = "count(DISTINCT row)" if self._compiled.is_unpivoted else "count(*)"
        counted = self._answers.query(
            f"SELECT period, part, kind, {records}, count(*), sum(trunc(quantity)::HUGEINT), "
            "sum(quantity - trunc(quantity)), sum(rounded) FROM answers GROUP BY ALL"
        ).fetchall()
        for period, part, kind, count, valid_rows, whole, fraction, rounded in counted:
            said = Slice(period, part)
            self._sums.kinds[said, kind] += count
            if kind == "valid":
                self._sums.valid_rows[said] = valid_rows
                self._sums.quantity[said] = _added([whole, fraction])
                self._observed.rounded_amounts += int(rounded)

    def _collect_totals(self) -> None:
        if self._profile.rows.totals is None:
            return
        added = self._answers.query(
            "SELECT period, part, service_parts, sum(trunc(totalled)::HUGEINT), sum(totalled - trunc(totalled)) "
            "FROM answers WHERE kind <> 'totals' AND totalled IS NOT NULL GROUP BY ALL"
        ).fetchall()
        self._sums.added = {
            (Slice(period, part), tuple(service)): _added([whole, fraction])
            for period, part, service, whole, fraction in added
        }
        totals = "SELECT row, service_parts, totalled, period, part FROM answers WHERE kind = 'totals' ORDER BY row"
        self._sums.totals = [
            TotalRow(row, tuple(service), totalled, Slice(period, part))
            for row, service, totalled, period, part in self._answers.query(totals).fetchall()
        ]

    def _collect_currencies(self) -> None:
        if self._profile.complete.currencies is None:
            return
        found = self._answers.query(
            f"SELECT period, part, currency, min(row, {MOST_RECORDS + 1}) "
            "FROM answers WHERE kind = 'valid' GROUP BY ALL"
        ).fetchall()
        self._sums.currencies = {(Slice(period, part), currency): tuple(rows) for period, part, currency, rows in found}

    def _observe(self) -> None:
        parts = ["SELECT 'unknown', charge_kind, row FROM answers WHERE kind = 'valid' AND charge_class = 'unknown'"]
        parts += [
            f"SELECT '{name}', {name}_unmapped, row FROM answers WHERE kind = 'valid' AND {name}_unmapped IS NOT NULL"
            for name in MAPPED
        ]
        parts.append("SELECT 'flag', flag, row FROM answers WHERE kind = 'valid' AND flag IS NOT NULL")
        parts.append("SELECT 'rounded', NULL, row FROM answers WHERE kind = 'valid' AND is_rounded")
        grouped = " UNION ALL ".join(parts)
        for what, value, rows in self._answers.query(
            f"SELECT what, value, list(row ORDER BY row) FROM ({grouped}) AS seen(what, value, row) GROUP BY ALL"
        ).fetchall():
            if what == "unknown":
                self._observed.unknown_kinds[value or ""] += len(rows)
            elif what == "flag":
                self._observed.flagged.setdefault(value, []).extend(rows)
            elif what == "rounded":
                self._observed.rounded_quantities.extend(rows)
            else:
                self._observed.unmapped[what, value] += len(rows)
        self._observe_cut_ids()

    def _observe_cut_ids(self) -> None:
        [are_cut] = self._answers.query(columns_of_cut_ids(_IDS)).fetchall()
        for name, is_cut in zip(_IDS, are_cut, strict=True):
            if is_cut and (found := self._answers.query(count_of_cut_ids(name)).fetchone()):
                self._observed.cut_ids[name] = found[0]

    def _validate(self) -> None:
        """Every valid row through the contract of validated usage, a bounded batch at a time."""
        cell = ", cell" if self._compiled.is_unpivoted else ""
        valid = self._answers.query(f"SELECT row{cell}, {', '.join(TYPED)} FROM answers WHERE kind = 'valid'")
        for batch in valid.to_arrow_reader(VALIDATED_AT_ONCE):
            validated(pl.DataFrame(pl.from_arrow(batch)))

    # --- the answer -------------------------------------------------------------------------------------------------

    def result(self) -> ReadFile:
        """Everything together, and for each slice by itself where rows have their own month or part.

        Raises ``UnreadableFile`` when the quantities add up to more than can be kept, or rows name too many parts.
        """
        self._match_parts()
        self._reject_second_rows()
        self._count()
        if abs(_added(self._sums.quantity.values())) >= LARGEST_SUM:
            raise UnreadableFile("its quantities add up to more than 28 digits", "Correct quantity of the profile")
        self._collect_totals()
        self._collect_currencies()
        self._observe()
        self._validate()
        whole, slices = self._whole(), self._slices()
        anywhere = self._anywhere(slices)
        return ReadFile(
            whole=whole,
            slices={wanted: self._reading(wanted, whole, anywhere) for wanted in slices},
            elsewhere=lambda wanted: self._reading(wanted, whole, anywhere),
            header_row=self._header.row,
            headers=tuple(self._header.name(place) for place in range(len(self._header.cells))),
            columns=_mapped_headers(self._profile, self._header),
            unused_columns=_unused_headers(self._profile, self._header),
            observations=self._observed.sentences(),
            rounded_amounts=self._observed.rounded_amounts,
            preview=self._preview(),
            preview_stamp=_preview_stamp(self._profile, self._file_name),
        )

    def _preview(self) -> tuple[Mapping[str, str | None], ...]:
        valid = f"SELECT row, period, part, {', '.join(TYPED)} FROM answers WHERE kind = 'valid' ORDER BY row"
        rows = self._answers.query(f"{valid} LIMIT {_PREVIEW_ROWS}").to_arrow_table().to_pylist()
        return tuple({name: _as_text(value) for name, value in row.items()} for row in rows)

    def _whole(self) -> Reading:
        kinds: Counter[str] = Counter()
        for (_, kind), count in self._sums.kinds.items():
            kinds[kind] += count
        return Reading(
            rows=RowAccounting(preamble=self._header.row - 1, header=1, blank=self._sums.blank, **kinds),
            quantity=_added(self._sums.quantity.values()),
            rejected=tuple(error for _, error in self._sums.rejected),
            usage=TypedRows(self._answers, sum(self._sums.valid_rows.values()), sheet=self._table.sheet),
            totals=tuple(self._sums.totals),
            added=self._sums.added,
            currencies=_all_slices(self._sums.currencies),
        )

    @property
    def _has_own(self) -> tuple[bool, bool]:
        """Whether rows have months and parts of their own."""
        return self._profile.period_column is not None, self._profile.part_column is not None

    def _slices(self) -> list[Slice]:
        """The slices that the file speaks for: those that rows name whole, in order."""
        named = self._sums.said - {UNSAID}
        whole = [said for said in named if (said.period is not None, said.part is not None) == self._has_own]
        if len(whole) > MOST_SLICES:
            raise UnreadableFile(
                f"its rows are of {len(whole)} months and parts, and a file may have {MOST_SLICES}",
                "Correct columns.part of the profile: a part is a hub, an account or a currency",
            )
        return sorted(whole, key=lambda said: said.order)

    def _anywhere(self, slices: Sequence[Slice]) -> set[Slice]:
        """What rows say that is half of what they are for, and of no slice by that: they may be of any."""
        return {said for said in self._sums.said if any(self._has_own) and not any(map(said.may_be, slices))}

    def _reading(self, wanted: Slice, whole: Reading, anywhere: set[Slice]) -> Reading:
        """What the file says for one slice: its own rows, and rejected rows and totals that may be of it."""
        sums = self._sums
        mine = {said for said in sums.said if said.may_be(wanted)} | anywhere if any(self._has_own) else set()
        counts = {kind: sum(sums.kinds[said, kind] for said in mine) for kind in ("valid", "rejected", "totals")}
        rows = whole.rows
        ignored = rows.total - rows.preamble - rows.header - rows.blank - sum(counts.values())
        return Reading(
            rows=RowAccounting(rows.preamble, rows.header, rows.blank, ignored, **counts),
            quantity=sums.quantity.get(wanted, Decimal(0)),
            rejected=tuple(error for said, error in sums.rejected if said in mine),
            usage=TypedRows(self._answers, sums.valid_rows.get(wanted, 0), wanted, self._table.sheet),
            totals=tuple(total for total in sums.totals if total.slice in mine),
            added=sums.added,
            currencies={currency: rows for (said, currency), rows in sums.currencies.items() if said == wanted},
        )


def _added(numbers: Iterable[Decimal | int]) -> Decimal:
    """The sum to the last digit: Python keeps 28 digits unless it is told otherwise, and a quantity may have 38."""
    with localcontext(prec=60):
        return sum(map(Decimal, numbers), Decimal(0))


def _all_slices(
    currencies: Mapping[tuple[Slice, str | None], tuple[int, ...]],
) -> dict[str | None, tuple[int, ...]]:
    rows: dict[str | None, list[int]] = {}
    for (_, currency), found in currencies.items():
        rows.setdefault(currency, []).extend(found)
    return {currency: tuple(sorted(found)) for currency, found in rows.items()}


def _defect(record: Sequence[str], width: int, *, is_last_and_cut: bool) -> str | None:
    if len(record) > width and not is_blank(record[width:]):
        return "long"
    return "cut" if is_last_and_cut and len(record) < width else None


def _by_record(overlays: Sequence[RowOverlay]) -> dict[int, dict[str, list[RowOverlay]]]:
    by_record: dict[int, dict[str, list[RowOverlay]]] = {}
    for overlay in overlays:
        by_record.setdefault(overlay.row, {}).setdefault(overlay.record_hash, []).append(overlay)
    return by_record


def _places(profile: ImportProfile, header: Header) -> list[int]:
    places = (header.column(column) for column in mapped_columns(profile))
    return sorted({place for place in places if place is not None})


def _doubled(profile: ImportProfile, header: Header) -> list[str]:
    """Names of the profile that several columns of the file bear."""
    named = dict.fromkeys(address for column in mapped_columns(profile) for address in column.addresses)
    return [address for address in named if header.is_doubled(address)]


def _mapped_headers(profile: ImportProfile, header: Header) -> Mapping[str, str]:
    """The headers of each canonical field, several joined by ``|``; constants and absent columns have none."""
    shown = {}
    for name, column in profile.columns.mapped.items():
        read = read_columns(profile, column)
        places = dict.fromkeys(place for leaf in read if (place := header.column(leaf)) is not None)
        if places:
            shown[name] = "|".join(header.name(place) for place in places)
    return shown


def _unused_headers(profile: ImportProfile, header: Header) -> tuple[str, ...]:
    used = {*_places(profile, header), *unpivoted_places(profile, header)}
    return tuple(header.name(place) for place, cell in enumerate(header.cells) if place not in used and cell.strip())


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return text(value) if isinstance(value, Decimal) else str(value)


def _preview_stamp(profile: ImportProfile, file_name: str) -> RevisionStamp:
    drop = DropIdentity(profile.source, profile.name, "0001-01")
    return RevisionStamp("-", drop, profile, RevisionId("-"), FileId("-"), file_name, "-")
