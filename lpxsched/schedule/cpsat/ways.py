"""From what a search found to CP-SAT with ways left open, and back.

Of a collective stages follow each other, each from the best so far: the blocks at hand on representatives of orbits,
single vectors on representatives, single vectors without symmetry. The last may prove that no schedule is shorter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

from lpxsched.schedule.cpsat.plans import has_whole_pitches, single_vectors, slots_of, timed, without_symmetry
from lpxsched.schedule.cpsat.search import Routed, rerouted, shortened
from lpxsched.schedule.cpsat.trips import collective_trips, is_modelled, layer_trips
from lpxsched.schedule.result import LowerBound

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.cpsat.trips import Trips
    from lpxsched.schedule.cpsat.variables import Slots
    from lpxsched.schedule.found import Found
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Quotient

PROVED = "CP-SAT"


@dataclass(frozen=True, slots=True)
class Extent:
    """What is modelled.

    Attributes
    ----------
    most_pairs : int
        Pairs of a block and a bundle up to which representatives of orbits are modelled.
    most_pairs_of_all : int
        The same without symmetry.
    """

    most_pairs: int
    most_pairs_of_all: int


class Start(NamedTuple):
    """Trips of the blocks of a stage, with a schedule of them, if one is known."""

    trips: Trips
    slots: Slots | None


def improved_layer(found: Found[Padded], effort: Effort) -> Found[Padded]:
    """Return a better plan of a layer, with other ways where these help, or what was found."""
    trips = layer_trips(found.problem, found.plan)
    if not is_modelled(found.plan, trips):
        return found
    return cast("Found[Padded]", shortened(trips, found, effort))


def improved_ways(found: Found[Quotient], effort: Effort, extent: Extent) -> tuple[Found[Quotient], LowerBound | None]:
    """Return a better plan of a collective, or what was found; and what is proved besides.

    The lower bound is proved where a model that holds every schedule has no solution. It holds them all: of all pieces,
    since no symmetry is asked for; of all ways that are in time; of copies, since sums may be made in other ways; of
    single vectors, into which every slot can be cut where pitches are whole cycles (`single_vectors`). Where they are
    not, a slot of several vectors, be they of several pieces, holds its link for less than these do one by one, and
    nothing is proved. Rounding to steps (`variables`) and an order of vectors that may change places lose no makespan.

    Parameters
    ----------
    found : Found
    effort : Effort
        Of all stages.
    extent : Extent
    """
    best, proved = found, None
    stages = _stages(found, extent)
    share = replace(effort, seconds=effort.seconds / max(1, len(stages)))
    for stage in stages:
        if best.placement.makespan_cycles <= effort.enough_cycles:
            break
        start = _start(best, stage)
        if start is None:
            break
        trips, is_whole = start.trips, has_whole_pitches(start.trips.problem)
        proves = stage is _vectors_of_all and is_whole and not found.problem.instance.stage.is_sum
        known = timed(trips, start.slots, {}, []) if start.slots is not None else None
        routed = rerouted(
            trips,
            Routed(known, best.placement.makespan_cycles, effort.enough_cycles),
            share,
            from_below=proves,
        )
        if routed.makespan_cycles < best.placement.makespan_cycles and routed.found is not None:
            best = cast("Found[Quotient]", routed.found)
        if proves and routed.least_cycles > effort.enough_cycles:
            proved = LowerBound(routed.least_cycles, PROVED)
    return best, proved


def _stages(found: Found[Quotient], extent: Extent) -> list[Callable[[Start], Start]]:
    """Return what makes the start of each stage from the best plan, without those that are too large."""
    stages: list[Callable[[Start], Start]] = []
    blocks, symmetry, bundles = found.plan.blocks, found.problem.symmetry, found.problem.network.bundles
    vectors = int(blocks.vectors.sum())
    if symmetry.order > 1 and len(blocks) * bundles <= extent.most_pairs:
        stages.append(_as_they_are)
    if symmetry.order > 1 and len(blocks) < vectors <= extent.most_pairs // bundles:
        stages.append(_vectors)
    if vectors * symmetry.order * bundles <= extent.most_pairs_of_all:
        stages.append(_vectors_of_all)
    return stages


def _start(found: Found[Quotient], stage: Callable[[Start], Start]) -> Start | None:
    """Return the start of a stage, None where the collective is not made of trips: an all-reduce in other phases."""
    # What is summed beside its reader has blocks that end there; trips are those of the pieces.
    blocks, flow = found.plan.blocks, found.problem.flow
    blocks = replace(blocks, source=flow.source[blocks.piece], target=flow.target[blocks.piece])
    trips = collective_trips(found.problem, blocks)
    if is_modelled(found.plan, trips):
        return stage(Start(trips, slots_of(trips, found)))
    return None if found.problem.instance.stage.kind == "all-reduce" else stage(Start(trips, None))


def _as_they_are(start: Start) -> Start:
    return start


def _vectors(start: Start) -> Start:
    return Start(*single_vectors(*start))


def _vectors_of_all(start: Start) -> Start:
    return _vectors(Start(*without_symmetry(*start)))
