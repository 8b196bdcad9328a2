"""Variables of the CP-SAT model: which bundles each trip crosses and when, sums where summands meet, operators.

Time counts in steps, the common divisor of all lengths: where every length is a multiple of a step, a schedule with all
its departures rounded down to whole steps keeps all rules, so nothing is lost.

A copy has a time at each node, the read of its first vector, and arrives there once; a summand has one at each node,
its departure, and leaves there once. So a trip is a tree from its base in both cases, for sums against the bundles.

The read of the first vector of a copy at a node is the length of the shortest way there plus a delay. Where copies have
one reader each and may not wait on their ways, all nodes of a trip share one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.traffic.collectives import EVERY
from lpxsched.units import NONE, ceil_div, lead_cycles

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Integers
    from lpxsched.schedule.cpsat.trips import Crossings, Trip, Trips


Pair = tuple[int, int]


class Slots(NamedTuple):
    """Slots of representatives: what crosses which bundle, and when, in cycles; shape (slots,)."""

    trip: Integers
    bundle: Integers
    depart: Integers


class Sum(NamedTuple):
    """A sum at a node: whether there is one, when it starts, how long it takes and when it is done."""

    adds: cp_model.IntVar | bool
    start: cp_model.IntVar
    cycles: cp_model.IntVar | int
    end: cp_model.LinearExpr


def step_cycles(trips: Trips) -> int:
    """Return the common divisor of all lengths, where only slots of single vectors take time; else 1."""
    network, cost = trips.problem.network, trips.problem.add_cost
    one_by_one = all(trip.vectors == 1 and not (trip.is_sum and cost.cycles(len(trip.ends), 1)) for trip in trips.rows)
    if network.inject_per_cycle or network.eject_per_cycle or trips.problem.operators or not one_by_one:
        return 1
    lengths = np.concatenate([network.hop_cycles, network.hold_cycles(1), [network.turnaround_cycles]])
    return max(1, int(np.gcd.reduce(lengths)))


class Variables:
    """Variables of some trips, with what is kept beside them.

    Nothing is read, and no operator starts, after `latest_cycles`. Times are steps.

    By trip and bundle there is whether the trip crosses it; by trip and node the bundles from the side of the base and
    those away from it, the time (the read of a copy's first vector, the departure of a summand) and what is added; by
    trip and `place` the delays that are the variables behind the times of copies.
    """

    def __init__(self, trips: Trips, latest_cycles: int, *, waits: bool = True) -> None:
        problem, self.trips, self.waits, self.cp = trips.problem, trips, waits, cp_model.CpModel()
        self.step = step_cycles(trips)
        self.latest, self.turnaround = latest_cycles // self.step, problem.network.turnaround_cycles // self.step
        wires = problem.wires
        # Plain lists, which Python reads faster than columns; times in steps.
        self.source: list[int] = wires.source.tolist()
        self.destination: list[int] = wires.destination.tolist()
        self.hop: list[int] = (wires.hop // self.step).tolist()
        self.resource: list[int] = wires.resource.tolist()
        self.pitch = list(zip(wires.numerator.tolist(), wires.denominator.tolist(), strict=True))
        self.way: list[list[int]] = (problem.way // self.step).tolist()
        self.present: dict[Pair, cp_model.IntVar] = {}
        self.into: dict[Pair, list[int]] = defaultdict(list)
        self.out_of: dict[Pair, list[int]] = defaultdict(list)
        self.times: dict[Pair, cp_model.LinearExpr] = {}
        self.delays: dict[Pair, cp_model.IntVar] = {}
        self.sums: dict[Pair, Sum] = {}
        self.starts = [self.new_time() for _ in range(len(problem.operators.node))]

    def new_time(self, most: int | None = None) -> cp_model.IntVar:
        """Return a variable for a step that something starts at."""
        return self.cp.new_int_var(self.trips.release, self.latest if most is None else most, "")

    def add_crossings(self, crossings: Crossings) -> None:
        """Make variables; of a trip with one reader for all that it may cross."""
        for trip, bundle in zip(crossings.trip.tolist(), crossings.bundle.tolist(), strict=True):
            self.present[trip, bundle] = self.cp.new_bool_var("")
            self.into[trip, self.head(trip, bundle)].append(bundle)
            self.out_of[trip, self.root_side(trip, bundle)].append(bundle)
        for trip, node in self.into:
            row, distance = self.row(trip), self.distance(trip, node)
            if row.is_sum:
                tail = min(self.tail(trip, bundle) for bundle in self.into[trip, node])
                most = self.latest - row.after // self.step - distance - tail
                self.times[trip, node] = self.new_time(max(self.trips.release, most))
                continue
            place = trip, self.place(node)
            if place not in self.delays:
                self.delays[place] = self.cp.new_int_var(0, self._most_delay(trip, node), "")
            self.times[trip, node] = self.delays[place] + self.soonest(trip, node)

    def _most_delay(self, trip: int, node: int) -> int:
        """Return the delay with which a copy may be read so that its reader still is in time."""
        target = self.row(trip).target
        last = node if target == EVERY else target
        tail = min(self.tail(trip, bundle) for bundle in self.into[trip, last]) if last in self.row(trip).ends else 0
        onward = self.way[node][last] + (self.turnaround if node != last else 0)
        after = self.row(trip).after // self.step
        return max(0, self.latest - after - tail - onward - self.soonest(trip, node))

    def place(self, node: int) -> int:
        """Return which of a trip's delays counts at a node."""
        return node if self.waits else NONE

    def row(self, trip: int) -> Trip:
        """Return what a trip is."""
        return self.trips.rows[trip]

    def head(self, trip: int, bundle: int) -> int:
        """Return the end of a bundle that is farther from the base on the trip's tree."""
        return (self.source if self.row(trip).is_sum else self.destination)[bundle]

    def root_side(self, trip: int, bundle: int) -> int:
        """Return the other end."""
        return (self.destination if self.row(trip).is_sum else self.source)[bundle]

    def distance(self, trip: int, node: int) -> int:
        """Return the fewest steps between a departure at one and the read at the other of base and node."""
        row = self.row(trip)
        return self.way[node][row.base] if row.is_sum else self.way[row.base][node]

    def soonest(self, trip: int, node: int) -> int:
        """Return the step before which no copy is read at a node."""
        return self.distance(trip, node) + self.trips.release + self.row(trip).before // self.step

    def depart(self, trip: int, bundle: int) -> cp_model.LinearExpr:
        """Return the step at which a trip leaves over a bundle, if it does."""
        time = self.times[trip, self.head(trip, bundle)]
        return time if self.row(trip).is_sum else time - self.hop[bundle]

    def end(self, task: int) -> cp_model.LinearExpr:
        """Return when an operator ends."""
        return self.starts[task] + int(self.trips.problem.operators.cycles[task])

    def hold(self, bundle: int, vectors: int) -> int:
        """Return ceil(n pitch)."""
        numerator, denominator = self.pitch[bundle]
        return ceil_div(vectors * numerator, denominator * self.step)

    def tail(self, trip: int, bundle: int) -> int:
        """Return the steps from the first read to the last."""
        return self.hold(bundle, self.row(trip).vectors - 1)

    def lead(self, trip: int, arrived: int, leaving: int) -> int:
        """Return how much later a relay sends a stream on where the wire in is slower; 0 where steps are longer."""
        lead: int = lead_cycles(self.row(trip).vectors, self.pitch[arrived], self.pitch[leaving])
        return lead

    def last_read(self, trip: int, bundle: int) -> cp_model.LinearExpr:
        """Return the step at which all is read that comes over a bundle."""
        return self.depart(trip, bundle) + (self.hop[bundle] + self.tail(trip, bundle))

    def any_of(self, trip: int, bundles: list[int]) -> cp_model.IntVar:
        """Return a literal for the crossing of one of several bundles, of which a trip crosses at most one."""
        literals = [self.present[trip, bundle] for bundle in bundles]
        if len(literals) == 1:
            return literals[0]
        one = self.cp.new_bool_var("")
        self.cp.add_exactly_one([*literals, ~one])
        return one

    def slots(self, solver: cp_model.CpSolver) -> Slots:
        """Return the slots of a solution."""
        rows = [
            (trip, bundle, solver.value(self.depart(trip, bundle)) * self.step)
            for (trip, bundle), present in self.present.items()
            if solver.boolean_value(present)
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return Slots(table[:, 0], table[:, 1], table[:, 2])

    def sums_made(self, solver: cp_model.CpSolver) -> dict[Pair, int]:
        """Return the start, in cycles, of each sum of a solution, by block and node."""
        return {
            (self.row(trip).block, node): solver.value(total.start) * self.step
            for (trip, node), total in self.sums.items()
            if solver.boolean_value(total.adds)
        }

    def add_hint(self, hint: Slots, sums: dict[Pair, int], starts: list[int]) -> None:
        """Hint slots, starts of sums and of operators; what crosses no bundle of the model is left out."""
        known: dict[Pair, int] = {}
        crossed = set()
        for trip, bundle, depart in zip(*(column.tolist() for column in hint), strict=True):
            node = self.head(trip, bundle)
            if (trip, bundle) in self.present:
                crossed.add((trip, bundle))
                if self.row(trip).is_sum:
                    self.cp.add_hint(cast("cp_model.IntVar", self.times[trip, node]), depart // self.step)
                    continue
                read = depart // self.step + self.hop[bundle]
                known[trip, node] = read - self.soonest(trip, node)
        for key, present in self.present.items():
            self.cp.add_hint(present, key in crossed)
        for key in sorted(self.delays):
            self.cp.add_hint(self.delays[key], known.get(key, 0))
        for (trip, node), total in self.sums.items():
            start = sums.get((self.row(trip).block, node))
            self.cp.add_hint(total.start, self.trips.release if start is None else start // self.step)
            if not isinstance(total.adds, bool):
                self.cp.add_hint(total.adds, start is not None)
        for variable, start in zip(self.starts, starts, strict=True):
            self.cp.add_hint(variable, start)
