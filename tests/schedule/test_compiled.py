"""Compiled kernels: their cache knows of whatever they have from other modules."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import lpxsched
from lpxsched.schedule.compiled import CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Three modules, each compiled into the next; the last tells what its kernel returns, and how often it was kept code.
INNERMOST = """
from lpxsched.schedule.compiled import kernel

@kernel()
def innermost() -> int:
    return 10
"""
INNER = """
from typing import NamedTuple

import innermost
from innermost import innermost as called
from lpxsched.schedule.compiled import kernel

CONSTANT = 1

class Pair(NamedTuple):
    first: int
    second: int

@kernel()
def inner() -> int:
    return called()
"""
OUTER = """
from inner import CONSTANT, Pair, inner
from lpxsched.schedule.compiled import kernel

@kernel()
def outer(pair: Pair) -> int:
    return inner() + CONSTANT + 1000 * pair.first

print(outer(Pair(first=1, second=2)), sum(outer.stats.cache_hits.values()))
"""


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """Write the three modules."""
    for name, source in (("innermost", INNERMOST), ("inner", INNER), ("outer", OUTER)):
        (tmp_path / f"{name}.py").write_text(source)
    return tmp_path / "outer.py"


def run(outer: Path) -> list[int]:
    """Return what the outer kernel returns in a process of its own, and whether its code was kept from before."""
    output = subprocess.run([sys.executable, str(outer)], capture_output=True, text=True, check=True).stdout
    return [int(word) for word in output.split()]


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        # 10 + 1 + 1000 x 1.
        ("outer", "", "", [1011, 1]),
        ("innermost", "return 10", "return 20", [1021, 0]),
        ("inner", "return called()", "return called() + 1", [1012, 0]),
        ("inner", "CONSTANT = 1", "CONSTANT = 2", [1012, 0]),
        # The types of the fields stay as they are, but the first is another now.
        ("inner", "first: int\n    second: int", "second: int\n    first: int", [1011, 0]),
    ],
)
def test_a_change_of_another_module_gives_fresh_code(
    outer: Path, module: str, old: str, new: str, expected: list[int]
) -> None:
    """Tests changes of what a kernel calls, calls by way of another, names and is given, and no change."""
    assert run(outer) == [1011, 0]
    changed = outer.with_stem(module)
    changed.write_text(changed.read_text().replace(old, new))
    assert run(outer) == expected


def kernels() -> Iterator[tuple[ModuleType, Dispatcher]]:
    """Yield all compiled functions of the package, with the modules that define them."""
    for found in pkgutil.walk_packages(lpxsched.__path__, "lpxsched."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__:
                yield module, value


def names_in(code: CodeType) -> set[str]:
    """Return the names that a function, and what is defined in it, look up outside it, those of attributes too."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def is_known(value: object) -> bool:
    """Return whether the digest in the name of a kernel knows a value, or the kernel can take nothing from it."""
    if isinstance(value, (Dispatcher, np.ndarray, *CONSTANTS)) or value is np:
        return True
    return inspect.isclass(value) and (issubclass(value, tuple) or value.__module__ == "builtins")


def test_all_names_of_kernels_are_known() -> None:
    """Tests that kernels name nothing that may change without their knowing, and that they come after all imports."""
    found = list(kernels())
    assert len(found) > 60
    unknown = {
        (module.__name__, function.__name__, name)
        for module, function in found
        for name in names_in(function.py_func.__code__) & vars(module).keys()
        if not is_known(vars(module)[name])
    }
    assert unknown == set()


def test_all_arguments_of_kernels_are_known() -> None:
    """Tests that the named tuples that a kernel is given are names of its module, and have no others in them."""
    for module, function in kernels():
        for hint in typing.get_type_hints(function.py_func).values():
            if inspect.isclass(hint) and hasattr(hint, "_fields"):
                assert any(hint is value for value in vars(module).values())
                fields = vars(sys.modules[hint.__module__])
                kinds = [fields.get(kind) for kind in map(_spelled, hint.__annotations__.values())]
                assert not any(hasattr(kind, "_fields") for kind in kinds)


def _spelled(kind: object) -> str:
    return str(getattr(kind, "__forward_arg__", kind))


def test_all_kernels_have_the_digest_in_their_name() -> None:
    """Tests that no compiled function goes without the decorator."""
    assert all(function.py_func.__qualname__ != function.py_func.__name__ for _, function in kernels())
