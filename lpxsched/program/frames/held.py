"""What a scheduled layer holds, and when: links, units of chips, and Ethernet ports of hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.program.frames.offsets import Held
from lpxsched.schedule.problem.instance import UNITS, VECTOR

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.layers import ScheduledLayer
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.result import Schedule

# Units of a node as an instance numbers them, and the two sides of a port.
UNITS_OF_NODE, SIDES = len(UNITS), 2


@dataclass(frozen=True, slots=True)
class Resources:
    """Numbers of all resources of a fabric: links, then units, then ports.

    Attributes
    ----------
    links, nodes : int
    """

    links: int
    nodes: int

    @classmethod
    def of(cls, fabric: Fabric) -> Resources:
        """Return the numbers for a fabric."""
        return cls(fabric.links, fabric.nodes)

    @property
    def first_port(self) -> int:
        """Number of the first port."""
        return self.links + self.nodes * UNITS_OF_NODE

    @property
    def count(self) -> int:
        """How many resources there are."""
        return self.first_port + self.nodes * SIDES

    def unit(self, node: Integers, unit: Integers) -> Integers:
        """Return the numbers of units."""
        return np.asarray(self.links + node * UNITS_OF_NODE + unit)

    def port(self, host: int, side: int) -> int:
        """Return the number of a port: side 0 takes rows in, side 1 sends them out."""
        return self.first_port + host * SIDES + side


def held_by(layer: ScheduledLayer, resources: Resources) -> Held:
    """Return the links and units that an iteration of a layer holds."""
    schedule, instance = layer.distinct.result.schedule, layer.problem.instance
    return held_together(_links(schedule, instance), _units(schedule, instance, resources))


def held_ports(ports: dict[int, tuple[int, int]], resources: Resources, *, before: int, after: int) -> Held:
    """Return the ports that rows of a layer hold.

    Parameters
    ----------
    ports : dict
        Cycles for which they hold the port of each host, in and out.
    resources : Resources
    before, after : int
        How long before a window they begin to enter, and how long after it to leave.
    """
    rows = [(resources.port(host, 0), -before, into) for host, (into, _) in ports.items()]
    rows += [(resources.port(host, 1), after, out) for host, (_, out) in ports.items()]
    return Held(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def held_together(one: Held, other: Held) -> Held:
    """Return what both hold."""
    return Held(*(np.concatenate(columns) for columns in zip(one, other, strict=True)))


def run_cycles(layer: ScheduledLayer) -> int:
    """Return how long an iteration lasts, the cycle of its last read included."""
    schedule, instance = layer.distinct.result.schedule, layer.problem.instance
    network, bundle = instance.network, schedule.slot_bundle
    read = schedule.slot_depart + network.hop_cycles[bundle] + network.hold_cycles(schedule.slot_vectors - 1, bundle)
    ends = (read, schedule.operator_start + instance.operator_cycles, schedule.sums.start + schedule.sums.cycles)
    return 1 + max(int(end.max(initial=0)) for end in ends)


def _links(schedule: Schedule, instance: Instance) -> Held:
    network, bundle = instance.network, schedule.slot_bundle
    link = network.links.values[network.links.offsets[bundle] + schedule.slot_lane]
    return Held(link, schedule.slot_depart, network.hold_cycles(schedule.slot_vectors, bundle))


def _units(schedule: Schedule, instance: Instance, resources: Resources) -> Held:
    sums, node = schedule.sums, instance.network.fabric_node
    unit = np.concatenate([instance.operator_unit, np.full(len(sums), VECTOR)])
    at = np.concatenate([instance.operator_node, sums.node])
    start = np.concatenate([schedule.operator_start, sums.start])
    return Held(resources.unit(node[at], unit), start, np.concatenate([instance.operator_cycles, sums.cycles]))
