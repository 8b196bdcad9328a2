"""Files that commands write beside a build: refused before any work, put in place in one step."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def output_targets(asked: Mapping[str, Path | None], folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the file of each format asked for.

    Parameters
    ----------
    asked : dict
        Where each format was asked to be written; None where it was not.
    folders : iterable of Path
        Builds, which hold a build and nothing else.

    Raises
    ------
    InputError, click.UsageError
        When one cannot be written, lies inside a build, or two are the same.
    """
    targets = {name: path for name, path in asked.items() if path is not None}
    inside = {folder.resolve() for folder in folders}
    taken: dict[Path, str] = {}
    for name, path in targets.items():
        other = taken.setdefault(path.resolve(), name)
        if other != name:
            raise click.UsageError(f"--{other} and --{name} name the same file; name two")
        _refuse(path)
        if path.resolve().parent in inside:
            raise InputError(str(path), "lies inside the build folder, which holds a build and nothing else")
    return targets


def _refuse(path: Path) -> None:
    if path.is_dir():
        raise InputError(str(path), "is a folder; name a file")
    if path.exists() and not path.is_file():
        raise InputError(str(path), "is no regular file; name another")
    if not path.resolve().parent.is_dir():
        raise InputError(str(path), f"there is no folder {path.parent}; make it first")


def write_file(path: Path, data: bytes) -> None:
    """Write a file beside its target under a hidden name and put it in place in one step.

    Raises
    ------
    InputError
        When the disk refuses.
    """
    target = path.resolve()
    scratch = target.parent / f".{target.name}.{os.getpid()}.lpxsched"
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        raise InputError(str(path), f"cannot be written: {error.strerror}") from error
