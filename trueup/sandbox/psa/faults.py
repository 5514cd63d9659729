"""Faults on request: which request meets which fault.

Belongs here: the rules, their counting, the seeded dice.
Does not belong here: carrying a fault out (``injection``).
"""

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from trueup.sandbox.psa.seed import SeedError, problems_of, read_document

_SECONDS = re.compile(r"(delay|stale_read|429):(\d+(?:\.\d+)?)s")
_STATUS = re.compile(r"([45]\d\d)(_after_commit)?")
_PLAIN = ("drop", "commit_then_drop", "html", "truncated", "cut", "empty")
_KNOWN = (
    "drop, commit_then_drop, a status such as 429 or 500, 502_after_commit, delay:5s, stale_read:10s, 429:3s "
    "(Retry-After), html, truncated, cut, empty"
)


@dataclass(frozen=True)
class Fault:
    """One fault. ``seconds`` is a delay, the age of a stale read or a Retry-After; ``status`` an HTTP status."""

    kind: str
    status: int = 0
    seconds: float = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The fault that a rule's ``do`` names. Raises ``ValueError`` listing what there is."""
        timed, status = _SECONDS.fullmatch(text), _STATUS.fullmatch(text)
        if timed and timed[1] == "429":
            return cls("status", 429, float(timed[2]))
        if timed:
            return cls(timed[1], seconds=float(timed[2]))
        if status:
            return cls("status_after_commit" if status[2] else "status", int(status[1]), seconds=1)
        if text in _PLAIN:
            return cls(text)
        raise ValueError(f"there is no fault {text!r}; there are: {_KNOWN}")


def _is_fault(text: str) -> str:
    Fault.parse(text)
    return text


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


Do = Annotated[str, BeforeValidator(str), AfterValidator(_is_fault)]


class Rule(BaseModel):
    """Requests whose ``METHOD path`` holds ``match`` meet a fault: the ``nth``, or ``every`` so many, or all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Annotated[str, AfterValidator(_is_pattern)]
    do: Do
    nth: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.nth and self.every:
            raise ValueError("nth and every exclude each other")
        return self


class Faults(BaseModel):
    """All faults. ``rate`` gives each fault a probability per request; ``seed`` makes the dice repeatable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = ()
    seed: int = 0
    rate: dict[Do, Annotated[float, Field(ge=0, le=1)]] = {}


class FaultPlan:
    """Faults with their counters: which request is the nth. Safe to use from several threads."""

    def __init__(self, faults: Faults) -> None:
        self._lock = threading.Lock()
        self.replace(faults)

    def replace(self, faults: Faults) -> None:
        """Begin anew with other faults; counters and dice start over."""
        with self._lock:
            self._faults = faults
            self._seen = [0] * len(faults.rules)
            self._dice = random.Random(faults.seed)  # noqa: S311  repeatable on purpose

    def next_for(self, request: str) -> Fault | None:
        """The fault that this request (``METHOD path``) meets; a rule goes before the dice, an earlier rule first."""
        with self._lock:
            met = [rule.do for index, rule in enumerate(self._faults.rules) if self._meets(index, rule, request)]
            thrown = [do for do, share in self._faults.rate.items() if self._dice.random() < share]
            chosen = [*met, *thrown]
            return Fault.parse(chosen[0]) if chosen else None

    def _meets(self, index: int, rule: Rule, request: str) -> bool:
        if not re.search(rule.match, request):
            return False
        self._seen[index] += 1
        seen = self._seen[index]
        return seen == rule.nth if rule.nth else seen % (rule.every or 1) == 0


def faults_from(document: Any, where: str) -> Faults:
    """Checked faults. Raises ``SeedError`` with every problem."""
    if not isinstance(document, Mapping):
        raise SeedError(f"{where}: faults are a mapping of rules, seed, rate")
    try:
        return Faults.model_validate(document)
    except ValidationError as error:
        raise SeedError(problems_of(error, document, where)) from error


def read_faults(file: Path | None) -> Faults:
    """The faults in a file; without a file none. Raises ``SeedError``."""
    return faults_from(read_document(file), str(file)) if file else Faults()
