"""CP-SAT on copies with routes left open: which bundles each block crosses, and when.

Every pair of a block and a bundle that it may cross is an optional interval on its resource, whose lanes are a
cumulative capacity. Several models follow each other, each for less than the best makespan so far: shortest ways
without waiting, shortest ways, and all ways in time. What is left of the time, and what is too large for one model, is
searched neighbourhood after neighbourhood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.cpsat.crossings import crossings
from lpxsched.schedule.cpsat.neighbourhoods import Neighbourhoods
from lpxsched.schedule.cpsat.rules import add_rules, minimize_lateness, order_alike
from lpxsched.schedule.cpsat.runs import Allowance, Outcome
from lpxsched.schedule.cpsat.variables import RouteVariables, Slots, Style, no_slots, step_cycles
from lpxsched.traffic.collectives import EVERY

if TYPE_CHECKING:
    from lpxsched.schedule.cpsat.crossings import Crossings
    from lpxsched.schedule.cpsat.runs import Effort
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient

# Crossings of one model; of more, some blocks are kept where they are.
MOST_CROSSINGS = 6_000
# Share of the time for each model of all blocks.
SHARES = {Style.PROMPT: 0.5, Style.SHORTEST: 0.1, Style.ANY: 0.2}
SHARE_FROM_BELOW = 0.5
# Crossings and deterministic seconds of a neighbourhood.
NEIGHBOURHOOD_CROSSINGS, NEIGHBOURHOOD_SECONDS = 600, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """The best slots known.

    Attributes
    ----------
    slots : Slots
    makespan_cycles : int
    least_cycles : int
        No slots of these blocks have a shorter makespan.
    """

    slots: Slots
    makespan_cycles: int
    least_cycles: int


def rerouted(problem: Quotient, blocks: Blocks, known: Slots, effort: Effort, *, from_below: bool = False) -> Routed:
    """Return the best ways and times found for blocks.

    Parameters
    ----------
    problem : Quotient
        Of copies.
    blocks : Blocks
    known : Slots
        A schedule of the blocks.
    effort : Effort
        Its `enough_cycles` is known to be a lower bound.
    from_below : bool
        Whether to raise the lower bound, too.
    """
    best = Routed(known, makespan_cycles(problem, blocks, known), effort.enough_cycles)
    search = _Search(problem, blocks, Allowance.of(effort), best)
    if from_below:
        search.from_below()
    search.by_models()
    search.by_neighbourhoods()
    return search.best


def makespan_cycles(problem: Quotient, blocks: Blocks, slots: Slots) -> int:
    """Return the last read of anyone."""
    return int(last_reads(problem, blocks, slots).max(initial=0))


def last_reads(problem: Quotient, blocks: Blocks, slots: Slots) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return when each slot is read to its end by a chip that wanted it, 0 for what is only passed on."""
    wires, target = problem.wires, blocks.target[slots.block]
    end = wires.destination[slots.bundle]
    wanted = (end == target) | ((target == EVERY) & (end < problem.instance.network.width))
    after_first = (blocks.vectors[slots.block] - 1) * wires.numerator[slots.bundle]
    read = slots.depart + wires.hop[slots.bundle] - (-after_first // wires.denominator[slots.bundle])
    return np.where(wanted, read, 0)


@dataclass(slots=True)
class _Search:
    problem: Quotient
    blocks: Blocks
    allowance: Allowance
    best: Routed

    @property
    def is_over(self) -> bool:
        """Whether nothing better is looked for."""
        return self.allowance.left <= 0 or self.best.makespan_cycles <= self.best.least_cycles

    def by_models(self) -> None:
        """Look for ever shorter makespans, with one model of all blocks for each style of ways and each makespan."""
        one_reader = bool((self.blocks.target != EVERY).all())
        seconds = self.allowance.left
        for style in Style if one_reader else (Style.SHORTEST, Style.ANY):
            until = self.allowance.left - seconds * SHARES[style]
            while not self.is_over and self.allowance.left > until:
                if not self._by_model(style, self.best.makespan_cycles - 1, self.allowance.left - until):
                    break

    def from_below(self) -> None:
        """Raise the lower bound as long as models prove that it is not met."""
        until = self.allowance.left * (1 - SHARE_FROM_BELOW)
        while not self.is_over and self.allowance.left > until:
            least = self.best.least_cycles
            self._by_model(Style.ANY, least, self.allowance.left - until)
            if self.best.least_cycles == least:
                break

    def _by_model(self, style: Style, latest: int, seconds: float) -> bool:
        """Look for slots of which none is read later; return whether there are some."""
        open_to = crossings(self.problem, self.blocks, latest, detours=style is Style.ANY)
        if len(open_to) > MOST_CROSSINGS:
            return False
        outcome = Outcome.NONE
        if _lead_everywhere(self.problem, self.blocks, open_to):
            model = RouteVariables(self.problem, self.blocks, latest, style)
            model.add_crossings(open_to)
            add_rules(model, no_slots())
            order_alike(model, _alike(self.blocks))
            outcome = self.allowance.run(model.cp, seconds)
            if outcome is Outcome.BEST:
                self._take(model.slots(self.allowance.solver))
        if style is Style.ANY and outcome is Outcome.NONE:
            step = step_cycles(self.problem, self.blocks)
            self.best = replace(self.best, least_cycles=(latest // step + 1) * step)
        return outcome is Outcome.BEST

    def by_neighbourhoods(self) -> None:
        """Free some blocks at a time, those that end last among them, and keep all others."""
        current = self.best.slots
        # To one reader, detours take much time and gain little.
        may_detour = bool((self.blocks.target == EVERY).any())
        every = crossings(self.problem, self.blocks, self.best.makespan_cycles, detours=may_detour)
        shortest = crossings(self.problem, self.blocks, self.best.makespan_cycles, detours=False)
        choices = Neighbourhoods(self.blocks, self.allowance.effort.seed)
        while not self.is_over:
            reads = last_reads(self.problem, self.blocks, current)
            open_to = (shortest, every)[self.allowance.runs % 2]
            free = choices.draw(current, reads, self.best.makespan_cycles - 1, open_to, NEIGHBOURHOOD_CROSSINGS)
            current = self._freed(current, free, open_to, int(reads.max()))
            self._take(current)

    def _freed(
        self, current: Slots, free: np.ndarray[tuple[int], np.dtype[np.bool_]], open_to: Crossings, latest: int
    ) -> Slots:
        """Return slots of which fewer are late, or as they are."""
        stays = ~free[current.block]
        kept, moved = current.where(stays), current.where(~stays)
        model = RouteVariables(self.problem, self.blocks, latest, Style.ANY)
        model.add_crossings(open_to.of_blocks(free).united(moved.block, moved.bundle))
        add_rules(model, kept)
        minimize_lateness(model, self.best.makespan_cycles - 1)
        model.add_hint(moved)
        outcome = self.allowance.run(model.cp, NEIGHBOURHOOD_SECONDS, is_hinted=True)
        if outcome in (Outcome.BEST, Outcome.SOME):
            return kept.joined(model.slots(self.allowance.solver))
        return current

    def _take(self, slots: Slots) -> None:
        makespan = makespan_cycles(self.problem, self.blocks, slots)
        if makespan < self.best.makespan_cycles:
            self.best = replace(self.best, slots=slots, makespan_cycles=makespan)


def _lead_everywhere(problem: Quotient, blocks: Blocks, open_to: Crossings) -> bool:
    """Return whether each reader of each block can be reached in time."""
    arrives = np.zeros((len(blocks), problem.instance.network.nodes), dtype=np.bool_)
    arrives[open_to.block, problem.wires.destination[open_to.bundle]] = True
    arrives[np.arange(len(blocks)), blocks.source] = True
    everyone = blocks.target == EVERY
    one = np.flatnonzero(~everyone)
    return bool(arrives[one, blocks.target[one]].all() and arrives[everyone, : problem.instance.network.width].all())


def _alike(blocks: Blocks) -> list[list[int]]:
    """Return blocks that may change places: of one piece and length."""
    groups: dict[tuple[int, int], list[int]] = {}
    for block, key in enumerate(zip(blocks.piece.tolist(), blocks.vectors.tolist(), strict=True)):
        groups.setdefault(key, []).append(block)
    return [group for group in groups.values() if len(group) > 1]
