"""What a manifest tells after a repair: makespans, waiting, times and traffic follow from the rows anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.assembly.headline import headline_results, picoseconds_up
from lpxsched.assembly.results import traffic
from lpxsched.clocks.latency import nominal_ns, reserved_step_ns
from lpxsched.errors import InputError
from lpxsched.files.ranged import Ranged
from lpxsched.reschedule.clocks import tree_depth
from lpxsched.reschedule.waiting import waiting_of, with_covering_deskews
from lpxsched.reschedule.windows import loads_again, reserved_again
from lpxsched.simulation.alignment import read_alignment
from lpxsched.simulation.bound.latency import latency_of
from lpxsched.simulation.manifest import read_clock, read_clock_mhz
from lpxsched.timetable.reader import MANIFEST
from lpxsched.units import cycles_to_ns, exact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from lpxsched.compiled.kernels import Integers
    from lpxsched.reschedule.windows import Reserved
    from lpxsched.timetable.build import Build

# The proof of a bound that `earliest` raised, or that stands where that of before does not hold.
SHORTEST_WAYS = "shortest ways"
# What follows from a step, and from files that a build folder does not hold.
NOT_FROM_ROWS = ("targets", "published_formulas_ns")


def latest_ends(build: Build, start: Integers) -> Integers:
    """Return the last start of an operator that ends its segment, by segment; `start` is that of each operator."""
    ends = {(operator.layer, operator.kind) for operator in build.graph.operators if operator.ends}
    operators = build.operators
    named = zip(operators.layer.tolist(), operators.kind.tolist(), strict=True)
    ending = np.array([name in ends for name in named], dtype=np.bool_)
    makespans = np.zeros(len(build.segments), dtype=np.int64)
    np.maximum.at(makespans, operators.segment[ending], start[ending])
    return makespans


def with_results(before: Build, build: Build) -> Build:
    """Return a build whose segments and results say what its rows take.

    Parameters
    ----------
    before, build : Build
        Before its repair, and after it.

    Raises
    ------
    NothingFoundError
        When the deskews of a frame do not cover it any more, or micro-batches in flight find no windows.
    """
    build = replace(build, segments=replace(build.segments, waiting_cycles=waiting_of(build)))
    repeats = bool(build.frames.period_cycles.any())
    if not repeats:
        build = with_covering_deskews(build)
    makespans = latest_ends(build, build.operators.start)
    build = replace(build, segments=replace(build.segments, makespan_cycles=makespans))
    # A spare may compute another layer already.
    chips = {chip for segment in range(len(build.segments)) for chip in build.graph.chips_of(segment)}
    told = build.manifest.results | traffic(build.slots, build.tensors) | {"chips": len(chips)}
    if "in_flight" in told and _number(told, "in_flight") > 1:
        build, reserved = reserved_again(before, build)
        told |= _makespan(build) | _reserved(build, told, reserved)
    elif repeats:
        told |= _makespan(build) | _times(build, told)
    else:
        told |= _makespan(build)
        told |= _lengths(build, told) | _times(build, told)
    if told.get("step_ns") != build.manifest.results.get("step_ns"):
        told = {key: value for key, value in told.items() if key not in NOT_FROM_ROWS}
    return replace(build, manifest=build.manifest.model_copy(update={"results": told}))


def _makespan(build: Build) -> dict[str, Any]:
    makespan = int(build.segments.makespan_cycles.sum())
    makespan_ns = picoseconds_up(nominal_ns(read_clock_mhz(build), makespan_cycles=[makespan]))
    return {"makespan_cycles": makespan, "makespan_ns": makespan_ns}


def _reserved(build: Build, told: dict[str, Any], reserved: Reserved) -> dict[str, Any]:
    """Return what is told of micro-batches in flight: steps, windows and who owns them."""
    chain, clock_mhz, micro_batches = reserved.chain, read_clock_mhz(build), len(reserved.owned)
    longest_ns = reserved_step_ns(read_clock(build), clock_mhz, step_cycles=chain.step_cycles, depth=tree_depth(build))
    headline = headline_results(
        nominal_ns(clock_mhz, makespan_cycles=build.segments.makespan_cycles.tolist()),
        longest_ns - _assumed(told).high,
        _assumed(told),
        list(told.get("not_modelled", ())),
        emitted=_emitted(build, told, micro_batches),
        step_ns=cycles_to_ns(reserved.step_cycles, clock_mhz),
    )
    residues, servers = zip(*reserved.owned, strict=True)
    if "deskews" in told:
        headline["deskews"] = told["deskews"] | {"count": int(np.count_nonzero(build.deskews.frame == 0))}
    return headline | {
        "windows": chain.windows,
        "longest_step_ns": picoseconds_up(cycles_to_ns(chain.step_cycles, clock_mhz)),
        "loads": loads_again(build, told.get("loads", []), micro_batches),
        "rest_cycles": reserved.rests.tolist(),
        "residues": list(residues),
        "servers": list(servers),
    }


def _lengths(build: Build, told: dict[str, Any]) -> dict[str, Any]:
    makespan, bound = (
        int(column.sum()) for column in (build.segments.makespan_cycles, build.segments.lower_bound_cycles)
    )
    lengths: dict[str, Any] = {
        "status": "optimal" if makespan == bound else "feasible",
        "lower_bound_cycles": bound,
        "bound": told.get("bound", "") if bound == told.get("lower_bound_cycles") else SHORTEST_WAYS,
        "gap": round(max(1, makespan) / max(1, bound), 6),
    }
    if "mapping_gap" in told:
        found = told.get("mapping_bound_ns") and _number(told, "makespan_ns") / _number(told, "mapping_bound_ns")
        lengths["mapping_gap"] = round(float(found), 6) if found else None
    return lengths


def _times(build: Build, told: dict[str, Any]) -> dict[str, Any]:
    clock, clock_mhz = read_clock(build), read_clock_mhz(build)
    alignment = read_alignment(build, clock.shared_by.value)
    worst_ns = latency_of(build, alignment, clock, clock_mhz).step_ns
    if "assumed_ns" not in told:
        return {"proved_worst_ns": picoseconds_up(worst_ns)}
    proved_ns = nominal_ns(clock_mhz, makespan_cycles=build.segments.makespan_cycles.tolist())
    missing = list(told.get("not_modelled", ()))
    return headline_results(proved_ns, worst_ns, _assumed(told), missing, emitted=_emitted(build, told, 1))


def _assumed(told: Mapping[str, Any]) -> Ranged:
    return Ranged(*(_number(told, key) for key in ("assumed_ns", "assumed_low_ns", "assumed_high_ns")))


def _emitted(build: Build, told: Mapping[str, Any], micro_batches: int) -> tuple[int, Fraction]:
    return int(_number(build.manifest.options, "batch", "options")) * micro_batches, _number(told, "acceptance_length")


def _number(told: Mapping[str, Any], key: str, part: str = "results") -> Fraction:
    """Return a number of a part of the manifest, as it was written."""
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(MANIFEST, f"must be a number, got {value!r}; compile the build again", key=f"{part}.{key}")
    return exact(value)
