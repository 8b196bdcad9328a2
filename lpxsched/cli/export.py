"""``lpxsched export``: a figure of a build folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lpxsched.cli.console import emit, json_option
from lpxsched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--svg", metavar="FILE", type=click.Path(path_type=Path), help="Write the figure as SVG.")
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Write the figure as PNG.")
@click.option(
    "--layers",
    metavar="A:B",
    help="Show layers A to B - 1 only, 0:4 for the first four; the timeline is layer A's. [default: all]",
)
@json_option
def export_command(folder: Path, svg: Path | None, png: Path | None, layers: str | None, as_json: bool) -> None:
    """Draw how busy the links are, and the timeline of one layer.

    DIR is a folder that lpxsched compile wrote. The upper picture shows the utilisation of the links while a
    token passes the layers; the lower one what the units and links of each chip do during the first layer
    asked for. Give --svg, --png or both; an existing file is replaced.
    """
    targets = image_targets(svg, png)
    if not targets:
        raise click.UsageError("say where to write: --svg FILE, --png FILE or both")

    from lpxsched.report.figures import build_layers, render
    from lpxsched.timetable.reader import read_sound_build

    build = read_sound_build(folder)
    for path in targets.values():
        if path.resolve().parent == folder.resolve():
            raise InputError(str(path), "lies inside the build folder, which holds a build and nothing else")
    images = render(build, list(targets), parse_layers(layers, build_layers(build)))
    for name, path in targets.items():
        write_file(path, images[name])
    files = [str(path) for path in targets.values()]
    emit({"files": files}, "\n".join(files), as_json=as_json)


def parse_layers(text: str | None, known: Sequence[int]) -> range | None:
    """Return the layers of ``A:B``, B excluded; None for all.

    Parameters
    ----------
    text : str, optional
        What the user wrote.
    known : sequence of int
        Layers of the build, in order.

    Raises
    ------
    click.BadParameter
        When it is no range, or one without any layer of the build.
    """
    if text is None:
        return None
    first, colon, last = text.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal()):
        raise _bad_layers(f"{text!r} is not A:B, two whole numbers", known)
    layers = range(int(first), int(last))
    if not layers:
        raise _bad_layers(f"{text!r} is empty, since B is excluded", known)
    if layers[0] < known[0] or layers[-1] > known[-1] or not set(layers) & set(known):
        raise _bad_layers(f"{text!r} is not inside the build", known)
    return layers


def _bad_layers(problem: str, known: Sequence[int]) -> click.BadParameter:
    whole = f"{known[0]}:{known[-1] + 1}"
    return click.BadParameter(f"{problem}; {whole} means all layers", param_hint="--layers")


def image_targets(svg: Path | None, png: Path | None) -> dict[str, Path]:
    """Return the file of each format asked for.

    Raises
    ------
    InputError, click.UsageError
        When one cannot be written, or both are the same.
    """
    targets = {name: path for name, path in (("svg", svg), ("png", png)) if path is not None}
    if len({path.resolve() for path in targets.values()}) < len(targets):
        raise click.UsageError("--svg and --png name the same file; name two")
    for path in targets.values():
        _refuse(path)
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
