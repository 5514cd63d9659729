"""A tenant's write-back in a room of its own: a real store, a clock that is set, a PSA that can be told to fail.

Belongs here: the vendor's side (an invented PSA), time, building approved changes, running write-back.
Does not belong here: claims.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.audit import ChainPoint, ChainVerdict, compare_facts, fact_of, verify_chain
from pipelines.identity import ChangeId
from pipelines.quantities import text
from pipelines.review.approval import Actor, DecisionAction, Wish, decide_named
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import USUAL
from pipelines.writeback.means import Means, Step
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import Answer, ChangeName, Heard, LineSeen, VendorRequest, Witness, WriteModel, name_of
from pipelines.writeback.protocol import write_back
from resources.store import audit, changes, copies, writes
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from resources.store.write_ledger import StoreWriteLedger
from tests.resources.store import samples

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
TENANT = "msp"
PRICE, COST = Decimal(22), Decimal(18)
PACE = Pace(quiet=timedelta(seconds=120), lease=timedelta(seconds=120), hesitation=timedelta(seconds=60))
DANA = Actor("dana", is_asserted=True)

Trouble = Callable[["InventedPsa", str], Answer | None]
"""What befalls a write to a line: an answer instead of the usual one, after whatever it does to the line itself."""


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = START
        self.waited: list[timedelta] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, wait: timedelta) -> None:
        self.waited.append(wait)
        self.now += wait

    @property
    def total(self) -> timedelta:
        """All waits together."""
        return sum(self.waited, timedelta(0))

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class InventedPsa:
    """A PSA of nobody's: lines with quantities, troubles in store, and a list of what it accepted."""

    lines: dict[str, Decimal] = field(default_factory=dict)
    price: Decimal | None = PRICE
    obstacles: dict[str, str] = field(default_factory=dict)
    damage: str | None = None
    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    shown: dict[str, list[Decimal | None]] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    is_away: bool = False
    takes_credentials: bool = True
    accepted: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    identity: PsaIdentity = field(default_factory=lambda: PsaIdentity("connectwise", "https://psa.example", "acme"))

    def check_connection(self) -> None:
        if not self.takes_credentials:
            raise PsaForbidden("the keys are wrong")
        if self.is_away:
            raise PsaUnavailable("the PSA is away")

    def see_line(self, change: Change, _: date) -> LineSeen:
        line = change.line_id or change.change_id
        self.asked.append(f"see {line}")
        self.check_connection()
        if line in self.unreadable:
            raise PsaUnavailable(f"line {line} cannot be read")
        return self._shown(change)

    def _shown(self, change: Change) -> LineSeen:
        line = change.line_id or change.change_id
        lagging = self.shown.get(line, [])
        quantity = lagging.pop(0) if lagging else self.lines.get(line)
        return LineSeen(quantity, change.service_id, self.price, COST, self.obstacles.get(line), damage=self.damage)

    def see_lines(self, changes: Sequence[Change], _: date) -> Mapping[ChangeName, LineSeen]:
        """One question, after which lines that cannot be read, or are left out for a reason of its own, are missing."""
        self.asked.append(f"see {', '.join(change.line_id or change.change_id for change in changes)}")
        self.check_connection()
        given = [each for each in changes if each.line_id not in self.unreadable | self.left_out]
        return {name_of(change): self._shown(change) for change in given}

    def request_for(self, changes: Sequence[Change], _: LineSeen) -> VendorRequest:
        (change,) = changes
        return VendorRequest("SET", change.line_id or change.change_id, text(change.quantity_after))

    def send(self, request: VendorRequest) -> Answer:
        self.asked.append(f"set {request.path}")
        waiting = self.troubles.get(request.path, [])
        answer = waiting.pop(0)(self, request.body) if waiting else None
        if answer is not None:
            return answer
        self.take(request.path, request.body)
        return Answer(Heard.ACCEPTED, "accepted")

    def take(self, line: str, quantity: str) -> None:
        """Carry a write out."""
        self.accepted.append((line, quantity))
        self.lines[line] = Decimal(quantity)


def says(heard: Heard, words: str = "the vendor's words", retry_after: int | None = None) -> Trouble:
    """The PSA answers this and does nothing. ``retry_after`` is in seconds."""
    wait = None if retry_after is None else timedelta(seconds=retry_after)
    return lambda _psa, _quantity: Answer(heard, words, wait)


def takes_and_loses(line: str) -> Trouble:
    """The PSA carries the write out, and its answer is lost."""

    def trouble(psa: InventedPsa, quantity: str) -> Answer:
        psa.take(line, quantity)
        return Answer(Heard.UNKNOWN, "the connection broke")

    return trouble


class RememberedWitness:
    """A witness without a file."""

    def __init__(self) -> None:
        self.kept: ChainPoint | None = None

    def seen(self) -> ChainPoint | None:
        return self.kept

    def keep(self, point: ChainPoint) -> None:
        if self.kept is None or self.kept.sequence < point.sequence:
            self.kept = point


class Office:
    """One tenant with approved changes on lines of ten seats, each to be raised by its own number."""

    def __init__(self, store: Store, lines: int = 1, clock: Clock | None = None) -> None:
        self.store = store
        self.clock = clock or Clock()
        self.psa = InventedPsa({str(number): Decimal(10) for number in range(1, lines + 1)})
        self.bounds = Bounds(BillingCurrency("USD"))
        self.today = START.date()
        self.pace = PACE
        self.model = WriteModel.ABSOLUTE
        self.grouping = USUAL
        self.witness: Witness = RememberedWitness()
        self.steps: list[tuple[Step, str]] = []
        self.on_step: Callable[[Step, Change], None] = lambda _step, _change: None
        self._batches = itertools.count(1)
        self._ids = itertools.count(1)
        with store.transaction() as conn:
            if copies.newest_copy(conn, self.store.tenant) is not None:
                return
            company = {"base_url": self.psa.identity.base_url, "company": self.psa.identity.company}
            copies.record_copy(conn, self.store.tenant, samples.copy(**company))

    def propose(self, line: str, **fields: Any) -> Change:
        """Propose to raise a line by its own number."""
        more = Decimal(line) if line.isdecimal() else Decimal(0)
        made = samples.change(
            f"change-{line}",
            line_id=line,
            needs=(),
            unit_price=PRICE,
            unit_cost=COST,
            quantity_after=Decimal(10) + more,
            amount_delta=PRICE * more,
        )
        change = replace(made, **fields)
        with self.store.transaction() as conn:
            changes.insert_changes(conn, self.store.tenant, [change])
        return change

    def decide(self, *lines: str, action: DecisionAction = DecisionAction.APPROVED) -> None:
        """Decide on the changes of these lines, whatever revision is the latest."""
        ledger = StoreDecisionLedger(self.store)
        for line in lines:
            self.decide_on(ledger.revisions_of(ChangeId(f"change-{line}"))[-1], action)

    def decide_on(self, change: Change, action: DecisionAction = DecisionAction.APPROVED) -> None:
        """Decide on a change as it stands."""
        ledger, name = StoreDecisionLedger(self.store), f"{change.change_id}@{change.revision}"
        wish = Wish(action, DANA)
        decided = decide_named(ledger, [name], wish, now=self.clock(), new_id=lambda: f"d{next(self._ids)}")
        assert not decided.undecided, decided.undecided

    def approve(self, *lines: str) -> None:
        """Propose and approve raising these lines."""
        for line in lines:
            self.propose(line)
        self.decide(*lines)

    def run(self) -> BatchOutcome:
        """One run of write-back."""
        means = Means(
            ledger=StoreWriteLedger(self.store),
            witness=self.witness,
            psa=self.psa,
            pace=self.pace,
            bounds=self.bounds,
            batch_id=f"batch-{next(self._batches)}",
            today=self.today,
            clock=self.clock,
            sleep=self.clock.sleep,
            watch=self._watch,
            model=self.model,
            grouping=self.grouping,
        )
        return write_back(means)

    def _watch(self, step: Step, change: Change) -> None:
        self.steps.append((step, str(change.line_id)))
        self.on_step(step, change)

    def statuses(self) -> dict[str, ChangeStatus]:
        """Where the latest revision of each line's change stands."""
        with self.store.reading() as conn:
            found = changes.latest_changes(conn, self.store.tenant)
        return {each.line_id or each.change_id.removeprefix("change-"): each.status for each in found}

    def causes(self, line: str = "1") -> list[tuple[str, str]]:
        """Every outcome of a line's change: status and cause."""
        with self.store.reading() as conn:
            rows = writes.outcomes_of(conn, self.store.tenant, [ChangeId(f"change-{line}")])
        return [(row["status"], row["cause"]) for row in rows]

    def trail_hash(self, sequence: int) -> str | None:
        """The hash of an entry of the trail."""
        return StoreWriteLedger(self.store).trail_hash(sequence)

    def trail(self) -> ChainVerdict:
        """What verifying the trail finds, what is kept beside it included."""
        with self.store.reading() as conn:
            verdict = verify_chain(
                self.store.tenant, audit.chain(conn, self.store.tenant), audit.chain_head(conn, self.store.tenant)
            )
            facts = [fact for entry in audit.chain(conn, self.store.tenant) if (fact := fact_of(entry)) is not None]
            return replace(
                verdict, faults=(*verdict.faults, *compare_facts(facts, audit.kept_facts(conn, self.store.tenant)))
            )


@contextmanager
def opened(url: str, lines: int = 1) -> Iterator[Office]:
    """An office on a store of its own."""
    store = Store(url, TENANT)
    try:
        yield Office(store, lines)
    finally:
        store.close()
