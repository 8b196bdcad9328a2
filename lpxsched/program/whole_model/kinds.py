"""The kinds of layers of a chain, with guards of an interval between deskews, and quick schedules of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lpxsched.clocks.latency import pass_cycles
from lpxsched.errors import NothingFoundError
from lpxsched.program.whole_model.deskewing import Timed
from lpxsched.program.whole_model.deskews_inside import with_deskews
from lpxsched.program.whole_model.flags import FlagWays, Lead, Polled, polled_on
from lpxsched.schedule.options import GREEDY_ONLY_EFFORT
from lpxsched.schedule.solve_layer import first_solved, over_guards, search_on
from lpxsched.units import NEVER, NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpxsched.clocks.limits import DomainClock
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.options import SolveOptions
    from lpxsched.schedule.problem.layer import LayerProblem
    from lpxsched.schedule.result import Result, Schedule
    from lpxsched.schedule.solve_layer import Solved


class KindPlan(NamedTuple):
    """The schedule of a kind of layers, and the deskews inside it."""

    deskews: tuple[tuple[int, int], ...]
    solved: Solved


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Layers that follow each other, and their kinds.

    Attributes
    ----------
    layers : tuple of LayerProblem
        With one guard for each class of links.
    keys : tuple of str
        Equal for equal layers.
    problems : dict of str to LayerProblem
        The first layer of each kind.
    polled : Polled or None
        Where flags go, if chips poll.
    """

    layers: tuple[LayerProblem, ...]
    keys: tuple[str, ...]
    problems: dict[str, LayerProblem]
    polled: Polled | None

    @property
    def clock(self) -> DomainClock:
        """The clocks of all layers."""
        return next(iter(self.problems.values())).opening.clock

    def guards(self, interval: int | None) -> Integers:
        """Return the guards of all bundles of all kinds over an interval."""
        of_kinds = [problem.unopened(interval).instance.network.guard_cycles for problem in self.problems.values()]
        return np.concatenate(of_kinds)

    def covered(self, interval: int | None, longer: int | None) -> bool:
        """Return whether the guards over an interval cover another one, on links of rows and of flags."""
        return all(
            bool((there <= here).all())
            for here, there in zip(self._all_guards(interval), self._all_guards(longer), strict=True)
        )

    def _all_guards(self, interval: int | None) -> list[Integers]:
        guards = self.guards(interval)
        return [guards, self.polled.guards(guards, interval)] if self.polled else [guards]

    def timed(self, results: Mapping[str, Result], interval: int | None) -> Timed:
        """Return how long layers take with the results of their kinds over an interval."""
        lengths, guard = [results[key].makespan_cycles for key in self.keys], int(self.guards(interval).max(initial=0))
        lead = self.lead([results[key].schedule for key in self.keys], interval)
        if lead is None:
            return Timed(tuple(lengths), 0, guard)
        void = self.clock.stall_cycles(interval) + lead.flags.void_cycles
        return Timed(lead.led(lengths), pass_cycles(self.clock.specification, void), guard)

    def lead(self, schedules: Sequence[Schedule], interval: int | None, opens_cycles: int = NEVER) -> Lead | None:
        """Return the flags of a segment, before a deskew inside its first layers; None if nobody polls."""
        if self.polled is None:
            return None
        return self.polled.lead(self.polled.guards(self.guards(interval), interval), schedules, opens_cycles)


def kinds_of(problems: Sequence[LayerProblem], ways: FlagWays | None = None) -> Kinds:
    """Return layers that follow each other by their kinds.

    Parameters
    ----------
    problems : sequence of LayerProblem
    ways : FlagWays, optional
        Of flags; none where no chips poll.

    Raises
    ------
    InfeasibleError
        When a hop is longer than clocks may run apart.
    """
    layers = _alike(problems)
    keys = tuple(layer.instance.key() for layer in layers)
    problems_of = {key: layers[keys.index(key)] for key in dict.fromkeys(keys)}
    kinds = Kinds(tuple(layers), keys, problems_of, ways and polled_on(ways, layers, keys, problems_of))
    for problem in kinds.problems.values():
        problem.refuse_long_hops()
    return kinds


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
        alike.append(replace(problem, opening=replace(problem.opening, levels=levels)).unopened(None))
    return alike


def _levels(problem: LayerProblem) -> list[tuple[str, int]]:
    network = problem.instance.network
    between = network.between_chips
    pairs = np.unique(np.stack([network.link_class[between], problem.opening.levels[between]]), axis=1)
    return [(network.class_names[number], levels) for number, levels in pairs.T.tolist()]


def results_of(quick: Mapping[str, KindPlan]) -> dict[str, Result]:
    """Return the results of quick schedules."""
    return {key: one.solved.result for key, one in quick.items()}


def greedy_over(kinds: Kinds, interval: int | None, options: SolveOptions) -> dict[str, KindPlan]:
    """Return a quick schedule of each kind, guards covering an interval between two deskews."""
    quick = replace(options, effort=GREEDY_ONLY_EFFORT)
    return {
        key: KindPlan((), first_solved(one.unopened(interval).instance, quick)) for key, one in kinds.problems.items()
    }


def kept_over(
    kinds: Kinds, find: Callable[[int | None], dict[str, KindPlan]]
) -> Callable[[int | None], dict[str, KindPlan]]:
    """Return a function of intervals that finds schedules once for equal guards."""
    known: dict[bytes, dict[str, KindPlan]] = {}

    def kept(interval: int | None) -> dict[str, KindPlan]:
        guards = kinds.guards(interval).tobytes()
        if guards not in known:
            known[guards] = find(interval)
        return known[guards]

    return kept


def searched(
    kinds: Kinds,
    interval: int | None,
    options: SolveOptions,
    *,
    first: Mapping[str, KindPlan],
    progress: Callable[[str, int, int], None],
) -> dict[str, KindPlan]:
    """Return what a search makes of first schedules of all kinds."""
    found: dict[str, KindPlan] = {}
    for number, (key, problem) in enumerate(kinds.problems.items()):
        progress("solving", number, len(kinds.problems))
        here = problem.unopened(interval, first[key].deskews).instance
        found[key] = first[key]._replace(solved=search_on(here, first[key].solved, options))
    progress("solving", len(kinds.problems), len(kinds.problems))
    return found


def moved_over(kinds: Kinds, interval: int | None, found: Mapping[str, KindPlan]) -> dict[str, KindPlan]:
    """Return the plans of schedules with times for the guards of another interval."""
    return {
        key: found[key]._replace(solved=over_guards(found[key].solved, problem.unopened(interval).instance))
        for key, problem in kinds.problems.items()
    }


def deskewed_inside(kinds: Kinds, options: SolveOptions) -> dict[str, KindPlan]:
    """Return quick schedules with deskews inside layers that are longer than clocks may run apart.

    Raises
    ------
    NothingFoundError
        When something in a layer lasts too long to lie between two deskews, or it takes too many.
    """
    clock = kinds.clock
    longest, greedy = clock.longest_interval_cycles() or 0, replace(options, effort=GREEDY_ONLY_EFFORT)
    whole = results_of(greedy_over(kinds, longest, options))
    around, lead = (
        kinds.timed(whole, longest).pass_cycles,
        kinds.lead([whole[key].schedule for key in kinds.keys], longest),
    )
    found: dict[str, KindPlan] = {}
    polling = f" and a pass of chips that poll {around}" if around else ""
    for key, problem in kinds.problems.items():
        room = longest - around * (key == kinds.keys[-1])
        room -= lead.shift_cycles if lead and key == kinds.keys[0] else 0
        held = with_deskews(
            problem.unopened(longest).instance,
            lambda instance: first_solved(instance, greedy),
            room_cycles=room,
            stall_cycles=clock.stall_cycles(longest),
        )
        if isinstance(held, str):
            takes = f"a layer takes {whole[key].makespan_cycles} cycles{polling}"
            cause = f"{takes}, and {held}: {clock.limit_text(longest)}"
            raise NothingFoundError(cause, remedy="try a smaller --batch, or more chips a layer")
        found[key] = KindPlan(held[0].deskews, held[1])
    return found
