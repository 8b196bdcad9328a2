"""Machine code of kernels: made by numba, kept in files, loaded by LLVM.

A file begins with a line that says what the code was made of and how it is called; the object file follows. Files are
kept where numba keeps its own: in the folder that ``NUMBA_CACHE_DIR`` names, else in ``__pycache__`` beside the module,
or in a folder of the user where that cannot be written.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import struct
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What a function of numba returns beside its result: nothing is wrong, or the result is None.
FINE = (0, -2)
# Room for any result: so many numbers of at most 64 bits.
MOST_RESULTS = 8
Room = ctypes.c_int64 * MOST_RESULTS
# What code is called by: a function that takes the words from one buffer. To hand them over one by one takes longer
# than many a kernel runs: of 120 words 21 us, not 1.5.
ENTRY = "lpxsched_entry"
# Of struct, for what words are.
WORDS = {bool: "q", int: "q", float: "d"}
# Of struct, for what a kernel may return.
FORMATS = {"int64": "q", "int32": "i", "uint64": "Q", "uint8": "B", "bool": "?", "float64": "d", "none": ""}
# How kernels within kernels are compiled. Some take 200 words, and to hand these over at each call took a quarter of
# the time of a search. No counts of references.
INNER = {"forceinline": True, "_nrt": False}


class Description(ctypes.Structure):
    """How numba describes an exception: where the pickled class and arguments begin, and how long they are."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_int32))


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """Machine code that can be called.

    Attributes
    ----------
    function : callable
        The entry: addresses of the result, of an error and of the words of the arguments.
    words : struct.Struct
        Of the arguments.
    result_format : str
        Of the result, as struct has it.
    engine : object
        Owns the code.
    """

    function: Any
    words: struct.Struct
    result_format: str
    engine: Any

    def call(self, words: Sequence[Any]) -> Any:
        """Return the result for the words of arguments, or raise what the kernel raises."""
        result, error = Room(), ctypes.c_void_p()
        status = self.function(ctypes.byref(result), ctypes.byref(error), self.words.pack(*words))
        if status not in FINE:
            raise _raised(error)
        found = struct.unpack_from(self.result_format, result)
        return found if len(found) > 1 else found[0] if found else None


def _raised(error: ctypes.c_void_p) -> Exception:
    """Return the exception that a kernel leaves."""
    described = ctypes.cast(error, ctypes.POINTER(Description)).contents
    kind, arguments, _ = pickle.loads(ctypes.string_at(described.data, described.size))
    exception: Exception = kind(*(arguments or ()))
    return exception


def find(
    function: Callable[..., object], stamp: str, kinds: str, arguments: Sequence[Any], words: Sequence[Any]
) -> Code:
    """Return the machine code of a function for arguments of some types: that which was kept, or new code.

    Parameters
    ----------
    function : callable
    stamp : str
        Of all that the code is made of.
    kinds : str
        Types of the arguments.
    arguments, words : sequence
        Such arguments, and the words that stand for them.
    """
    name = f"{function.__module__}.{function.__name__}-{sha256(kinds.encode()).hexdigest()[:16]}.kernel"
    folders = _folders(function)
    full_stamp = f"{stamp} {_maker()}"
    kept = _kept(folders, name, full_stamp)
    if kept is None:
        result_format, code = _made(function, arguments, words)
        word_formats = "".join(WORDS[type(word)] for word in words)
        header = {"stamp": full_stamp, "words": word_formats, "result": result_format}
        header["digest"] = _digest(word_formats, result_format, code)
        _keep(folders, name, json.dumps(header).encode() + b"\n" + code)
        kept = word_formats, result_format, code
    return _loaded(*kept)


def _folders(function: Callable[..., object]) -> list[Path]:
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return [Path(chosen)]
    beside = Path(str(sys.modules[function.__module__].__file__)).parent / "__pycache__"
    return [beside, Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lpxsched"]


@cache
def _maker() -> str:
    """Return which compiler makes code, how, and for which machine."""
    import llvmlite.binding as llvm

    machine = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    return f"numba {version('numba')} llvmlite {version('llvmlite')} {INNER} {machine}"


def _kept(folders: Sequence[Path], name: str, stamp: str) -> tuple[str, str, bytes] | None:
    """Return the formats of words and results and the code that were kept; None where they are not, or not fresh."""
    for folder in folders:
        try:
            line, _, code = (folder / name).read_bytes().partition(b"\n")
            header = json.loads(line)
            kept = header["words"], header["result"], code
            if header["stamp"] == stamp and header["digest"] == _digest(*kept):
                return kept
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def _digest(word_formats: str, result_format: str, code: bytes) -> str:
    """Return the digest of code and of how it is called."""
    return sha256(json.dumps([word_formats, result_format]).encode() + code).hexdigest()


def _keep(folders: Sequence[Path], name: str, content: bytes) -> None:
    """Write a file in the first folder that lets us; without any the code is made anew by each process."""
    for folder in folders:
        part = folder / f"{name}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(folder / name)
        except OSError:
            continue
        return


def _made(function: Callable[..., object], arguments: Sequence[Any], words: Sequence[Any]) -> tuple[str, bytes]:
    """Return the format of the results of new machine code, and the code with its entry."""
    import llvmlite.binding as llvm

    numba = _numba()
    compiler, registry = import_module("numba.core.compiler"), import_module("numba.core.registry").cpu_target
    typing, target = registry.typing_context, registry.target_context
    typing.refresh()
    target.refresh()
    flags = compiler.Flags()
    # No counts of references, no object in this process, and nothing that Python's own calls need.
    flags.nrt, flags.no_compile, flags.no_cpython_wrapper, flags.no_cfunc_wrapper = False, True, True, True
    kinds = tuple(numba.typeof(_plain(argument)) for argument in arguments)
    with import_module("numba.core.compiler_lock").global_compiler_lock:
        compiled = compiler.compile_extra(typing, target, function, kinds, None, flags, {})
        compiled.library.finalize()
        module = llvm.parse_bitcode(compiled.library._final_module.as_bitcode())
        module.link_in(llvm.parse_assembly(_entry(compiled.fndesc.llvm_func_name, words)))
        code: bytes = target.codegen()._tm.emit_object(module)
    returned = numba.types.unliteral(compiled.signature.return_type)
    parts = list(returned) if isinstance(returned, numba.types.BaseTuple) else [returned]
    return _result_format(function.__name__, [str(part) for part in parts]), code


def _result_format(name: str, parts: Sequence[str]) -> str:
    """Return the format of what a kernel returns, by types of numba; refuse what there is no room for."""
    if len(parts) > MOST_RESULTS or not FORMATS.keys() >= set(parts):
        raise TypeError(f"kernel {name} returns {', '.join(parts)}, not {MOST_RESULTS} numbers at most")
    return "".join(FORMATS[part] for part in parts)


def _entry(symbol: str, words: Sequence[Any]) -> str:
    """Return the source of the entry, which calls a function by numba's convention: each word an argument."""
    from llvmlite import ir

    status, word = ir.IntType(32), ir.IntType(64)
    types = {bool: ir.IntType(8), int: word, float: ir.DoubleType()}
    address = ir.PointerType(ir.IntType(8))
    module = ir.Module()
    called = ir.FunctionType(status, [address, address, *(types[type(each)] for each in words)])
    inner = ir.Function(module, called, symbol)
    entry = ir.Function(module, ir.FunctionType(status, [address, address, ir.PointerType(word)]), ENTRY)
    builder = ir.IRBuilder(entry.append_basic_block())
    result, error, buffer = entry.args
    loaded = []
    for place, each in enumerate(words):
        value = builder.load(builder.gep(buffer, [ir.Constant(word, place)]))
        if isinstance(each, bool):
            value = builder.trunc(value, types[bool])
        loaded.append(builder.bitcast(value, types[float]) if isinstance(each, float) else value)
    builder.ret(builder.call(inner, [result, error, *loaded]))
    return str(module)


@cache
def _numba() -> Any:
    """Return numba, which then sees kernels as its own functions and compiles them into those that call them."""
    from lpxsched.compiled.kernels import Kernel

    numba: Any = import_module("numba")
    if numba.config.DISABLE_JIT:
        raise InputError("NUMBA_DISABLE_JIT", "without numba's compiler there is no machine code; unset it")
    inner = cache(lambda function: numba.njit(**INNER)(function))
    numba.extending.typeof_impl.register(Kernel)(lambda kernel, _: numba.types.Dispatcher(inner(kernel.function)))
    return numba


def _plain(argument: Any) -> Any:
    """Return an argument with numbers of the widest type, as words have them."""
    if isinstance(argument, tuple):
        return type(argument)(*map(_plain, argument))
    if isinstance(argument, np.generic) and not isinstance(argument, np.uint64):
        return argument.item()
    return argument


@cache
def _machine() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _loaded(word_formats: str, result_format: str, code: bytes) -> Code:
    """Return code that can be called."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine().create_target_machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    signature = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
    return Code(signature(engine.get_function_address(ENTRY)), struct.Struct(word_formats), result_format, engine)
