"""Hypothesis strategies for random small scheduling problems; use them for every solver, bound and rule.

``instances()`` draws a fabric and a program on it:

- 2 to 6 chips on a ring of random order, so that every chip reaches every other, and more bundles at will, parallel
  ones of other wires among them; 0 to 3 hosts, each joined both ways to one or two chips;
- lanes, rates (v below one cycle, whole, and fractional), latency (0 allowed), guard, turnaround and opening deskew;
- one or two stages of demands, each a copy (from a chip or a host) or a sum (whose root need not have a summand), with
  operators before that produce the leaves and operators after that read the result at each consumer; operators of 0
  cycles, on all units, and chains of operators on one node.

Every instance can be scheduled, and everything that moves is read by somebody. What is drawn shrinks towards two
chips, one demand of one vector, and operators that take no time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from lpxsched.schedule.problem.instance import HOST, MATRIX, VECTOR
from lpxsched.schedule.routes.blocks import Cut
from tests.schedule.instances import ADD_COST, FREE_ADD, Bundle, Demand, Operator, instance_of

if TYPE_CHECKING:
    from lpxsched.schedule.problem.instance import AddCost, Instance

VECTOR_TIMES = (Fraction(1), Fraction(1, 3), Fraction(2), Fraction(5, 2), Fraction(7, 3), Fraction(6, 7))
CHEAP_ADD = replace(ADD_COST, fixed_cycles=0)
SLOW_ADD = replace(ADD_COST, operations_per_cycle=64)


@dataclass(frozen=True, slots=True)
class Wiring:
    """A fabric: its nodes, chips first, and its bundles."""

    chips: int
    hosts: int
    bundles: tuple[Bundle, ...]


@dataclass(slots=True)
class Program:
    """Operators and demands as they are drawn; `latest` is the last operator on each node."""

    operators: list[Operator] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=dict)

    def add(self, operator: Operator) -> int:
        """Append an operator and return its number."""
        self.operators.append(operator)
        self.latest[operator.node] = len(self.operators) - 1
        return len(self.operators) - 1


@st.composite
def wires(draw: st.DrawFn, source: int, destination: int) -> Bundle:
    """Draw a bundle between two nodes."""
    lanes, latency, guard = draw(st.integers(1, 3)), draw(st.integers(0, 6)), draw(st.integers(0, 3))
    return Bundle(source, destination, lanes, latency, guard, draw(st.sampled_from(VECTOR_TIMES)))


@st.composite
def wirings(draw: st.DrawFn, *, most_chips: int = 6, most_hosts: int = 3) -> Wiring:
    """Draw a strongly connected fabric."""
    chips, hosts = draw(st.integers(2, most_chips)), draw(st.integers(0, most_hosts))
    ring = draw(st.permutations(range(chips)))
    ends = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    pairs = st.tuples(st.integers(0, chips - 1), st.integers(0, chips - 1)).filter(lambda pair: pair[0] != pair[1])
    ends += draw(st.lists(pairs, max_size=2 * chips))
    for host in range(chips, chips + hosts):
        for chip in draw(st.lists(st.integers(0, chips - 1), min_size=1, max_size=2, unique=True)):
            ends += [(chip, host), (host, chip)]
    return Wiring(chips, hosts, tuple(draw(wires(*pair)) for pair in ends))


@st.composite
def operators(draw: st.DrawFn, /, node: int, chips: int, **known: tuple[int, ...]) -> Operator:
    """Draw an operator on a node; on a host it takes no time."""
    if node >= chips:
        return Operator(node, HOST, 0, **known)
    return Operator(node, draw(st.sampled_from((MATRIX, VECTOR))), draw(st.integers(0, 9)), **known)


@st.composite
def instances(
    draw: st.DrawFn, *, most_chips: int = 6, most_hosts: int = 3, most_vectors: int = 6, most_demands: int = 4
) -> Instance:
    """Draw a whole problem of one or two stages of demands."""
    wiring = draw(wirings(most_chips=most_chips, most_hosts=most_hosts))
    program = Program()
    for _ in range(draw(st.integers(1, 2))):
        reads: dict[int, list[int]] = {}
        for _ in range(draw(st.integers(1, most_demands))):
            _draw_demand(draw, wiring, program, reads, most_vectors)
        for node, demands in sorted(reads.items()):
            before = (program.latest[node],) if node in program.latest and draw(st.booleans()) else ()
            program.add(draw(operators(node, wiring.chips, after=before, demands=tuple(demands))))
    return instance_of(
        wiring.chips,
        wiring.bundles,
        program.operators,
        program.demands,
        hosts=wiring.hosts,
        turnaround=draw(st.integers(0, 4)),
        release=draw(st.integers(0, 3)),
        add_cost=draw(add_costs()),
    )


def add_costs() -> st.SearchStrategy[AddCost]:
    """Draw what a sum costs: nothing, little, or by its number of operands."""
    return st.sampled_from((ADD_COST, FREE_ADD, CHEAP_ADD, SLOW_ADD))


def _draw_demand(
    draw: st.DrawFn, wiring: Wiring, program: Program, reads: dict[int, list[int]], most_vectors: int
) -> None:
    """Draw a copy or a sum with the operators that produce it, and note who reads it."""
    number, nodes = len(program.demands), wiring.chips + wiring.hosts
    if draw(st.booleans()):
        leaves = sorted(draw(st.sets(st.integers(0, wiring.chips - 1), min_size=2)))
        root = draw(st.integers(0, wiring.chips - 1))
    else:
        root = draw(st.integers(0, nodes - 1))
        leaves = [root]
    made = tuple(_producer(draw, wiring, program, leaf) for leaf in leaves)
    readers = draw(st.sets(st.integers(0, nodes - 1), min_size=1))
    for node in readers:
        reads.setdefault(node, []).append(number)
    consumers = tuple(sorted(readers - {root}))
    program.demands.append(Demand(draw(st.integers(1, most_vectors)), root, tuple(leaves), made, consumers))


def _producer(draw: st.DrawFn, wiring: Wiring, program: Program, node: int) -> int:
    """Return an operator on a node that may produce a leaf: the latest there, or a new one after it."""
    if node in program.latest and draw(st.booleans()):
        return program.latest[node]
    before = (program.latest[node],) if node in program.latest else ()
    return program.add(draw(operators(node, wiring.chips, after=before)))


@st.composite
def cuts(draw: st.DrawFn, *, most_vectors: int = 6) -> Cut:
    """Draw a rule that cuts demands into blocks."""
    lengths = st.integers(1, most_vectors)
    return Cut(draw(lengths), draw(lengths), draw(st.integers(0, 3)), draw(st.integers(1, 3)))
