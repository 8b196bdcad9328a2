"""The commands that read a build folder, found from the program's own tree, and what each is asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lpxsched.cli.main import COMMANDS, app

if TYPE_CHECKING:
    from pathlib import Path

# What is asked of a command beyond its folder, each alone; OUT is where it may write. Others are asked for nothing.
CHOICES: dict[str, tuple[list[str], ...]] = {
    "simulate": (["--trials", "2"], ["--reference"], ["--frames"], ["--trials", "1", "--clock", "sris"]),
    "bound": ([], ["--clock", "ocxo-5ppb"]),
    "contend": (["--steps", "2"],),
    "report": ([], ["-o", "OUT.html"]),
    "reschedule": (
        ["--down", "DOWN"],
        ["--down", "DOWN", "-o", "OUT"],
        ["--contingency", "link"],
        ["--contingency", "local"],
    ),
    "session": ([], ["--contend", "--sessions", "1"], ["--png", "OUT.png"]),
    "export": (
        ["--csv", "OUT.csv"],
        ["--programs", "OUT"],
        ["--vcd", "OUT.vcd"],
        ["--perfetto", "OUT.trace"],
        ["--svg", "OUT.svg"],
    ),
}
# What comes before the folder.
BEFORE = {"session": ["TRACE"]}


def readers_of_builds() -> list[str]:
    """Return every command with an argument that is called DIR; one that is added is attacked without being named."""
    context = click.Context(app)
    return [name for name in COMMANDS if any(map(_is_folder, app.get_command(context, name).params))]  # type: ignore[union-attr]


def _is_folder(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument) and "DIR" in (parameter.metavar or "")


def calls(folder: Path, output: Path) -> list[list[str]]:
    """Return every call on a folder; what failed, and a session, are files beside that where it may write."""
    names = {"OUT": str(output / "written"), "DOWN": str(output / "down.yaml"), "TRACE": str(output / "trace.csv")}

    def named(words: list[str]) -> list[str]:
        return [next((word.replace(key, path) for key, path in names.items() if key in word), word) for word in words]

    return [
        [name, *named(BEFORE.get(name, [])), str(folder), *named(choice), "--json"]
        for name in readers_of_builds()
        for choice in CHOICES.get(name, ([],))
    ]
