"""``lpxsched topology``: sizes, distances, bandwidth and symmetry of a fabric, and a picture of it."""

from __future__ import annotations

from pathlib import Path

import click

from lpxsched.cli.console import emit, json_option
from lpxsched.cli.files import output_targets, write_file


@click.command()
@click.argument("topology", metavar="NAME|FILE")
@click.option("--svg", metavar="FILE", type=click.Path(path_type=Path), help="Draw the fabric as SVG.")
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Draw the fabric as PNG.")
@json_option
def topology_command(topology: str, svg: Path | None, png: Path | None, as_json: bool) -> None:
    """Tell sizes, distances, bandwidth and symmetry of a fabric, and draw it.

    The fabric is a shipped name (see lpxsched topologies) or a YAML file. What is out of service does not count
    for distances, bandwidth and symmetry. An existing picture is replaced.
    """
    targets = output_targets({"svg": svg, "png": png})

    from lpxsched.fabric.facts import fabric_facts
    from lpxsched.fabric.profile import load_fabric
    from lpxsched.files.document import read_yaml
    from lpxsched.files.schema import assumed_values
    from lpxsched.files.shipped import find_file
    from lpxsched.report.topology.text import topology_json, topology_text

    fabric = load_fabric(topology)
    facts = fabric_facts(fabric)
    assumed = assumed_values(read_yaml(find_file("topology", topology)).data)
    if targets:
        from lpxsched.report.topology.figure import render_topology

        drawn = render_topology(fabric, facts, list(targets))
        for name, path in targets.items():
            write_file(path, drawn[name])
    files = [str(path) for path in targets.values()]
    record = topology_json(fabric, facts, assumed) | {"files": files}
    drawn_to = f"\n\ndrawn to {', '.join(files)}" if files else ""
    emit(record, topology_text(fabric, facts, assumed) + drawn_to, as_json=as_json)
