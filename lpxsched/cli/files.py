"""Files that commands write beside a build: refused before any work, put in place in one step."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.options import flag_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


# How the names of files end, by the option that says where one is written. No two options share a file.
ENDINGS = {
    "png": (".png",),
    "svg": (".svg",),
    "csv": (".csv",),
    "vcd": (".vcd",),
    "perfetto": (".pftrace", ".perfetto-trace", ".perfetto", ".trace"),
    "page": (".html", ".htm"),
    "table": (".csv", ".parquet"),
    "write_partition": (".yaml", ".yml"),
}
# Options of another name than what they write.
OPTIONS = {"page": "output", "table": "output"}


def output_targets(asked: Mapping[str, Path | None], folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the file of each format asked for.

    Parameters
    ----------
    asked : dict
        Where each format of `ENDINGS` was asked to be written; None where it was not.
    folders : iterable of Path
        Where builds are or come to be, which hold a build and nothing else; others are found by what they hold.

    Raises
    ------
    InputError
        When one cannot be written, ends as another format does, or lies inside a build.
    """
    from lpxsched.timetable.reader import is_build

    targets = {name: path for name, path in asked.items() if path is not None}
    inside = {folder.resolve() for folder in folders}
    for name, path in targets.items():
        _refuse(path)
        if path.suffix.lower() not in ENDINGS[name]:
            *others, last = ENDINGS[name]
            endings = f"{', '.join(others)} or {last}" if others else last
            raise InputError(str(path), f"must end in {endings}", key=flag_of(OPTIONS.get(name, name)))
        parent = path.resolve().parent
        if parent in inside or is_build(parent):
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
