"""May this file speak for its period: complete, incomplete or empty, with the reasons an operator reads.

Belongs here: the rules R2 and R3 of totals, failures, currencies, least rows and moves against the month before.
Does not belong here: whether a month is reconciled (``pipelines.reconciliation.expected``).
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from pipelines.intake.drops import SourceVerdict
from pipelines.intake.layout import Complete
from pipelines.intake.profile import ImportProfile
from pipelines.intake.readings import ReadFile, Reading, ServiceParts, Slice, TotalRow, records
from pipelines.quantities import text


def judge_file(
    profile: ImportProfile, read: ReadFile, previous_rows: int | None
) -> tuple[SourceVerdict, tuple[str, ...]]:
    """The verdict on a whole file and its reasons; ``previous_rows`` are the data rows a month before, if known."""
    return judge(profile, read, read.whole, previous_rows)


def judge(
    profile: ImportProfile,
    read: ReadFile,
    reading: Reading,
    previous_rows: int | None,
    previous_quantity: Decimal | None = None,
) -> tuple[SourceVerdict, tuple[str, ...]]:
    """The verdict on what a file says for one period. A complete one may have reasons too: what should be known.

    ``previous_quantity`` is the sum over the valid rows a month before, None when that month had none.
    """
    if read.refusal is not None:
        return SourceVerdict.REFUSED, (read.refusal,)
    if reading.rows.data_rows == 0:
        doubts = (_emptiness(reading), *_total_doubts(reading))
        return SourceVerdict.EMPTY, (*doubts, *read.observations)
    doubts = (
        *_count_doubts(profile.complete, reading, previous_rows),
        *_quantity_doubts(profile.complete, reading, previous_quantity),
        *_currency_doubts(profile.complete, reading),
        *_failures(reading),
        *_total_doubts(reading),
    )
    verdict = SourceVerdict.INCOMPLETE if doubts else SourceVerdict.COMPLETE
    return verdict, (*doubts, *read.observations)


def _emptiness(reading: Reading) -> str:
    rows = reading.rows
    if rows.total == 0:
        return "the file has no bytes: an empty file never means zero usage"
    if rows.ignored:
        return (
            f"the file has no data rows: {rows.ignored} records were filtered or ignored; this never means zero usage"
        )
    return "the file has no data rows; this never means zero usage"


def _count_doubts(limits: Complete, reading: Reading, previous: int | None) -> Iterator[str]:
    count = reading.rows.data_rows
    if reading.rows.valid == 0:
        yield f"all {count} data rows were rejected"
    if count < limits.min_rows:
        yield f"the file has {count} data rows, at least {limits.min_rows} are expected (arrives.complete.min_rows)"
    if previous is not None and count < (1 - limits.max_drop) * previous:
        drop = text(limits.max_drop * 100)
        yield f"the file has {count} data rows, the month before had {previous}: a drop of more than {drop} %"


def _quantity_doubts(limits: Complete, reading: Reading, previous: Decimal | None) -> Iterator[str]:
    """A count times a thousand is no less wrong than half a file: the move is measured both ways."""
    if previous is None or limits.max_quantity_move is None:
        return
    if abs(reading.quantity - previous) > limits.max_quantity_move * abs(previous):
        move = text(limits.max_quantity_move * 100)
        yield (
            f"the quantities add up to {text(reading.quantity)}, those of the month before to {text(previous)}: "
            f"a move of more than {move} % (arrives.complete.max_quantity_move)"
        )


def _currency_doubts(limits: Complete, reading: Reading) -> Iterator[str]:
    """Another currency is another price list, or another seller: a person looks before anything is compared."""
    if limits.currencies is None:
        return
    expected = " or ".join(limits.currencies)
    for currency, rows in sorted(reading.currencies.items(), key=lambda item: item[0] or ""):
        if currency not in limits.currencies:
            found = f"the currency {currency}" if currency else "no currency"
            yield (
                f"{found} in {records(rows)}, expected is {expected}: drop a file in {expected}, or let a person add "
                "the currency to arrives.complete.currencies"
            )


def _failures(reading: Reading) -> Iterator[str]:
    failed = [error.row for error in reading.rejected if error.is_failure]
    if failed:
        yield f"the collector reports a failure in {records(failed)}: its counts are only a part"


def _total_doubts(reading: Reading) -> Iterator[str]:
    for total in reading.totals:
        added = added_up(reading.added, total)
        what = f"the control total of record {total.row}"
        if total.stated is None:
            yield f"{what} cannot be read, so nobody knows whether the file is whole"
        elif total.stated != added:
            service = "/".join(filter(None, total.service))
            of = f"the rows of {service!r}" if service else "all data rows"
            yield f"{what} says {text(total.stated)}, {of} add up to {text(added)}"


def added_up(added: Mapping[tuple[Slice, ServiceParts], Decimal], total: TotalRow) -> Decimal:
    """What a control total should say: the sum of the month, the part and the service that it names.

    What it does not name it is the total of; a row that does not say what it is for may be of any.
    """
    named = (
        quantity
        for (of, service), quantity in added.items()
        if total.slice.may_be(of) and _names(total.service, service)
    )
    return sum(named, Decimal(0))


def _names(named: ServiceParts, service: ServiceParts) -> bool:
    return all(part in {"", own} for part, own in zip(named, service, strict=True))
