"""Greedy search: ways, then times by justification, over and over within a budget of placed slots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule import policy
from lpxsched.schedule.plan import copy_plan, joined, sum_plan
from lpxsched.schedule.result import Found
from lpxsched.schedule.routes.candidates import Candidate, Candidates, directions
from lpxsched.schedule.routes.choices import Style, block_lengths, first_choices, further_choices, packings
from lpxsched.schedule.routes.exchange import exchange_classes, exchange_plan, exchange_sequences
from lpxsched.schedule.symmetry.quotient import HALVES, Quotient, quotient
from lpxsched.schedule.times.modulo import settled, shortest_period
from lpxsched.schedule.times.placement import depth
from lpxsched.schedule.times.plan_tasks import plan_tasks
from lpxsched.traffic.collectives import EVERY, Pieces
from lpxsched.units import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.schedule.problem.instance import Instance
    from lpxsched.schedule.symmetry.groups import Symmetry


@dataclass(frozen=True, slots=True)
class Budget:
    """How much work a search may do.

    Attributes
    ----------
    slots : int
        Slots to place in all; one candidate is tried whatever it takes.
    rounds : int
        Candidates to try at most.
    enough_cycles : int
        A lower bound: nothing is looked for below it.
    patience : int
        Candidates in a row that may be no better; the fewer the closer the best is to the bound.
    patient_cycles : int
        Distance from the bound from which on all that patience is had.
    cyclic : bool
        Whether the period is to be short, not the makespan.
    known_cycles : int
        Makespan of a schedule at hand: what is much longer is given up early.
    packing_seconds : float
        Deterministic seconds of CP-SAT for trees of even load, where the period counts.
    """

    slots: int
    rounds: int
    enough_cycles: int
    patience: int
    patient_cycles: int = 1
    cyclic: bool = False
    known_cycles: int = NEVER
    packing_seconds: float = 0.0

    def is_spent(self, best: Found[Quotient] | None, in_vain: int) -> bool:
        """Return whether so many candidates in vain are enough: the less is left to win, the fewer."""
        at_hand = NEVER if self.cyclic else self.known_cycles
        left_cycles = (at_hand if best is None else min(at_hand, best.objective_cycles)) - self.enough_cycles
        return in_vain * self.patient_cycles >= self.patience * min(self.patient_cycles, left_cycles)


def search(
    forward: Quotient, backward: Quotient, *, seed: int, budget: Budget, gathered: bool = False, packs: bool = False
) -> Found[Quotient] | None:
    """Return the best schedule of one collective found within a budget, given the problem and that problem reversed.

    `gathered` of an all-reduce that copies every summand to every chip: both problems are then of a `gathered_flow`.
    With `packs` packed trees are tried, and nothing else.
    """
    candidate = Candidates(forward, backward, gathered=gathered, cyclic=budget.cyclic)
    best: Found[Quotient] | None = None
    packed: Found[Quotient] | None = None
    best_of_length: dict[int, tuple[int, int, int]] = {}
    work = tried = in_vain = 0
    asks = budget.packing_seconds > 0 and not gathered

    for choice in _all_choices(forward, best_of_length, seed=seed, cyclic=budget.cyclic, packs=packs):
        is_over = tried >= budget.rounds or budget.is_spent(best, in_vain)
        if asks and best is not None and (is_over or budget.is_spent(best, in_vain * policy.PATIENCE_PARTS)):
            packed, asks = _packed(forward, backward, seed=seed, budget=budget, best=best), False
        if is_over or (packed is not None and packed.objective_cycles <= budget.enough_cycles):
            break
        tried += 1
        in_vain += 1
        if best is not None and work + candidate_work(forward, choice.length) > budget.slots:
            continue
        known = budget.known_cycles if best is None else min(budget.known_cycles, best.placement.makespan_cycles)
        start = candidate(choice, NEVER if budget.cyclic else known + known // policy.HOPELESS)
        if start is None:
            continue
        found = _settled(forward, start, budget, best)
        work += candidate_work(forward, choice.length)
        if found is None:
            continue
        best_of_length[choice.length] = min(best_of_length.get(choice.length, found.quality), found.quality)
        if best is None or found.quality < best.quality:
            best, in_vain = found, 0
        if best.objective_cycles <= budget.enough_cycles:
            break
    return min(filter(None, (best, packed)), key=lambda one: one.quality, default=None)


def _all_choices(
    forward: Quotient, best_of_length: dict[int, tuple[int, int, int]], *, seed: int, cyclic: bool, packs: bool
) -> Iterator[Style]:
    """Yield what to try; what comes last is made of the lengths of blocks that were best until then."""
    unit_blocks = needs_unit_blocks(forward.instance)
    if packs:
        yield from packings(forward, seed=seed, unit_blocks=unit_blocks)
    yield from first_choices(forward, seed=seed, unit_blocks=unit_blocks)
    lengths = sorted(best_of_length, key=best_of_length.__getitem__)[: policy.BEST_LENGTHS]
    if lengths:
        yield from further_choices(forward, lengths, seed=seed, cyclic=cyclic)


def _packed(
    forward: Quotient, backward: Quotient, *, seed: int, budget: Budget, best: Found[Quotient]
) -> Found[Quotient]:
    """Return the better of a timetable that repeats and those on trees that CP-SAT packs, of each length of blocks."""
    from lpxsched.schedule.cpsat.packing import packed_ways
    from lpxsched.schedule.cpsat.runs import Effort

    both = directions(forward, backward)
    lengths = block_lengths(forward, unit_blocks=needs_unit_blocks(forward.instance))
    for length in [length for length in lengths if length != HALVES][: policy.PACKED_LENGTHS]:
        if best.objective_cycles <= budget.enough_cycles:
            break
        blocks = forward.blocks(length)
        effort = Effort(budget.packing_seconds, seed, budget.enough_cycles)
        ways = packed_ways(both, blocks, effort=effort, below_cycles=best.objective_cycles)
        if ways is None:
            continue
        plans = [
            (sum_plan if is_sum else copy_plan)(forward, blocks, way.block, way.bundle)
            for (_, is_sum), way in zip(both, ways, strict=True)
        ]
        found = _settled(forward, Candidate(plans[0] if len(plans) == 1 else joined(*plans)), budget, best)
        if found is not None and found.quality < best.quality:
            best = replace(found, is_modelled=True)
    return best


def candidate_work(problem: Quotient, length: int) -> int:
    """Return about how many slots are placed and offered to try blocks of a length."""
    vectors = problem.flow.vectors[problem.representatives]
    blocks = int((-(-vectors // length)).sum()) if length else 8 * len(vectors)
    everyone = problem.flow.is_for_everyone
    degree = problem.network.bundles // problem.network.nodes
    return blocks * (problem.network.width if everyone else 2) * (1 + policy.PASSES + degree // policy.OFFERS_PER_SLOT)


def exchange(problem: Instance, symmetry: Symmetry, *, budget: Budget) -> Found[Quotient] | None:
    """Return the best all-reduce by exchanges, None where no sequence of phases is one.

    Vectors are spread over two sequences in all shares, of which the best is kept.
    """
    vectors = problem.stage.vectors
    whole = np.full(1, vectors, dtype=np.int64)
    every = np.full(1, EVERY, dtype=np.int64)
    representative = quotient(problem, Pieces(0 * whole, 0 * whole, whole, every, every), symmetry)
    best: Found[Quotient] | None = None
    for classes in exchange_classes(representative):
        sequences = exchange_sequences(representative, classes)
        for first, second in [(0, 0)] if len(sequences) == 1 else combinations(range(len(sequences)), 2):
            for lengths in _exchange_lengths(vectors, unit_blocks=needs_unit_blocks(problem)):
                for share in range(len(lengths) + 1 if first != second else 1):
                    chosen = [sequences[first if block < share else second] for block in range(len(lengths))]
                    plan = exchange_plan(representative, classes, chosen, lengths)
                    found = _settled(representative, Candidate(plan), budget, best)
                    if found is not None and (best is None or found.quality < best.quality):
                        best = found
                    if best is not None and best.objective_cycles <= budget.enough_cycles:
                        return best
        if sequences:
            break
    return best


def needs_unit_blocks(problem: Instance) -> bool:
    """Return whether every vector must be a slot of its own: on busy wires, and where ports count vectors."""
    return problem.network.wire == "busy" or bool(problem.network.inject_per_cycle or problem.network.eject_per_cycle)


def _exchange_lengths(vectors: int, *, unit_blocks: bool) -> list[list[int]]:
    """Return cuts of a tensor into at most `MOST_EXCHANGED` blocks of equal length; none where these are too long."""
    if unit_blocks:
        return [[1] * vectors] if vectors <= policy.MOST_EXCHANGED else []
    counts = sorted({min(vectors, 2**power) for power in range(policy.MOST_EXCHANGED.bit_length())}, reverse=True)
    return [[vectors // count + (block < vectors % count) for block in range(count)] for count in counts[:2]]


def _settled(
    problem: Quotient, start: Candidate, budget: Budget, best: Found[Quotient] | None
) -> Found[Quotient] | None:
    """Place a plan, and justify it or make it repeat; None where it cannot repeat sooner than the best."""
    plan = start.plan
    if start.timed is not None:
        return Found(problem, plan, start.timed)
    tasks = plan_tasks(problem, plan)
    below = best.objective_cycles if best is not None else NEVER
    if budget.cyclic and shortest_period(tasks) >= below:
        return None
    order = np.argsort(depth(tasks), kind="stable") if start.order is None else start.order
    placement = settled(tasks, order, enough=budget.enough_cycles, cyclic=budget.cyclic, below=below)
    return Found(problem, plan, placement) if placement else None
