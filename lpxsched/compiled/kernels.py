"""Compiled kernels: functions that run as machine code, which numba makes once and later processes load without it.

To import numba and to load its own cache takes longer than to solve a small problem. So the machine code of a kernel is
kept beside what it was made of: the source of its module and, for all that this has from other modules, the source of
the kernels and of what they have from others in turn, the value of constants, the fields of named tuples.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache, update_wrapper
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from lpxsched.compiled import machine_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.machine_code import Code

Function = TypeVar("Function", bound="Callable[..., object]")
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Of threads that call a kernel for the first time one makes its machine code.
_FINDING = Lock()
# Flags of an array.
C_CONTIGUOUS, F_CONTIGUOUS, WRITEABLE = 0x1, 0x2, 0x400
# Where an array keeps the address of its data, as all code compiled for numpy reads it: the field after the head of an
# object. To ask the array for it takes seven times as long, longer than many a kernel runs.
DATA = object.__basicsize__
CONSTANTS = (bool, int, float, str, tuple, np.generic)
# Types of numbers, and what annotations call them.
FLAGS, WHOLE, REAL = (bool, np.bool_), (int, np.integer), (float, np.floating)
NUMBERS = {"bool": FLAGS, "int": WHOLE, "float": (*REAL, *WHOLE), "np.uint64": (np.uint64,)}


def kernel(function: Function) -> Function:
    """Run a function as machine code, made at its first call for arguments of some types.

    Arguments are numbers, arrays and named tuples of these, results are numbers; arrays are not made. Names that a
    kernel has from other modules are imported above all kernels of its module, those of its annotations included.
    """
    return cast("Function", Kernel(function))


class Kernel:
    """A function and its machine code by types of arguments.

    Attributes
    ----------
    function : callable
        In plain Python.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self._codes: dict[str, Code] = {}
        update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns, or raise what it raises."""
        kinds: list[str] = []
        words: list[Any] = []
        _flatten(arguments, kinds, words)
        key = " ".join(kinds)
        if key not in self._codes:
            with _FINDING:
                if key not in self._codes:
                    self._check(arguments)
                    self._codes[key] = machine_code.find(self.function, self.stamp(), key, arguments, words)
        return self._codes[key].call(words)

    def _check(self, arguments: tuple[Any, ...]) -> None:
        """Refuse arguments that are not those of the function; of types that came before they need no other look."""
        code = self.function.__code__
        names = code.co_varnames[: code.co_argcount]
        if len(arguments) != len(names):
            raise TypeError(f"kernel {self.function.__name__} takes {len(names)} arguments, not {len(arguments)}")
        for name, argument in zip(names, arguments, strict=True):
            _check(name, self.function.__annotations__[name], argument)

    def stamp(self) -> str:
        """Return a digest of all that the machine code is made of, apart from the types of arguments."""
        module = self.function.__module__
        return f"{_source(module)} {_surroundings(module)}"


def _flatten(arguments: tuple[Any, ...], kinds: list[str], words: list[Any]) -> None:
    """Append the types and the words of arguments, in the form in which numba's functions take them."""
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            kinds.append(_kind(argument.dtype, argument.ndim, argument.flags.num))
            # No owner, no parent: kernels count no references.
            address = ctypes.c_void_p.from_address(id(argument) + DATA).value or 0
            words += (0, 0, argument.size, argument.itemsize, address, *argument.shape, *argument.strides)
        elif isinstance(argument, tuple):
            kinds.append(f"{type(argument).__qualname__}(")
            _flatten(argument, kinds, words)
            kinds.append(")")
        elif isinstance(argument, FLAGS):
            kinds.append("?")
            words.append(bool(argument))
        elif isinstance(argument, np.uint64):
            kinds.append("Q")
            words.append(int(argument.view(np.int64)))
        elif isinstance(argument, WHOLE):
            kinds.append("q")
            words.append(int(argument))
        elif isinstance(argument, REAL):
            kinds.append("d")
            words.append(float(argument))
        else:
            raise TypeError(f"kernels take numbers, arrays and named tuples of these, not {type(argument).__name__}")


def _check(name: str, annotation: object, argument: object) -> None:
    """Refuse an argument that is of another type than its annotation says, or has such a field.

    What annotations do not spell as a number is an array or a named tuple.

    Raises
    ------
    TypeError
    """
    spelled = _spelled(annotation)
    expected, found = NUMBERS.get(spelled, (np.ndarray, tuple)), type(argument).__name__
    if (
        not isinstance(argument, expected)
        or (isinstance(argument, FLAGS) and expected is not FLAGS)
        or (isinstance(argument, tuple) and found != spelled)
    ):
        raise TypeError(f"{name} of a kernel is {spelled}, not {found}")
    if isinstance(argument, tuple):
        for (field, kind), value in zip(type(argument).__annotations__.items(), argument, strict=True):
            _check(f"{name}.{field}", kind, value)


@cache
def _kind(dtype: np.dtype[Any], dimensions: int, flags: int) -> str:
    """Return the type of an array; `flags` are those of numpy, together."""
    layout = "C" if flags & C_CONTIGUOUS else "F" if flags & F_CONTIGUOUS else "A"
    return f"{dtype.str}{dimensions}{layout}{'' if flags & WRITEABLE else 'r'}"


@cache
def _surroundings(module: str) -> str:
    """Return the digest of what the kernels of a module are made of, beside its own source."""
    names = sorted(vars(sys.modules[module]).items())
    parts = [f"{name} {_content(value, module)}" for name, value in names if not name.startswith("__")]
    return sha256("\n".join(parts).encode()).hexdigest()


def _content(value: object, module: str) -> str:
    """Return what a kernel of a module takes from a value that it names; empty for what it cannot take."""
    if isinstance(value, Kernel):
        return "" if value.function.__module__ == module else value.stamp()
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str} {value.shape} {value.tobytes().hex()}"
    if isinstance(value, type) and hasattr(value, "_fields"):
        return _fields(value)
    return repr(value) if isinstance(value, CONSTANTS) else ""


def _fields(kind: type) -> str:
    """Return names and types of the fields of a named tuple, and of those of tuples in it."""
    names = vars(sys.modules[kind.__module__])
    inner = (names.get(_spelled(field)) for field in kind.__annotations__.values())
    tuples = (one for one in inner if isinstance(one, type) and hasattr(one, "_fields"))
    return " ".join([repr(kind.__annotations__), *map(_fields, tuples)])


def _spelled(annotation: object) -> str:
    """Return an annotation as it is written."""
    return str(getattr(annotation, "__forward_arg__", getattr(annotation, "__name__", annotation)))


@cache
def _source(module: str) -> str:
    return sha256(Path(str(sys.modules[module].__file__)).read_bytes()).hexdigest()
