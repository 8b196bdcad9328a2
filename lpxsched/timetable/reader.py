"""Read a build folder; every fault of it is an `InputError` that names the file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lpxsched.errors import InputError
from lpxsched.files.document import Document, read_json
from lpxsched.files.schema import short, validate
from lpxsched.timetable.build import Build
from lpxsched.timetable.columns import TABLES
from lpxsched.timetable.consistency import check_consistency
from lpxsched.timetable.documents import FORMAT, GraphFile, ManifestFile
from lpxsched.timetable.parquet import read_table

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST, GRAPH = "manifest.json", "graph.json"
FILES = (MANIFEST, GRAPH, *(table.file for table in TABLES))


def read_sound_build(folder: Path) -> Build:
    """Read a build folder whose tables are those that its manifest was signed for.

    Raises
    ------
    InputError
        As `read_build`, and when the content hash differs.
    """
    build = read_build(folder)
    if build.content_sha256() != build.manifest.content_sha256:
        problem = "does not match the tables and graph.json of this folder; lpxsched check tells more"
        raise InputError(str(folder / MANIFEST), problem, key="content_sha256")
    return build


def is_build(folder: Path) -> bool:
    """Return whether a folder was written by ``lpxsched compile``: its manifest and all its tables are there."""
    return not _missing(folder)


def read_build(folder: Path) -> Build:
    """Read a build folder.

    Raises
    ------
    InputError
        When the folder is no build, a file is missing or malformed, or a row contradicts another.
    """
    manifest = _read_manifest(folder)
    names = [field.name for field in fields(Build)[: len(TABLES)]]
    tables: dict[str, Any] = {
        name: read_table(folder / kind.file, kind) for name, kind in zip(names, TABLES, strict=True)
    }
    build = Build(
        **tables,
        graph=validate(read_json(folder / GRAPH), GraphFile),
        manifest=manifest,
        graph_json=_read_bytes(folder / GRAPH),
    )
    check_consistency(folder, build)
    return build


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if not (folder / name).is_file()]


def _read_manifest(folder: Path) -> ManifestFile:
    """Read the manifest of a complete folder; another format is told first, since anything else may follow from it."""
    try:
        missing = _missing(folder) if folder.is_dir() else None
    except OSError as error:
        raise InputError(str(folder), f"cannot be read: {error.strerror}") from error
    if missing is None:
        problem = "is a file, name the folder of a build" if folder.exists() else "no such folder"
        raise InputError(str(folder), f"{problem}; write one with lpxsched compile")
    document = Document(MANIFEST, {}, {}) if MANIFEST in missing else read_json(folder / MANIFEST)
    _check_format(document)
    if missing:
        raise InputError(str(folder), f"{missing[0]} is missing; this is no build folder of lpxsched compile")
    return validate(document, ManifestFile)


def _check_format(document: Document) -> None:
    written = document.data.get("format", FORMAT) if isinstance(document.data, dict) else FORMAT
    # 2.0 equals 2 in Python, not in a manifest.
    if type(written) is not int or written != FORMAT:
        raise document.error(("format",), f"format {short(written)}, this version reads {FORMAT}; compile it again")


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from error
