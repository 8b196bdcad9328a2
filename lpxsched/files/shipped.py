"""Where shipped files lie, and which file a name means."""

from __future__ import annotations

from pathlib import Path

from lpxsched.errors import InputError
from lpxsched.files.near import did_you_mean

PACKAGE = Path(__file__).resolve().parent.parent
# A wheel carries the files inside the package, a checkout has them beside it.
ROOT = PACKAGE / "shipped" if (PACKAGE / "shipped").is_dir() else PACKAGE.parent

PATTERNS = {
    "topology": "topologies/*.yaml",
    "clock": "topologies/clocks/*.yaml",
    "chip": "topologies/chips/*.yaml",
    "gpus": "topologies/gpus/*.yaml",
    "handover": "topologies/handover/*.yaml",
    "prefill": "topologies/prefill/*.yaml",
    "runtime": "topologies/runtimes/*.yaml",
    "model": "models/*/config.json",
    "session": "models/sessions/*.csv",
}
# Near names that are told.
MOST_NAMED = 3


def name_of(path: Path) -> str:
    """Return the name of an input file: its stem, or its folder's name for a ``config.json``."""
    return path.resolve().parent.name if path.name == "config.json" else path.stem


def shipped_files(kind: str) -> dict[str, Path]:
    """Return the shipped files of a kind (a key of `PATTERNS`) by name, sorted."""
    return {name_of(path): path for path in sorted(ROOT.glob(PATTERNS[kind]))}


def find_file(kind: str, name: str) -> Path:
    """Return the file that a user means by a shipped name or a path.

    Parameters
    ----------
    kind : str
        A key of `PATTERNS`.
    name : str
        A shipped name, a file, or (models) a folder with a ``config.json``.

    Raises
    ------
    InputError
        When there is neither such a name nor such a file; it tells the nearest names.
    """
    shipped = shipped_files(kind)
    if name in shipped:
        return shipped[name]
    path = _file_of(kind, name)
    if path:
        return path
    # What ends a file's name is in no shipped name.
    asked = Path(name).name.removesuffix(Path(PATTERNS[kind]).suffix)
    remedy = did_you_mean(asked, shipped, "shipped", most=MOST_NAMED)
    raise InputError(name, f"no {kind} of this name and {_instead(kind, name)}; {remedy}")


def _file_of(kind: str, name: str) -> Path | None:
    path = Path(name)
    try:
        if kind == "model" and path.is_dir():
            path = path / "config.json"
        return path if path.is_file() else None
    except OSError as error:
        raise InputError(name, f"cannot be read: {error.strerror}") from error


def _instead(kind: str, name: str) -> str:
    """Return what there is in place of a file."""
    # A path without a name is the folder where the command runs.
    if not name or not Path(name).is_dir():
        return "no such file"
    return "a folder without config.json" if kind == "model" else "a folder where a file is wanted"
