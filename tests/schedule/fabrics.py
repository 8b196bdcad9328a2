"""Hypothesis strategies for collectives on random small fabrics; use them for every solver.

A fabric has up to three classes of links with rates below one cycle, whole, and fractional, and one of two forms:

- chips on a ring of random order with more links at will, so that every chip reaches every other;
- mixed-radix numbers, each joined to itself plus each of a few steps: a group of translations leaves it as it is.

What is drawn shrinks towards two chips, one vector, and one class of links of one cycle.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from lpxsched.errors import InfeasibleError
from lpxsched.fabric.fabric import LinkClass
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.traffic.collectives import KINDS, ROOTED, Collective
from tests.fabric.examples import CHIP, fabric_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.schedule.problem.instance import AddCost, Instance
    from lpxsched.traffic.collectives import Kind

VECTOR_TIMES = (
    Fraction(1),
    Fraction(2),
    Fraction(1, 2),
    Fraction(5, 2),
    Fraction(1, 3),
    Fraction(7, 3),
    Fraction(6, 7),
)
SHAPES = ((2,), (3,), (4,), (2, 2), (5,), (2, 3), (6,), (7,), (2, 2, 2), (8,), (3, 3), (2, 5), (3, 4), (4, 4))


class Bundle(NamedTuple):
    """Ends of a bundle, and its class of links."""

    source: int
    destination: int
    link_class: int = 0


def fabric(chips: int, lanes: Mapping[Bundle, int], classes: Sequence[LinkClass]) -> Fabric:
    """Return a fabric of bundles with their numbers of lanes."""
    rows = [(*bundle, lane) for bundle in sorted(lanes) for lane in range(lanes[bundle])]
    source, destination, link_class, lane = np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy()
    return replace(
        fabric_of([], grid=(1, chips)),
        # Whatever is drawn fits.
        chip=replace(CHIP, sram_bytes=10**9),
        turnaround_cycles=0,
        link_classes=tuple(classes),
        source=source,
        destination=destination,
        lane=lane,
        link_class=link_class,
        link_down=np.zeros(len(rows), dtype=np.bool_),
    )


@st.composite
def link_classes(draw: st.DrawFn) -> LinkClass:
    """Draw a rate and a latency."""
    vector_time = draw(st.sampled_from(VECTOR_TIMES))
    return LinkClass("link", draw(st.integers(0, 6)), vector_time, Fraction(100), Fraction(100))


@st.composite
def random_fabrics(draw: st.DrawFn, *, most_chips: int = 6) -> Fabric:
    """Draw a fabric without regularity; every chip reaches every other."""
    chips = draw(st.integers(2, most_chips))
    classes = draw(st.lists(link_classes(), min_size=1, max_size=3))
    of_class = st.integers(0, len(classes) - 1)
    ring = draw(st.permutations(range(chips)))
    bundles = {Bundle(a, b, draw(of_class)) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)}
    ends = st.tuples(st.integers(0, chips - 1), st.integers(0, chips - 1)).filter(lambda pair: pair[0] != pair[1])
    bundles |= {Bundle(*pair, draw(of_class)) for pair in draw(st.lists(ends, max_size=2 * chips))}
    return fabric(chips, {bundle: draw(st.integers(1, 3)) for bundle in sorted(bundles)}, classes)


@st.composite
def one_way_fabrics(draw: st.DrawFn, *, most_chips: int = 6) -> Fabric:
    """Draw a fabric in which links lead from lower to higher chips only: chip 0 reaches all, the last is reached."""
    chips = draw(st.integers(2, most_chips))
    pairs = [(a, b) for a in range(chips) for b in range(a + 1, chips)]
    chain = {(chip, chip + 1) for chip in range(chips - 1)}
    ends = sorted(chain | draw(st.sets(st.sampled_from(pairs), max_size=chips)))
    wire = draw(link_classes())
    return fabric(chips, {Bundle(*pair): draw(st.integers(1, 2)) for pair in ends}, [wire])


@st.composite
def regular_fabrics(draw: st.DrawFn) -> Fabric:
    """Draw a fabric on which translations act: tori, hypercubes, circulants, HyperX, and their directed kin."""
    shape = draw(st.sampled_from(SHAPES))
    classes = draw(st.lists(link_classes(), min_size=1, max_size=2))
    numbers = list(product(*(range(size) for size in shape)))
    units = [tuple(int(axis == place) for place in range(len(shape))) for axis in range(len(shape))]
    steps = dict.fromkeys([*units, *draw(st.lists(st.sampled_from(numbers[1:]), max_size=3))])
    lanes: dict[Bundle, int] = {}
    for step in steps:
        link_class, count = draw(st.integers(0, len(classes) - 1)), draw(st.integers(1, 2))
        for source, number in enumerate(numbers):
            moved = tuple((a + b) % size for a, b, size in zip(number, step, shape, strict=True))
            lanes[Bundle(source, numbers.index(moved), link_class)] = count
    return fabric(len(numbers), lanes, classes)


@st.composite
def problems(
    draw: st.DrawFn,
    *,
    kinds: Sequence[Kind] = KINDS,
    fabrics: st.SearchStrategy[Fabric] | None = None,
    most_vectors: int = 7,
    limits: bool = True,
) -> Instance:
    """Draw a collective of all or some chips of a fabric, with relays or without, on wires of either sort."""
    where = draw(fabrics if fabrics is not None else st.one_of(random_fabrics(), regular_fabrics()))
    limit = st.sampled_from((None, None, 1, 2)) if limits else st.none()
    where = replace(
        where,
        turnaround_cycles=draw(st.integers(0, 3)),
        wire=draw(st.sampled_from(("pipelined", "pipelined", "busy"))),
        inject_per_cycle=draw(limit),
        eject_per_cycle=draw(limit),
    )
    kind = draw(st.sampled_from(kinds))
    chips = draw(members(where.chips))
    root = draw(st.integers(0, len(chips) - 1)) if kind in ROOTED else 0
    collective = Collective(kind, len(chips), draw(st.integers(1, most_vectors)), root)
    relays, guard = draw(st.booleans()), draw(st.integers(0, 2))
    problem = _problem(where, chips, collective, relays=relays)
    network = problem.network.with_guards(guard)
    return replace(problem, network=network, add_cost=draw(add_costs(problem.add_cost)))


def _problem(where: Fabric, chips: Sequence[int], collective: Collective, *, relays: bool) -> Instance:
    """Return the problem; with relays where it cannot be solved without."""
    if not relays:
        with suppress(InfeasibleError):
            return collective_instance(where, chips, collective, relays=False)
    try:
        return collective_instance(where, chips, collective, relays=True)
    except InfeasibleError:
        reject()


@st.composite
def members(draw: st.DrawFn, chips: int) -> list[int]:
    """Draw who takes part: all chips, every second or third, or any of them in any order."""
    every = draw(st.sampled_from((1, 1, 1, 2, 3, 0)))
    if every:
        return list(range(0, chips, every))
    return draw(st.permutations(range(chips)))[: draw(st.integers(1, chips))]


def add_costs(of_chip: AddCost) -> st.SearchStrategy[AddCost]:
    """Draw what a sum costs: nothing, with no fixed part, with one, or less than nothing for the smallest."""
    free = replace(of_chip, operations_per_cycle=0)
    cheap = replace(of_chip, vector_bytes=4, elements_per_vector=2, sram_bytes_per_cycle=4, fixed_cycles=0)
    dear = replace(cheap, fixed_cycles=3)
    within_hop = replace(cheap, cycles_in_hop=4)
    return st.sampled_from((cheap, free, dear, within_hop))
