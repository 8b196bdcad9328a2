"""The package keeps to its own size: short files, short functions, short lists of parameters."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import lpxsched

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(lpxsched.__file__).parent
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MOST_PARAMETERS = 300, 50, 7


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield every function of the package, and where it stands."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}", node


def parameters(function: ast.FunctionDef) -> int:
    """Return how many parameters a function has."""
    listed = function.args
    return len([*listed.posonlyargs, *listed.args, *listed.kwonlyargs, *filter(None, (listed.vararg, listed.kwarg))])


def test_files_are_short() -> None:
    """Tests the lines of each file."""
    lines = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}
    assert len(lines) > 100


def test_functions_are_short() -> None:
    """Tests the lines of each function, its docstring included."""
    lines = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FUNCTION} == {}


def test_lists_of_parameters_are_short() -> None:
    """Tests how many parameters each function has."""
    counts = {name: parameters(node) for name, node in functions()}
    assert {name: count for name, count in counts.items() if count > MOST_PARAMETERS} == {}


def test_no_name_of_the_engine_stands_twice() -> None:
    """Tests that each public function or class of ``schedule`` is the only one of its name."""
    files: dict[str, list[str]] = {}
    for path in sorted((PACKAGE / "schedule").rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                files.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert {name: paths for name, paths in files.items() if len(paths) > 1} == {}
    assert len(files) > 100


# Words that had several meanings once.
ONE_MEANING = ("Held", "Moves", "Outcome", "Program", "Wires", "quantile")


def test_a_word_has_one_meaning() -> None:
    """Tests that each of some words is the name of one class or function at most."""
    found: dict[str, list[str]] = {word: [] for word in ONE_MEANING}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in found:
                found[node.name].append(str(path.relative_to(PACKAGE)))
    assert {word: paths for word, paths in found.items() if len(paths) > 1} == {}
