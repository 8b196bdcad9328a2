"""Problems for the bounds: wires written as rows, and fabrics of families on which one vector takes one cycle."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.profile import load_fabric
from lpxsched.schedule.problem.collective import collective_instance, stage_instance
from lpxsched.schedule.problem.instance import AddCost, Instance
from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Ragged
from lpxsched.traffic.collectives import KINDS, ROOTED, Collective
from tests.fabric.examples import connected_fabrics, write_family

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from lpxsched.traffic.collectives import Kind


class Wire(NamedTuple):
    """A bundle."""

    source: int
    destination: int
    hop: int = 3
    lanes: int = 1
    pitch: Fraction = Fraction(1)
    link_class: int = 0


def adds_of(cycles: int, fixed_cycles: int = 0) -> AddCost:
    """Return sums in which each addition of two vectors takes some cycles; 0 leaves the vector unit out of account."""
    return AddCost(1, cycles, 10**6, 1 if cycles else 0, fixed_cycles)


def column(values: Iterable[int]) -> NDArray[np.int64]:
    """Return a column of whole numbers."""
    return np.array(list(values), dtype=np.int64)


def problem_of(
    collective: Collective,
    wires: Iterable[Wire],
    *,
    relays: int = 0,
    turnaround: int = 0,
    limit: int = 0,
    add_cost: AddCost | None = None,
) -> Instance:
    """Return a problem; `limit` vectors may begin and end at a chip in a cycle."""
    rows = sorted(wires)
    chips = collective.width + relays
    network = Network(
        width=collective.width,
        chips=chips,
        fabric_node=np.arange(chips, dtype=np.int64),
        class_names=("link", "other"),
        source=column(row.source for row in rows),
        destination=column(row.destination for row in rows),
        lanes=column(row.lanes for row in rows),
        link_class=column(row.link_class for row in rows),
        latency_cycles=column(row.hop - ceil(row.pitch) for row in rows),
        guard_cycles=column(0 for _ in rows),
        pitch_numerator=column(row.pitch.numerator for row in rows),
        pitch_denominator=column(row.pitch.denominator for row in rows),
        links=Ragged.of(range(row.lanes) for row in rows),
        turnaround_cycles=turnaround,
        inject_per_cycle=limit,
        eject_per_cycle=limit,
        wire="pipelined",
    )
    return stage_instance(network, collective, add_cost or adds_of(0))


def both_ways(pairs: Iterable[tuple[int, int]], **wire: Any) -> list[Wire]:
    """Return wires in both directions."""
    return [Wire(*ends, **wire) for a, b in pairs for ends in ((a, b), (b, a))]


def path(chips: int, **wire: Any) -> list[Wire]:
    """Return chips in a line."""
    return both_ways(((chip, chip + 1) for chip in range(chips - 1)), **wire)


def ring(chips: int, **wire: Any) -> list[Wire]:
    """Return chips in a ring."""
    return both_ways(((chip, (chip + 1) % chips) for chip in range(chips)), **wire)


@dataclass(frozen=True)
class Family:
    """A fabric on which a vector takes one cycle on a link and is read 23 cycles after it left (500 ns, rounded up)."""

    kind: str
    keys: dict[str, Any]

    def problem(self, folder: Path, kind: Kind, vectors: int, **limits: int) -> Instance:
        """Return a collective of all chips of the fabric."""
        wire = {"latency_ns": 500, "gbps": 112}
        wires = {"local": wire, "between": wire} if self.kind == "dragonfly" else {"link": wire}
        # 320 bytes at 112 Gb/s take 22.857 ns, one cycle at 43.75 MHz.
        path = write_family(folder, self.kind, clock_mhz=43.75, **wires, **self.keys, **limits)
        fabric = load_fabric(path)
        collective = Collective(kind, fabric.chips, vectors)
        return collective_instance(fabric, range(fabric.chips), collective, relays=False)


def shipped(name: str, kind: Kind, vectors: int) -> Instance:
    """Return a collective of all chips of a shipped topology."""
    fabric = load_fabric(name)
    collective = Collective(kind, fabric.chips, vectors)
    return collective_instance(fabric, range(fabric.chips), collective, relays=False)


@st.composite
def fabric_problems(draw: st.DrawFn) -> Instance:
    """Draw a collective of some chips of a random fabric, all others as relays; v is 5/2 cycles, a hop 13."""
    fabric = draw(connected_fabrics())
    kind = draw(st.sampled_from(KINDS))
    width = draw(st.integers(1, fabric.chips))
    root = draw(st.integers(0, width - 1)) if kind in ROOTED else 0
    collective = Collective(kind, width, draw(st.integers(1, 5)), root)
    chips = draw(st.permutations(range(fabric.chips)))[:width]
    # Hosts may have been the only way between two chips.
    try:
        return collective_instance(fabric, chips, collective, relays=True)
    except InfeasibleError:
        reject()


@st.composite
def small_problems(draw: st.DrawFn) -> Instance:
    """Draw a collective of two or three chips and up to one relay, with whole pitches and a ring that joins all."""
    width, relays = draw(st.sampled_from([(2, 0), (2, 1), (3, 0)]))
    nodes = width + relays
    kind = draw(st.sampled_from(KINDS))
    vectors = draw(st.integers(1, 2))
    root = draw(st.integers(0, width - 1)) if kind in ROOTED else 0
    around = {(node, (node + 1) % nodes) for node in range(nodes)}
    others = [(a, b) for a in range(nodes) for b in range(nodes) if a != b]
    ends = around | draw(st.sets(st.sampled_from(others)))
    hops = st.integers(1, 5)
    kinds = [(hop, Fraction(draw(st.integers(1, min(3, hop))))) for hop in (draw(hops), draw(hops))]
    wires = []
    for source, destination in sorted(ends):
        link_class = draw(st.integers(0, 1))
        hop, pitch = kinds[link_class]
        wires.append(Wire(source, destination, hop, draw(st.integers(1, 2)), pitch, link_class))
    return problem_of(
        Collective(kind, width, vectors, root),
        wires,
        relays=relays,
        turnaround=draw(st.integers(0, 3)),
        limit=draw(st.integers(0, 1)) if kind in ("all-to-all", "gather", "scatter", "all-gather", "broadcast") else 0,
        add_cost=adds_of(draw(st.integers(0, 3))),
    )
