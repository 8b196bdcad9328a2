"""What every build tells of its fabric, whatever runs there: all nodes and all links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import Chips, Deskews, Frames, Links, Segments
from lpxsched.units import NONE

if TYPE_CHECKING:
    from lpxsched.clocks.tree import AlignmentTree
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.columns import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """The five tables that say where and when a program runs."""

    chips: Chips
    links: Links
    segments: Segments
    frames: Frames
    deskews: Deskews


def chips_table(fabric: Fabric, tree: AlignmentTree, *, weight_bytes: Integers) -> Chips:
    """Return all nodes of a fabric.

    Parameters
    ----------
    fabric : Fabric
    tree : AlignmentTree
    weight_bytes : ndarray of int64, shape (nodes,)
        Weights that a build lays there.
    """
    is_chip = np.arange(fabric.nodes) < fabric.chips

    def on_chips(value: int) -> Integers:
        return np.where(is_chip, value, 0).astype(np.int64)

    def limits(limit: int | None) -> Integers:
        return np.where(is_chip, NONE if limit is None else limit, NONE).astype(np.int64)

    chip = fabric.chip
    return Chips(
        chip=np.arange(fabric.nodes, dtype=np.int64),
        position=np.array([fabric.position(node) for node in range(fabric.nodes)]),
        host=~is_chip,
        sram_bytes=on_chips(chip.sram_bytes),
        weight_bytes=weight_bytes,
        sram_bytes_per_cycle=on_chips(chip.sram_bytes_per_cycle),
        matrix_fp8_macs_per_cycle=on_chips(chip.matrix_macs_per_cycle["fp8"]),
        matrix_bf16_macs_per_cycle=on_chips(chip.matrix_macs_per_cycle["bf16"]),
        vector_operations_per_cycle=on_chips(chip.vector_operations_per_cycle),
        matrix_fixed_cycles=on_chips(chip.matrix_fixed_cycles),
        vector_fixed_cycles=on_chips(chip.vector_fixed_cycles),
        shard_columns=on_chips(chip.shard_columns),
        sram_efficiency=np.where(is_chip, float(chip.sram_efficiency), 0.0),
        deskew_buffer_vectors=on_chips(chip.deskew_buffer_vectors),
        resident=is_chip & chip.resident,
        sum_cycles_in_hop=on_chips(chip.sum_cycles_in_hop),
        inject_per_cycle=limits(fabric.inject_per_cycle),
        eject_per_cycle=limits(fabric.eject_per_cycle),
        ports=limits(fabric.ports),
        turnaround_cycles=on_chips(fabric.turnaround_cycles),
        hac_parent=tree.parent,
        hac_depth=tree.depth,
        down=fabric.node_down,
    )


def links_table(fabric: Fabric, *, guard_cycles: Integers) -> Links:
    """Return all links of a fabric.

    Parameters
    ----------
    fabric : Fabric
    guard_cycles : ndarray of int64, shape (links,)
        Guard of each link, `NONE` where no segment uses it.
    """
    classes = fabric.link_classes
    numbers = fabric.link_class

    def of_class(values: list[int]) -> Integers:
        return np.array(values, dtype=np.int64)[numbers]

    return Links(
        link=np.arange(fabric.links, dtype=np.int64),
        src=fabric.source,
        dst=fabric.destination,
        lane=fabric.lane,
        link_class=np.array([c.name for c in classes])[numbers],
        latency_cycles=of_class([c.latency_cycles for c in classes]),
        vector_time_numerator=of_class([c.vector_time_cycles.numerator for c in classes]),
        vector_time_denominator=of_class([c.vector_time_cycles.denominator for c in classes]),
        guard_cycles=guard_cycles,
        down=fabric.link_down,
    )
