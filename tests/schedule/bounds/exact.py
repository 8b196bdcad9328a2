"""The shortest makespan of a tiny collective, by a model that shares nothing with the bounds.

Every vector by itself: what any chip may have of it is the summand of each set of shards, its time, and how it came by
it, over a bundle or by a sum of disjoint sets. Pitches are whole cycles, so slots of one vector lose nothing. Each sum
is of one vector, and the vector unit must have no fixed cycles, so that nothing is lost by that either.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from ortools.sat.python import cp_model

from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.schedule.problem.instance import Instance

Summands = frozenset[int]
Key = tuple[int, Summands]
# No collective that the tests draw is longer.
HORIZON = 200


def shortest_makespan(problem: Instance, produced: Sequence[int] = ()) -> int:
    """Return the makespan of an optimal schedule; shard i has its vectors from `produced[i]` on, else from 0."""
    model = _Model(problem, produced or [0] * problem.network.width)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model.model) == cp_model.OPTIMAL
    return int(solver.objective_value)


class _Known(NamedTuple):
    """Of each node and set of shards: whether it has their sum, when it can read that, and when it can send it."""

    has: dict[Key, cp_model.IntVar]
    ready: dict[Key, cp_model.IntVar]
    departs: dict[Key, cp_model.IntVar]


class _Model:
    """A model of all vectors."""

    def __init__(self, problem: Instance, produced: Sequence[int]) -> None:
        self.problem = problem
        self.produced = produced
        self.model = cp_model.CpModel()
        self.makespan = self.model.new_int_var(0, HORIZON, "makespan")
        self.lanes: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        self.sums: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        self.begins: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        self.ends: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        for leaves, readers in _vectors(problem):
            self.vector(leaves, readers)
        for bundle, held in self.lanes.items():
            self.model.add_cumulative(held, [1] * len(held), int(problem.network.lanes[bundle]))
        for made in self.sums.values():
            self.model.add_no_overlap(made)
        for limit, counted in (
            (problem.network.inject_per_cycle, self.begins),
            (problem.network.eject_per_cycle, self.ends),
        ):
            for cycles in counted.values() if limit else ():
                self.model.add_cumulative(cycles, [1] * len(cycles), limit)
        self.model.minimize(self.makespan)

    def vector(self, leaves: tuple[int, ...], readers: tuple[int, ...]) -> None:
        """Add all that can become of one vector."""
        model, problem = self.model, self.problem
        sets = [frozenset(some) for size in range(1, len(leaves) + 1) for some in combinations(leaves, size)]
        keys = [(node, some) for node in range(problem.network.nodes) for some in sets]
        has = {key: model.new_bool_var("") for key in keys}
        ready, departs = ({key: model.new_int_var(0, HORIZON, "") for key in keys} for _ in range(2))
        known = _Known(has, ready, departs)
        came: dict[Key, list[cp_model.IntVar]] = {key: [] for key in keys}
        for node, some in keys:
            if some == {node}:
                model.add(has[node, some] == 1)
                model.add(ready[node, some] == self.produced[node])
                model.add(departs[node, some] == self.produced[node])
                came[node, some].append(model.new_constant(1))
        received = self.moves(sets, known, readers)
        for (node, some), moved in received.items():
            came[node, some] += moved
        for node, some in keys:
            for parts in _splits(sorted(some)) if len(some) > 1 else ():
                came[node, some].append(self.sum(node, some, parts, known))
            model.add(sum(came[node, some]) == has[node, some])
        for reader in readers:
            model.add(has[reader, sets[-1]] == 1)
            model.add(self.makespan >= ready[reader, sets[-1]])

    def moves(
        self,
        sets: list[Summands],
        known: _Known,
        readers: tuple[int, ...],
    ) -> dict[Key, list[cp_model.IntVar]]:
        """Add moves over every bundle; return those into each node of each set."""
        model, problem = self.model, self.problem
        received = defaultdict(list)
        ends = zip(problem.network.source.tolist(), problem.network.destination.tolist(), strict=True)
        for bundle, (source, destination) in enumerate(ends):
            for some in sets:
                if some == {destination}:
                    continue
                moves, depart = model.new_bool_var(""), model.new_int_var(0, HORIZON, "")
                model.add_implication(moves, known.has[source, some])
                model.add(depart >= known.departs[source, some]).only_enforce_if(moves)
                hop, pitch = int(problem.network.hop_cycles[bundle]), int(problem.network.pitch_numerator[bundle])
                read = known.ready[destination, some]
                model.add(read == depart + hop).only_enforce_if(moves)
                leaves = known.departs[destination, some]
                model.add(leaves == read + problem.network.turnaround_cycles).only_enforce_if(moves)
                self.lanes[bundle].append(model.new_optional_fixed_size_interval_var(depart, pitch, moves, ""))
                if some == {source}:
                    self.begins[source].append(model.new_optional_fixed_size_interval_var(depart, 1, moves, ""))
                if destination in readers:
                    self.ends[destination].append(model.new_optional_fixed_size_interval_var(read, 1, moves, ""))
                received[destination, some].append(moves)
        return received

    def sum(
        self,
        node: int,
        some: Summands,
        parts: list[list[int]],
        known: _Known,
    ) -> cp_model.IntVar:
        """Add a sum of disjoint sets at a node, which leaves no sooner than a relay; return whether it is made."""
        model = self.model
        made, start = model.new_bool_var(""), model.new_int_var(0, HORIZON, "")
        cycles = self.problem.add_cost.cycles(len(parts), 1)
        for part in parts:
            model.add_implication(made, known.has[node, frozenset(part)])
            model.add(start >= known.ready[node, frozenset(part)]).only_enforce_if(made)
            later = known.departs[node, frozenset(part)] + cycles
            model.add(known.departs[node, some] >= later).only_enforce_if(made)
        model.add(known.ready[node, some] == start + cycles).only_enforce_if(made)
        model.add(known.departs[node, some] >= start + cycles).only_enforce_if(made)
        self.sums[node].append(model.new_optional_fixed_size_interval_var(start, cycles, made, ""))
        return made


def _vectors(problem: Instance) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield the leaves and the readers of each vector that someone else reads."""
    pieces, everyone = problem.stage.pieces(), tuple(range(problem.network.width))
    columns = (pieces.source.tolist(), pieces.target.tolist(), pieces.vectors.tolist())
    for source, target, vectors in zip(*columns, strict=True):
        leaves = everyone if source == EVERY else (source,)
        readers = everyone if target == EVERY else (target,)
        for _ in range(vectors if len({*leaves, *readers}) > 1 else 0):
            yield leaves, readers


def _splits(members: list[int]) -> Iterator[list[list[int]]]:
    """Yield all ways to split a set into two parts or more."""
    yield from (parts for parts in _partitions(members) if len(parts) > 1)


def _partitions(members: list[int]) -> Iterator[list[list[int]]]:
    if not members:
        yield []
        return
    for parts in _partitions(members[1:]):
        for index, part in enumerate(parts):
            yield [*parts[:index], [members[0], *part], *parts[index + 1 :]]
        yield [[members[0]], *parts]
