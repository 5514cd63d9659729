"""Papers and code say the same, and no tracked file names what is no business of its readers."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from pipelines.agreements.records import CopyStatus
from pipelines.findings import FindingKind
from pipelines.intake.drops import ArrivalStatus, SourceVerdict
from pipelines.intake.rows import OverlayAction, Reduction, RowClass
from pipelines.mapping.document import read_mappings
from pipelines.mapping.entries import KeyKind, ServiceRule
from pipelines.policies.engine import PolicyOutcome
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome
from pipelines.reconciliation.expected import MonthVerdict
from pipelines.review.approval import DecisionAction
from pipelines.review.changes import ChangeStatus, When
from pipelines.review.policy import change_policy
from tests.house.tree import ROOT, tracked_text

VOCABULARY = ROOT / "docs" / "vocabulary.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
REGISTRIES = [
    ".".join(host)
    for host in (
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("ghcr", "io"),
        ("docker", "io"),
        ("quay", "io"),
        ("anaconda", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.}~/-])/(" + "|".join(["work", "root", "home", "Users"]) + r")/\w")


def words_of(heading: str) -> set[str]:
    """The words that a section of the vocabulary explains: the first cell of each row of its table."""
    section = VOCABULARY.read_text(encoding="utf-8").partition(f"\n### {heading}\n")[2].partition("\n#")[0]
    return set(re.findall(r"^\| `([^`]+)` \| \S", section, re.MULTILINE))


def headings_of(text: str) -> list[str]:
    """The second-level headings of a paper."""
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize(
    "words",
    [
        DeltaKind,
        DeltaOutcome,
        RowClass,
        Reduction,
        KeyKind,
        ServiceRule,
        FindingKind,
        ChangeStatus,
        SourceVerdict,
        ArrivalStatus,
        OverlayAction,
        When,
        MonthVerdict,
        CopyStatus,
        DecisionAction,
        PolicyOutcome,
    ],
)
def test_the_vocabulary_explains_every_word_that_is_stored(words: type[StrEnum]) -> None:
    assert words_of(words.__name__) == set(words)


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_what_was_decided_and_what_was_not(path: Path) -> None:
    assert headings_of(path.read_text(encoding="utf-8")) == [
        "Status",
        "Context",
        "Decision",
        "What we did not choose",
        "Consequences",
    ]


def test_decisions_are_numbered_in_order_and_titled_with_their_number() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
    titles = [path.read_text(encoding="utf-8").split(maxsplit=2)[1] for path in DECISIONS]
    assert titles == numbers


def test_nothing_is_left_for_later() -> None:
    assert [path for path, text in tracked_text() if UNFINISHED.search(text)] == []


def test_no_tracked_file_names_a_registry() -> None:
    assert [(path, host) for path, text in tracked_text() for host in REGISTRIES if host in text] == []


def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    found = [(path, match[0]) for path, text in tracked_text() for match in MACHINE_PATH.finditer(text)]
    assert found == []


def test_the_search_for_machine_paths_spares_addresses() -> None:
    folder = "/" + "home" + "/dana"
    assert MACHINE_PATH.search(f"open {folder}/file") is not None
    assert MACHINE_PATH.search(f'"{folder}"') is not None
    assert MACHINE_PATH.search(f"https://example.test{folder}") is None


def test_the_mapping_files_in_the_papers_can_be_imported() -> None:
    paper = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", paper, re.MULTILINE | re.DOTALL)
    assert examples
    assert all(read_mappings(example).entries for example in examples)


def test_the_policies_in_the_papers_can_be_imported() -> None:
    paper = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", paper, re.MULTILINE | re.DOTALL)
    assert examples
    assert all(change_policy(example, "USD").rules for example in examples)
