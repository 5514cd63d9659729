"""The source tree as the house's tests see it: modules with their syntax, functions with their names."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("pipelines", "resources", "assets", "sensors", "trueup")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file: its path from the root, its text and its syntax."""

    path: str
    text: str
    tree: ast.Module

    @classmethod
    def of(cls, path: Path) -> "Module":
        """The module of a file."""
        text = path.read_text(encoding="utf-8")
        return cls(path.relative_to(ROOT).as_posix(), text, ast.parse(text, path.name))


@cache
def modules(*rooms: str) -> tuple[Module, ...]:
    """All modules of these rooms, or of all rooms."""
    return tuple(Module.of(path) for room in rooms or ROOMS for path in sorted((ROOT / room).rglob("*.py")))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(tree: ast.AST) -> Iterator[str]:
    """The dotted name of everything imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git keeps; in a tree without git, every file outside the folders that tools make."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts[1:])]
    return tuple(path for path in found if path.is_file())


def tracked_text() -> Iterator[tuple[str, str]]:
    """Path and text of every tracked file that is UTF-8 text."""
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8", errors="replace")
