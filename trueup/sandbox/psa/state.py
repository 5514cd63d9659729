"""The state of a sandbox PSA: its records now and a while ago, and every accepted write.

Belongs here: reading a moment, writing lines, human edits, keeping the state in a file.
Does not belong here: who may write and in which words (the vendor's protocol).
"""

import json
import os
import tempfile
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.quantities import text
from trueup.sandbox.psa.seed import (
    Account,
    Agreement,
    Line,
    Seed,
    SeedError,
    Service,
    Write,
    seed_from,
)

MEMORY = timedelta(minutes=10)
"""How long past states are kept for stale reads."""


@dataclass(frozen=True)
class Moment:
    """All records as they stood at one moment, by id. Never changed: a write makes a new one."""

    psa: str
    accounts: Mapping[str, Account]
    services: Mapping[str, Service]
    agreements: Mapping[str, Agreement]
    lines: Mapping[str, Line]
    credentials: Mapping[str, str] | None = None
    writes: tuple[Write, ...] = ()
    token_seconds: int | None = None

    @classmethod
    def of(cls, seed: Seed) -> "Moment":
        """The state that a seed describes."""
        return cls(
            psa=seed.psa,
            accounts={record.id: record for record in seed.accounts},
            services={record.id: record for record in seed.services},
            agreements={record.id: record for record in seed.agreements},
            lines={record.id: record for record in seed.lines},
            credentials=seed.credentials,
            writes=seed.writes,
            token_seconds=seed.token_seconds,
        )

    def as_document(self) -> dict[str, Any]:
        """The shape of the seed, ready for JSON, with the writes."""
        return {
            "psa": self.psa,
            **{things: _documents(getattr(self, things)) for things in _THINGS},
            "credentials": dict(self.credentials) if self.credentials else None,
            "writes": [write.model_dump(mode="json") for write in self.writes],
            **({"token_seconds": self.token_seconds} if self.token_seconds else {}),
        }


HUMAN = "a person"
"""Who changed a line that was edited through the sandbox's own door."""

_THINGS = ("accounts", "services", "agreements", "lines")
_RARE = (
    *("name", "description", "invoice_text", "serial_number", "earlier_units", "posted_until"),
    *("updated_at", "updated_by", "vendor_fields"),
)


def _documents(records: Mapping[str, BaseModel]) -> list[dict[str, Any]]:
    dumped = (record.model_dump(mode="json") for record in records.values())
    return [{key: value for key, value in each.items() if value is not None or key not in _RARE} for each in dumped]


@dataclass(frozen=True)
class FieldChange:
    """What a write does to one field of a line, as the list of writes shows it.

    ``effective_date`` is from when it holds, None where the PSA's write has no date.
    """

    field: str
    before: str | None
    after: str | None
    effective_date: date | None = None


LineChange = Callable[[Line], tuple[Line, list[FieldChange]]]

LinesOf = Callable[[Moment], Sequence[Line]]
"""All lines that shall stand on an agreement; one whose id stands nowhere yet is new."""


class State:
    """The records of a running sandbox. Safe to use from several threads."""

    def __init__(self, seed: Seed, clock: Callable[[], datetime], file: Path | None = None) -> None:
        self._clock = clock
        self._file = file
        self._lock = threading.RLock()
        self._times = [clock()]
        self._moments = [Moment.of(seed)]

    def time(self) -> datetime:
        """The instant by the sandbox's own clock."""
        return self._clock()

    def now(self) -> Moment:
        """The records as they stand."""
        with self._lock:
            return self._moments[-1]

    def as_of(self, age: timedelta) -> Moment:
        """The records as they stood that long ago, or at the start if that was later."""
        with self._lock:
            index = bisect_right(self._times, self._clock() - age) - 1
            return self._moments[max(index, 0)]

    def change_line(self, line_id: str, change: LineChange, by: str) -> Line:
        """Apply a change to a line as it stands; answers with it as it stands then, stamped with time and author."""
        with self._lock:
            now = self.now()
            changed, fields = change(now.lines[line_id])
            line = self._stamped(changed, by)
            writes = [self._write(line, field) for field in fields]
            self._keep(replace(now, lines={**now.lines, line_id: line}, writes=(*now.writes, *writes)))
            return line

    def add_line(self, line: Line, by: str) -> Line:
        """Add a line under the next free id; answers with it as it stands."""
        with self._lock:
            now = self.now()
            number = max((int(each) for each in now.lines), default=0) + 1
            added = self._stamped(line.model_copy(update={"id": str(number)}), by)
            quantity = added.model_dump(mode="json")["quantity"]
            write = self._write(added, FieldChange("quantity", None, quantity, added.start))
            self._keep(replace(now, lines={**now.lines, added.id: added}, writes=(*now.writes, write)))
            return added

    def replace_lines(self, agreement: str, lines_of: LinesOf, by: str) -> None:
        """Let other lines stand on an agreement, all at once: new ones come, those that are left out go."""
        with self._lock:
            now = self.now()
            before = {line.id: line for line in now.lines.values() if line.agreement == agreement}
            after = {line.id: line for line in _numbered(lines_of(now), now)}
            after = {key: line if line == before.get(key) else self._stamped(line, by) for key, line in after.items()}
            others = {key: line for key, line in now.lines.items() if key not in before}
            writes = [
                self._write(after.get(key) or before[key], change)
                for key in {**before, **after}
                if (change := _moved(before.get(key), after.get(key))) is not None
            ]
            self._keep(replace(now, lines={**others, **after}, writes=(*now.writes, *writes)))

    def merge(self, document: Any) -> None:
        """A human edit in the shape of the seed: records that are named change in the named fields, new ones come.

        One that is marked ``removed: true`` goes. Raises ``SeedError`` and changes nothing when the result would not
        be a good seed.
        """
        if not isinstance(document, Mapping):
            raise SeedError("edit: an edit is a mapping in the shape of the seed")
        with self._lock:
            now = self.now()
            merged = seed_from(_merged(now.as_document(), document, self._clock().isoformat()), "edit")
            self._keep(Moment.of(merged))

    def reset(self, seed: Seed) -> None:
        """Begin anew with other records, without a past and without writes."""
        with self._lock:
            self._times, self._moments = [], []
            self._keep(Moment.of(seed))

    def _stamped(self, line: Line, by: str) -> Line:
        return line.model_copy(update={"updated_at": self._clock(), "updated_by": by})

    def _write(self, line: Line, change: FieldChange) -> Write:
        return Write(at=self._clock(), line_id=line.id, **vars(change), marker=line.marker)

    def _keep(self, moment: Moment) -> None:
        if self._file:
            write_whole(self._file, moment.as_document())
        self._times.append(self._clock())
        self._moments.append(moment)
        oldest = bisect_right(self._times, self._clock() - MEMORY) - 1
        if oldest > 0:
            del self._times[:oldest], self._moments[:oldest]


def _numbered(lines: Sequence[Line], now: Moment) -> Iterator[Line]:
    number = max((int(each) for each in now.lines), default=0)
    for line in lines:
        is_new = line.id not in now.lines
        number += is_new
        yield line.model_copy(update={"id": str(number)}) if is_new else line


def _moved(before: Line | None, after: Line | None) -> FieldChange | None:
    was, now = (None if line is None else text(line.quantity) for line in (before, after))
    begins = after.start if before is None and after is not None else None
    return None if was == now else FieldChange("quantity", was, now, begins)


def _merged(now: dict[str, Any], edit: Mapping[str, Any], at: str) -> dict[str, Any]:
    # What was written stays written: a state that was fetched and is sent back brings its own list of writes.
    merged = {**now, **edit, "writes": now["writes"]}
    for things in _THINGS:
        merged[things] = _merged_records(now[things], edit.get(things) or [], things, at)
    return merged


def _merged_records(now: list[dict[str, Any]], edits: Any, things: str, at: str) -> list[dict[str, Any]]:
    if not isinstance(edits, list) or not all(isinstance(each, Mapping) and "id" in each for each in edits):
        raise SeedError(f"edit: {things} is a list of records, each with its id")
    records = {record["id"]: record for record in now}
    for each in edits:
        key = str(each["id"])
        if each.get("removed") is True:
            records.pop(key, None)
            continue
        changed = {**records.get(key, {}), **each}
        if things == "lines" and changed != records.get(key):
            changed |= {"updated_at": at, "updated_by": HUMAN}
        records[key] = changed
    return list(records.values())


def write_whole(file: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document so that a reader, or the next start after a crash, finds it whole or as it was."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
