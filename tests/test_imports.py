"""Modules import each other in one direction only."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lpxsched

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(*lpxsched.__path__)


def module_name(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports when it is loaded or looked at by a type checker, not within its functions."""
    for node in tree.body:
        for part in [node, *(node.body if isinstance(node, ast.If) else [])]:
            if isinstance(part, ast.ImportFrom) and part.module:
                yield part.module
                yield from (f"{part.module}.{alias.name}" for alias in part.names)
            elif isinstance(part, ast.Import):
                yield from (alias.name for alias in part.names)


def import_circle(sources: dict[str, str]) -> list[str]:
    """Return modules that import each other in a circle; none where there is no circle."""
    imports = {
        name: set(imported_modules(ast.parse(source))) & sources.keys() - {name} for name, source in sources.items()
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Tests all imports of the package that stand outside of functions, those for type checkers included."""
    assert import_circle({module_name(path): path.read_text() for path in sorted(ROOT.rglob("*.py"))}) == []


@pytest.mark.parametrize(
    "second",
    ["import a", "from a import x", "if TYPE_CHECKING:\n    from a import x", "from a import b as c"],
)
def test_a_circle_is_found(second: str) -> None:
    """Tests that each way to import counts; one within a function does not."""
    assert set(import_circle({"a": "from b import y", "b": second})) == {"a", "b"}
    assert import_circle({"a": "from b import y", "b": "def f():\n    import a"}) == []
