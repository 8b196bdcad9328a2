"""Tests of the flags that lie between the visits of a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpxsched.program.whole_model.deskewing import dealt_layers
from lpxsched.program.whole_model.flags import Lead
from lpxsched.program.whole_model.kinds import kinds_of
from lpxsched.schedule.flags import polled_hosts
from lpxsched.schedule.result import HostFlags, Schedule
from tests.program.whole_model.chains import NEXT, RACK, ROUTE, TRAY, chained, drifting
from tests.program.whole_model.examples import visits_on

if TYPE_CHECKING:
    from lpxsched.schedule.problem.network import Network


@pytest.mark.parametrize("clock", ["none", "xo-100ppm", 2000])
def test_flags_go_to_all_chips_before_the_second_deskew(clock: str | int) -> None:
    """Tests a host of each of two trays: each flag comes once to each of eight chips, and no row is in its way."""
    specification = clock if isinstance(clock, str) else drifting(clock)
    chain = chained(visits_on(RACK, ROUTE, clock=specification))
    assert chain.flags is not None
    network, flags = chain.flags
    assert sorted(network.fabric_node[: network.chips].tolist()) == [*TRAY, *NEXT]
    hosts = list(polled_hosts(network))
    came = zip(flags.host.tolist(), network.destination[flags.bundle].tolist(), strict=True)
    assert sorted(came) == [(host, chip) for host in range(len(hosts)) for chip in range(8)]
    reads = flags.depart + network.hop_cycles[flags.bundle]
    assert int(reads.max()) == flags.branch_cycles
    assert flags.branch_cycles <= min((cycle for cycle, _ in chain.deskews[1:]), default=flags.branch_cycles)
    assert chain.pass_cycles % 252 == 0
    assert flags.void_cycles <= chain.pass_cycles < flags.void_cycles + 252
    held = [(int(link), int(depart)) for link, depart in zip(_links(network, flags), flags.depart, strict=True)]
    of_lanes = np.repeat(network.hold_cycles(1), network.lanes).tolist()
    hold = dict(zip(network.links.values.tolist(), of_lanes, strict=True))
    for layer, start in zip(chain.layers, chain.starts, strict=True):
        rows, own = layer.distinct.result.schedule.later(start), layer.problem.instance.network
        ends = rows.slot_depart + own.hold_cycles(rows.slot_vectors, rows.slot_bundle)
        for link, begin, end in zip(_links(own, rows), rows.slot_depart.tolist(), ends.tolist(), strict=True):
            assert not any(link == of and begin < at + hold[of] and at < end for of, at in held)


def _links(network: Network, slots: HostFlags | Schedule) -> list[int]:
    """Return the link of each slot."""
    bundle, lane = (slots.bundle, slots.lane) if isinstance(slots, HostFlags) else (slots.slot_bundle, slots.slot_lane)
    return [int(link) for link in network.links.values[network.links.offsets[bundle] + lane]]


def test_layers_that_begin_before_chips_branch_are_one() -> None:
    """Tests lengths of 5, 6 and 7, of which two begin before chips branch, 1 later: 12, 0 and 7."""
    chain = chained(visits_on(RACK, ROUTE))
    assert chain.flags is not None
    lead = Lead(*chain.flags, shift_cycles=1, layers=2)
    assert lead.led((5, 6, 7)) == (12, 0, 7)
    # No part begins with a length of 0.
    assert dealt_layers(lead.led((5, 6, 7)), 12) == [0, 2]


def test_flags_go_over_links_that_no_row_uses() -> None:
    """Tests chips 0, 16 and 32 of a column one after the other, 0 with host 256 and 32 with host 260.

    A vector holds a link for 27 cycles and is read 350 after it departs; a chip sends it on 50 later. Flags follow a
    row on the lane of host 256: 27 + 350 = 377 at chip 0, 427 + 350 = 777 at chips 16 and 32, the latter over link 62,
    which no layer has. Over chip 16 it would come there at 1,177.
    """
    visits = visits_on(RACK, ((0,), (16,), (32,)), clock="none")
    chain = chained(visits)
    assert chain.flags is not None
    network, flags = chain.flags
    sent = zip(flags.host.tolist(), _links(network, flags), flags.depart.tolist(), strict=True)
    ends = [(host, visits.fabric.source[link], visits.fabric.destination[link], depart) for host, link, depart in sent]
    assert ends[:3] == [(0, 256, 0, 27), (0, 0, 32, 427), (0, 0, 16, 427)]
    assert ends[3:] == [(1, 260, 32, 0), (1, 32, 0, 400), (1, 32, 16, 400)]
    assert flags.branch_cycles == 777
    of_rows = {link for one in chain.layers for link in one.problem.instance.network.links.values.tolist()}
    assert 62 in set(_links(network, flags)) - of_rows


def test_links_of_flags_alone_have_guards_of_their_own_ends() -> None:
    """Tests chips 0, 16 and 32, the first of which is the root of the tree: 16 and 32 are two edges apart.

    A residual of 2 ns counts on each edge. All links of layers cover two edges, as their class does; those between 0
    and 32, where no row goes, one edge: 2 cycles less. So do lanes of hosts.
    """
    visits = visits_on(RACK, ((0,), (16,), (32,)), clock=drifting(2000, residual_ns=2))
    kinds = kinds_of(visits.problems, visits.ways)
    assert kinds.polled is not None
    network, guards = kinds.polled.ways.network, kinds.polled.guards(kinds.guards(4000), 4000)
    nodes = network.fabric_node[network.source].tolist(), network.fabric_node[network.destination].tolist()
    of_ends = dict(zip(zip(*nodes, strict=True), guards.tolist(), strict=True))
    far = of_ends[16, 32]
    rows = {(0, 16): far, (16, 0): far, (16, 32): far, (32, 16): far, (0, 256): 0, (32, 260): 0}
    assert of_ends == rows | {(0, 32): far - 2, (32, 0): far - 2, (256, 0): far - 2, (260, 32): far - 2}
    # Guards grow with the interval.
    assert kinds.covered(4000, 2000)
    assert not kinds.covered(2000, 4000)
