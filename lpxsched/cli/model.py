"""``lpxsched model`` and ``lpxsched models``: what a config says, layer by layer, and what is shipped."""

from __future__ import annotations

import click

from lpxsched.cli.console import emit, json_option

RACK = "lpx-rack"


@click.command()
@click.argument("model", metavar="NAME|PATH")
@json_option
def model_command(model: str, as_json: bool) -> None:
    """Tell layers, parameters and bytes of a model.

    The model is a shipped name (see lpxsched models), a folder with a config.json, or a file. It is read by its keys
    alone; what public code does though no key says so is told in a note.
    """
    from lpxsched.report.console.model import model_json, model_text
    from lpxsched.workload.config.load import load_model

    read = load_model(model)
    facts = model_json(read, _rack_bytes())
    for note in read.notes if as_json else ():
        click.echo(f"note: {note}", err=True)
    emit(facts, "" if as_json else model_text(read, facts), as_json=as_json)


@click.command()
@json_option
def models_command(as_json: bool) -> None:
    """List the shipped models: parameters, and the least racks that hold their weights."""
    from lpxsched.files.shipped import shipped_files
    from lpxsched.report.console.model import model_json, models_text
    from lpxsched.workload.config.load import load_model

    rack_bytes = _rack_bytes()
    listed = [model_json(load_model(name), rack_bytes) for name in shipped_files("model")]
    record = {"models": [facts["name"] for facts in listed], "facts": {facts["name"]: facts for facts in listed}}
    emit(record, "" if as_json else models_text(listed), as_json=as_json)


def _rack_bytes() -> int:
    """Return the SRAM of all chips of a shipped rack."""
    from lpxsched.fabric.profile import load_fabric

    rack = load_fabric(RACK)
    return rack.chips * rack.chip.sram_bytes
