"""The papers keep step with the code: what exists is explained, examples work, links lead somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import yaml
from typer.main import get_command

from pipelines.findings import FindingKind
from pipelines.intake.profile import load_profile
from pipelines.intake.shipped import shipped_profiles
from resources.settings import PSA_KINDS, SETTINGS, Setting
from tests.house.tree import ROOT, modules
from trueup.cli.main import app
from trueup.sandbox.psa.faults import faults_from
from trueup.sandbox.psa.seed import seed_from

DOCS = ROOT / "docs"
PAPERS = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def paper(name: str) -> str:
    """The text of a paper under ``docs``."""
    return (DOCS / name).read_text(encoding="utf-8")


def headings(text: str) -> set[str]:
    """All headings of a paper, of any level; lines of examples are none."""
    return set(re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE))


def anchor(heading: str) -> str:
    """What a link calls a heading: small letters, blanks as hyphens, other marks left out."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    return re.split(rf"^#+ {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)[1].partition("\n#")[0]


def commands(group: typer.core.TyperGroup, name: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command that does something, with the words it is called by."""
    for word, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from commands(command, f"{name} {word}")
        elif isinstance(command, typer.core.TyperCommand):
            yield f"{name} {word}", command


def all_commands() -> dict[str, typer.core.TyperCommand]:
    """The command line, by the words of each command."""
    front = get_command(app)
    assert isinstance(front, typer.core.TyperGroup)
    return dict(commands(front, "trueup"))


def check_names() -> list[str]:
    """The names of asset checks, read from the source: importing Dagster would cost seconds."""
    return [
        str(call.args[0].value)
        for module in modules("assets")
        for call in ast.walk(module.tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("AssetCheckSpec")
        if call.args and isinstance(call.args[0], ast.Constant)
    ]


def number_of_check_specs() -> int:
    """How many asset checks the source declares, whatever their names are written like."""
    source = "".join(module.text for module in modules("assets"))
    return source.count("AssetCheckSpec(")


def links() -> list[tuple[Path, str]]:
    """Every link of a paper that stays in the repository."""
    found = []
    for path in PAPERS:
        for target in LINK.findall(FENCED.sub("", path.read_text(encoding="utf-8"))):
            if "://" not in target and not target.startswith("mailto:"):
                found.append((path, target))
    return found


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_has_a_row_in_the_settings(setting: Setting) -> None:
    assert f"\n| `{setting.key}` |" in paper("settings.md")


@pytest.mark.parametrize("name", all_commands())
def test_every_command_has_a_heading_with_an_example_under_it(name: str) -> None:
    text = paper("commands.md")
    assert name in headings(text)
    assert f"```console\n$ {name}" in section(text, name)


@pytest.mark.parametrize(("name", "command"), all_commands().items(), ids=all_commands())
def test_every_option_is_named_under_its_command(name: str, command: typer.core.TyperCommand) -> None:
    told = section(paper("commands.md"), name)
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert [option for option in options if f"`{option}`" not in told] == []


def test_no_command_is_described_that_does_not_exist() -> None:
    described = {heading for heading in headings(paper("commands.md")) if heading.startswith("trueup ")}
    groups = {name.rpartition(" ")[0] for name in all_commands()}
    assert described - set(all_commands()) - groups == set()


def test_the_runbook_knows_every_asset_check() -> None:
    names = check_names()
    assert len(names) == number_of_check_specs() > 0
    assert set(names) - headings(paper("runbook.md")) == set()


def test_the_runbook_knows_every_kind_of_finding() -> None:
    assert {str(kind) for kind in FindingKind} - headings(paper("runbook.md")) == set()


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_has_a_page_with_an_example_of_its_rows(name: str) -> None:
    text = paper(f"profiles/{name}.md")
    assert text.startswith(f"# {name}\n")
    assert "## Before and after" in text
    assert f"(profiles/{name}.md)" in paper("profiles.md")


@pytest.mark.parametrize("kind", PSA_KINDS)
def test_every_psa_has_a_page_that_says_what_is_unverified(kind: str) -> None:
    assert "unverified" in paper(f"psa/{kind}.md")


def test_every_complete_profile_in_the_papers_loads() -> None:
    examples = re.findall(r"^```yaml profile\n(.*?)^```", paper("profiles.md"), re.MULTILINE | re.DOTALL)
    assert examples
    assert all(load_profile(example).version for example in examples)


def test_the_seed_and_the_faults_in_the_papers_can_be_served() -> None:
    seed, faults = re.findall(r"^```yaml\n(.*?)^```", paper("sandbox.md"), re.MULTILINE | re.DOTALL)
    assert seed_from(yaml.safe_load(seed), "paper").lines
    assert faults_from(yaml.safe_load(faults), "paper").rules


@pytest.mark.parametrize(("path", "target"), links(), ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_to_a_file_and_a_heading_that_exist(path: Path, target: str) -> None:
    file, _, place = target.partition("#")
    found = (path.parent / file).resolve() if file else path
    assert found.exists(), f"{path.relative_to(ROOT)} links to {target}, which does not exist"
    if place:
        assert place in {anchor(heading) for heading in headings(found.read_text(encoding="utf-8"))}
