"""Builds that are broken in one way each, signed again, and unusual ones that are not broken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.verify.check import check
from tests.builds import signed, two_chip_build
from tests.polled import polled_build
from tests.verify.changes import change, later, repeating, rules, with_graph, with_group, with_rows, without
from tests.verify.collectives import LAID, build_of, collective_build, limited

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.build import Build


def cells(table: str, row: int, **values: int | str | bool | float) -> Callable[[Build], Build]:
    """Return what changes cells of one row."""
    return lambda build: change(build, table, row, **values)


def column(table: str, name: str, value: int | float) -> Callable[[Build], Build]:
    """Return what sets a whole column of a table."""

    def set_column(build: Build) -> Build:
        old = getattr(getattr(build, table), name)
        new = np.full_like(old, value)
        return signed(replace(build, **{table: replace(getattr(build, table), **{name: new})}))

    return set_column


def dropped(table: str, row: int) -> Callable[[Build], Build]:
    """Return what drops a row."""
    return lambda build: without(build, table, row)


def added(table: str, *row: Any) -> Callable[[Build], Build]:
    """Return what adds a row."""
    return lambda build: with_rows(build, table, row)


def said(**values: Any) -> Callable[[Build], Build]:
    """Return what changes the manifest."""
    return lambda build: signed(replace(build, manifest=build.manifest.model_copy(update=values)))


def results(**values: int | float | str) -> Callable[[Build], Build]:
    """Return what changes results of the manifest."""
    return lambda build: said(results=build.manifest.results | values)(build)


def both(one: Callable[[Build], Build], other: Callable[[Build], Build]) -> Callable[[Build], Build]:
    """Return one change after another."""
    return lambda build: other(one(build))


def clock(**values: float) -> Callable[[Build], Build]:
    """Return what changes numbers of the clock."""

    def set_clock(build: Build) -> Build:
        old = build.manifest.clock
        return said(clock=old | {key: old[key] | {"value": value} for key, value in values.items()})(build)

    return set_clock


def group(**values: Any) -> Callable[[Build], Build]:
    """Return what changes the one group of the graph."""
    return lambda build: with_group(build, **values)


def graph_operator(row: int, **values: Any) -> Callable[[Build], Build]:
    """Return what changes an operator of the graph."""

    def set_operator(build: Build) -> Build:
        operators = build.graph.model_dump()["operators"]
        operators[row] |= values
        return with_graph(build, operators=operators)

    return set_operator


# Rows of the build of two chips: slots 0, 3 between the chips, 1, 4 with summands, 2, 5 to the host, 6, 7 from it;
# operators 0, 1 ingress, 2, 3 router, 4, 5 experts, 6, 7 combine, 8, 9 adds, 10, 11 egress.
# Each breaks the rules named, first the one that it is about.
MODEL: dict[str, tuple[Callable[[Build], Build], str]] = {
    "a vector leaves before it was read and turned around": (cells("slots", 0, depart=22), "R2"),
    "a vector leaves before it was produced": (cells("slots", 1, depart=79), "R2"),
    "a sum leaves without paying its turnaround": (cells("slots", 2, depart=109), "R2"),
    "a read before the nominal arrival": (cells("slots", 0, read=35), "R2 R8"),
    "a read at a host before the nominal arrival": (cells("slots", 2, read=124), "R2"),
    "a slower link": (cells("links", 0, latency_cycles=16), "R2 R8"),
    "a read before the clocks allow it": (cells("slots", 0, read=40), "R8"),
    "a read on a lane of the host before the clocks allow it": (cells("slots", 6, read=19), "R8"),
    "links with more jitter": (clock(jitter_peak_to_peak_ns=3.7), "R8"),
    "alignment that leaves more": (clock(residual_ns=1.9), "R8 R9"),
    "a crossing that takes longer": (clock(crossing_cycles=2), "R8"),
    "a buffer of one vector": (column("chips", "deskew_buffer_vectors", 1), "R8"),
    "a chip in no tree": (cells("chips", 1, hac_parent=-1, hac_depth=-1), "R8"),
    "two trees": (cells("chips", 1, hac_parent=1, hac_depth=0), "R8"),
    "a depth that is none": (cells("chips", 1, hac_depth=2), "R8"),
    "a host in the tree": (cells("chips", 2, hac_parent=0, hac_depth=1), "R8"),
    "a slot on a link from elsewhere": (cells("slots", 1, link=2), "R1 R3"),
    "two slots on a link at once": (cells("slots", 1, depart=27), "R1 R2"),
    "a link that is down": (cells("links", 0, down=True), "R1 R8"),
    "a slot of a tensor that is elsewhere": (cells("slots", 1, tensor=7), "R1 R3"),
    "a slot goes to another node": (cells("links", 0, dst=2), "R1 R3 R8"),
    "a group of other chips": (group(chips=[1, 0]), "R3"),
    "a slot is missing": (dropped("slots", 1), "R3"),
    "a slot comes twice": (added("slots", 6, 2, 2, 0, 90, 108), "R3 R2"),
    "a slot is too short": (cells("slots", 1, vectors=1), "R3"),
    "a slot begins a vector too late": (cells("slots", 1, first_vector=1), "R3"),
    "an operator starts before its operand is there": (cells("operators", 6, start=74), "R3"),
    "an operator does not read all that it must": (cells("operands", 1, vectors=1), "R3"),
    "an operator is missing": (dropped("operators", 11), "R3"),
    "an operator runs elsewhere": (cells("operators", 4, chip=1), "R3 R4"),
    "an operator of another kind": (cells("operators", 6, kind="rest"), "R3"),
    "an operator of another shard": (cells("operators", 6, shard=1), "R3 R5"),
    "a tensor of another type": (cells("tensors", 6, dtype="fp8"), "R3"),
    "a tensor with another offset": (cells("tensors", 8, offset=1), "R5 R3"),
    "a makespan that is too short": (cells("segments", 0, makespan_cycles=127), "R3"),
    "a bound above the makespan": (cells("segments", 0, lower_bound_cycles=129), "R3"),
    "experts that do nothing": (cells("operators", 4, sram_bytes=0, macs=0, cycles=0), "R4"),
    "experts that read less": (cells("operators", 4, sram_bytes=959), "R4"),
    "a pipeline that takes no time": (cells("operators", 2, fixed_cycles=0, cycles=10), "R4"),
    "a sum that takes no time": (cells("operators", 8, fixed_cycles=0, cycles=2), "R4"),
    "a sum of fewer elements": (cells("operators", 8, macs=319), "R4"),
    "an operator that is too short": (cells("operators", 2, cycles=10), "R4"),
    "an operator in a faster type": (cells("operators", 2, dtype="fp8"), "R4"),
    "a sum in another type": (cells("operators", 8, dtype="fp32"), "R4"),
    "two operators on a unit at once": (cells("operators", 4, start=54), "R4 R3"),
    "a matrix unit that gets less of the SRAM": (column("chips", "sram_efficiency", 0.5), "R4"),
    "chips that cut columns otherwise": (column("chips", "shard_columns", 3), "R4"),
    "slower pipelines": (column("chips", "matrix_fixed_cycles", 2), "R4"),
    "a graph that asks for more work": (graph_operator(2, rows=9), "R4"),
    "a graph that asks for work of another unit": (graph_operator(2, unit="vector"), "R4"),
    "weights that take no place": (cells("chips", 0, weight_bytes=0), "R4"),
    "a tensor with fewer bytes": (cells("tensors", 4, bytes=2559), "R3"),
    "a sum in a layout of no name": (cells("tensors", 8, layout="replicated"), "R5"),
    "weights with fewer bytes": (cells("tensors", 12, bytes=639), "R4"),
    "weights of another type": (cells("tensors", 12, dtype="bf16"), "R4"),
    "weights that nobody reads": (dropped("operands", 9), "R4"),
    "a summand is left out": (cells("operands", 19, tensor=6), "R5 R3"),
    "a summand is taken for the sum": (cells("operands", 22, tensor=6), "R5 R3"),
    "chips of one byte": (column("chips", "sram_bytes", 1), "R6"),
    "weights that fill the SRAM": (column("chips", "sram_bytes", 960), "R6"),
    "a chip that may end no vector": (cells("chips", 0, eject_per_cycle=0), "R7"),
    "a host that begins too many vectors": (cells("chips", 2, inject_per_cycle=1), "R7"),
    "a slot read with the next one on its link": (cells("slots", 0, read=97), "R3 R8"),
    "a deskew over what runs": (added("deskews", 0, 60, 4, 0), "R9"),
    "a deskew over departures": (added("deskews", 0, 81, 2, 0), "R9"),
    "a deskew over a read": (added("deskews", 0, 43, 1, 0), "R9"),
    "a deskew within another": (added("deskews", 0, 1, 4, 0), "R9 R8"),
    "no deskew": (dropped("deskews", 0), "R9"),
    "a segment that opens too late": (cells("deskews", 0, cycle=1, stall=1), "R9"),
    "a stall that is too short": (cells("deskews", 0, stall=1), "R9"),
    "waiting for which the stall is too short": (lambda _: told_less(polled_build(875)), "R9"),
    "a counter that the clocks outrun": (clock(hac_period_cycles=3), "R9"),
    "clocks that drift through a timetable that repeats": (lambda build: repeating(build, 200), "R9"),
    "a deadline that is missed": (cells("segments", 0, deadline_cycles=127), "R10"),
    "a wait shorter than a start": (cells("segments", 0, waiting_cycles=503), "R9"),
    "a wait shorter than a pass": (lambda _: told_less(polled_build(251)), "R9"),
    "a proved worst that does not hold": (results(proved_worst_ns=636.5), "R3"),
    "a bound that the segments do not have": (results(lower_bound_cycles=1), "R3"),
    "a proof without a bound": (both(cells("segments", 0, lower_bound_cycles=1), results(status="optimal")), "R3"),
    "a deadline that nobody asked for": (said(options={"deadline": 200}), "R10"),
}

# Rows of the all-reduce of three chips: slots in pairs on links 0 to 5, the summand at 0, the sum at 22; operators 0 to
# 2 sources, 3 to 5 deliveries, 6 to 8 adds; operands in threes, first those of the deliveries.
COLLECTIVE: dict[str, tuple[Callable[[Build], Build], str]] = {
    "a sum leaves without paying its turnaround": (cells("slots", 1, depart=21), "R2"),
    "a read before the nominal arrival": (cells("slots", 0, read=12), "R2 R8"),
    "a slot on a link from elsewhere": (cells("slots", 0, link=2), "R1 R3"),
    "two slots on a link at once": (cells("slots", 1, depart=2), "R1 R2"),
    "a slot is missing": (dropped("slots", 0), "R3"),
    "a slot comes twice": (added("slots", 0, 1, 1, 0, 50, 63), "R3 R2"),
    "a slot of another vector": (cells("slots", 0, first_vector=2), "R3"),
    "a delivery before its last vector": (cells("operators", 3, start=34), "R3"),
    "a delivery that reads less": (dropped("operands", 0), "R3"),
    "a sum that takes no time": (cells("operators", 6, fixed_cycles=0, cycles=2), "R4"),
    "a source that works": (cells("operators", 0, macs=1), "R4"),
    "a sum on another unit": (cells("operators", 6, unit="matrix"), "R4"),
    "a summand enters twice": (cells("operands", 10, tensor=0), "R5 R3"),
    "a sum in another layout": (cells("tensors", 3, layout="partial"), "R5"),
    "chips of one byte": (column("chips", "sram_bytes", 1), "R6"),
    # At 13 a chip holds its own summand, the 2 that arrived and their sum.
    "chips of less than four vectors": (column("chips", "sram_bytes", 1279), "R6"),
    "a chip that may begin one vector": (cells("chips", 0, inject_per_cycle=1), "R7"),
    "a buffer of no vector": (column("chips", "deskew_buffer_vectors", 0), "R8"),
    "links with jitter": (clock(jitter_peak_to_peak_ns=1), "R8"),
    "clocks that drift": (clock(offset_ppm=100), "R8 R9"),
    "a deskew over what runs": (added("deskews", 0, 14, 2, 0), "R9"),
    "a period that is too short": (lambda build: repeating(build, 5), "R1 R4"),
    "a relay that is none": (group(relays=[7]), "R1"),
    "a deadline that is missed": (cells("segments", 0, deadline_cycles=34), "R10"),
}


def told_less(build: Build) -> Build:
    """Return a build of two chips without its claim of the longest time, which changes of clocks would break too."""
    kept = {key: build.manifest.results[key] for key in ("makespan_cycles", "lower_bound_cycles")}
    return said(results=kept)(build)


@pytest.mark.parametrize("what", MODEL)
def test_a_broken_model_is_found(what: str) -> None:
    """Tests each way to break the build of two chips: just the rules that it breaks are told, and the hash is right."""
    broken, told = MODEL[what]
    report = check(broken(told_less(two_chip_build())))
    assert report.content_ok
    assert {violation.rule for violation in report.violations} == set(told.split())


@pytest.mark.parametrize("what", COLLECTIVE)
def test_a_broken_collective_is_found(what: str) -> None:
    """Tests each way to break an all-reduce of three chips."""
    broken, told = COLLECTIVE[what]
    report = check(broken(collective_build("all-reduce")))
    assert report.content_ok
    assert {violation.rule for violation in report.violations} == set(told.split())


def on_another_lane(build: Build) -> Build:
    """Return a build in which a slot takes a further lane beside its link."""
    return change(with_rows(build, "links", (6, 0, 1, 1, "tray", 10, 5, 2, -1, False)), "slots", 1, link=6)


LEGAL: dict[str, Callable[[Build], Build]] = {
    "no guard is told": column("links", "guard_cycles", -1),
    "a guard of nonsense is told": column("links", "guard_cycles", 1 << 50),
    "another lane": on_another_lane,
    "an idle gap": lambda build: later(build, 10),
    "a longer stall": lambda build: later(build, 10, stall=12),
    "a second deskew in a gap": lambda build: with_rows(later(build, 10), "deskews", (0, 5, 4, 0)),
    "a deeper buffer": column("chips", "deskew_buffer_vectors", 1000),
    "a buffer that is just filled": column("chips", "deskew_buffer_vectors", 2),
    "a larger SRAM": column("chips", "sram_bytes", 1 << 40),
    "limits that are just met": cells("chips", 0, inject_per_cycle=1, eject_per_cycle=1),
    "longer waiting that the stall covers": both(
        cells("segments", 0, waiting_cycles=874), results(proved_worst_ns=1006.7)
    ),
    "a lower bound": both(cells("segments", 0, lower_bound_cycles=1), results(lower_bound_cycles=1)),
    "a deadline that is met": cells("segments", 0, deadline_cycles=128),
    "a hop that holds its guard": said(guard_in_hop=True),
    "clocks that agree better": clock(offset_ppm=0, residual_ns=0),
    "the other chip as root": lambda build: change(
        change(change(build, "frames", 0, time_domain=1), "chips", 0, hac_parent=1, hac_depth=1),
        *("chips", 1),
        hac_parent=1,
        hac_depth=0,
    ),
    "a counter that is just not outrun": clock(hac_period_cycles=4),
    "faster links that are not used so": cells("links", 1, latency_cycles=3),
}


@pytest.mark.parametrize("what", LEGAL)
def test_an_unusual_build_passes(what: str) -> None:
    """Tests that what no rule forbids is not called broken."""
    assert not rules(LEGAL[what](two_chip_build()))


def test_unusual_collectives_pass() -> None:
    """Tests late reads, a late delivery, a tree that nobody needs, a deskew in a gap, a period."""
    late = replace(LAID["all-gather"], starts=[40, 16, 50])
    assert not rules(build_of(late))
    assert not rules(change(build_of(late), "slots", 4, read=30))
    assert not rules(change(build_of(late), "chips", 1, hac_parent=1, hac_depth=0))
    assert not rules(with_rows(build_of(late), "deskews", (0, 20, 9, 0)))
    assert not rules(build_of(late, period=5))
    assert not rules(limited(build_of(late), deskew_buffer_vectors=1))
    assert not rules(limited(collective_build("all-reduce"), sram_bytes=1280))
