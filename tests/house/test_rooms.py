"""Each room uses only what it may, and nothing has a name that says nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import ROOT, Module, imported, modules

NAMELESS = {"utils", "util", "helpers", "helper", "constants", "common", "misc"}
DEFINES_DAGSTER_OBJECTS = ("assets/", "sensors/", "resources/wiring.py", "trueup/definitions.py")


def reads_environment(tree: ast.AST) -> bool:
    """Whether a module reads or changes the process environment."""
    names = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    touched = {node.attr for node in ast.walk(tree) if _is_of_os(node) and isinstance(node, ast.Attribute)}
    return bool(touched & names) or any(name in {f"os.{word}" for word in names} for name in imported(tree))


def _is_of_os(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"


def floats(tree: ast.AST) -> Iterator[str]:
    """Where a module makes or announces a float: a literal, a conversion, an annotation."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: {node.value}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield f"line {node.lineno}: float(…)"
        for annotation in _annotations(node):
            names = [part for part in ast.walk(annotation) if isinstance(part, ast.Name) and part.id == "float"]
            yield from (f"line {name.lineno}: an annotation" for name in names)


def _annotations(node: ast.AST) -> list[ast.expr]:
    found = [getattr(node, "returns", None), getattr(node, "annotation", None)]
    return [annotation for annotation in found if isinstance(annotation, ast.expr)]


def test_the_import_contracts_hold() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_only_the_settings_read_the_environment() -> None:
    readers = [module.path for module in modules() if reads_environment(module.tree)]
    assert readers == ["resources/settings.py"]


def test_resources_know_dagster_only_where_they_are_wired_and_where_its_events_are_kept() -> None:
    knowing = [
        module.path
        for module in modules("resources")
        if any(name.split(".")[0].startswith("dagster") for name in imported(module.tree))
    ]
    assert knowing == ["resources/dagster_events.py", "resources/wiring.py"]


def test_files_that_define_dagster_objects_keep_their_annotations() -> None:
    assert [
        module.path
        for module in modules()
        if module.path.startswith(DEFINES_DAGSTER_OBJECTS) and "__future__.annotations" in imported(module.tree)
    ] == []


def test_no_number_of_the_rules_is_a_float() -> None:
    assert [f"{module.path} {place}" for module in modules("pipelines") for place in floats(module.tree)] == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    paths = [Path(module.path) for module in modules()]
    assert [str(path) for path in paths if NAMELESS & {path.stem, *path.parts}] == []


def test_the_searches_find_what_they_look_for() -> None:
    assert reads_environment(ast.parse("import os\nos.environ['A']"))
    assert reads_environment(ast.parse("from os import getenv"))
    assert not reads_environment(ast.parse("from resources.settings import environ\nenviron.get('A')"))
    assert (
        len(list(floats(ast.parse("a = 1.5\nb = float('1')\nc: list[float] = []\ndef d(e: float) -> float: ...")))) == 5
    )
    assert list(floats(ast.parse("def f(x: Decimal) -> int: return isinstance(x, float)"))) == []
    assert "dagster.asset" in imported(Module("m", "", ast.parse("def f():\n  from dagster import asset")).tree)
