"""Layers of one segment, one after the other in one time: equal ones are solved once, deskews lie between them.

The time zero of a layer is the end of the one before: all that it left is there, and no link is held. So layers are
problems of their own, and a program of many costs no more than its kinds do. How many deskews lie between layers, and
where, `deskewing` weighs; inside a layer lie some only where it takes longer than clocks may run apart
(`deskews_inside`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lpxsched.program.whole_model.deskewing import (
    Judge,
    Timed,
    Tried,
    all_tried,
    between_deskews,
    dealt_layers,
    shortest_laid,
)
from lpxsched.program.whole_model.kinds import (
    KindPlan,
    Kinds,
    deskewed_inside,
    greedy_over,
    kept_over,
    kinds_of,
    moved_over,
    results_of,
    searched,
)
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.bounds.walk import earliest_starts
from lpxsched.schedule.flags import polled_cycles
from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
from lpxsched.schedule.opening import bounded
from lpxsched.schedule.problem.layer import LEFT
from lpxsched.schedule.result import LowerBound
from lpxsched.schedule.solve_layer import solve
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpxsched.clocks.limits import DomainClock
    from lpxsched.program.whole_model.flags import FlagWays, Lead
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.problem.network import Network
    from lpxsched.schedule.result import HostFlags


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Layers one after the other.

    Attributes
    ----------
    layers : tuple of ScheduledLayer
    starts : tuple of int
        Time zero of each layer, in the segment's time.
    deskews : tuple of (int, int)
        Cycle and stall of each, the opening one first.
    makespan_cycles : int
    bound : LowerBound
        No program of these layers on these groups is shorter, also one in which layers overlap.
    pass_cycles : int
        Of chips that poll for rows; 0 where none do.
    flags : tuple of Network and HostFlags, or None
        Of hosts whose chips poll, in the segment's time, and the network on which they go.
    tried : tuple of Tried
        Numbers of deskews with what quick schedules come to, the best first; none where deskews lie inside layers.
    """

    layers: tuple[ScheduledLayer, ...]
    starts: tuple[int, ...]
    deskews: tuple[tuple[int, int], ...]
    makespan_cycles: int
    bound: LowerBound
    pass_cycles: int
    flags: tuple[Network, HostFlags] | None
    tried: tuple[Tried, ...]


class _Laid(NamedTuple):
    """Where layers begin, and deskews between and inside them."""

    starts: tuple[int, ...]
    deskews: tuple[tuple[int, int], ...]
    makespan_cycles: int


def solve_chain(
    problems: Sequence[LayerProblem],
    options: SolveOptions,
    *,
    ways: FlagWays | None,
    levels: tuple[int, int],
    start_cycles: int,
    progress: Callable[[str, int, int], None],
) -> Chain:
    """Return layers one after the other.

    Parameters
    ----------
    problems : sequence of LayerProblem
        One a layer, in their order, of one time domain.
    options : SolveOptions
    ways : FlagWays or None
        Of flags; None where no chips poll.
    levels : tuple of int
        Residuals between begin and end of the segment, with one deskew and with more (`segment_levels`).
    start_cycles : int
        Longest waiting where chips do not poll.
    progress : callable
        Told a step, how many of its kind are done, and how many there are.

    Raises
    ------
    InfeasibleError
        When a hop is longer than clocks may run apart.
    NothingFoundError
        When something inside a layer is.
    """
    kinds, judge = kinds_of(problems, ways), Judge(problems[0].opening.clock, levels, start_cycles)
    quick = kept_over(kinds, lambda interval: greedy_over(kinds, interval, options))
    tried = all_tried(lambda interval: kinds.timed(results_of(quick(interval)), interval), len(problems), judge)
    interval = tried[0].interval_cycles if tried else judge.clock.longest_interval_cycles()
    first = quick(interval) if tried else deskewed_inside(kinds, options)
    found = searched(kinds, interval, options, first=first, progress=progress)
    if tried:
        # What a search found waits for other guards on its way than quick schedules do.
        moved = kept_over(kinds, lambda interval: moved_over(kinds, interval, found))
        tried = all_tried(lambda interval: kinds.timed(results_of(moved(interval)), interval), len(problems), judge)
        interval = tried[0].interval_cycles
        found = moved(interval)
    layers = layers_of(kinds, interval, options, found=found)
    lead = _lead(kinds, layers, interval)
    laid = _laid(kinds, layers, interval, judge, lead)
    flags = lead and (lead.network, lead.flags.later(laid.deskews[0][1]))
    around = polled_cycles(flags[1] if flags else None, judge.clock.specification)
    return Chain(layers, *laid, _bound(kinds.layers, judge.clock), around, flags, tuple(tried))


def layers_of(
    kinds: Kinds, interval: int | None, options: SolveOptions, *, found: Mapping[str, KindPlan]
) -> tuple[ScheduledLayer, ...]:
    """Return layers with the schedules of their kinds over an interval, and bounds of these."""
    distinct: dict[str, DistinctResult] = {}
    for number, (key, problem) in enumerate(kinds.problems.items()):
        members = tuple(layer for layer, other in enumerate(kinds.keys) if other == key)
        here = problem.unopened(interval, found[key].deskews).instance
        least, wired = _distinct([_least(kinds.layers[layer]) for layer in members]), here.wires_only()
        distinct[key] = DistinctResult(
            number,
            bounded(found[key].solved.result, here, least),
            bounded(solve(wired, options), wired, [one.wires_only() for one in least]),
            members,
        )
    return tuple(
        ScheduledLayer(one.unopened(interval, found[key].deskews), distinct[key])
        for one, key in zip(kinds.layers, kinds.keys, strict=True)
    )


def _timed(kinds: Kinds, layers: Sequence[ScheduledLayer], interval: int | None) -> Timed:
    return kinds.timed({key: one.distinct.result for key, one in zip(kinds.keys, layers, strict=True)}, interval)


def _lead(kinds: Kinds, layers: Sequence[ScheduledLayer], interval: int | None) -> Lead | None:
    """Return the flags of layers; before the first deskew where some lie inside layers, and so before each of these."""
    schedules, now, opens = [layer.distinct.result.schedule for layer in layers], 0, NEVER
    if any(layer.problem.instance.deskews for layer in layers):
        for layer, schedule in zip(layers, schedules, strict=True):
            own = [cycle for cycle, _ in layer.problem.instance.deskews]
            opens = min([opens, *(now + cycle for cycle in own), *([now] if own and now else [])])
            now += schedule.makespan_cycles
    return kinds.lead(schedules, interval, opens)


def _laid(
    kinds: Kinds, layers: Sequence[ScheduledLayer], interval: int | None, judge: Judge, lead: Lead | None
) -> _Laid:
    """Return where layers and deskews lie so that guards of an interval cover the time between these."""
    timed = _timed(kinds, layers, interval)
    alone = [layer.distinct.result.makespan_cycles for layer in layers]
    if lead:
        timed = timed._replace(lengths=lead.led(alone))
    inside = [layer.problem.instance.deskews for layer in layers]
    if any(inside):
        longest = judge.clock.longest_interval_cycles() or 0
        opened, stall = _opened(timed, inside, longest), judge.clock.stall_cycles(longest)
    else:
        best = shortest_laid(timed, lambda room: kinds.covered(interval, room), judge)
        assert best is not None
        lengths, stall = between_deskews(timed), best.stall_cycles
        opened = [0] if best.interval_cycles is None else dealt_layers(lengths, best.interval_cycles)
    starts, deskews, now = [], list[tuple[int, int]](), 0
    for layer, (length, own) in enumerate(zip(alone, inside, strict=True)):
        if layer in opened:
            deskews.append((now, stall))
            now += stall
        now += lead.shift_cycles if lead and not layer else 0
        starts.append(now)
        deskews += [(now + cycle, lasts) for cycle, lasts in own]
        now += length
    return _Laid(tuple(starts), tuple(deskews), now)


def _opened(timed: Timed, inside: Sequence[tuple[tuple[int, int], ...]], longest: int) -> list[int]:
    """Return the layers before which a deskew lies where some have deskews inside, which begin and end an interval."""
    opened, left = list[int](), 0
    for layer, (length, own) in enumerate(zip(between_deskews(timed), inside, strict=True)):
        if not layer or own or length > left:
            opened.append(layer)
            left = longest
        left -= length if not own else left
    return opened


def _least(problem: LayerProblem) -> Instance:
    return replace(problem.opening.least(problem.instance), release_cycles=0)


def _distinct(instances: Sequence[Instance]) -> list[Instance]:
    return list({instance.key(): instance for instance in instances}.values())


def _bound(problems: Sequence[LayerProblem], clock: DomainClock) -> LowerBound:
    """Return a bound of the whole: no chip ends a layer before the least bound of all chips, the last counts whole.

    The layer after reads what all chips leave, so it cannot be any nearer to its end when the first of them is done
    than if all were.
    """
    cycles, known = clock.stall_cycles(0), dict[str, int]()
    for problem in problems[:-1]:
        least = _least(problem)
        key = least.key()
        if key not in known:
            ends = [number for number, placed in enumerate(problem.operators) if placed.operator.kind == LEFT]
            known[key] = int(earliest_starts(least)[ends].min())
        cycles += known[key]
    last = lower_bound(_least(problems[-1]))
    return LowerBound(cycles + last.cycles, f"layers one after the other, the last by {last.name}")
