"""The fabric as the tables of a build tell it."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.errors import InputError
from lpxsched.fabric.chip import Chip
from lpxsched.fabric.fabric import Fabric, LinkClass
from lpxsched.simulation.manifest import read_clock_mhz
from lpxsched.timetable.columns import Chips
from lpxsched.units import BITS_PER_BYTE, NONE, counted, exact

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def fabric_of(build: Build) -> Fabric:
    """Return chips, hosts and links of a build; rates of classes are those of whole vectors."""
    links, chips, manifest = build.links, build.chips, build.manifest
    wires = np.stack([links.latency_cycles, links.vector_time_numerator, links.vector_time_denominator], axis=1)
    rows = [(name, *wire) for name, wire in zip(links.link_class.tolist(), wires.tolist(), strict=True)]
    kinds = sorted(set(rows))
    number = {kind: place for place, kind in enumerate(kinds)}
    return Fabric(
        name=str(manifest.options.get("topology", "")),
        kind="build",
        chip=_chip(build),
        shape=_shape(build),
        hosts=int(chips.host.sum()),
        wire=manifest.wire,
        vector_bytes=manifest.vector_bytes,
        wire_bytes=manifest.vector_bytes,
        turnaround_cycles=int(chips.turnaround_cycles[0]),
        hac_latency_cycles=None,
        guard_in_hop=manifest.guard_in_hop,
        ports=_limit(int(chips.ports[0])),
        inject_per_cycle=_limit(int(chips.inject_per_cycle[0])),
        eject_per_cycle=_limit(int(chips.eject_per_cycle[0])),
        link_classes=tuple(_link_class(build, *kind) for kind in kinds),
        source=links.src,
        destination=links.dst,
        lane=links.lane,
        link_class=np.array([number[row] for row in rows], dtype=np.int64),
        link_down=links.down,
        node_down=chips.down,
    )


def _limit(limit: int) -> int | None:
    return None if limit == NONE else limit


def _shape(build: Build) -> tuple[int, ...]:
    """Return the coordinates of the chips: each counts from 0, the last one fastest.

    Raises
    ------
    InputError
        When positions are none of such a grid.
    """
    positions = build.chips.position[~build.chips.host].tolist()
    last = positions[-1] if positions else ""
    parts = last.split(".")
    # The last chip has the largest of all coordinates.
    shape = tuple(int(part) + 1 for part in parts) if all(part.isdecimal() for part in parts) else ()
    if prod(shape) != len(positions) or not shape:
        problem = f"{counted(len(positions), 'chip')} form no grid whose last position is {last!r}"
        raise InputError(Chips.file, problem, key="position")
    return shape


def _link_class(build: Build, name: str, latency: int, numerator: int, denominator: int) -> LinkClass:
    vector_time = Fraction(numerator, denominator)
    bits = build.manifest.vector_bytes * BITS_PER_BYTE
    gbps = bits * read_clock_mhz(build) / 1000 / vector_time
    return LinkClass(name, latency, vector_time, gbps, gbps)


def _chip(build: Build) -> Chip:
    chips = build.chips
    return Chip(
        name="",
        clock_mhz=read_clock_mhz(build),
        sram_bytes=int(chips.sram_bytes[0]),
        sram_bytes_per_cycle=int(chips.sram_bytes_per_cycle[0]),
        matrix_macs_per_cycle={
            "fp8": int(chips.matrix_fp8_macs_per_cycle[0]),
            "bf16": int(chips.matrix_bf16_macs_per_cycle[0]),
        },
        matrix_types=(),
        vector_operations_per_cycle=int(chips.vector_operations_per_cycle[0]),
        matrix_fixed_cycles=int(chips.matrix_fixed_cycles[0]),
        vector_fixed_cycles=int(chips.vector_fixed_cycles[0]),
        sum_cycles_in_hop=int(chips.sum_cycles_in_hop[0]),
        shard_columns=int(chips.shard_columns[0]),
        sram_efficiency=exact(float(chips.sram_efficiency[0])),
        deskew_buffer_vectors=int(chips.deskew_buffer_vectors[0]),
        resident=bool(chips.resident[0]),
    )
