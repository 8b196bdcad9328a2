"""Variables of the CP-SAT model of copies: which bundles each block crosses, and when it is read at each node.

Time counts in steps, the common divisor of all lengths: where every length is a multiple of a step, a schedule with all
its departures rounded down to whole steps keeps all rules, so nothing is lost.

The read of the first vector of a block at a node is the length of the shortest way there plus a delay. Where a block
has one reader and keeps to shortest ways, its delay never falls from hop to hop, so nodes equally far from its source
share a delay: it passes only one of them. Where it may not wait on its way, all its nodes share one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ortools.sat.python import cp_model

from lpxsched.traffic.collectives import EVERY
from lpxsched.units import ceil_div

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.schedule.cpsat.crossings import Crossings
    from lpxsched.schedule.symmetry.quotient import Blocks, Quotient

Pair = tuple[int, int]


class Style(Enum):
    """Which ways are open: shortest ones without a wait, shortest ones, or all."""

    PROMPT = auto()
    SHORTEST = auto()
    ANY = auto()


class Slots(NamedTuple):
    """Slots of representatives: what crosses which bundle, and when.

    Attributes
    ----------
    block, bundle, depart : ndarray of int64, shape (slots,)
        `depart` in cycles.
    """

    block: NDArray[np.int64]
    bundle: NDArray[np.int64]
    depart: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.block)

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (block, bundle, depart) of each slot."""
        return list(zip(self.block.tolist(), self.bundle.tolist(), self.depart.tolist(), strict=True))

    def where(self, chosen: NDArray[np.bool_]) -> Slots:
        """Return some of the slots."""
        return Slots(self.block[chosen], self.bundle[chosen], self.depart[chosen])

    def joined(self, other: Slots) -> Slots:
        """Return these slots and others."""
        return Slots(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def no_slots() -> Slots:
    """Return no slots."""
    none = np.zeros(0, dtype=np.int64)
    return Slots(none, none, none)


def step_cycles(problem: Quotient, blocks: Blocks) -> int:
    """Return the common divisor of all lengths, where blocks are single vectors and no port counts cycles; else 1."""
    network = problem.instance.network
    if network.inject_per_cycle or network.eject_per_cycle or (blocks.vectors != 1).any():
        return 1
    lengths = np.concatenate([network.hop_cycles, network.hold_cycles(1), [network.turnaround_cycles]])
    return max(1, int(np.gcd.reduce(lengths)))


class Bundles:
    """The bundles as plain lists, which Python reads faster than columns; times in steps."""

    def __init__(self, problem: Quotient, step: int) -> None:
        wires = problem.wires
        self.source: list[int] = wires.source.tolist()
        self.destination: list[int] = wires.destination.tolist()
        self.hop: list[int] = (wires.hop // step).tolist()
        self.resource: list[int] = wires.resource.tolist()
        self.numerator: list[int] = wires.numerator.tolist()
        self.denominator: list[int] = (wires.denominator * step).tolist()

    def hold(self, bundle: int, vectors: int) -> int:
        """Return ceil(n pitch)."""
        return ceil_div(vectors * self.numerator[bundle], self.denominator[bundle])

    def lead(self, arrived: int, leaving: int, vectors: int) -> int:
        """Return how much later a relay sends a stream on where the wire in is slower than the wire out."""
        slow = self.numerator[arrived] * self.denominator[leaving]
        fast = self.numerator[leaving] * self.denominator[arrived]
        scale = self.denominator[arrived] * self.denominator[leaving]
        return max(0, ceil_div((vectors - 1) * (slow - fast), scale))


@dataclass(slots=True)
class RouteVariables:
    """Variables of some blocks' crossings, with what is kept beside them.

    Attributes
    ----------
    problem : Quotient
    blocks : Blocks
    latest_cycles : int
        No read is later.
    style : Style
    cp : CpModel
    step, latest, turnaround : int
        Cycles of a step; latest read and turnaround in steps.
    bundles : Bundles
    way : list of list of int
        Steps from a departure at one node to the read at another, the fewest.
    present : dict
        By block and bundle: whether the block crosses it.
    into, out_of : dict
        By block and node: the bundles by which the block may arrive and leave.
    reads : dict
        By block and node: the step at which the block's first vector is read there; a number where it is kept.
    places : dict
        By block and node: which delay counts there.
    delays : dict
        By block and place: variables behind the reads.
    """

    problem: Quotient
    blocks: Blocks
    latest_cycles: int
    style: Style
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    step: int = field(init=False)
    latest: int = field(init=False)
    turnaround: int = field(init=False)
    bundles: Bundles = field(init=False)
    way: list[list[int]] = field(init=False)
    present: dict[Pair, cp_model.IntVar] = field(default_factory=dict)
    into: dict[Pair, list[int]] = field(default_factory=lambda: defaultdict(list))
    out_of: dict[Pair, list[int]] = field(default_factory=lambda: defaultdict(list))
    reads: dict[Pair, cp_model.LinearExprT] = field(default_factory=dict)
    places: dict[Pair, int] = field(default_factory=dict)
    delays: dict[Pair, cp_model.IntVar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.step = step_cycles(self.problem, self.blocks)
        self.latest = self.latest_cycles // self.step
        self.turnaround = self.problem.instance.network.turnaround_cycles // self.step
        self.bundles = Bundles(self.problem, self.step)
        self.way = (self.problem.way // self.step).tolist()

    def add_crossings(self, crossings: Crossings) -> None:
        """Make variables; of a block with one reader for all that it may cross."""
        for block, bundle in zip(crossings.block.tolist(), crossings.bundle.tolist(), strict=True):
            self.present[block, bundle] = self.cp.new_bool_var("")
            self.into[block, self.bundles.destination[bundle]].append(bundle)
            self.out_of[block, self.bundles.source[bundle]].append(bundle)
        for block, node in self.into:
            distance = self.distance(block, node)
            place = (0 if self.style is Style.PROMPT else distance) if self.shares_delays(block) else node
            if (block, place) not in self.delays:
                self.delays[block, place] = self.cp.new_int_var(0, self._most_delay(block, node), "")
            self.places[block, node] = place
            self.reads[block, node] = self.delays[block, place] + distance

    def _most_delay(self, block: int, node: int) -> int:
        """Return the delay with which a block may be read so that its reader still is in time."""
        target = self.target(block)
        last = node if target == EVERY else target
        tail = min(self.tail(block, bundle) for bundle in self.into[block, last]) if self.is_reader(block, last) else 0
        onward = self.way[node][last] + (self.turnaround if node != last else 0)
        return max(0, self.latest - tail - onward - self.distance(block, node))

    def distance(self, block: int, node: int) -> int:
        """Return the fewest steps from a departure of a block to its read at a node."""
        return self.way[self.source(block)][node]

    def source(self, block: int) -> int:
        """Return the node that holds a block at first."""
        return int(self.blocks.source[block])

    def target(self, block: int) -> int:
        """Return the node that reads a block, or `EVERY`."""
        return int(self.blocks.target[block])

    def vectors(self, block: int) -> int:
        """Return the vectors of a block."""
        return int(self.blocks.vectors[block])

    def is_reader(self, block: int, node: int) -> bool:
        """Return whether a block is to be read at a node in the end."""
        target = self.target(block)
        return node == target or (target == EVERY and node < self.problem.instance.network.width)

    def depart(self, block: int, bundle: int) -> cp_model.LinearExprT:
        """Return the step at which a block leaves over a bundle, if it does."""
        return self.reads[block, self.bundles.destination[bundle]] - self.bundles.hop[bundle]

    def tail(self, block: int, bundle: int) -> int:
        """Return the steps from the first read to the last."""
        return self.bundles.hold(bundle, self.vectors(block) - 1)

    def any_of(self, block: int, bundles: list[int]) -> cp_model.IntVar:
        """Return a literal for the crossing of one of several bundles, of which a block crosses at most one."""
        literals = [self.present[block, bundle] for bundle in bundles]
        if len(literals) == 1:
            return literals[0]
        one = self.cp.new_bool_var("")
        self.cp.add_exactly_one([*literals, ~one])
        return one

    def slots(self, solver: cp_model.CpSolver) -> Slots:
        """Return the slots of a solution."""
        rows = [
            (block, bundle, solver.value(self.depart(block, bundle)) * self.step)
            for (block, bundle), present in self.present.items()
            if solver.boolean_value(present)
        ]
        table = np.array(rows, dtype=np.int64).reshape(-1, 3)
        return Slots(table[:, 0], table[:, 1], table[:, 2])

    def add_hint(self, hint: Slots) -> None:
        """Hint slots; what crosses no bundle of the model is left out."""
        known: dict[Pair, int] = {}
        crossed = set()
        for block, bundle, depart in hint.rows():
            node = self.bundles.destination[bundle]
            if (block, bundle) in self.present:
                crossed.add((block, bundle))
                read = depart // self.step + self.bundles.hop[bundle]
                known[block, self.places[block, node]] = read - self.distance(block, node)
        for key, present in self.present.items():
            self.cp.add_hint(present, key in crossed)
        before = (-1, 0)
        for block, place in sorted(self.delays):
            # At a distance that a block skips, its delay is what it was before.
            skipped = before[1] if before[0] == block and self.shares_delays(block) else 0
            before = block, known.get((block, place), skipped)
            self.cp.add_hint(self.delays[block, place], before[1])

    def shares_delays(self, block: int) -> bool:
        """Return whether nodes share delays: the block has one reader and keeps to shortest ways."""
        return self.style is not Style.ANY and self.target(block) != EVERY
