"""Suggestions for 5,000 account keys among 5,000 accounts, beside the same names likened by rapidfuzz alone.

Belongs here: the made-up keys and accounts, the two ways.
Does not belong here: reading keys and accounts.

Run as ``python -m bench.suggestions KEYS``; it prints the seconds of both, the medians of several turns, as JSON.
"""

import json
import random
import statistics
import string
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process

from pipelines.mapping.entries import KeyKind
from pipelines.mapping.seen import SeenKey
from pipelines.mapping.suggesting import suggest_targets
from pipelines.mapping.suggestions import Target

_TURNS = 5
_CHUNK = 400
_FORMS = ("", "", " Ltd", " GmbH", ", Inc.")


def main(count: int) -> None:
    """Liken the names both ways, in turns, and print how long each took."""
    accounts = _accounts(count)
    keys = [_key(number, account.name) for number, account in enumerate(accounts)]
    names, choices = [key.names[0] for key in keys], [account.name for account in accounts]
    turns = [
        (_seconds(lambda: _bare(names, choices)), _seconds(lambda: _suggest(keys, accounts))) for _ in range(_TURNS)
    ]
    bare, suggested = (statistics.median(times) for times in zip(*turns, strict=True))
    print(json.dumps({"bare": bare, "suggest": suggested}))


def _accounts(count: int) -> list[Target]:
    """Accounts of one to three words out of some thousand, as customers' names repeat words."""
    dice = random.Random(count)  # noqa: S311  the same names every time, no secrets
    words = ["".join(dice.choices(string.ascii_lowercase, k=dice.randint(3, 9))).capitalize() for _ in range(3_000)]
    names = [" ".join(dice.choices(words, k=dice.randint(1, 3))) + dice.choice(_FORMS) for _ in range(count)]
    return [Target(str(number), name) for number, name in enumerate(names)]


def _key(number: int, name: str) -> SeenKey:
    """A key whose name differs from its account's by letter case, or by a letter."""
    spelled = name.upper() if number % 2 else name.replace("a", "e", 1)
    return SeenKey(KeyKind.ACCOUNT, "Meridian", f"C{number:06}", (spelled,), "2026-10", "2026-10")


def _bare(names: Sequence[str], choices: Sequence[str]) -> None:
    for start in range(0, len(names), _CHUNK):
        process.cdist(names[start : start + _CHUNK], choices, scorer=fuzz.token_sort_ratio, dtype=np.uint8)


def _suggest(keys: Sequence[SeenKey], accounts: Sequence[Target]) -> None:
    suggested = suggest_targets(KeyKind.ACCOUNT, keys, accounts, ())
    found = sum(bool(item.suggestions) for item in suggested)
    if found < 0.9 * len(keys):
        raise SystemExit(f"only {found} of {len(keys)} keys found their account")


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main(int(sys.argv[1]))
