"""Targets that a key may mean, ranked, each with its score and its reasons. Nothing here is ever applied by itself.

Belongs here: what speaks for a target (its name, code or id, a domain, past decisions), ranking, bounded memory.
Does not belong here: deciding (people do), the plain form of names (``names``), reading keys and the PSA.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from pipelines.mapping.catalogue import Catalogue, PastDecisions, catalogue_of, compact, folded, past_decisions
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.keys import match_key
from pipelines.mapping.names import PlainName
from pipelines.mapping.seen import DecidedKey, SeenKey
from pipelines.mapping.suggestions import SuggestedKey, Suggestion, Target

LEAST = 70
"""Likeness of names (0 to 100) below which nothing is suggested: what is less alike is mostly noise."""

MOST = 5
"""Suggestions of one key: what a person looks through."""

_SAME = 100
_LIKELY = 95
"""Score of what is no likeness of names but seldom chance: a shared domain, a past decision."""

_CELLS = 2_000_000
"""Scores that stand in memory at once, of one byte each."""

_JOINED = re.compile(r"(?<!\\)\|")
"""Between the columns that a key was joined from."""

_Alike = dict[str, list[tuple[str, int]]]
"""For each plain name the plain names of targets most like it, with their likeness; none where all are unlike."""


def suggest_targets(
    kind: KeyKind, keys: Sequence[SeenKey], targets: Iterable[Target], decided: Iterable[DecidedKey]
) -> list[SuggestedKey]:
    """What each key may mean, in the order of the keys. ``keys`` and ``decided`` are all of this kind."""
    catalogue = catalogue_of(kind, targets)
    past = past_decisions(catalogue, decided)
    names = {name: catalogue.plain(name) for key in keys for name in key.names}
    alike = _alike({plain.text for plain in names.values()} - {""}, list(catalogue.by_plain))
    suggested = []
    for key in keys:
        case = _Case(key, [(name, names[name]) for name in key.names])
        evidence = [*_names(case, catalogue, alike), *_codes(case, catalogue), *_domains(case, catalogue)]
        suggested.append(SuggestedKey(key, _ranked([*evidence, *_decisions(case, catalogue, past)])))
    return suggested


@dataclass(frozen=True)
class _Case:
    """A key with the names it bears, each beside its plain form."""

    key: SeenKey
    names: Sequence[tuple[str, PlainName]]


@dataclass(frozen=True)
class _Evidence:
    """One thing that speaks for one target."""

    target: Target
    score: int
    reason: str
    is_exact: bool = False


# --- how alike names are ----------------------------------------------------------------------------------------------


def _alike(names: Iterable[str], choices: Sequence[str]) -> _Alike:
    asked = sorted(names)
    rows = max(1, _CELLS // len(choices)) if choices else len(asked)
    chunks = [asked[start : start + rows] for start in range(0, len(asked), rows)] if choices else []
    in_order = [_sorted_words(choice) for choice in choices]
    return {name: near for chunk in chunks for name, near in _nearest(chunk, choices, in_order)}


def _nearest(
    names: Sequence[str], choices: Sequence[str], in_order: Sequence[str]
) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    # token_sort_ratio, with the words of each choice sorted once and not again for every name
    scores = process.cdist(
        [_sorted_words(name) for name in names], in_order, scorer=fuzz.ratio, score_cutoff=LEAST, dtype=np.uint8
    )
    for name, row in zip(names, scores, strict=True):
        near = row.nonzero()[0]
        if len(near) > MOST:
            near = near[row[near].argpartition(-MOST)[-MOST:]]
        yield name, [(choices[place], score) for place, score in zip(near.tolist(), row[near].tolist(), strict=True)]


def _sorted_words(plain: str) -> str:
    return " ".join(sorted(plain.split()))


# --- what speaks for a target -----------------------------------------------------------------------------------------


def _names(case: _Case, catalogue: Catalogue, alike: _Alike) -> Iterator[_Evidence]:
    forms = {match_key(name): plain for name, plain in case.names}
    for form, plain in forms.items():
        equal = catalogue.by_name.get(form, [])
        for target in equal:
            yield _Evidence(target, _SAME, "the names are equal", is_exact=len(forms) == 1)
        for text, score in alike.get(plain.text, ()):
            for target in catalogue.by_plain[text]:
                if target not in equal:
                    yield _Evidence(target, score, _likeness(plain, catalogue.plain_of[target.id], score))


def _likeness(mine: PlainName, theirs: PlainName, score: int) -> str:
    left_out = list(dict.fromkeys([*mine.left_out, *theirs.left_out]))
    trail = f" without {_listed(left_out)}" if left_out else ""
    if mine.text == theirs.text:
        return f"the names are equal{trail}"
    if score == _SAME:
        return f'the words of the names are equal{trail}: "{mine.text}" and "{theirs.text}"'
    return f'the names are {score} % alike{trail}: "{mine.text}" and "{theirs.text}"'


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _codes(case: _Case, catalogue: Catalogue) -> Iterator[_Evidence]:
    key = case.key.key
    if (target := catalogue.by_id.get(match_key(key))) is not None:
        yield _Evidence(target, _SAME, "the key is its id")
    for part in dict.fromkeys([key, *_JOINED.split(key)]) if catalogue.by_code else ():
        for target in catalogue.by_code.get(folded(part.replace("\\|", "|")), ()):
            yield _Evidence(target, _SAME, f'the key {"is" if part == key else "holds"} its code "{target.code}"')


def _domains(case: _Case, catalogue: Catalogue) -> Iterator[_Evidence]:
    texts = [case.key.key, *(name for name, _ in case.names)]
    for domain in dict.fromkeys(domain for text in texts for domain in catalogue.domains(text)):
        for target in catalogue.by_domain.get(domain.text, ()):
            yield _Evidence(target, _LIKELY, f"both name the domain {domain.text}")
        for target in catalogue.by_compact.get(domain.word, ()):
            yield _Evidence(target, _LIKELY, f"the domain {domain.text} spells its name")
    if catalogue.by_domain_word:
        for word in dict.fromkeys(compact(plain.text) for _, plain in case.names):
            for target in catalogue.by_domain_word.get(word, ()):
                yield _Evidence(target, _LIKELY, "its domain spells the key's name")


def _decisions(case: _Case, catalogue: Catalogue, past: PastDecisions) -> Iterator[_Evidence]:
    yield from _leading(past.get(("key", folded(case.key.key)), ()), catalogue, _of_same_key)
    for text in dict.fromkeys(plain.text for _, plain in case.names):
        yield from _leading(past.get(("name", text), ()), catalogue, _of_same_name)


def _leading(
    decided: Iterable[DecidedKey], catalogue: Catalogue, words: Callable[[DecidedKey], str]
) -> Iterator[_Evidence]:
    for item in decided:
        for target in filter(None, map(catalogue.by_id.get, item.targets)):
            yield _Evidence(target, _LIKELY, words(item))


def _of_same_key(item: DecidedKey) -> str:
    return f"the same key of {item.source} was mapped to it"


def _of_same_name(item: DecidedKey) -> str:
    return f'the key "{item.key}" of {item.source}, of the same name, was mapped to it'


# --- ranking ----------------------------------------------------------------------------------------------------------


def _ranked(evidence: Iterable[_Evidence]) -> tuple[Suggestion, ...]:
    by_target: dict[str, list[_Evidence]] = defaultdict(list)
    for item in evidence:
        by_target[item.target.id].append(item)
    made = [
        Suggestion(
            target=items[0].target,
            score=max(item.score for item in items),
            is_exact=any(item.is_exact for item in items),
            reasons=tuple(dict.fromkeys(item.reason for item in items)),
        )
        for items in by_target.values()
    ]
    return tuple(sorted(made, key=_rank)[:MOST])


def _rank(suggestion: Suggestion) -> tuple[object, ...]:
    name, id_ = suggestion.target.name, suggestion.target.id
    return not suggestion.is_exact, -suggestion.score, -len(suggestion.reasons), name, id_
