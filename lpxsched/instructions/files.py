"""A folder of programs: of every node its bytes, ``node-0007.lpx``, and the same as text beside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lpxsched.errors import InputError
from lpxsched.files.folder import refuse_folder, write_folder
from lpxsched.instructions.allocation import allocate
from lpxsched.instructions.blocks import blocks_of
from lpxsched.instructions.encoding import decode, encode
from lpxsched.instructions.lowering import programs
from lpxsched.instructions.text import text

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.instructions.streams import NodeProgram
    from lpxsched.timetable.build import Build

ENDING = ".lpx"
NAME = re.compile(r"node-[0-9]{4,}\.(lpx|txt)")
# Longer files are no programs.
MOST_BYTES = 1 << 30


def write_programs(folder: Path, build: Build) -> None:
    """Write the programs of a build into a folder in one step, over older ones or where there is nothing.

    Raises
    ------
    NothingFoundError
        Where what lies at a chip fits, but not in runs.
    InputError
        When the folder holds anything else, or the disk refuses.
    """
    blocks = blocks_of(build)
    addresses = allocate(build, blocks)

    def fill(scratch: Path) -> None:
        for program in programs(build, blocks, addresses):
            path = scratch / f"node-{program.node:04d}{ENDING}"
            path.write_bytes(encode(program))
            path.with_suffix(".txt").write_bytes(text(program).encode())

    write_folder(folder, fill, refuse_foreign_programs)


def refuse_foreign_programs(folder: Path) -> None:
    """Raise an `InputError` when a target exists and holds anything but programs."""
    refuse_folder(
        folder, "a folder of programs", lambda one: any(one.glob(f"*{ENDING}")), lambda name: bool(NAME.fullmatch(name))
    )


def read_program(path: Path) -> NodeProgram:
    """Return the program of a file.

    Raises
    ------
    InputError
        Where it cannot be read, or holds no program.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise InputError(str(path), f"is no program; name a {ENDING} file that lpxsched export --programs wrote")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error
    return decode(data, path)


def read_programs(folder: Path) -> list[NodeProgram]:
    """Return the programs of a folder, sorted by node.

    Raises
    ------
    InputError
        Where there is no such folder, or it holds none, or two of one node.
    """
    if not folder.exists():
        raise InputError(str(folder), "no such folder; lpxsched export DIR --programs writes one")
    paths = sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
    if not paths:
        raise InputError(str(folder), f"holds no {ENDING} files; lpxsched export DIR --programs writes them")
    found = [read_program(path) for path in paths]
    nodes = [program.node for program in found]
    if len(set(nodes)) < len(nodes):
        raise InputError(str(folder), "holds two programs of one node; export them anew")
    return sorted(found, key=lambda program: program.node)
