"""``lpxsched schema``: what an input file may say, as JSON Schema."""

from __future__ import annotations

import json
from typing import Any

import click

from lpxsched.cli.console import emit, json_option

KINDS = ("topology", "chip", "clock", "partition", "gpus", "handover", "prefill", "runtime")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@json_option
def schema_command(kind: str, as_json: bool) -> None:
    """Print the JSON Schema of a kind of input file.

    KIND is topology, chip, clock, partition, gpus, handover, prefill or runtime. Editors with a YAML language server
    complete and check a file that begins with: # yaml-language-server: $schema=FILE, FILE being what this command
    printed. A few rules between keys are checked only when the file is read.
    """
    schema = json_schema(kind)
    emit(schema, json.dumps(schema, indent=2), as_json=as_json)


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of files."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(_type_of(kind))
    return {"$schema": DIALECT} | _with_short_names(adapter.json_schema()) | {"title": f"lpxsched {kind}"}


def _with_short_names(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with values that carry a source numbered; their names spell out their limits as Python."""
    text = json.dumps(schema)
    tagged = [name for name in schema.get("$defs", {}) if name.startswith("Tagged_")]
    for number, name in enumerate(tagged, start=1):
        text = text.replace(f'{name}"', f'Value{number}"')
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def _type_of(kind: str) -> Any:
    from typing import Annotated

    from pydantic import Field

    from lpxsched.clocks.specification import ClockSpecification
    from lpxsched.contention.runtime import RuntimeFile
    from lpxsched.fabric.chip import ChipFile
    from lpxsched.fabric.schema import AnyTopologyFile
    from lpxsched.program.file import PartitionFile
    from lpxsched.program.outside.gpus import GpusFile
    from lpxsched.program.outside.handover import HandoverFile
    from lpxsched.sessions.prefill import PrefillFile

    types = {
        "topology": Annotated[AnyTopologyFile, Field(discriminator="kind")],
        "chip": ChipFile,
        "clock": ClockSpecification,
        "partition": PartitionFile,
        "gpus": GpusFile,
        "handover": HandoverFile,
        "prefill": PrefillFile,
        "runtime": RuntimeFile,
    }
    return types[kind]
