"""Put a folder in place in one step, never over anything that is not one of its kind."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIX = ".lpxsched"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def refuse_folder(folder: Path, what: str, is_one: Callable[[Path], bool], belongs: Callable[[str], bool]) -> None:
    """Raise an `InputError` when the target exists and is something else, or holds anything beside.

    Parameters
    ----------
    folder : Path
    what : str
        What it should be.
    is_one : callable
        Whether a folder that is not empty is one.
    belongs : callable
        Whether a file of some name belongs to one.
    """
    try:
        folder.resolve()
        problem = _foreign(folder, what, is_one, belongs)
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: a loop of links; ValueError: a NUL in the name.
        raise InputError(str(folder), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if problem:
        raise InputError(str(folder), problem)


def _foreign(folder: Path, what: str, is_one: Callable[[Path], bool], belongs: Callable[[str], bool]) -> str:
    """Return why a target must not be replaced; empty when it may be."""
    if folder.is_symlink() and not folder.exists():
        return "is a broken link; name another folder"
    if not folder.exists():
        above = next(parent for parent in folder.absolute().parents if os.path.lexists(parent))
        if above.is_dir():
            return ""
        return f"{above} is a {'file' if above.exists() else 'broken link'}; name another folder"
    if not folder.is_dir():
        return "is a file; name a folder"
    names = sorted(path.name for path in folder.iterdir())
    if names and not is_one(folder):
        return f"exists and is not {what}; name another or remove it"
    foreign = [name for name in names if not belongs(name)]
    return f"holds {foreign[0]}, which is no part of {what}; move that away or name another folder" if foreign else ""


def write_folder(folder: Path, fill: Callable[[Path], None], refuse: Callable[[Path], None]) -> None:
    """Fill a folder beside its target and put it in place in one step.

    Parameters
    ----------
    folder : Path
    fill : callable
        Writes files into a folder.
    refuse : callable
        Raises an `InputError` where the target may not be replaced.

    Raises
    ------
    InputError
        When it may not be replaced, or the disk refuses.
    """
    refuse(folder)
    target = folder.resolve()
    try:
        with _folders_above(target), _scratch_folder(target) as scratch:
            fill(scratch)
            _flush(scratch)
            # Somebody may have used the name since.
            refuse(target)
            _put_in_place(scratch, target)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written: {error.strerror or error}") from error


@contextmanager
def _folders_above(target: Path) -> Iterator[None]:
    """Make the folders above a target, and take away again those in which nothing was written."""
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()


@contextmanager
def _scratch_folder(target: Path) -> Iterator[Path]:
    """Make a locked hidden sibling; remove what killed runs left, which nobody holds a lock on any more."""
    _remove_leftovers(target)
    scratch = target.parent / f".{target.name}.{os.getpid()}{SUFFIX}"
    lock = _make_locked(scratch)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(lock)


def _remove_leftovers(target: Path) -> None:
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9]+{re.escape(SUFFIX)}")
    for path in sorted(target.parent.iterdir()):
        # Locked by a live run, removed by another meanwhile, or not ours to remove: it is left alone.
        if name.fullmatch(path.name):
            with suppress(OSError):
                _remove_unlocked(path)


def _remove_unlocked(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_of(lock, folder):
            shutil.rmtree(folder)
    finally:
        os.close(lock)


def _make_locked(folder: Path) -> int:
    """Make a folder and return a descriptor that locks it.

    Another run may take it for a leftover and remove it before it is locked; then it is made again.
    """
    while True:
        folder.mkdir()
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                os.close(lock)
                folder.rmdir()
                raise
            if _is_of(lock, folder):
                return lock
            os.close(lock)


def _is_of(lock: int, folder: Path) -> bool:
    """Return whether a lock is that of the folder which has this name now, not of an earlier one."""
    try:
        return os.path.samestat(os.fstat(lock), folder.lstat())
    except FileNotFoundError:
        return False


def _put_in_place(scratch: Path, target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        _exchange(scratch, target)
    else:
        # rename(2) replaces an empty folder.
        scratch.rename(target)


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders atomically (renameat2 of Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = errno.ENOSYS
    if hasattr(libc, "renameat2"):
        paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
        code = ctypes.get_errno() if libc.renameat2(*paths) else 0
    if code in _CANNOT_EXCHANGE:
        raise OSError(code, "this system cannot exchange folders atomically; remove the old folder")
    if code:
        raise OSError(code, os.strerror(code))


def _flush(folder: Path) -> None:
    for path in [*sorted(folder.iterdir()), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
