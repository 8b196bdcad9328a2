"""Compiled kernels, and a cache of them that knows what else they are made of.

numba keeps compiled code under the name of its function, beside a digest of the file in which that stands. What is
compiled into it from other modules (kernels that it calls, constants, the order of the fields of its arguments) it does
not know. So a digest of all that the module has from others becomes part of the name.
"""

from __future__ import annotations

import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., object]")
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Hexadecimal digits of a digest in the name of a function.
DIGITS = 16
CONSTANTS = (bool, int, float, str, tuple, np.generic)


def kernel(*, makes_arrays: bool = False) -> Callable[[Function], Function]:
    """Return a decorator that compiles a function at its first call, and keeps the code for later processes.

    Names that a kernel has from other modules are imported above all kernels of its module, those of its annotations
    included.

    Parameters
    ----------
    makes_arrays : bool
        Whether the function, or one that it calls, makes arrays. Others are compiled without counts of references to
        arrays, which take most of the time of short functions.
    """

    def compiled(function: Function) -> Function:
        function.__qualname__ = f"{function.__qualname__}_{_surroundings(function.__module__)}"
        options: dict[str, Any] = {"cache": True, "_nrt": makes_arrays}
        made: Function = njit(**options)(function)
        return made

    return compiled


@cache
def _surroundings(module: str) -> str:
    """Return the digest of what the kernels of a module are made of, beside its own source.

    It is found once, at the first kernel: what follows in the module is in the digest of its file.
    """
    names = sorted(vars(sys.modules[module]).items())
    parts = [f"{name} {_content(value)}" for name, value in names if not name.startswith("__")]
    return sha256("\n".join(parts).encode()).hexdigest()[:DIGITS]


def _content(value: object) -> str:
    """Return what a kernel takes from a value that it names; empty for what cannot be compiled into it."""
    if isinstance(value, Dispatcher):
        module = value.py_func.__module__
        return f"{_source(module)} {_surroundings(module)}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str} {value.shape} {value.tobytes().hex()}"
    if isinstance(value, type) and hasattr(value, "_fields"):
        return repr(value.__annotations__)
    return repr(value) if isinstance(value, CONSTANTS) else ""


@cache
def _source(module: str) -> str:
    return sha256(Path(str(sys.modules[module].__file__)).read_bytes()).hexdigest()
