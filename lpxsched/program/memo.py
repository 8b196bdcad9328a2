"""Results of a search kept on disk by content: what would be found again is read instead.

A result is kept under a hash of the problem, of the versions that decide it and of the code that finds it, so a file
can only hold what would be found anyway. Files are written aside and put in place in one step; one that cannot be read
or is not whole is as good as none, and where nothing can be written nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Values = list[int | str]
# Packages whose version, and folders of this one whose code, decide what is found.
DECISIVE = ("numpy", "ortools")
CODE = ("program", "schedule", "traffic", "workload", "clocks", "fabric", "compiled")


def kept(key: str, find: Callable[[], Values]) -> Values:
    """Return the values of a key: what is kept of them, or what is found and then kept.

    Parameters
    ----------
    key : str
        All that decides the values, but for the code.
    find : callable
        Called without arguments where nothing is kept.
    """
    name = hashlib.sha256(f"{_code()} {key}".encode()).hexdigest()
    path = cache_folder() / name[:2] / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
        told = json.loads(text)
        if told["key"] == key:
            return cast("Values", told["values"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    values = find()
    _keep(path, json.dumps({"key": key, "values": values}))
    return values


def cache_folder() -> Path:
    """Return the folder of the user in which results are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "lpxsched" / "mapping"


def _keep(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink()


@cache
def _code() -> str:
    """Return a hash of the versions and the code that decide what is found."""
    digest, package = hashlib.sha256(), Path(__file__).resolve().parent.parent
    for name in DECISIVE:
        digest.update(f"{name} {version(name)}\n".encode())
    for path in sorted(path for folder in CODE for path in (package / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
