"""Compiled functions name only what stands in their own module: a cache of compiled code knows of no other."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from numba import njit
from numba.core.dispatcher import Dispatcher

import lpxsched
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator


def modules() -> Iterator[ModuleType]:
    """Yield all modules of the package."""
    for found in pkgutil.walk_packages(lpxsched.__path__, "lpxsched."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def compiled_functions(module: ModuleType) -> Iterator[Dispatcher]:
    """Yield the compiled functions that a module defines."""
    for value in vars(module).values():
        if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__:
            yield value


def names_in(code: CodeType) -> set[str]:
    """Return the names that a function, and what is defined in it, look up outside it."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def imported_names(module: ModuleType) -> set[str]:
    """Return the names that a module has from others of the package; constants do not tell where they are from."""
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if (node.module or "").split(".")[0] == lpxsched.__name__]
    return {alias.asname or alias.name for node in ours for alias in node.names}


def foreign_names(module: ModuleType, function: Dispatcher) -> set[str]:
    """Return what a compiled function of a module names that the module has from another."""
    return names_in(function.py_func.__code__) & imported_names(module)


@njit
def late() -> int:
    """Return a constant of another module."""
    return NEVER


def test_a_name_from_another_module_is_found() -> None:
    """Tests a function that would keep the old value after a change of the constant."""
    assert foreign_names(sys.modules[__name__], late) == {"NEVER"}


def test_compiled_functions_name_only_their_own_module() -> None:
    """Tests all compiled functions of the package."""
    found = [(module, function) for module in modules() for function in compiled_functions(module)]
    assert len(found) > 40
    foreign = {(module.__name__, function.__name__): foreign_names(module, function) for module, function in found}
    assert {where: names for where, names in foreign.items() if names} == {}
