"""Flags of hosts beside rows: trees, shifts and passes, worked out by hand on small networks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.errors import NothingFoundError
from lpxsched.schedule.flags import LaidSlots, flags_beside, flags_on, least_shift, polled_hosts, until_void
from lpxsched.schedule.layers import solve_layers
from lpxsched.schedule.options import SolveOptions
from lpxsched.schedule.problem.network import Network
from lpxsched.schedule.problem.ragged import Ragged
from tests.builds import ints
from tests.schedule.layers import layers_on

if TYPE_CHECKING:
    from collections.abc import Sequence

GREEDY = SolveOptions("greedy", 1, 0)


def network(chips: int, hosts: Sequence[int], links: Sequence[tuple[int, int]], v: Fraction = Fraction(3)) -> Network:
    """Return a network of links of one lane, a vector of which takes v cycles and 10 more; a chip turns round in 2.

    Nodes from `chips` on are lanes of the given hosts of the fabric.
    """
    count = len(links)
    source, destination = (np.array(ends, dtype=np.int64) for ends in zip(*links, strict=True))
    return Network(
        width=chips,
        chips=chips,
        fabric_node=ints(*range(chips), *hosts),
        class_names=("wire",),
        source=source,
        destination=destination,
        lanes=np.ones(count, dtype=np.int64),
        link_class=np.zeros(count, dtype=np.int64),
        latency_cycles=np.full(count, 10),
        guard_cycles=np.zeros(count, dtype=np.int64),
        pitch_numerator=np.full(count, v.numerator),
        pitch_denominator=np.full(count, v.denominator),
        links=Ragged.of([[link] for link in range(count)]),
        turnaround_cycles=2,
        inject_per_cycle=0,
        eject_per_cycle=0,
        wire="pipelined",
    )


# Chips 0 and 1, whose lanes 2 and 3 lead from one host; each to its chip, and the chips to each other and back.
PAIR = ((2, 0), (3, 1), (0, 1), (1, 0), (0, 2), (1, 3))


def test_a_host_of_two_lanes_sends_its_flag_over_both() -> None:
    """Tests one host of two chips: a vector leaves on each lane at 5 and is read 3 + 10 later."""
    one = network(2, (9, 9), PAIR)
    flags = flags_on(one, 5)
    assert polled_hosts(one) == {9: [2, 3]}
    assert sorted(zip(flags.host, flags.bundle, flags.depart, strict=True)) == [(0, 0, 5), (0, 1, 5)]
    assert flags.branch_cycles == 18


def test_chips_pass_on_the_flags_of_hosts_of_others() -> None:
    """Tests a host a chip: read at 18, sent on from 20 to the other chip, which reads it at 33."""
    flags = flags_on(network(2, (8, 9), PAIR), 5)
    slots = sorted(zip(flags.host.tolist(), flags.bundle.tolist(), flags.depart.tolist(), strict=True))
    assert slots == [(0, 0, 5), (0, 2, 20), (1, 1, 5), (1, 3, 20)]
    assert flags.branch_cycles == 33


def test_flags_of_several_hosts_follow_each_other_on_a_link() -> None:
    """Tests three hosts whose chips 1 and 2 reach chip 3 through 0 alone: its link to 3 carries their flags in turn.

    Host 0's is read at chip 0 at 13 and leaves at 15; those of 1 and 2 are read there at 28 and leave at 30 and 33.
    """
    links = [(4, 0), (5, 1), (6, 2), (1, 0), (2, 0), (0, 1), (0, 2), (0, 3)]
    flags = flags_on(network(4, (10, 11, 12), links), 0)
    onward = flags.bundle == 7
    assert sorted(flags.depart[onward].tolist()) == [15, 30, 33]
    assert flags.branch_cycles == 46


def test_a_chip_that_no_flag_reaches_is_told() -> None:
    """Tests a second chip without links to it."""
    with pytest.raises(NothingFoundError, match="no ways lead from node 9, a host, to all chips"):
        flags_on(network(2, (9,), [(2, 0), (1, 0)]), 0)


def rows(*slots: tuple[int, int, int]) -> LaidSlots:
    """Return slots of a bundle, vectors and departure each."""
    bundle, vectors, depart = (np.array(column, dtype=np.int64) for column in zip(*slots, strict=True))
    return LaidSlots(bundle, np.zeros_like(bundle), vectors, depart)


def test_rows_move_by_the_least_that_leaves_flags_free() -> None:
    """Tests rows on the lane to chip 0 at the time of its flag: 3 cycles later; and one behind that they then meet.

    The flag that chip 0 passes on holds its link during [20, 23). A row there at 16 ends at 19; 3 later it would end
    at 22, so that all rows move by 7, to 23.
    """
    one = network(2, (8, 9), PAIR)
    flags = flags_on(one, 5)
    assert least_shift(one, flags, rows((0, 2, 5))) == 3
    assert least_shift(one, flags, rows((0, 2, 5), (2, 1, 16))) == 7
    assert least_shift(one, flags, rows((0, 2, 8))) == 0
    assert least_shift(one, flags, rows((0, 2, 8)), at_least=1) == 1


def test_flags_go_first_or_in_what_rows_leave_free() -> None:
    """Tests two vectors on each lane of a host of two: flags first move them by 3, behind them chips branch 6 later.

    First: sent [5, 8), rows [8, 14) are read at 21 and 24, and the pass is over at 25. Behind: rows are read at 18 and
    21, flags leave at 11 and are read at 24.
    """
    one = network(2, (9, 9), PAIR)
    both = list(flags_beside(one, 5, rows((0, 2, 5), (1, 2, 5))))
    assert [(shift, flags.branch_cycles, flags.void_cycles) for shift, flags in both] == [(3, 18, 25), (0, 24, 25)]
    # A deskew at 20: rows move until chips have branched by then, and flags behind rows are too late.
    ((shift, flags),) = flags_beside(one, 5, rows((0, 2, 5), (1, 2, 5)), before_cycles=10)
    assert (shift, flags.branch_cycles) == (8, 18)


def test_a_void_pass_ends_with_the_last_read_of_what_was_sent() -> None:
    """Tests chips that branch at 18: a slot between them that leaves at 17 goes on, one that leaves at 18 does not.

    Three vectors of 5/2 cycles leave at 17 and are read at 30, 32.5 and 35, so within cycle 35. What leaves for a host
    holds its lane.
    """
    one = network(2, (9, 9), PAIR, Fraction(5, 2))
    flags = flags_on(one, 5)
    assert flags.branch_cycles == 18
    assert until_void(one, flags, rows((2, 3, 17))).void_cycles == 36
    assert until_void(one, flags, rows((2, 3, 18))).void_cycles == 19
    assert until_void(one, flags, rows((4, 9, 17))).void_cycles == 40
    assert until_void(one, flags, rows((0, 1, 90))).void_cycles == 104


def test_layers_with_other_hosts_have_other_flags() -> None:
    """Tests pairs of three trays: positions 1 and 2 share a host, 7 and 8 do not."""
    rack = layers_on("lpx-rack", [(33, 34), (65, 66), (103, 104)])
    layers = solve_layers(rack.problems, GREEDY, progress=lambda *_: None)
    assert [len(set(layer.problem.group.hosts)) for layer in layers] == [1, 1, 2]
    assert [layer.distinct.number for layer in layers] == [0, 0, 1]
    flags = [layer.distinct.result.schedule.flags for layer in layers]
    assert [len(one.host) if one else 0 for one in flags] == [2, 2, 4]
