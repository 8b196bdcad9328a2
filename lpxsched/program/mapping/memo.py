"""Prices of layers kept on disk for the user, by the problem, the versions and the code that decide them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lpxsched.files.kept import code_digest, kept

if TYPE_CHECKING:
    from collections.abc import Callable

Values = list[int | str]
# Packages whose version, and folders of this one whose code, decide what is found.
DECISIVE = ("numpy", "ortools")
CODE = ("program", "schedule", "traffic", "workload", "clocks", "fabric", "compiled")


def kept_values(key: str, find: Callable[[], Values]) -> Values:
    """Return the values of a key: what is kept of them, or what is found and then kept.

    Parameters
    ----------
    key : str
        All that decides the values, but for the code.
    find : callable
        Called without arguments where nothing is kept.
    """
    return cast("Values", kept(cache_folder(), f"{code_digest(DECISIVE, CODE)} {key}", find))


def cache_folder() -> Path:
    """Return the folder of the user in which results are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "lpxsched" / "mapping"
