"""People and their tokens: nobody speaks in another one's name, and no token is kept."""

from pathlib import Path

import pytest

from tests.journeys.desk import Desk


@pytest.fixture
def tokens(month: Desk) -> dict[str, str]:
    """An admin and a reviewer, by name; from now on tokens say who decides."""
    known = {}
    for name in ("erin", "dana"):
        made = month.say("users", "add", name, "--by", "erin", "--json").json
        known[name] = made["token"]
    month.say("config", "set", "review.single_person", "false")
    return known


def decide(desk: Desk, *arguments: str) -> int:
    """The exit code of approving line 1."""
    return desk.say("approve", *desk.names("1"), *arguments).code


def test_the_first_person_is_an_admin_and_the_next_a_reviewer(month: Desk, tokens: dict[str, str]) -> None:
    listed = month.say("users", "list", "--json").json
    assert [(user["name"], user["role"]) for user in listed] == [("dana", "reviewer"), ("erin", "admin")]


def test_with_tokens_a_name_is_refused_and_a_token_is_asked_for(
    month: Desk, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decide(month, "--by", "dana") == 2
    assert decide(month) == 1
    monkeypatch.setenv("TRUEUP_TOKEN", "trueup_of_nobody")
    assert decide(month) == 1
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["dana"])
    assert decide(month) == 0
    [approval] = month.every_change()["1"]["approvals"]
    assert (approval["by"], approval["asserted"]) == ("dana", False)


def test_a_reviewer_manages_nobody_and_an_admin_does(
    month: Desk, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["dana"])
    assert month.say("users", "remove", "erin").code == 1
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["erin"])
    fresh = month.say("users", "token", "dana", "--json").json["token"]
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["dana"])
    assert decide(month) == 1
    monkeypatch.setenv("TRUEUP_TOKEN", fresh)
    assert decide(month) == 0
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["erin"])
    assert month.say("users", "remove", "dana").code == 0
    monkeypatch.setenv("TRUEUP_TOKEN", fresh)
    assert month.say("revoke", *month.names("1")).code == 1
    assert month.say("users", "add", "dana").code != 0


def test_a_token_is_kept_nowhere(month: Desk, tokens: dict[str, str]) -> None:
    kept = [file.read_bytes() for file in Path(month.root).rglob("*") if file.is_file()]
    exported = month.say("audit", "export").out.encode()
    for token in tokens.values():
        assert not any(token.encode() in content for content in [*kept, exported])


def test_the_psas_credentials_are_kept_nowhere(month: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    canaries = {name: f"canary-{name.lower()}-1f9c" for name in ("PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID")}
    for name, value in canaries.items():
        monkeypatch.setenv(f"TRUEUP_PSA_{name}", value)
    month.approve("1")
    said = month.apply()
    assert said.json["outcomes"] == {"written": 1}
    kept = [file.read_bytes() for file in Path(month.root).rglob("*") if file.is_file()]
    shown = [said.out.encode(), said.err.encode(), month.say("audit", "export").out.encode()]
    for value in canaries.values():
        assert not any(value.encode() in content for content in [*kept, *shown])
