"""The search with the CP-SAT model of one cut into blocks: which bundles each trip crosses, and when.

Every pair of a trip and a bundle that it may cross is an optional interval on its resource, whose lanes are a
cumulative capacity. Models of all blocks follow each other, each for less than the best makespan so far. What is left
of the time, and what is too large for one model, is searched neighbourhood after neighbourhood. Of a layer one model
makes the makespan short, from a schedule at hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.schedule import policy
from lpxsched.schedule.cpsat.rules import add_rules, minimize_lateness, minimize_makespan, order_alike
from lpxsched.schedule.cpsat.runs import SOLVED, Allowance, Effort
from lpxsched.schedule.cpsat.trips import Crossings, Trips, crossings, is_gathered
from lpxsched.schedule.cpsat.variables import Pair, Slots, Variables, step_cycles
from lpxsched.schedule.plan import Plan, copy_plan, gathered_plan, joined, sum_plan
from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.list_plan import layer_plan
from lpxsched.schedule.times.placement import placed
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.schedule.symmetry.groups import Represented
    from lpxsched.schedule.symmetry.padding import Padded
    from lpxsched.schedule.symmetry.quotient import Quotient
    from lpxsched.schedule.times.placement import Tasks


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The best plan of some blocks, `None` while there is none.

    Nothing is known that is shorter than `makespan_cycles`; no plan of these blocks is shorter than `least_cycles`.
    """

    found: Found[Represented] | None
    makespan_cycles: int
    least_cycles: int


def rerouted(trips: Trips, known: Routed, effort: Effort, *, from_below: bool) -> Routed:
    """Return the best plan found for the blocks of a collective; from below, the lower bound is raised, too."""
    search = _Search(trips, Allowance(effort, effort.seconds), known)
    if from_below:
        search.from_below()
    search.by_models()
    if search.best.found is not None:
        search.by_neighbourhoods(search.best.found)
    return search.best


def shortened(trips: Trips, found: Found[Represented], effort: Effort) -> Found[Represented]:
    """Return what one model makes of the plan of a layer: shortest ways and those at hand, sums, operators."""
    slots, tasks, first = slots_of(trips, found), plan_tasks(found.problem, found.plan), len(found.placement.start)
    open_to = crossings(trips, found.placement.makespan_cycles, detours=False).united(slots.trip, slots.bundle)
    if len(open_to.trip) > policy.MOST_CROSSINGS:
        return found
    allowance, start = Allowance(effort, effort.seconds), found.placement.start
    model = Variables(trips, found.placement.makespan_cycles)
    model.add_crossings(open_to)
    add_rules(model, tasks, start, np.zeros(first, dtype=np.bool_))
    minimize_makespan(model, effort.enough_cycles)
    model.add_hint(slots, _sums_of(found), start[first - len(model.starts) :].tolist())
    if allowance.run(model.cp, effort.seconds, is_hinted=True) not in SOLVED:
        return found
    return min(found, _closed_up(_solved(model, allowance)), key=lambda one: one.placement.makespan_cycles)


def _solved(model: Variables, allowance: Allowance, kept: Found[Represented] | None = None) -> Found[Represented]:
    """Return the plan of a solution, beside the trips of another one that the model has not."""
    slots, sums, solver = model.slots(allowance.solver), model.sums_made(allowance.solver), allowance.solver
    if kept is not None:
        others, own = slots_of(model.trips, kept), {trip for trip, _ in model.into}
        stays = ~np.isin(others.trip, list(own))
        pairs = zip(others, slots, strict=True)
        slots = type(slots)(*(np.concatenate([other[stays], column]) for other, column in pairs))
        number = model.trips.number
        sums |= {key: start for key, start in _sums_of(kept).items() if number.get((key[0], True)) not in own}
    return timed(model.trips, slots, sums, [solver.value(start) for start in model.starts])


@dataclass(slots=True)
class _Search:
    """The plan that is shortest so far, and the ways to look for a shorter one of a collective."""

    trips: Trips
    allowance: Allowance
    best: Routed

    @property
    def is_over(self) -> bool:
        """Whether nothing better is looked for."""
        content = max(self.best.least_cycles, self.allowance.effort.near_cycles)
        return self.allowance.left <= 0 or self.best.makespan_cycles <= content

    def by_models(self) -> None:
        """Look for ever shorter makespans, with one model of all blocks for each, at first without waits."""
        one_reader = all(trip.target != EVERY for trip in self.trips.rows)
        seconds = self.allowance.left
        for waits, share in [(False, policy.PROMPT_SHARE), (True, policy.ANY_SHARE)][not one_reader :]:
            until = self.allowance.left - seconds * share
            while not self.is_over and self.allowance.left > until:
                if not self._by_model(self.best.makespan_cycles - 1, self.allowance.left - until, waits=waits):
                    break

    def from_below(self) -> None:
        """Raise the lower bound as long as models prove that it is not met."""
        until = self.allowance.left * (1 - policy.SHARE_FROM_BELOW)
        while not self.is_over and self.allowance.left > until:
            least = self.best.least_cycles
            self._by_model(least, self.allowance.left - until, waits=True)
            if self.best.least_cycles == least:
                break

    def _by_model(self, latest: int, seconds: float, *, waits: bool) -> bool:
        """Look for slots of which none is read later; return whether there are some."""
        open_to = crossings(self.trips, latest, detours=waits)
        if len(open_to.trip) > policy.MOST_CROSSINGS:
            return False
        status = cp_model.INFEASIBLE
        if _lead_everywhere(self.trips, open_to):
            model = Variables(self.trips, latest, waits=waits)
            model.add_crossings(open_to)
            add_rules(model, *_nothing_kept(self.trips))
            order_alike(model, _alike(self.trips))
            status = self.allowance.run(model.cp, seconds)
            if status == cp_model.OPTIMAL and not self._take(_solved(model, self.allowance)):
                return False
        if waits and status == cp_model.INFEASIBLE:
            step = step_cycles(self.trips)
            self.best = replace(self.best, least_cycles=(latest // step + 1) * step)
        return status == cp_model.OPTIMAL

    def by_neighbourhoods(self, current: Found[Represented]) -> None:
        """Free some blocks at a time, those that end last among them, and keep all others; none if one is too many."""
        # To one reader, detours take much time and gain little.
        may_detour = any(trip.target == EVERY for trip in self.trips.rows)
        every = crossings(self.trips, self.best.makespan_cycles, detours=may_detour)
        shortest = crossings(self.trips, self.best.makespan_cycles, detours=False)
        block_of = np.array([trip.block for trip in self.trips.rows], dtype=np.int64)
        if (np.bincount(block_of[every.trip]) > policy.NEIGHBOURHOOD_CROSSINGS).all():
            return
        choices = Neighbourhoods(len(self.trips.blocks), self.allowance.effort.seed)
        while not self.is_over:
            plan, tasks = current.plan, plan_tasks(current.problem, current.plan)
            start, due = current.placement.start[: plan.slots], self.best.makespan_cycles - 1
            open_to = (shortest, every)[self.allowance.runs % 2]
            counts = np.bincount(block_of[open_to.trip], minlength=choices.blocks)
            end = start + tasks.duration[: plan.slots]
            free = choices.draw(plan.slot_block, start, end, due, counts, policy.NEIGHBOURHOOD_CROSSINGS)
            within = Crossings(*(column[free[block_of[open_to.trip]]] for column in open_to))
            current, late = self._freed(current, tasks, free, within)
            if not self._take(current) and late and open_to is every and free.all():
                # All blocks were free to go anywhere.
                break

    def _freed(
        self, current: Found[Represented], tasks: Tasks, free: Flags, open_to: Crossings
    ) -> tuple[Found[Represented], bool]:
        """Return a plan of which less is late, or as it is, and whether anything is."""
        plan, slots, start = current.plan, slots_of(self.trips, current), current.placement.start
        moved = free[plan.slot_block]
        stays = ~free[np.append(plan.slot_block, plan.sum_block)]
        model = Variables(self.trips, current.placement.makespan_cycles)
        model.add_crossings(open_to.united(slots.trip[moved], slots.bundle[moved]))
        add_rules(model, tasks, start, stays)
        minimize_lateness(model, self.best.makespan_cycles - 1)
        model.add_hint(type(slots)(*(column[moved] for column in slots)), _sums_of(current), [])
        status = self.allowance.run(model.cp, policy.WAYS_NEIGHBOURHOOD_SECONDS, is_hinted=True)
        if status not in SOLVED:
            return current, True
        return _solved(model, self.allowance, current), self.allowance.solver.objective_value > 0

    def _take(self, found: Found[Represented]) -> bool:
        """Keep a plan that is shorter than the best, and return whether it is."""
        found = _closed_up(found)
        if found.placement.makespan_cycles >= self.best.makespan_cycles:
            return False
        self.best = replace(self.best, found=found, makespan_cycles=found.placement.makespan_cycles)
        return True


def _nothing_kept(trips: Trips) -> tuple[Tasks, Integers, Flags]:
    """Return what `add_rules` is given where all is left open: tasks of a plan without rows."""
    none = np.zeros(0, dtype=np.int64)
    plan = copy_plan(cast("Quotient", trips.problem), trips.blocks, none, none)
    return plan_tasks(trips.problem, plan), none, none.astype(np.bool_)


def _lead_everywhere(trips: Trips, open_to: Crossings) -> bool:
    """Return whether each end of each trip can be reached in time."""
    reached = set(zip(open_to.trip.tolist(), trips.heads(*open_to).tolist(), strict=True))
    return all((trip, end) in reached for trip, row in enumerate(trips.rows) for end in row.ends if end != row.base)


def _alike(trips: Trips) -> list[list[int]]:
    """Return trips that may change places: of one piece and length."""
    groups: dict[tuple[int, int, bool], list[int]] = {}
    for trip, row in enumerate(trips.rows):
        if not row.is_sum and row.partner >= 0:
            continue
        groups.setdefault((int(trips.blocks.piece[row.block]), row.vectors, row.is_sum), []).append(trip)
    return [group for group in groups.values() if len(group) > 1]


class Neighbourhoods:
    """Blocks to free: first some that end late, then others at random, in turn any and those that travel at a time."""

    def __init__(self, blocks: int, seed: int) -> None:
        self.blocks = blocks
        self.random = np.random.default_rng(seed)
        self.drawn = 0

    def draw(
        self, block: Integers, depart: Integers, end: Integers, due_cycles: int, crossings: Integers, most: int
    ) -> Flags:
        """Return which blocks to free, at least one, those that end after `due_cycles` first.

        Of slots `block`, `depart` and `end` say what is carried when, and when it is read to its end. By block
        `crossings` counts the bundles that it may cross; those of all that are freed are `most`.
        """
        self.drawn += 1
        last = np.zeros(self.blocks, dtype=np.int64)
        np.maximum.at(last, block, end)
        distance = self.random.permutation(self.blocks).astype(np.float64)
        if self.drawn % 2:
            moment = self.random.integers(0, due_cycles + 1)
            nearest = np.full(self.blocks, np.inf)
            np.minimum.at(nearest, block, np.abs(depart - moment))
            distance = nearest + distance / self.blocks
        order = np.lexsort((distance, last <= due_cycles))
        fits = np.cumsum(crossings[order]) <= most
        fits[0] = True
        free = np.zeros(self.blocks, dtype=np.bool_)
        free[order[fits]] = True
        return free


def slots_of(trips: Trips, found: Found[Represented]) -> Slots:
    """Return the slots of a plan, in its order."""
    plan = found.plan
    return Slots(trips.of_slots(plan), plan.slot_bundle, found.placement.start[: plan.slots])


def _sums_of(found: Found[Represented]) -> dict[Pair, int]:
    """Return the start of each sum, by block and node."""
    plan = found.plan
    keys = zip(plan.sum_block.tolist(), plan.sum_node.tolist(), strict=True)
    return dict(zip(keys, found.placement.start[plan.slots : plan.slots + plan.sums].tolist(), strict=True))


def timed(trips: Trips, slots: Slots, sums: dict[Pair, int], operators: list[int]) -> Found[Represented]:
    """Return the plan of slots, sums and operators at their times."""
    order = np.argsort(~trips.is_sum[slots.trip], kind="stable")
    slots = Slots(*(column[order] for column in slots))
    plan = _plan(trips, slots, sums)
    keys = zip(plan.sum_block.tolist(), plan.sum_node.tolist(), strict=True)
    made = np.array([sums.get(key, 0) for key in keys], dtype=np.int64)
    start = np.concatenate([slots.depart, made, np.array(operators, dtype=np.int64)])
    tasks = plan_tasks(trips.problem, plan)
    exact = placed(replace(tasks, release=start), np.argsort(start, kind="stable"))
    return Found(trips.problem, plan, exact)


def _plan(trips: Trips, slots: Slots, sums: dict[Pair, int]) -> Plan:
    """Return the plan of slots, summands first; of a layer with the sums that are given, else wherever they meet."""
    blocks, trip = trips.blocks, slots.trip
    block = np.array([row.block for row in trips.rows], dtype=np.int64)[trip]
    is_sum = trips.is_sum[trip]
    if not trips.problem.instance.stages:
        places = np.array(sorted(sums), dtype=np.int64).reshape(-1, 2)
        columns = block, np.where(is_sum, 0, 1), slots.bundle
        return layer_plan(cast("Padded", trips.problem), blocks, columns, (places[:, 0], places[:, 1]))
    problem = cast("Quotient", trips.problem)
    parts = [
        make(problem, blocks, block[chosen], slots.bundle[chosen])
        for make, chosen in ((sum_plan, is_sum), (copy_plan, ~is_sum))
        if chosen.any()
    ]
    if is_gathered(problem):
        return gathered_plan(problem, parts[0])
    return parts[0] if len(parts) == 1 else joined(*parts)


def _closed_up(found: Found[Represented]) -> Found[Represented]:
    """Return a plan placed once more in its order where that is shorter."""
    again = placed(plan_tasks(found.problem, found.plan), np.argsort(found.placement.start, kind="stable"))
    is_shorter = again.makespan_cycles < found.placement.makespan_cycles
    return replace(found, placement=again) if is_shorter else found
