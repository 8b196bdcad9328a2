"""Layers on circulants, which every translation of the chips leaves as they are, shares and durations apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from lpxsched.schedule.problem.instance import HOST, MATRIX, VECTOR
from tests.schedule.instances import ADD_COST, WIRE, Bundle, Demand, Operator, both_ways, instance_of
from tests.strategies import VECTOR_TIMES, add_costs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lpxsched.schedule.problem.instance import AddCost, Instance


class Shares(NamedTuple):
    """Vectors that enter and leave at each chip's host, and cycles of each chip's operator."""

    entering: Sequence[int]
    leaving: Sequence[int]
    cycles: Sequence[int]


def circulant(chips: int, steps: Iterable[int], wire: Bundle = WIRE) -> list[Bundle]:
    """Return a bundle from each chip to the chips some steps further, and both ways between each chip and its host."""
    ahead = [wire._replace(source=c, destination=(c + step) % chips) for step in steps for c in range(chips)]
    return ahead + both_ways(((c, chips + c) for c in range(chips)), wire)


def layer_on(
    bundles: Sequence[Bundle], shares: Shares, *, add_cost: AddCost = ADD_COST, turnaround: int = 3
) -> Instance:
    """Return a layer: rows enter, all chips read all of them, and what they make is summed in shares that leave.

    Hosts without a share have no operator, as in ``lpxsched.schedule.problem.layer``.
    """
    chips = len(shares.entering)
    every = tuple(range(chips))
    entering = [c for c in every if shares.entering[c]]
    leaving = [c for c in every if shares.leaving[c]]
    first, last = len(entering), len(entering) + 2 * chips
    operators = [Operator(chips + c, HOST) for c in entering]
    operators += [Operator(c, MATRIX, shares.cycles[c], (), tuple(range(first))) for c in every]
    operators += [Operator(c, VECTOR, 5, (first + c,)) for c in every]
    operators += [Operator(chips + c, HOST, 0, (), (first + index,)) for index, c in enumerate(leaving)]
    made = tuple(range(first + chips, last))
    demands = [Demand(shares.entering[c], chips + c, (chips + c,), (index,), every) for index, c in enumerate(entering)]
    demands += [Demand(shares.leaving[c], c, every, made, (chips + c,)) for c in leaving]
    return instance_of(chips, bundles, operators, demands, hosts=chips, add_cost=add_cost, turnaround=turnaround)


def even_layer(chips: int, steps: Iterable[int], *, vectors: int = 1) -> Instance:
    """Return a layer with equal shares."""
    return layer_on(circulant(chips, steps), Shares([vectors] * chips, [vectors] * chips, [7] * chips))


@st.composite
def circulant_layers(draw: st.DrawFn, *, most_chips: int = 5, most_vectors: int = 4) -> Instance:
    """Draw a layer on a circulant; shares and durations may be unequal, and some shares empty."""
    chips = draw(st.integers(2, most_chips))
    steps = sorted({1, *draw(st.sets(st.integers(1, chips - 1)))})
    lanes, vector_time = draw(st.integers(1, 2)), draw(st.sampled_from(VECTOR_TIMES))
    wire = Bundle(0, 0, lanes, draw(st.integers(0, 6)), draw(st.integers(0, 3)), vector_time)
    share = st.lists(st.integers(0, most_vectors), min_size=chips, max_size=chips).filter(any)
    cycles = st.lists(st.integers(0, 9), min_size=chips, max_size=chips)
    shares = Shares(draw(share), draw(share), draw(cycles))
    return layer_on(
        circulant(chips, steps, wire), shares, add_cost=draw(add_costs()), turnaround=draw(st.integers(0, 4))
    )
