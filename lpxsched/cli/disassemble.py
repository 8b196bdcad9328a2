"""``lpxsched disassemble``: a chip's program as people read it."""

from __future__ import annotations

from pathlib import Path

import click

from lpxsched.cli.console import emit, json_option


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def disassemble_command(file: Path, as_json: bool) -> None:
    """Print the program in FILE, which lpxsched export --programs wrote: a line an instruction."""
    from lpxsched.instructions.files import read_program
    from lpxsched.instructions.text import text

    program = read_program(file)
    told = {
        "node": program.node,
        "position": program.position,
        "sections": len(program.sections),
        "instructions": sum(len(section.instructions) for section in program.sections),
    }
    emit(told, text(program).rstrip("\n"), as_json=as_json)
