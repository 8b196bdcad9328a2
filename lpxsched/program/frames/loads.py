"""For how long a micro-batch keeps each resource in one step, and the busiest of each kind.

With all delays as they are the step of m micro-batches is no shorter than m times the largest of these loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.instance import UNITS
from lpxsched.units import ceil_div, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.program.frames.held import Resources
    from lpxsched.program.frames.offsets import Held
    from lpxsched.program.frames.stages import Machine, Stages

GPUS = "GPUs"
SIDES = ("in", "out")


@dataclass(frozen=True, slots=True)
class Load:
    """For how long a micro-batch keeps one resource in one step.

    Attributes
    ----------
    kind : str
        ``link``, ``unit``, ``port`` or ``GPUs``.
    name : str
    cycles : int
        Of GPUs a share: so many micro-batches are served at once.
    """

    kind: str
    name: str
    cycles: int


def loads_of(held: Sequence[Held], resources: Resources, machine: Machine, most: Stages) -> tuple[Load, ...]:
    """Return the busiest resource of each kind, the largest load first."""
    gpus = machine.outside.gpus
    share = ceil_div(int(most.on_gpus.sum()), gpus.servers)
    of_gpus = Load(GPUS, f"GPUs of {gpus.name}, {counted(gpus.servers, 'micro-batch')} at once", share)
    return tuple(sorted([*fabric_loads(held, resources, machine.fabric), of_gpus], key=lambda load: -load.cycles))


def fabric_loads(held: Sequence[Held], resources: Resources, fabric: Fabric) -> tuple[Load, ...]:
    """Return the busiest link, unit and port, the largest load first; none of a kind that nobody holds."""
    total = np.sum([one.loads(resources.count) for one in held], axis=0)
    edges = {
        "link": (0, resources.links),
        "unit": (resources.links, resources.first_port),
        "port": (resources.first_port, resources.count),
    }
    found = []
    for kind, (first, end) in edges.items():
        busiest = first + int(total[first:end].argmax())
        if total[busiest]:
            found.append(Load(kind, _name(fabric, resources, kind, busiest), int(total[busiest])))
    return tuple(sorted(found, key=lambda load: -load.cycles))


def _name(fabric: Fabric, resources: Resources, kind: str, resource: int) -> str:
    if kind == "link":
        source, destination = int(fabric.source[resource]), int(fabric.destination[resource])
        return f"link {source} -> {destination}, lane {int(fabric.lane[resource])}"
    if kind == "unit":
        node, unit = divmod(resource - resources.links, len(UNITS))
        return f"{next(name for name, number in UNITS.items() if number == unit)} unit of chip {node}"
    host, side = divmod(resource - resources.first_port, len(SIDES))
    return f"Ethernet port of host {host}, {SIDES[side]}"
