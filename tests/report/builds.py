"""Builds of many segments for the tests of the report: the two-chip build, laid down several times."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lpxsched.timetable.columns import Table
from lpxsched.timetable.documents import GraphFile, canonical_json
from lpxsched.units import ceil_cycles
from tests.builds import ints, signed, two_chip_build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Chips, Integers

PAIRS_PER_TRAY = 2

AnyTable = TypeVar("AnyTable", bound=Table)


def repeated_build(copies: int) -> Build:
    """Return a build of `copies` segments, each a two-chip build with a host, chips and links of its own.

    Segment s runs layer s on chips 2s and 2s + 1; two segments share a tray.
    """
    one = two_chip_build()
    # Nodes: all chips come before all hosts.
    nodes = [ints(2 * copy, 2 * copy + 1, 2 * copies + copy) for copy in range(copies)]
    slots = _repeat(one.slots, copies, tensor=14, link=6)
    operators = _repeat(one.operators, copies, operator=12, segment=1, layer=1)
    tensors = _repeat(one.tensors, copies, tensor=14, producer=12)
    links = _repeat(one.links, copies, link=6)
    weights = np.tile(one.tensors.producer < 0, copies)
    graph = _graph(one.graph, nodes)
    # All segments are alike, and no other result is told.
    results = {key: copies * value for key, value in one.manifest.results.items()}
    build = replace(
        one,
        slots=slots,
        operators=replace(operators, chip=_renumbered(nodes, one.operators.chip)),
        operands=_repeat(one.operands, copies, operator=12, tensor=14),
        tensors=replace(
            tensors,
            chip=_renumbered(nodes, one.tensors.chip),
            producer=np.where(weights, -1, tensors.producer),
        ),
        chips=_nodes(one, copies),
        links=replace(links, src=_renumbered(nodes, one.links.src), dst=_renumbered(nodes, one.links.dst)),
        segments=_repeat(one.segments, copies, segment=1, frame=1),
        frames=_repeat(one.frames, copies, frame=1),
        deskews=_repeat(one.deskews, copies, frame=1),
        graph=graph,
        graph_json=canonical_json(graph),
        manifest=one.manifest.model_copy(update={"results": results}),
    )
    return signed(build)


def whole_model(build: Build, visits: int, **results: Any) -> Build:
    """Return a build as that of a whole model on the chips: layer 0 is the embedding, the last visit the head."""
    told = {"visits": visits, "layers": visits - 2, "problems": [], **results}
    return replace(build, manifest=build.manifest.model_copy(update={"results": told}))


def in_flight(build: Build, *, owned: int = 4, gaps: tuple[int, ...] = ()) -> Build:
    """Return a build as one in flight: so many of 8 windows of 1,000 cycles are owned, and those in `gaps` left out."""
    whole = np.full_like(build.frames.period_cycles, 1000)
    frames = replace(
        build.frames, period_cycles=whole, windows=np.full_like(whole, 8), gaps=tuple(ints(*gaps) for _ in whole)
    )
    results = build.manifest.results | {"in_flight": owned}
    return replace(build, frames=frames, manifest=build.manifest.model_copy(update={"results": results}))


def renamed_class(build: Build, old: str, new: str) -> Build:
    """Return a build that calls a class of its links by another name."""
    names = [new if name == old else name for name in build.links.link_class.tolist()]
    return replace(build, links=replace(build.links, link_class=np.array(names)))


def _graph(one: GraphFile, nodes: list[Integers]) -> GraphFile:
    """Return a graph that places each layer on chips of its own."""
    groups = [{"group": copy, "chips": row[:2].tolist(), "hosts": [int(row[2])] * 2} for copy, row in enumerate(nodes)]
    layers = [{"layer": copy, "group": copy} for copy in range(len(nodes))]
    segments = [{"segment": copy, "layers": [copy]} for copy in range(len(nodes))]
    return GraphFile.model_validate(one.model_dump() | {"groups": groups, "layers": layers, "segments": segments})


def _repeat(table: AnyTable, copies: int, **steps: int) -> AnyTable:
    """Return the rows `copies` times; the named columns grow by their step from copy to copy."""
    columns = {}
    for field in fields(table):
        column = getattr(table, field.name)
        columns[field.name] = column * copies if isinstance(column, tuple) else np.tile(column, copies)
        if field.name in steps:
            columns[field.name] = columns[field.name] + np.repeat(np.arange(copies) * steps[field.name], len(column))
    return type(table)(**columns)


def _renumbered(nodes: list[Integers], column: Integers) -> Integers:
    return np.concatenate([numbers[column] for numbers in nodes])


def _nodes(one: Build, copies: int) -> Chips:
    chips = 2 * copies
    rows = np.append(np.tile(ints(0, 1), copies), np.full(copies, 2, dtype=np.int64))
    columns = {field.name: getattr(one.chips, field.name)[rows] for field in fields(one.chips)}
    trays = [f"{chip // (2 * PAIRS_PER_TRAY)}.{chip % (2 * PAIRS_PER_TRAY)}" for chip in range(chips)]
    columns["chip"] = np.arange(3 * copies, dtype=np.int64)
    # All hang from chip 0.
    columns["hac_parent"] = np.zeros(3 * copies, dtype=np.int64)
    columns["hac_depth"] = np.minimum(columns["chip"], 1)
    columns["position"] = np.array([*trays, *(f"host {copy}" for copy in range(copies))])
    return type(one.chips)(**columns)


def delayed_build(v: Fraction, latency: int, guard: int, delays: Sequence[int]) -> Build:
    """Return a two-chip build of another wire in which each of 13 steps waits longer than it has to.

    Every delay is unforced, so the critical path has exactly their sum of it. Links to the host have no guard, and 2
    cycles more of latency. The sum starts at once: what turns round meanwhile is forced.
    """
    delay = iter(delays)

    def read(depart: int) -> int:
        return ceil_cycles(depart + v + latency + guard) + next(delay)

    ingress = 2 + next(delay)
    from_host = ingress + next(delay)
    at_first = read(from_host)
    relay = at_first + 3 + next(delay)
    at_second = read(relay)
    router = ceil_cycles(at_second + v) + next(delay)
    experts = router + 11 + next(delay)
    combine = experts + 20 + next(delay)
    exchange = combine + 5 + next(delay)
    summand = read(exchange)
    add = ceil_cycles(summand + v)
    to_host = ceil_cycles(summand + v + 3 + 6) + next(delay)
    result = ceil_cycles(to_host + v + latency + 2) + next(delay)
    egress = ceil_cycles(result + v) + next(delay)
    return timed_build(
        v,
        latency,
        guard,
        departs=(relay, exchange, to_host, from_host),
        reads=(at_second, summand, result, at_first),
        starts=(ingress, router, experts, combine, add, egress),
    )


def timed_build(
    v: Fraction,
    latency: int,
    guard: int,
    *,
    departs: tuple[int, int, int, int],
    reads: tuple[int, int, int, int],
    starts: tuple[int, int, int, int, int, int],
) -> Build:
    """Return a two-chip build of other times: slots of the relay, the exchange, to and from the host."""
    one = two_chip_build()
    step = np.array([0, 1, 2, 0, 1, 2, 3, 3])
    return replace(
        one,
        slots=replace(one.slots, depart=ints(*departs)[step], read=ints(*reads)[step]),
        operators=replace(one.operators, start=np.repeat(ints(*starts), 2)),
        links=replace(
            one.links,
            latency_cycles=latency + ints(0, 2, 0, 2, 0, 0),
            guard_cycles=guard * ints(1, 0, 1, 0, 1, 1),
            vector_time_numerator=np.full(6, v.numerator, dtype=np.int64),
            vector_time_denominator=np.full(6, v.denominator, dtype=np.int64),
        ),
        segments=replace(one.segments, makespan_cycles=ints(starts[-1])),
    )
