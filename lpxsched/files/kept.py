"""What was found once is kept on disk by content, and read instead of found again.

A value is kept under a hash of its key, which names all that decides it. Files are written aside and put in place in
one step; one that cannot be read or is not whole is as good as none, and where nothing can be written nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = Path(__file__).resolve().parent.parent


def kept(folder: Path, key: str, find: Callable[[], Any]) -> Any:
    """Return the value of a key: what is kept of it, or what is found and then kept.

    Parameters
    ----------
    folder : Path
    key : str
        All that decides the value.
    find : callable
        Called without arguments where nothing is kept; returns what JSON can hold, and never None.
    """
    value = read_kept(folder, key)
    if value is None:
        value = find()
        keep(folder, key, value)
    return value


def read_kept(folder: Path, key: str) -> Any:
    """Return what is kept of a key; None where nothing is, or something else than was kept."""
    try:
        told = json.loads(_file_of(folder, key).read_text(encoding="utf-8"))
        return told["value"] if told["sha256"] == _digest(key, told["value"]) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _digest(key: str, value: Any) -> str:
    return hashlib.sha256(json.dumps([key, value]).encode()).hexdigest()


def keep(folder: Path, key: str, value: Any) -> None:
    """Keep a value of a key."""
    path = _file_of(folder, key)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps({"key": key, "value": value, "sha256": _digest(key, value)}), encoding="utf-8")
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()


@cache
def code_digest(packages: tuple[str, ...], folders: tuple[str, ...] = ("",)) -> str:
    """Return a hash of the versions of some packages and of the code in some folders of this one."""
    digest = hashlib.sha256()
    for name in packages:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _file_of(folder: Path, key: str) -> Path:
    name = hashlib.sha256(key.encode()).hexdigest()
    return folder / name[:2] / f"{name}.json"
