"""Modules say what belongs in them, functions are documented and short."""

import ast
import statistics
from collections.abc import Iterator

from tests.house.tree import Module, functions, modules

LONGEST = 60
MEDIAN = 10


def missing_charter(module: Module) -> bool:
    """Whether a module does not say what belongs in it and what does not."""
    charter = ast.get_docstring(module.tree) or ""
    return "Belongs here:" not in charter or "Does not belong here:" not in charter


def undocumented(tree: ast.Module | ast.ClassDef, inside: str = "") -> Iterator[str]:
    """Public functions, classes and methods without a docstring. What stands inside a private one is private."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield inside + node.name
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node, f"{inside}{node.name}.")


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_every_module_says_what_belongs_in_it_and_what_does_not() -> None:
    assert [module.path for module in modules() if missing_charter(module)] == []


def test_everything_public_is_documented() -> None:
    assert [f"{module.path}: {name}" for module in modules() for name in undocumented(module.tree)] == []


def test_no_function_is_longer_than_a_screen() -> None:
    assert [
        f"{module.path}: {function.name} has {length(function)} lines"
        for module in modules()
        for function in functions(module.tree)
        if length(function) > LONGEST
    ] == []


def test_most_functions_are_a_few_lines() -> None:
    lengths = [length(function) for module in modules() for function in functions(module.tree)]
    assert statistics.median(lengths) <= MEDIAN


def test_the_search_for_undocumented_things_finds_them() -> None:
    tree = ast.parse("class A:\n  def b(self): ...\n  def _c(self): ...\ndef d(): ...\nclass _E:\n  def f(self): ...\n")
    assert list(undocumented(tree)) == ["A", "A.b", "d"]
