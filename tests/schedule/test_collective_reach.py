"""Tests of collectives whose chips do not all reach each other, and of those that take no part in them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.clocks.specification import load_clock
from lpxsched.errors import InfeasibleError, InputError
from lpxsched.fabric.fabric import LinkClass
from lpxsched.schedule.collective import solve_collective
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.collective import collective_instance
from lpxsched.traffic.collectives import Collective
from tests.fabric.examples import digraphs, fabric_of
from tests.schedule.fabrics import Bundle
from tests.schedule.fabrics import fabric as unequal

if TYPE_CHECKING:
    from lpxsched.traffic.collectives import Kind


def test_a_relay_deeper_than_all_chips_is_kept_where_links_lead_one_way() -> None:
    """Tests a ring of one direction whose chips 0, the root, and 2 take part: chip 3 is the only way back."""
    fabric = fabric_of([(0, 1), (1, 2), (2, 3), (3, 0)], grid=(1, 4))
    problem = collective_instance(fabric, [0, 2], Collective("all-gather", 2, 1), relays=True)
    scheduled = solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))
    assert scheduled.problem.network.nodes == 4
    assert scheduled.tree.depth.tolist() == [0, 1, 2, 3]


def test_a_relay_that_counters_do_without_is_kept_where_vectors_do_not() -> None:
    """Tests a ring of one direction, of which chip 2 takes no part: from chip 3 on counters align without it."""
    wires = [LinkClass(str(latency), latency, Fraction(1), Fraction(1), Fraction(1)) for latency in (5, 20)]
    ways = {Bundle(chip, (chip + 1) % 5, int(chip == 1)): 1 for chip in range(5)}
    where = unequal(5, ways, wires)
    problem = collective_instance(where, [0, 1, 3, 4], Collective("gather", 4, 1, 0), relays=True)
    scheduled = solve_collective(where, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))
    assert scheduled.problem.network.nodes == 5
    assert min(scheduled.tree.depth.tolist()) == 0


def test_chips_that_no_root_reaches_are_bad_input() -> None:
    """Tests a gather along two links that end at chip 0: no counter is seen by both others."""
    fabric = fabric_of([(1, 0), (2, 0)], grid=(1, 3))
    problem = collective_instance(fabric, [0, 1, 2], Collective("gather", 3, 1, 0), relays=False)
    with pytest.raises(InputError, match="no links lead from chip 0 to chip 1"):
        solve_collective(fabric, problem, load_clock("xo-100ppm"), SolveOptions("greedy", 1))


@given(digraphs(most_chips=6), st.sampled_from(["broadcast", "gather", "all-gather", "reduce"]), st.booleans())
def test_perfect_clocks_refuse_nothing_that_is_feasible(graph: nx.DiGraph[int], kind: Kind, relays: bool) -> None:
    """Tests random directed fabrics, isolated chips among them: refused only where a vector has no way."""
    fabric = fabric_of(list(graph.edges), grid=(1, len(graph)))
    chips = list(range(0, len(graph), 2))
    if len(chips) < 2:
        return
    collective = Collective(kind, len(chips), 1, 0)
    carrying = graph if relays else graph.subgraph(chips)
    senders = chips if kind in ("gather", "reduce", "all-gather") else chips[:1]
    readers = chips if kind in ("broadcast", "all-gather") else chips[:1]
    if all(nx.has_path(carrying, sender, reader) for sender in senders for reader in readers):
        problem = collective_instance(fabric, chips, collective, relays=relays)
        scheduled = solve_collective(fabric, problem, load_clock("none"), SolveOptions("greedy", 1))
        assert set(scheduled.tree.depth.tolist()) == {-1}
    else:
        others = any(not nx.has_path(graph, sender, reader) for sender in senders for reader in readers)
        told = "the fabric is split" if others else "add --relays, which lets the others pass vectors on"
        with pytest.raises(InfeasibleError, match=told):
            collective_instance(fabric, chips, collective, relays=relays)
