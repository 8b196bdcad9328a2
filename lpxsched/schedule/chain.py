"""Layers of one segment, one after the other in one time: equal ones are solved once, deskews lie between them.

The time zero of a layer is the end of the one before: all that it left is there, and no link is held. So layers are
problems of their own, and a program of many costs no more than its kinds do. Guards grow with the time between two
deskews, and a deskew takes its stall: of the intervals that clocks allow, the one is taken with which the whole is
shortest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.clocks.latency import pass_cycles
from lpxsched.errors import NothingFoundError
from lpxsched.schedule.bounds import lower_bound
from lpxsched.schedule.bounds.walk import earliest_starts
from lpxsched.schedule.layers import DistinctResult, ScheduledLayer
from lpxsched.schedule.opening import bounded
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT
from lpxsched.schedule.polling import pass_load_cycles
from lpxsched.schedule.problem.layer import LEFT
from lpxsched.schedule.result import LowerBound, Result
from lpxsched.schedule.solve_layer import first_solved, search_on, solve
from lpxsched.units import NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.clocks.limits import DomainClock
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.solve_layer import Solved


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
    """

    layers: tuple[ScheduledLayer, ...]
    starts: tuple[int, ...]
    deskews: tuple[tuple[int, int], ...]
    makespan_cycles: int
    bound: LowerBound
    pass_cycles: int


class _Laid(NamedTuple):
    """Where layers of given lengths begin, and deskews between them."""

    starts: tuple[int, ...]
    deskews: tuple[tuple[int, int], ...]
    makespan_cycles: int


def solve_chain(
    problems: Sequence[LayerProblem], options: SolveOptions, *, progress: Callable[[str, int, int], None]
) -> Chain:
    """Return layers one after the other.

    Parameters
    ----------
    problems : sequence of LayerProblem
        One a layer, in their order, of one time domain.
    options : SolveOptions
    progress : callable
        Told a step, how many of its kind are done, and how many there are.

    Raises
    ------
    InfeasibleError
        When a hop is longer than clocks may run apart.
    NothingFoundError
        When a layer is: deskews lie between layers alone.
    """
    alike, clock = kinds_of(problems), problems[0].opening.clock
    interval, first = _best_interval(alike, clock, options)
    layers = layers_over(alike, interval, options, first=first, progress=progress)
    longest = _pass(alike.layers, [layer.distinct.result for layer in layers])
    laid = _laid([layer.distinct.result.makespan_cycles for layer in layers], longest, interval, clock)
    return Chain(layers, *laid, _bound(alike.layers, clock), longest)


class Kinds(NamedTuple):
    """Layers that follow each other, and their kinds.

    Attributes
    ----------
    layers : tuple of LayerProblem
        With one guard for each class of links.
    keys : tuple of str
        Equal for equal layers.
    problems : dict
        One layer of each kind.
    """

    layers: tuple[LayerProblem, ...]
    keys: tuple[str, ...]
    problems: dict[str, LayerProblem]


def kinds_of(problems: Sequence[LayerProblem]) -> Kinds:
    """Return layers that follow each other by their kinds.

    Raises
    ------
    InfeasibleError
        When a hop is longer than clocks may run apart.
    """
    layers = _alike(problems)
    keys = [layer.instance.key() for layer in layers]
    kinds = {key: layers[keys.index(key)] for key in dict.fromkeys(keys)}
    for problem in kinds.values():
        problem.refuse_long_hops()
    return Kinds(tuple(layers), tuple(keys), kinds)


def layers_over(
    alike: Kinds,
    interval: int | None,
    options: SolveOptions,
    *,
    first: dict[str, Solved] | None = None,
    progress: Callable[[str, int, int], None],
) -> tuple[ScheduledLayer, ...]:
    """Return layers whose guards cover an interval between two deskews, each from its own time zero.

    Parameters
    ----------
    alike : Kinds
    interval : int or None
        None where clocks do not drift.
    options : SolveOptions
    first : dict, optional
        A schedule of each kind from which the search goes on.
    progress : callable
    """
    distinct: dict[str, DistinctResult] = {}
    for number, (key, problem) in enumerate(alike.problems.items()):
        progress("solving", number, len(alike.problems))
        members = tuple(layer for layer, other in enumerate(alike.keys) if other == key)
        here = _over(problem, interval).instance
        begun = first[key] if first else first_solved(here, options)
        least = _distinct([_least(alike.layers[layer]) for layer in members])
        wired = here.wires_only()
        distinct[key] = DistinctResult(
            number,
            here.network.chips,
            bounded(search_on(here, begun, options).result, here, least),
            bounded(solve(wired, options), wired, [one.wires_only() for one in least]),
            members,
        )
    progress("solving", len(alike.problems), len(alike.problems))
    columns = zip(alike.layers, alike.keys, strict=True)
    return tuple(ScheduledLayer(_over(one, interval), distinct[key]) for one, key in columns)


def greedy_over(alike: Kinds, interval: int | None, options: SolveOptions) -> dict[str, Solved]:
    """Return a quick schedule of each kind, guards covering an interval between two deskews."""
    quick = replace(options, effort=GREEDY_ONLY_EFFORT)
    return {key: first_solved(_over(one, interval).instance, quick) for key, one in alike.problems.items()}


def _alike(problems: Sequence[LayerProblem]) -> list[LayerProblem]:
    """Return the problems with the guards of each class of links that the farthest ends of all layers ask for.

    So layers that differ by where they lie in the tree of counters alone are equal, and a link has one guard.
    """
    most: dict[str, int] = {}
    for problem in problems:
        for name, apart in _levels(problem):
            most[name] = max(apart, most.get(name, NONE))
    alike = []
    for problem in problems:
        network, levels = problem.instance.network, problem.opening.levels.copy()
        between = network.between_chips
        names = [network.class_names[number] for number in network.link_class[between].tolist()]
        levels[between] = [most[name] for name in names]
        alike.append(_over(replace(problem, opening=replace(problem.opening, levels=levels)), None))
    return alike


def _levels(problem: LayerProblem) -> list[tuple[str, int]]:
    network = problem.instance.network
    between = network.between_chips
    pairs = np.unique(np.stack([network.link_class[between], problem.opening.levels[between]]), axis=1)
    return [(network.class_names[number], levels) for number, levels in pairs.T.tolist()]


def _over(problem: LayerProblem, interval: int | None) -> LayerProblem:
    """Return a problem with the guards of an interval; it begins where the layer before ends, so without a stall."""
    over = problem.over(interval)
    return replace(over, instance=replace(over.instance, release_cycles=0))


def _least(problem: LayerProblem) -> Instance:
    return replace(problem.opening.least(problem.instance), release_cycles=0)


def _distinct(instances: Sequence[Instance]) -> list[Instance]:
    return list({instance.key(): instance for instance in instances}.values())


def _best_interval(alike: Kinds, clock: DomainClock, options: SolveOptions) -> tuple[int | None, dict[str, Solved]]:
    """Return the interval between deskews with which quick schedules are shortest as a whole, and these schedules.

    Longer intervals are tried as long as they help.
    """
    best: tuple[int, int | None, dict[str, Solved]] | None = None
    longest = 0
    for interval in clock.intervals():
        found = greedy_over(alike, interval, options)
        lengths = [found[key].result.makespan_cycles for key in alike.keys]
        around = _pass(alike.layers, [found[key].result for key in alike.keys])
        longest = max(lengths)
        if interval is not None and around + longest > interval:
            continue
        total = _laid(lengths, around, interval, clock).makespan_cycles
        if best is not None and best[0] <= total:
            break
        best = total, interval, found
    if best is None:
        cause = f"a layer takes {longest} cycles, and {clock.limit_text(clock.longest_interval_cycles())}"
        raise NothingFoundError(cause, remedy="try a smaller --batch, or more chips a layer")
    return best[1], best[2]


def _pass(problems: Sequence[LayerProblem], results: Sequence[Result]) -> int:
    """Return the length of a pass of chips that poll for the rows that enter; 0 where none do."""
    hosts = {host for problem in problems if problem.resident for host in problem.group.hosts}
    loads = [
        pass_load_cycles(problem, result.schedule, hosts=len(hosts))
        for problem, result in zip(problems, results, strict=True)
        if problem.resident
    ]
    return pass_cycles(problems[0].opening.clock.specification, max(loads)) if loads else 0


def _laid(lengths: Sequence[int], around: int, interval: int | None, clock: DomainClock) -> _Laid:
    """Return layers one after the other, with a deskew before each one that would not end within the interval.

    Each interval leaves room for a pass, whichever of them the pass is in.
    """
    stall = clock.stall_cycles(interval)
    starts, deskews, now = [], [(0, stall)], stall
    for length in lengths:
        aligned = sum(deskews[-1])
        if interval is not None and now > aligned and now + length + around - aligned > interval:
            deskews.append((now, stall))
            now += stall
        starts.append(now)
        now += length
    return _Laid(tuple(starts), tuple(deskews), now)


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
