"""Compiled kernels: their machine code is kept, and made anew when anything that it was made of has changed."""

from __future__ import annotations

import importlib
import inspect
import math
import os
import pkgutil
import subprocess
import sys
import typing
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import lpxsched
from lpxsched.compiled.kernels import CONSTANTS, Kernel
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARRAYS_AND_NUMBERS = {"Integers", "Floats", "Flags", "NDArray", "int", "bool", "float"}
# Three modules, each compiled into the next; the last tells what its kernel returns, and whether numba was needed.
INNERMOST = """
from lpxsched.compiled.kernels import kernel

@kernel
def innermost() -> int:
    return 10
"""
INNER = """
from typing import NamedTuple

import innermost
from innermost import innermost as called
from lpxsched.compiled.kernels import kernel

CONSTANT = 1

class Pair(NamedTuple):
    first: int
    second: int

class Nested(NamedTuple):
    pair: Pair

NESTED = Nested(Pair(first=1, second=2))

@kernel
def inner() -> int:
    return called()
"""
OUTER = """
import sys

from inner import CONSTANT, NESTED, Nested, inner
from lpxsched.compiled.kernels import kernel

@kernel
def outer(nested: Nested) -> int:
    return inner() + CONSTANT + 1000 * nested.pair.first

print(outer(NESTED), "numba" in sys.modules)
"""


@pytest.fixture
def outer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the three modules, of which the code is kept beside them."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for name, source in (("innermost", INNERMOST), ("inner", INNER), ("outer", OUTER)):
        (tmp_path / f"{name}.py").write_text(source)
    return tmp_path / "outer.py"


def run(outer: Path) -> str:
    """Return what the outer kernel returns in a process of its own, and whether its code was made there."""
    output = subprocess.run([sys.executable, str(outer)], capture_output=True, text=True, check=True).stdout
    return output.strip()


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        # 10 + 1 + 1000 x 1.
        ("outer", "", "", "1011 False"),
        ("innermost", "return 10", "return 20", "1021 True"),
        ("inner", "return called()", "return called() + 1", "1012 True"),
        ("inner", "CONSTANT = 1", "CONSTANT = 2", "1012 True"),
        # The types of the fields stay as they are, but the first is another now.
        ("inner", "first: int\n    second: int", "second: int\n    first: int", "1011 True"),
        ("outer", "1000 * nested", "2000 * nested", "2011 True"),
    ],
)
def test_a_change_gives_fresh_code(outer: Path, module: str, old: str, new: str, expected: str) -> None:
    """Tests changes of what a kernel calls, calls by way of another, names, is given and is, and no change."""
    assert run(outer) == "1011 True"
    changed = outer.with_stem(module)
    changed.write_text(changed.read_text().replace(old, new))
    # Python itself tells sources of one length apart by whole seconds.
    os.utime(changed, (0, 0))
    assert run(outer) == expected
    assert len(list(outer.parent.glob("__pycache__/*.kernel"))) == 1


def test_damaged_code_is_made_anew(outer: Path) -> None:
    """Tests a file of which the last byte is lost, others of another kind, and one that is called in another way."""
    run(outer)
    (kept,) = outer.parent.glob("__pycache__/*.kernel")
    content = kept.read_bytes()
    called = content.replace(b'"result": "q"', b'"result": "i"')
    assert called != content
    for damaged in (content[:-1], b"", b"[]\n", b"[" * 200_000, called):
        kept.write_bytes(damaged)
        assert run(outer) == "1011 True"
        assert kept.read_bytes() == content


def test_code_is_kept_elsewhere_where_modules_cannot_be_written(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a file in the place of the folder beside the module, and then in the place of all folders."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(outer.parent / "cache"))
    (outer.parent / "__pycache__").write_text("")
    assert [run(outer), run(outer)] == ["1011 True", "1011 False"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(outer))
    assert [run(outer), run(outer)] == ["1011 True", "1011 True"]


def test_code_that_is_kept_needs_no_compiler(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a program that may not compile, before and after another has kept the code."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    with pytest.raises(subprocess.CalledProcessError):
        run(outer)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    assert run(outer) == "1011 True"
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert run(outer) == "1011 False"


def test_the_program_says_that_it_may_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests a collective while no code is kept and numba is told to compile nothing."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    program = [sys.executable, "-c", "from lpxsched.cli.entry import main; main()"]
    done = subprocess.run([*program, "collective", "all-gather", "torus-4x4"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (ExitCode.BAD_INPUT, "")
    assert done.stderr == "NUMBA_DISABLE_JIT: without numba's compiler there is no machine code; unset it\n"


def kernels() -> Iterator[tuple[ModuleType, Kernel]]:
    """Yield all kernels of the package, with the modules that define them."""
    for found in pkgutil.walk_packages(lpxsched.__path__, "lpxsched."):
        if found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, Kernel) and value.function.__module__ == module.__name__:
                yield module, value


def names_in(code: CodeType) -> set[str]:
    """Return the names that a function, and what is defined in it, look up outside it, those of attributes too."""
    inner = [names_in(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def is_known(value: object) -> bool:
    """Return whether the stamp of a kernel knows a value, or the kernel can take nothing from it."""
    if isinstance(value, (Kernel, np.ndarray, *CONSTANTS)) or value is np or value is math:
        return True
    return inspect.isclass(value) and (issubclass(value, tuple) or value.__module__ == "builtins")


def test_all_names_of_kernels_are_known() -> None:
    """Tests that kernels name nothing that may change without their knowing."""
    found = list(kernels())
    assert len(found) > 60
    unknown = {
        (module.__name__, kernel.function.__name__, name)
        for module, kernel in found
        for name in names_in(kernel.function.__code__) & vars(module).keys()
        if not is_known(vars(module)[name])
    }
    assert unknown == set()


def test_all_arguments_of_kernels_are_known() -> None:
    """Tests that the named tuples that a kernel is given are names of its module, and those in them of theirs."""
    for module, kernel in kernels():
        for hint in typing.get_type_hints(kernel.function).values():
            if inspect.isclass(hint) and hasattr(hint, "_fields"):
                assert any(hint is value for value in vars(module).values())
                assert are_named(hint)


def are_named(kind: Any) -> bool:
    """Return whether what is in a named tuple are arrays, numbers, and tuples that are names of its module."""
    names = vars(sys.modules[kind.__module__])
    spelled = [str(getattr(field, "__forward_arg__", field)) for field in kind.__annotations__.values()]
    tuples = [names[name] for name in spelled if hasattr(names.get(name), "_fields")]
    others = {name.partition("[")[0] for name in spelled if not hasattr(names.get(name), "_fields")}
    return others <= ARRAYS_AND_NUMBERS and all(map(are_named, tuples))
